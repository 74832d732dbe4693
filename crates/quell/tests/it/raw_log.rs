//! The daemon on a raw log: it runs the rules itself, and folds and judges what they raise.

use std::io::Write as _;
use std::path::Path;

use crate::command::number;
use crate::daemon::Daemon;
use crate::detect::{DECODERS, RULES};

fn slam(path: &Path, who: &str, times: usize) {
    let mut log = std::fs::File::options().append(true).create(true).open(path).unwrap();
    for _ in 0..times {
        writeln!(log, "2024-03-05T10:00:00+00:00 hall door[7]: slammed by {who}").unwrap();
    }
}

/// A daemon that follows a log about doors.
fn doorkeeper() -> Daemon {
    let daemon = Daemon::configured("");
    let rules = daemon.path("rules.xml");
    std::fs::write(&rules, RULES).unwrap();
    std::fs::write(daemon.path("decoders.xml"), DECODERS).unwrap();
    daemon.configure(&format!(
        "[[source]]\ntype = \"log\"\npath = \"{}\"\nruleset = [\"{}\", \"{}\"]\nstart_at = \"beginning\"\n",
        daemon.path("hall.log").display(),
        daemon.path("decoders.xml").display(),
        rules.display(),
    ));
    daemon
}

/// Waits until so many alerts are folded and judged, and no more.
fn wait_for_alerts(daemon: &Daemon, count: u64) {
    let status = daemon.settled(count);
    assert_eq!(number(&status, "/alerts/accepted"), count, "{status}");
    daemon.assert_conserved();
}

#[test]
fn lines_of_a_log_become_incidents_and_none_is_read_twice_after_a_crash() {
    let mut daemon = doorkeeper();
    let log = daemon.path("hall.log");
    slam(&log, "ada", 3);
    daemon.start();
    wait_for_alerts(&daemon, 3);
    let incidents = daemon.incidents();
    assert!(incidents.iter().any(|incident| incident.to_string().contains("ada")), "{incidents:?}");
    daemon.kill();
    slam(&log, "bob", 2);
    daemon.start();
    wait_for_alerts(&daemon, 5);
    // The daemon is asked while it follows, and the log may be rotated.
    std::fs::rename(&log, daemon.path("hall.log.1")).unwrap();
    slam(&log, "cyd", 1);
    wait_for_alerts(&daemon, 6);
    assert!(daemon.page("/metrics").body.contains("quell_log_lines_total"));
    let (ended, _) = daemon.terminate();
    assert!(ended.success());
}

#[test]
fn a_log_can_be_named_on_the_command_line_and_bad_rules_keep_the_daemon_from_starting() {
    let daemon = doorkeeper();
    let log = daemon.path("hall.log").display().to_string();
    let said = daemon.quell(&["run", "--log", &log]).expect_code(2);
    assert!(said.err.contains("is followed already"), "{}", said.err);
    std::fs::write(daemon.path("rules.xml"), "<group name=\"x,\"><rule id=\"100200\"</group>")
        .unwrap();
    let said = daemon.quell(&["run"]).expect_code(2);
    assert!(said.err.contains("Wazuh would refuse"), "{}", said.err);
    let said = daemon.quell(&["run", "--ruleset", "rules"]).expect_code(2);
    assert!(said.err.contains("--log"), "{}", said.err);
}
