//! `quell run`: logging, metrics, the runtime, and then the daemon.

use std::path::Path;
use std::sync::Arc;

use alert::sanitize::shown;
use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use super::{Failure, Talk, load};
use crate::cli::Run;
use crate::config::shape::{LogFormat, LogSource, StartAt};
use crate::config::{Config, Loaded};
use crate::stage::detect::RuledLog;
use crate::{daemon, operations, rulebook};

pub(super) fn run(file: Option<&Path>, options: &Run) -> Result<(), Failure> {
    let loaded = load(file)?;
    let logs = logs(&loaded.config, options)?;
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
    runtime.block_on(daemon::run(loaded, logs, reload))?;
    Ok(())
}

/// Gives the logs to follow with their rules, which are loaded before anything starts.
fn logs(config: &Config, options: &Run) -> Result<Vec<RuledLog>, Failure> {
    if options.log.is_empty() && !options.ruleset.ruleset.is_empty() {
        return Err(Failure::usage(
            "--ruleset says nothing without --log\nhint: name a log, or put rulesets into the configuration's sources",
        ));
    }
    let mut sources = config.sources.clone();
    for path in &options.log {
        let path = std::path::absolute(path)?;
        let tail = &config.intake.tail;
        if sources.iter().any(|source| source.path == path) || (tail.enabled && tail.path == path) {
            return Err(Failure::usage(format!(
                "`{}` is followed already\nhint: take --log out, or the file out of the configuration",
                shown(&path.display().to_string(), 200)
            )));
        }
        let ruleset = options.ruleset.ruleset.clone();
        sources.push(LogSource { path, ruleset, location: None, start_at: StartAt::End });
    }
    let mut logs: Vec<RuledLog> = Vec::new();
    for source in sources {
        // Several logs with the same rules share one copy of them.
        let known = logs.iter().find(|log| log.source.ruleset == source.ruleset);
        let ruleset = match known {
            Some(known) => Arc::clone(&known.ruleset),
            None => rulebook::load(&source.ruleset)?
                .usable()
                .map_err(|error| Failure::usage(error.to_string()))?,
        };
        logs.push(RuledLog { source, ruleset });
    }
    Ok(logs)
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
