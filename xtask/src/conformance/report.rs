//! What a comparison looks like on the screen: a table by feature, then what differs.
//!
//! Texts of the recordings are printed as JSON strings, which leaves no control character raw.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::Case;
use super::mark::Tally;
use super::runner::{CaseResult, Finding};
use super::sample::SampleResult;

/// Longer values are cut, because a screen shows no more of a line.
const SHOWN_CHARS_MAX: usize = 160;

/// Differences shown for a recording unless all are asked for: the first explains most of them.
const SHOWN_FINDINGS_USUAL: usize = 1;

/// Writes the table and the list of recordings that differ.
pub(crate) fn cases(cases: &[Case], results: &[CaseResult], is_verbose: bool) -> String {
    let mut features: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for (case, result) in cases.iter().zip(results) {
        for feature in &case.features {
            features.entry(feature).or_default().push(result);
        }
    }
    let mut text =
        format!("{:<24}{:>7}{:>10}{:>7}{:>8}\n", "feature", "cases", "verdicts", "same", "%");
    for (feature, results) in features {
        write_row(&mut text, feature, &Tally::of(results));
    }
    write_row(&mut text, "all", &Tally::of(results));
    for (case, result) in cases.iter().zip(results) {
        write_findings(&mut text, &case.name, "", &result.daemon, is_verbose);
        // What differs in the daemon differs in logtest too, and is told once.
        if result.daemon.is_empty() || is_verbose {
            write_findings(&mut text, &case.name, "logtest: ", &result.logtest, is_verbose);
        }
    }
    let tally = Tally::of(results);
    line(&mut text, format_args!("logtest: {} of {} the same", tally.in_logtest, tally.cases));
    text
}

fn write_row(text: &mut String, name: &str, tally: &Tally) {
    let Tally { cases, with_verdicts, exact, .. } = *tally;
    let percent = permille(exact, cases);
    let (whole, tenth) = (percent / 10, percent % 10);
    line(text, format_args!("{name:<24}{cases:>7}{with_verdicts:>10}{exact:>7}{whole:>6}.{tenth}"));
}

fn permille(part: usize, whole: usize) -> usize {
    (part * 1000).checked_div(whole).unwrap_or(0)
}

fn write_findings(
    text: &mut String,
    case: &str,
    mode: &str,
    findings: &[Finding],
    is_verbose: bool,
) {
    let shown = if is_verbose { findings.len() } else { SHOWN_FINDINGS_USUAL };
    for Finding { event, mismatch } in findings.iter().take(shown) {
        let place = if *event == 0 { "loading".to_owned() } else { format!("event {event}") };
        let (expected, got) = (shown_value(&mismatch.expected), shown_value(&mismatch.got));
        let what = &mismatch.what;
        line(text, format_args!("{case}: {mode}{place}: {what}: expected {expected}, got {got}"));
    }
    if findings.len() > shown {
        line(text, format_args!("{case}: {mode}and {} more", findings.len() - shown));
    }
}

/// Writes the number of samples that are right, and those that are not.
pub(crate) fn samples(results: &[SampleResult], is_verbose: bool) -> String {
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for result in results {
        let (right, all) = files.entry(&result.file).or_default();
        *right += usize::from(result.is_right);
        *all += 1;
    }
    let mut text = String::new();
    for (file, (right, all)) in &files {
        if right < all {
            line(&mut text, format_args!("{file}: {right} of {all} samples right"));
        }
    }
    for result in results.iter().filter(|result| is_verbose && !result.is_right) {
        line(&mut text, format_args!("{}", wrong_sample(result)));
    }
    let right = results.iter().filter(|result| result.is_right).count();
    let percent = permille(right, results.len());
    let (whole, tenth) = (percent / 10, percent % 10);
    line(&mut text, format_args!("samples: {right} of {} right, {whole}.{tenth} %", results.len()));
    text
}

fn wrong_sample(result: &SampleResult) -> String {
    let SampleResult { file, sample, rule, decoder, .. } = result;
    let expected = &sample.expected;
    let (rule, level) =
        rule.as_ref().map_or(("", String::new()), |(id, level)| (id, level.to_string()));
    let section = shown_value(&Value::String(sample.section.clone()));
    format!(
        "{file}:{}: {section} {} {:?}: expected rule `{}` level `{}` decoder `{}`, \
         got rule `{rule}` level `{level}` decoder `{decoder}`",
        sample.line, sample.number, sample.should, expected.rule, expected.level, expected.decoder
    )
}

fn shown_value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::compare::{Mismatch, Weight};
    use serde_json::json;

    fn finding(event: usize, weight: Weight, what: &str) -> Finding {
        let what = what.to_owned();
        Finding {
            event,
            mismatch: Mismatch { weight, what, expected: json!("7"), got: Value::Null },
        }
    }

    fn two_cases() -> (Vec<Case>, Vec<CaseResult>) {
        let cases = vec![Case::for_tests("a", &["x", "y"]), Case::for_tests("b", &["x"])];
        let daemon = vec![
            finding(2, Weight::Detail, "rule.firedtimes"),
            finding(0, Weight::Detail, "messages"),
        ];
        (cases, vec![CaseResult::default(), CaseResult { daemon, logtest: Vec::new() }])
    }

    #[test]
    fn the_table_counts_a_case_under_each_of_its_features() {
        let (all, results) = two_cases();
        let wanted = "\
feature                   cases  verdicts   same       %
x                             2         2      1    50.0
y                             1         1      1   100.0
all                           2         2      1    50.0
b: event 2: rule.firedtimes: expected \"7\", got null
b: and 1 more
logtest: 2 of 2 the same
";
        assert_eq!(cases(&all, &results, false), wanted);
        assert!(cases(&all, &results, true).contains("b: loading: messages: expected"));
    }

    #[test]
    fn long_values_are_cut_and_control_characters_never_reach_the_screen() {
        let shown = shown_value(&Value::String("\u{1b}é".repeat(200)));
        assert!(shown.ends_with("...") && shown.chars().count() == SHOWN_CHARS_MAX + 3);
        assert!(!shown.contains('\u{1b}'));
    }
}
