//! `quell config show`, the reference and the starter file.

use super::{load, loaded, said};
use crate::config::table::SECTIONS;
use crate::config::{example, reference, show, show_json};

const FILE: &str = "\
[policy]
min_level = 7
include_rules = [5710, \"100-200\"]
[intake.http]
token_file = \"/secret\"
[[webhook]]
name = \"chat\"
url = \"https://chat.example.test/hidden\"
timeout = \"90s\"
";

#[test]
fn every_value_is_shown_with_its_origin() {
    let variables = [("QUELL_JUDGE__REDACT", "false"), ("QUELL_WEBHOOK__0__SECRET", "hidden")];
    let text = show(&loaded(FILE, &variables));
    assert!(!text.contains("hidden"), "{text}");
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "# read from quell.toml",
        "log_format = \"text\" # from default",
        "min_level = 7 # from quell.toml:2",
        "include_rules = [5710, \"100-200\"] # from quell.toml:3",
        "token_file = \"/secret\" # (set, from file /secret); from quell.toml:5",
        "redact = false # from environment QUELL_JUDGE__REDACT",
        "[[webhook]]",
        "url = \"https://chat.example.test/...\" # from quell.toml:8",
        "secret_file = \"\" # (set, from environment QUELL_WEBHOOK__0__SECRET)",
        "timeout = \"90s\" # from quell.toml:9",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn what_is_shown_can_be_loaded_again() {
    let file = FILE.replace("/hidden", "");
    let first = loaded(&file, &[("QUELL_GENERAL__USER_GROUP", "a\"b\\c")]);
    let again = loaded(&show(&first), &[]);
    assert_eq!(again.config, first.config);
}

#[test]
fn a_program_can_read_what_is_shown() {
    let variables = [("QUELL_JUDGE__REDACT", "false"), ("QUELL_BANANA", "1")];
    let shown = show_json(&loaded(FILE, &variables));
    let settings = shown.get("settings").unwrap();
    assert_eq!(shown["file"], "quell.toml");
    assert_eq!(
        settings["policy.min_level"].to_string(),
        r#"{"value":7,"from":{"kind":"file","file":"quell.toml","line":2,"column":13}}"#
    );
    assert_eq!(
        settings["judge.redact"].to_string(),
        r#"{"value":false,"from":{"kind":"environment","name":"QUELL_JUDGE__REDACT"}}"#
    );
    assert_eq!(
        settings["general.window_max"].to_string(),
        r#"{"value":"24h","from":{"kind":"default"}}"#
    );
    assert_eq!(settings["intake.http.token_file"]["value"], "(set, from file /secret)");
    assert_eq!(settings["model[0].url"], serde_json::Value::Null);
    assert_eq!(shown["warnings"][0]["place"], "environment QUELL_BANANA");
    assert!(!shown.to_string().contains("hidden"));
}

#[test]
fn debug_prints_hide_secrets() {
    let loaded = loaded(FILE, &[("QUELL_WEBHOOK__0__SECRET", "hidden")]);
    assert!(!format!("{loaded:?}").contains("hidden"));
}

#[test]
fn the_reference_has_every_setting() {
    let text = reference();
    for section in SECTIONS {
        assert!(text.contains(&format!("\n## `{}`\n", section.header())));
        for setting in section.settings {
            let name = section.environment_name("N", setting.key);
            assert!(text.contains(&format!("\n### `{}.{}`\n", section.path, setting.key)));
            assert!(text.contains(&format!("- environment: `{name}`")), "{name}");
        }
    }
    assert!(text.contains(
        "\
### `policy.min_level`

The lowest Wazuh rule level, from 0 to 16, that is looked at.

- type: whole number from 0 to 16
- default: `3`
- environment: `QUELL_POLICY__MIN_LEVEL`
"
    ));
    assert!(text.contains(
        "\
- type: absolute path of a file that holds a secret
- default: `\"\"`
- empty: nothing is taken
- environment: `QUELL_INTAKE__HTTP__TOKEN_FILE`, or `QUELL_INTAKE__HTTP__TOKEN` for the secret itself
"
    ));
}

#[test]
fn the_starter_file_changes_nothing() {
    assert_eq!(loaded(&example(), &[]).config, loaded("", &[]).config);
    assert!(example().lines().all(|line| line.chars().count() <= 96));
}

#[test]
fn every_line_of_the_starter_file_can_be_uncommented() {
    let uncommented: String = example()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(said(&uncommented, &[]), "");
    let config = load(&uncommented, &[]).unwrap().config;
    let standard = loaded("", &[]).config;
    assert_eq!((config.models.len(), config.assets.len(), config.webhooks.len()), (1, 1, 1));
    assert_eq!(config.general, standard.general);
    assert_eq!(config.limits, standard.limits);
    assert_eq!(config.publish, standard.publish);
}
