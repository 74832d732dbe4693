//! What is wrong, or odd, in a rules file: where, how bad, and what to do about it.
//!
//! Loading never stops at the first problem and never panics: it returns what could be loaded and a list of these. The numbers
//! and the wording of the first line are those of Wazuh 4.14, because they are what people search the web for; the hint is ours.

use std::fmt;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Works, but probably not as meant.
    Note,
    /// Wazuh warns and goes on: a rule is skipped, or a value falls back to its default.
    Warning,
    /// Wazuh says this is wrong. Whether it still starts is told by a [`Severity::Critical`] that follows.
    Error,
    /// Wazuh refuses the file, and with it the whole ruleset: the manager doesn't start.
    Critical,
}

impl Severity {
    /// The word that is printed, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// A place in a rules file. Lines and columns count from 1; 0 means that it isn't known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The name under which the file was given.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Wazuh's message number, where it has one.
    pub code: Option<u16>,
    /// The name of Quell's own check that found it, where it isn't Wazuh's finding.
    pub lint: Option<&'static str>,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The rule or decoder that it is about, where there is one.
    pub subject: Option<String>,
    /// What to try.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Makes a finding without a place; see [`Diagnostic::at`].
    pub fn new(severity: Severity, code: Option<u16>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity,
            code,
            lint: None,
            message: message.into(),
            place: Place::default(),
            subject: None,
            hint: None,
        }
    }

    /// Names the kind of finding for tools, the same in every version: `quell/…` is a check of ours, `wazuh/…` a message of
    /// Wazuh's by its number, and `wazuh/refused` one that has none.
    pub fn kind(&self) -> String {
        match (self.lint, self.code) {
            (Some(lint), _) => format!("quell/{lint}"),
            (None, Some(code)) => format!("wazuh/{code}"),
            (None, None) if self.severity <= Severity::Warning => "wazuh/warning".to_owned(),
            (None, None) => "wazuh/refused".to_owned(),
        }
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Adds what it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.file.is_empty() {
            write!(f, "{}:", self.place.file)?;
            if self.place.line > 0 {
                write!(f, "{}:", self.place.line)?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}", self.severity.as_str())?;
        if let Some(code) = self.code {
            write!(f, "[{code}]")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Gathers findings about one file while it is read.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) file: &'a str,
    pub(crate) list: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Findings { file, list: Vec::new() }
    }

    pub(crate) fn place(&self, line: usize) -> Place {
        Place { file: self.file.to_owned(), line, column: 0 }
    }

    pub(crate) fn push(
        &mut self,
        severity: Severity,
        code: impl Into<Option<u16>>,
        line: usize,
        message: impl Into<String>,
    ) {
        /// Wazuh cuts a line of its log here.
        const MESSAGE_BYTES_MAX: usize = 2039;
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        self.list.push(Diagnostic::new(severity, code.into(), message).at(self.place(line)));
    }

    /// Adds what to try to the finding that was made last.
    pub(crate) fn note_hint(&mut self, hint: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.hint = Some(hint.into());
        }
    }

    pub(crate) fn warn(&mut self, code: u16, line: usize, message: impl Into<String>) {
        self.push(Severity::Warning, code, line, message);
    }

    pub(crate) fn error(
        &mut self,
        code: impl Into<Option<u16>>,
        line: usize,
        message: impl Into<String>,
    ) {
        self.push(Severity::Error, code, line, message);
    }
}

/// Shows text from a rules file in a message.
pub(crate) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
