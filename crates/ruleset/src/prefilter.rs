//! Skips patterns that can't match: most need some literal text, and one pass over the line tells which of all those texts are there.
//!
//! Each member of a set (a decoder, a rule) may name literals of which at least one must occur, ignoring ASCII case. One
//! Aho-Corasick automaton finds them all at once. The filter is sound: it never rejects a member that could match, which a
//! property test of the engine shows by running with and without.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Shorter literals occur in nearly every line: the pattern itself is as quick.
const LITERAL_BYTES_MIN: usize = 2;

/// Finds which members of a set are worth trying on a text.
#[derive(Debug, Default)]
pub(crate) struct Prefilter {
    automaton: Option<AhoCorasick>,
    /// For each literal, the members that it makes worth trying.
    members: Vec<Box<[u32]>>,
    /// Members about which nothing is known.
    always: Vec<u32>,
    len: usize,
}

/// Which members are worth trying on the text that was scanned last.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    words: Vec<u64>,
}

impl Candidates {
    pub(crate) fn contains(&self, member: u32) -> bool {
        let word = self.words.get(member as usize / 64).copied().unwrap_or(u64::MAX);
        word >> (member % 64) & 1 == 1
    }

    fn insert(&mut self, member: u32) {
        if let Some(word) = self.words.get_mut(member as usize / 64) {
            *word |= 1 << (member % 64);
        }
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
    /// Builds the filter from what each member requires, in order; `None` = it must always be tried.
    pub(crate) fn new(required: impl Iterator<Item = Option<Vec<Vec<u8>>>>) -> Self {
        let mut literals: Vec<(Vec<u8>, u32)> = Vec::new();
        let mut filter = Prefilter::default();
        for (member, wanted) in (0u32..).zip(required) {
            filter.len = member as usize + 1;
            match wanted {
                Some(wanted) if wanted.iter().all(|l| l.len() >= LITERAL_BYTES_MIN) => {
                    literals.extend(wanted.into_iter().map(|literal| (literal, member)));
                }
                _ => filter.always.push(member),
            }
        }
        literals.sort();
        let mut texts: Vec<Vec<u8>> = Vec::new();
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
        filter.members = members.into_iter().map(Vec::into_boxed_slice).collect();
        // Failing to build (too many literals) leaves a filter that lets everything through.
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts);
        match built {
            Ok(automaton) => filter.automaton = Some(automaton),
            Err(_) => filter.always = (0..).take(filter.len).collect(),
        }
        filter
    }

    /// Scans a text and notes which members are worth trying on it.
    pub(crate) fn scan(&self, text: &[u8], candidates: &mut Candidates) {
        candidates.words.clear();
        candidates.words.resize(self.len.div_ceil(64), 0);
        for member in &self.always {
            candidates.insert(*member);
        }
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(text) {
            let members = self.members.get(found.pattern().as_usize());
            for member in members.map(|m| m.iter()).into_iter().flatten() {
                candidates.insert(*member);
            }
        }
    }

    /// Lets everything through: the filter switched off.
    pub(crate) fn pass_all(&self, candidates: &mut Candidates) {
        candidates.words.clear();
        candidates.words.resize(self.len.div_ceil(64), u64::MAX);
        if let (Some(last), extra @ 1..) = (candidates.words.last_mut(), self.len % 64) {
            *last = (1 << extra) - 1;
        }
    }
}
