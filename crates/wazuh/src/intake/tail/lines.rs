//! Cuts a stream of bytes into lines, in bounded memory.
//!
//! A follower sees a file in pieces that end anywhere. This buffer gives out whole lines only, keeps the
//! unfinished rest, and turns a line past the limit into a short record of what was skipped. It knows
//! neither files nor offsets: each line says how many bytes of the stream it used up.

use crate::delivery::REJECTED_HEAD_BYTES_MAX;
use crate::intake::ALERT_BYTES_MAX;

/// One complete line of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line within the limit, without its line end.
    Whole { bytes: Vec<u8>, consumed: u64 },
    /// A line past the limit: its first bytes and its length without the line end.
    TooLong { head: Vec<u8>, length: u64, consumed: u64 },
}

/// What is left of a line that never ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) head: Vec<u8>,
    pub(crate) length: u64,
}

/// Bytes that were read and not given out yet.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the next line begins in `bytes`.
    start: usize,
    /// Up to here there is no line end, so a growing line isn't searched again and again.
    scanned: usize,
    /// Set while the bytes of a line past the limit are being thrown away.
    skipping: Option<Unfinished>,
}

impl LineBuffer {
    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// Gives the next whole line, or nothing until more is pushed.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let unseen = self.bytes.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr::memchr(b'\n', unseen) else {
            self.keep_unfinished();
            return None;
        };
        let end = self.scanned.saturating_add(found);
        let piece = self.bytes.get(self.start..end).unwrap_or_default();
        let length = length_of(piece);
        let line = match self.skipping.take() {
            Some(begun) => {
                let length = begun.length.saturating_add(length);
                Line::TooLong { head: begun.head, length, consumed: length.saturating_add(1) }
            }
            None if piece.len() > ALERT_BYTES_MAX => {
                Line::TooLong { head: head_of(piece), length, consumed: length.saturating_add(1) }
            }
            None => {
                let text = piece.strip_suffix(b"\r").unwrap_or(piece);
                Line::Whole { bytes: text.to_vec(), consumed: length.saturating_add(1) }
            }
        };
        self.start = end.saturating_add(1);
        self.scanned = self.start;
        Some(line)
    }

    /// Gives up on the line that has begun, and says what there was of it.
    pub(crate) fn take_unfinished(&mut self) -> Option<Unfinished> {
        self.keep_unfinished();
        let rest = std::mem::take(self);
        match rest.skipping {
            Some(begun) => Some(begun),
            None if rest.bytes.is_empty() => None,
            None => Some(Unfinished { head: head_of(&rest.bytes), length: length_of(&rest.bytes) }),
        }
    }

    /// Treats what comes next, up to its line end, as the rest of a line past the limit.
    pub(crate) fn begin_skipping(&mut self) {
        self.skipping = Some(Unfinished { head: Vec::new(), length: 0 });
    }

    /// Forgets everything, for a reader that goes back to an earlier place.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves the unfinished line to the front, and starts skipping it once it is past the limit.
    fn keep_unfinished(&mut self) {
        self.bytes.drain(..self.start.min(self.bytes.len()));
        self.start = 0;
        if let Some(begun) = &mut self.skipping {
            begun.length = begun.length.saturating_add(length_of(&self.bytes));
            self.bytes.clear();
        } else if self.bytes.len() > ALERT_BYTES_MAX {
            self.skipping =
                Some(Unfinished { head: head_of(&self.bytes), length: length_of(&self.bytes) });
            self.bytes.clear();
        }
        self.scanned = self.bytes.len();
    }
}

fn head_of(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..REJECTED_HEAD_BYTES_MAX).unwrap_or(bytes).to_vec()
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes the pieces one by one and writes each line as text.
    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for piece in pieces {
            buffer.push(piece);
            while let Some(line) = buffer.next_line() {
                lines.push(match line {
                    Line::Whole { bytes, consumed } => {
                        format!("{} [{consumed}]", String::from_utf8_lossy(&bytes))
                    }
                    Line::TooLong { length, consumed, .. } => {
                        format!("too long: {length} [{consumed}]")
                    }
                });
            }
        }
        if let Some(rest) = buffer.take_unfinished() {
            lines.push(format!("unfinished: {}", rest.length));
        }
        lines
    }

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        assert_eq!(
            cut(&[b"on", b"e\ntwo", b"\n", b"\nfo"]),
            ["one [4]", "two [4]", " [1]", "unfinished: 2"]
        );
        assert_eq!(cut(&[b"dos\r\n"]), ["dos [5]"]);
    }

    #[test]
    fn a_line_past_the_limit_is_skipped_up_to_its_end() {
        let half = vec![b'x'; ALERT_BYTES_MAX / 2 + 1];
        let expected = format!("too long: {0} [{1}]", 3 * half.len(), 3 * half.len() + 1);
        assert_eq!(cut(&[&half, &half, &half, b"\nnext\n"]), [expected.as_str(), "next [5]"]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole() {
        let mut line = vec![b'x'; ALERT_BYTES_MAX];
        line.push(b'\n');
        assert!(cut(&[&line])[0].ends_with(&format!("[{}]", ALERT_BYTES_MAX + 1)));
        line.insert(0, b'x');
        assert!(cut(&[&line])[0].starts_with("too long"));
    }

    #[test]
    fn memory_stays_bounded_while_a_line_is_skipped() {
        let mut buffer = LineBuffer::default();
        let piece = vec![b'x'; ALERT_BYTES_MAX];
        for _ in 0..8 {
            buffer.push(&piece);
            assert_eq!(buffer.next_line(), None);
            assert!(buffer.bytes.len() <= ALERT_BYTES_MAX);
        }
    }
}
