//! The fake server against recordings of the real one.
//!
//! Each recorded request is sent to the fake, and status, content type and the form of the body
//! (its fields and their types) must be those of the real reply. The recordings lie beside the
//! project, not in it; where they are missing, the test says so and passes.

use std::collections::BTreeSet;
use std::time::Duration;

use model::Egress;
use serde_json::{Map, Value};

use crate::fake_ollama::{FakeOllama, Setup};

const RECORDINGS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ollama-recordings.jsonl");

/// What no client of ours uses, so the fake doesn't have it.
const LEFT_OUT: [&str; 5] =
    ["chat stream", "generate", "generate stream", "logprobs", "v1 chat stream"];

#[tokio::test]
async fn the_fake_replies_in_the_forms_of_the_real_server() {
    let Ok(recordings) = std::fs::read_to_string(RECORDINGS) else {
        eprintln!("SKIPPED: no recordings of a real server beside the project");
        return;
    };
    let models = vec![
        ("smollm2:q4_0", "134.52M", vec!["completion"], ""),
        ("smollm2:135m", "134.52M", vec!["completion"], ""),
    ];
    let fake = FakeOllama::start(Setup { models, ..Setup::default() }).await;
    let client = model::egress::client(&Egress::default(), Duration::from_secs(5)).unwrap();
    let mut compared = 0;
    let mut left_out = BTreeSet::new();
    for line in recordings.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let name = recorded["name"].as_str().unwrap();
        if LEFT_OUT.contains(&name) {
            left_out.insert(name.to_owned());
            continue;
        }
        let url = format!("{}{}", fake.url, recorded["path"].as_str().unwrap());
        let request = match (recorded["method"].as_str().unwrap(), &recorded["request"]) {
            ("GET", _) => client.get(url),
            (_, Value::String(raw)) => client.post(url).body(raw.clone()),
            // Recorded as a stream or not, the last object has the same form; the fake has no
            // streams.
            (_, body) => client.post(url).body(body.to_string()),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let body = response.text().await.unwrap();
        assert_eq!(status, recorded["status"], "{name}: {body}");
        assert_eq!(kind, recorded["content_type"], "{name}");
        let real = form(recorded["body"].as_str().unwrap());
        match name {
            // The real one tells a hundred facts; ours a few of them.
            "show" => assert!(is_part(&form(&body), &real), "{name}: {} {real}", form(&body)),
            _ => assert_eq!(form(&body), real, "{name}"),
        }
        compared += 1;
    }
    assert!(compared >= 25, "only {compared} recordings were compared");
    assert_eq!(left_out.len(), LEFT_OUT.len(), "a recording that is left out is gone");
}

/// Replaces every value by the name of its type, and a list by the form of its first element.
fn form(body: &str) -> Value {
    serde_json::from_str(body).map_or_else(|_| "text".into(), |value| form_of(&value))
}

fn form_of(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) if text.starts_with("{\"error\"") => "error in a string".into(),
        Value::String(_) => "string".into(),
        Value::Array(items) => items.iter().take(1).map(form_of).collect(),
        Value::Object(fields) => {
            let forms: Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), form_of(value))).collect();
            Value::Object(forms)
        }
    }
}

fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(name, form)| whole.get(name).is_some_and(|other| is_part(form, other))),
        _ => part == whole,
    }
}
