//! Tests of the configuration as an operator meets it: a file and an environment go in, and the
//! text that `quell config` would print comes out.

mod contradictions;
mod explained;
mod values;
mod wrong_environment;
mod wrong_file;

use super::{Config, ConfigFile, FILE_BYTES_MAX, Loaded, Problem};
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// The name of the file in every test.
const FILE: &str = "quell.toml";

/// Loads a file and an environment. `/secret` is a file with a secret, `/empty` one without, and
/// `/lines` one with too many lines.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load(ConfigFile::Named(Path::new(FILE)), variables, |path| {
        match path.to_str().unwrap() {
            FILE => Ok(file.to_owned()),
            "/secret" => Ok("0123456789abcdef-hidden\n".to_owned()),
            "/empty" => Ok("\n".to_owned()),
            "/lines" => Ok("one-hidden\ntwo-hidden\n".to_owned()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    })
}

/// Loads a configuration that is valid.
fn loaded(file: &str, variables: &[(&str, &str)]) -> Loaded {
    load(file, variables).unwrap_or_else(|problems| panic!("{}", text(&problems)))
}

/// Returns what is printed for a configuration: its errors, or its warnings if there are none.
fn said(file: &str, variables: &[(&str, &str)]) -> String {
    match load(file, variables) {
        Ok(loaded) => text(&loaded.warnings),
        Err(problems) => text(&problems),
    }
}

fn text(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn usual(reader: impl Fn(&Path) -> io::Result<String>) -> Result<Loaded, Vec<Problem>> {
    let nothing: [(OsString, OsString); 0] = [];
    Config::load(ConfigFile::Usual(Path::new("/etc/quell/quell.toml")), nothing, reader)
}

#[test]
fn without_a_file_the_defaults_hold_and_nothing_is_said() {
    let absent = |_: &Path| Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
    let loaded = usual(absent).unwrap();
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.general.data_dir, Path::new("/var/lib/quell"));
    assert_eq!(loaded.config.policy.min_level, 3);
    assert!(loaded.config.models.is_empty());
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let nothing: [(OsString, OsString); 0] = [];
    let problems =
        Config::load(ConfigFile::Named(Path::new("/etc/other.toml")), nothing, |_: &Path| {
            Err(io::Error::new(io::ErrorKind::NotFound, "no such file"))
        })
        .unwrap_err();
    assert_eq!(
        text(&problems),
        "error: /etc/other.toml: there is no such file\n  \
         hint: check the path, or name no file to run with the defaults\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_an_absent_one() {
    let denied = |_: &Path| Err(io::Error::new(io::ErrorKind::PermissionDenied, "not allowed"));
    assert_eq!(
        text(&usual(denied).unwrap_err()),
        "error: /etc/quell/quell.toml: cannot read the file: not allowed\n  \
         hint: check that it is a text file which Quell's user may read\n"
    );
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let size = usize::try_from(FILE_BYTES_MAX).unwrap() + 1;
    assert_eq!(
        text(&usual(|_| Ok("#".repeat(size))).unwrap_err()),
        "error: /etc/quell/quell.toml: the file is larger than 1 MiB\n  \
         hint: name a configuration file, or take something out of this one\n"
    );
    assert!(usual(|_| Ok("#".repeat(size - 1))).is_ok());
}

#[test]
fn reading_a_real_file_is_bounded() {
    // A device without an end stands for any file that is much larger than it should be.
    let error = super::read_file(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.to_string(), "the file is larger than 1 MiB");
}
