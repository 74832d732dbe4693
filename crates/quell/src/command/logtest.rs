//! `quell logtest`.

use super::Failure;
use crate::cli::Logtest;

pub(super) fn run(_options: &Logtest) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
