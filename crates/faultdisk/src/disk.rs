//! The disk itself: files as the process sees them and as the platter has them, names, locks, and what goes wrong. No SQLite here, and no
//! `unsafe`: [`crate::vfs`] translates.
//!
//! A change is a write or a cut of a file, or a name made or removed. It is visible at once and durable once it was flushed. A flush of a
//! file makes the file's changes durable; names become durable when SQLite flushes a directory, which its driver for Linux does
//! with the first flush of a new journal, and when it removes a journal that matters.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::ffi;

use crate::shared::Shared;
use crate::{Aftermath, Fault};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Bytes that a full disk still takes, at most: a file system gives out blocks, so some files still grow by a little.
const ROOM_LEFT_MAX: u64 = 8192;

/// A code of SQLite that says what went wrong.
pub(crate) type Code = std::ffi::c_int;

/// A file in the table of files, by its place.
pub(crate) type Inode = usize;

/// How much of a write happens.
pub(crate) enum Share {
    Whole,
    /// So many bytes from its front, and then this error.
    Part(usize, Code),
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

#[derive(Debug)]
enum NameChange {
    Made(String, Inode),
    Removed(String),
}

#[derive(Debug, Default)]
struct File {
    visible: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    locks: BTreeMap<u64, Code>,
    shared: Option<Arc<Shared>>,
}

/// Everything about one disk.
#[derive(Debug)]
pub(crate) struct State {
    files: Vec<File>,
    names: BTreeMap<String, Inode>,
    durable_names: BTreeMap<String, Inode>,
    pending_names: Vec<NameChange>,
    /// Grows with each restart: a file that was opened before belongs to a dead process.
    pub(crate) generation: u64,
    pub(crate) operations: u64,
    pub(crate) plan: Option<(u64, Fault)>,
    pub(crate) is_stopped: bool,
    /// Flushes do nothing.
    pub(crate) lies: bool,
    was_faulty: bool,
    /// Bytes of all files together that there is room for.
    room: Option<u64>,
    flushes_failing: u32,
    writes_failing: u32,
    handles: u64,
    dice: u64,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            generation: 0,
            operations: 0,
            plan: None,
            is_stopped: false,
            lies: false,
            was_faulty: false,
            room: None,
            flushes_failing: 0,
            writes_failing: 0,
            handles: 0,
            // Marsaglia's xorshift: a state of zero would stay zero, and neighbouring seeds must not begin alike.
            dice: (seed ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 11) % end.max(1)
    }

    fn part_of(&mut self, length: usize) -> usize {
        let end = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
        usize::try_from(self.below(end)).unwrap_or(length)
    }

    pub(crate) fn mend(&mut self) {
        self.plan = None;
        self.room = None;
        self.flushes_failing = 0;
        self.writes_failing = 0;
        self.was_faulty = false;
    }

    pub(crate) fn is_faulty(&self) -> bool {
        self.was_faulty || self.is_stopped
    }

    pub(crate) fn next_handle(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    /// Begins an operation that changes the disk: fails if the process is dead, or dies here.
    fn begin(&mut self, generation: u64) -> Result<(), Code> {
        if self.is_stopped || generation != self.generation {
            return Err(ffi::SQLITE_IOERR);
        }
        let at = self.operations;
        self.operations += 1;
        let Some((planned, fault)) = self.plan else { return Ok(()) };
        if at < planned {
            return Ok(());
        }
        self.plan = None;
        self.was_faulty = true;
        match fault {
            Fault::Stop => self.is_stopped = true,
            Fault::Full => self.room = Some(self.bytes() + self.below(ROOM_LEFT_MAX)),
            Fault::FlushFails(times) => self.flushes_failing = times,
            Fault::WriteFails(times) => self.writes_failing = times,
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.names
            .values()
            .filter_map(|inode| self.files.get(*inode))
            .map(|file| file.visible.len() as u64)
            .sum()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Inode> {
        self.names.get(name).copied()
    }

    pub(crate) fn make(&mut self, name: &str, generation: u64) -> Result<Inode, Code> {
        self.begin(generation)?;
        if self.is_stopped {
            return Err(ffi::SQLITE_CANTOPEN);
        }
        let inode = self.files.len();
        self.files.push(File::default());
        self.names.insert(name.to_owned(), inode);
        self.pending_names.push(NameChange::Made(name.to_owned(), inode));
        Ok(inode)
    }

    pub(crate) fn remove(
        &mut self,
        name: &str,
        is_flushed: bool,
        generation: u64,
    ) -> Result<(), Code> {
        if self.find(name).is_none() {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        self.begin(generation)?;
        if self.is_stopped {
            return Err(ffi::SQLITE_IOERR_DELETE);
        }
        self.names.remove(name);
        self.pending_names.push(NameChange::Removed(name.to_owned()));
        if is_flushed {
            self.flush_names();
        }
        Ok(())
    }

    /// Reads into a buffer. Gives false if the file is shorter; what is missing is zeroes.
    pub(crate) fn read(
        &self,
        inode: Inode,
        offset: usize,
        buffer: &mut [u8],
        generation: u64,
    ) -> Result<bool, Code> {
        if self.is_stopped || generation != self.generation {
            return Err(ffi::SQLITE_IOERR_READ);
        }
        let visible = self.files.get(inode).map_or(&[][..], |file| &file.visible);
        let held = visible.get(offset..).unwrap_or_default();
        let length = held.len().min(buffer.len());
        let (filled, missing) = buffer.split_at_mut(length);
        if let Some(held) = held.get(..length) {
            filled.copy_from_slice(held);
        }
        missing.fill(0);
        Ok(missing.is_empty())
    }

    pub(crate) fn write(
        &mut self,
        inode: Inode,
        offset: usize,
        bytes: &[u8],
        generation: u64,
    ) -> Result<(), Code> {
        self.begin(generation)?;
        let (length, result) = match self.share_of(inode, offset, bytes.len()) {
            Share::Whole => (bytes.len(), Ok(())),
            Share::Part(length, code) => (length, Err(code)),
        };
        let bytes = bytes.get(..length).unwrap_or(bytes).to_vec();
        if let Some(file) = self.files.get_mut(inode).filter(|_| !bytes.is_empty()) {
            put(&mut file.visible, offset, &bytes);
            file.pending.push(Change::Write { offset, bytes });
        }
        result
    }

    /// Says how much of a write happens.
    fn share_of(&mut self, inode: Inode, offset: usize, length: usize) -> Share {
        if self.is_stopped {
            return Share::Part(self.part_of(length), ffi::SQLITE_IOERR_WRITE);
        }
        if self.writes_failing > 0 {
            self.writes_failing -= 1;
            return Share::Part(self.part_of(length), ffi::SQLITE_IOERR_WRITE);
        }
        let Some(room) = self.room else { return Share::Whole };
        let held = self.files.get(inode).map_or(0, |file| file.visible.len());
        let grows = offset.saturating_add(length).saturating_sub(held) as u64;
        let free = room.saturating_sub(self.bytes());
        if grows <= free {
            return Share::Whole;
        }
        let missing = usize::try_from(grows - free).unwrap_or(length);
        Share::Part(length.saturating_sub(missing), ffi::SQLITE_FULL)
    }

    pub(crate) fn cut(&mut self, inode: Inode, length: usize, generation: u64) -> Result<(), Code> {
        self.begin(generation)?;
        if self.is_stopped {
            return Err(ffi::SQLITE_IOERR_TRUNCATE);
        }
        if let Some(file) = self.files.get_mut(inode) {
            file.visible.resize(length, 0);
            file.pending.push(Change::Cut { length });
        }
        Ok(())
    }

    /// Flushes a file, and the names too if the driver would flush their directory now.
    pub(crate) fn flush(
        &mut self,
        inode: Inode,
        with_names: bool,
        generation: u64,
    ) -> Result<(), Code> {
        self.begin(generation)?;
        if self.is_stopped {
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        if self.flushes_failing > 0 {
            self.flushes_failing -= 1;
            self.forget_some(inode);
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        if self.lies {
            return Ok(());
        }
        if let Some(file) = self.files.get_mut(inode) {
            for change in std::mem::take(&mut file.pending) {
                apply(&mut file.durable, &change);
            }
        }
        if with_names {
            self.flush_names();
        }
        Ok(())
    }

    /// What a failed flush leaves: pages that count as clean and are on no disk.
    fn forget_some(&mut self, inode: Inode) {
        let Some(file) = self.files.get_mut(inode) else { return };
        let pending = std::mem::take(&mut file.pending);
        let kept: Vec<Change> = pending.into_iter().filter(|_| self.below(2) == 0).collect();
        if let Some(file) = self.files.get_mut(inode) {
            file.pending = kept;
        }
    }

    fn flush_names(&mut self) {
        for change in std::mem::take(&mut self.pending_names) {
            apply_name(&mut self.durable_names, &change);
        }
    }

    pub(crate) fn length(&self, inode: Inode) -> usize {
        self.files.get(inode).map_or(0, |file| file.visible.len())
    }

    pub(crate) fn restart(&mut self, aftermath: Aftermath) {
        self.generation += 1;
        if aftermath == Aftermath::PowerCut {
            self.lose_power();
        }
        for file in &mut self.files {
            file.locks.clear();
            file.shared = None;
        }
        self.is_stopped = false;
        self.mend();
    }

    /// Keeps what was flushed, some sectors of what was not, and the first few of the names that changed: a journaled directory keeps order.
    fn lose_power(&mut self) {
        let mut files = std::mem::take(&mut self.files);
        for file in &mut files {
            for change in std::mem::take(&mut file.pending) {
                match change {
                    Change::Cut { .. } if self.below(2) == 0 => apply(&mut file.durable, &change),
                    Change::Cut { .. } => {}
                    Change::Write { offset, bytes } => {
                        self.keep_sectors(&mut file.durable, offset, &bytes)
                    }
                }
            }
            file.visible.clone_from(&file.durable);
        }
        self.files = files;
        let kept = self.part_of(self.pending_names.len());
        for change in std::mem::take(&mut self.pending_names).iter().take(kept) {
            apply_name(&mut self.durable_names, change);
        }
        self.names.clone_from(&self.durable_names);
    }

    fn keep_sectors(&mut self, durable: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
        // One in three is lost as a whole and one in three is kept, else everything would be torn and nothing ever only late.
        let fate = self.below(3);
        let mut at = 0;
        while at < bytes.len() {
            let end = (((offset + at) / SECTOR + 1) * SECTOR - offset).min(bytes.len());
            let is_kept = fate == 1 || (fate == 2 && self.below(2) == 0);
            if let Some(sector) = bytes.get(at..end).filter(|_| is_kept) {
                put(durable, offset + at, sector);
            }
            at = end;
        }
    }

    /// The memory that all connections to a file share, if it is there or `makes_it`.
    pub(crate) fn shared(&mut self, inode: Inode, makes_it: bool) -> Option<Arc<Shared>> {
        let file = self.files.get_mut(inode)?;
        if file.shared.is_none() && makes_it {
            file.shared = Some(Arc::new(Shared::default()));
        }
        file.shared.clone()
    }

    /// Forgets the shared memory if the last connection left it: the next one makes it anew, as SQLite's own driver does.
    pub(crate) fn forget_shared(&mut self, inode: Inode) {
        if let Some(file) = self.files.get_mut(inode)
            && file.shared.as_ref().is_some_and(|shared| Arc::strong_count(shared) == 1)
        {
            file.shared = None;
        }
    }

    /// Whether there is room for more of the memory that connections share, which Linux keeps in a file.
    pub(crate) const fn has_room(&self) -> bool {
        self.room.is_none()
    }

    /// Raises a connection's lock on a file. Gives false if others are in the way.
    pub(crate) fn lock(&mut self, inode: Inode, handle: u64, level: Code) -> bool {
        let Some(file) = self.files.get_mut(inode) else { return false };
        let highest =
            file.locks.iter().filter(|(other, _)| **other != handle).map(|(_, level)| *level).max();
        let highest = highest.unwrap_or(ffi::SQLITE_LOCK_NONE);
        let is_free = match level {
            ffi::SQLITE_LOCK_SHARED => highest < ffi::SQLITE_LOCK_PENDING,
            ffi::SQLITE_LOCK_RESERVED => highest < ffi::SQLITE_LOCK_RESERVED,
            _ => highest < ffi::SQLITE_LOCK_SHARED,
        };
        if is_free {
            file.locks.insert(handle, level);
        } else if level == ffi::SQLITE_LOCK_EXCLUSIVE && highest < ffi::SQLITE_LOCK_RESERVED {
            file.locks.insert(handle, ffi::SQLITE_LOCK_PENDING);
        }
        is_free
    }

    pub(crate) fn unlock(&mut self, inode: Inode, handle: u64, level: Code) {
        let Some(file) = self.files.get_mut(inode) else { return };
        if level == ffi::SQLITE_LOCK_NONE {
            file.locks.remove(&handle);
        } else {
            file.locks.insert(handle, level);
        }
    }

    pub(crate) fn is_reserved(&self, inode: Inode) -> bool {
        let locks = self.files.get(inode).map(|file| &file.locks);
        locks.is_some_and(|locks| locks.values().any(|level| *level >= ffi::SQLITE_LOCK_RESERVED))
    }
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => put(file, *offset, bytes),
        Change::Cut { length } => file.resize(*length, 0),
    }
}

fn apply_name(names: &mut BTreeMap<String, Inode>, change: &NameChange) {
    match change {
        NameChange::Made(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Removed(name) => {
            names.remove(name);
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}
