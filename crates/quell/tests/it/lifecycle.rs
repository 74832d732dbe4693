//! Starting, ending and changing a daemon under load, and the pages that watch over it.

use std::time::Duration;

use crate::command::{eventually, number, repository};
use crate::daemon::Daemon;
use crate::sample;

/// systemd kills after 30 s; the daemon must be well before that.
const DRAIN_MAX: Duration = Duration::from_secs(25);

#[test]
fn sigterm_drains_and_ends_with_code_0() {
    let mut daemon = Daemon::started("");
    let alerts = sample::flood();
    daemon.accept(alerts[..2_000].join("\n"));
    let (ended, took) = daemon.terminate();
    assert_eq!(ended.code(), Some(0), "{}", daemon.log());
    assert!(took < DRAIN_MAX, "it took {} s", took.as_secs());
    assert_eq!(number(&daemon.status(), "/alerts/accepted"), 2_000);
    daemon.assert_conserved();
    assert!(
        !daemon.path("hook.sock").exists(),
        "a hook would knock at a socket that nobody serves"
    );
}

#[test]
fn sigterm_ends_in_time_although_clients_hang_in_the_middle_of_a_request() {
    use std::io::Write as _;
    let mut daemon = Daemon::started("");
    let hanging = [daemon.alerts, daemon.pages].map(|address| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /api/v1/alerts HTTP/1.1\r\nhost: x\r\ncontent-le").unwrap();
        stream
    });
    let mut body = std::net::TcpStream::connect(daemon.alerts).unwrap();
    let token = crate::daemon::TOKEN;
    body.write_all(
        format!("POST /api/v1/alerts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 500\r\n\r\n{{").as_bytes(),
    )
    .unwrap();
    let hook = std::os::unix::net::UnixStream::connect(daemon.path("hook.sock")).unwrap();
    let (ended, took) = daemon.terminate();
    assert_eq!(ended.code(), Some(0), "{}", daemon.log());
    assert!(took < DRAIN_MAX, "it took {} s\n{}", took.as_secs(), daemon.log());
    drop((hanging, body, hook));
}

#[test]
fn a_sink_that_can_not_be_written_gets_everything_once_it_can() {
    let mut daemon = Daemon::configured("");
    let config = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(daemon.config(), config.replace("verdicts.ndjson", "later/verdicts.ndjson"))
        .unwrap();
    daemon.start();
    daemon.accept(sample::flood()[..300].join("\n"));
    eventually("the failure is told", Duration::from_secs(20), || {
        daemon.log().contains("could not be sent").then_some(())
    });
    eventually("the failure is counted", Duration::from_secs(10), || {
        let failed = "quell_messages_total{sink=\"file\",result=\"failed\"}";
        daemon.page("/metrics").body.contains(failed).then_some(())
    });
    std::fs::create_dir(daemon.path("later")).unwrap();
    let status = daemon.settled(300);
    let told = daemon.published("later/verdicts.ndjson").len() as u64;
    assert_eq!(told, number(&status, "/store/playbook_verdicts"));
    // The other sink did not wait for it.
    assert_eq!(daemon.published("wazuh.json").len() as u64, told);
}

#[test]
fn a_rotated_sink_file_is_written_anew_and_nothing_is_told_twice() {
    let daemon = Daemon::started("");
    daemon.accept(sample::flood()[..300].join("\n"));
    daemon.settled(300);
    std::fs::rename(daemon.path("verdicts.ndjson"), daemon.path("verdicts.ndjson.1")).unwrap();
    daemon.accept(sample::flood()[300..4_000].join("\n"));
    let status = daemon.settled(4_000);
    let mut keys: Vec<String> = ["verdicts.ndjson", "verdicts.ndjson.1"]
        .iter()
        .flat_map(|file| daemon.published(file))
        .map(|event| event["quell"]["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.len() as u64, number(&status, "/store/playbook_verdicts"));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len() as u64, number(&status, "/store/playbook_verdicts"));
}

#[test]
fn what_was_not_done_before_the_end_is_done_after_the_next_start() {
    let mut daemon = Daemon::started("");
    daemon.accept(sample::flood()[..1_000].join("\n"));
    daemon.terminate();
    daemon.start();
    let status = daemon.settled(1_000);
    assert_eq!(number(&status, "/alerts/folded"), 1_000);
    let told = daemon.published("verdicts.ndjson").len() as u64;
    assert_eq!(told, number(&status, "/store/playbook_verdicts"));
}

#[test]
fn an_interrupt_ends_it_as_well() {
    let mut daemon = Daemon::started("");
    daemon.signal("INT");
    eventually("it ends", DRAIN_MAX, || (!daemon.is_alive()).then_some(()));
}

#[test]
fn a_hang_up_applies_a_changed_policy_and_loses_nothing() {
    let daemon = Daemon::started("");
    let low = |at: usize| {
        sample::login_failure(&format!("1795530360.{at}"), "203.0.113.4", "db01").to_string()
    };
    daemon.accept(low(1));
    daemon.settled(1);
    daemon.configure("[policy]\nmin_level = 6\n");
    daemon.signal("HUP");
    eventually("the policy is applied", Duration::from_secs(10), || {
        daemon.log().contains("were read again").then_some(())
    });
    daemon.accept(low(2));
    let status = daemon.settled(2);
    assert_eq!(number(&status, "/alerts/below_policy"), 1, "{status}");
    assert_eq!(number(&status, "/alerts/folded"), 1);
    // What is wrong changes nothing, and is said.
    daemon.configure("[policy]\nmin_level = 66\n");
    daemon.signal("HUP");
    eventually("the mistake is told", Duration::from_secs(10), || {
        daemon.log().contains("stays in force").then_some(())
    });
    // The commands below read the same file.
    daemon.configure("[policy]\nmin_level = 6\n");
    daemon.accept(low(3));
    assert_eq!(number(&daemon.settled(3), "/alerts/below_policy"), 2);
    // The incident from before the change goes on, in the same row.
    daemon.configure("");
    daemon.signal("HUP");
    eventually("the policy is applied", Duration::from_secs(10), || {
        (daemon.log().matches("were read again").count() == 2).then_some(())
    });
    daemon.accept(low(4));
    let status = daemon.settled(4);
    assert_eq!((number(&status, "/alerts/folded"), number(&status, "/store/incidents")), (2, 1));
}

/// Reads the names in the table of metrics. A program has no library to ask, so its source is read.
fn names() -> Vec<String> {
    let source = std::fs::read_to_string(repository("crates/quell/src/event.rs")).unwrap();
    let table =
        source.split("const METRICS").nth(1).and_then(|rest| rest.split("];").next()).unwrap();
    // Every other piece between quotation marks is a text; the names among them have no blank.
    table
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("quell_") && !text.contains(' '))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_metrics_page_has_the_metrics_that_are_documented_and_no_others() {
    let daemon = Daemon::started("");
    daemon.accept(sample::flood()[..300].join("\n"));
    daemon.settled(300);
    let page = eventually("the gauges are set", Duration::from_secs(10), || {
        Some(daemon.page("/metrics").body).filter(|page| page.contains("quell_outbox_messages"))
    });
    let names = names();
    assert!(names.len() >= 15, "{names:?}");
    // These have a value from the first traffic on; the others only once something went wrong, or with a model.
    for name in [
        "quell_alerts_total",
        "quell_intake_batch_seconds",
        "quell_intake_queue_deliveries",
        "quell_verdicts_total",
        "quell_verdict_age_seconds",
        "quell_queue_jobs",
        "quell_queue_age_seconds",
        "quell_messages_total",
        "quell_outbox_messages",
        "quell_incidents_in_memory",
        "quell_limit",
    ] {
        assert!(names.iter().any(|known| known == name), "{name} is not in the table");
        assert!(
            page.lines().any(|line| line.starts_with(&format!("# HELP {name} "))),
            "{name} has no help:\n{page}"
        );
        assert!(page.lines().any(|line| line.starts_with(name)), "{name} has no value:\n{page}");
    }
    for line in page.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(names.iter().any(|known| known == name), "{name} is not in the table");
    }
    // Here no model is asked; what the playbook takes must not count into what a model takes.
    let is_told = |line: &str| {
        line.starts_with("quell_verdict_age_seconds") && line.contains("analyst=\"playbook\"")
    };
    assert!(page.lines().any(is_told), "{page}");
    let accepted = page
        .lines()
        .find(|line| line.starts_with("quell_alerts_total{result=\"accepted\"}"))
        .unwrap();
    assert!(accepted.ends_with(" 300"), "{accepted}");
    assert!(!page.contains("127.0.0.1 -"), "metrics must hold nothing from alerts");
}

#[test]
fn the_health_pages_answer() {
    let daemon = Daemon::started("");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(daemon.page(path).status, 200, "{path}");
    }
    assert_eq!(daemon.page("/nothing").status, 404);
}

#[test]
fn a_rotated_alert_file_is_followed() {
    use std::io::Write as _;
    let daemon = Daemon::started("");
    let alert = |at: usize| {
        sample::login_failure(&format!("1795530360.{at}"), "203.0.113.4", "db01").to_string()
    };
    let write = |name: &str, line: String| {
        let mut file =
            std::fs::File::options().append(true).create(true).open(daemon.path(name)).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    };
    write("alerts.json", alert(1));
    daemon.settled(1);
    std::fs::rename(daemon.path("alerts.json"), daemon.path("alerts.json.1")).unwrap();
    write("alerts.json.1", alert(2));
    write("alerts.json", alert(3));
    let status = daemon.settled(3);
    assert_eq!((number(&status, "/alerts/folded"), number(&status, "/alerts/duplicate")), (3, 0));
}

#[test]
fn a_sink_that_takes_nothing_or_is_gone_is_told_of_with_what_to_do() {
    let mut daemon = Daemon::configured("[limits]\noutbox_messages = 1\n");
    // No file can be written in its place.
    std::fs::create_dir(daemon.path("verdicts.ndjson")).unwrap();

    daemon.start();
    // More than are written out for one attempt.
    daemon.accept(sample::lines(&sample::login_failures(90)));
    let said = eventually("they wait for the file", Duration::from_secs(30), || {
        let said = daemon.quell(&["status"]);
        said.out.contains("file: 0 sent, 90 waiting (").then_some(said)
    });
    assert!(said.out.contains(" of them by their name alone)"), "{}", said.out);
    assert!(
        said.out.contains("`quell doctor` says what keeps it from taking them"),
        "{}",
        said.out
    );
    let said = daemon.quell(&["doctor"]).expect_code(1);
    assert!(said.out.contains("BAD   outbox file"), "{}", said.out);
    daemon.terminate();
    let config = std::fs::read_to_string(daemon.config()).unwrap();
    let without =
        config.replacen("[publish.file]\nenabled = true", "[publish.file]\nenabled = false", 1);
    assert_ne!(config, without);
    std::fs::write(daemon.config(), without).unwrap();
    let said = daemon.quell(&["status"]).expect_code(1);
    assert!(
        said.out.contains(
            "it is not configured any more: what waits is given up after `general.retention`"
        ),
        "{}",
        said.out
    );
    let said = daemon.quell(&["doctor"]);
    assert!(said.out.contains("note  outbox file"), "{}", said.out);
}
