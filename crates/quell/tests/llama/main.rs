//! The model path against a real llama.cpp server with a real small model: schema, repair, timeout, cancellation.
//!
//! The model has 135 million parameters and judges badly; what is tested is that its answers come through, are checked, and that
//! nothing it does keeps an incident from its verdict. Needs `make setup`; without it the test says that it was skipped.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test says what it expected, and that it was skipped"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const ALERT: &str = r#"{"timestamp":"2026-11-24T14:26:43.003+0000","rule":{"level":6,"description":"A request that looks like an attack was answered with success.","id":"31106","groups":["web","access_log","web_attack"]},"agent":{"id":"001","name":"web01","ip":"10.0.0.21"},"manager":{"name":"m"},"id":"1795530403.1","full_log":"203.0.113.9 - - [24/Nov/2026:14:26:43 +0000] \"GET /item/?id=1+union+select+1,2--+- HTTP/1.1\" 200 84 \"-\" \"Mozilla/5.0\"","decoder":{"name":"web-accesslog"},"data":{"protocol":"GET","srcip":"203.0.113.9","id":"200","url":"/item/?id=1+union+select+1,2--+-"},"location":"/var/log/nginx/access.log"}"#;

/// A running server; it ends when its standard input closes.
struct Server {
    child: Child,
    url: String,
    _out: BufReader<ChildStdout>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the test runs a real model server")]
    fn start() -> Option<Self> {
        let root = root();
        let python = root.join(".venv/bin/python");
        if !python.exists() {
            println!("SKIPPED: no model server is installed; `make setup` does that");
            return None;
        }
        let mut child = Command::new(python)
            .arg(root.join("lab/llama_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the model server starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut url = String::new();
        out.read_line(&mut url).expect("its address");
        Some(Self { child, url: url.trim().to_owned(), _out: out })
    }

    /// Asks the server over plain HTTP.
    fn get(&self, path: &str) -> String {
        let address = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Judges one alert with a model of the given limits, and gives the verdict and the summary.
#[expect(clippy::disallowed_methods, reason = "the test runs the real program")]
fn judge(server: &Server, max_tokens: u32, timeout: &str) -> (Value, Value) {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("quell.toml");
    let text = format!(
        "[general]\ndata_dir = \"{}\"\n[[model]]\nname = \"small\"\nkind = \"openai\"\nurl = \"{}\"\nmodel = \"smollm2\"\ncontext_tokens = 4096\nmax_tokens = {max_tokens}\ntimeout = \"{timeout}\"\n",
        dir.path().display(),
        server.url
    );
    let mut file = std::fs::File::create(&config).expect("a file");
    file.write_all(text.as_bytes()).expect("the configuration");
    let mut quell = Command::new(env!("CARGO_BIN_EXE_quell"))
        .args(["--config"])
        .arg(&config)
        .args(["triage", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("quell starts");
    quell.stdin.take().expect("its input").write_all(ALERT.as_bytes()).expect("the alert");
    let out = quell.wait_with_output().expect("quell ends");
    assert!(out.status.success());
    let mut lines = std::str::from_utf8(&out.stdout).expect("text").lines();
    let incident: Value = serde_json::from_str(lines.next().expect("an incident")).expect("JSON");
    let summary: Value = serde_json::from_str(lines.next().expect("a summary")).expect("JSON");
    (incident["verdict"].clone(), summary["summary"].clone())
}

#[test]
fn a_real_llama_server_judges_and_whatever_it_does_there_is_a_verdict() {
    let Some(server) = Server::start() else { return };

    // Schema: with room for the whole answer the constrained output is a draft, and the checks hold it to the evidence.
    let (verdict, summary) = judge(&server, 1200, "120s");
    assert_eq!(verdict["analyst"], "small/SmolLM2-135M-Instruct.Q4_1.gguf", "{verdict}");
    assert_eq!(verdict["class"], "sql_injection");
    let (level, floor, ceiling) =
        (&verdict["threat_level"], &verdict["bounds"]["floor"], &verdict["bounds"]["ceiling"]);
    assert!(level.as_u64() >= floor.as_u64() && level.as_u64() <= ceiling.as_u64(), "{verdict}");
    assert!(verdict["cost"]["prompt_tokens"].as_u64() > Some(400), "{verdict}");
    assert_eq!(summary["model_verdicts"], 1);

    // Repair: an answer that is cut is asked for once more, then the playbook judges and says why.
    let (verdict, summary) = judge(&server, 128, "120s");
    assert_eq!(verdict["analyst"], "playbook");
    assert_eq!(summary["model_calls"], 2, "{summary}");
    assert!(
        verdict["playbook_reason"]
            .as_str()
            .expect("text")
            .contains("cut at its limit of 128 tokens"),
        "{verdict}"
    );

    // Timeout: the call ends at its deadline, and the server stops working on it.
    let (verdict, _) = judge(&server, 2000, "1s");
    assert_eq!(verdict["analyst"], "playbook");
    assert!(
        verdict["playbook_reason"].as_str().expect("text").contains("no answer within 1 s"),
        "{verdict}"
    );
    wait_until_idle(&server);
}

/// Waits until no slot of the server is working: a closed connection cancels its generation.
#[expect(clippy::disallowed_methods, reason = "a real server is waited for, with a bound")]
fn wait_until_idle(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.get("/slots").contains("\"is_processing\":true") {
        assert!(Instant::now() < deadline, "the server still works on a call that was given up");
        std::thread::sleep(Duration::from_millis(100));
    }
}
