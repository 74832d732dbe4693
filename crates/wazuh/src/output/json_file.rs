//! Appends verdicts to a file of JSON lines, exactly once across crashes.
//!
//! The daemon's outbox makes it exact: it stores durably where a line is going to be ([`JsonFile::plan`])
//! *before* the line is written ([`JsonFile::append`]). After a crash in between, [`JsonFile::settle`] looks
//! at that place: the line is there, or half of it is (then the missing bytes are added), or none. A
//! line is one write followed by fdatasync, so a reader such as logcollector sees whole lines.
//!
//! The file may be rotated by renaming at any time; the planned file is then looked for beside the live one.
//! What can't be known is left at "once more": if that file was compressed or truncated between the crash
//! and the restart, the line has to be planned again. One writer per file.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use serde::Deserialize;
use serde::Serialize;

/// The longest line. logcollector's buffer has 65,280 bytes, of which the line end and the closing NUL take
/// two; a longer line is lost, and it makes logcollector lose a good line behind it as well.
pub const JSON_LINE_BYTES_MAX: usize = 65_280 - 2;

/// How much behind the planned place is searched for a line. Lines are planned one at a time, so theirs
/// is the first; the rest is for an operator who wrote into the file by hand.
const SEARCH_BYTES_MAX: u64 = 1024 * 1024;

/// Names looked at to find a rotated file beside the live one.
const SIBLINGS_MAX: usize = 1000;

/// Owner writes, group reads: logcollector runs as root, and people of the group may look.
const FILE_MODE: u32 = 0o640;

/// Where a line is going to be, or is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// The length of the file before the line.
    pub offset_before: u64,
    /// Device of the file.
    pub device: u64,
    /// Inode of the file.
    pub inode: u64,
}

/// What is in a file behind a planned place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The whole line.
    Whole,
    /// The file ends with these bytes, which no line end follows.
    Partial(Vec<u8>),
    /// Nothing of it.
    Absent,
}

/// What had to be done about a line whose fate was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was there.
    AlreadyThere,
    /// The missing bytes were added.
    Completed,
    /// Nothing of it was there, and it was appended at its planned place.
    Appended,
    /// Nothing of it was found, and its place is gone (rotated away, truncated, or written to by others).
    /// Nothing was written: plan the line again.
    PlanAgain,
}

/// The file, opened on first use and again when the name stands for another file.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    open: Option<File>,
}

impl JsonFile {
    /// Names the file. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), open: None }
    }

    /// Says where the next line will go, creating the file if need be.
    pub fn plan(&mut self) -> anyhow::Result<Appended> {
        let metadata = self.file()?.metadata().with_context(|| self.doing("look at"))?;
        Ok(place(&metadata))
    }

    /// Appends one line: compact JSON without a line end, which contains `key`.
    ///
    /// With an intended offset the file must still end there; if it doesn't, nothing is written and the
    /// line has to be planned again.
    pub fn append(
        &mut self,
        key: &str,
        line: &str,
        intended_offset: Option<u64>,
    ) -> anyhow::Result<Appended> {
        check_line(key, line)?;
        let doing = self.doing("append to");
        let file = self.file()?;
        let before = place(&file.metadata().with_context(|| doing.clone())?);
        if let Some(intended) = intended_offset.filter(|intended| *intended != before.offset_before)
        {
            let end = before.offset_before;
            bail!(
                "{doing}: the line was planned at {intended}, but the file ends at {end}\n\
                   hint: nothing but quell may write to this file"
            );
        }
        let mut bytes = Vec::with_capacity(line.len().saturating_add(2));
        if !ends_whole(file, before.offset_before).with_context(|| doing.clone())? {
            // Somebody's half line must not swallow ours.
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        write_once(file, &bytes, before.offset_before).with_context(|| doing)?;
        Ok(before)
    }

    /// After a crash: makes sure that a planned line is in the file, once.
    pub fn settle(&mut self, planned: &Appended, key: &str, line: &str) -> anyhow::Result<Settled> {
        check_line(key, line)?;
        let doing = self.doing("settle a line of");
        let Some(path) = find_file(&self.path, planned) else { return Ok(Settled::PlanAgain) };
        match find_after(&path, planned.offset_before, key).with_context(|| doing.clone())? {
            Found::Whole => {
                renew(&path, planned.offset_before, line).with_context(|| doing)?;
                Ok(Settled::AlreadyThere)
            }
            Found::Partial(begun) if line.as_bytes().starts_with(&begun) => {
                let file = File::options().append(true).read(true).open(&path);
                let mut file = file.with_context(|| doing.clone())?;
                let end = file.metadata().with_context(|| doing.clone())?.len();
                let mut rest = line.as_bytes().get(begun.len()..).unwrap_or_default().to_vec();
                rest.push(b'\n');
                write_once(&mut file, &rest, end).with_context(|| doing.clone())?;
                renew(&path, planned.offset_before, line).with_context(|| doing)?;
                Ok(Settled::Completed)
            }
            Found::Absent if self.plan()? == *planned => {
                self.append(key, line, Some(planned.offset_before))?;
                Ok(Settled::Appended)
            }
            // Also a half line of something else, which `append` closes off.
            Found::Partial(_) | Found::Absent => Ok(Settled::PlanAgain),
        }
    }

    /// The open file behind the name, after checking that the name still stands for it.
    fn file(&mut self) -> anyhow::Result<&mut File> {
        let doing = self.doing("open");
        let is_current = match (&self.open, std::fs::metadata(&self.path)) {
            (Some(file), Ok(named)) => {
                let opened = file.metadata().with_context(|| doing.clone())?;
                (opened.dev(), opened.ino()) == (named.dev(), named.ino())
            }
            _ => false,
        };
        let file = match self.open.take().filter(|_| is_current) {
            Some(file) => file,
            None => open(&self.path).with_context(|| {
                format!("{doing}\nhint: its directory must exist and be writable for quell")
            })?,
        };
        Ok(self.open.insert(file))
    }

    fn doing(&self, what: &str) -> String {
        format!("could not {what} `{}`", self.path.display())
    }
}

/// Looks for a line with `key` behind `offset`.
///
/// A file that is shorter than that, or missing, has nothing of it.
pub fn find_after(path: &Path, offset: u64, key: &str) -> io::Result<Found> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let length = size.saturating_sub(offset).min(SEARCH_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, offset)?;
    let is_whole_file = offset.saturating_add(length) >= size;
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        if is_last {
            // Behind the last line end: nothing, or a line that was never finished.
            let is_partial = is_whole_file && !line.is_empty();
            return Ok(if is_partial { Found::Partial(line.to_vec()) } else { Found::Absent });
        }
        if contains(line, key.as_bytes()) {
            return Ok(Found::Whole);
        }
    }
    Ok(Found::Absent)
}

fn contains(line: &[u8], key: &[u8]) -> bool {
    !key.is_empty() && line.windows(key.len()).any(|window| window == key)
}

fn check_line(key: &str, line: &str) -> anyhow::Result<()> {
    let length = line.len();
    ensure!(
        length <= JSON_LINE_BYTES_MAX,
        "a line for wazuh has {length} bytes, the limit is {JSON_LINE_BYTES_MAX}\n\
         hint: the verdict's evidence must be shortened"
    );
    ensure!(!line.contains(['\n', '\r']), "a line for wazuh must not have a line end inside");
    ensure!(
        !key.is_empty() && line.contains(key),
        "a line for wazuh does not contain its own key, so it could not be found again"
    );
    Ok(())
}

fn place(metadata: &std::fs::Metadata) -> Appended {
    Appended { offset_before: metadata.len(), device: metadata.dev(), inode: metadata.ino() }
}

/// Opens for appending; makes a new file's name durable, or a crash could lose the whole file.
fn open(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = File::options().append(true).read(true).create(true).mode(FILE_MODE).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if is_new {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(file)
}

fn ends_whole(file: &File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

/// Writes with one call and makes it durable; takes a part back, as from a full disk.
fn write_once(file: &mut File, bytes: &[u8], length_before: u64) -> io::Result<()> {
    let written = loop {
        match file.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result?,
        }
    };
    if written != bytes.len() {
        // If even that fails, the part stays, and is found and completed by `settle`.
        file.set_len(length_before)?;
        return Err(io::Error::new(io::ErrorKind::StorageFull, "only a part of the line fitted"));
    }
    file.sync_data()
}

/// Writes a line that is there once more over itself, and makes it durable: nobody knows whether it was flushed before, and what a
/// failed flush left is flushed by no later one, because Linux takes it for written.
fn renew(path: &Path, offset: u64, line: &str) -> io::Result<()> {
    // Not for appending: there, Linux writes to the end whatever the place.
    let file = File::options().read(true).write(true).open(path)?;
    let length = file.metadata()?.len().saturating_sub(offset);
    // With the line end, and the one that may stand in front of it.
    let mut bytes =
        vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(line.len().saturating_add(2))];
    file.read_exact_at(&mut bytes, offset)?;
    file.write_all_at(&bytes, offset)?;
    file.sync_data()
}

/// Finds the file that a line was planned in: under its own name, or beside it after a rotation.
fn find_file(path: &Path, planned: &Appended) -> Option<PathBuf> {
    let is_planned = |candidate: &Path| {
        std::fs::symlink_metadata(candidate).is_ok_and(|metadata| {
            metadata.is_file()
                && (metadata.dev(), metadata.ino()) == (planned.device, planned.inode)
                // A truncated file can't tell any more; a new file under a reused inode is short.
                && metadata.len() >= planned.offset_before
        })
    };
    if is_planned(path) {
        return Some(path.to_owned());
    }
    let name = path.file_name()?.to_str()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(parent.unwrap_or_else(|| Path::new("."))).ok()?;
    entries
        .flatten()
        .take(SIBLINGS_MAX)
        .filter(|entry| entry.file_name().to_str().is_some_and(|other| other.starts_with(name)))
        .map(|entry| entry.path())
        .find(|candidate| is_planned(candidate))
}
