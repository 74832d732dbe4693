//! The logs that were named: files, globs and standard input, packed or not, one after the other.
//!
//! All names are looked at before anything is read, so that a mistyped one doesn't show after an hour. What is packed is told by its
//! first bytes, not by its name: rotated logs often lose their ending.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alert::sanitize::shown;
use anyhow::{Context as _, anyhow};

use super::batches::{Batch, Cutter};
use super::{Failure, Location, glob};

/// Files that one call may name; more than any shell passes.
const FILES_MAX: usize = 100_000;

/// Room for packed bytes: as much as is unpacked at once.
const BUFFER_BYTES: usize = 256 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

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

/// What bytes of a log come out of.
enum Input {
    Plain(BufReader<Source>),
    Gzip(Box<flate2::bufread::MultiGzDecoder<BufReader<Source>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Source>>>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
            Self::Zstd(input) => input.read(buffer),
        }
    }
}

/// What bytes come out of as they lie on the disk, counted.
enum Source {
    File(File, Arc<AtomicU64>),
    Stdin(Stdin),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file, read) => {
                let count = file.read(buffer)?;
                read.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Self::Stdin(input) => input.read(buffer),
        }
    }
}

fn open(log: &Log, read: &Arc<AtomicU64>) -> Result<Input, Failure> {
    let failed = || format!("could not read `{}`", log.name());
    let source = match &log.path {
        Some(path) => Source::File(File::open(path).with_context(failed)?, Arc::clone(read)),
        None => Source::Stdin(std::io::stdin()),
    };
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    let head = source.fill_buf().with_context(failed)?;
    Ok(if head.starts_with(GZIP) {
        Input::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(source)))
    } else if head.starts_with(ZSTD) {
        Input::Zstd(Box::new(
            zstd::stream::read::Decoder::with_buffer(source).with_context(failed)?,
        ))
    } else {
        Input::Plain(source)
    })
}

/// Says whether a file is packed: it can't be followed then.
pub(super) fn is_packed(path: &Path) -> bool {
    let mut head = [0; 4];
    let count = File::open(path).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    let head = head.get(..count).unwrap_or_default();
    head.starts_with(GZIP) || head.starts_with(ZSTD)
}
