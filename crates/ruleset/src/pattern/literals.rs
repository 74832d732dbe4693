//! Which words must occur in a subject that matches.
//!
//! One search for all words of all patterns over a log line tells which patterns need not be tried at all. That only
//! works if a set is never wrong: each answer here is proved by the pattern's structure, and where the structure is not
//! understood the answer is that nothing is known.

/// Passes a set on unless it holds an empty word, which occurs everywhere and so tells nothing.
pub(super) fn worth_having(set: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    (!set.iter().any(Vec::is_empty)).then_some(set)
}

/// Returns the words of a PCRE2 pattern.
pub(super) fn of_pcre2(_text: &[u8]) -> Option<Vec<Vec<u8>>> {
    None
}
