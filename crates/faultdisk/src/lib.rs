//! A disk for tests, under SQLite: it loses power, fills up, and lies about flushing, at the very operation that a test names.
//!
//! [`Disk::new`] gives a folder that only SQLite can see. Whatever opens a database there, through ordinary calls and without knowing it,
//! writes to memory that is kept twice: as the process sees it, and as a disk that was never asked to flush would hold it. Between the two
//! lie the changes that are under way. [`Disk::arm`] names an operation (a write, a flush, a cut, a name made or removed) and what
//! goes wrong there; after [`Fault::Stop`] nothing reaches the disk any more, and [`Disk::restart`] gives what the next process finds: after
//! `kill -9` all that was written, after a power cut what was flushed and any part of the rest, torn at sectors. Everything is
//! drawn from one seed, so a run can be repeated.
//!
//! It is a workspace crate of its own because it needs `unsafe` (SQLite calls a file system through C pointers), which the product never
//! does. Tests depend on it, nothing else does. It promises to be no kinder than a Linux file system under SQLite's own driver; it leaves
//! memory-mapped database files and other databases than those in its folders alone.

mod disk;
mod shared;
mod vfs;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk::State;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies, or the machine: part of the operation happens, and nothing after it.
    Stop,
    /// The disk is full from here on, but for a few bytes.
    Full,
    /// So many flushes fail. As on Linux, what they were to make durable may be forgotten: a later flush says yes without it.
    FlushFails(u32),
    /// So many writes fail, each after a part of it.
    WriteFails(u32),
}

/// What a restart finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// Everything that was written: the process was killed, the system lives.
    Killed,
    /// What was flushed, and of the rest any sectors at all.
    PowerCut,
}

/// A disk that does as it is told.
#[derive(Debug)]
pub struct Disk {
    state: Arc<Mutex<State>>,
    folder: PathBuf,
}

impl Disk {
    /// Makes an empty disk whose whims are drawn from a seed.
    pub fn new(seed: u64) -> Self {
        let (state, folder) = vfs::mount(State::new(seed));
        Self { state, folder: PathBuf::from(folder) }
    }

    /// The folder in which SQLite finds the disk. Nothing else does.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Counts the operations so far that change the disk.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets something go wrong at the operation after the next `after` ones. Earlier plans are forgotten.
    pub fn arm(&self, after: u64, fault: Fault) {
        let mut state = self.state();
        let at = state.operations.saturating_add(after);
        state.plan = Some((at, fault));
    }

    /// Forgets what was to go wrong, and mends what does: there is room again, and writes and flushes work.
    pub fn mend(&self) {
        self.state().mend();
    }

    /// Lets every flush from now on say yes and do nothing, for whoever wants to see that his test would notice.
    pub fn lie(&self) {
        self.state().lies = true;
    }

    /// Stops it now: nothing reaches it until a restart.
    pub fn stop(&self) {
        self.state().is_stopped = true;
    }

    /// Whether it stopped: nothing reaches it until a restart.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Whether something goes wrong now, or went wrong since the last mending.
    pub fn is_faulty(&self) -> bool {
        self.state().is_faulty()
    }

    /// Starts it again with what is left. Files that were open before fail from now on.
    pub fn restart(&self, aftermath: Aftermath) {
        self.state().restart(aftermath);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        vfs::unmount(&self.folder.to_string_lossy());
    }
}
