//! `quell rules check`.

use crate::cli::RulesCheck;
use crate::command::Failure;

pub(super) fn run(_options: &RulesCheck) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
