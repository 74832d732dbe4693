//! Finds as SARIF 2.1.0, which code scanning services read.

use std::collections::HashMap;

use ruleset::{Diagnostic, Severity, lint};
use serde_json::{Value, json};

use super::{Report, excerpt};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn write(report: &Report) -> String {
    let mut rules = Rules::default();
    let results: Vec<Value> =
        report.findings.iter().map(|found| result(report, found, &mut rules)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "quell",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.list,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    log.to_string()
}

/// The kinds of find that occur, each once.
#[derive(Default)]
struct Rules {
    list: Vec<Value>,
    positions: HashMap<String, usize>,
}

impl Rules {
    fn position(&mut self, found: &Diagnostic) -> usize {
        let kind = found.kind();
        if let Some(position) = self.positions.get(&kind) {
            return *position;
        }
        let about = match (found.lint.and_then(lint::find), found.code) {
            (Some(lint), _) => lint.about.to_owned(),
            (None, Some(code)) => format!("Wazuh's message {code}"),
            (None, None) => "a message of Wazuh's that has no number".to_owned(),
        };
        self.list.push(json!({
            "id": kind,
            "shortDescription": {"text": about},
            "defaultConfiguration": {"level": level(found.severity)},
        }));
        self.positions.insert(kind, self.list.len() - 1);
        self.list.len() - 1
    }
}

fn level(severity: Severity) -> &'static str {
    super::text::word(severity)
}

fn result(report: &Report, found: &Diagnostic, rules: &mut Rules) -> Value {
    let mut text = match found.subject.as_deref() {
        Some(subject) if !subject.is_empty() => format!("{subject}: {}", found.message),
        _ => found.message.clone(),
    };
    if let Some(hint) = &found.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    let mut result = json!({
        "ruleId": found.kind(),
        "ruleIndex": rules.position(found),
        "level": level(found.severity),
        "message": {"text": text},
    });
    let place = &found.place;
    if place.file.is_empty() {
        return result;
    }
    let mut location = json!({"artifactLocation": {"uri": uri(&place.file)}});
    if place.line > 0 {
        let text = report.text_of(&place.file);
        let column =
            text.and_then(|text| excerpt::column_in_characters(text, place.line, place.column));
        let mut region = json!({"startLine": place.line});
        if let (Some(column), Some(region)) = (column, region.as_object_mut()) {
            region.insert("startColumn".to_owned(), json!(column));
        }
        if let Some(location) = location.as_object_mut() {
            location.insert("region".to_owned(), region);
        }
    }
    if let Some(result) = result.as_object_mut() {
        result.insert("locations".to_owned(), json!([{"physicalLocation": location}]));
    }
    result
}

/// Writes a path as a reference: what isn't plain is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("rules/my rules.xml"), "rules/my%20rules.xml");
        assert_eq!(uri("/etc/a%b"), "file:///etc/a%25b");
    }
}
