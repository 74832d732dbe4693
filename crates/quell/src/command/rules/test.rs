//! `quell rules test`.

use crate::cli::RulesTest;
use crate::command::Failure;

pub(super) fn run(_options: &RulesTest) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
