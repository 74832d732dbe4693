//! Finds as JSON, one object a line, and sums in the last.

use serde_json::{Value, json};

use super::{Report, excerpt, text};
use ruleset::Severity;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    for found in &report.findings {
        let place = &found.place;
        let known = |number: usize| if number == 0 { Value::Null } else { json!(number) };
        let text = report.text_of(&place.file);
        let column =
            text.and_then(|text| excerpt::column_in_characters(text, place.line, place.column));
        let line = json!({
            "kind": found.kind(),
            "severity": text::word(found.severity),
            "message": found.message,
            "subject": found.subject.as_deref().filter(|subject| !subject.is_empty()),
            "file": Some(&place.file).filter(|file| !file.is_empty()),
            "line": known(place.line),
            "column": column,
            "hint": found.hint,
        });
        out.push_str(&line.to_string());
        out.push('\n');
    }
    let sums = json!({"summary": {
        "files": report.files,
        "rules": report.rules,
        "decoders": report.decoders,
        "errors": report.errors(),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
        "refused": report.is_refused(),
    }});
    out.push_str(&sums.to_string());
    out.push('\n');
    out
}
