//! One word looked for without regard to ASCII case.
//!
//! The work horse under plain words and leading words: it jumps with `memchr` to the word's rarest byte, in either
//! case, and compares there. Common bytes of log lines (blanks, vowels, digits) make poor landmarks.

/// A word, ASCII-lowercased, with the place of its rarest byte. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    word: Vec<u8>,
    rare: u8,
    rare_upper: u8,
    rare_at: usize,
}

impl Needle {
    /// Prepares the search for `word`; an empty word is no needle.
    pub(super) fn new(word: &[u8]) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let (rare_at, &rare) =
            word.iter().enumerate().min_by_key(|(_, byte)| commonness(**byte))?;
        Some(Self { rare, rare_upper: rare.to_ascii_uppercase(), rare_at, word })
    }

    /// Returns where the word starts first, at or after `from`.
    pub(super) fn find(&self, subject: &[u8], from: usize) -> Option<usize> {
        let mut at = from.checked_add(self.rare_at)?;
        loop {
            let rest = subject.get(at..)?;
            let hit = if self.rare == self.rare_upper {
                memchr::memchr(self.rare, rest)
            } else {
                memchr::memchr2(self.rare, self.rare_upper, rest)
            }?;
            let start = at + hit - self.rare_at;
            let candidate = subject.get(start..start.checked_add(self.word.len())?)?;
            if candidate.eq_ignore_ascii_case(&self.word) {
                return Some(start);
            }
            at += hit + 1;
        }
    }

    /// Returns the word's length in bytes.
    pub(super) fn len(&self) -> usize {
        self.word.len()
    }

    /// Returns the word, in lower case.
    pub(super) fn word(&self) -> &[u8] {
        &self.word
    }
}

/// Ranks a byte by how often it is met in log lines, roughly; only the order matters.
fn commonness(byte: u8) -> u8 {
    match byte {
        b' ' | b'e' => 9,
        b'a' | b'i' | b'n' | b'o' | b'r' | b's' | b't' | b'0' | b'1' => 8,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'u' | b'2'..=b'9' => 7,
        b'.' | b':' | b'/' | b'-' | b'"' => 6,
        b'f' | b'g' | b'h' | b'b' | b'v' | b'w' | b'=' | b',' => 5,
        b'a'..=b'z' => 3,
        b'(' | b')' | b'[' | b']' | b'_' | b'\'' | b';' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_any_case_and_from_any_place() {
        let needle = Needle::new(b"FaiLed").unwrap();
        assert_eq!(needle.find(b"it FAILED, failed", 0), Some(3));
        assert_eq!(needle.find(b"it FAILED, failed", 4), Some(11));
        assert_eq!(needle.find(b"it FAILED, failed", 12), None);
        assert_eq!(needle.find(b"", 7), None);
        assert_eq!(needle.find(b"faile", 0), None);
    }

    #[test]
    fn an_empty_word_is_no_needle() {
        assert!(Needle::new(b"").is_none());
    }

    #[test]
    fn a_false_landmark_at_the_very_start_or_end_does_no_harm() {
        let needle = Needle::new(b"ab%c").unwrap();
        assert_eq!(needle.find(b"%c ab%", 0), None);
        assert_eq!(needle.find(b"%cab%c", 0), Some(2));
    }
}
