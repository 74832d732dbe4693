//! A word of a few bytes, in one piece.
//!
//! Sets of words are joined, cut and thrown away by the thousand while a pattern is read. Words on the heap would make each of
//! these steps an allocation a word.

use super::WORD_BYTES_MAX;

/// A word, or the first bytes of one that is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Word {
    /// Zeros follow the word.
    bytes: [u8; WORD_BYTES_MAX],
    len: u8,
}

impl Word {
    pub(super) fn of_byte(byte: u8) -> Word {
        let mut word = Word::default();
        word.push(byte);
        word
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a byte, if there is room.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let Some(place) = self.bytes.get_mut(usize::from(self.len)) else { return false };
        *place = byte;
        self.len += 1;
        true
    }

    /// The word with another behind it, if there is room for all of that.
    pub(super) fn followed_by(&self, tail: &Word) -> Option<Word> {
        let mut both = *self;
        tail.as_slice().iter().all(|byte| both.push(*byte)).then_some(both)
    }

    /// Keeps its first bytes.
    pub(super) fn cut(&mut self, len: usize) {
        if let Some(rest) = self.bytes.get_mut(len..)
            && len < usize::from(self.len)
        {
            rest.fill(0);
            self.len = u8::try_from(len).unwrap_or(self.len);
        }
    }
}
