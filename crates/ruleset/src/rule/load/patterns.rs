//! The elements of a rule that take a pattern: `match`, `regex`, `field`, `url` and so on.
//!
//! Repeated elements of one name are joined to one pattern, in whose language the last word counts; only `field` may be there
//! several times.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::decoder::load::Refused;
use crate::diagnostic::{Findings, shown};
use crate::fields::{DYNAMIC_FIELDS_MAX, StaticField};
use crate::pattern::{Language, Pattern};
use crate::rule::condition::{Condition, Subject};
use crate::xml::Element;

/// Wazuh's limit on the text of one pattern in a rule. A longer one is dropped, and the rule then matches without it.
const PATTERN_BYTES_MAX: usize = 2048;

/// The patterns of rules read so far: one that several rules hold is compiled once.
pub(crate) type Shared = HashMap<(Language, Vec<u8>), Arc<Pattern>>;

/// The pattern elements of one rule.
#[derive(Default)]
pub(super) struct Patterns {
    list: Vec<Gathered>,
}

struct Gathered {
    /// The element's name: two elements may look at the same subject.
    element: String,
    subject: Option<Subject>,
    /// The field's name, for `field`.
    field: Vec<u8>,
    text: Vec<u8>,
    language: Option<Language>,
    negate: bool,
    line: usize,
}

/// Says whether elements of this name take a pattern.
pub(super) fn is_pattern(name: &str) -> bool {
    name == "field" || Subject::of_element(name).is_some()
}

/// Reads `negate`. A wrong value counts as no.
pub(super) fn negate(element: &Element, rule: u32, findings: &mut Findings<'_>) -> bool {
    match element.attribute("negate") {
        None => false,
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        Some(value) => {
            bad_attribute("negate", value, rule, element.line, findings);
            false
        }
    }
}

fn bad_attribute(name: &str, value: &[u8], rule: u32, line: usize, findings: &mut Findings<'_>) {
    let value = shown(value);
    let message = format!("Invalid value '{value}' for attribute '{name}' in rule {rule}.");
    findings.warn(7600, line, message);
}

fn language(element: &Element, rule: u32, findings: &mut Findings<'_>) -> Option<Language> {
    let word = element.attribute("type")?;
    match word.to_ascii_lowercase().as_slice() {
        b"osmatch" => Some(Language::OsMatch),
        b"osregex" => Some(Language::OsRegex),
        b"pcre2" => Some(Language::Pcre2),
        _ => {
            bad_attribute("type", word, rule, element.line, findings);
            None
        }
    }
}

/// Compiles a pattern, or says in Wazuh's words that it can't be.
pub(super) fn compile(
    element: &str,
    language: Language,
    text: &[u8],
    rule: u32,
    line: usize,
    findings: &mut Findings<'_>,
) -> Result<Pattern, Refused> {
    Pattern::compile(language, text).map_err(|error| {
        findings.error(5107, line, format!("Syntax error on tag '{element}' in rule {rule}"));
        findings.note_hint(error.to_string());
        Refused
    })
}

impl Patterns {
    pub(super) fn gather(
        &mut self,
        name: &str,
        element: &Element,
        rule: u32,
        findings: &mut Findings<'_>,
    ) -> Result<(), Refused> {
        let line = element.line;
        let negate = negate(element, rule, findings);
        let language = language(element, rule, findings);
        if element.text.len() > PATTERN_BYTES_MAX {
            let message = format!("Maximum string size reached for: {}.", shown(&element.text));
            findings.error(1104, line, message);
            findings.note_hint("Wazuh drops the condition: the rule matches without it");
            return Ok(());
        }
        if name == "field" {
            return self.field(element, negate, language, rule, findings);
        }
        match self.list.iter_mut().find(|gathered| gathered.element == name) {
            Some(known) => {
                known.text.extend_from_slice(&element.text);
                known.language = language.or(known.language);
                known.negate |= negate;
            }
            None => self.list.push(Gathered {
                element: name.to_owned(),
                subject: Subject::of_element(name),
                field: Vec::new(),
                text: element.text.clone(),
                language,
                negate,
                line,
            }),
        }
        Ok(())
    }

    fn field(
        &mut self,
        element: &Element,
        negate: bool,
        language: Option<Language>,
        rule: u32,
        findings: &mut Findings<'_>,
    ) -> Result<(), Refused> {
        let Some(name) = element.attribute("name") else {
            // Wazuh gives no reason before it gives up.
            return Err(Refused);
        };
        if StaticField::from_order_name(name).is_some() {
            let name = shown(name);
            let message = format!("Failure to read rule {rule}. Field '{name}' is static.");
            findings.error(None, element.line, message);
            findings.note_hint(format!("write `<{name}>` instead of `<field name=\"{name}\">`"));
            return Err(Refused);
        }
        if self.list.iter().filter(|g| g.subject.is_none()).count() >= DYNAMIC_FIELDS_MAX {
            findings.error(None, element.line, format!("Too many fields in rule {rule}."));
            return Err(Refused);
        }
        self.list.push(Gathered {
            element: "field".to_owned(),
            subject: None,
            field: name.to_vec(),
            text: element.text.clone(),
            language,
            negate,
            line: element.line,
        });
        Ok(())
    }

    pub(super) fn compile_into(
        self,
        conditions: &mut Vec<Condition>,
        rule: u32,
        shared: &mut Shared,
        findings: &mut Findings<'_>,
    ) -> Result<(), Refused> {
        let mut pattern =
            |element: &str, language, text: Vec<u8>, line| match shared.entry((language, text)) {
                Entry::Occupied(known) => Ok(Arc::clone(known.get())),
                Entry::Vacant(place) => {
                    let (language, text) = place.key();
                    let pattern = compile(element, *language, text, rule, line, findings)?;
                    Ok(Arc::clone(place.insert(Arc::new(pattern))))
                }
            };
        for gathered in self.list {
            let Gathered { element, subject, field, text, language, negate, line } = gathered;
            // An empty element is no condition at all.
            if text.is_empty() {
                continue;
            }
            let condition = match subject {
                Some(Subject::Field(StaticField::Action)) if language.is_none() => {
                    Condition::Action { text, negate }
                }
                Some(subject) => {
                    let language = language.unwrap_or(subject.language());
                    let pattern = pattern(&element, language, text, line)?;
                    Condition::Text { subject, pattern, negate }
                }
                None => {
                    let language = language.unwrap_or(Language::OsRegex);
                    let pattern = pattern(&element, language, text, line)?;
                    Condition::Field { name: field.into(), pattern, negate }
                }
            };
            conditions.push(condition);
        }
        Ok(())
    }
}
