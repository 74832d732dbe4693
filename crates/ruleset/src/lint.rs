//! Finds mistakes in rules and decoders: what Wazuh would say, and what it would not.
//!
//! Wazuh's own messages come from loading ([`crate::load`]). Here they get columns and hints, and what Wazuh accepts without a
//! word, but surely doesn't do as it was meant, is added: rules that can never match, patterns that mean something else, options
//! without effect. Each such check has a name in [`LINTS`] that stays the same. The bar is high on purpose: a find that the
//! author of a rule would shrug at is worse than none. Whatever bytes the files hold, this returns.

mod catalog;
mod chain;
mod correlation;
mod decoder;
mod element;
mod explain;
mod fields;
mod file;
mod imply;
mod pattern;
mod suggest;
mod tests_named;
mod tree;
mod words;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place};
use crate::rule::Rule;
use crate::ruleset::{Loaded, Ruleset, Source};
use crate::xml::Element;
pub use catalog::{ALL as LINTS, Lint, find};
use file::File;
pub use tests_named::check_tests;

/// Findings that one run gives. A file of noise shall not fill a terminal, a report or the memory.
const FINDINGS_MAX: usize = 10_000;

/// Checks the files whose names `is_checked` says yes to; the others are only there to build on.
///
/// Gives what loading said about these files, and what the checks found, by file and line. What made Wazuh refuse the whole
/// ruleset is always among it.
pub fn check(
    source: &Source,
    loaded: &Loaded,
    is_checked: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let decoder_files: Vec<File<'_>> =
        source.decoder_files().map(|(name, text)| File::new(name, text)).collect();
    let rule_files: Vec<File<'_>> =
        source.rule_files().map(|(name, text)| File::new(name, text)).collect();
    let mut found = explain::engine_findings(&decoder_files, &rule_files, loaded, is_checked);
    let mut report = Report { found: Vec::new() };
    let types = decoder::Types::of(&decoder_files);
    for file in decoder_files.iter().filter(|file| is_checked(file.name)) {
        decoder::check(file, &types, &found, &mut report);
    }
    for file in rule_files.iter().filter(|file| is_checked(file.name)) {
        element::check(file, &found, &mut report);
    }
    if let Some(ruleset) = &loaded.ruleset {
        let rules = Places::new(&rule_files, is_checked);
        tree::check(ruleset, &rules, &mut report);
        correlation::check(ruleset, &rules, &mut report);
    }
    found.append(&mut report.found);
    let order: HashMap<&str, usize> = decoder_files
        .iter()
        .chain(&rule_files)
        .enumerate()
        .map(|(position, file)| (file.name, position))
        .collect();
    // What belongs to no file comes last, as it does in a load.
    let position = |name: &str| order.get(name).copied().unwrap_or(usize::MAX);
    // A last word on a whole file has no line, and follows its reasons.
    let line = |line: usize| if line == 0 { usize::MAX } else { line };
    found.sort_by_key(|d| (position(&d.place.file), line(d.place.line), d.place.column));
    found
}

/// Gathers finds.
struct Report {
    found: Vec<Diagnostic>,
}

impl Report {
    fn add(
        &mut self,
        lint: &Lint,
        place: Place,
        subject: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        if self.found.len() >= FINDINGS_MAX {
            return;
        }
        let mut diagnostic =
            Diagnostic::new(lint.severity, None, message).at(place).about(subject).hint(hint);
        diagnostic.lint = Some(lint.name);
        self.found.push(diagnostic);
    }
}

/// Finds the element that a loaded rule was read from.
struct Places<'f> {
    files: &'f [File<'f>],
    /// By file, line and id: two rules may stand on one line.
    elements: HashMap<(usize, usize, u32), &'f Element>,
}

impl<'f> Places<'f> {
    /// Knows the rules of the files that are checked, and no others.
    fn new(files: &'f [File<'f>], is_checked: &dyn Fn(&str) -> bool) -> Self {
        let mut elements = HashMap::new();
        for (number, file) in files.iter().enumerate().filter(|(_, file)| is_checked(file.name)) {
            for element in file.rules() {
                let id = words::id_of(element).unwrap_or(0);
                elements.insert((number, element.line, id), element);
            }
        }
        Places { files, elements }
    }

    /// Gives the element of a rule, unless its file isn't checked.
    fn element(&self, rule: &Rule) -> Option<&'f Element> {
        let (file, line) = rule.place;
        self.elements.get(&(file, line, rule.id)).copied()
    }

    /// Gives the place of the first child of that name, else of the rule.
    fn of_child(&self, rule: &Rule, names: &[&str]) -> Option<Place> {
        let element = self.element(rule)?;
        let child = element.children.iter().find(|child| names.iter().any(|name| child.is(name)));
        let file = self.files.get(rule.place.0)?;
        Some(file.place(child.unwrap_or(element).offset))
    }

    fn of(&self, rule: &Rule) -> Option<Place> {
        self.of_child(rule, &[])
    }
}

/// Names a rule and where it stands, for a message about another one.
fn named(ruleset: &Ruleset, rule: &Rule) -> String {
    let info = ruleset.rule_info(rule);
    let file = info.file.rsplit(['/', '\\']).next().unwrap_or_default();
    format!("rule {} ({file}:{})", rule.id, info.line)
}

#[cfg(test)]
mod tests;
