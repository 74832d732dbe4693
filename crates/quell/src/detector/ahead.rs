//! Reads lines ahead on several threads, and gives them on in their order.
//!
//! Finding fields, and the rules whose own conditions they meet, is nearly all of the work and needs no memory of other lines; which of these
//! rules applies needs all that came before. So readers take the lines in pieces, each the next one that nobody has, while the caller decides
//! about the pieces in order. The threads live as long as one batch of lines: starting them costs some hundredths of what a batch costs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use ruleset::{LineReader, ReadLine, Ruleset};

/// Lines in one piece: enough that handing it on is cheap, few enough that the caller starts early.
const PIECE_LINES: usize = 64;

/// Pieces read and not yet taken. Readers that are further ahead wait.
const PIECES_AHEAD_MAX: usize = 32;

/// Lines that came together, from one place.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) ruleset: &'a Ruleset,
    pub(super) location: &'a [u8],
    pub(super) lines: &'a [&'a [u8]],
    pub(super) manager: &'a str,
}

impl<'a> Lines<'a> {
    /// Reads all lines with these readers, each on a thread of its own if there are lines for several, and gives each line with what was
    /// read in it to `take`.
    pub(super) fn read(
        self,
        readers: &mut [LineReader],
        mut take: impl FnMut(&'a [u8], ReadLine<'a>),
    ) {
        let pieces: Vec<&'a [&'a [u8]]> = self.lines.chunks(PIECE_LINES).collect();
        let of_use = readers.len().min(pieces.len().max(1));
        let Some(readers) = readers.get_mut(..of_use) else { return };
        if let [reader] = readers {
            for line in self.lines {
                take(line, reader.read(self.ruleset, self.location, line, self.manager));
            }
            return;
        }
        let (next, pieces) = (&AtomicUsize::new(0), &pieces);
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(PIECES_AHEAD_MAX);
            for reader in readers {
                let send = send.clone();
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(piece) = pieces.get(number) else { return };
                        let read: Vec<ReadLine<'a>> = piece
                            .iter()
                            .map(|line| {
                                reader.read(self.ruleset, self.location, line, self.manager)
                            })
                            .collect();
                        // A caller that is gone wants no more.
                        if send.send((number, read)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            let mut early = BTreeMap::new();
            let mut wanted = 0;
            for (number, read) in receive {
                early.insert(number, read);
                while let Some(read) = early.remove(&wanted) {
                    let lines = pieces.get(wanted).copied().unwrap_or_default();
                    lines.iter().zip(read).for_each(|(line, read)| take(line, read));
                    wanted += 1;
                }
            }
        });
    }
}
