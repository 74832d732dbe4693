//! Skips patterns that can't match: most need some literal text, and one pass over the line tells which of all those texts are there.
//!
//! Each member of a set (a decoder, a rule among its siblings) may name sets of literals; of each set at least one must occur,
//! ignoring ASCII case. One Aho-Corasick automaton finds them all at once. The filter is sound: it never rejects a member that could match, which
//! a property test of the engine shows by running with and without.

mod grams;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::nfa::noncontiguous;
use aho_corasick::{Anchored, BuildError};

use grams::Grams;

/// Shorter literals occur in nearly every line: the pattern itself is as quick.
const LITERAL_BYTES_MIN: usize = 2;

/// Above this many bytes of literals, the much used part of a table of all transitions no longer fits the processor's nearest
/// cache. Then beginnings of words are looked up instead.
const TABLE_LITERAL_BYTES_MAX: usize = 2048;

/// How many sets of a member are looked for. A second one rules out much of what the first lets through.
const SETS_MAX: usize = 3;

/// Finds which members of a set are worth trying on a text.
#[derive(Debug, Default)]
pub(crate) struct Prefilter {
    automaton: Option<Literals>,
    /// For each literal, the members and sets that it stands in: the number of a set times [`Prefilter::stride`], plus the member.
    members: Vec<Box<[u32]>>,
    /// Members and sets about which nothing is known.
    always: Members,
    /// How many members there are, rounded up to whole words.
    stride: usize,
}

/// What finds all literals in one pass.
#[derive(Debug)]
enum Literals {
    Table(DFA),
    Beginnings(Grams),
}

/// A set of members, one bit each.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    words: Vec<u64>,
}

impl Members {
    /// The first so many members.
    pub(crate) fn all(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let (Some(last), extra @ 1..) = (words.last_mut(), len % 64) {
            *last = (1 << extra) - 1;
        }
        Members { words }
    }

    pub(crate) fn none(len: usize) -> Self {
        Members { words: vec![0; len.div_ceil(64)] }
    }

    pub(crate) fn insert(&mut self, member: u32) {
        if let Some(word) = self.words.get_mut(member as usize / 64) {
            *word |= 1 << (member % 64);
        }
    }

    pub(crate) fn remove(&mut self, member: u32) {
        if let Some(word) = self.words.get_mut(member as usize / 64) {
            *word &= !(1 << (member % 64));
        }
    }

    pub(crate) fn copy_from(&mut self, other: &Members) {
        self.words.clear();
        self.words.extend_from_slice(&other.words);
    }

    /// Keeps only what is in the other as well.
    pub(crate) fn keep(&mut self, other: &Members) {
        for (word, kept) in self.words.iter_mut().zip(&other.words) {
            *word &= kept;
        }
    }

    /// Keeps only what isn't in the other.
    pub(crate) fn keep_not(&mut self, other: &Members) {
        for (word, dropped) in self.words.iter_mut().zip(&other.words) {
            *word &= !dropped;
        }
    }

    /// How many members are in both.
    pub(crate) fn common(&self, other: &Members) -> u32 {
        self.words.iter().zip(&other.words).map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Keeps only what is in one of the two others as well.
    pub(crate) fn keep_either(&mut self, one: &Members, other: Option<&Members>) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let at = |set: &Members| set.words.get(index).copied().unwrap_or(0);
            *word &= at(one) | other.map_or(0, at);
        }
    }

    pub(crate) fn contains(&self, member: u32) -> bool {
        let word = self.words.get(member as usize / 64).copied().unwrap_or(0);
        word & (1 << (member % 64)) != 0
    }

    /// The first member that is no lower than this.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut index = from / 64;
        let mut word = self.words.get(index)? & (u64::MAX << (from % 64));
        while word == 0 {
            index += 1;
            word = *self.words.get(index)?;
        }
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    /// Of members that stand in several rows, each of so many words, keeps those that are in all of them.
    fn keep_common(&mut self, row_words: usize) {
        let Some((first, others)) = self.words.split_at_mut_checked(row_words) else { return };
        for row in others.chunks(row_words.max(1)) {
            for (word, other) in first.iter_mut().zip(row) {
                *word &= other;
            }
        }
        self.words.truncate(row_words);
    }

    /// The members, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    index * 64 + bit as usize
                })
            })
        })
    }
}

impl Prefilter {
    /// Builds the filter from what each member requires of a line, in order; without a set it must always be tried.
    pub(crate) fn new(required: &[Vec<Vec<Vec<u8>>>]) -> Self {
        Self::with_literals(required, LITERAL_BYTES_MIN)
    }

    /// Builds the filter from what each member requires of a short field, in which a single character tells much.
    pub(crate) fn of_field(required: &[Vec<Vec<Vec<u8>>>]) -> Self {
        Self::with_literals(required, 1)
    }

    fn with_literals(required: &[Vec<Vec<Vec<u8>>>], bytes_min: usize) -> Self {
        let stride = required.len().next_multiple_of(64);
        let is_telling = |set: &&Vec<Vec<u8>>| set.iter().all(|l| l.len() >= bytes_min);
        let sets_of = |wanted: &Vec<Vec<Vec<u8>>>| wanted.iter().filter(is_telling).count();
        let rows = required.iter().map(sets_of).max().unwrap_or(0).clamp(1, SETS_MAX);
        let mut literals: Vec<(&[u8], u32)> = Vec::new();
        let mut always = Members::all(stride * rows);
        (required.len()..stride)
            .filter_map(|none| u32::try_from(none).ok())
            .for_each(|none| always.remove(none));
        for (member, wanted) in required.iter().enumerate() {
            for (row, set) in wanted.iter().filter(is_telling).take(rows).enumerate() {
                let Ok(place) = u32::try_from(row * stride + member) else { continue };
                always.remove(place);
                literals.extend(set.iter().map(|literal| (literal.as_slice(), place)));
            }
        }
        literals.sort_unstable();
        let mut texts: Vec<&[u8]> = Vec::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (literal, member) in literals {
            if texts.last() != Some(&literal) {
                texts.push(literal);
                members.push(Vec::new());
            }
            if let Some(last) = members.last_mut() {
                last.push(member);
            }
        }
        let built = Literals::new(&texts, &mut members);
        let members = members.into_iter().map(Vec::into_boxed_slice).collect();
        match built {
            Ok(automaton) if !texts.is_empty() => {
                Prefilter { automaton: Some(automaton), members, always, stride }
            }
            // Nothing to look for, or too much of it: everything is let through.
            _ => {
                let always = Members::all(required.len());
                Prefilter { automaton: None, members, always, stride }
            }
        }
    }

    /// Scans a text and notes which members are worth trying on it.
    pub(crate) fn scan(&self, text: &[u8], candidates: &mut Members) {
        candidates.copy_from(&self.always);
        match &self.automaton {
            None => return,
            Some(Literals::Table(automaton)) => self.scan_with(automaton, text, candidates),
            Some(Literals::Beginnings(grams)) => {
                grams.scan(text, |place| self.note(place, candidates));
            }
        }
        candidates.keep_common(self.stride / 64);
    }

    /// Notes the members of each literal found. All that end at a byte are in its state, so one walk finds them all.
    fn scan_with(&self, automaton: &impl Automaton, text: &[u8], candidates: &mut Members) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        for byte in text {
            state = automaton.next_state(Anchored::No, state, *byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for index in 0..automaton.match_len(state) {
                let literal = automaton.match_pattern(state, index).as_usize();
                self.note(literal, candidates);
            }
        }
    }

    fn note(&self, literal: usize, candidates: &mut Members) {
        for member in self.members.get(literal).map(|m| m.iter()).into_iter().flatten() {
            candidates.insert(*member);
        }
    }
}

impl Literals {
    /// Builds what finds texts; the members of each may be put together anew.
    fn new(texts: &[&[u8]], members: &mut Vec<Vec<u32>>) -> Result<Literals, BuildError> {
        if texts.iter().map(|text| text.len()).sum::<usize>() <= TABLE_LITERAL_BYTES_MAX {
            let nfa = noncontiguous::Builder::new().ascii_case_insensitive(true).build(texts)?;
            return Ok(Literals::Table(DFA::builder().build_from_noncontiguous(&nfa)?));
        }
        let (grams, owners) = Grams::new(texts);
        let members_of = |texts: &Vec<usize>| -> Vec<u32> {
            let lists = texts.iter().filter_map(|text| members.get(*text));
            let mut joined: Vec<u32> = lists.flatten().copied().collect();
            joined.sort_unstable();
            joined.dedup();
            joined
        };
        *members = owners.iter().map(members_of).collect();
        Ok(Literals::Beginnings(grams))
    }
}

/// The ASCII bytes of a text in lower case, one bit each.
pub(crate) fn bytes_of(text: &[u8]) -> u128 {
    /// Bits of `A` to `Z` in the upper half, and how far `a` to `z` are from them.
    const CAPITALS: u64 = 0x07FF_FFFE;
    const TO_LOWER: u32 = 32;
    let (mut low, mut high) = (0u64, 0u64);
    for byte in text {
        // Bytes over 127 are no part of what patterns require, so where they land does no harm.
        let bit = 1u64 << (byte & 63);
        if byte & 64 == 0 { low |= bit } else { high |= bit }
    }
    high |= (high & CAPITALS) << TO_LOWER;
    u128::from(high) << 64 | u128::from(low)
}
