//! Models: no prompt leaves the site, and whatever a model server does, every incident has a verdict that says how it came about.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, eventually, number, run};
use crate::daemon::Daemon;
use crate::fake_model::{FakeModel, Manner};
use crate::sample;

/// A directory with three alerts in it, and a configuration.
struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        std::fs::write(
            dir.path().join("quell.toml"),
            format!("[general]\ndata_dir = \"{}\"\nuser_group = \"\"\n{config}", data.display()),
        )
        .unwrap();
        let alerts: Vec<Value> = (1..4)
            .map(|at| {
                sample::request(
                    &format!("1795530360.{at}"),
                    "203.0.113.9",
                    "/item/?id=1%27%20OR%20%271%27=%271",
                    500,
                    ("31106", 6),
                )
            })
            .collect();
        std::fs::write(dir.path().join("alerts.json"), sample::lines(&alerts)).unwrap();
        Self { dir }
    }

    fn with_model(kind: &str, address: &str) -> Self {
        Self::new(&format!(
            "[[model]]\nname = \"m\"\nkind = \"{kind}\"\nurl = \"http://{address}\"\nmodel = \"fake\"\ntimeout = \"2s\"\n"
        ))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn quell(&self, arguments: &[&str]) -> Said {
        let config = self.path("quell.toml");
        let mut all = vec!["--config", config.to_str().unwrap()];
        all.extend(arguments);
        run(all)
    }

    /// Judges the three alerts and gives the incidents and the summary.
    fn judged(&self) -> (Vec<Value>, Value, String) {
        let said = self
            .quell(&["triage", self.path("alerts.json").to_str().unwrap(), "--json"])
            .expect_code(0);
        let mut incidents = said.lines();
        let summary = incidents.pop().unwrap()["summary"].clone();
        (incidents, summary, said.err)
    }
}

/// Requires a verdict by the playbook that tells why no model gave it.
fn falls_back(manner: Manner, why: &[&str]) {
    let server = FakeModel::start(manner);
    let scene = Scene::with_model("openai", &server.address.to_string());
    let begun = Instant::now();
    let (incidents, summary, said) = scene.judged();
    assert!(server.asked() > 0, "{manner:?}: the model was not even asked: {said}");
    assert_eq!(number(&summary, "/playbook_verdicts"), incidents.len() as u64);
    assert_eq!(number(&summary, "/model_verdicts"), 0);
    for incident in &incidents {
        let verdict = &incident["verdict"];
        assert_eq!(verdict["analyst"], "playbook");
        let failures = verdict["cost"]["failures"].to_string();
        assert!(why.iter().any(|why| failures.contains(why)), "{manner:?}: {failures}");
        assert!(failures.len() < 3_000, "{manner:?}: failures are bounded: {}", failures.len());
        assert!(!verdict["playbook_reason"].as_str().unwrap().is_empty());
        assert!(number(verdict, "/cost/calls") >= 1);
        assert_eq!(verdict["class"], "sql_injection");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{manner:?} took {} s",
        begun.elapsed().as_secs()
    );
}

#[test]
fn a_model_that_answers_in_prose_is_asked_once_more_and_then_the_playbook_judges() {
    falls_back(Manner::Prose, &["could not be used"]);
}

#[test]
fn a_model_that_stops_in_the_middle_of_its_answer_is_no_judge() {
    falls_back(Manner::HalfJson, &["could not be used"]);
}

#[test]
fn a_server_that_breaks_off_its_reply_is_no_judge() {
    falls_back(Manner::HalfReply, &["could not reach", "could not read"]);
}

#[test]
fn a_server_that_sends_a_hundred_megabytes_is_cut_off() {
    falls_back(Manner::Endless, &["larger than"]);
}

#[test]
fn a_server_that_says_nothing_is_left_after_the_timeout() {
    falls_back(Manner::Silent, &["no answer within 2 s"]);
}

#[test]
fn a_server_that_hangs_up_is_no_judge() {
    falls_back(Manner::Reset, &["could not reach"]);
}

#[test]
fn a_server_that_fails_is_no_judge() {
    falls_back(Manner::Failing, &["status 500"]);
}

#[test]
fn a_server_that_speaks_something_else_is_no_judge() {
    falls_back(Manner::NotHttp, &["could not reach", "could not read"]);
}

#[test]
fn a_public_address_is_refused_by_the_doctor_without_a_connection() {
    for kind in ["ollama", "openai"] {
        let scene = Scene::with_model(kind, "8.8.8.8:11434");
        let begun = Instant::now();
        let said = scene.quell(&["doctor"]).expect_code(1);
        let line = said
            .out
            .lines()
            .find(|line| line.contains("model m"))
            .unwrap_or_else(|| panic!("{}", said.out));
        assert!(line.starts_with("BAD") && line.contains("refused to send to `8.8.8.8`"), "{line}");
        // A connection to nowhere would have waited for its deadline.
        assert!(
            begun.elapsed() < Duration::from_millis(1_900),
            "{} ms",
            begun.elapsed().as_millis()
        );
    }
}

#[test]
fn a_public_model_on_the_command_line_is_refused_and_the_playbook_judges() {
    let scene = Scene::new("");
    let alerts = scene.path("alerts.json");
    for url in [
        "http://93.184.216.34:1",
        "http://[2001:4860:4860::8888]:1",
        "http://169.254.169.254:80",
        "http://[::ffff:8.8.8.8]:1",
    ] {
        let said = scene
            .quell(&[
                "triage",
                alerts.to_str().unwrap(),
                "--json",
                "--model-url",
                url,
                "--model",
                "m",
            ])
            .expect_code(0);
        assert!(said.err.contains("refused to send to"), "{url}: {}", said.err);
        assert!(said.err.contains("analyst: the playbook"), "{url}: {}", said.err);
        assert_eq!(number(&said.lines().pop().unwrap(), "/summary/model_calls"), 0);
    }
}

#[test]
fn a_model_host_without_an_address_is_named_and_the_playbook_judges() {
    // The top-level name `invalid` is set aside to have no addresses.
    let scene = Scene::with_model("openai", "model.invalid:1");
    let (incidents, _, said) = scene.judged();
    assert!(said.contains("model.invalid"), "{said}");
    assert_eq!(incidents[0]["verdict"]["analyst"], "playbook");
}

#[test]
fn sigterm_does_not_wait_for_a_model_that_says_nothing_and_the_case_is_judged_after_the_next_start()
{
    let server = FakeModel::start(Manner::Silent);
    let model = format!(
        "[[model]]\nname = \"m\"\nkind = \"openai\"\nurl = \"http://{}\"\nmodel = \"fake\"\ntimeout = \"120s\"\n",
        server.address
    );
    let mut daemon = Daemon::started(&model);
    daemon.accept(sample::login_failure("1795530360.1", "203.0.113.7", "db01").to_string());
    eventually("the model is asked", Duration::from_secs(20), || {
        (server.asked() > 0).then_some(())
    });
    let (ended, took) = daemon.terminate();
    assert!(ended.success(), "{}", daemon.log());
    assert!(took < Duration::from_secs(25), "it took {} s", took.as_secs());
    daemon.configure("");
    daemon.start();
    let status = daemon.settled(1);
    assert_eq!(number(&status, "/store/playbook_verdicts"), 1);
    assert_eq!(daemon.published("verdicts.ndjson").len(), 1);
}

#[test]
fn a_daemon_with_a_broken_model_judges_by_the_playbook_and_says_that_the_model_rests() {
    let server = FakeModel::start(Manner::Failing);
    let model = format!(
        "[[model]]\nname = \"m\"\nkind = \"openai\"\nurl = \"http://{}\"\nmodel = \"fake\"\ntimeout = \"2s\"\n",
        server.address
    );
    let daemon = Daemon::started(&model);
    daemon.accept(sample::lines(&sample::login_failures(8)));
    eventually("every incident has a verdict", Duration::from_secs(60), || {
        let incidents = daemon.incidents();
        (incidents.len() == 8
            && incidents.iter().all(|incident| incident["verdict"]["analyst"] == "playbook"))
        .then_some(())
    });
    let page = daemon.page("/metrics").body;
    assert!(page.contains("quell_model_failures_total{backend=\"m\"}"), "{page}");
    assert!(server.asked() < 8, "the breaker did not open: {} calls", server.asked());
}
