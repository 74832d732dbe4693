//! One thing that is wrong, at a place that an editor can jump to.

use std::fmt;

use crate::Answer;

/// What is wrong, where, and what to do about it; one line when printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
    hint: String,
}

impl Finding {
    pub(crate) fn new(
        path: &str,
        line: usize,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}, {}", self.path, self.line, self.what, self.hint)
    }
}

/// Prints the findings in the order of the files and turns them into the answer.
pub(crate) fn report(check: &str, looked_at: &str, mut findings: Vec<Finding>) -> Answer {
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("{check}: fine, {looked_at}");
        return Answer::Fine;
    }
    println!("{check}: {} findings, {looked_at}", findings.len());
    Answer::No
}
