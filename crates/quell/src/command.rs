//! The commands. Each file is one; what they share is here: failures with exit codes, talk on stderr, the configuration.

mod completions;
mod config;
mod demo;
mod detect;
mod doctor;
mod incidents;
mod logtest;
mod look;
mod offline;
mod rules;
mod run;
mod show;
pub(crate) mod simulate;
mod status;
mod top;
mod triage;

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigFile, DEFAULT_PATH, Loaded, Problem, read_file};

/// Why a command did not end well, and with which exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// What to say; empty if everything was said.
    pub(crate) message: String,
}

impl Failure {
    /// The answer is no.
    pub(crate) const NO: u8 = 1;
    /// Usage or configuration.
    pub(crate) const USAGE: u8 = 2;
    /// Can't reach, can't open.
    pub(crate) const ENVIRONMENT: u8 = 3;

    /// The answer is no, and was said.
    pub(crate) const fn no() -> Self {
        Self { code: Self::NO, message: String::new() }
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: Self::USAGE, message: message.into() }
    }
}

/// Everything that a command can't help is the environment's.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // A reader that closed its end (`quell ... | head`) has what it wanted.
        let is_broken_pipe = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
        if is_broken_pipe {
            return Self { code: 0, message: String::new() };
        }
        Self { code: Self::ENVIRONMENT, message: explained(&error) }
    }
}

/// Tells an error with its causes on one line, and what to try on lines of their own.
fn explained(error: &anyhow::Error) -> String {
    let mut causes = Vec::new();
    let mut hints = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let (said, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        causes.push(said.to_owned());
        if !hint.is_empty() {
            hints.push_str("\nhint: ");
            hints.push_str(hint);
        }
    }
    format!("{}{hints}", causes.join(": "))
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Self { code: Self::ENVIRONMENT, message: format!("{error}\nhint: {}", error.hint()) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        anyhow::Error::new(error).into()
    }
}

/// Talk on stderr.
pub(crate) struct Talk;

impl Talk {
    /// Says what went wrong.
    pub(crate) fn error(failure: &Failure) {
        if !failure.message.is_empty() {
            Self::say(&format!("error: {}", failure.message));
        }
    }

    /// Says something.
    pub(crate) fn say(text: &str) {
        // Whoever reads it may be gone, and `eprintln!` would panic then.
        writeln!(std::io::stderr(), "{text}").ok();
    }

    /// Tells whether a person reads along, so that progress is worth drawing.
    pub(crate) fn is_watched() -> bool {
        std::io::stderr().is_terminal()
    }
}

/// Writes a result to stdout.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut write = || {
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    // The kind stays: a reader that closed its end is no failure.
    write().map_err(|error| {
        std::io::Error::new(error.kind(), format!("could not write to standard output: {error}"))
    })
}

/// Does what the command line says.
pub(crate) fn dispatch(cli: Cli) -> Result<(), Failure> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Run(options) => run::run(file, &options),
        Command::Demo(options) => demo::run(file, &options),
        Command::Triage(options) => triage::run(file, &options),
        Command::Simulate(options) => simulate::run(file, &options),
        Command::Detect(options) => detect::run(&options),
        Command::Logtest(options) => logtest::run(&options),
        Command::Rules(command) => rules::run(&command),
        Command::Status(output) => status::run(file, output.json),
        Command::Top(options) => top::run(file, &options),
        Command::Incidents(command) => incidents::run(file, &command),
        Command::Config(command) => config::run(file, &command),
        Command::Doctor(options) => doctor::run(file, &options),
        Command::Completions { shell } => completions::completions(shell).map_err(Failure::from),
        Command::Man => completions::man().map_err(Failure::from),
    }
}

/// Loads the configuration, telling all problems and warnings on stderr.
pub(crate) fn load(file: Option<&Path>) -> Result<Loaded, Failure> {
    let usual = Path::new(DEFAULT_PATH);
    let file = file.map_or(ConfigFile::Usual(usual), ConfigFile::Named);
    match Config::load(file, std::env::vars_os(), read_file) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|problem| Talk::say(&problem.to_string()));
            Ok(loaded)
        }
        Err(problems) => Err(refused(&problems)),
    }
}

fn refused(problems: &[Problem]) -> Failure {
    problems.iter().for_each(|problem| Talk::say(&problem.to_string()));
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == crate::config::Severity::Error)
        .count();
    let plural = if errors == 1 { "" } else { "s" };
    Failure::usage(format!(
        "the configuration has {errors} error{plural}\nhint: `quell config reference` explains every setting"
    ))
}
