//! `quell detect`.

use super::Failure;
use crate::cli::Detect;

pub(super) fn run(_options: &Detect) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
