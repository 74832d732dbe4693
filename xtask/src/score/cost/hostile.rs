//! Texts that make a pattern work: one thing said over and over, behind a beginning that lets the pattern get there.
//!
//! What makes a pattern slow is nearly always a long row of what one of its repeats takes, or of what its beginning takes, with
//! an end that never comes. So the texts repeat each sign that attacks are made of, each word of the pattern itself, and each few
//! pieces of a way through it ([`witness`]), at once or behind the pieces before them.

use std::collections::HashSet;

use super::witness;

/// Signs and escapes of which requests are made, the rows that web attacks write, and what begins a value, alone and with what keeps a
/// segment of a path from being a name.
const UNITS: [&str; 51] = [
    "'", "\"", "%27", "%22", "\\x22", "%20", "+", " ", "(", ")", "<", ">", "%3c", "%3C", ";",
    "%3b", "a", "A", "1", "../", "..%2f", "/", "/*", "/**/", "*/", "a=", "a=1&", "=", "%", "%25",
    "\\", ".", ",", "|", "$", "${", "{{", "`", "-", ":", "@", "\u{e9}", "a ", "a%20", "&", "?",
    "/%", "/%20", "/(", "&a=%20", "?&/%",
];

/// Beginnings: none, a request's own, and for what reads whole lines those of an Apache and a Django line.
const REQUEST: &str = "/a?q=";
const LINES: [&str; 2] =
    ["203.0.113.9 - - [24/Nov/2026:14:16:37 +0000] \"GET /", "[24/Nov/2026 14:16:37] \"GET /"];

/// Words of the pattern that are tried alone. A list of tool names has a hundred; the first ones stand for them, because they
/// are alternatives of the same place.
const WORDS_MAX: usize = 8;

/// Shortest word: single letters are in the units.
const WORD_BYTES_MIN: usize = 2;

/// What may stand between two times the same word.
const GLUE: [&str; 3] = ["", "%20", "("];

/// Ways through a pattern, and how many of their pieces are repeated together: `'`, `/*`, `*/` and a blank are four.
const WAYS: usize = 6;
const PIECES_TOGETHER_MAX: usize = 4;

/// Texts for one pattern: a pattern of twenty groups would have thousands, and the first ways show its costly places.
const TEXTS_MAX: usize = 300;

/// A control character, which stands in no request.
const ENDING: &[u8] = b"\x01";

/// A text to be made in any length.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hostile {
    beginning: Vec<u8>,
    unit: Vec<u8>,
}

impl Hostile {
    pub(crate) fn new(beginning: impl Into<Vec<u8>>, unit: impl Into<Vec<u8>>) -> Hostile {
        Hostile { beginning: beginning.into(), unit: unit.into() }
    }

    /// Makes it, at most this long: whole units, so that a long text differs from a short one in nothing but their number, and a
    /// sign that nothing asks for, so that the end of the last unit is not the end of the text.
    pub(crate) fn text(&self, bytes: usize) -> Vec<u8> {
        let room = bytes.saturating_sub(self.beginning.len() + ENDING.len());
        let units = self.unit.repeat(room / self.unit.len().max(1));
        [self.beginning.as_slice(), units.as_slice(), ENDING].concat()
    }

    /// Says in a few words what it is.
    pub(crate) fn name(&self) -> String {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        format!("{}[{}]...", text(&self.beginning), text(&self.unit))
    }
}

/// Makes the texts for one pattern, each once.
pub(crate) fn all(pattern: &[u8], reads_lines: bool) -> Vec<Hostile> {
    let mut texts = Vec::new();
    let beginnings = if reads_lines { &["", LINES[0], LINES[1]][..] } else { &["", REQUEST] };
    for beginning in beginnings {
        let units = UNITS.iter().map(|unit| (*unit).to_owned());
        let units = units.chain([UNITS.concat()]).chain(of_words(&words(pattern)));
        texts.extend(units.map(|unit| Hostile::new(*beginning, unit)));
    }
    for way in witness::ways(pattern, WAYS) {
        for from in 0..way.len() {
            let (before, behind) = way.split_at(from);
            for together in 1..=behind.len().min(PIECES_TOGETHER_MAX) {
                let unit = behind.get(..together).unwrap_or_default().concat();
                texts.push(Hostile::new(before.concat(), unit.clone()));
                texts.push(Hostile::new("", unit));
            }
        }
        texts.push(Hostile::new("", way.concat()));
    }
    let mut known = HashSet::new();
    texts.retain(|hostile| !hostile.unit.is_empty() && known.insert(hostile.clone()));
    texts.truncate(TEXTS_MAX);
    texts
}

fn of_words(words: &[String]) -> Vec<String> {
    let mut units = Vec::new();
    for word in words.iter().take(WORDS_MAX) {
        units.extend(GLUE.iter().map(|glue| format!("{word}{glue}")));
    }
    if !words.is_empty() {
        units.extend(GLUE.iter().map(|glue| words.join(glue)));
    }
    units
}

/// The words that a pattern is made of, in order, each once. What an escape or the name of an option leaves is no harm.
pub(crate) fn words(pattern: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut is_escaped = false;
    for byte in pattern.iter().chain(b"\0") {
        if byte.is_ascii_alphanumeric() && !is_escaped {
            word.push(char::from(*byte));
        } else {
            let whole = std::mem::take(&mut word);
            if whole.len() >= WORD_BYTES_MIN && !words.contains(&whole) {
                words.push(whole);
            }
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_pattern_spells_out() {
        let wanted = ["union", "all", "sel", "ect", "20"];
        assert_eq!(words(br"(?i)union\s+all|sel\wect|union%20"), wanted);
        assert!(words(br"\d+\s*'").is_empty());
    }

    #[test]
    fn a_text_is_whole_units_between_its_beginning_and_a_sign_of_no_meaning() {
        assert_eq!(Hostile::new("/a?q=", "union ").text(18), b"/a?q=union union \x01");
        assert_eq!(Hostile::new("/a?q=", "union ").text(17), b"/a?q=union \x01");
        assert_eq!(Hostile::new("", "").text(17), b"\x01");
    }

    #[test]
    fn texts_say_the_words_and_the_pieces_of_the_pattern() {
        let texts = all(b"union/[*]all", false);
        for wanted in [("/a?q=", "union%20"), ("union/", "*"), ("", "union/*"), ("", "'")] {
            assert!(texts.contains(&Hostile::new(wanted.0, wanted.1)), "{wanted:?}");
        }
        assert!(all(b"union", true).len() > all(b"union", false).len());
        assert!(all(&b"(?:ab|cd|ef|gh).".repeat(200), false).len() <= TEXTS_MAX);
    }
}
