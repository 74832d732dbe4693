//! What is said about a file with mistakes in it.

use super::{load, said};
use crate::config::problem::PROBLEMS_MAX;

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_file() {
    let file = r#"
min_level = 4
[polcy]
[policy]
min_levle = 3
min_level = 17
[intake.tial]
[[model]]
name = "a"
kind = "ollama"
url = "http://h"
"#;
    assert_eq!(
        said(file, &[("QUELL_JUDGE__REDACT", "yes")]),
        "\
error: quell.toml:2:1: unknown key `min_level`
  2 | min_level
    | ^^^^^^^^^
  hint: `min_level` belongs below `[policy]`, `[publish.wazuh]` or `[[webhook]]`
error: quell.toml:3:2: unknown section `polcy`
  3 | polcy
    | ^^^^^
  hint: did you mean `policy`
error: quell.toml:5:1: unknown key `policy.min_levle`
  5 | min_levle
    | ^^^^^^^^^
  hint: did you mean `min_level`
error: quell.toml:6:13: `policy.min_level` is `17`, which is outside 0 to 16
  6 | min_level = 17
    |             ^^
  hint: choose a number from 0 to 16
error: quell.toml:7:9: unknown section `intake.tial`
  7 | tial
    | ^^^^
  hint: did you mean `intake.tail`
error: quell.toml:8:1: `model[0].model` is missing
  8 | [[model]]
    | ^^^^^^^^^
  hint: add a line such as `model = \"qwen2.5:14b\"`
error: environment QUELL_JUDGE__REDACT: `judge.redact` is `yes`, not `true` or `false`
  hint: write `true` or `false`, without quotes
"
    );
}

/// Checks the first line that is said about one key with a wrong value, and the hint.
fn check_value(line: &str, what: &str, hint: &str) {
    let (section, pair) = line.split_once(' ').unwrap();
    let text = said(&format!("{section}\n{pair}\n"), &[]);
    let lines: Vec<&str> = text.lines().collect();
    let message = lines.first().and_then(|line| line.splitn(5, ':').nth(4)).map(str::trim);
    assert_eq!(message, Some(what), "{text}");
    assert_eq!(lines.last().unwrap().trim(), format!("hint: {hint}"), "{text}");
}

#[test]
fn each_kind_of_value_says_what_it_wants() {
    let number = "write the number alone, without quotes or a unit";
    let duration = "write a number and a unit in double quotes: `30s`, `5m`, `2h` or `7d`";
    for (line, what, hint) in [
        (
            "[policy] min_level = \"high\"",
            "`policy.min_level` is `\"high\"`, not a whole number from 0 to 16",
            number,
        ),
        (
            "[policy] min_level = 7.5",
            "`policy.min_level` is `7.5`, not a whole number from 0 to 16",
            number,
        ),
        (
            "[policy] min_level = -1",
            "`policy.min_level` is `-1`, which is outside 0 to 16",
            "choose a number from 0 to 16",
        ),
        ("[general] window_max = 24", "`general.window_max` is `24`, not a duration", duration),
        (
            "[general] window_max = \"1h30m\"",
            "`general.window_max` is `\"1h30m\"`, not a duration",
            duration,
        ),
        (
            "[general] window_max = \"5s\"",
            "`general.window_max` is `\"5s\"`, which is outside 1m to 30d",
            "choose a duration from 1m to 30d",
        ),
        (
            "[general] log_format = \"JSON\"",
            "`general.log_format` is `\"JSON\"`, not `text` or `json`",
            "did you mean `json`",
        ),
        (
            "[general] log_format = \"xml\"",
            "`general.log_format` is `\"xml\"`, not `text` or `json`",
            "write `text` or `json`",
        ),
        (
            "[general] data_dir = \"data\"",
            "`general.data_dir` is `\"data\"`, which is not an absolute path",
            "begin the path with `/`: a service has no folder of its own to start from",
        ),
        (
            "[general] data_dir = \"\"",
            "`general.data_dir` is `\"\"`, which is empty",
            "write a path",
        ),
        (
            "[general] data_dir = [\"/a\"]",
            "`general.data_dir` is a list, not a path",
            "write it in double quotes",
        ),
        (
            "[publish.wazuh] integration = \"a\\u202eb\"",
            "`publish.wazuh.integration` is `\"a\\u{202e}b\"`, which contains a control or \
             invisible character",
            "type the value again instead of pasting it",
        ),
        (
            "[judge] enabled = \"true\"",
            "`judge.enabled` is `\"true\"`, not `true` or `false`",
            "write `true` or `false`, without quotes",
        ),
    ] {
        check_value(line, what, hint);
    }
}

#[test]
fn addresses_lists_and_unknown_keys_say_what_is_wanted() {
    for (line, what, hint) in [
        (
            "[http] listen = \"localhost:9481\"",
            "`http.listen` is `\"localhost:9481\"`, not an IP address and a port",
            "write an IP address and a port, such as `127.0.0.1:9480` or `[::1]:9480`; names such \
             as `localhost` are not looked up",
        ),
        (
            "[policy] include_groups = \"web\"",
            "`policy.include_groups` is `\"web\"`, not a list",
            "write a list in square brackets, each item a text",
        ),
        (
            "[policy] include_groups = [\"web\", 5]",
            "`policy.include_groups` contains `5`, not a text",
            "write each item in double quotes",
        ),
        (
            "[policy] exclude_locations = [\" \"]",
            "`policy.exclude_locations` contains `\" \"`, which is empty",
            "take the item out",
        ),
        (
            "[policy] include_rules = [\"9-3\"]",
            "`policy.include_rules` contains `\"9-3\"`, not a rule id or a range of them",
            "write ids from 1 to 999999 as `5710` and ranges as `\"100000-100100\"`, the lower id \
             first",
        ),
        (
            "[limits] intake = 5",
            "unknown key `limits.intake`",
            "the keys of `[limits]` are `incidents_open`, `dead_letters`, `intake_queue` or \
             `outbox_messages`",
        ),
        (
            "[judge] retention = \"1d\"",
            "unknown key `judge.retention`",
            "`retention` belongs below `[general]`",
        ),
    ] {
        check_value(line, what, hint);
    }
}

#[test]
fn addresses_of_models_must_be_usable_and_may_not_hold_secrets() {
    let file = |url: &str| {
        format!("[[model]]\nname = \"a\"\nkind = \"ollama\"\nmodel = \"m\"\nurl = \"{url}\"\n")
    };
    assert_eq!(
        said(&file("127.0.0.1:11434"), &[]),
        "\
error: quell.toml:5:7: `model[0].url` is `\"127.0.0.1:11434\"`, which begins with neither \
         `http://` nor `https://`
  5 | url = \"127.0.0.1:11434\"
    |       ^^^^^^^^^^^^^^^^^
  hint: write an address such as `http://127.0.0.1:11434`
"
    );
    for private in ["http://me:hidden@host/", "https://host/?key=hidden", "ftp://a@hidden"] {
        let text = said(&file(private), &[]);
        assert!(text.starts_with("error: quell.toml:5:7: `model[0].url` is `(not shown)`"));
        assert!(!text.contains("hidden"), "{text}");
    }
}

#[test]
fn a_section_in_the_wrong_shape_is_explained() {
    assert_eq!(
        said("policy = 5\nintake = 6\nasset = [7]\n[model]\nname = \"a\"\n[[judge]]\n", &[]),
        "\
error: quell.toml:1:1: `policy` is a section and cannot be written like this
  1 | policy
    | ^^^^^^
  hint: write `[policy]` on a line of its own and the keys below it
error: quell.toml:2:1: `intake` is a section and cannot be written like this
  2 | intake
    | ^^^^^^
  hint: write `[intake...]` on a line of its own and the keys below it
error: quell.toml:3:1: `asset` is a section and cannot be written like this
  3 | asset
    | ^^^^^
  hint: write `[[asset]]` on a line of its own and the keys below it
error: quell.toml:4:2: `model` is a section and cannot be written like this
  4 | model
    | ^^^^^
  hint: write `[[model]]` on a line of its own and the keys below it
error: quell.toml:6:3: `judge` is a section and cannot be written like this
  6 | judge
    | ^^^^^
  hint: write `[judge]` on a line of its own and the keys below it
"
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let file = "[intake.http]\ntoken = \"hidden\"\ntokn = \"hidden\"\ntoken_file = \"hidden\"\n\
                [[model]]\napi_key = \"hidden\"\n[[webhook]]\nurl = \"hidden\"\n\
                [publish]\nwazuh = \"hidden\"\n[http]\nlisten = \"x\" hidden\n";
    let text = said(file, &[]);
    assert!(!text.contains("hidden"), "{text}");
    let hint = "secrets do not belong into this file: put it into a file of its own and name that \
                in `token_file`, or set QUELL_INTAKE__HTTP__TOKEN";
    assert!(text.contains(hint), "{text}");
    let inline = said("model = [{ name = \"a\", api_key = \"hidden\", kind = 5 }]\n", &[]);
    assert!(!inline.contains("hidden"), "{inline}");
    assert!(inline.contains("`model[0].url` is missing"), "{inline}");
}

#[test]
fn the_files_of_secrets_must_be_readable_and_hold_one_line() {
    let file = "[intake.http]\ntoken_file = \"/absent\"\n\
                [[webhook]]\nname = \"a\"\nurl = \"http://h/\"\nsecret_file = \"/empty\"\n\
                [[webhook]]\nname = \"b\"\nurl = \"http://h/\"\nsecret_file = \"/lines\"\n";
    let one_line = "write the secret alone, on one line";
    assert_eq!(
        said(file, &[]),
        format!(
            "\
error: quell.toml:2:14: `intake.http.token_file`: cannot read the secret in `/absent`: no such file
  2 | token_file = \"/absent\"
    |              ^^^^^^^^^
  hint: check that the file is there and that Quell's user may read it
error: quell.toml:6:15: `webhook[0].secret_file`: the secret in `/empty` is empty
  6 | secret_file = \"/empty\"
    |               ^^^^^^^^
  hint: {one_line}
error: quell.toml:10:15: `webhook[1].secret_file`: the secret in `/lines` has more than one line, \
             or a control character
  10 | secret_file = \"/lines\"
     |               ^^^^^^^^
  hint: {one_line}
"
        )
    );
}

#[test]
fn syntax_errors_are_told_with_what_surely_is_wrong_besides() {
    assert_eq!(
        said("[general]\nlog_levl = 1\ndata_dir = /x\ndata_dir = \"/y\"\n[judge\nredct = 1\n", &[]),
        "\
error: quell.toml:2:1: unknown key `general.log_levl`
  2 | log_levl
    | ^^^^^^^^
  hint: did you mean `log_level`
error: quell.toml:3:12: not valid TOML: string values must be quoted, expected literal string
  hint: put a text into double quotes; numbers, `true` and `false` stand alone
error: quell.toml:4:1: `data_dir` is given twice
  4 | data_dir
    | ^^^^^^^^
  hint: keep one of them
error: quell.toml:5:7: not valid TOML: unclosed table, expected `]`
  5 | [judge
    |       ^
  hint: see https://toml.io for the syntax; `quell config reference` has an example of each key
"
    );
}

#[test]
fn hostile_names_are_made_visible() {
    let text = said("\"a\\u001b[31m\\u202e\" = 1\n", &[]);
    assert!(text.starts_with("error: quell.toml:1:1: unknown key `a\\u{1b}[31m\\u{202e}`\n"));
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
}

#[test]
fn a_flood_of_mistakes_is_bounded() {
    let file: String = (0..5_000).map(|number| format!("key_{number} = 1\n")).collect();
    let problems = load(&file, &[]).unwrap_err();
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(
        problems.last().unwrap().to_string(),
        "error: the configuration: there are 4900 more problems than are shown\n  \
         hint: repair these first and check again"
    );
    for hostile in ["[".repeat(100_000), "a.".repeat(50_000), "\u{0}".repeat(10_000)] {
        assert!(load(&hostile, &[]).is_err());
    }
    let many = "[[asset]]\n".repeat(1_001);
    assert!(said(&many, &[]).contains("there are more than 1000 `[[asset]]`"));
}
