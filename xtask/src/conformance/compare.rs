//! Recorded against given: where two results or two sets of messages differ, and how much it hurts.
//!
//! The README of the recordings says what may differ: nothing but the names of MITRE tactics and
//! techniques, which come from a database that Wazuh's source doesn't have. What the daemon logged
//! while it ran (`runtime_messages`, `died`) isn't compared, because the engine keeps no log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::alert::text_value;
use super::case::Event;
use super::engine::{Message, Mode};

/// How much a difference hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Another verdict: a different rule, level, decoder or field.
    Verdict,
    /// The same verdict with another text or count.
    Detail,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mismatch {
    pub(crate) weight: Weight,
    /// What differs, such as `rule.id`.
    pub(crate) what: String,
    pub(crate) expected: Value,
    pub(crate) got: Value,
}

/// What makes up the verdict; all else is detail.
const VERDICT: [&str; 6] = ["rule.id", "rule.level", "alert", "decoder", "data", "not_processed"];

/// What the recordings leave out because it differs from run to run.
const NEVER_RECORDED: [&str; 4] = ["timestamp", "id", "manager", "logtest"];

/// What wazuh-logtest shows of an alert; it knows nothing of agents and files.
const SHOWN_BY_LOGTEST: [&str; 6] =
    ["rule", "decoder", "predecoder", "data", "alert", "previous_output"];

/// Compares the result of an event with the recording.
pub(crate) fn event(event: &Event, got: &Value, mode: Mode) -> Vec<Mismatch> {
    let (mut expected, mut got) = (parts_of(&whole(event, mode)), parts_of(got));
    if mode == Mode::Logtest {
        let is_shown = |what: &String| {
            let whole = what.split('.').next().unwrap_or_default();
            SHOWN_BY_LOGTEST.contains(&whole)
        };
        expected.retain(|what, _| is_shown(what));
        got.retain(|what, _| is_shown(what));
    }
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let differs = |what: &&String| expected.get(*what) != got.get(*what);
    let mismatch = |what: &String| Mismatch {
        weight: if VERDICT.contains(&what.as_str()) { Weight::Verdict } else { Weight::Detail },
        what: what.clone(),
        expected: expected.get(what).cloned().unwrap_or_default(),
        got: got.get(what).cloned().unwrap_or_default(),
    };
    let mut mismatches: Vec<Mismatch> = names.into_iter().filter(differs).map(mismatch).collect();
    mismatches.sort_by_key(|mismatch| mismatch.weight);
    mismatches
}

/// Fills in what a recording leaves out because the event says it, and what logtest shows instead.
pub(crate) fn whole(event: &Event, mode: Mode) -> Value {
    let mut whole = event.expected.clone();
    let Some(object) = whole.as_object_mut() else { return whole };
    if !object.contains_key("not_processed") {
        for (key, bytes) in [("location", event.location.as_bytes()), ("full_log", &event.log)] {
            object.entry(key).or_insert_with(|| text_value(bytes));
        }
    }
    if let (Mode::Logtest, Some(Value::Object(instead))) = (mode, object.remove("logtest")) {
        object.extend(instead);
    }
    whole
}

/// Takes an alert apart: the keys of `rule` stand for themselves, everything else is compared as a
/// whole. What is empty, null or false where that is the rule, says the same as what isn't there.
fn parts_of(alert: &Value) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::new();
    for (key, value) in alert.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            (key, _) if NEVER_RECORDED.contains(&key) => {}
            ("agent", agent) if agent["id"] == "000" => {}
            ("not_processed", Value::Bool(false)) => {}
            ("rule", Value::Object(rule)) => {
                for (key, value) in rule {
                    let value = if key == "mitre" { &value["id"] } else { value };
                    parts.insert(format!("rule.{key}"), value.clone());
                }
            }
            (key, value) => {
                parts.insert(key.to_owned(), value.clone());
            }
        }
    }
    let is_empty =
        |value: &Value| value.is_null() || value.as_object().is_some_and(|o| o.is_empty());
    parts.retain(|_, value| !is_empty(value));
    parts
}

/// Compares what was said about the files with the recording.
pub(crate) fn load(
    recorded: &Value,
    is_accepted: bool,
    rules_in_tree: usize,
    messages: &[Message],
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let mut compare = |weight, what: &str, expected: Value, got: Value| {
        if expected != got {
            mismatches.push(Mismatch { weight, what: what.to_owned(), expected, got });
        }
    };
    compare(Weight::Verdict, "accepted", recorded["accepted"].clone(), is_accepted.into());
    if let Some(count) = recorded.get("rules_in_tree") {
        compare(Weight::Detail, "rules_in_tree", count.clone(), rules_in_tree.into());
    }
    let shown = |messages: &[Message], show: fn(&Message) -> String| -> Value {
        let mut shown: Vec<String> = messages.iter().map(show).collect();
        shown.sort();
        shown.into()
    };
    let expected = recorded_messages(recorded);
    let numbers: fn(&Message) -> String = |message| format!("{} {}", message.level, message.id);
    let texts: fn(&Message) -> String = |message| format!("{} {}", message.id, message.text);
    let (what, show) = if shown(&expected, numbers) == shown(messages, numbers) {
        ("messages' text", texts)
    } else {
        ("messages", numbers)
    };
    compare(Weight::Detail, what, shown(&expected, show), shown(messages, show));
    mismatches
}

fn recorded_messages(recorded: &Value) -> Vec<Message> {
    let text = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
    let messages = recorded["messages"].as_array().into_iter().flatten();
    messages
        .map(|message| Message {
            level: text(message, "level"),
            id: text(message, "id"),
            text: text(message, "text"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
