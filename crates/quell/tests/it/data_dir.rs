//! What a person reads when the data directory can't be used.

use crate::command::{eventually, run};
use crate::daemon::Daemon;

/// Runs a daemon that must refuse to start, and gives what it said.
#[track_caller]
fn refused(daemon: &Daemon) -> String {
    let said = daemon.quell(&["run"]).expect_code(3);
    assert_eq!(said.err.matches("error: ").count(), 1, "{}", said.err);
    assert!(said.err.contains("\nhint: "), "no hint: {}", said.err);
    said.err
}

#[test]
fn a_second_daemon_on_the_same_directory_is_refused() {
    let daemon = Daemon::started("");
    let said = refused(&daemon);
    assert!(said.contains("another quell already runs on"), "{said}");
    assert!(said.contains(daemon.path("data").to_str().unwrap()), "{said}");
    assert_eq!(daemon.page("/healthz").status, 200);
}

#[test]
fn a_data_directory_that_can_not_be_made_is_named_with_the_reason() {
    let daemon = Daemon::configured("");
    // A file where the directory should be: as unwritable as a read-only disk, also for root.
    std::fs::write(daemon.path("data"), "a file").unwrap();
    let said = daemon.quell(&["run"]).expect_code(3);
    assert!(said.err.contains(daemon.path("data").to_str().unwrap()), "{}", said.err);
    assert!(said.err.contains("exists") || said.err.contains("directory"), "{}", said.err);
    assert!(said.err.contains("hint: "), "no hint: {}", said.err);
}

#[test]
fn a_damaged_store_is_explained_and_left_as_it_is() {
    let daemon = Daemon::configured("");
    std::fs::create_dir(daemon.path("data")).unwrap();
    let garbage = b"this is no database, but it may be somebody's last hope ".repeat(200);
    std::fs::write(daemon.path("data/quell.db"), &garbage).unwrap();
    let said = refused(&daemon);
    assert!(said.contains("quell.db"), "{said}");
    assert!(said.contains("move the file aside"), "{said}");
    assert_eq!(std::fs::read(daemon.path("data/quell.db")).unwrap(), garbage);
    let said = daemon.quell(&["status"]).expect_code(3);
    assert!(said.err.contains("move the file aside"), "{}", said.err);
}

#[test]
fn a_store_damaged_in_the_middle_is_found_by_the_doctor() {
    let mut daemon = Daemon::started("");
    daemon.accept(crate::sample::flood()[..300].join("\n"));
    daemon.settled(300);
    daemon.terminate();
    let mut bytes = std::fs::read(daemon.path("data/quell.db")).unwrap();
    let pages = bytes.len() / 4096;
    for page in (4..pages).step_by(3) {
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
    }
    std::fs::write(daemon.path("data/quell.db"), bytes).unwrap();
    let said = daemon.quell(&["doctor"]).expect_code(1);
    let line = said.out.lines().find(|line| line.contains("store")).unwrap();
    assert!(line.starts_with("BAD"), "{line}");
    assert!(line.contains("aside"), "{line}");
}

#[test]
fn a_store_of_a_newer_version_is_not_touched() {
    let mut daemon = Daemon::started("");
    daemon.terminate();
    // The version of the schema stands big endian at offset 60 of SQLite's header.
    let mut bytes = std::fs::read(daemon.path("data/quell.db")).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(daemon.path("data/quell.db"), bytes).unwrap();
    let said = refused(&daemon);
    assert!(said.contains("version 99"), "{said}");
    assert!(said.contains("newer quell"), "{said}");
}

#[test]
fn a_directory_without_a_store_says_that_no_daemon_ran_there() {
    let daemon = Daemon::configured("");
    let said = daemon.quell(&["status"]);
    assert!(said.code == 1 || said.code == 3, "exit {}", said.code);
    assert!(said.err.contains(daemon.path("data").to_str().unwrap()), "{}", said.err);
    assert!(!daemon.path("data").exists(), "asking made something");
}

#[test]
fn a_key_that_is_no_key_is_explained() {
    let daemon = Daemon::configured("");
    std::fs::create_dir(daemon.path("data")).unwrap();
    std::fs::write(daemon.path("data/mark.key"), "short").unwrap();
    let said = refused(&daemon);
    assert!(said.contains("mark.key") && said.contains("32 bytes"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let daemon = Daemon::configured("");
    let _taken = std::net::TcpListener::bind(daemon.alerts).unwrap();
    let said = daemon.quell(&["run"]).expect_code(3);
    assert!(said.err.contains(&daemon.alerts.to_string()), "{}", said.err);
    assert!(said.err.contains("intake.http.listen"), "{}", said.err);
}

#[test]
fn the_data_directory_is_closed_to_strangers() {
    use std::os::unix::fs::PermissionsExt as _;
    let daemon = Daemon::started("");
    let mode =
        |name: &str| std::fs::metadata(daemon.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data") & 0o007, 0, "{:o}", mode("data"));
    assert_eq!(mode("data/mark.key"), 0o600);
    eventually("the socket is there", std::time::Duration::from_secs(5), || {
        daemon.path("hook.sock").exists().then_some(())
    });
    assert_eq!(mode("hook.sock") & 0o007, 0, "{:o}", mode("hook.sock"));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let said = run(["--config", "nowhere.toml", "run"]).expect_code(2);
    assert!(said.err.contains("nowhere.toml"), "{}", said.err);
}
