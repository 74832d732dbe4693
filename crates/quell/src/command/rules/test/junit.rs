//! Writes test results as a JUnit report, which every CI server reads. A suite is a file, a case is a sample.

use std::fmt::Write as _;
use std::path::Path;

use super::super::write_whole;
use super::report::{expected, got, name};
use super::{FileResult, SampleResult};

/// Writes the report.
pub(super) fn write(path: &Path, results: &[FileResult]) -> anyhow::Result<()> {
    write_whole(path, &report(results))
}

fn report(results: &[FileResult]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = results.iter().map(|file| file.samples.len()).sum();
    let failed: usize = results.iter().map(failures).sum();
    line(&mut out, &format!("<testsuites tests=\"{tests}\" failures=\"{failed}\">"));
    for file in results {
        let head = format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(&file.name),
            file.samples.len(),
            failures(file)
        );
        line(&mut out, &head);
        if let Some(why) = &file.unreadable {
            let (class, why) = (escaped(&file.name), escaped(why));
            let head =
                format!("    <testcase classname=\"{class}\" name=\"the file can be read\">");
            line(&mut out, &format!("{head}<error message=\"{why}\"/></testcase>"));
        }
        for sample in &file.samples {
            case(&mut out, file, sample);
        }
        if !file.problems.is_empty() {
            let said = file
                .problems
                .iter()
                .map(|problem| format!("{}:{}: {}\n", file.name, problem.line, problem.message));
            let said = escaped(&said.collect::<String>());
            line(&mut out, &format!("    <system-err>{said}</system-err>"));
        }
        line(&mut out, "  </testsuite>");
    }
    line(&mut out, "</testsuites>");
    out
}

fn failures(file: &FileResult) -> usize {
    file.samples.iter().filter(|sample| !sample.is_right).count()
}

fn case(out: &mut String, file: &FileResult, result: &SampleResult) {
    let name = format!("{} (line {})", name(result), result.sample.line);
    if result.is_right {
        let (class, name) = (escaped(&file.name), escaped(&name));
        return line(out, &format!("    <testcase classname=\"{class}\" name=\"{name}\"/>"));
    }
    let message = escaped(&format!("expected {}, got {}", expected(result), got(result)));
    let text = escaped(&result.reasons.join("\n"));
    let (class, name, at) = (escaped(&file.name), escaped(&name), result.sample.line);
    line(out, &format!("    <testcase classname=\"{class}\" name=\"{name}\">"));
    line(
        out,
        &format!("      <failure message=\"{message}\">{class}:{at}\n{message}\n{text}</failure>"),
    );
    line(out, "    </testcase>");
}

fn line(out: &mut String, text: &str) {
    // Writing to a string can't fail.
    writeln!(out, "{text}").ok();
}

/// Escapes a text for XML, in attributes too. What XML can't hold at all, as control characters, becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_test_is_called_the_report_is_well_formed() {
        assert_eq!(escaped("a<b>&\"c\"\u{1b}[1m\n"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}[1m\n");
    }
}
