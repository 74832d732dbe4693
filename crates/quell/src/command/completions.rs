//! `quell completions` and `quell man`: made from the command line's own description, so they can't drift.

use clap::CommandFactory as _;

use super::print;
use crate::cli::Cli;

pub(super) fn completions(shell: clap_complete::Shell) -> std::io::Result<()> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "quell", &mut out);
    print(&String::from_utf8_lossy(&out))
}

pub(super) fn man() -> std::io::Result<()> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut out)?;
    print(&String::from_utf8_lossy(&out))
}
