//! Letters and digits that may be escapes.
//!
//! A pattern has each of them many times, so each is a group that is called from where it belongs: written out, four words would fill a
//! pattern. To PCRE2 an escape is a percent sign and two characters of a word, so the edges of words are told apart here.

use super::LAYERS;
use super::spelling::hex_set;

/// The second half of the escape of a letter or a digit.
pub(in super::super) const CODES: &str = "(?:3[0-9]|[46][1-9a-f]|[57][0-9a])";

/// The groups of one pattern for its letters.
pub(super) struct Letters {
    /// The number of the first group. It is what an escape begins with, and the second is an escaped letter.
    first: usize,
    /// The letters that have a group, in their order.
    known: Vec<u8>,
}

impl Letters {
    /// Begins with no letters, behind so many other groups.
    pub(super) fn behind(groups: usize) -> Self {
        Self { first: groups + 1, known: Vec::new() }
    }

    /// Writes one letter or digit.
    pub(super) fn call(&mut self, letter: u8) -> String {
        let place = self.known.iter().position(|known| *known == letter);
        let place = place.unwrap_or_else(|| {
            self.known.push(letter);
            self.known.len() - 1
        });
        format!("(?{})", self.first + 2 + place)
    }

    /// Writes the beginning of a word, whatever stands before it.
    pub(super) fn word_start(&self) -> String {
        format!(r"(?:\b|(?{})[0-9a-f]{{2}}|[^\w%])", self.first)
    }

    /// Writes the end of a word.
    pub(super) fn word_end(&self) -> String {
        format!(r"\b(?!(?{}))", self.first + 1)
    }

    /// Writes the edge of a word where a letter or another character may stand before it.
    pub(super) fn word_edge(&self) -> String {
        format!("(?!(?{})){}", self.first + 1, self.word_start())
    }

    /// Gives the codes of a letter: those of capitals are others.
    pub(super) fn both_cases(letter: u8) -> [u8; 2] {
        [letter, letter.to_ascii_uppercase()]
    }

    /// Gives the bodies of the groups, in their order.
    pub(super) fn groups(&self) -> impl Iterator<Item = String> {
        let layers = format!("(?{})", self.first);
        let escaped = format!("{layers}{CODES}");
        let of_letters = self.known.iter().map(move |letter| {
            format!("{}|{layers}{}", char::from(*letter), hex_set(&Self::both_cases(*letter)))
        });
        [LAYERS.to_owned(), escaped].into_iter().chain(of_letters)
    }
}
