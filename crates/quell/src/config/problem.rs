//! Problems in a configuration, as data: where, what, and what to try.
//!
//! They are collected and told all at once, so that an operator repairs a file in one go. A
//! problem quotes only the pair of key and value that it is about, because the text next to it may
//! be a secret, and makes control characters visible, because the file may be anybody's.
//!
//! It leaves deciding what is a problem to the other files.

use super::settings::Origin;
use std::fmt;
use std::ops::Range;

/// The most problems that are told. A file with more of them is not a configuration, and nobody
/// reads further.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// The longest piece of a value or a line that is quoted, in characters: one line of a terminal.
const QUOTE_MAX: usize = 80;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The daemon does not start.
    Error,
    /// The daemon starts, and somebody should look at this.
    Warning,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Where it is: `file:line:column`, the name of an environment variable, or a default.
    pub(crate) place: String,
    /// What is wrong, with the value.
    pub(crate) what: String,
    /// What to try.
    pub(crate) hint: Option<String>,
    /// The lines of the file that show it, ready to print.
    pub(crate) excerpt: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.severity_word();
        write!(formatter, "{word}: {}: {}", self.place, self.what)?;
        if let Some(excerpt) = &self.excerpt {
            write!(formatter, "\n{excerpt}")?;
        }
        if let Some(hint) = &self.hint {
            write!(formatter, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Problem {
    fn severity_word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    /// Returns the problem for a program that reads `--json`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "severity": self.severity_word(),
            "place": self.place,
            "what": self.what,
            "hint": self.hint,
        })
    }
}

/// Makes text from outside harmless to print, and short.
pub(crate) fn shown(text: &str) -> String {
    let mut safe = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == QUOTE_MAX {
            safe.push_str("...");
            break;
        }
        match letter {
            '"' | '\'' | '\\' => safe.push(letter),
            _ => safe.extend(letter.escape_debug()),
        }
    }
    safe
}

/// Names an environment variable as a place.
pub(crate) fn environment_place(name: &str) -> String {
    format!("environment {}", shown(name))
}

/// The text of the configuration file, with what is needed to name a place in it.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Keeps a file's name and text.
    pub(crate) fn new(name: &str, text: String) -> Source {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = [0].into_iter().chain(breaks.map(|(offset, _)| offset + 1)).collect();
        Source { name: shown(name), text, line_starts }
    }

    /// Returns the file's name, safe to print.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the line of an offset, counted from one.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Returns the line and the column of an offset, both counted from one, columns in
    /// characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    fn place(&self, offset: usize) -> String {
        let (line, column) = self.position(offset);
        format!("{}:{line}:{column}", self.name)
    }

    /// Draws the first line of `quoted` and marks `at` in it.
    fn excerpt(&self, quoted: Range<usize>, at: Range<usize>) -> Option<String> {
        let same_line = self.line(quoted.start) == self.line(at.start);
        let start = if same_line { quoted.start } else { at.start };
        let line = self.text.get(start..quoted.end.max(at.end))?.lines().next()?;
        let indent = self.text.get(start..at.start)?.chars().count();
        if indent >= QUOTE_MAX {
            return None;
        }
        let visible = |letter: char| if letter.escape_debug().count() > 1 { '?' } else { letter };
        let keep = |letter: char| if "\"'\\".contains(letter) { letter } else { visible(letter) };
        let drawn: String = line.chars().take(QUOTE_MAX).map(keep).collect();
        let marked = self.text.get(at).map_or(0, |text| text.chars().count());
        let room = drawn.chars().count().saturating_sub(indent);
        let carets = "^".repeat(marked.min(room).max(1));
        let number = self.line(start).to_string();
        let gutter = " ".repeat(number.len());
        let blank = " ".repeat(indent);
        Some(format!("  {number} | {drawn}\n  {gutter} | {blank}{carets}"))
    }
}

/// How much of the file a problem may quote.
#[derive(Clone, Debug)]
pub(crate) enum Quote {
    /// This piece of the file, usually a key and its value.
    Piece(Range<usize>),
    /// Nothing: the text may be a secret.
    Nothing,
}

/// Collects problems while a configuration is read.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    source: Option<&'a Source>,
    problems: Vec<(usize, Problem)>,
    untold: usize,
}

impl<'a> Report<'a> {
    /// Begins a report about this file, if there is one.
    pub(crate) fn new(source: Option<&'a Source>) -> Report<'a> {
        Report { source, problems: Vec::new(), untold: 0 }
    }

    /// Adds an error that lies at `at` in the file.
    pub(crate) fn in_file(&mut self, at: Range<usize>, quote: Quote, what: String, hint: String) {
        self.found_in_file(Severity::Error, at, quote, what, hint);
    }

    /// Adds a problem at the place where a value came from. `path` names the setting.
    pub(crate) fn at_origin(
        &mut self,
        severity: Severity,
        origin: &Origin,
        path: &str,
        what: String,
        hint: &str,
    ) {
        let hint = hint.to_owned();
        match origin {
            Origin::File { at, quote, .. } => {
                let quote = Quote::Piece(quote.clone());
                self.found_in_file(severity, at.clone(), quote, what, hint);
            }
            Origin::Environment(name) => {
                self.elsewhere(severity, environment_place(name), what, hint);
            }
            Origin::Standard => {
                self.elsewhere(severity, format!("default of {path}"), what, hint);
            }
        }
    }

    fn found_in_file(
        &mut self,
        severity: Severity,
        at: Range<usize>,
        quote: Quote,
        what: String,
        hint: String,
    ) {
        if self.problems.len() >= PROBLEMS_MAX {
            // Finding the place and drawing the line would be work for nothing.
            self.untold += 1;
            return;
        }
        let place = self.source.map_or_else(String::new, |source| source.place(at.start));
        let excerpt = match (self.source, quote) {
            (Some(source), Quote::Piece(piece)) => source.excerpt(piece, at.clone()),
            _ => None,
        };
        self.add(at.start, Problem { severity, place, what, hint: Some(hint), excerpt });
    }

    /// Adds a problem that lies elsewhere: in the environment, between settings, or in a default.
    pub(crate) fn elsewhere(
        &mut self,
        severity: Severity,
        place: String,
        what: String,
        hint: String,
    ) {
        let problem = Problem { severity, place, what, hint: Some(hint), excerpt: None };
        self.add(usize::MAX, problem);
    }

    fn add(&mut self, offset: usize, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push((offset, problem));
        } else {
            self.untold += 1;
        }
    }

    /// Drops the problems that `keep` refuses. It is given the offset of each.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.problems.retain(|(offset, _)| keep(*offset));
    }

    /// Says whether anything so far keeps the daemon from starting.
    pub(crate) fn has_errors(&self) -> bool {
        self.untold > 0
            || self.problems.iter().any(|(_, problem)| problem.severity == Severity::Error)
    }

    /// Returns the problems in the order of the file, the others after them.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|(offset, _)| *offset);
        let mut problems: Vec<Problem> =
            self.problems.into_iter().map(|(_, problem)| problem).collect();
        if self.untold > 0 {
            problems.push(Problem {
                severity: Severity::Error,
                place: "the configuration".to_owned(),
                what: format!("there are {} more problems than are shown", self.untold),
                hint: Some("repair these first and check again".to_owned()),
                excerpt: None,
            });
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::{Quote, Report, Source, shown};

    #[test]
    fn hostile_text_is_made_visible_and_short() {
        assert_eq!(shown("a\u{1b}[31m \"b\""), "a\\u{1b}[31m \"b\"");
        assert_eq!(shown("\u{202e}\u{200b}"), "\\u{202e}\\u{200b}");
        assert_eq!(shown(&"x".repeat(500)).len(), 83);
    }

    #[test]
    fn a_problem_is_drawn_under_its_line() {
        let source = Source::new("q.toml", "a = 1\r\nb\u{e4}c = 22\n".to_owned());
        let mut report = Report::new(Some(&source));
        report.in_file(14..16, Quote::Piece(7..16), "no".to_owned(), "yes".to_owned());
        let problems = report.into_problems();
        assert_eq!(
            problems.first().unwrap().to_string(),
            "error: q.toml:2:7: no\n  2 | b\u{e4}c = 22\n    |       ^^\n  hint: yes"
        );
    }
}
