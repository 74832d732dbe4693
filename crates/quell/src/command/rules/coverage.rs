//! `quell rules coverage`.

use crate::cli::RulesCoverage;
use crate::command::Failure;

pub(super) fn run(_options: &RulesCoverage) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
