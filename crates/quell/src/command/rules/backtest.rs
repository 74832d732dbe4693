//! `quell rules backtest`.

use crate::cli::RulesBacktest;
use crate::command::Failure;

pub(super) fn run(_options: &RulesBacktest) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
