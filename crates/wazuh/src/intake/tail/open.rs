//! One open file that is being followed: where it was read to, and whether it is still what it was.
//!
//! The handle keeps the file alive after its name has moved on, so a rotation loses nothing. Three numbers
//! matter: `offset`, behind the last line given out; `position`, behind the last byte read; and the
//! size that the file has now. The first bytes are kept and compared after every read, which catches
//! a truncation that the size alone doesn't show.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use super::identity;
use super::identity::FINGERPRINT_BYTES_MAX;
use super::identity::Identity;
use super::identity::Sibling;
use super::lines::Line;
use super::lines::LineBuffer;
use super::lines::Unfinished;
use crate::delivery::Checkpoint;
use crate::intake::ALERT_BYTES_MAX;

/// How much is read at once. One megabyte is a few hundred alerts: two or three batches per read.
const READ_BYTES: usize = 1024 * 1024;

/// A file, how far it was read, and its unfinished last line.
#[derive(Debug)]
pub(crate) struct Followed {
    file: File,
    path: PathBuf,
    identity: Identity,
    /// The first bytes as they were read, to notice when others have taken their place.
    head: Vec<u8>,
    offset: u64,
    position: u64,
    lines: LineBuffer,
    /// What is read into. Kept, for making a megabyte anew costs more than filling it.
    chunk: Vec<u8>,
    /// A whole line found by `read`, which `next_line` gives out first.
    ready: Option<Line>,
}

/// What a read found.
pub(crate) enum Reading {
    /// At least one whole line is waiting.
    Lines,
    /// Bytes came, but no line end yet.
    More,
    /// Nothing new.
    End,
    /// The content that we knew is gone.
    Truncated,
}

impl Followed {
    pub(crate) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let file = identity::open_regular(path)?;
        let identity = Identity::of(&file.metadata()?);
        let mut followed = Self {
            file,
            path: path.to_owned(),
            identity,
            head: Vec::new(),
            offset: 0,
            position: 0,
            lines: LineBuffer::default(),
            chunk: Vec::new(),
            ready: None,
        };
        followed.seek(offset)?;
        Ok(followed)
    }

    /// Reads on from `offset`, which must be the beginning of a line.
    pub(crate) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.head = identity::read_head(&self.file, offset)?;
        (self.offset, self.position) = (offset, offset);
        self.lines.clear();
        self.ready = None;
        Ok(())
    }

    /// Goes behind the last whole line. A line that has begun is new: its end is still to come.
    pub(crate) fn skip_to_end(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let window = size.min(u64::try_from(ALERT_BYTES_MAX).unwrap_or(u64::MAX));
        let from = size.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(window).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, from)?;
        let last_end = bytes.iter().rposition(|byte| *byte == b'\n');
        let behind = last_end.map_or(0, |index| index.saturating_add(1));
        self.seek(from.saturating_add(u64::try_from(behind).unwrap_or_default()))?;
        if last_end.is_none() && from > 0 {
            // Inside a line past the limit: its rest is no line of its own.
            self.lines.begin_skipping();
        }
        Ok(())
    }

    /// Says whether reading may go on here at the checkpoint.
    pub(crate) fn continues(&self, checkpoint: &Checkpoint) -> io::Result<bool> {
        identity::continues(&self.file, checkpoint)
    }

    /// The position behind the last line that was given out.
    pub(crate) fn checkpoint(&self, source: &Path) -> Checkpoint {
        let delivered = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let head = self.head.get(..delivered).unwrap_or(&self.head);
        Checkpoint {
            source: source.display().to_string(),
            device: self.identity.device,
            inode: self.identity.inode,
            offset: self.offset,
            fingerprint: identity::fingerprint(head),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn as_sibling(&self) -> io::Result<Sibling> {
        Ok(Sibling::of(&self.path, &self.file.metadata()?))
    }

    pub(crate) fn has_grown(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() > self.position)
    }

    /// Reads until there is a whole line, the file ends, or `reads_max` reads brought none.
    pub(crate) fn read(&mut self, reads_max: usize) -> io::Result<Reading> {
        if self.find_line() {
            return Ok(Reading::Lines);
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        let reading = self.read_into(&mut chunk, reads_max);
        self.chunk = chunk;
        reading
    }

    fn read_into(&mut self, chunk: &mut Vec<u8>, reads_max: usize) -> io::Result<Reading> {
        for _ in 0..reads_max {
            let size = self.file.metadata()?.len();
            if size < self.position {
                return self.after_shrinking(size);
            }
            // Comparing also when nothing was added notices a file that was replaced at the same size.
            if size == self.position {
                return Ok(if self.is_intact()? { Reading::End } else { Reading::Truncated });
            }
            let growth = usize::try_from(size.saturating_sub(self.position)).unwrap_or(READ_BYTES);
            if chunk.len() < growth.min(READ_BYTES) {
                chunk.resize(growth.min(READ_BYTES), 0);
            }
            let count = match self.file.read_at(chunk, self.position) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = chunk.get(..count).unwrap_or_default();
            // After the read, not before: only so is it known that these bytes belong to what we knew.
            if !self.is_intact()? {
                return Ok(Reading::Truncated);
            }
            let missing = FINGERPRINT_BYTES_MAX.saturating_sub(self.head.len());
            self.head.extend(bytes.iter().take(missing));
            self.position = self.position.saturating_add(u64::try_from(count).unwrap_or_default());
            self.lines.push(bytes);
            if self.find_line() {
                return Ok(Reading::Lines);
            }
            if count == 0 {
                return Ok(Reading::End);
            }
        }
        Ok(Reading::More)
    }

    /// Gives the next whole line and moves the offset behind it.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let line = self.ready.take().or_else(|| self.lines.next_line())?;
        let (Line::Whole { consumed, .. } | Line::TooLong { consumed, .. }) = &line;
        self.offset = self.offset.saturating_add(*consumed);
        Some(line)
    }

    /// Begins again at the first byte; gives the unfinished line that has vanished.
    pub(crate) fn start_over(&mut self) -> Option<Unfinished> {
        let unfinished = self.lines.take_unfinished();
        self.head.clear();
        (self.offset, self.position) = (0, 0);
        self.ready = None;
        unfinished
    }

    /// Counts an unfinished line as read, because nobody will finish it.
    pub(crate) fn give_up_line(&mut self) -> Option<Unfinished> {
        let unfinished = self.lines.take_unfinished()?;
        self.offset = self.position;
        Some(unfinished)
    }

    fn find_line(&mut self) -> bool {
        if self.ready.is_none() {
            self.ready = self.lines.next_line();
        }
        self.ready.is_some()
    }

    /// The file is shorter than what we read of it: was only the unfinished line taken back?
    fn after_shrinking(&mut self, size: u64) -> io::Result<Reading> {
        let delivered = identity::read_head(&self.file, self.offset)?;
        if size < self.offset || !self.head.starts_with(&delivered) || self.offset == 0 {
            return Ok(Reading::Truncated);
        }
        self.seek(self.offset)?;
        Ok(Reading::More)
    }

    fn is_intact(&self) -> io::Result<bool> {
        let length = u64::try_from(self.head.len()).unwrap_or(u64::MAX);
        Ok(identity::read_head(&self.file, length)? == self.head)
    }
}
