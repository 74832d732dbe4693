//! Overload in the open: more asks for verdicts than a slow model can give, and everybody is told what is late, by how much, and what
//! the playbook judged in the meantime. When the model has caught up, they are told that too.

use std::time::Duration;

use serde_json::Value;

use crate::command::{eventually, number};
use crate::daemon::Daemon;
use crate::fake_model::{FakeModel, Manner};
use crate::sample;

/// How long a step may take on a loaded machine.
const STEP_MAX: Duration = Duration::from_secs(120);

/// Machines and sources of the flood. Their product is more than the daemon looks at for one decision, and each source has fewer
/// incidents than its budget of calls.
const HOSTS: usize = 15;
const SOURCES: usize = 40;

/// A daemon with a model that says nothing until it is released.
fn overloaded() -> (Daemon, FakeModel) {
    let model = FakeModel::start(Manner::Held);
    let config = format!(
        "[judge]\ncalls_per_minute = 10000\n[schedule]\ndeadline_critical = \"1s\"\ndeadline_high = \"1s\"\n\
         [[model]]\nname = \"slow\"\nkind = \"openai\"\nurl = \"http://{}\"\nmodel = \"fake\"\ntimeout = \"200s\"\n",
        model.address
    );
    (Daemon::started(&config), model)
}

/// What each source of the flood asks each machine for, with success as far as the answer tells: nothing that the playbook could judge for good.
const ATTACK: &str = "/products?id=1%27%20UNION%20SELECT%20name,password%20FROM%20users--%20";

/// One attack of each source on each machine: as many incidents, all of them serious.
fn flood() -> String {
    let alerts: Vec<Value> = (0..HOSTS * SOURCES)
        .map(|at| {
            let (host, source) = (at / SOURCES, at % SOURCES);
            let id = format!("1795530360.{at}");
            // Each in words of its own: the same request with the same answer would be one thing.
            let attack = format!("{ATTACK}{source}");
            let source = format!("203.0.113.{source}");
            let mut alert = sample::request(&id, &source, &attack, 200, ("31103", 7));
            alert["agent"]["id"] = format!("{host:03}").into();
            alert["agent"]["name"] = format!("web{host:02}").into();
            alert
        })
        .collect();
    sample::lines(&alerts)
}

/// Gives the value of a metric.
fn metric(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_flood_at_a_slow_model_is_told_of_everywhere_and_so_is_its_end() {
    let (daemon, model) = overloaded();
    daemon.accept(flood());
    let all = (HOSTS * SOURCES) as u64;
    eventually("the model is asked", STEP_MAX, || (model.asked() > 0).then_some(()));
    // One more comes while the model is busy, and will be: the playbook judges it at once.
    daemon.accept(
        sample::request("1795530360.9999", "198.51.100.7", ATTACK, 200, ("31103", 7)).to_string(),
    );
    // Each of them has a verdict at once, whatever the model does, and however many wait.
    let status = eventually("the playbook stands in for all but one", STEP_MAX, || {
        let status = daemon.status();
        let (meanwhile, late) = (
            number(&status, "/overload/judged_meanwhile"),
            number(&status, "/overload/past_deadline"),
        );
        (meanwhile == all && late == all + 1).then_some(status)
    });
    assert_eq!(number(&status, "/overload/waiting"), all, "{status}");
    assert_eq!(number(&status, "/overload/unjudged"), 1, "{status}");
    assert!(number(&status, "/overload/oldest_s") >= 1, "{status}");
    assert_eq!(status["overload"]["is_delayed"], true);
    assert_eq!(number(&status, "/store/interim_verdicts"), all);
    let rows = status["queue"]["by_severity"].as_array().unwrap();
    let high = rows.iter().find(|row| row["severity"] == "high").unwrap();
    assert_eq!(number(high, "/jobs"), all + 1);
    assert_eq!(status["models"][0]["state"], "judging");
    assert_eq!(status["models"][0]["running"].as_array().unwrap().len(), 1);
    assert_eq!(status["sources"][0]["route"], "http");
    assert_eq!(number(&status, "/sources/0/alerts"), all + 1);
    let last_at = status["sources"][0]["last_at"].as_str().unwrap();
    assert!(last_at.starts_with("20") && last_at.ends_with('Z'), "as every other time: {last_at}");
    tells_people(&daemon);
    tells_machines(&daemon, all);
    tells_with_the_verdict(&daemon, all);

    model.release();
    let status = eventually("the model has caught up", STEP_MAX, || {
        let status = daemon.status();
        (number(&status, "/queue/jobs") == 0).then_some(status)
    });
    assert_eq!(status["overload"]["is_delayed"], false, "{status}");
    assert_eq!(status["overload"]["text"], "nothing waits for a verdict");
    assert_eq!(number(&status, "/store/model_verdicts"), all + 1);
    assert!(daemon.quell(&["status"]).out.contains("queue     nothing waits for a verdict"));
    let top = daemon.quell(&["top", "--once"]).expect_code(0).out;
    assert!(top.contains("ON TIME  nothing waits for a verdict"), "{top}");
    eventually("the metrics say so", STEP_MAX, || {
        let page = daemon.page("/metrics").body;
        let is_done = |name| metric(&page, name) == Some(0.0);
        (is_done("quell_backlog_interim_incidents{severity=\"high\"}")
            && is_done("quell_backlog_overdue_incidents{severity=\"high\"}")
            && is_done("quell_backlog_age_seconds{severity=\"high\"}")
            && is_done("quell_model_running_cases{backend=\"slow\"}"))
        .then_some(())
    });
    let event = eventually("the model's verdicts are told of", STEP_MAX, || {
        let events = daemon.published("verdicts.ndjson");
        (events.len() as u64 == 2 * all + 1).then(|| events.last().cloned().unwrap())
    });
    assert_eq!(event["quell"]["pending"], "false");
    assert_eq!(event["quell"].get("backlog_incidents"), None);
    assert!(event["quell"]["waited_s"].as_str().unwrap().parse::<u64>().unwrap() >= 1);
    daemon.assert_conserved();
}

fn tells_people(daemon: &Daemon) {
    let said = daemon.quell(&["status"]).expect_code(0).out;
    for part in [
        "delayed   600 incidents wait for a model, 1 more is being judged, the oldest for ",
        "; 601 past deadline; 600 judged by the playbook meanwhile; 1 judged by nobody yet",
        "high     601, 601 past deadline, 600 judged by the playbook meanwhile",
        "model     slow: judging 1 of 1 at a time, the longest for ",
        "600 of them in the meantime",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    let top = daemon.quell(&["top", "--once"]).expect_code(0).out;
    for part in [
        "LATE     600 incidents wait for a model",
        "slow (fake) judging 1/1 for ",
        "adds up  601 folded",
    ] {
        assert!(top.contains(part), "{part} is not in:\n{top}");
    }
}

fn tells_machines(daemon: &Daemon, all: u64) {
    let count = |count: u64| f64::from(u32::try_from(count).unwrap());
    eventually("the metrics say so", STEP_MAX, || {
        let page = daemon.page("/metrics").body;
        let of = |name: &str| metric(&page, &format!("quell_backlog_{name}{{severity=\"high\"}}"));
        (of("incidents") == Some(count(all + 1))
            && of("interim_incidents") == Some(count(all))
            && of("unjudged_incidents") == Some(1.0)
            && of("overdue_incidents") == Some(count(all + 1))
            && of("age_seconds").is_some_and(|age| age >= 1.0)
            && metric(&page, "quell_backlog_incidents{severity=\"critical\"}") == Some(0.0)
            && metric(&page, "quell_model_running_cases{backend=\"slow\"}") == Some(1.0))
        .then_some(())
    });
}

fn tells_with_the_verdict(daemon: &Daemon, all: u64) {
    let events = eventually("the playbook's verdicts are told of", STEP_MAX, || {
        Some(daemon.published("verdicts.ndjson")).filter(|events| events.len() as u64 == all)
    });
    let text = |event: &Value, name: &str| event["quell"][name].as_str().unwrap().to_owned();
    for event in &events {
        assert_eq!(text(event, "pending"), "true", "{event}");
        assert!(text(event, "pending_reason").starts_with("all models are busy"), "{event}");
        let behind: u64 = text(event, "backlog_incidents").parse().unwrap();
        assert!((1..=all).contains(&behind), "{event}");
        assert!(text(event, "backlog_s").parse::<u64>().is_ok(), "{event}");
        assert!(text(event, "waited_s").parse::<u64>().is_ok(), "{event}");
    }
    let id = text(&events[events.len() - 1], "incident_id");
    let page = daemon.quell(&["incidents", "show", &id]).expect_code(0).out;
    for part in
        ["the playbook judged in the meantime: all models are busy", "the models were behind: "]
    {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    let incident = daemon.incident(&id);
    let verdict = &incident["verdicts"][0];
    assert!(number(verdict, "/backlog/incidents") >= 1, "{incident}");
    assert!(verdict["asked_at"].is_string(), "{incident}");
}
