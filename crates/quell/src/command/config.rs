//! `quell config`: is it right, what is in force and why, and what is there to set.

use std::path::Path;

use super::{Failure, Talk, load, print};
use crate::cli::ConfigCommand;
use crate::config;

pub(super) fn run(file: Option<&Path>, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => {
            let loaded = load(file)?;
            let source = loaded.file.as_deref().unwrap_or("no file, the defaults");
            Talk::say(&format!(
                "the configuration is valid ({source}, {} warnings)",
                loaded.warnings.len()
            ));
            Ok(())
        }
        ConfigCommand::Show(output) if output.json => {
            Ok(print(&config::show_json(&load(file)?).to_string())?)
        }
        ConfigCommand::Show(_) => Ok(print(&config::show(&load(file)?))?),
        ConfigCommand::Reference => Ok(print(&config::reference())?),
        ConfigCommand::Example => Ok(print(&config::example())?),
    }
}
