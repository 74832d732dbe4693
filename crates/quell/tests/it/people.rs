//! What people do with incidents from a terminal, against a running daemon.

use std::time::Duration;

use serde_json::Value;

use crate::command::{eventually, number};
use crate::daemon::Daemon;
use crate::sample;

const SOURCE: &str = "203.0.113.66";

/// One of many requests for a page that is not there: a stale link, and one incident.
fn probe(at: usize) -> Value {
    sample::request(&format!("1795530360.{at}"), SOURCE, "/old/page", 404, ("31101", 5))
}

fn with_one_incident() -> (Daemon, String) {
    let daemon = Daemon::started("");
    daemon.accept(sample::lines(&[probe(1), probe(2)]));
    daemon.settled(2);
    let incidents = daemon.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    let id = incidents[0]["incident_id"].as_str().unwrap().to_owned();
    (daemon, id)
}

fn state(daemon: &Daemon, id: &str) -> String {
    daemon.incident(id)["incident"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_closed_incident_stays_closed_on_more_of_the_same_and_opens_on_worse() {
    let (daemon, id) = with_one_incident();
    let said =
        daemon.quell(&["incidents", "close", &id, "--note", "our own scanner"]).expect_code(0);
    assert!(said.err.contains("done: close"), "{}", said.err);
    assert_eq!(state(&daemon, &id), "closed");
    let revision = number(&daemon.incident(&id), "/incident/revision");
    // Enough of them that growth alone would have asked again.
    daemon.accept(sample::lines(&(3..400).map(probe).collect::<Vec<_>>()));
    daemon.settled(399);
    let page = daemon.incident(&id);
    assert_eq!(page["incident"]["state"], "closed");
    assert_eq!(number(&page, "/incident/revision"), revision);
    assert_eq!(number(&page, "/incident/alert_count"), 399, "repeats still count");
    let worse = sample::request("1795530361.1", SOURCE, "/old/page", 404, ("31101", 10));
    daemon.accept(worse.to_string());
    daemon.settled(400);
    let page = daemon.incident(&id);
    assert_eq!(page["incident"]["state"], "open", "{}", page["incident"]);
    assert!(number(&page, "/incident/revision") > revision);
}

#[test]
fn a_note_is_kept_with_who_wrote_it() {
    let (daemon, id) = with_one_incident();
    daemon.quell(&["incidents", "note", &id, "asked the owner \u{1b}[31mof web01"]).expect_code(0);
    let page = daemon.incident(&id);
    assert!(
        page["notes"][0]["text"].as_str().unwrap().contains("asked the owner"),
        "{}",
        page["notes"]
    );
    assert!(!page["notes"][0]["who"].as_str().unwrap().is_empty());
    let shown = daemon.quell(&["incidents", "show", &id]).expect_code(0);
    assert!(shown.out.contains("asked the owner"), "{}", shown.out);
    assert!(!shown.out.contains('\u{1b}'), "a note must not drive the terminal");
    daemon.quell(&["incidents", "note", &id, "  "]).expect_code(2);
}

#[test]
fn a_new_verdict_comes_when_a_person_asks_for_one() {
    let (daemon, id) = with_one_incident();
    let before = daemon.incident(&id)["verdicts"].as_array().unwrap().len();
    daemon.quell(&["incidents", "judge", &id]).expect_code(0);
    eventually("the new verdict", Duration::from_secs(20), || {
        (daemon.incident(&id)["verdicts"].as_array().unwrap().len() == before + 1).then_some(())
    });
    let status = daemon.settled(2);
    assert_eq!(number(&status, "/queue/jobs"), 0);
    let keys: Vec<Value> = daemon
        .published("verdicts.ndjson")
        .iter()
        .map(|event| event["quell"]["key"].clone())
        .collect();
    assert_eq!(keys.len(), before + 1, "{keys:?}");
}

#[test]
fn reopening_undoes_closing() {
    let (daemon, id) = with_one_incident();
    daemon.quell(&["incidents", "close", &id]).expect_code(0);
    daemon.quell(&["incidents", "reopen", &id]).expect_code(0);
    assert_eq!(state(&daemon, &id), "open");
}

#[test]
fn a_close_survives_a_crash_that_follows_it() {
    let (mut daemon, id) = with_one_incident();
    daemon.quell(&["incidents", "close", &id]).expect_code(0);
    daemon.kill();
    daemon.start();
    daemon.accept(probe(3).to_string());
    daemon.settled(3);
    assert_eq!(state(&daemon, &id), "closed");
}

#[test]
fn an_incident_from_before_a_restart_becomes_quiet_in_its_time() {
    let mut daemon = Daemon::started("");
    let mut alert = probe(1);
    alert["timestamp"] = sample::time(Duration::from_secs(300)).into();
    daemon.accept(alert.to_string());
    daemon.settled(1);
    let id = daemon.incidents()[0]["incident_id"].as_str().unwrap().to_owned();
    assert_eq!(state(&daemon, &id), "open");
    daemon.terminate();
    // Instead of waiting for half an hour: five minutes are long enough now.
    let config = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(
        daemon.config(),
        config.replacen("[general]\n", "[general]\nquiet_after = \"1m\"\n", 1),
    )
    .unwrap();
    daemon.start();
    eventually("the incident is quiet", Duration::from_secs(10), || {
        (state(&daemon, &id) == "quiet").then_some(())
    });
}

#[test]
fn what_is_asked_of_a_daemon_that_is_down_is_done_when_it_runs() {
    let (mut daemon, id) = with_one_incident();
    daemon.terminate();
    let said = daemon.quell(&["incidents", "close", &id]).expect_code(0);
    assert!(said.err.contains("does it when it runs"), "{}", said.err);
    daemon.start();
    eventually("the request is applied", Duration::from_secs(10), || {
        (state(&daemon, &id) == "closed").then_some(())
    });
}

#[test]
fn an_incident_is_found_by_the_beginning_of_its_name() {
    let (daemon, id) = with_one_incident();
    let shown = daemon.quell(&["incidents", "show", id.get(..20).unwrap()]).expect_code(0);
    assert!(shown.out.contains(&id), "{}", shown.out);
    for nobody in ["Q-1999", "'; DROP TABLE incident", "%", "_"] {
        let said = daemon.quell(&["incidents", "show", nobody]).expect_code(1);
        assert!(said.err.contains("no incident"), "{}", said.err);
    }
}

#[test]
fn the_alerts_of_an_incident_come_back_byte_by_byte() {
    let daemon = Daemon::started("");
    // As senders write them: blanks, an escape, an order of members of their own.
    let sent: Vec<String> = (0..300)
        .map(|at| {
            let plain = probe(at).to_string();
            format!("{{ \"own\":\"\\u001b[31m {at}\" , {}", plain.strip_prefix('{').unwrap())
        })
        .collect();
    daemon.accept(sent.join("\n"));
    daemon.settled(300);
    let id = daemon.incidents()[0]["incident_id"].as_str().unwrap().to_owned();
    let said = daemon.quell(&["incidents", "show", &id, "--alerts", "--limit", "0"]).expect_code(0);
    assert_eq!(said.out, format!("{}\n", sent.join("\n")));
    assert_eq!(said.err, "");
    let said = daemon.quell(&["incidents", "show", &id, "--alerts"]).expect_code(0);
    assert_eq!(said.out.lines().collect::<Vec<_>>(), sent[200..]);
    assert!(said.err.contains("the newest 100 of 300 alerts"), "{}", said.err);
    daemon.quell(&["incidents", "show", &id, "--limit", "3"]).expect_code(2);
}

#[test]
fn lists_can_be_narrowed() {
    let (daemon, id) = with_one_incident();
    daemon.accept(
        sample::request(
            "1795530370.1",
            "203.0.113.77",
            "/item/?id=1%27%20OR%20%271%27=%271",
            200,
            ("31106", 6),
        )
        .to_string(),
    );
    daemon.settled(3);
    let list = |arguments: &[&str]| -> usize {
        let mut all = vec!["incidents", "list", "--json"];
        all.extend(arguments);
        daemon.quell(&all).expect_code(0).lines().len()
    };
    assert_eq!(list(&[]), 2);
    assert_eq!(list(&["--actor", "203.0.113.77"]), 1);
    assert_eq!(list(&["--level", "5"]), 1);
    assert_eq!(list(&["--limit", "1"]), 1);
    assert_eq!(list(&["--state", "closed"]), 0);
    for (limit, is_cut) in [("1", true), ("2", false), ("0", false)] {
        let said = daemon.quell(&["incidents", "list", "--limit", limit]).expect_code(0);
        assert_eq!(said.err.contains("there are more than these 1"), is_cut, "{}", said.err);
    }
    let table = daemon.quell(&["incidents", "list"]).expect_code(0).out;
    assert!(table.contains(&id) && table.contains("203.0.113.77"), "{table}");
    let first = table.lines().nth(2).unwrap();
    assert!(first.contains("203.0.113.77"), "the most dangerous comes first:\n{table}");
}

#[test]
fn status_says_by_its_exit_code_whether_a_daemon_runs() {
    let (mut daemon, _) = with_one_incident();
    let said = daemon.quell(&["status"]).expect_code(0);
    assert!(
        said.out.contains("runs as process")
            && said.out.contains("2 accepted = 2 folded")
            && said.out.ends_with(": 1 incident\n"),
        "{}",
        said.out
    );
    // A daemon that is killed can't say goodbye, and its word is seconds old. The lock went with it.
    daemon.kill();
    let said = daemon.quell(&["status"]).expect_code(1);
    assert!(said.out.contains("does not run"), "{}", said.out);
    let said = daemon.quell(&["top", "--once"]).expect_code(1);
    assert!(said.out.contains("it died"), "{}", said.out);
    daemon.start();
    eventually("status says that it runs again", Duration::from_secs(10), || {
        (daemon.quell(&["status"]).code == 0).then_some(())
    });
    daemon.terminate();
    let said = daemon.quell(&["status"]).expect_code(1);
    assert!(said.out.contains("does not run"), "{}", said.out);
}

#[test]
fn what_people_did_is_in_an_audit_log_whose_chain_holds() {
    let (daemon, id) = with_one_incident();
    daemon.quell(&["incidents", "close", &id, "--note", "mine"]).expect_code(0);
    daemon.quell(&["incidents", "reopen", &id]).expect_code(0);
    daemon.quell(&["incidents", "note", &id, "later"]).expect_code(0);
    let said = daemon.quell(&["doctor"]);
    assert!(said.out.contains("audit chain of 3 lines holds"), "{}", said.out);
    assert!(
        said.out.contains("ok    source http ") && said.out.contains(", with a token"),
        "{}",
        said.out
    );
}
