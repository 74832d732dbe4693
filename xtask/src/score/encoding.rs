//! How an attacker wrote a request: plain, or in one or several of the usual disguises.
//!
//! Told from the raw text, as it is on the wire. A request with two disguises counts under both, because a rule has to see
//! through each. What a disguise hides isn't asked: an escaped blank counts as much as an escaped quote.

use std::fmt;

/// A disguise, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Encoding {
    Plain,
    Percent,
    DoublePercent,
    Plus,
    Escape,
    Comment,
    MixedCase,
}

/// All of them, in the order of the table.
pub(crate) const ALL: [Encoding; 7] = [
    Encoding::Plain,
    Encoding::Percent,
    Encoding::DoublePercent,
    Encoding::Plus,
    Encoding::Escape,
    Encoding::Comment,
    Encoding::MixedCase,
];

/// Shortest word whose case tells anything: `Or` begins many sentences.
const WORD_LETTERS_MIN: usize = 4;

/// Fewest changes of case in a disguised word: `SeLe` has three, `onLoad` and `iPhone` have two.
const CASE_CHANGES_MIN: usize = 3;

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Encoding::Plain => "plain",
            Encoding::Percent => "percent (%27)",
            Encoding::DoublePercent => "double percent (%2527)",
            Encoding::Plus => "plus for a blank",
            Encoding::Escape => "unicode or hex escape",
            Encoding::Comment => "comment (/**/)",
            Encoding::MixedCase => "mixed case",
        })
    }
}

/// Tells the disguises of a text; `Plain` alone where there are none.
pub(crate) fn of(text: &str) -> Vec<Encoding> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut note = |encoding, is_there: bool| {
        if is_there {
            found.push(encoding);
        }
    };
    note(Encoding::Percent, any_at(bytes, is_percent));
    note(Encoding::DoublePercent, any_at(bytes, is_double_percent));
    note(Encoding::Plus, text.split_once('?').is_some_and(|(_, query)| query.contains('+')));
    note(Encoding::Escape, any_at(bytes, is_escape));
    note(Encoding::Comment, any_at(bytes, is_comment));
    note(Encoding::MixedCase, words(bytes).iter().any(|word| is_mixed(word)));
    if found.is_empty() {
        found.push(Encoding::Plain);
    }
    found
}

fn any_at(bytes: &[u8], holds: fn(&[u8]) -> bool) -> bool {
    (0..bytes.len()).any(|at| bytes.get(at..).is_some_and(holds))
}

fn hex_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
}

fn is_percent(rest: &[u8]) -> bool {
    rest.strip_prefix(b"%").is_some_and(|rest| hex_digits(rest) >= 2)
}

fn is_double_percent(rest: &[u8]) -> bool {
    rest.strip_prefix(b"%25").is_some_and(|rest| hex_digits(rest) >= 2)
}

/// `%u0027`, `\u0027`, `\x27`, `&#39;`, `&#x27;`, `&lt;`, and UTF-8 longer than it has to be (`%c0%ae`).
fn is_escape(rest: &[u8]) -> bool {
    let head = rest.get(..rest.len().min(6)).unwrap_or_default().to_ascii_lowercase();
    let after = |start: &[u8]| rest.get(start.len()..).unwrap_or_default();
    for (start, digits) in [(&b"%u"[..], 4), (b"\\u", 4), (b"\\x", 2)] {
        if head.starts_with(start) && hex_digits(after(start)) >= digits {
            return true;
        }
    }
    let is_named = [&b"&lt;"[..], b"&gt;", b"&quot;", b"&colon", b"%c0%", b"%c1%"];
    is_named.iter().any(|name| head.starts_with(name))
        || head.starts_with(b"&#x")
        || (head.starts_with(b"&#") && head.get(2).is_some_and(u8::is_ascii_digit))
}

/// `/*`, in which either sign may be escaped, once or twice.
fn is_comment(rest: &[u8]) -> bool {
    let head = rest.get(..rest.len().min(10)).unwrap_or_default().to_ascii_lowercase();
    let after = |rest: &[u8], signs: [&'static [u8]; 3]| {
        signs.into_iter().find_map(|sign| rest.strip_prefix(sign).map(<[u8]>::to_vec))
    };
    let slash = after(&head, [b"/", b"%2f", b"%252f"]);
    slash.is_some_and(|rest| after(&rest, [b"*", b"%2a", b"%252a"]).is_some())
}

/// Splits into words of letters; the digits of an escape are none.
fn words(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = if is_percent(rest) { rest.get(3..).unwrap_or_default() } else { after };
        match words.last_mut() {
            Some(word) if byte.is_ascii_alphabetic() => word.push(*byte),
            _ => words.push(Vec::new()),
        }
    }
    words
}

/// Tells a word that nobody writes so: its case changes at half of its letters or more. `getElementById` stays below.
fn is_mixed(word: &[u8]) -> bool {
    let differs = |pair: &&[u8]| match pair {
        [one, other] => one.is_ascii_uppercase() != other.is_ascii_uppercase(),
        _ => false,
    };
    let changes = word.windows(2).filter(differs).count();
    word.len() >= WORD_LETTERS_MIN && changes >= CASE_CHANGES_MIN && changes * 2 >= word.len()
}

#[cfg(test)]
mod tests {
    use super::Encoding::{Comment, DoublePercent, Escape, MixedCase, Percent, Plain, Plus};
    use super::*;

    #[test]
    fn each_disguise_is_told_from_the_raw_text() {
        assert_eq!(of("/a?q=1'--"), [Plain]);
        assert_eq!(of("/a?q=1%27"), [Percent]);
        assert_eq!(of("/a?q=1%2527"), [Percent, DoublePercent]);
        assert_eq!(of("/a?q=or+1"), [Plus]);
        assert_eq!(of("/a+b"), [Plain]);
        assert_eq!(of("/a?q=%u0027"), [Escape]);
        assert_eq!(of("/a?q=\\x3cb"), [Escape]);
        assert_eq!(of("/a?q=&#39;"), [Escape]);
        assert_eq!(of("/%c0%ae/"), [Percent, Escape]);
        assert_eq!(of("/a?q=or/**/1"), [Comment]);
        assert_eq!(of("/a?q=or%2f%2a"), [Percent, Comment]);
        assert_eq!(of("/a?q=SeLeCt"), [MixedCase]);
    }

    #[test]
    fn words_in_the_case_of_programs_are_plain() {
        for text in ["getElementById", "String.fromCharCode", "onLoad", "SELECT", "%aB%Cd%eF%Ab"] {
            assert!(!of(text).contains(&MixedCase), "{text}");
        }
    }

    #[test]
    fn a_percent_sign_without_digits_is_no_escape() {
        assert_eq!(of("/sale?off=50%&x=%zz"), [Plain]);
    }
}
