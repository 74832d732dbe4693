//! Patterns that mean something else than they seem to, in rules and in decoders.

use super::Report;
use super::catalog::{self as lints, Lint};
use super::file::File;
use crate::pattern::{Language, Pattern, diagnosis};
use crate::rule::condition::Subject;
use crate::xml::Element;

/// More finds about one pattern would all say that it is written in another language.
const FINDINGS_MAX: usize = 3;

/// Entities that people write in XML.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\""), ("&apos;", "'")];

/// One find about a pattern's text.
pub(super) struct Finding {
    lint: &'static Lint,
    offset: usize,
    message: String,
    hint: String,
}

/// Looks at an element of a rule, if it takes a pattern.
pub(super) fn of_rule(name: &str, element: &Element) -> Option<Vec<Finding>> {
    let default = match (name, Subject::of_element(name)) {
        ("field" | "if_matched_regex", _) => Language::OsRegex,
        ("if_matched_group", _) => Language::OsMatch,
        // Without a type it is no pattern but the very text.
        ("action", Some(_)) if element.attribute("type").is_none() => return None,
        (_, Some(subject)) => subject.language(),
        _ => return None,
    };
    Some(of_text(language(element).unwrap_or(default), &element.text))
}

/// Looks at an element of a decoder, if it takes a pattern.
pub(super) fn of_decoder(name: &str, element: &Element) -> Option<Vec<Finding>> {
    let default = match name {
        "prematch" | "regex" => Language::OsRegex,
        "program_name" => Language::OsMatch,
        _ => return None,
    };
    Some(of_text(language(element).unwrap_or(default), &element.text))
}

fn language(element: &Element) -> Option<Language> {
    Some(match element.attribute("type")?.to_ascii_lowercase().as_slice() {
        b"osmatch" => Language::OsMatch,
        b"osregex" => Language::OsRegex,
        b"pcre2" => Language::Pcre2,
        _ => return None,
    })
}

fn of_text(language: Language, text: &[u8]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(offset) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
        && language != Language::Pcre2
    {
        findings.push(Finding {
            lint: &lints::PATTERN_LINE_BREAK,
            offset,
            message: "the line break is part of the pattern, and no log line has one".to_owned(),
            hint: "write the pattern on one line, without blanks at its ends".to_owned(),
        });
    }
    for found in diagnosis::of(language, text) {
        if findings.iter().any(|told| told.message == found.message) {
            continue;
        }
        let lint = match language {
            Language::Pcre2 => &lints::PATTERN_SLOW,
            _ if text.get(found.offset).is_some_and(|byte| !byte.is_ascii()) => {
                &lints::PATTERN_NOT_ASCII
            }
            _ => &lints::PATTERN,
        };
        findings.push(Finding {
            lint,
            offset: found.offset,
            message: found.message,
            hint: found.hint.to_owned(),
        });
    }
    if let Some((offset, entity, sign)) = entity(text) {
        findings.push(Finding {
            lint: &lints::ENTITY,
            offset,
            message: format!(
                "`{entity}` is {} plain characters: Wazuh knows no entities",
                entity.len()
            ),
            hint: format!("write `{}{sign}`", if sign == "<" { "\\" } else { "" }),
        });
    }
    findings.truncate(FINDINGS_MAX);
    // What doesn't compile, the engine has told. Compiling is slow, and few patterns have finds.
    if findings.is_empty() || Pattern::compile(language, text).is_ok() {
        findings
    } else {
        Vec::new()
    }
}

/// Finds the first XML entity: where, which, and what it stands for.
pub(super) fn entity(text: &[u8]) -> Option<(usize, &'static str, &'static str)> {
    let found = ENTITIES.iter().filter_map(|(entity, sign)| {
        Some((memchr::memmem::find(text, entity.as_bytes())?, *entity, *sign))
    });
    found.min_by_key(|(offset, _, _)| *offset)
}

/// Reports finds about an element's text.
pub(super) fn report(
    file: &File<'_>,
    element: &Element,
    subject: &str,
    findings: Vec<Finding>,
    report: &mut Report,
) {
    for finding in findings {
        let place = file.place_in(element, finding.offset);
        report.add(finding.lint, place, subject, finding.message, finding.hint);
    }
}
