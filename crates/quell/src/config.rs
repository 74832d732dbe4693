//! Quell's configuration: one TOML file, the environment over it, and defaults under it.
//!
//! An operator should be able to repair a configuration in one go and to see why a value is what
//! it is. So loading tells every problem at once, each with its place and a hint, and keeps where
//! each value came from. What can be configured is one table (`table`); everything else here works
//! along it.
//!
//! It promises never to print a secret, to bound what it reads, and that a [`Config`] is valid.
//! It leaves to others what the values mean, and whether the things they name are really there:
//! that is for `quell doctor`.

mod build;
mod check;
mod complete;
mod duration;
mod environment;
mod file;
mod private;
mod problem;
mod read;
mod reference;
mod settings;
pub(crate) mod shape;
mod show;
mod spelling;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use problem::{Problem, Severity};
pub(crate) use reference::{example, reference};
pub(crate) use shape::Config;
pub(crate) use show::{show, show_json};

use problem::{Report, Source, shown};
use settings::{Draft, Settings};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Where the configuration is when nobody names another file.
pub(crate) const DEFAULT_PATH: &str = "/etc/quell/quell.toml";

/// The largest file that is read: some ten thousand times a usual one. It also bounds the files
/// that hold secrets.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Which file to load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConfigFile<'a> {
    /// Somebody asked for this one by name, so it must be there.
    Named(&'a Path),
    /// This is the usual place. Without a file there the defaults hold.
    Usual(&'a Path),
}

/// A valid configuration, with what is needed to explain it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// The file that was read, if there was one.
    pub(crate) file: Option<String>,
    /// What somebody should look at.
    pub(crate) warnings: Vec<Problem>,
    /// Every value with its origin, for `show`.
    settings: Settings,
}

impl Config {
    /// Loads the configuration, or tells every problem that keeps it from being valid.
    ///
    /// `variables` is the environment and `reader` reads a file, which is [`read_file`] outside of
    /// tests.
    pub(crate) fn load(
        file: ConfigFile<'_>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        reader: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Loaded, Vec<Problem>> {
        let source = read_source(file, &reader).map_err(|problem| vec![problem])?;
        let mut report = Report::new(source.as_ref());
        let mut draft = Draft::default();
        if let Some(source) = &source {
            file::read_file(source, &mut draft, &mut report);
        }
        environment::read_environment(variables, &mut draft, &mut report);
        let is_partial = draft.is_partial;
        let settings = complete::complete(draft, &mut report, &reader);
        if !is_partial {
            // After a syntax error a default may stand where the file says otherwise, and a rule
            // between settings would blame the wrong one.
            check::check(&settings, &mut report);
        }
        if report.has_errors() {
            return Err(report.into_problems());
        }
        match build::build(&settings) {
            Some(config) => {
                let file = source.as_ref().map(|source| source.name().to_owned());
                Ok(Loaded { config, file, warnings: report.into_problems(), settings })
            }
            None => {
                let mut problems = report.into_problems();
                problems.push(whole_file_problem(
                    file,
                    "the table of settings and the program disagree",
                    "this is a fault of Quell: please report it with this file",
                ));
                Err(problems)
            }
        }
    }
}

/// Reads a file that may not be larger than a configuration can be.
pub(crate) fn read_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file of the largest size from a larger one.
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let what = format!("the file is not UTF-8 from byte {offset} on");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

fn read_source(
    file: ConfigFile<'_>,
    reader: &impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<Source>, Problem> {
    let (ConfigFile::Named(path) | ConfigFile::Usual(path)) = file;
    match reader(path) {
        Ok(text) if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX => {
            let hint = "name a configuration file, or take something out of this one";
            Err(whole_file_problem(file, "the file is larger than 1 MiB", hint))
        }
        Ok(text) => Ok(Some(Source::new(&path.to_string_lossy(), text))),
        Err(error) => match (file, error.kind()) {
            (ConfigFile::Usual(_), io::ErrorKind::NotFound) => Ok(None),
            (ConfigFile::Named(_), io::ErrorKind::NotFound) => {
                let hint = "check the path, or name no file to run with the defaults";
                Err(whole_file_problem(file, "there is no such file", hint))
            }
            _ => {
                let hint = "check that it is a text file which Quell's user may read";
                Err(whole_file_problem(file, &format!("cannot read the file: {error}"), hint))
            }
        },
    }
}

fn whole_file_problem(file: ConfigFile<'_>, what: &str, hint: &str) -> Problem {
    let (ConfigFile::Named(path) | ConfigFile::Usual(path)) = file;
    Problem {
        severity: Severity::Error,
        place: shown(&path.to_string_lossy()),
        what: what.to_owned(),
        hint: Some(hint.to_owned()),
        excerpt: None,
    }
}
