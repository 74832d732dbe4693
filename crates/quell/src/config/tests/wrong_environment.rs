//! What is said about mistakes in the environment.

use super::said;
use crate::config::{Config, ConfigFile};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

#[test]
fn mistyped_names_are_errors_with_a_guess() {
    for (name, guess) in [
        ("QUELL_POLICY__MIN_LEVLE", "did you mean QUELL_POLICY__MIN_LEVEL"),
        ("QUELL_POLICY_MIN_LEVEL", "did you mean QUELL_POLICY__MIN_LEVEL"),
        ("QUELL_POLCY__MIN_LEVEL", "did you mean QUELL_POLICY__MIN_LEVEL"),
        ("QUELL_Policy__Min_Level", "did you mean QUELL_POLICY__MIN_LEVEL"),
        ("QUELL_MODEL_0_URL", "did you mean QUELL_MODEL__0__URL"),
        ("QUELL_MODEL__URL", "did you mean QUELL_MODEL__0__URL"),
        ("QUELL_MODEL__01__URL", "did you mean QUELL_MODEL__1__URL"),
        ("QUELL_INTAKE__HTTP__TOKN", "did you mean QUELL_INTAKE__HTTP__TOKEN"),
        ("QUELL_SCHEDULE__SOMETHING_ELSE", "`quell config reference` lists every name"),
        ("QUELL_NOBODY__KNOWS", "`quell config reference` lists every name"),
        ("QUELL_POLICY", "`quell config reference` lists every name"),
    ] {
        let expected = format!("error: environment {name}: unknown setting\n  hint: {guess}\n");
        assert_eq!(said("", &[(name, "hidden")]), expected);
    }
}

#[test]
fn a_name_that_may_be_somebody_elses_is_only_warned_about() {
    assert_eq!(
        said("", &[("QUELL_BANANA", "1")]),
        "warning: environment QUELL_BANANA: not a setting of Quell, and ignored\n  \
         hint: `quell config reference` lists every name\n"
    );
}

#[test]
fn wrong_values_name_the_variable() {
    assert_eq!(
        said(
            "",
            &[
                ("QUELL_GENERAL__WINDOW_MAX", "24"),
                ("QUELL_INTAKE__HTTP__TOKEN", "hidden\nhidden"),
                ("QUELL_POLICY__INCLUDE_RULES", "5,x"),
                ("QUELL_POLICY__MIN_LEVEL", "\u{1b}[31m"),
            ]
        ),
        "\
error: environment QUELL_GENERAL__WINDOW_MAX: `general.window_max` is `24`, not a duration
  hint: write a number and a unit: `30s`, `5m`, `2h` or `7d`
error: environment QUELL_INTAKE__HTTP__TOKEN: the secret has more than one line, or a control \
         character
  hint: set it to the secret, or unset it and use `intake.http.token_file`
error: environment QUELL_POLICY__INCLUDE_RULES: `policy.include_rules` contains `x`, not a rule \
         id or a range of them
  hint: write ids from 1 to 999999 as `5710` and ranges as `\"100000-100100\"`, the lower id first
error: environment QUELL_POLICY__MIN_LEVEL: `policy.min_level` is `\\u{1b}[31m`, not a whole \
         number from 0 to 16
  hint: write the number alone, without quotes or a unit
"
    );
}

#[test]
fn tables_are_numbered_without_gaps() {
    assert_eq!(
        said("", &[("QUELL_ASSET__1__AGENT", "a")]),
        "error: environment QUELL_ASSET__1__AGENT: there is no `[[asset]]` number 1\n  \
         hint: number the tables from 0\n"
    );
    assert_eq!(
        said("[[asset]]\nagent = \"a\"\n", &[("QUELL_ASSET__2__AGENT", "b")]),
        "error: environment QUELL_ASSET__2__AGENT: there is no `[[asset]]` number 2\n  \
         hint: use a number from 0 to 1; 1 adds a table\n"
    );
}

#[test]
fn what_a_table_of_the_environment_lacks_is_named_as_a_variable() {
    assert_eq!(
        said("", &[("QUELL_WEBHOOK__0__NAME", "a")]),
        "error: environment QUELL_WEBHOOK__0__NAME: `webhook[0].url` is missing\n  \
         hint: set QUELL_WEBHOOK__0__URL too\n"
    );
}

#[test]
fn a_value_that_is_not_text_is_an_error() {
    let variables = [
        (OsString::from("QUELL_POLICY__MIN_LEVEL"), OsString::from_vec(vec![0xff])),
        (OsString::from_vec(vec![0xff]), OsString::new()),
    ];
    let file = ConfigFile::Named(Path::new("q.toml"));
    let problems = Config::load(file, variables, |_| Ok(String::new())).unwrap_err();
    assert_eq!(
        super::text(&problems),
        "error: environment QUELL_POLICY__MIN_LEVEL: the value is not UTF-8\n  \
         hint: set it again as UTF-8, or write it into the file\n"
    );
}
