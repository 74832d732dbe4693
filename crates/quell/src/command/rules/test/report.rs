//! How test results look: failures for people, everything as JSON for tools.

use std::io::Write as _;

use alert::sanitize::shown;
use ruleset::testfile::Should;
use serde_json::{Value, json};

use super::{FileResult, SampleResult};
use crate::command::{Failure, print};

/// Failures that are shown. The summary counts all.
const FAILURES_SHOWN_MAX: usize = 200;

/// Longest text that is shown whole.
const CHARACTERS_MAX: usize = 300;

/// Prints the results; the answer is no when a sample failed, or when there was none. A line that was not understood is told and no more: Wazuh's runner passes
/// over it, and its own tests have some.
pub(super) fn tell(results: &[FileResult], is_json: bool) -> Result<(), Failure> {
    let tally = Tally::of(results);
    if is_json {
        print_json(results, &tally)?
    } else {
        print_text(results, &tally)?
    }
    if tally.failed > 0 || tally.unreadable > 0 {
        return Err(Failure::no());
    }
    if tally.passed == 0 {
        // A green run that tried nothing would hide a file that lost its tests.
        return Err(Failure {
            code: Failure::NO,
            message: "there is no sample in these tests\nhint: a sample is `log 1 pass = ...` in a section, with `rule = ...` below"
                .to_owned(),
        });
    }
    Ok(())
}

/// What a sample is called.
pub(super) fn name(result: &SampleResult) -> String {
    let should = match result.sample.should {
        Should::Pass => "pass",
        Should::Fail => "fail",
    };
    format!("[{}] log {} {should}", result.sample.section, result.sample.number)
}

/// What was expected, in words.
pub(super) fn expected(result: &SampleResult) -> String {
    let expected = &result.sample.expected;
    let not = if result.sample.should == Should::Fail { "anything but " } else { "" };
    format!("{not}{}", outcome(&expected.rule, &expected.level, &expected.decoder))
}

/// What came, in words.
pub(super) fn got(result: &SampleResult) -> String {
    match &result.rule {
        Some((id, level)) => outcome(id, &level.to_string(), &result.decoder),
        None => outcome("", "", &result.decoder),
    }
}

fn outcome(rule: &str, level: &str, decoder: &str) -> String {
    let rule = match (rule, level) {
        ("", _) => "no rule".to_owned(),
        (rule, "") => format!("rule {rule}"),
        (rule, level) => format!("rule {rule}, level {level}"),
    };
    let decoder =
        if decoder.is_empty() { "no decoder".to_owned() } else { format!("decoder {decoder}") };
    format!("{rule}, {decoder}")
}

struct Tally {
    passed: usize,
    failed: usize,
    problems: usize,
    unreadable: usize,
    files: usize,
}

impl Tally {
    fn of(results: &[FileResult]) -> Self {
        let samples = || results.iter().flat_map(|file| &file.samples);
        let passed = samples().filter(|sample| sample.is_right).count();
        let failed = samples().count() - passed;
        let problems = results.iter().map(|file| file.problems.len()).sum();
        let unreadable = results.iter().filter(|file| file.unreadable.is_some()).count();
        Self { passed, failed, problems, unreadable, files: results.len() }
    }

    fn line(&self) -> String {
        let problems = match self.problems {
            0 => String::new(),
            1 => ", one line not understood".to_owned(),
            count => format!(", {count} lines not understood"),
        };
        let unreadable = match self.unreadable {
            0 => String::new(),
            1 => ", one file not read".to_owned(),
            count => format!(", {count} files not read"),
        };
        format!("{} passed, {} failed{unreadable}{problems}", self.passed, self.failed)
    }
}

fn print_text(results: &[FileResult], tally: &Tally) -> Result<(), Failure> {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let mut left = FAILURES_SHOWN_MAX;
    for file in results {
        let name_of = |line: usize| shown(&format!("{}:{line}", file.name), CHARACTERS_MAX);
        if let Some(why) = &file.unreadable {
            line(format!("BAD  {}", shown(why, CHARACTERS_MAX)));
        }
        for problem in &file.problems {
            line(format!(
                "ODD  {}: {}",
                name_of(problem.line),
                shown(&problem.message, CHARACTERS_MAX)
            ));
        }
        for result in file.samples.iter().filter(|result| !result.is_right) {
            if left == 0 {
                break;
            }
            left -= 1;
            line(format!(
                "FAIL {} {}",
                name_of(result.sample.line),
                shown(&name(result), CHARACTERS_MAX)
            ));
            line(format!("     expected  {}", shown(&expected(result), CHARACTERS_MAX)));
            line(format!("     got       {}", shown(&got(result), CHARACTERS_MAX)));
            for reason in &result.reasons {
                line(format!("     because   {}", shown(reason, CHARACTERS_MAX)));
            }
            if let Some(event) = result.sample.events.last() {
                let log = String::from_utf8_lossy(&event.log);
                line(format!("     line      {}", shown(&log, CHARACTERS_MAX)));
            }
        }
    }
    if tally.failed > FAILURES_SHOWN_MAX {
        line(format!("and {} more: --json shows them", tally.failed - FAILURES_SHOWN_MAX));
    }
    line(tally.line());
    print(&out)?;
    Ok(())
}

fn print_json(results: &[FileResult], tally: &Tally) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in results {
        for result in &file.samples {
            writeln!(out, "{}", sample_json(&file.name, result))?;
        }
        if let Some(why) = &file.unreadable {
            writeln!(out, "{}", json!({ "file": file.name, "unreadable": why }))?;
        }
        for problem in &file.problems {
            let object =
                json!({ "file": file.name, "line": problem.line, "problem": problem.message });
            writeln!(out, "{object}")?;
        }
    }
    let summary = json!({
        "files": tally.files,
        "samples": tally.passed + tally.failed,
        "passed": tally.passed,
        "failed": tally.failed,
        "problems": tally.problems,
        "unreadable": tally.unreadable,
    });
    writeln!(out, "{}", json!({ "summary": summary }))?;
    out.flush()?;
    Ok(())
}

fn sample_json(file: &str, result: &SampleResult) -> Value {
    let sample = &result.sample;
    let expected = &sample.expected;
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "file": file,
        "line": sample.line,
        "section": sample.section,
        "number": sample.number,
        "should": if sample.should == Should::Pass { "pass" } else { "fail" },
        "ok": result.is_right,
        "expected": {
            "rule": or_null(&expected.rule),
            "level": or_null(&expected.level),
            "decoder": or_null(&expected.decoder),
        },
        "got": {
            "rule": result.rule.as_ref().map(|(id, _)| id),
            "level": result.rule.as_ref().map(|(_, level)| level.to_string()),
            "decoder": or_null(&result.decoder),
        },
        "reasons": result.reasons,
    })
}
