//! Cuts an input into batches of lines, in bounded memory.
//!
//! A batch is what one read brought, up to its last line end; the rest is carried over. A line may be long, but no more of it is kept than
//! the engine would look at; what was left out is counted. Line ends of both kinds are taken off, empty lines left out, all other bytes
//! stay as they are.

use std::io::{ErrorKind, Read};

use ruleset::DATAGRAM_BYTES_MAX;

use super::Location;

/// How much is read at once: a thousand lines, so that the cost of handing a batch on is shared by many.
const READ_BYTES: usize = 256 * 1024;

/// Some lines of one log.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) location: Location,
    text: Vec<u8>,
    /// Where lines begin and end in `text`.
    lines: Vec<(usize, usize)>,
    /// Lines of which the end was left out.
    pub(super) cut: u64,
    /// How much of all files was read so far, as it lies on the disk.
    pub(super) read: u64,
}

impl Batch {
    /// The lines, in order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().filter_map(|(start, end)| self.text.get(*start..*end))
    }
}

/// Cuts an input.
pub(super) struct Cutter<R> {
    input: R,
    location: Location,
    carried: Vec<u8>,
    /// Inside a line whose beginning was given out already.
    is_skipping: bool,
    has_ended: bool,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(input: R, location: Location) -> Self {
        Self { input, location, carried: Vec::new(), is_skipping: false, has_ended: false }
    }

    /// Reads until there is a line, and gives all that came. What came before an error is given before the error.
    pub(super) fn next(&mut self) -> Option<std::io::Result<Batch>> {
        while !self.has_ended {
            let mut text = std::mem::take(&mut self.carried);
            let known = text.len();
            text.resize(known + READ_BYTES, 0);
            let read = match self.input.read(text.get_mut(known..).unwrap_or_default()) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    text.truncate(known);
                    self.carried = text;
                    continue;
                }
                Err(error) => {
                    self.has_ended = true;
                    return Some(Err(error));
                }
            };
            text.truncate(known + read);
            self.has_ended = read == 0;
            let batch = self.cut(text, known);
            if !batch.lines.is_empty() || batch.cut > 0 {
                return Some(Ok(batch));
            }
        }
        None
    }

    /// Finds the lines. Up to `searched` there is no line end.
    fn cut(&mut self, mut text: Vec<u8>, searched: usize) -> Batch {
        let (mut lines, mut start, mut cut) = (Vec::new(), 0, 0);
        let unseen = text.get(searched..).unwrap_or_default();
        for at in memchr::memchr_iter(b'\n', unseen) {
            let end = searched + at;
            if !std::mem::take(&mut self.is_skipping) {
                cut += add_line(&mut lines, &text, start, end);
            }
            start = end + 1;
        }
        let rest = text.get(start..).unwrap_or_default();
        let is_too_long = rest.len() > DATAGRAM_BYTES_MAX;
        if self.is_skipping {
            // Its beginning was given out.
        } else if self.has_ended || is_too_long {
            // The last line of a file needs no end.
            cut += add_line(&mut lines, &text, start, text.len());
            self.is_skipping = is_too_long;
        } else {
            self.carried = rest.to_vec();
            text.truncate(start);
        }
        Batch { location: Location::clone(&self.location), text, lines, cut, read: 0 }
    }
}

/// Adds a line without its end, and gives 1 if some of it had to be left out.
fn add_line(lines: &mut Vec<(usize, usize)>, text: &[u8], start: usize, end: usize) -> u64 {
    let has_return = end > start && text.get(end - 1) == Some(&b'\r');
    let end = if has_return { end - 1 } else { end };
    let kept = end.min(start + DATAGRAM_BYTES_MAX);
    if kept > start {
        lines.push((start, kept));
    }
    u64::from(kept < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input that comes in pieces.
    struct Pieces<'p>(Vec<&'p [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    /// Gives the lines of each batch, and how many were cut.
    fn cut(pieces: Vec<&[u8]>) -> (Vec<Vec<String>>, u64) {
        let mut cutter = Cutter::new(Pieces(pieces), Location::from(&b"x"[..]));
        let (mut batches, mut cut) = (Vec::new(), 0);
        while let Some(batch) = cutter.next() {
            let batch = batch.unwrap();
            let lines = batch.lines().map(|line| String::from_utf8_lossy(line).into_owned());
            batches.push(lines.collect());
            cut += batch.cut;
            assert!(cutter.carried.len() <= DATAGRAM_BYTES_MAX);
        }
        (batches, cut)
    }

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        let (batches, cut) = cut(vec![b"on", b"e\ntw", b"o\r\n\n\r\nth\0r", b"ee"]);
        assert_eq!(batches, [vec!["one"], vec!["two"], vec!["th\0ree"]]);
        assert_eq!(cut, 0);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_is_kept() {
        let long = vec![b'x'; DATAGRAM_BYTES_MAX + 1];
        let whole = [&long[..], b"\n"].concat();
        let (batches, cut) = cut(vec![&long, &long, b"\nnext\n", &whole, b"last"]);
        let lengths: Vec<usize> = batches.concat().iter().map(String::len).collect();
        assert_eq!(lengths, [DATAGRAM_BYTES_MAX, 4, DATAGRAM_BYTES_MAX, 4]);
        assert_eq!(cut, 2);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole() {
        let longest = vec![b'x'; DATAGRAM_BYTES_MAX];
        let (batches, cut) = cut(vec![&longest, b"\r\n"]);
        assert_eq!(batches.concat()[0].len(), DATAGRAM_BYTES_MAX);
        assert_eq!(cut, 0);
    }
}
