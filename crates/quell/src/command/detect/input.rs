//! The logs that were named: files, globs and standard input, packed or not, one after the other.
//!
//! All names are looked at before anything is read, so that a mistyped one doesn't show after an hour.

use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alert::sanitize::shown;
use anyhow::{Context as _, anyhow};

use super::batches::{Batch, Cutter};
use super::{Failure, Location, glob};
use crate::logfile::unpacked;

/// Files that one call may name; more than any shell passes.
const FILES_MAX: usize = 100_000;

/// The location of what comes in at standard input.
const STDIN: &str = "stdin";

/// A log to read.
#[derive(Debug)]
pub(super) struct Log {
    /// Nothing for standard input.
    pub(super) path: Option<PathBuf>,
    pub(super) location: Location,
    bytes: u64,
}

impl Log {
    /// The log's name in messages.
    pub(super) fn name(&self) -> String {
        let name = self.path.as_ref().map(|path| path.display().to_string());
        shown(name.as_deref().unwrap_or("standard input"), 200)
    }
}

/// Finds the logs of some names. `location` is what events get instead of the path.
pub(super) fn logs(names: &[PathBuf], location: Option<&str>) -> Result<Vec<Log>, Failure> {
    let mut logs = Vec::new();
    for name in names {
        if name == Path::new("-") {
            let location = location.unwrap_or(STDIN).as_bytes().into();
            logs.push(Log { path: None, location, bytes: 0 });
            continue;
        }
        for path in glob::expand(name)? {
            let bytes = look_at(&path)?;
            let location = match location {
                Some(text) => text.as_bytes().into(),
                None => location_of(&path),
            };
            logs.push(Log { path: Some(path), location, bytes });
        }
        if logs.len() > FILES_MAX {
            return Err(Failure::usage(format!("more than {FILES_MAX} files were named")));
        }
    }
    Ok(logs)
}

/// Tells a file's size, or why it can't be read.
fn look_at(path: &Path) -> Result<u64, Failure> {
    let name = || shown(&path.display().to_string(), 200);
    let opened = File::open(path).and_then(|file| file.metadata());
    let metadata = opened.with_context(|| {
        format!("could not open `{}`\nhint: name log files, globs, or - for standard input", name())
    })?;
    if metadata.is_dir() {
        return Err(anyhow!(
            "could not read `{0}`: it is a folder\nhint: name its files, such as `{0}/*.log`",
            name()
        )
        .into());
    }
    Ok(metadata.len())
}

/// Agents state the whole path, and rules may ask for it.
fn location_of(path: &Path) -> Location {
    use std::os::unix::ffi::OsStrExt as _;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.as_os_str().as_bytes().into()
}

/// What the bytes of a log come out of, unpacked.
type Input = Box<dyn BufRead + Send>;

/// Gives the lines of all logs, batch by batch.
pub(super) struct Feed {
    waiting: std::vec::IntoIter<Log>,
    current: Option<(String, Cutter<Input>)>,
    size: Option<u64>,
    read: Arc<AtomicU64>,
}

impl Feed {
    pub(super) fn new(logs: Vec<Log>) -> Self {
        let is_known = logs.iter().all(|log| log.path.is_some());
        let size = is_known.then(|| logs.iter().map(|log| log.bytes).sum());
        Self { waiting: logs.into_iter(), current: None, size, read: Arc::default() }
    }

    /// The bytes of all files on the disk, if none is a pipe.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn next(&mut self) -> Option<Result<Batch, Failure>> {
        loop {
            let Some((name, cutter)) = &mut self.current else {
                let log = self.waiting.next()?;
                match open(&log, &self.read) {
                    Ok(input) => {
                        let location = Location::clone(&log.location);
                        self.current = Some((log.name(), Cutter::new(input, location)));
                    }
                    Err(failure) => return Some(Err(failure)),
                }
                continue;
            };
            match cutter.next() {
                Some(Ok(mut batch)) => {
                    batch.read = self.read.load(Ordering::Relaxed);
                    return Some(Ok(batch));
                }
                Some(Err(error)) => {
                    let error = anyhow::Error::new(error).context(format!(
                        "could not read `{name}` to its end\nhint: if it is packed, test it with `gzip -t` or `zstd -t`"
                    ));
                    self.current = None;
                    return Some(Err(error.into()));
                }
                None => self.current = None,
            }
        }
    }
}

fn open(log: &Log, read: &Arc<AtomicU64>) -> Result<Input, Failure> {
    let failed = || format!("could not read `{}`", log.name());
    let Some(path) = &log.path else {
        // What comes in at standard input is no part of the files' size.
        return Ok(unpacked(std::io::stdin(), Arc::default()).with_context(failed)?);
    };
    let file = File::open(path).with_context(failed)?;
    Ok(unpacked(file, Arc::clone(read)).with_context(failed)?)
}
