//! Which words must occur in a subject that matches.
//!
//! One search for the words of all patterns over a log line tells which patterns need not be tried at all. That only
//! works if no set is ever wrong, so each answer here follows from the pattern's structure, and where the structure is
//! not understood the answer is that nothing is known. PCRE2 patterns come as a [`tree`](super::tree).

mod word;

use super::tree::{self, Bytes, Tree};
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
            of_word.holds(of_other)
                && other.len() < word.len()
                && memchr::memmem::find(word, other).is_some()
        })
    };
    let others = set.iter().zip(&bytes).filter(|word| !holds_another(word));
    Some(others.map(|(word, _)| word.clone()).collect())
}

/// Returns sets of words of a PCRE2 pattern: each matching subject holds one of each. The most telling set stands first.
pub(super) fn of_pcre2(text: &[u8]) -> Vec<Words> {
    let Some(pattern) = tree::read(text) else { return Vec::new() };
    let mut reader = Reader { groups: Vec::with_capacity(pattern.groups.len()) };
    for group in &pattern.groups {
        // A call of a group that comes later, or of the group itself, finds nothing here: nothing is known then.
        reader.groups.push(reader.known(group));
    }
    let sets = reader.known(&pattern.tree).sets().into_iter();
    let words = |set: Set| set.iter().map(|word| word.as_slice().to_vec()).collect();
    sets.map(words).filter_map(worth_having).collect()
}

/// What is known of what a tree matches.
#[derive(Clone)]
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
struct Reader {
    /// What is known of the groups so far, by their number.
    groups: Vec<Known>,
}

impl Reader {
    fn known(&self, tree: &Tree) -> Known {
        match tree {
            Tree::Nothing | Tree::Start | Tree::End | Tree::WordEdge | Tree::NoWordEdge => {
                Known::Exactly(vec![Word::default()])
            }
            Tree::Anything => Known::nothing(),
            Tree::One(bytes) => letters(bytes).map_or_else(Known::nothing, Known::Exactly),
            Tree::Group(inner) => self.known(inner),
            Tree::Call(number) => self.groups.get(*number).cloned().unwrap_or_else(Known::nothing),
            Tree::Repeated { of, min, max } => self.of_repetition(of, *min, *max),
            Tree::Sequence(parts) => self.of_parts(parts),
            Tree::Either(branches) => self.of_branches(branches),
        }
    }

    fn of_repetition(&self, of: &Tree, min: u32, max: Option<u32>) -> Known {
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
    fn of_branches(&self, branches: &[Tree]) -> Known {
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
    fn of_parts(&self, parts: &[Tree]) -> Known {
        let mut sets: Vec<Set> = Vec::new();
        let mut starts = None;
        let mut run: Set = vec![Word::default()];
        for part in parts {
            // Most parts are letters of a word.
            if let Tree::One(bytes) = part
                && let Some(letter) = only_letter(bytes)
                && run.iter().all(|word| word.len() < WORD_BYTES_MAX)
            {
                run.iter_mut().for_each(|word| {
                    word.push(letter);
                });
                continue;
            }
            let (first, others) = match self.known(part) {
                Known::Exactly(words) => (words, None),
                Known::Partly { starts, sets, ends } => (starts, Some((sets, ends))),
            };
            let is_joined = lengthen(&mut run, &first);
            let next_run = match others {
                None if is_joined => continue,
                None => first,
                Some((required, ends)) => {
                    sets.extend(required);
                    ends
                }
            };
            let whole = std::mem::replace(&mut run, next_run);
            starts.get_or_insert_with(|| whole.clone());
            sets.push(whole);
            if sets.len() > GATHERED_MAX {
                sets = best(sets);
            }
        }
        let Some(starts) = starts else { return Known::Exactly(run) };
        sets.push(run.clone());
        Known::Partly { starts: beginnings(starts), sets: best(sets), ends: if_few(run) }
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
