//! `cargo xtask`: the checks and measurements that cargo itself does not have.
//!
//! `tidy` reads the tracked files and the crate graph, `deny` reads the lock file's graph,
//! `bench` measures the promises about time and memory, `conformance` compares the rule engine
//! with recordings of Wazuh, `score-rules` counts what the rules find in labelled requests, and
//! `weaken-rules` asks whether the tests of the rules notice a weaker rule. None of them needs the
//! network, and none changes a file. Exit codes are those of `quell`: 0 fine, 1 the answer is no,
//! 2 usage, 3 the environment lacks something.
//!
//! Building, testing and formatting stay with cargo and the Makefile.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "xtask talks to a person")]

mod bench;
mod checkout;
mod conformance;
mod deny;
mod finding;
mod intake;
mod score;
mod throughput;
mod tidy;
mod weaken;

use std::fmt;
use std::process::ExitCode;

use checkout::Checkout;

const USAGE: &str = "usage: xtask tidy
       xtask deny
       xtask bench hook [--runs N] [--hook PATH] [--python PATH]
       xtask bench intake [--alerts N] [--sources N] [--agents N] [--quiet PERCENT] [--goals]
                          [--quell PATH]
       xtask bench rules [--wazuh PATH] [--seconds N] [--only flood14k|visits|mixed]
       xtask conformance PATH [--feature NAME] [--case NAME] [--verbose]
       xtask score-rules PATH [--ruleset DIR]... [--form apache|nginx|gunicorn|django]
                         [--misses [CLASS]] [--misnamed [CLASS]] [--false-alarms] [--rules]
                         [--markdown] [--cost] [--if-present]
       xtask score-rules --cost [--steps] [--ruleset DIR]...
       xtask score-rules --help
       xtask weaken-rules [--stock PATH] [--only ID,ID] [--words]";

/// What a check or a measurement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Everything is as it should be.
    Fine,
    /// It is not, and the output says what.
    No,
}

/// A command line that can't be obeyed, as opposed to one that failed.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match obey(&words) {
        Ok(Answer::Fine) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) if error.is::<Usage>() => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn obey(words: &[&str]) -> anyhow::Result<Answer> {
    match words {
        ["tidy"] => tidy::tidy(&Checkout::find()?),
        ["deny"] => deny::deny(&Checkout::find()?),
        ["bench", "hook", options @ ..] => {
            let options = bench::Options::parse(options)?;
            bench::hook(&Checkout::find()?, &options)
        }
        ["bench", "intake", options @ ..] => {
            let options = intake::Options::parse(options)?;
            intake::run(&options)
        }
        ["bench", "rules", options @ ..] => {
            throughput::run(&Checkout::find()?, &throughput::Options::parse(options)?)
        }
        ["score-rules", options @ ..] => {
            score::run(&Checkout::find()?, &score::Options::parse(options)?)
        }
        ["weaken-rules", options @ ..] => {
            weaken::run(&Checkout::find()?, &weaken::Options::parse(options)?)
        }
        ["conformance", options @ ..] => conformance::run(&conformance::Options::parse(options)?),
        [] => Err(Usage("say what to do".to_owned()).into()),
        other => Err(Usage(format!("don't know how to `{}`", other.join(" "))).into()),
    }
}
