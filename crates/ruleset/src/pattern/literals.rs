//! Which words must occur in a subject that matches.
//!
//! One search for the words of all patterns over a log line tells which patterns need not be tried at all. That only
//! works if no set is ever wrong, so each answer here follows from the pattern's structure, and where the structure is
//! not understood the answer is that nothing is known. PCRE2 patterns are read by `regex-syntax`, whose language is
//! close but not the same: [`widen`] leaves out what only restricts a match, and [`same_meaning`] rewrites what differs or declines.

mod widen;

use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::{Parser, ParserBuilder};

/// The largest set worth having. One word more makes the common search longer for every line, and a pattern with so
/// many ways to begin is seldom ruled out.
const WORDS_MAX: usize = 256;

/// The largest class that is spelt out as single letters, such as `[abc]`. `\s` has six.
const CLASS_BYTES_MAX: usize = 6;

/// The longest word kept: the first bytes of a longer one rule out as much.
const WORD_BYTES_MAX: usize = 64;

/// How many sets are kept of what a pattern requires at several places.
const SETS_MAX: usize = 3;

/// Words of which one must occur, in lower case.
pub(super) type Words = Vec<Vec<u8>>;

/// Passes a set on, without words that hold another one, unless it holds an empty word, which occurs everywhere and so tells nothing.
pub(super) fn worth_having(mut set: Words) -> Option<Words> {
    set.iter_mut().for_each(|word| word.truncate(WORD_BYTES_MAX));
    set.sort();
    set.dedup();
    if set.iter().any(Vec::is_empty) {
        return None;
    }
    let holds_another = |word: &Vec<u8>| {
        set.iter()
            .any(|other| other.len() < word.len() && memchr::memmem::find(word, other).is_some())
    };
    Some(set.iter().filter(|word| !holds_another(word)).cloned().collect())
}

/// Returns sets of words of a PCRE2 pattern: each matching subject holds one of each. The most telling set stands first.
pub(super) fn of_pcre2(text: &str) -> Vec<Words> {
    let known = || {
        let text = widen::widened(text)?;
        let text = same_meaning(text.as_bytes())?;
        parser().parse(&text).ok()
    };
    let sets = known().map(|hir| required_sets(&hir)).unwrap_or_default();
    sets.into_iter().filter_map(worth_having).collect()
}

/// A parser for bytes, as PCRE2 is used.
pub(super) fn parser() -> Parser {
    ParserBuilder::new().utf8(false).unicode(false).build()
}

/// Rewrites a PCRE2 pattern such that `regex-syntax` reads the same from it, or declines.
///
/// What only one of the two knows makes the parser fail later, which is fine; this is about what both take but
/// understand differently.
pub(super) fn same_meaning(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let mut rewritten = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(1..)?;
        let (piece, used) = match character {
            '\\' => escape(tail, in_class)?,
            '[' if in_class => bracket_in_class(tail)?,
            '[' => {
                in_class = true;
                class_start(tail)
            }
            ']' if in_class => {
                in_class = false;
                ("]", 1)
            }
            '&' if in_class => (r"\&", 1),
            '~' if in_class => (r"\~", 1),
            '-' if in_class && tail.starts_with('-') => return None,
            '(' if !in_class && tail.starts_with('?') && !is_plain_group(tail) => return None,
            '{' if tail.starts_with([' ', '\t', ',']) => return None,
            _ => (rest.get(..1)?, 1),
        };
        rewritten.push_str(piece);
        rest = rest.get(used..)?;
    }
    Some(rewritten)
}

/// An escape, by what follows the backslash. `\<` and `\>` are plain characters to PCRE2 and word ends to the other;
/// `\v` is a class to one and a character to the other; `\b{` exists in one only.
fn escape(tail: &str, in_class: bool) -> Option<(&'static str, usize)> {
    let letter = tail.chars().next()?;
    match letter {
        '<' => Some((r"\x3C", 2)),
        '>' => Some((r"\x3E", 2)),
        'v' | 'Q' | 'E' => None,
        'b' | 'B' if in_class || tail.get(1..)?.starts_with('{') => None,
        _ => ESCAPES.iter().find(|known| known.ends_with(letter)).map(|known| (*known, 2)),
    }
}

/// The escapes that mean the same to both. Any other makes the pattern one about which nothing is known.
const ESCAPES: [&str; 45] = [
    r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", r"\t", r"\n", r"\r",
    r"\f", r"\a", r"\x", r"\\", r"\.", r"\+", r"\*", r"\?", r"\(", r"\)", r"\|", r"\[", r"\]",
    r"\{", r"\}", r"\^", r"\$", r"\#", r"\&", r"\-", r"\~", r"\/", r"\:", r"\=", r"\!", r"\@",
    r"\%", r#"\""#, r"\'", r"\,", r"\;", r"\_",
];

/// A `[` inside a class starts a named class, or is a plain character, which the other parser would take for a nested
/// class.
fn bracket_in_class(tail: &str) -> Option<(&'static str, usize)> {
    if tail.starts_with(['=', '.']) || tail.starts_with(":<") || tail.starts_with(":>") {
        return None;
    }
    let Some(name) = tail.strip_prefix(':') else { return Some((r"\[", 1)) };
    let known = NAMED_CLASSES
        .iter()
        .find(|known| known.get(2..).is_some_and(|ending| name.starts_with(ending)))?;
    Some((known, known.len()))
}

const NAMED_CLASSES: [&str; 14] = [
    "[:alnum:]",
    "[:alpha:]",
    "[:ascii:]",
    "[:blank:]",
    "[:cntrl:]",
    "[:digit:]",
    "[:graph:]",
    "[:lower:]",
    "[:print:]",
    "[:punct:]",
    "[:space:]",
    "[:upper:]",
    "[:word:]",
    "[:xdigit:]",
];

/// The start of a class, together with a `]` that is its first member.
fn class_start(tail: &str) -> (&'static str, usize) {
    if tail.starts_with("^]") {
        (r"[^\]", 3)
    } else if tail.starts_with('^') {
        ("[^", 2)
    } else if tail.starts_with(']') {
        (r"[\]", 2)
    } else {
        ("[", 1)
    }
}

/// Tells whether `(?…` is a group without a name or a switch of options that mean the same to both.
fn is_plain_group(tail: &str) -> bool {
    let Some(options) = tail.strip_prefix('?') else { return false };
    let end = options.find(|letter: char| !matches!(letter, 'i' | 's' | 'm' | '-'));
    end.and_then(|end| options.get(end..)).is_some_and(|rest| rest.starts_with([':', ')']))
}

/// Returns a set of which one word must occur, the most telling that is found.
fn required(hir: &Hir) -> Option<Words> {
    required_sets(hir).into_iter().next()
}

/// Returns sets of which one word each must occur, the most telling first.
fn required_sets(hir: &Hir) -> Vec<Words> {
    if let Some(words) = exact(hir) {
        return vec![words];
    }
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => required_sets(&repetition.sub),
        HirKind::Capture(capture) => required_sets(&capture.sub),
        HirKind::Alternation(branches) => {
            let mut union = Words::new();
            for branch in branches {
                let Some(words) = required(branch) else { return Vec::new() };
                union.extend(words);
            }
            if union.len() <= WORDS_MAX { vec![union] } else { Vec::new() }
        }
        HirKind::Concat(parts) => required_of_parts(parts),
        _ => Vec::new(),
    }
}

/// Joins neighbours whose words are known in full, and adds what the others require.
fn required_of_parts(parts: &[Hir]) -> Vec<Words> {
    let mut sets: Vec<Words> = Vec::new();
    let mut run: Words = vec![Vec::new()];
    for part in parts {
        let words = exact(part);
        if let Some(longer) = words.as_ref().and_then(|words| joined(&run, words)) {
            run = longer;
            continue;
        }
        sets.push(std::mem::take(&mut run));
        match words {
            Some(words) => run = words,
            None => {
                sets.extend(required_sets(part));
                run = vec![Vec::new()];
            }
        }
    }
    sets.push(run);
    sets.retain(|set| !set.iter().any(Vec::is_empty));
    sets.sort_by_key(|set| std::cmp::Reverse(worth(set)));
    sets.dedup();
    sets.truncate(SETS_MAX);
    sets
}

/// Returns all the words that the expression can match, when they are few.
fn exact(hir: &Hir) -> Option<Words> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Repetition(repetition) if (repetition.min, repetition.max) == (0, Some(1)) => {
            let mut words = exact(&repetition.sub)?;
            words.push(Vec::new());
            (words.len() <= WORDS_MAX).then_some(words)
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut letters = Words::new();
            for range in class.iter() {
                if letters.len() + usize::from(range.end() - range.start()) > 2 * CLASS_BYTES_MAX {
                    return None;
                }
                let bytes = range.start()..=range.end();
                letters.extend(bytes.map(|byte| vec![byte.to_ascii_lowercase()]));
            }
            letters.sort();
            letters.dedup();
            (letters.len() <= CLASS_BYTES_MAX).then_some(letters)
        }
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |run, part| joined(&run, &exact(part)?))
        }
        HirKind::Alternation(branches) => {
            let mut union = Words::new();
            for branch in branches {
                union.extend(exact(branch)?);
            }
            (union.len() <= WORDS_MAX).then_some(union)
        }
        _ => None,
    }
}

/// Every word of one set followed by every word of the other, unless that is too many.
fn joined(heads: &Words, tails: &Words) -> Option<Words> {
    if heads.len().saturating_mul(tails.len()) > WORDS_MAX {
        return None;
    }
    let join = |head: &Vec<u8>, tail: &Vec<u8>| [head.as_slice(), tail.as_slice()].concat();
    Some(heads.iter().flat_map(|head| tails.iter().map(move |tail| join(head, tail))).collect())
}

/// How telling a set is: by the length of its shortest word, and of equals the smaller.
fn worth(set: &Words) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = set.iter().map(|word| telling_bytes(word)).min().unwrap_or(usize::MAX);
    (shortest, std::cmp::Reverse(set.len()))
}

/// How many bytes of a word tell something. A single byte that nearly every request holds tells nothing.
fn telling_bytes(word: &[u8]) -> usize {
    match word {
        [byte] if byte.is_ascii_alphanumeric() || b"/.-_=&?%+".contains(byte) => 0,
        _ => word.len().min(WORD_BYTES_MAX),
    }
}

#[cfg(test)]
mod tests;
