//! Where in a pattern the words of a set stand, as far as that is needed to say which of two comes first.
//!
//! A pattern's parts are numbered in the order in which they take bytes. A set whose last part stands before the first of another has its word
//! wholly before the other's in each match, so a subject that holds the two in the other order only doesn't match.

use super::Words;

/// Words of which one must occur, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Required {
    /// In lower case.
    pub(crate) words: Words,
    pub(crate) place: Place,
}

/// The parts of a pattern, from the first to the one behind the last, that take the bytes of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Place {
    /// Of which nothing is known.
    pub(crate) const ANYWHERE: Place = Place { from: 0, to: u32::MAX };

    /// All of a pattern that is looked at as one part.
    pub(super) const WHOLE: Place = Place { from: 0, to: 1 };

    /// Whether a word here ends before one there begins.
    pub(crate) fn is_before(self, other: Place) -> bool {
        self.to <= other.from
    }

    /// How far in the pattern it begins.
    pub(crate) fn begin(self) -> u32 {
        self.from
    }

    /// The same place in a sequence, in which so many parts come first.
    pub(super) fn behind(self, parts: u32) -> Place {
        Place { from: self.from.saturating_add(parts), to: self.to.saturating_add(parts) }
    }
}
