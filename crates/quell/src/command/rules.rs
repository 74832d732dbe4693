//! `quell rules`: check, test and compare rules.

mod backtest;
mod build;
pub(super) mod check;
mod coverage;
mod test;
mod timeline;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use alert::sanitize::shown;
use anyhow::Context as _;

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

/// Writes a file beside its place and then moves it there, so that a reader never sees half of it.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let writing = || format!("could not write `{}`", shown(&path.display().to_string(), 200));
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file_name = path.file_name().with_context(writing)?.to_string_lossy();
    let fresh = folder.join(format!(".{file_name}.{}.new", std::process::id()));
    let written = std::fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // What is left of it is of no use to anyone.
        std::fs::remove_file(&fresh).ok();
    }
    written.with_context(writing)
}
