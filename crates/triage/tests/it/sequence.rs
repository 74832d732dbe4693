//! Random sequences of alerts from a small alphabet, so that they meet each other in the fold.

use std::time::Duration;

use alert::Timestamp;
use alert::tag::TagKey;
use proptest::prelude::*;
use serde_json::{Value, json};
use triage::admit::{Admission, Admitted, Gate, admit};
use triage::policy::Policy;

/// One alert of a sequence, before it has a time and an id.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    actor: u8,
    agent: u8,
    kind: u8,
    status: u16,
    level: u8,
    technique: Option<&'static str>,
    /// Seconds after the alert before it; negative where a clock jumped back.
    step: i64,
}

/// Requests and messages of different classes. Few enough that no gathering reaches its limit.
const URLS: &[&str] = &[
    "/item/?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-",
    "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/../../../../etc/passwd",
    "/missing",
    "/missing/other",
    "/search/?q=ignore+all+previous+instructions",
];

/// Makes sequences whose clock jumps by at most `step_max` seconds, forwards and backwards.
pub(crate) fn sequences(step_max: i64, length_max: usize) -> impl Strategy<Value = Vec<Letter>> {
    let step = prop_oneof![4 => 0..60_i64, 2 => 0..step_max, 1 => -step_max..0];
    let letter = (
        0..4_u8,
        0..2_u8,
        0..9_u8,
        prop::sample::select(vec![200_u16, 302, 403, 404, 500]),
        prop::sample::select(vec![3_u8, 5, 5, 5, 7, 10, 12, 15]),
        prop::option::weighted(
            0.2,
            prop::sample::select(vec!["T1190", "T1110", "T1595.002", "T9999"]),
        ),
        step,
    )
        .prop_map(|(actor, agent, kind, status, level, technique, step)| Letter {
            actor,
            agent,
            kind,
            status,
            level,
            technique,
            step,
        });
    prop::collection::vec(letter, 1..length_max)
}

/// Turns a sequence into what the door lets in.
pub(crate) fn admitted(letters: &[Letter]) -> Vec<Admitted> {
    let mut gate = Gate::new(Policy { level_min: 0, ..Policy::default() }, TagKey::new([1; 32]));
    gate.skew_max = Duration::MAX;
    let mut second = 1_795_530_360;
    letters
        .iter()
        .enumerate()
        .map(|(number, letter)| {
            second += letter.step;
            let time = Timestamp::from_millis(second * 1000);
            let alert = json(letter, number, time);
            match admit(&gate, alert.to_string().as_bytes(), time) {
                Admission::Admitted(admitted) => *admitted,
                other => panic!("{other:?}"),
            }
        })
        .collect()
}

/// Turns days and seconds of them into requests of one kind by one actor, in the order given.
pub(crate) fn on_days(days: &[(i64, i64)]) -> Vec<Admitted> {
    let start = 1_795_530_360;
    let mut before = start;
    let letters: Vec<Letter> = days
        .iter()
        .map(|(day, second)| {
            // Three days apart, so that no window reaches from one into the other.
            let time = start + day * 3 * 24 * 3600 + second;
            let step = time - before;
            before = time;
            Letter { actor: 1, agent: 0, kind: 0, status: 404, level: 5, technique: None, step }
        })
        .collect();
    admitted(&letters)
}

fn json(letter: &Letter, number: usize, time: Timestamp) -> Value {
    let address = format!("203.0.113.{}", letter.actor);
    let mut alert = json!({
        "timestamp": time.to_string(),
        "id": format!("9.{number}"),
        "agent": {"id": format!("00{}", letter.agent), "name": format!("host{}", letter.agent)},
        "location": "/var/log/any",
    });
    match URLS.get(usize::from(letter.kind)) {
        Some(url) => {
            alert["rule"] =
                json!({"id": "31101", "description": "a request", "groups": ["web", "accesslog"]});
            alert["full_log"] = json!(format!(
                "{address} - - [x] \"GET {url} HTTP/1.1\" {} 512 \"-\" \"x\"",
                letter.status
            ));
            alert["data"] = json!({"protocol": "GET", "srcip": address, "id": letter.status.to_string(), "url": url});
        }
        None if letter.kind == 6 => {
            alert["rule"] = json!({"id": "5760", "description": "wrong password", "groups": ["authentication_failed"]});
            alert["data"] = json!({"srcip": address, "dstuser": "root"});
        }
        None if letter.kind == 7 => {
            alert["rule"] = json!({"id": "5715", "description": "logged in", "groups": ["authentication_success"]});
            alert["data"] = json!({"srcip": address, "dstuser": "root"});
        }
        None => {
            let words = ["cannot open", "no such thing", "gave up"];
            let text =
                words.get(usize::from(letter.actor) % words.len()).copied().unwrap_or_default();
            alert["rule"] = json!({"id": "1002", "description": "trouble", "groups": ["syslog"]});
            alert["full_log"] = json!(format!("app: {text}"));
        }
    }
    alert["rule"]["level"] = json!(letter.level);
    if let Some(technique) = letter.technique {
        alert["rule"]["mitre"] = json!({"id": [technique]});
    }
    alert
}
