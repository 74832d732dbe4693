//! OS_Regex: Wazuh's own small regular expressions.
//!
//! It looks like a regular expression and is something less. The engine walks once over the subject. A class with `+`
//! or `*` gives way as soon as what follows it accepts the current byte, and the place where it gave way is remembered
//! as a *fallback*; on a mismatch it returns to the newest fallback, where the class takes that byte after all. It
//! remembers four. When none is left, an anchored pattern fails and another one starts anew one byte further on.
//! What that means in the corners was recorded from the real engine; the tests hold it.
//!
//! - `\d \D \w \W \s \S \t \p \.` are classes, and only they take `+` or `*`: elsewhere both are plain characters.
//! - `.`, `[a]`, `{2}`, `?` are plain characters; `\(` `\)` `\\` `\$` `\|` `\<` too, and any other escape is an error.
//! - Parentheses only capture: they cannot nest, and hold no alternatives.
//! - `|` divides whole alternatives, `^` and `$` anchor one of them.
//! - Letters match in either ASCII case; a byte above 127 in a pattern matches nothing.

mod compile;
mod matcher;

use std::sync::atomic::{AtomicU64, Ordering};

use super::needle::Needle;
use super::{Captures, PatternError};
use matcher::Outcome;

/// A compiled OS_Regex pattern.
#[derive(Debug)]
pub(super) struct OsRegex {
    alternatives: Vec<Alternative>,
    groups: usize,
    limit_hits: AtomicU64,
}

/// One of the texts between the bars, as steps to take in order.
#[derive(Debug, Default)]
struct Alternative {
    at_start: bool,
    at_end: bool,
    steps: Vec<Step>,
    /// Parentheses after the last step.
    last_marks: Vec<Mark>,
    groups: usize,
    /// The plain text that a match begins with, when it does and the pattern is not anchored.
    leading: Option<Needle>,
    /// Plain text that a match holds somewhere; looked for first when there is no better way to begin.
    inner: Option<Needle>,
    /// The bytes that a match can begin with; `None` when it may be empty.
    first: Option<ByteSet>,
}

/// What is taken from the subject at one point of the pattern.
#[derive(Debug)]
struct Step {
    accepts: ByteSet,
    repeat: Repeat,
    /// The plain byte, when the step is one.
    literal: Option<u8>,
    /// The bytes for which a repeating class gives way to what follows it.
    gives_way: ByteSet,
    /// Returning to it as a fallback, it must take one more byte before it may give way again.
    takes_after_return: bool,
    /// How to find where a repeating class ends.
    stop: Stop,
    /// The plain text from here on, in lower case, where it is longer than this step and nothing is recorded inside.
    word: Option<Box<[u8]>>,
    /// Parentheses between the step before and this one.
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Once,
    OneOrMore,
    NoneOrMore,
}

/// The bytes at which a repeating class ends or gives way, in the form that is quickest to search for.
#[derive(Clone, Debug)]
enum Stop {
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    Many(Box<[bool; 256]>),
}

impl Stop {
    fn new(stops: &ByteSet) -> Self {
        let mut bytes = stops.iter();
        match (bytes.next(), bytes.next(), bytes.next(), bytes.next()) {
            (Some(one), None, ..) => Stop::One(one),
            (Some(one), Some(two), None, _) => Stop::Two(one, two),
            (Some(one), Some(two), Some(three), None) => Stop::Three(one, two, three),
            _ => {
                let mut table = Box::new([false; 256]);
                for byte in stops.iter() {
                    if let Some(place) = table.get_mut(usize::from(byte)) {
                        *place = true;
                    }
                }
                Stop::Many(table)
            }
        }
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        /// Words and numbers of log lines are short: starting a vector search costs more than going so far by steps.
        const NEAR_BYTES: usize = 12;
        let near = text.get(..NEAR_BYTES).unwrap_or(text);
        if let Some(at) = near.iter().position(|byte| self.holds(*byte)) {
            return Some(at);
        }
        self.find_far(text.get(NEAR_BYTES..)?).map(|at| NEAR_BYTES + at)
    }

    fn holds(&self, byte: u8) -> bool {
        match self {
            Stop::One(one) => byte == *one,
            Stop::Two(one, two) => byte == *one || byte == *two,
            Stop::Three(one, two, three) => byte == *one || byte == *two || byte == *three,
            Stop::Many(table) => table.get(usize::from(byte)).copied().unwrap_or(true),
        }
    }

    fn find_far(&self, text: &[u8]) -> Option<usize> {
        match self {
            Stop::One(one) => memchr::memchr(*one, text),
            Stop::Two(one, two) => memchr::memchr2(*one, *two, text),
            Stop::Three(one, two, three) => memchr::memchr3(*one, *two, *three, text),
            Stop::Many(_) => text.iter().position(|byte| self.holds(*byte)),
        }
    }
}

/// A parenthesis, which records where it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Open(usize),
    Close(usize),
}

/// A set of bytes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn of(accepts: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::default();
        (0..=u8::MAX).filter(|byte| accepts(*byte)).for_each(|byte| set.insert(byte));
        set
    }

    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// The bytes of the set, lowest first.
    fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0u8..4).zip(self.0).flat_map(|(word, bits)| {
            let mut rest = bits;
            std::iter::from_fn(move || {
                let bit = u8::try_from(rest.trailing_zeros()).unwrap_or(0);
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    word << 6 | bit
                })
            })
        })
    }

    /// The bytes that are not in the set.
    fn complement(&self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// The one ASCII byte of the set, in lower case, if there is only one apart from case.
    fn only_byte(&self) -> Option<u8> {
        let mut bytes = self.iter().map(|byte| byte.to_ascii_lowercase());
        let first = bytes.next().filter(u8::is_ascii)?;
        bytes.all(|byte| byte == first).then_some(first)
    }

    #[inline]
    fn holds(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries((0..=u8::MAX).filter(|byte| self.holds(*byte))).finish()
    }
}

impl OsRegex {
    /// Compiles a pattern.
    pub(super) fn compile(text: &[u8]) -> Result<Self, PatternError> {
        let alternatives = compile::alternatives(text)?;
        let groups = alternatives.iter().map(|one| one.groups).max().unwrap_or(0);
        Ok(Self { alternatives, groups, limit_hits: AtomicU64::new(0) })
    }

    /// Returns the most groups that an alternative has; each counts its own from the first.
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    /// Tells whether the pattern matches somewhere in `subject`.
    pub(super) fn is_match(&self, subject: &[u8]) -> bool {
        self.run(subject, None).is_some()
    }

    /// Matches, records the groups and returns where the match ends.
    pub(super) fn find(&self, subject: &[u8], captures: &mut Captures) -> Option<usize> {
        self.run(subject, Some(captures))
    }

    /// Tells whether a subject that begins with this byte may match.
    pub(super) fn may_begin_with(&self, byte: u8) -> bool {
        self.alternatives
            .iter()
            .any(|one| !one.at_start || one.first.as_ref().is_none_or(|first| first.holds(byte)))
    }

    /// Returns the ASCII bytes, in lower case, that every matching subject holds, one bit each.
    pub(super) fn required_bytes(&self) -> u128 {
        let of = |one: &Alternative| {
            let needed = one.steps.iter().filter(|step| step.repeat != Repeat::NoneOrMore);
            needed.filter_map(|step| step.accepts.only_byte()).fold(0, |set, byte| set | 1 << byte)
        };
        self.alternatives
            .iter()
            .filter(|one| !one.is_dead())
            .map(of)
            .reduce(|a, b| a & b)
            .unwrap_or(0)
    }

    /// Returns how often a match was given up.
    pub(super) fn limit_hits(&self) -> u64 {
        self.limit_hits.load(Ordering::Relaxed)
    }

    /// Returns, for each alternative, its longest run of plain text.
    pub(super) fn required_literals(&self) -> Option<Vec<Vec<u8>>> {
        self.alternatives
            .iter()
            .filter(|one| !one.is_dead())
            .map(Alternative::longest_literal)
            .collect()
    }

    fn run(&self, subject: &[u8], mut captures: Option<&mut Captures>) -> Option<usize> {
        let mut work_left = matcher::WORK_MAX;
        for alternative in &self.alternatives {
            if let Some(captures) = captures.as_deref_mut() {
                captures.reset(self.groups);
            }
            match matcher::run(alternative, subject, captures.as_deref_mut(), &mut work_left) {
                Outcome::Match(end) => return Some(end),
                Outcome::NoMatch => {}
                Outcome::GivenUp => {
                    self.limit_hits.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
            }
        }
        None
    }
}

impl Alternative {
    /// Tells whether a step accepts no byte at all, so that nothing matches.
    fn is_dead(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.repeat != Repeat::NoneOrMore && step.accepts == ByteSet::default())
    }

    fn longest_literal(&self) -> Option<Vec<u8>> {
        // A class of one byte, such as `\s`, is as good as that byte.
        let byte = |step: &Step| {
            let once = step.repeat == Repeat::Once;
            step.literal.or_else(|| step.accepts.only_byte().filter(|_| once))
        };
        let bytes: Vec<Option<u8>> = self.steps.iter().map(byte).collect();
        let longest = bytes.split(Option::is_none).max_by_key(|run| run.len())?;
        let word: Vec<u8> = longest.iter().copied().flatten().collect();
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests;
