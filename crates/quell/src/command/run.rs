//! `quell run`: logging, metrics, the runtime, and then the daemon.

use std::path::Path;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use super::{Failure, Talk, load};
use crate::config::shape::LogFormat;
use crate::config::{Config, Loaded};
use crate::{daemon, operations};

pub(super) fn run(file: Option<&Path>) -> Result<(), Failure> {
    let loaded = load(file)?;
    log_to_stderr(&loaded.config)?;
    operations::record()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let reload = || -> Option<Loaded> {
        match load(file) {
            Ok(loaded) => Some(loaded),
            Err(failure) => {
                Talk::error(&failure);
                tracing::error!("the configuration is not valid, the one before stays in force");
                None
            }
        }
    };
    runtime.block_on(daemon::run(loaded, reload))?;
    Ok(())
}

/// Writes structured logs to stderr, where systemd's journal takes them.
fn log_to_stderr(config: &Config) -> Result<(), Failure> {
    let filter = match std::env::var("QUELL_LOG") {
        Ok(filter) => EnvFilter::try_new(&filter).map_err(|error| {
            Failure::usage(format!(
                "`QUELL_LOG` is `{filter}`: {error}\nhint: try `info` or `quell=debug`"
            ))
        })?,
        Err(_) => EnvFilter::new(config.general.log_level),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let started = match config.general.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("could not start to log: {error}").into())
}
