//! Follows a growing file of lines, across rotation, truncation and restarts.
//!
//! Wazuh's own reader starts at the end of alerts.json, remembers nothing, and skips a file when it is
//! late by two rotations. This one polls (no inotify: it must also work on network file systems, and
//! a poll of one file costs microseconds), knows its file by content, and hands out whole lines with a
//! checkpoint that the daemon commits together with them.
//!
//! [`Tail::poll_once`] is the whole state machine and never waits; [`run()`] drives it. It promises: no
//! half line as an alert, no line twice while it runs undisturbed, bounded memory, and a record of all
//! that it skipped. A copy-truncate may lose what was written between our last read and the truncation
//! while we are running; that is the nature of copy-truncate, and Wazuh doesn't use it.

mod identity;
mod lines;
mod open;
mod run;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::delivery::Checkpoint;
use crate::delivery::Notice;
use crate::delivery::Rejected;
use crate::delivery::Route;
use crate::delivery::Severity;
use crate::intake::BATCH_BYTES_MAX;
use identity::Identity;
use identity::Sibling;
use lines::Line;
use lines::Unfinished;
use open::Followed;
use open::Reading;
pub use run::run;

/// The most lines in one delivery. Reading, delivering and the next reading follow one another, each on whichever thread has time: a flood is
/// read as fast as these turns are taken, so each brings much.
pub const LINES_MAX: usize = 1_024;

/// How often one poll may go on to the next file. A reader that was away for a while finds a chain of
/// short files; past this number it comes back at the next poll.
const SWITCHES_PER_POLL_MAX: usize = 16;

/// How many reads without a line end one poll makes, so that a huge line can't hold up a shutdown.
const READS_PER_POLL_MAX: usize = 16;

/// Where to begin in a file that was never read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// At its first line.
    Beginning,
    /// Behind its last whole line. A file that appears only later is read from its first line.
    End,
}

/// What one look at the file brought.
#[derive(Debug)]
pub enum Poll {
    /// Some lines, or a position worth recording.
    Batch(Batch),
    /// Nothing to pass on yet, but there is more to read.
    More,
    /// Nothing new.
    Idle,
}

/// Lines that were read together.
#[derive(Debug)]
pub struct Batch {
    /// The position in front of them, to come back to if they are refused.
    pub before: Checkpoint,
    /// The position behind them, to be committed with them.
    pub after: Checkpoint,
    /// The bytes of each line, without line ends; empty lines are left out.
    pub alerts: Vec<Vec<u8>>,
    /// Lines that were too long or never ended.
    pub rejected: Vec<Rejected>,
}

/// The follower of one file.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    route: Route,
    start: Start,
    current: Option<Followed>,
    /// Files to read before the live one, when the reader was away over several rotations.
    queue: VecDeque<PathBuf>,
    notices: Vec<Notice>,
    said_missing: bool,
    /// How often it went back.
    rewinds: u64,
}

/// Where to begin once the file can be opened.
#[derive(Debug, Clone)]
enum Start {
    /// Nothing was ever read.
    Fresh(StartAt),
    /// The file before was read to its end.
    Next,
    Resume(Checkpoint),
}

impl Tail {
    /// Follows `path`, from the checkpoint if there is one, else from `start_at`.
    pub fn new(
        path: impl Into<PathBuf>,
        route: Route,
        start_at: StartAt,
        checkpoint: Option<Checkpoint>,
    ) -> Self {
        let start = checkpoint.map_or(Start::Fresh(start_at), Start::Resume);
        let path = path.into();
        let (queue, notices) = (VecDeque::new(), Vec::new());
        Self { path, route, start, current: None, queue, notices, said_missing: false, rewinds: 0 }
    }

    /// The file that is followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The way in under which the lines are delivered.
    pub fn route(&self) -> Route {
        self.route
    }

    /// Goes back to an earlier position, as after a restart.
    pub fn rewind(&mut self, to: Checkpoint) {
        self.rewinds = self.rewinds.saturating_add(1);
        self.start = Start::Resume(to);
        self.current = None;
        self.queue.clear();
    }

    /// How often it went back: the attempt that its deliveries belong to.
    pub fn rewinds(&self) -> u64 {
        self.rewinds
    }

    /// Takes what there is to be logged.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Looks at the file once. Never waits; may be called again after an error.
    pub fn poll_once(&mut self) -> anyhow::Result<Poll> {
        for _ in 0..SWITCHES_PER_POLL_MAX {
            let Some(followed) = self.current.as_mut() else {
                match self.open_start() {
                    Ok(Some(poll)) => return Ok(poll),
                    Ok(None) => continue,
                    Err(error) => return Err(explain(&self.path, error)),
                }
            };
            let before = followed.checkpoint(&self.path);
            match followed.read(READS_PER_POLL_MAX) {
                Ok(Reading::Lines) => {
                    let (alerts, rejected) = take_lines(followed);
                    let after = followed.checkpoint(&self.path);
                    if !alerts.is_empty() || !rejected.is_empty() {
                        return Ok(Poll::Batch(Batch { before, after, alerts, rejected }));
                    }
                    // Only empty lines: the position is recorded with the next batch.
                }
                Ok(Reading::More) => return Ok(Poll::More),
                Ok(Reading::Truncated) => {
                    let lost = followed.start_over();
                    let after = followed.checkpoint(&self.path);
                    self.warn("was truncated: reading it from its beginning");
                    if let Some(unfinished) = lost {
                        let rejected = vec![cut_off(&unfinished, "the file was truncated")];
                        let alerts = Vec::new();
                        return Ok(Poll::Batch(Batch { before, after, alerts, rejected }));
                    }
                }
                Ok(Reading::End) => match self.leave(before) {
                    Ok(Leave::Stay) => return Ok(Poll::Idle),
                    Ok(Leave::Torn(batch)) => return Ok(Poll::Batch(batch)),
                    Ok(Leave::Again) => {}
                    Err(error) => return Err(explain(&self.path, error)),
                },
                Err(error) => return Err(explain(&self.path, error)),
            }
        }
        Ok(Poll::More)
    }

    /// Opens the first file to read. Gives a poll to return, or nothing when reading may begin.
    fn open_start(&mut self) -> io::Result<Option<Poll>> {
        if let Some(path) = self.queue.pop_front() {
            match Followed::open(&path, 0) {
                Ok(followed) => self.current = Some(followed),
                Err(error) => {
                    let message =
                        format!("could not read the rotated file `{}`: {error}", path.display());
                    self.notice(Severity::Warn, message);
                }
            }
            return Ok(None);
        }
        let mut live = match Followed::open(&self.path, 0) {
            Ok(live) => live,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !std::mem::replace(&mut self.said_missing, true) {
                    self.warn("does not exist yet: waiting for it");
                }
                // What appears from now on is new, so none of it may be skipped.
                if let Start::Fresh(start_at) = &mut self.start {
                    *start_at = StartAt::Beginning;
                }
                return Ok(Some(Poll::Idle));
            }
            Err(error) => return Err(error),
        };
        self.said_missing = false;
        match self.start.clone() {
            Start::Next => self.current = Some(live),
            Start::Fresh(start_at) => {
                if start_at == StartAt::End {
                    live.skip_to_end()?;
                }
                let before = live.checkpoint(&self.path);
                self.current = Some(live);
                self.start = Start::Next;
                // Recorded at once: a crash before the first alert must not skip what came meanwhile, nor what is in this file if it is rotated
                // before anybody reads on.
                let (after, alerts, rejected) = (before.clone(), Vec::new(), Vec::new());
                return Ok(Some(Poll::Batch(Batch { before, after, alerts, rejected })));
            }
            Start::Resume(checkpoint) => self.resume(live, &checkpoint)?,
        }
        self.start = Start::Next;
        Ok(None)
    }

    /// Finds the place of a checkpoint: in the live file, or in the file that it was rotated to.
    fn resume(&mut self, mut live: Followed, checkpoint: &Checkpoint) -> io::Result<()> {
        if live.continues(checkpoint)? {
            live.seek(checkpoint.offset)?;
            self.current = Some(live);
            return Ok(());
        }
        let siblings = identity::siblings(&self.path);
        let Some(found) = identity::find_checkpointed(&siblings, checkpoint) else {
            if checkpoint.offset > 0 {
                self.warn(
                    "is another file than the one read last, and that one is not to be found \
                     (compressed or deleted): what it got after our last read is lost; reading the \
                     new file from its beginning",
                );
            }
            self.current = Some(live);
            return Ok(());
        };
        self.queue = identity::between(&siblings, &found, &live.as_sibling()?).into();
        let message = format!(
            "`{}` was rotated while nobody read it: first finishing `{}` and {} files after it",
            self.path.display(),
            found.path.display(),
            self.queue.len()
        );
        self.notice(Severity::Info, message);
        self.current = Some(Followed::open(&found.path, checkpoint.offset)?);
        Ok(())
    }

    /// At the end of a file: decides whether the name now stands for another one.
    fn leave(&mut self, before: Checkpoint) -> io::Result<Leave> {
        let Some(followed) = self.current.as_mut() else { return Ok(Leave::Again) };
        let is_live = followed.path() == self.path;
        let live = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            // Between unlink and link the name is missing for a moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Leave::Stay),
            Err(error) => return Err(error),
        };
        // While the new file is empty, the writer may still be finishing the old one.
        if is_live && (Identity::of(&live) == followed.identity() || live.len() == 0) {
            return Ok(Leave::Stay);
        }
        // What was written between our read and the re-link is still in the old file.
        if followed.has_grown()? {
            return Ok(Leave::Again);
        }
        if let Some(unfinished) = followed.give_up_line() {
            let after = followed.checkpoint(&self.path);
            let rejected = vec![cut_off(&unfinished, "the file was rotated")];
            return Ok(Leave::Torn(Batch { before, after, alerts: Vec::new(), rejected }));
        }
        if is_live {
            // Held back over several rotations, we would miss the files in between.
            let finished = followed.as_sibling()?;
            let live = Sibling::of(&self.path, &live);
            self.queue =
                identity::between(&identity::siblings(&self.path), &finished, &live).into();
            let message = format!(
                "`{}` was rotated: going on with the new file, {} more in between",
                self.path.display(),
                self.queue.len()
            );
            self.notice(Severity::Info, message);
        }
        self.current = None;
        Ok(Leave::Again)
    }

    fn warn(&mut self, what: &str) {
        let message = format!("`{}` {what}", self.path.display());
        self.notice(Severity::Warn, message);
    }

    fn notice(&mut self, severity: Severity, message: String) {
        self.notices.push(Notice { severity, route: self.route, message });
    }
}

/// What to do at the end of a file.
enum Leave {
    /// Wait here for more.
    Stay,
    /// The last line will never be finished.
    Torn(Batch),
    /// Look again: there is more here, or the file is done and dropped.
    Again,
}

/// Takes whole lines up to the size of a batch.
fn take_lines(followed: &mut Followed) -> (Vec<Vec<u8>>, Vec<Rejected>) {
    let (mut alerts, mut rejected) = (Vec::new(), Vec::new());
    let mut bytes = 0_usize;
    while alerts.len().saturating_add(rejected.len()) < LINES_MAX && bytes < BATCH_BYTES_MAX {
        match followed.next_line() {
            Some(Line::Whole { bytes: line, .. }) => {
                bytes = bytes.saturating_add(line.len());
                if !line.is_empty() {
                    alerts.push(line);
                }
            }
            Some(Line::TooLong { head, length, .. }) => {
                let limit = crate::intake::ALERT_BYTES_MAX;
                let reason = format!("the line has {length} bytes, the limit is {limit}");
                rejected.push(Rejected::new(&head, reason));
            }
            None => break,
        }
    }
    (alerts, rejected)
}

fn cut_off(unfinished: &Unfinished, why: &str) -> Rejected {
    let reason = format!("{why} in the middle of a line, after {} of its bytes", unfinished.length);
    Rejected::new(&unfinished.head, reason)
}

fn explain(path: &Path, error: io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "\nhint: Wazuh's log files belong to group `wazuh`; add the user that runs quell to it"
        }
        io::ErrorKind::InvalidInput => "\nhint: name the live file itself, such as `alerts.json`",
        _ => "",
    };
    anyhow::anyhow!("could not read `{}`: {error}{hint}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_between_our_last_read_and_the_relink_is_not_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let (live, old) = (directory.path().join("alerts.json"), directory.path().join("old"));
        std::fs::File::create(&live).unwrap();
        let mut tail = Tail::new(&live, Route::Tail, StartAt::Beginning, None);
        assert!(matches!(tail.poll_once().unwrap(), Poll::Batch(_)), "the place is recorded");
        assert!(matches!(tail.poll_once().unwrap(), Poll::Idle));
        // The last read is behind us; now the writer adds a line and moves on.
        std::fs::rename(&live, &old).unwrap();
        for (path, line) in [(&old, b"late\n"), (&live, b"next\n")] {
            let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
            std::io::Write::write_all(&mut file, line).unwrap();
        }
        let before = tail.current.as_ref().unwrap().checkpoint(&live);
        assert!(matches!(tail.leave(before).unwrap(), Leave::Again));
        let Poll::Batch(batch) = tail.poll_once().unwrap() else { panic!("nothing was read") };
        assert_eq!(batch.alerts, [b"late"]);
        let Poll::Batch(batch) = tail.poll_once().unwrap() else { panic!("nothing was read") };
        assert_eq!(batch.alerts, [b"next"]);
    }
}
