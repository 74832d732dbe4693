//! Which rules no test names, and which tests name no rule.

use std::collections::HashSet;

use super::catalog as lints;
use super::file::File;
use super::{Places, Report};
use crate::diagnostic::{Diagnostic, Place};
use crate::ruleset::{Ruleset, Source};
use crate::testfile::{Should, TestFile};

/// Compares the rules of the checked files with files of tests, each with its name.
///
/// A rule that only groups others (`noalert`) needs no test. A rule that a sample must *not* reach isn't tested by that.
pub fn check_tests(
    source: &Source,
    ruleset: &Ruleset,
    tests: &[(String, TestFile)],
    is_checked: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let files: Vec<File<'_>> =
        source.rule_files().map(|(name, text)| File::new(name, text)).collect();
    let places = Places::new(&files, is_checked);
    let mut report = Report { found: Vec::new() };
    let samples =
        || tests.iter().flat_map(|(file, test)| test.samples.iter().map(move |s| (file, s)));
    let named: HashSet<u32> = samples()
        .filter(|(_, sample)| sample.should == Should::Pass)
        .filter_map(|(_, sample)| sample.expected.rule.trim().parse().ok())
        .collect();
    for rule in &ruleset.rules.all {
        if rule.noalert || named.contains(&rule.id) {
            continue;
        }
        let Some(place) = places.of(rule) else { continue };
        let subject = format!("rule {}", rule.id);
        let hint = format!("add a sample with `rule = {}`", rule.id);
        report.add(&lints::NO_TEST, place, subject, "no test expects this rule", hint);
    }
    let mut told = HashSet::new();
    for (file, sample) in samples() {
        let Ok(id) = sample.expected.rule.trim().parse::<u32>() else { continue };
        if ruleset.rules.by_id.contains_key(&id) || !told.insert((file, id)) {
            continue;
        }
        let place = Place { file: file.clone(), line: sample.line, column: 0 };
        let message = format!("the sample expects rule {id}, which isn't loaded");
        let hint = "check the id, or name the rules that it belongs to with --base";
        report.add(&lints::TEST_OF_NO_RULE, place, format!("rule {id}"), message, hint);
    }
    report.found
}
