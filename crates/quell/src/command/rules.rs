//! `quell rules`: check, test and compare rules.

mod backtest;
mod build;
mod check;
mod coverage;
mod test;
mod timeline;

use std::path::{Path, PathBuf};

use super::Failure;
use crate::cli::RulesCommand;

pub(super) fn run(command: &RulesCommand) -> Result<(), Failure> {
    match command {
        RulesCommand::Check(options) => check::run(options),
        RulesCommand::Test(options) => test::run(options),
        RulesCommand::Coverage(options) => coverage::run(options),
        RulesCommand::Backtest(options) => backtest::run(options),
        RulesCommand::Build(options) => build::run(options),
    }
}

/// Runs one file of tests, for `quell logtest --ini`.
pub(super) fn test_file(rules: &[PathBuf], file: &Path, is_json: bool) -> Result<(), Failure> {
    test::run_file(rules, file, is_json)
}
