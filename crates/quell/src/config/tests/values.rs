//! Values that are right: from the file, from the environment, and from secrets' files.

use super::{load, loaded, said};
use crate::config::shape::{LogFormat, ModelKind, RuleRange, StartAt, WazuhMode};
use crate::config::table::{Kind, SECTIONS};
use std::path::Path;
use std::time::Duration;

const FULL: &str = r#"
[general]
log_format = "json"
user_group = ""
retention = "7d"

[intake]
tail = { start_at = "beginning" }
http.enabled = true
http.token_file = "/secret"

[policy]
min_level = 0x7
include_rules = [5710, "100000 - 100100", "31101"]
exclude_agents = ["web-01"]

[[asset]]
agent = "002"
note = "the shop"

[[model]]
name = "local"
kind = "ollama"
url = "http://127.0.0.1:11434"
model = "qwen2.5:14b"

[[model]]
name = "spare"
kind = "openai"
url = "https://[fd00::1]:8080/v1"
model = "m"
api_key_file = "/secret"
max_tokens = 1_000

[publish.wazuh]
mode = "file"

[[webhook]]
name = "chat"
url = "https://chat.example.test/key"

[http]
listen = ""
"#;

#[test]
fn a_file_becomes_typed_values() {
    let config = loaded(FULL, &[]).config;
    assert_eq!(config.general.log_format, LogFormat::Json);
    assert_eq!(config.general.user_group, None);
    assert_eq!(config.general.retention, Duration::from_secs(7 * 86_400));
    assert_eq!(config.intake.tail.start_at, StartAt::Beginning);
    let token = config.intake.http.token.unwrap();
    assert_eq!(token.reveal(), "0123456789abcdef-hidden");
    assert_eq!(config.policy.min_level, 7);
    assert_eq!(
        config.policy.include_rules,
        [
            RuleRange { first: 5710, last: 5710 },
            RuleRange { first: 100_000, last: 100_100 },
            RuleRange { first: 31_101, last: 31_101 },
        ]
    );
    assert_eq!(config.assets[0].note.as_deref(), Some("the shop"));
    assert_eq!(config.assets[0].weight, 5);
    assert_eq!(config.models[0].kind, ModelKind::Ollama);
    assert_eq!(config.models[0].api_key, None);
    assert_eq!(config.models[1].kind, ModelKind::OpenAi);
    assert_eq!(config.models[1].max_tokens, 1_000);
    assert!(config.models[1].api_key.is_some());
    assert_eq!(config.publish.wazuh.mode, WazuhMode::File);
    assert_eq!(config.webhooks[0].url.as_str(), "https://chat.example.test/key");
    assert_eq!(config.http.listen, None);
}

#[test]
fn the_environment_replaces_the_file_and_the_defaults() {
    let config = loaded(
        FULL,
        &[
            ("QUELL_POLICY__MIN_LEVEL", "12"),
            ("QUELL_POLICY__INCLUDE_GROUPS", "web, sshd"),
            ("QUELL_POLICY__INCLUDE_RULES", "1-5,7"),
            ("QUELL_POLICY__EXCLUDE_AGENTS", ""),
            ("QUELL_JUDGE__REDACT", "false"),
            ("QUELL_MODEL__1__TIMEOUT", "90s"),
            ("QUELL_INTAKE__TAIL__PATH", "/alerts.json"),
            ("QUELL_HTTP__LISTEN", "[::1]:1"),
        ],
    )
    .config;
    assert_eq!(config.policy.min_level, 12);
    assert_eq!(config.policy.include_groups, ["web", "sshd"]);
    assert_eq!(
        config.policy.include_rules,
        [RuleRange { first: 1, last: 5 }, RuleRange { first: 7, last: 7 }]
    );
    assert!(config.policy.exclude_agents.is_empty());
    assert!(!config.judge.redact);
    assert_eq!(config.models[1].timeout, Duration::from_secs(90));
    assert_eq!(config.models[0].timeout, Duration::from_secs(120));
    assert_eq!(config.intake.tail.path, Path::new("/alerts.json"));
    assert_eq!(config.http.listen, Some("[::1]:1".parse().unwrap()));
}

#[test]
fn the_environment_alone_can_add_a_model_with_its_key() {
    let config = loaded(
        "",
        &[
            ("QUELL_MODEL__0__URL", "http://10.0.0.5:8080"),
            ("QUELL_MODEL__0__NAME", "far"),
            ("QUELL_MODEL__0__KIND", "openai"),
            ("QUELL_MODEL__0__MODEL", "m"),
            ("QUELL_MODEL__0__API_KEY", "key"),
        ],
    )
    .config;
    assert_eq!(config.models[0].name, "far");
    assert_eq!(config.models[0].api_key.as_ref().unwrap().reveal(), "key");
}

#[test]
fn a_secret_in_the_environment_wins_over_its_file() {
    let file = "[intake.http]\ntoken_file = \"/absent\"\n";
    let config = loaded(file, &[("QUELL_INTAKE__HTTP__TOKEN", "from the environment")]).config;
    assert_eq!(config.intake.http.token.unwrap().reveal(), "from the environment");
}

#[test]
fn names_for_other_parts_and_for_orchestrators_are_left_alone() {
    let variables = [
        ("QUELL_CONFIG", "/x"),
        ("QUELL_LOG", "debug"),
        ("QUELL_HOOK_SOCKET", "/s"),
        ("QUELL_SPOOL_DIR", "/d"),
        ("QUELL_SERVICE_HOST", "10.0.0.1"),
        ("QUELL_HTTP_SERVICE_PORT_METRICS", "9481"),
        ("QUELL_HTTP_PORT_9481_TCP_ADDR", "10.0.0.1"),
        ("QUELL_PORT", "tcp://10.0.0.1:9481"),
        ("PATH", "/bin"),
    ];
    assert_eq!(said("", &variables), "");
}

#[test]
fn every_word_of_every_choice_is_understood() {
    for section in SECTIONS.iter().filter(|section| !section.repeated) {
        for setting in section.settings {
            let Kind::Choice(words) = setting.kind else { continue };
            for word in words {
                let file = format!("[{}]\n{} = \"{word}\"\n", section.path, setting.key);
                assert!(load(&file, &[]).is_ok(), "{file}");
            }
        }
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let config = loaded("\u{feff}[policy]\r\nmin_level = 9\r\n", &[]).config;
    assert_eq!(config.policy.min_level, 9);
}
