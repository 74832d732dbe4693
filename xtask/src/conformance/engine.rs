//! The one place that calls the rule engine.
//!
//! What it promises to the rest of the comparison: `load` never panics on bad files but says what
//! is wrong with them, every session starts from an empty state, and an alert is a JSON value
//! with all that Wazuh would write, also `location` and (unless the rule has it removed)
//! `full_log`, plus `alert`, `rule.level` when it is 0, and `not_processed` where it is true.

use std::sync::Arc;

use serde_json::Value;

use super::alert;
use super::case::{List, NamedFile};

/// What to load, in order.
#[derive(Debug, Default)]
pub(crate) struct Material<'a> {
    pub(crate) decoders: Vec<&'a NamedFile>,
    pub(crate) rules: Vec<&'a NamedFile>,
    pub(crate) lists: Vec<&'a List>,
}

/// What came of loading.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Nothing if Wazuh would refuse the files.
    pub(crate) engine: Option<Engine>,
    pub(crate) messages: Vec<Message>,
    pub(crate) rules_in_tree: usize,
}

/// One of Wazuh's messages about the files; our own notes are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Message {
    /// `WARNING`, `ERROR` or `CRITICAL`.
    pub(crate) level: String,
    /// The number as text, empty where Wazuh gives none.
    pub(crate) id: String,
    pub(crate) text: String,
}

/// Which of Wazuh's two ways through its rules to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Daemon,
    Logtest,
}

/// A loaded ruleset.
#[derive(Debug)]
pub(crate) struct Engine {
    ruleset: Arc<ruleset::Ruleset>,
}

/// A ruleset with the state that events build up.
#[derive(Debug)]
pub(crate) struct Session {
    session: ruleset::Session,
}

/// Loads the files.
pub(crate) fn load(material: &Material<'_>) -> Loaded {
    let mut source = ruleset::Source::default();
    for file in &material.decoders {
        source.add_decoders(file.name.clone(), file.bytes.clone());
    }
    for file in &material.rules {
        source.add_rules(file.name.clone(), file.bytes.clone());
    }
    for list in &material.lists {
        source.add_list(list.name.clone(), list.bytes.clone());
    }
    let loaded = ruleset::load(&source, &ruleset::Options::default());
    let messages = loaded.diagnostics.iter().filter_map(message).collect();
    let engine = loaded.ruleset.map(|ruleset| Engine { ruleset });
    let rules_in_tree = usize::try_from(loaded.rules_in_tree).unwrap_or(usize::MAX);
    Loaded { engine, messages, rules_in_tree }
}

fn message(diagnostic: &ruleset::Diagnostic) -> Option<Message> {
    let level = match diagnostic.severity {
        ruleset::Severity::Note => return None,
        ruleset::Severity::Warning => "WARNING",
        ruleset::Severity::Error => "ERROR",
        ruleset::Severity::Critical => "CRITICAL",
    };
    Some(Message {
        level: level.to_owned(),
        id: diagnostic.code.map(|code| code.to_string()).unwrap_or_default(),
        text: diagnostic.message.clone(),
    })
}

impl Engine {
    pub(crate) fn ruleset(&self) -> Arc<ruleset::Ruleset> {
        Arc::clone(&self.ruleset)
    }

    /// Starts from an empty state.
    pub(crate) fn session(&self, mode: Mode) -> Session {
        let options = ruleset::SessionOptions {
            logtest: mode == Mode::Logtest,
            ..ruleset::SessionOptions::default()
        };
        Session { session: ruleset::Session::new(Arc::clone(&self.ruleset), options) }
    }
}

impl Session {
    /// Sends one event through the rules.
    pub(crate) fn process(&mut self, epoch_seconds: i64, location: &[u8], log: &[u8]) -> Value {
        let record = ruleset::Record { time: epoch_seconds, location, log };
        let outcome = self.session.process(&record);
        // What the daemon drops leaves no line behind.
        if outcome.not_processed() {
            return serde_json::json!({ "alert": false, "not_processed": true });
        }
        let mut line = Vec::new();
        outcome.write_json(None, &mut line);
        let mut value = alert::parse(&line).unwrap_or_default();
        if let Value::Object(object) = &mut value {
            object.insert("alert".to_owned(), Value::Bool(outcome.is_alert()));
        }
        value
    }
}
