//! The doors for alerts: three ways in that count an alert once, and what happens to bytes that are no alert.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::command::{eventually, number};
use crate::daemon::Daemon;
use crate::http;
use crate::sample;

#[test]
fn an_alert_that_comes_by_tail_http_and_hook_counts_once() {
    let daemon = Daemon::started("");
    let alert = sample::login_failure("1795530360.77", "203.0.113.7", "db01").to_string();
    daemon.accept(&alert);
    assert!(Daemon::hand_over(&daemon.path("hook.sock"), format!("{alert}\n").as_bytes()).unwrap());
    let mut followed =
        std::fs::File::options().append(true).open(daemon.path("alerts.json")).unwrap();
    followed.write_all(format!("{alert}\n").as_bytes()).unwrap();
    let status = daemon.settled(3);
    assert_eq!(number(&status, "/alerts/folded"), 1);
    assert_eq!(number(&status, "/alerts/duplicate"), 2);
    assert_eq!(daemon.incidents().len(), 1);
    daemon.assert_conserved();
}

#[test]
fn an_alert_in_the_spool_is_taken_up() {
    let mut daemon = Daemon::configured("");
    let spool = daemon.path("spool");
    daemon.start();
    daemon.terminate();
    let Some(hook) = hook() else { return };
    let alert = daemon.path("one.alert");
    std::fs::write(
        &alert,
        sample::login_failure("1795530360.78", "203.0.113.8", "db01").to_string(),
    )
    .unwrap();
    let handed = Command::new(hook)
        .args([alert.as_os_str(), "".as_ref(), "".as_ref()])
        .env("QUELL_HOOK_SOCKET", daemon.path("hook.sock"))
        .env("QUELL_SPOOL_DIR", &spool)
        .status()
        .unwrap();
    assert!(handed.success());
    daemon.start();
    let status = daemon.settled(1);
    assert_eq!(number(&status, "/alerts/folded"), 1);
}

/// Finds the hook, if it was built beside the program.
fn hook() -> Option<std::path::PathBuf> {
    let beside = std::path::Path::new(env!("CARGO_BIN_EXE_quell")).with_file_name("custom-quell");
    if !beside.exists() {
        eprintln!("SKIPPED: the hook was not built beside the program");
        return None;
    }
    Some(beside)
}

#[test]
fn a_request_with_a_bad_line_is_refused_as_a_whole_and_the_line_is_named() {
    let daemon = Daemon::started("");
    let good = sample::login_failure("1795530360.1", "203.0.113.7", "db01");
    let answer = daemon.post(format!("{good}\n{{\"rule\":\n")).unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("line 2"), "{}", answer.body);
    assert!(answer.body.contains("hint"), "{}", answer.body);
    assert_eq!(number(&daemon.status(), "/alerts/accepted"), 0);
}

#[test]
fn who_does_not_know_the_token_gets_nothing_in() {
    let daemon = Daemon::started("");
    let alert = sample::login_failure("1795530360.1", "203.0.113.7", "db01").to_string();
    for token in [None, Some("wrong"), Some("")] {
        let answer =
            http::send(daemon.alerts, "POST", "/api/v1/alerts", token, alert.as_bytes()).unwrap();
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    assert_eq!(number(&daemon.status(), "/alerts/accepted"), 0);
}

#[test]
fn hostile_bytes_become_dead_letters_or_refusals_and_the_daemon_stays() {
    let mut daemon = Daemon::started("");
    let mut expected_malformed = 0;
    let mut accepted = 0;
    // Who can write a log line can choose its depth and width: that must not keep the alert from being judged.
    let deep = format!(
        "{{\"rule\":{{\"id\":\"1\",\"level\":5}},\"data\":{}1{}}}",
        "{\"a\":".repeat(500),
        "}".repeat(500)
    );
    let wide = format!(
        "{{\"rule\":{{\"id\":\"1\",\"level\":5}},\"data\":{{{}}}}}",
        (0..5_000).map(|at| format!("\"k{at}\":1")).collect::<Vec<_>>().join(",")
    );
    let brackets = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    for body in [deep, wide] {
        daemon.accept(&body);
        accepted += 1;
        let status = daemon.settled(accepted);
        assert_eq!(
            number(&status, "/alerts/folded"),
            accepted,
            "{}",
            body.get(..60).unwrap_or(&body)
        );
    }
    for body in [
        brackets,
        r#"{"no":"rule"}"#.to_owned(),
        r#"{"rule":{"id":"1","level":"high"}}"#.to_owned(),
    ] {
        daemon.accept(&body);
        accepted += 1;
        expected_malformed += 1;
        let status = daemon.settled(accepted);
        assert_eq!(
            number(&status, "/alerts/malformed"),
            expected_malformed,
            "{}",
            body.get(..60).unwrap_or(&body)
        );
    }
    // Invalid UTF-8 does not make an alert worthless: who writes it into a log line must not get away with it.
    let mut alert =
        sample::login_failure("1795530360.9", "203.0.113.9", "db01").to_string().into_bytes();
    let at = alert.windows(5).position(|window| window == b"admin").unwrap();
    alert[at] = 0xff;
    daemon.accept(&alert);
    let long = sample::request(
        "1795530361.1",
        "203.0.113.9",
        &format!("/{}", "x".repeat(1 << 20)),
        404,
        ("31101", 5),
    )
    .to_string();
    assert_eq!(daemon.post(&long).unwrap().status, 413);
    assert_eq!(daemon.post(vec![b'{'; 17 << 20]).unwrap().status, 413);
    assert_eq!(daemon.post("").unwrap().status, 400);
    assert_eq!(daemon.post(b"\x1f\x8b\xff\xff").unwrap().status, 400);
    let status = daemon.settled(accepted + 1);
    // The deep one, the wide one, and the one with a byte that is no text.
    assert_eq!(number(&status, "/alerts/folded"), 3);
    assert_eq!(number(&status, "/store/dead_letters"), expected_malformed);
    assert!(daemon.is_alive());
    assert_eq!(daemon.page("/healthz").status, 200);
    daemon.assert_conserved();
}

#[test]
fn a_half_line_in_the_followed_file_is_waited_for() {
    let daemon = Daemon::started("");
    let alert = sample::login_failure("1795530360.5", "203.0.113.5", "db01").to_string();
    let (first, second) = alert.split_at(alert.len() / 2);
    let mut followed =
        std::fs::File::options().append(true).open(daemon.path("alerts.json")).unwrap();
    followed.write_all(first.as_bytes()).unwrap();
    // Another alert by another door, so that there is something to wait for.
    daemon.accept(sample::login_failure("1795530360.6", "203.0.113.6", "db01").to_string());
    assert_eq!(number(&daemon.settled(1), "/alerts/malformed"), 0);
    followed.write_all(format!("{second}\n").as_bytes()).unwrap();
    let status = daemon.settled(2);
    assert_eq!(number(&status, "/alerts/folded"), 2);
}

#[test]
fn a_bad_line_in_the_followed_file_is_kept_as_a_dead_letter_and_passed() {
    let daemon = Daemon::started("");
    let alert = sample::login_failure("1795530360.5", "203.0.113.5", "db01");
    std::fs::write(daemon.path("alerts.json"), format!("not json at all\n{alert}\n")).unwrap();
    let status = daemon.settled(2);
    assert_eq!(number(&status, "/alerts/malformed"), 1);
    assert_eq!(number(&status, "/alerts/folded"), 1);
    let ids: Vec<Value> = daemon.incidents();
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_group_that_is_not_there_is_told_of_only_where_a_door_is_a_groups() {
    for (hook, is_told) in [("", true), ("enabled = false\n", false)] {
        let mut daemon = Daemon::configured("");
        let config = std::fs::read_to_string(daemon.config()).unwrap();
        let config = config
            .replacen("user_group = \"\"", "user_group = \"no-such-group\"", 1)
            .replacen("[intake.hook]\n", &format!("[intake.hook]\n{hook}"), 1);
        std::fs::write(daemon.config(), config).unwrap();
        daemon.spawn();
        eventually("it is ready", Duration::from_secs(30), || {
            http::send(daemon.pages, "GET", "/readyz", None, b"")
                .is_ok_and(|answer| answer.status == 200)
                .then_some(())
        });
        assert_eq!(daemon.log().contains("there is no such group"), is_told, "{}", daemon.log());
    }
}
