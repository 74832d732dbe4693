//! What is said about values that are fine alone and wrong together.

use super::said;

#[test]
fn names_must_differ() {
    let file = "[[asset]]\nagent = \"a\"\n[[asset]]\nagent = \"b\"\n[[asset]]\nagent = \"a\"\n";
    assert_eq!(
        said(file, &[]),
        "\
error: quell.toml:6:9: `asset[2].agent` is `\"a\"`, which is taken by `asset[0]`
  6 | agent = \"a\"
    |         ^^^
  hint: give each its own, or take one out
"
    );
}

#[test]
fn deadlines_must_grow_as_severity_falls() {
    assert_eq!(
        said("[schedule]\ndeadline_critical = \"2h\"\n", &[("QUELL_SCHEDULE__DEADLINE_LOW", "5m")]),
        "\
error: quell.toml:2:21: `schedule.deadline_critical` is 2h, longer than `schedule.deadline_high`, \
         which is 10m
  2 | deadline_critical = \"2h\"
    |                     ^^^^
  hint: shorten the first or lengthen the second
error: environment QUELL_SCHEDULE__DEADLINE_LOW: `schedule.deadline_medium` is 1h, longer than \
         `schedule.deadline_low`, which is 5m
  hint: shorten the first or lengthen the second
"
    );
}

#[test]
fn a_value_that_could_not_be_read_contradicts_nothing() {
    let file = "[schedule]\ndeadline_critical = \"2h\"\ndeadline_high = \"soon\"\n";
    assert!(!said(file, &[]).contains("longer than"));
}

#[test]
fn after_a_syntax_error_nothing_is_compared_with_a_default() {
    let file = "[intake.http]\nenabled = true\nlisten = \"0.0.0.0:1\"\ntoken_file = /secret\n";
    let text = said(file, &[]);
    assert!(text.starts_with("error: quell.toml:4:14: not valid TOML"), "{text}");
    assert!(!text.contains("no token"), "{text}");
}

#[test]
fn times_must_fit_together() {
    assert_eq!(
        said("[general]\nretention = \"6h\"\nquiet_after = \"2d\"\n", &[]),
        "\
error: quell.toml:2:13: `general.window_max` is 24h, longer than `general.retention`, which is 6h
  2 | retention = \"6h\"
    |             ^^^^
  hint: shorten the first or lengthen the second
warning: quell.toml:3:15: `general.quiet_after` is 2d, longer than `general.window_max`, which is \
         24h
  3 | quiet_after = \"2d\"
    |               ^^^^
  hint: shorten the first or lengthen the second
"
    );
}

#[test]
fn what_is_included_may_not_be_excluded() {
    let file = "[policy]\ninclude_groups = [\"web\", \"sshd\"]\nexclude_groups = [\"sshd\"]\n\
                include_rules = [\"100-200\", 5]\nexclude_rules = [\"1-10\", \"150-300\"]\n";
    assert_eq!(
        said(file, &[]),
        "\
error: quell.toml:3:18: `policy.include_groups` and `policy.exclude_groups` both name `\"sshd\"`
  3 | exclude_groups = [\"sshd\"]
    |                  ^^^^^^^^
  hint: take it out of one of the two lists
error: quell.toml:5:17: `policy.include_rules` names 5, which `policy.exclude_rules` takes out \
         again with 1-10
  5 | exclude_rules = [\"1-10\", \"150-300\"]
    |                 ^^^^^^^^^^^^^^^^^^^
  hint: take it out of one of the two lists
"
    );
}

#[test]
fn a_listener_that_others_can_reach_needs_a_token() {
    let file = "[intake.http]\nenabled = true\nlisten = \"0.0.0.0:9480\"\n";
    let hint = "name a file in `intake.http.token_file` or set QUELL_INTAKE__HTTP__TOKEN";
    assert_eq!(
        said(file, &[]),
        format!(
            "\
error: quell.toml:3:10: `intake.http.listen` is 0.0.0.0:9480, which others can reach, and no token \
             is asked for
  3 | listen = \"0.0.0.0:9480\"
    |          ^^^^^^^^^^^^^^
  hint: {hint}
"
        )
    );
    assert_eq!(said(file, &[("QUELL_INTAKE__HTTP__TOKEN", "0123456789abcdef")]), "");
    assert_eq!(said("[intake.http]\nlisten = \"0.0.0.0:9480\"\n", &[]), "");
    assert_eq!(
        said("[intake.http]\nenabled = true\n", &[]),
        format!(
            "\
warning: quell.toml:2:11: nothing is taken over HTTP: `intake.http` has no token, and an open door \
             would let every user of this machine write evidence
  2 | enabled = true
    |           ^^^^
  hint: {hint}
"
        )
    );
}

#[test]
fn weak_guards_are_warned_about() {
    let variables = [
        ("QUELL_HTTP__LISTEN", "0.0.0.0:9481"),
        ("QUELL_INTAKE__HTTP__ENABLED", "true"),
        ("QUELL_INTAKE__HTTP__TOKEN", "short"),
    ];
    assert_eq!(
        said("", &variables),
        "\
warning: environment QUELL_INTAKE__HTTP__TOKEN: the token of `intake.http` is shorter than 16 \
         letters
  hint: make a longer one, for example with `openssl rand -hex 32`
warning: environment QUELL_HTTP__LISTEN: `http.listen` is 0.0.0.0:9481, which others can reach, \
         and its pages ask for no token
  hint: listen on 127.0.0.1, or let a firewall admit only your monitoring
"
    );
}

#[test]
fn two_listeners_need_two_ports() {
    let file =
        "[intake.http]\nenabled = true\ntoken_file = \"/secret\"\nlisten = \"127.0.0.1:9481\"\n";
    assert_eq!(
        said(file, &[]),
        "error: default of http.listen: `http.listen` and `intake.http.listen` are both \
         127.0.0.1:9481\n  hint: give one of them another port\n"
    );
    assert_eq!(said(&file.replace("9481", "0"), &[("QUELL_HTTP__LISTEN", "127.0.0.1:0")]), "");
}

#[test]
fn quell_does_not_read_its_own_output() {
    let file = "[publish.file]\nenabled = true\npath = \"/var/ossec/logs/alerts/alerts.json\"\n";
    assert_eq!(
        said(file, &[]),
        "\
error: quell.toml:3:8: `publish.file.path` is the file that `intake.tail.path` reads, so Quell \
         would read its own verdicts
  3 | path = \"/var/ossec/logs/alerts/alerts.json\"
    |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  hint: write to a file of its own
"
    );
    assert_eq!(said(file, &[("QUELL_INTAKE__TAIL__ENABLED", "false")]), "");
}

#[test]
fn a_log_is_followed_once_by_rules_that_are_found_from_anywhere() {
    let file = "[[source]]\npath = \"/var/log/x.log\"\n[[source]]\npath = \"/var/log/x.log\"\n\
                ruleset = [\"rules\"]\n[publish.file]\nenabled = true\npath = \"/out\"\n";
    assert_eq!(
        said(file, &[]),
        "\
error: quell.toml:4:8: `source[1].path` is the file that `source[0].path` reads already
  4 | path = \"/var/log/x.log\"
    |        ^^^^^^^^^^^^^^^^
  hint: take one of them out
error: quell.toml:5:11: `source[1].ruleset` has `rules`, which is no absolute path
  5 | ruleset = [\"rules\"]
    |           ^^^^^^^^^
  hint: begin it with /
"
    );
    let file = "[[source]]\npath = \"/out\"\n[publish.file]\nenabled = true\npath = \"/out\"\n";
    assert!(
        said(file, &[]).contains("`publish.file.path` is the file that `source[0].path` reads")
    );
}

#[test]
fn paths_of_sockets_and_answers_of_models_have_limits() {
    let long = format!("/{}", "s".repeat(107));
    assert_eq!(
        said("", &[("QUELL_INTAKE__HOOK__SOCKET", &long)]),
        "error: environment QUELL_INTAKE__HOOK__SOCKET: `intake.hook.socket` is 108 bytes long, \
         and a socket's path may have 107\n  hint: choose a shorter path\n"
    );
    let file = "[[model]]\nname = \"a\"\nkind = \"ollama\"\nmodel = \"m\"\nurl = \"http://h\"\n\
                max_tokens = 5_000\n";
    assert_eq!(
        said(file, &[]),
        "\
error: quell.toml:6:14: `model[0].max_tokens` is 5000, more than half of \
         `model[0].context_tokens`, which is 8192
  6 | max_tokens = 5_000
    |              ^^^^^
  hint: ask for a shorter answer
"
    );
}
