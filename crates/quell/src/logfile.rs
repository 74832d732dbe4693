//! Log files as lines: plain, gzip or zstd by their content, whatever their name; a folder as the logs in it, oldest first.
//!
//! A line is what stands between line ends, with neither `\n` nor `\r\n`, as bytes: logs hold whatever was sent. It is never longer
//! than [`LINE_BYTES_MAX`], and memory does not grow with the file. The last line needs no line end.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alert::sanitize::shown;
use anyhow::{Context as _, bail};

/// No datagram of Wazuh's queue carries a longer line. What stands behind is dropped, and counted.
pub(crate) const LINE_BYTES_MAX: usize = 64 << 10;

/// Files that one folder may hold, so that `/` is refused instead of read.
const FILES_MAX: usize = 100_000;

/// Wazuh's archives nest two deep, by year and month. Links that lead in circles end here.
const DEPTH_MAX: usize = 16;

/// Large enough that system calls cost nothing beside decoding.
const BUFFER_BYTES: usize = 256 << 10;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An open log.
pub(crate) struct LogFile {
    name: String,
    input: Box<dyn BufRead + Send>,
    line_bytes_max: usize,
    bytes_read: Arc<AtomicU64>,
    lines_read: u64,
    lines_cut: u64,
}

impl LogFile {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Self::new("standard input".to_owned(), std::io::stdin());
        }
        let name = shown(&path.display().to_string(), 200);
        let opened = File::open(path).and_then(|file| {
            let is_folder = file.metadata()?.is_dir();
            if is_folder { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
        });
        let file = opened.with_context(|| {
            format!("could not open `{name}`\nhint: give a log (plain, gzip or zstd), or - for standard input")
        })?;
        Self::new(name, file)
    }

    /// Reads from anything. The name is for messages.
    pub(crate) fn new(name: String, input: impl Read + Send + 'static) -> anyhow::Result<Self> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let input = unpacked(input, Arc::clone(&bytes_read))
            .with_context(|| format!("could not read `{name}`"))?;
        let line_bytes_max = LINE_BYTES_MAX;
        Ok(Self { name, input, line_bytes_max, bytes_read, lines_read: 0, lines_cut: 0 })
    }

    /// Allows longer lines, for files that wrap log lines in something.
    pub(crate) fn with_line_bytes_max(self, line_bytes_max: usize) -> Self {
        Self { line_bytes_max, ..self }
    }

    /// Reads the next line over the old content of `line`. Says `false` when there is none.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>) -> anyhow::Result<bool> {
        line.clear();
        let ended =
            read_line(self.input.as_mut(), self.line_bytes_max, line).with_context(|| {
                let hint =
                    "a packed file that is damaged or still being written can't be read to its end";
                format!(
                    "could not read `{}` behind line {}\nhint: {hint}",
                    self.name, self.lines_read
                )
            })?;
        if ended == Ended::Nothing {
            return Ok(false);
        }
        if self.lines_read == 0 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        self.lines_read += 1;
        self.lines_cut += u64::from(ended == Ended::Cut);
        Ok(true)
    }

    /// How many bytes were taken from the file, packed as it is: for progress.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many lines were read.
    pub(crate) fn lines_read(&self) -> u64 {
        self.lines_read
    }

    /// How many of them were longer than [`LINE_BYTES_MAX`].
    pub(crate) fn lines_cut(&self) -> u64 {
        self.lines_cut
    }
}

/// Gives the text of what may be packed, which its first bytes tell: rotated logs often lose their ending. `bytes_read` counts what was
/// taken of it as it lies on the disk.
pub(crate) fn unpacked(
    input: impl Read + Send + 'static,
    bytes_read: Arc<AtomicU64>,
) -> std::io::Result<Box<dyn BufRead + Send>> {
    let counted = Counted { input, bytes: bytes_read };
    let mut input = BufReader::with_capacity(BUFFER_BYTES, counted);
    let head = read_head(&mut input)?;
    let (is_gzip, is_zstd) = (head.starts_with(GZIP), head == ZSTD);
    let input = Cursor::new(head).chain(input);
    Ok(if is_gzip {
        let plain = flate2::bufread::MultiGzDecoder::new(input);
        Box::new(BufReader::with_capacity(BUFFER_BYTES, plain))
    } else if is_zstd {
        let plain = zstd::stream::read::Decoder::with_buffer(input)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, plain))
    } else {
        Box::new(input)
    })
}

/// Says whether a file is packed: it can't be followed then.
pub(crate) fn is_packed(path: &Path) -> bool {
    let head = File::open(path).and_then(|file| read_head(&mut BufReader::new(file)));
    head.is_ok_and(|head| head.starts_with(GZIP) || head == ZSTD)
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    Cut,
    /// There was no line.
    Nothing,
}

fn read_line(
    input: &mut dyn BufRead,
    bytes_max: usize,
    line: &mut Vec<u8>,
) -> std::io::Result<Ended> {
    let mut is_cut = false;
    let mut is_there = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            break;
        }
        is_there = true;
        let end = memchr::memchr(b'\n', buffer);
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or(buffer);
        // One more than the limit, so that the `\r` of a line of just that length is known as one.
        let room = (bytes_max + 1).saturating_sub(line.len());
        is_cut |= part.len() > room;
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if !is_there {
        return Ok(Ended::Nothing);
    }
    if !is_cut && line.last() == Some(&b'\r') {
        line.pop();
    }
    is_cut |= line.len() > bytes_max;
    line.truncate(bytes_max);
    Ok(if is_cut { Ended::Cut } else { Ended::Whole })
}

/// Reads as many bytes as it takes to know a packed file, and no more: a person may be typing.
fn read_head(input: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let may_become =
        |head: &[u8], magic: &[u8]| head.len() < magic.len() && magic.starts_with(head);
    while may_become(&head, GZIP) || may_become(&head, ZSTD) {
        let mut byte = [0];
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.extend_from_slice(&byte),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// Counts what passes.
struct Counted<R> {
    input: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Puts the files that a folder holds in its place. Files are taken as they are named, in that order.
pub(crate) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        walk(path, 0, &mut found)?;
        if found.len() == before {
            bail!("there is no file in `{}`", shown(&path.display().to_string(), 200));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let reading = || format!("could not read `{}`", shown(&folder.display().to_string(), 200));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push((age(&name), path));
        }
    }
    entries.sort();
    for (_, path) in entries {
        if path.is_dir() && depth < DEPTH_MAX {
            walk(&path, depth + 1, found)?;
        } else if path.is_file() {
            if found.len() >= FILES_MAX {
                bail!("there are more than {FILES_MAX} files\nhint: name a smaller folder");
            }
            found.push(path);
        }
    }
    Ok(())
}

/// A rotated file's place among its siblings.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rotated {
    /// `.1`, `.2.gz`: the higher the older.
    Number(Reverse<u64>),
    /// `-20261124`, `.2026-11-24.gz`.
    Date(String),
    /// The one that is being written.
    Live,
}

/// Splits a name into the log's own and how old its content is, so that sorting puts the oldest first.
fn age(name: &str) -> (String, Rotated) {
    /// Rotation keeps fewer files than this; longer numbers are dates.
    const DIGITS_MAX: usize = 4;
    let plain = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let base = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_');
    let suffix = plain.strip_prefix(base).unwrap_or_default();
    let digits = suffix.bytes().filter(u8::is_ascii_digit).count();
    let own = base.trim_end_matches('.').to_owned();
    if digits == 0 {
        return (plain.to_owned(), Rotated::Live);
    }
    if digits > DIGITS_MAX {
        return (own, Rotated::Date(suffix.trim_start_matches(['-', '_']).to_owned()));
    }
    match (base.strip_suffix('.'), suffix.parse()) {
        (Some(own), Ok(number)) => (own.to_owned(), Rotated::Number(Reverse(number))),
        // `web1` and `web2` are names, not ages.
        _ => (plain.to_owned(), Rotated::Live),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(bytes: impl Into<Vec<u8>>) -> (Vec<String>, u64) {
        let mut file = LogFile::new("a log".to_owned(), Cursor::new(bytes.into())).unwrap();
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        while file.read_line(&mut line).unwrap() {
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        assert_eq!(file.lines_read(), lines.len() as u64);
        (lines, file.lines_cut())
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn lines_come_without_their_ends_and_the_last_needs_none() {
        assert_eq!(lines("a\r\n\nb\n c").0, ["a", "", "b", " c"]);
        assert_eq!(lines("").0, [""; 0]);
        assert_eq!(lines("\n").0, [""]);
        assert_eq!(lines("\u{feff}a\n\u{feff}b\n").0, ["a", "\u{feff}b"]);
        // Beginnings of packed files that are none.
        assert_eq!(lines("(").0, ["("]);
        assert_eq!(lines("(b)\nc").0, ["(b)", "c"]);
        assert_eq!(lines([0x1f, b'\n', b'x']).0, ["\u{1f}", "x"]);
    }

    #[test]
    fn packed_files_are_known_by_their_content_also_several_in_one() {
        let two = [gzip(b"a\nb\n"), gzip(b"c\n")].concat();
        assert_eq!(lines(two).0, ["a", "b", "c"]);
        let frame = |text: &[u8]| zstd::stream::encode_all(text, 1).unwrap();
        assert_eq!(lines([frame(b"a\nb\n"), frame(b"c")].concat()).0, ["a", "b", "c"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_is_whole() {
        let long = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(lines(format!("{long}\r\nb")), (vec![long.clone(), "b".to_owned()], 0));
        assert_eq!(lines(format!("{long}yz\nb")), (vec![long.clone(), "b".to_owned()], 1));
        let longer = "y".repeat(BUFFER_BYTES * 2);
        let (all, cut) = lines(format!("{long}{longer}\nb\n"));
        assert_eq!((all.as_slice(), cut), ([long, "b".to_owned()].as_slice(), 1));
    }

    #[test]
    fn a_damaged_packed_file_is_an_error_that_names_it() {
        let mut packed = gzip("words that do not repeat: 1 2 3 4 5 6 7".as_bytes());
        packed.truncate(packed.len() - 9);
        let mut file = LogFile::new("a log".to_owned(), Cursor::new(packed)).unwrap();
        let mut line = Vec::new();
        let error = loop {
            match file.read_line(&mut line) {
                Ok(true) => {}
                Ok(false) => panic!("the damage was not seen"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.starts_with("could not read `a log`"), "{error}");
    }

    #[test]
    fn the_files_of_a_folder_come_oldest_first() {
        let folder = tempfile::TempDir::new().unwrap();
        let names = [
            "a.log",
            "a.log.1",
            "a.log.10.gz",
            "a.log.2.gz",
            "b.log",
            "b.log-20261123.gz",
            "b.log-20261124",
            "c1",
            "c2",
            ".hidden",
        ];
        for name in names {
            File::create(folder.path().join(name)).unwrap();
        }
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        File::create(folder.path().join("deep/d")).unwrap();
        let found = find(&[folder.path().to_owned(), PathBuf::from("-")]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap_or(path).to_str().unwrap())
            .collect();
        let wanted = [
            "a.log.10.gz",
            "a.log.2.gz",
            "a.log.1",
            "a.log",
            "b.log-20261123.gz",
            "b.log-20261124",
            "b.log",
            "c1",
            "c2",
            "deep/d",
            "-",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_folder_is_no_log() {
        let error = LogFile::open(Path::new("/")).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("could not open `/`") && error.contains("hint: "), "{error}");
    }
}
