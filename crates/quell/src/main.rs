//! `quell`: reads the command line, does one thing, and says how it went by its exit code.

mod cli;
mod command;
mod config;
mod daemon;
mod desk;
mod detector;
mod event;
mod home;
mod listener;
mod logfile;
mod operations;
mod panel;
mod publish;
mod rulebook;
mod setup;
mod stage;
mod standing;

use std::process::ExitCode;

use clap::Parser as _;

use crate::command::{Failure, Talk};

/// Alerts are read on some threads and let go of on others, some dozens of pieces of memory each. The allocator of the C library takes a
/// sixth of the time of a flood for that, this one a third of it (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors.
            let code = if error.use_stderr() { Failure::USAGE } else { 0 };
            error.print().ok();
            return ExitCode::from(code);
        }
    };
    match command::dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            Talk::error(&failure);
            ExitCode::from(failure.code)
        }
    }
}
