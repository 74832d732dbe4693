//! Models: no prompt leaves the site, and whatever a model server does, every incident has a verdict that says how it came about.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Said, number, run};
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

/// What the fake server does once it is asked about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Prose,
    HalfJson,
    HalfReply,
    Endless,
    Silent,
    Reset,
    Failing,
    NotHttp,
}

/// A model server that answers questions about itself well, and about incidents in its own manner.
struct FakeModel {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl FakeModel {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || serve(stream, manner, &counted));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: TcpStream, manner: Manner, asked: &AtomicUsize) {
    while let Some((path, body)) = request(&mut stream) {
        let is_about_an_incident = !body.contains("weather station");
        if !path.ends_with("/chat/completions") {
            let listed = json!({"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "test"}]}).to_string();
            reply(&mut stream, 200, &listed);
        } else if is_about_an_incident {
            asked.fetch_add(1, Ordering::Relaxed);
            if !misbehave(&mut stream, manner) {
                return;
            }
        } else {
            reply(&mut stream, 200, &completion(r#"{"sky":"teal","wind":3}"#));
        }
    }
}

/// Gives false if the connection is over.
fn misbehave(stream: &mut TcpStream, manner: Manner) -> bool {
    match manner {
        Manner::Prose => reply(
            stream,
            200,
            &completion("I am sorry, but I think this is fine. Have a nice day!"),
        ),
        Manner::HalfJson => {
            reply(stream, 200, &completion(r#"{"title":"SQL injection","summary":"somebody"#))
        }
        Manner::Failing => reply(stream, 500, r#"{"error":{"message":"out of memory"}}"#),
        Manner::HalfReply => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"choices\":[").ok();
            return false;
        }
        Manner::NotHttp => {
            stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").ok();
            return false;
        }
        Manner::Reset => {
            stream.shutdown(Shutdown::Both).ok();
            return false;
        }
        Manner::Silent => {
            // Longer than the timeout of the configuration; reading ends when the client hangs up.
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok();
            stream.read(&mut [0]).ok();
            return false;
        }
        Manner::Endless => {
            let length = 100 << 20;
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n").as_bytes()).ok();
            let chunk = vec![b'x'; 1 << 16];
            for _ in 0..length / chunk.len() {
                if stream.write_all(&chunk).is_err() {
                    break;
                }
            }
            return false;
        }
    }
    true
}

fn completion(text: &str) -> String {
    json!({
        "model": "fake",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3000, "completion_tokens": 40},
    })
    .to_string()
}

fn reply(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok();
}

/// Reads one request: its path and its body.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some((head.split(' ').nth(1)?.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
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
    let mut daemon = crate::daemon::Daemon::started(&model);
    daemon.accept(sample::login_failure("1795530360.1", "203.0.113.7", "db01").to_string());
    crate::command::eventually("the model is asked", Duration::from_secs(20), || {
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
    let daemon = crate::daemon::Daemon::started(&model);
    let alerts: Vec<Value> = (0..8)
        .map(|at| {
            sample::login_failure(
                &format!("1795530360.{at}"),
                &format!("203.0.113.{at}"),
                &format!("db0{at}"),
            )
        })
        .collect();
    daemon.accept(sample::lines(&alerts));
    crate::command::eventually("every incident has a verdict", Duration::from_secs(60), || {
        let incidents = daemon.incidents();
        (incidents.len() == 8
            && incidents.iter().all(|incident| incident["verdict"]["analyst"] == "playbook"))
        .then_some(())
    });
    let page = daemon.page("/metrics").body;
    assert!(page.contains("quell_model_failures_total{backend=\"m\"}"), "{page}");
    assert!(server.asked() < 8, "the breaker did not open: {} calls", server.asked());
}
