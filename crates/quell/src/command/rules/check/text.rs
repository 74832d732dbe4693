//! Finds for people: what, where, the line with a caret, and what to do.

use std::fmt::Write as _;

use alert::sanitize::shown;
use ruleset::{Diagnostic, Severity};

use super::{Report, excerpt};

/// Messages quote the file, and a file may hold a pattern of 20 KB.
const MESSAGE_CHARACTERS_MAX: usize = 400;
const NAME_CHARACTERS_MAX: usize = 200;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    for found in &report.findings {
        one(report, found, &mut out);
        out.push('\n');
    }
    if report.is_refused() {
        out.push_str("Wazuh would refuse to start with these files.\n");
    }
    out
}

/// Says how bad it is in one word. A file that is refused is an error like others to whoever has to mend it.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error | Severity::Critical => "error",
    }
}

fn one(report: &Report, found: &Diagnostic, out: &mut String) {
    // A message and a hint may hold several lines of their own.
    let clean = |text: &str| {
        let lines: Vec<String> =
            text.lines().map(|line| shown(line, MESSAGE_CHARACTERS_MAX)).collect();
        lines.join("\n    ")
    };
    let subject = match &found.subject {
        Some(subject) if !subject.is_empty() => format!("{}: ", shown(subject, 80)),
        _ => String::new(),
    };
    writeln!(out, "{}[{}]: {subject}{}", word(found.severity), found.kind(), clean(&found.message))
        .ok();
    let place = &found.place;
    let text = report.text_of(&place.file);
    if !place.file.is_empty() {
        write!(out, "  --> {}", shown(&place.file, NAME_CHARACTERS_MAX)).ok();
        if place.line > 0 {
            write!(out, ":{}", place.line).ok();
        }
        let column =
            text.and_then(|text| excerpt::column_in_characters(text, place.line, place.column));
        if let Some(column) = column {
            write!(out, ":{column}").ok();
        }
        out.push('\n');
    }
    let excerpt = text.and_then(|text| excerpt::around(text, place.line, place.column));
    if let Some(excerpt) = excerpt {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(excerpt.before.chars().count());
        writeln!(out, "{margin} |").ok();
        writeln!(out, "{number} | {}{}", excerpt.before, excerpt.behind).ok();
        writeln!(out, "{margin} | {indent}^").ok();
    }
    if let Some(hint) = &found.hint {
        writeln!(out, "  hint: {}", clean(hint)).ok();
    }
}
