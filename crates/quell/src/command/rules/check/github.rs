//! Finds as GitHub's workflow commands, which show them beside the lines of a change.
//!
//! A command is one line; what would end it or its parts is escaped as GitHub asks: `%`, line ends, and in properties `:` and
//! `,`. So no text of a rule file can begin a command of its own.

use std::fmt::Write as _;

use alert::sanitize::shown;
use ruleset::Severity;

use super::{Report, excerpt};

/// GitHub cuts longer ones.
const MESSAGE_CHARACTERS_MAX: usize = 1_000;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    for found in &report.findings {
        let command = match found.severity {
            Severity::Note => "notice",
            Severity::Warning => "warning",
            Severity::Error | Severity::Critical => "error",
        };
        let mut properties = Vec::new();
        let place = &found.place;
        if !place.file.is_empty() {
            properties.push(format!("file={}", property(&place.file)));
            if place.line > 0 {
                properties.push(format!("line={}", place.line));
            }
            let text = report.text_of(&place.file);
            let column =
                text.and_then(|text| excerpt::column_in_characters(text, place.line, place.column));
            properties.extend(column.map(|column| format!("col={column}")));
        }
        properties.push(format!("title={}", property(&found.kind())));
        let mut message = match found.subject.as_deref() {
            Some(subject) if !subject.is_empty() => format!("{subject}: {}", found.message),
            _ => found.message.clone(),
        };
        if let Some(hint) = &found.hint {
            message.push_str("\nhint: ");
            message.push_str(hint);
        }
        writeln!(out, "::{command} {}::{}", properties.join(","), data(&message)).ok();
    }
    out
}

fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| shown(line, MESSAGE_CHARACTERS_MAX)).collect();
    lines.join("\n").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(data("100%\n::error::x"), "100%25%0A::error::x");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
