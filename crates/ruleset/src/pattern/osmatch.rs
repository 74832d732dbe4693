//! OS_Match: plain words.
//!
//! Alternatives are divided by `|`. `^` at the start of one and `$` at its end anchor it, a leading `!` turns the whole
//! pattern around, and there are no escapes at all. Letters match in either ASCII case. A byte above 127 never matches,
//! not even itself: that is how Wazuh's engine behaves, so an alternative that holds one is dead.

use aho_corasick::{AhoCorasick, MatchKind};

use super::PatternError;
use super::needle::Needle;

/// A compiled OS_Match pattern.
#[derive(Debug)]
pub(super) struct OsMatch {
    negated: bool,
    /// An alternative is empty, so every subject matches.
    matches_all: bool,
    anchored: Vec<Anchored>,
    floating: Floating,
}

/// An alternative that is tied to an end of the subject.
#[derive(Debug)]
struct Anchored {
    word: Vec<u8>,
    anchor: Anchor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Start,
    End,
    Both,
}

/// The alternatives that may lie anywhere.
#[derive(Debug)]
enum Floating {
    None,
    One(Needle),
    Many { finder: AhoCorasick, words: Vec<Vec<u8>> },
}

impl OsMatch {
    /// Compiles a pattern. Any text is one, short of a set of words too large to search for.
    pub(super) fn compile(text: &[u8]) -> Result<Self, PatternError> {
        let (negated, body) = match text.split_first() {
            Some((b'!', rest)) => (true, rest),
            _ => (false, text),
        };
        let mut matches_all = false;
        let mut anchored = Vec::new();
        let mut words = Vec::new();
        for alternative in body.split(|byte| *byte == b'|') {
            let (at_start, word) = match alternative.split_first() {
                Some((b'^', rest)) => (true, rest),
                _ => (false, alternative),
            };
            let (at_end, word) = match word.split_last() {
                Some((b'$', rest)) => (true, rest),
                _ => (false, word),
            };
            let anchor = match (at_start, at_end) {
                (true, true) => Some(Anchor::Both),
                (true, false) => Some(Anchor::Start),
                (false, true) => Some(Anchor::End),
                (false, false) => None,
            };
            if !word.is_ascii() {
                continue;
            }
            let word = word.to_ascii_lowercase();
            match anchor {
                Some(Anchor::Both) => anchored.push(Anchored { word, anchor: Anchor::Both }),
                _ if word.is_empty() => matches_all = true,
                Some(anchor) => anchored.push(Anchored { word, anchor }),
                None => words.push(word),
            }
        }
        Ok(Self { negated, matches_all, anchored, floating: Floating::new(words)? })
    }

    /// Tells whether the pattern matches `subject`.
    pub(super) fn is_match(&self, subject: &[u8]) -> bool {
        self.end_of_match(subject).is_some() != self.negated
    }

    /// Returns where the match ends; for a turned-around pattern, that is the start.
    pub(super) fn find(&self, subject: &[u8]) -> Option<usize> {
        match (self.end_of_match(subject), self.negated) {
            (end, false) => end,
            (None, true) => Some(0),
            (Some(_), true) => None,
        }
    }

    /// Returns the words of which one must occur in a subject that matches.
    pub(super) fn required_literals(&self) -> Option<Vec<Vec<u8>>> {
        if self.negated || self.matches_all {
            return None;
        }
        let mut set: Vec<Vec<u8>> = self.anchored.iter().map(|one| one.word.clone()).collect();
        match &self.floating {
            Floating::None => {}
            Floating::One(needle) => set.push(needle.word().to_vec()),
            Floating::Many { words, .. } => set.extend(words.iter().cloned()),
        }
        Some(set)
    }

    fn end_of_match(&self, subject: &[u8]) -> Option<usize> {
        if self.matches_all {
            return Some(0);
        }
        self.anchored
            .iter()
            .find_map(|one| one.end_of_match(subject))
            .or_else(|| self.floating.end_of_match(subject))
    }
}

impl Anchored {
    fn end_of_match(&self, subject: &[u8]) -> Option<usize> {
        let length = self.word.len();
        let place = match self.anchor {
            Anchor::Start => subject.get(..length),
            Anchor::End => subject.get(subject.len().checked_sub(length)?..),
            Anchor::Both => (subject.len() == length).then_some(subject),
        }?;
        let end = if self.anchor == Anchor::End { subject.len() } else { length };
        // Such words are short, and most differ in the first byte or two.
        let is_same = |(byte, wanted): (&u8, &u8)| byte.to_ascii_lowercase() == *wanted;
        place.iter().zip(&self.word).all(is_same).then_some(end)
    }
}

impl Floating {
    fn new(mut words: Vec<Vec<u8>>) -> Result<Self, PatternError> {
        if words.len() < 2 {
            let needle = words.pop().and_then(|word| Needle::new(&word));
            return Ok(needle.map_or(Self::None, Self::One));
        }
        // Rare bytes are looked for at a rush, and words of such lists have none.
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .prefilter(false)
            .match_kind(MatchKind::Standard)
            .build(&words)
            .map_err(|error| PatternError {
                offset: None,
                problem: format!("the words are too many to search for: {error}"),
                hint: "divide the words among several rules",
            })?;
        Ok(Self::Many { finder, words })
    }

    fn end_of_match(&self, subject: &[u8]) -> Option<usize> {
        match self {
            Self::None => None,
            Self::One(needle) => needle.find(subject, 0).map(|start| start + needle.len()),
            Self::Many { finder, .. } => finder.find(subject).map(|found| found.end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, subject: &str) -> bool {
        OsMatch::compile(pattern.as_bytes()).unwrap().is_match(subject.as_bytes())
    }

    #[test]
    fn a_word_matches_anywhere_and_in_either_case() {
        assert!(matches("fail", "login FAILED"));
        assert!(!matches("fail", "fai l"));
    }

    #[test]
    fn anchors_belong_to_one_alternative() {
        assert!(matches("^cat|dog$|^bird$", "cat x"));
        assert!(!matches("^cat|dog$|^bird$", "x cat"));
        assert!(matches("^cat|dog$|^bird$", "x dog"));
        assert!(!matches("^cat|dog$|^bird$", "dog x"));
        assert!(matches("^cat|dog$|^bird$", "bird"));
        assert!(!matches("^cat|dog$|^bird$", "a bird"));
    }

    #[test]
    fn an_exclamation_mark_turns_the_whole_pattern_around() {
        assert!(!matches("!cat|dog", "a dog"));
        assert!(matches("!^cat", "x cat"));
        assert!(matches("a!b", "a!b"));
    }

    #[test]
    fn there_are_no_escapes() {
        assert!(matches(r"a\|b", r"a\"));
        assert!(matches(r"a\|b", "b"));
        assert!(matches("a.b*c+[d]{e}(f)?", "a.b*c+[d]{e}(f)?"));
    }

    #[test]
    fn an_empty_alternative_matches_everything() {
        for pattern in ["", "cat|", "|cat", "^", "$", "a||b"] {
            assert!(matches(pattern, "zzz"), "{pattern}");
            assert!(matches(pattern, ""), "{pattern}");
        }
        assert!(matches("^$", ""));
        assert!(!matches("^$", "a"));
    }

    #[test]
    fn a_byte_above_127_never_matches_not_even_itself() {
        assert!(!matches("café", "un café"));
        assert!(matches("café|noir", "un café noir"));
        assert!(matches("!café", "un café"));
        assert!(matches("un", "un café"));
    }

    /// Says what the language means in the plainest way.
    fn naive(pattern: &[u8], subject: &[u8]) -> bool {
        let negated = pattern.first() == Some(&b'!');
        let body = if negated { &pattern[1..] } else { pattern };
        let subject = subject.to_ascii_lowercase();
        let found = body.to_ascii_lowercase().split(|byte| *byte == b'|').any(|alternative| {
            let start = alternative.first() == Some(&b'^');
            let word = if start { &alternative[1..] } else { alternative };
            let end = word.last() == Some(&b'$');
            let word = if end { &word[..word.len() - 1] } else { word };
            let mut places = (0..=subject.len())
                .filter(|at| word.is_ascii() && subject[*at..].starts_with(word));
            places.any(|at| (!start || at == 0) && (!end || at + word.len() == subject.len()))
        });
        found != negated
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_plainest_reading(pattern in "[aAbB|^$!é]{0,8}", subject in "[aAbB|^$!é]{0,8}") {
            let compiled = OsMatch::compile(pattern.as_bytes()).unwrap();
            prop_assert_eq!(compiled.is_match(subject.as_bytes()), naive(pattern.as_bytes(), subject.as_bytes()));
        }
    }
}
