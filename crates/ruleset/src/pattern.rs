//! One pattern of a rule or a decoder, in any of the three languages Wazuh knows.
//!
//! Rules and decoders hold thousands of patterns and each log line meets many of them, so a pattern is compiled once
//! and then matched without allocating. What a pattern means is Wazuh's business, quirks included: see the module of
//! each language. Promises: no panic on any bytes; a match takes bounded work (where a bound stops it, that is no
//! match and is counted); [`Pattern::required_literals`] never leaves out a subject that would match.

pub mod diagnosis;
mod form;
mod input;
mod literals;
mod needle;
mod osmatch;
mod osregex;
mod outline;
mod pcre2;
mod tree;

use std::fmt;

pub use diagnosis::Finding;
pub(crate) use form::Form;

/// Which of the three pattern languages a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Plain words with alternatives and anchors.
    OsMatch,
    /// Wazuh's small regular expressions.
    OsRegex,
    /// Perl-compatible regular expressions, over bytes and without options.
    Pcre2,
}

/// Says why a text is no pattern, and what its author can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PatternError {
    /// The byte of the text at which it goes wrong, where that is known.
    pub offset: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to try instead; empty when there is nothing better to say.
    pub hint: &'static str,
}

impl PatternError {
    pub(crate) fn at(offset: usize, problem: impl Into<String>, hint: &'static str) -> Self {
        Self { offset: Some(offset), problem: problem.into(), hint }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem)?;
        if let Some(offset) = self.offset {
            write!(formatter, " at byte {offset}")?;
        }
        if !self.hint.is_empty() {
            write!(formatter, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// Holds where the groups of a match lie. Keep one and use it again: it allocates only while it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures {
    /// Start and end of each group in the subject, `None` for a group that took no part. The whole match is not here.
    pub groups: Vec<Option<(usize, usize)>>,
}

impl Captures {
    fn reset(&mut self, groups: usize) {
        self.groups.clear();
        self.groups.resize(groups, None);
    }

    fn set(&mut self, group: usize, span: Option<(usize, usize)>) {
        if let Some(slot) = self.groups.get_mut(group) {
            *slot = span;
        }
    }
}

/// The longest pattern text taken, as in Wazuh.
pub const PATTERN_BYTES_MAX: usize = 20_480;

/// One compiled pattern. Many threads may match with it at once.
#[derive(Debug)]
pub struct Pattern {
    text: Vec<u8>,
    program: Program,
}

#[derive(Debug)]
enum Program {
    OsMatch(osmatch::OsMatch),
    OsRegex(osregex::OsRegex),
    Pcre2(Box<pcre2::Pcre2>),
}

impl Pattern {
    /// Compiles `text`, exactly the bytes that Wazuh's XML reader would hand to its engine.
    pub fn compile(language: Language, text: &[u8]) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            let problem = format!("pattern of {} bytes is too long", text.len());
            let hint = "a pattern holds at most 20,480 bytes; use several rules";
            return Err(PatternError { offset: None, problem, hint });
        }
        let program = match language {
            Language::OsMatch => Program::OsMatch(osmatch::OsMatch::compile(text)?),
            Language::OsRegex => Program::OsRegex(osregex::OsRegex::compile(text)?),
            Language::Pcre2 => Program::Pcre2(Box::new(pcre2::Pcre2::compile(text)?)),
        };
        Ok(Self { text: text.to_vec(), program })
    }

    /// Returns the language it was written in.
    pub fn language(&self) -> Language {
        match self.program {
            Program::OsMatch(_) => Language::OsMatch,
            Program::OsRegex(_) => Language::OsRegex,
            Program::Pcre2(_) => Language::Pcre2,
        }
    }

    /// Returns the text it was compiled from.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Tells whether the pattern matches somewhere in `subject`.
    pub fn is_match(&self, subject: &[u8]) -> bool {
        match &self.program {
            Program::OsMatch(program) => program.is_match(subject),
            Program::OsRegex(program) => program.is_match(subject),
            Program::Pcre2(program) => program.is_match(subject),
        }
    }

    /// Says the same of a subject whose form is known, sooner.
    pub(crate) fn is_match_of(&self, subject: &[u8], form: Form) -> bool {
        match &self.program {
            Program::Pcre2(program) => program.is_match_of(subject, form),
            _ => self.is_match(subject),
        }
    }

    /// Matches, records the groups, and returns where the match ends: the place from which `offset="after_…"` goes on.
    pub fn find(&self, subject: &[u8], captures: &mut Captures) -> Option<usize> {
        captures.reset(self.captures_len());
        match &self.program {
            Program::OsMatch(program) => program.find(subject),
            Program::OsRegex(program) => program.find(subject, captures),
            Program::Pcre2(program) => program.find(subject, captures),
        }
    }

    /// Returns the number of groups that [`Pattern::find`] records.
    pub fn captures_len(&self) -> usize {
        match &self.program {
            Program::OsMatch(_) => 0,
            Program::OsRegex(program) => program.groups(),
            Program::Pcre2(program) => program.groups(),
        }
    }

    /// Tells whether a subject that begins with this byte may match. `true` where that isn't known.
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        match &self.program {
            Program::OsRegex(program) => program.may_begin_with(byte),
            Program::OsMatch(_) | Program::Pcre2(_) => true,
        }
    }

    /// Returns the ASCII bytes, in lower case, that every matching subject holds in one case or the other: bit `n` for byte `n`.
    pub(crate) fn required_bytes(&self) -> u128 {
        if let Program::OsRegex(program) = &self.program {
            return program.required_bytes();
        }
        let of = |word: &Vec<u8>| {
            word.iter().filter(|byte| byte.is_ascii()).fold(0u128, |set, byte| set | 1 << byte)
        };
        let words = self.required_literals().unwrap_or_default();
        words.iter().map(of).reduce(|a, b| a & b).unwrap_or(0)
    }

    /// Returns ASCII-lowercased literals of which each matching subject holds at least one, without regard to ASCII
    /// case; `None` when nothing is known. An empty list says that nothing ever matches.
    pub fn required_literals(&self) -> Option<Vec<Vec<u8>>> {
        self.required_sets().into_iter().next()
    }

    /// Returns all such sets that are known, the most telling first: each matching subject holds a literal of each.
    pub(crate) fn required_sets(&self) -> Vec<Vec<Vec<u8>>> {
        self.required_sets_of(Form::Any)
    }

    /// Returns such sets for subjects of a form.
    pub(crate) fn required_sets_of(&self, form: Form) -> Vec<Vec<Vec<u8>>> {
        let set = match &self.program {
            Program::OsMatch(program) => program.required_literals(),
            Program::OsRegex(program) => program.required_literals(),
            Program::Pcre2(program) => return program.words_of(form).to_vec(),
        };
        set.and_then(literals::worth_having).into_iter().collect()
    }

    /// Returns the bytes of which each match of a PCRE2 pattern begins with one; `None` where that isn't known, or a match may take no
    /// byte.
    pub fn first_bytes(&self) -> Option<Vec<u8>> {
        match &self.program {
            Program::Pcre2(program) => program.first_bytes(),
            Program::OsMatch(_) | Program::OsRegex(_) => None,
        }
    }

    /// Draws what takes every subject of [`Form::Once`] that the pattern matches, and few others.
    pub(crate) fn outline(&self) -> Option<regex_syntax::hir::Hir> {
        match &self.program {
            Program::Pcre2(program) => program.outline(),
            Program::OsMatch(_) | Program::OsRegex(_) => None,
        }
    }

    /// Returns how often a bound on the work of one match was hit, each time making it no match.
    pub fn limit_hits(&self) -> u64 {
        match &self.program {
            Program::OsMatch(_) => 0,
            Program::OsRegex(program) => program.limit_hits(),
            Program::Pcre2(program) => program.limit_hits(),
        }
    }

    /// Lists what in the text probably does not mean what its author thinks.
    pub fn diagnose(&self) -> Vec<Finding> {
        diagnosis::of(self.language(), &self.text)
    }
}

#[cfg(test)]
mod tests;
