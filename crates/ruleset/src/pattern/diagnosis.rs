//! What in a pattern probably does not mean what its author thinks.

use super::Language;

/// One suspicion about a pattern's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The byte of the text that it is about.
    pub offset: usize,
    /// What the text really means.
    pub message: String,
    /// What to write instead.
    pub hint: &'static str,
}

/// Lists the suspicions about a text in a language.
pub fn of(_language: Language, _text: &[u8]) -> Vec<Finding> {
    Vec::new()
}
