//! Which words must occur in a subject that matches.
//!
//! One search for the words of all patterns over a log line tells which patterns need not be tried at all. That only
//! works if no set is ever wrong, so each answer here follows from the pattern's structure, and where the structure is
//! not understood the answer is that nothing is known. PCRE2 patterns come as a [`tree`](super::tree).

mod word;

use std::collections::HashMap;
use std::rc::Rc;

use super::tree::{self, Bytes, Shared, Tree};
use word::Word;

/// The largest set worth having. One word more makes the common search longer for every line, and a pattern with so
/// many ways to begin is seldom ruled out.
const WORDS_MAX: usize = 256;

/// The largest class that is spelt out as single letters, such as `[abc]`. `\s` has six.
const CLASS_BYTES_MAX: usize = 6;

/// The longest word kept: the first bytes of a longer one rule out as much.
const WORD_BYTES_MAX: usize = 23;

/// To how many bytes the words of a large set are cut, one after the other, until they are few enough.
const CUTS: [usize; 6] = [8, 6, 5, 4, 3, 2];

/// How often words that come several times are written one after the other.
const ROW_MAX: u32 = 4;

/// How many sets are kept of what a pattern requires at several places.
const SETS_MAX: usize = 3;

/// Words of many branches that are gathered before they are cut.
const UNION_MAX: usize = 16 * WORDS_MAX;

/// Sets of many parts that are gathered before the best are chosen.
const GATHERED_MAX: usize = 32;

/// How many definitions are told apart. Quell's own patterns have a dozen.
const DEFINITIONS_MAX: usize = 64;

/// Into how many ways a pattern is taken apart. Most have fewer than ten.
const WAYS_MAX: usize = 24;

/// A choice between fewer parts is one between a few letters or encodings of a sign.
const FORK_PARTS_MIN: usize = 30;

/// Words of which one must occur, in lower case.
pub(super) type Words = Vec<Vec<u8>>;

/// The same while a pattern is read.
type Set = Vec<Word>;

/// Passes a set on, without words that hold another one, unless it holds an empty word, which occurs everywhere and so tells nothing.
pub(super) fn worth_having(mut set: Words) -> Option<Words> {
    set.iter_mut().for_each(|word| word.truncate(WORD_BYTES_MAX));
    set.sort();
    set.dedup();
    if set.iter().any(Vec::is_empty) {
        return None;
    }
    // Most pairs differ in a byte, and so need no search.
    let bytes: Vec<Bytes> = set.iter().map(|word| Bytes::of(word)).collect();
    let holds_another = |(word, of_word): &(&Vec<u8>, &Bytes)| {
        set.iter().zip(&bytes).any(|(other, of_other)| {
            other.len() < word.len()
                && of_word.holds(of_other)
                && memchr::memmem::find(word, other).is_some()
        })
    };
    let others = set.iter().zip(&bytes).filter(|word| !holds_another(word));
    Some(others.map(|(word, _)| word.clone()).collect())
}

/// What patterns read before have told.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    groups: tree::Memory,
    /// What is left of groups for subjects that encode little.
    pub(super) narrow: tree::narrow::Known,
    /// What is known of groups that stand in many places, by their address and by which definitions they call, if any. Each is kept
    /// here, so that no other comes to have its address.
    known: HashMap<(*const Shared, Option<usize>), (Rc<Shared>, Known)>,
    /// What is known of the groups that patterns define for calls.
    definitions: Vec<Vec<Known>>,
}

/// Returns sets of words of a PCRE2 pattern: each matching subject holds one of each. The most telling set stands first.
pub(super) fn of_pcre2(text: &[u8], memory: &mut Memory) -> Vec<Words> {
    let Some(pattern) = tree::read_with(text, &mut memory.groups) else { return Vec::new() };
    words_of(Reader::of(&pattern, memory).known(&pattern.tree))
}

/// Returns the ways in which a PCRE2 pattern may match, each with its sets of words: what matches in that way holds one of each. A
/// pattern of several branches is told apart from others by what each branch needs, of which a set for all of them tells little.
pub(super) fn ways_of_pcre2(text: &[u8], memory: &mut Memory) -> Vec<Vec<Words>> {
    let Some(pattern) = tree::read_with(text, &mut memory.groups) else { return vec![Vec::new()] };
    let ways = Reader::of(&pattern, memory).ways(&pattern.tree);
    ways.into_iter().map(words_of).collect()
}

/// Writes down the words that are known.
fn words_of(known: Known) -> Vec<Words> {
    let words = |set: Set| set.iter().map(|word| word.as_slice().to_vec()).collect();
    known.sets().into_iter().map(words).filter_map(worth_having).collect()
}

/// What is known of what a tree matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// All the words that it can match: they are few.
    Exactly(Set),
    /// What it matches begins and ends with one of these, and holds one of each set, the most telling first. An empty word says that
    /// nothing is known.
    Partly { starts: Set, sets: Vec<Set>, ends: Set },
}

impl Known {
    fn nothing() -> Known {
        Known::Partly {
            starts: vec![Word::default()],
            sets: Vec::new(),
            ends: vec![Word::default()],
        }
    }

    fn sets(self) -> Vec<Set> {
        match self {
            Known::Exactly(words) => vec![words],
            Known::Partly { sets, .. } => sets,
        }
    }
}

/// Reads what trees require.
struct Reader<'m> {
    /// What is known of the groups so far, by their number.
    groups: Vec<Known>,
    /// Which definitions these are, once all are read.
    definitions: Option<usize>,
    memory: &'m mut Memory,
}

impl<'m> Reader<'m> {
    fn of(pattern: &tree::Pattern, memory: &'m mut Memory) -> Self {
        let mut reader = Reader { groups: Vec::new(), definitions: None, memory };
        for group in &pattern.groups {
            // A call of a group that comes later, or of the group itself, finds nothing here: nothing is known then.
            let known = reader.known(group);
            reader.groups.push(known);
        }
        reader.find_definitions();
        reader
    }

    /// What is known of each of the ways that a tree has, of [`WAYS_MAX`] at most.
    fn ways(&mut self, tree: &Tree) -> Vec<Known> {
        let ways = match tree {
            Tree::Group(inner) => self.ways(inner),
            Tree::Shared(shared) => self.ways(&shared.tree),
            Tree::Either(branches) => {
                branches.iter().flat_map(|branch| self.ways(branch)).collect()
            }
            Tree::Sequence(parts) => {
                let forks = parts.iter().enumerate().map(|(at, part)| (branches_in(part), at));
                let Some((_, at)) = forks.max().filter(|(size, _)| *size >= FORK_PARTS_MIN) else {
                    return vec![self.of_parts(parts)];
                };
                let mut known: Vec<Known> = parts.iter().map(|part| self.known(part)).collect();
                let fork = parts.get(at).map(|fork| self.ways(fork)).unwrap_or_default();
                let with_way = |way| {
                    if let Some(part) = known.get_mut(at) {
                        *part = way;
                    }
                    joined(known.iter().cloned())
                };
                fork.into_iter().map(with_way).collect()
            }
            tree => vec![self.known(tree)],
        };
        // Words that are all known make one set.
        let are_words = ways.iter().all(|way| matches!(way, Known::Exactly(_)));
        if ways.len() > WAYS_MAX || are_words { vec![self.known(tree)] } else { ways }
    }

    /// Finds out whether another pattern had the same groups to call.
    fn find_definitions(&mut self) {
        let Memory { definitions, .. } = self.memory;
        let known = definitions.iter().position(|groups| *groups == self.groups);
        self.definitions = known.or_else(|| {
            if definitions.len() >= DEFINITIONS_MAX {
                return None;
            }
            definitions.push(self.groups.clone());
            Some(definitions.len() - 1)
        });
    }

    /// What is known of a group that stands in many places, of this pattern or others.
    fn of_shared(&mut self, shared: &Rc<Shared>) -> Known {
        if shared.calls && self.definitions.is_none() {
            return self.known(&shared.tree);
        }
        let key = (Rc::as_ptr(shared), self.definitions.filter(|_| shared.calls));
        if let Some((_, known)) = self.memory.known.get(&key) {
            return known.clone();
        }
        let known = self.known(&shared.tree);
        self.memory.known.insert(key, (Rc::clone(shared), known.clone()));
        known
    }

    fn known(&mut self, tree: &Tree) -> Known {
        match tree {
            Tree::Nothing | Tree::Start | Tree::End | Tree::WordEdge | Tree::NoWordEdge => {
                Known::Exactly(vec![Word::default()])
            }
            Tree::Anything => Known::nothing(),
            Tree::One(bytes) => letters(bytes).map_or_else(Known::nothing, Known::Exactly),
            Tree::Group(inner) => self.known(inner),
            Tree::Shared(shared) => self.of_shared(shared),
            Tree::Call(number) => self.groups.get(*number).cloned().unwrap_or_else(Known::nothing),
            Tree::Repeated { of, min, max } => self.of_repetition(of, *min, *max),
            Tree::Sequence(parts) => self.of_parts(parts),
            Tree::Either(branches) => self.of_branches(branches),
        }
    }

    fn of_repetition(&mut self, of: &Tree, min: u32, max: Option<u32>) -> Known {
        match (min, max) {
            (0, Some(1)) => match self.known(of) {
                Known::Exactly(mut words) if words.len() < WORDS_MAX => {
                    words.push(Word::default());
                    Known::Exactly(words)
                }
                _ => Known::nothing(),
            },
            (0, _) => Known::nothing(),
            _ => match self.known(of) {
                Known::Exactly(words) => several(words, min, max),
                partly => partly,
            },
        }
    }

    /// One of the words of each branch must occur.
    fn of_branches(&mut self, branches: &[Tree]) -> Known {
        let known: Vec<Known> = branches.iter().map(|branch| self.known(branch)).collect();
        let is_exact = |known: &Known| matches!(known, Known::Exactly(_));
        if known.iter().all(is_exact) {
            let words: Set = known.into_iter().flat_map(Known::sets).flatten().collect();
            if words.len() <= WORDS_MAX {
                return Known::Exactly(words);
            }
            let starts = beginnings(words);
            let sets = telling(&starts).then(|| starts.clone()).into_iter().collect();
            return Known::Partly { starts, sets, ends: vec![Word::default()] };
        }
        let (mut starts, mut ends) = (Set::new(), Set::new());
        let mut union = Some(Set::new());
        for branch in known {
            let best = match branch {
                Known::Exactly(words) => {
                    starts.extend_from_slice(&words);
                    ends.extend_from_slice(&words);
                    Some(words)
                }
                Known::Partly { starts: first, sets, ends: last } => {
                    starts.extend(first);
                    ends.extend(last);
                    sets.into_iter().next()
                }
            };
            union = union.zip(best).map(|(mut union, best)| {
                union.extend(best);
                // Cut now and then, so that thousands of branches are never all kept.
                if union.len() > UNION_MAX { beginnings(union) } else { union }
            });
        }
        let sets = union.map(beginnings).filter(telling).into_iter().collect();
        Known::Partly { starts: beginnings(starts), sets, ends: if_few(ends) }
    }

    /// Joins neighbours whose words are known, and adds what the others require.
    fn of_parts(&mut self, parts: &[Tree]) -> Known {
        let mut joined = Joined::default();
        for part in parts {
            // Most parts are letters of a word.
            let letter = match part {
                Tree::One(bytes) => only_letter(bytes),
                _ => None,
            };
            if letter.is_none_or(|letter| !joined.push(letter)) {
                joined.add(self.known(part));
            }
        }
        joined.known()
    }
}

/// What is known of the parts of a sequence so far.
struct Joined {
    sets: Vec<Set>,
    /// Where the first part begins whose words are not all known.
    starts: Option<Set>,
    /// The words that the last parts make.
    run: Set,
}

impl Default for Joined {
    fn default() -> Self {
        Joined { sets: Vec::new(), starts: None, run: vec![Word::default()] }
    }
}

impl Joined {
    /// Adds a letter, if there is room in each word.
    fn push(&mut self, letter: u8) -> bool {
        let has_room = self.run.iter().all(|word| word.len() < WORD_BYTES_MAX);
        if has_room {
            self.run.iter_mut().for_each(|word| {
                word.push(letter);
            });
        }
        has_room
    }

    fn add(&mut self, part: Known) {
        let (first, others) = match part {
            Known::Exactly(words) => (words, None),
            Known::Partly { starts, sets, ends } => (starts, Some((sets, ends))),
        };
        let is_joined = lengthen(&mut self.run, &first);
        let next_run = match others {
            None if is_joined => return,
            None => first,
            Some((required, ends)) => {
                self.sets.extend(required);
                ends
            }
        };
        let whole = std::mem::replace(&mut self.run, next_run);
        self.starts.get_or_insert_with(|| whole.clone());
        self.sets.push(whole);
        if self.sets.len() > GATHERED_MAX {
            self.sets = best(std::mem::take(&mut self.sets));
        }
    }

    fn known(self) -> Known {
        let Joined { mut sets, starts, run } = self;
        let Some(starts) = starts else { return Known::Exactly(run) };
        sets.push(run.clone());
        Known::Partly { starts: beginnings(starts), sets: best(sets), ends: if_few(run) }
    }
}

/// Joins parts of which it is known what they match.
fn joined(parts: impl Iterator<Item = Known>) -> Known {
    let mut joined = Joined::default();
    parts.for_each(|part| joined.add(part));
    joined.known()
}

/// How large the choice is that a part of a sequence makes, in parts of its own; none where it makes no choice.
fn branches_in(tree: &Tree) -> usize {
    match tree {
        Tree::Group(inner) => branches_in(inner),
        Tree::Shared(shared) => branches_in(&shared.tree),
        Tree::Either(branches) => branches.iter().map(size).sum(),
        _ => 0,
    }
}

/// How many parts a tree has.
fn size(tree: &Tree) -> usize {
    match tree {
        Tree::Shared(shared) => size(&shared.tree),
        Tree::Group(of) | Tree::Repeated { of, .. } => size(of),
        Tree::Sequence(parts) | Tree::Either(parts) => parts.iter().map(size).sum(),
        _ => 1,
    }
}

/// Chooses the most telling of several sets.
fn best(mut sets: Vec<Set>) -> Vec<Set> {
    sets.retain(telling);
    sets.sort_by_cached_key(|set| std::cmp::Reverse(worth(set)));
    sets.dedup();
    sets.truncate(SETS_MAX);
    sets
}

/// What is known of words that come several times in a row.
fn several(words: Set, min: u32, max: Option<u32>) -> Known {
    let mut row = words.clone();
    let mut times = 1;
    while times < min.min(ROW_MAX) && lengthen(&mut row, &words) {
        times += 1;
    }
    if max == Some(times) && min == times {
        return Known::Exactly(row);
    }
    let row = if_few(row);
    let sets = telling(&row).then(|| row.clone()).into_iter().collect();
    Known::Partly { starts: row.clone(), sets, ends: row }
}

/// Whether a set rules anything out.
fn telling(words: &Set) -> bool {
    !words.iter().any(Word::is_empty)
}

/// Words of which one is there, or the empty word where that says nothing or too much.
fn if_few(words: Set) -> Set {
    if words.len() > WORDS_MAX || !telling(&words) {
        return vec![Word::default()];
    }
    words
}

/// Words of which one is at the beginning, cut until they are few.
fn beginnings(mut words: Set) -> Set {
    for bytes in CUTS {
        if words.len() <= WORDS_MAX {
            break;
        }
        words.iter_mut().for_each(|word| word.cut(bytes));
        words.sort_unstable();
        words.dedup();
    }
    if_few(words)
}

/// Spells a set of bytes out, in lower case, when they are few.
fn letters(bytes: &Bytes) -> Option<Set> {
    if bytes.len() as usize > 2 * CLASS_BYTES_MAX {
        return None;
    }
    let mut letters: Set =
        bytes.iter().map(|byte| Word::of_byte(byte.to_ascii_lowercase())).collect();
    letters.sort_unstable();
    letters.dedup();
    (letters.len() <= CLASS_BYTES_MAX).then_some(letters)
}

/// The only letter of a set, in lower case.
fn only_letter(bytes: &Bytes) -> Option<u8> {
    let mut letters = bytes.iter().take(3).map(|byte| byte.to_ascii_lowercase());
    let letter = letters.next()?;
    letters.all(|other| other == letter).then_some(letter)
}

/// Makes every word of one set followed by every word of the other, unless that is too many or too long: what is longer rules
/// nothing more out, and calls of groups within groups would double it each time.
fn lengthen(heads: &mut Set, tails: &Set) -> bool {
    let joined_len = heads.len().saturating_mul(tails.len());
    if joined_len > WORDS_MAX && tails.len() > 1 {
        return false;
    }
    let mut joined = Set::with_capacity(joined_len);
    for (head, tail) in heads.iter().flat_map(|head| tails.iter().map(move |tail| (head, tail))) {
        let Some(word) = head.followed_by(tail) else { return false };
        joined.push(word);
    }
    *heads = joined;
    true
}

/// How telling a set is: by the length of its shortest word, and of equals the smaller.
fn worth(set: &Set) -> (usize, std::cmp::Reverse<usize>) {
    let shortest =
        set.iter().map(|word| telling_bytes(word.as_slice())).min().unwrap_or(usize::MAX);
    (shortest, std::cmp::Reverse(set.len()))
}

/// How many bytes of a word tell something. A single byte that nearly every request holds tells nothing.
fn telling_bytes(word: &[u8]) -> usize {
    match word {
        [byte] if byte.is_ascii_alphanumeric() || b"/.-_=&?%+".contains(byte) => 0,
        _ => word.len(),
    }
}

#[cfg(test)]
mod tests;
