//! Keeps the hook's alerts on disk between the hook's goodbye and the daemon's commit.
//!
//! The hook leaves as soon as it hears `+`, long before the daemon's next commit, so the alert must
//! survive a kill of the daemon in between. Each one is appended here first. The page cache is enough:
//! it outlives the process, and after a power loss the tail of alerts.json has the alert again.
//!
//! Segments are files of records (length as u32, little endian, then the bytes). A segment is deleted
//! when its last record is committed, and the one in use is emptied, so in a quiet hour the journal holds
//! nothing. What a dead daemon left is read back at the next start; only the last record of a segment
//! can be torn, and a torn one was never acknowledged. Blocking; the caller sees to that.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::intake::ALERT_BYTES_MAX;
use crate::intake::BATCH_ALERTS_MAX;

/// A segment is closed at this size: it bounds what one uncommitted alert keeps on disk, and what is read
/// back at once. One megabyte is some 700 alerts, two and a half seconds at the hook's best rate.
const SEGMENT_BYTES_MAX: u64 = 1024 * 1024;

/// The length in front of each record.
const HEADER_BYTES: u64 = 4;

/// Some records of one segment, which are delivered and committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    segment: u64,
    /// Offset of the bytes behind the length, and how many they are.
    records: Vec<(u64, u32)>,
}

impl RecordSet {
    /// How many alerts these are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none; the journal never gives out such a set.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// The directory of segments.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    current: Option<Segment>,
    next: u64,
    /// How many records of each segment are not committed yet.
    outstanding: HashMap<u64, usize>,
}

/// The segment that is being written.
#[derive(Debug)]
struct Segment {
    number: u64,
    file: File,
    length: u64,
}

impl Journal {
    /// Opens the directory, creating it if need be, and finds what an earlier daemon left.
    ///
    /// The leftovers are to be delivered and settled like new records.
    pub fn open(directory: &Path) -> io::Result<(Self, Vec<RecordSet>)> {
        std::fs::create_dir_all(directory)?;
        let mut segments = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if let Some(number) = segment_number(&path) {
                segments.insert(number, path);
            }
        }
        let next = segments.last_key_value().map_or(0, |(number, _)| number.saturating_add(1));
        let mut journal = Self {
            directory: directory.to_owned(),
            current: None,
            next,
            outstanding: HashMap::new(),
        };
        let mut leftovers = Vec::new();
        for (number, path) in segments {
            let records = read_index(&path)?;
            if records.is_empty() {
                remove_if_there(&path)?;
                continue;
            }
            journal.outstanding.insert(number, records.len());
            for part in records.chunks(BATCH_ALERTS_MAX) {
                leftovers.push(RecordSet { segment: number, records: part.to_vec() });
            }
        }
        Ok((journal, leftovers))
    }

    /// Appends one alert. When this returns, the alert survives the end of this process.
    pub fn append(&mut self, body: &[u8]) -> io::Result<RecordSet> {
        let length = u32::try_from(body.len())
            .ok()
            .filter(|length| *length > 0 && body.len() <= ALERT_BYTES_MAX)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "empty or too long"))?;
        if self.current.as_ref().is_some_and(|segment| segment.length >= SEGMENT_BYTES_MAX) {
            self.seal()?;
        }
        let mut segment = match self.current.take() {
            Some(segment) => segment,
            None => self.create()?,
        };
        let mut record = length.to_le_bytes().to_vec();
        record.extend_from_slice(body);
        if let Err(error) = segment.file.write_all(&record) {
            // Half a record in the middle would hide those behind it. If it can't be taken back, the
            // segment ends here, and a new one is begun.
            if segment.file.set_len(segment.length).is_ok() {
                self.current = Some(segment);
            } else {
                self.finish(segment.number)?;
            }
            return Err(error);
        }
        let offset = segment.length.saturating_add(HEADER_BYTES);
        segment.length = offset.saturating_add(u64::from(length));
        let number = segment.number;
        self.current = Some(segment);
        let count = self.outstanding.entry(number).or_default();
        *count = count.saturating_add(1);
        Ok(RecordSet { segment: number, records: vec![(offset, length)] })
    }

    /// Reads alerts back, for a delivery that has to be repeated.
    pub fn read(&self, set: &RecordSet) -> io::Result<Vec<Vec<u8>>> {
        let file = File::open(self.path_of(set.segment))?;
        let mut alerts = Vec::with_capacity(set.records.len());
        for (offset, length) in &set.records {
            let mut bytes = vec![0; usize::try_from(*length).unwrap_or_default()];
            file.read_exact_at(&mut bytes, *offset)?;
            alerts.push(bytes);
        }
        Ok(alerts)
    }

    /// Forgets committed records; deletes or empties their segment when they were the last.
    pub fn settle(&mut self, set: &RecordSet) -> io::Result<()> {
        let Some(count) = self.outstanding.get_mut(&set.segment) else { return Ok(()) };
        *count = count.saturating_sub(set.records.len());
        if *count > 0 {
            return Ok(());
        }
        match self.current.as_mut().filter(|current| current.number == set.segment) {
            Some(current) => {
                current.file.set_len(0)?;
                current.length = 0;
                Ok(())
            }
            None => self.finish(set.segment),
        }
    }

    /// How many alerts wait for their commit.
    pub fn outstanding(&self) -> usize {
        self.outstanding.values().sum()
    }

    /// Stops writing to the current segment; deletes it if nothing in it is waiting.
    fn seal(&mut self) -> io::Result<()> {
        match self.current.take() {
            Some(segment) => self.finish(segment.number),
            None => Ok(()),
        }
    }

    /// Deletes a segment that is not written any more, unless something in it is waiting.
    fn finish(&mut self, number: u64) -> io::Result<()> {
        if self.outstanding.get(&number).is_some_and(|count| *count > 0) {
            return Ok(());
        }
        self.outstanding.remove(&number);
        remove_if_there(&self.path_of(number))
    }

    fn create(&mut self) -> io::Result<Segment> {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let path = self.path_of(number);
        // Appending keeps the write position right after the file was emptied. Alerts are private.
        let file = File::options().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Segment { number, file, length: 0 })
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.directory.join(format!("segment-{number:016x}.journal"))
    }
}

fn segment_number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("segment-")?.strip_suffix(".journal")?;
    u64::from_str_radix(digits, 16).ok()
}

/// Finds the whole records of a segment; stops at the first that is torn or makes no sense.
fn read_index(path: &Path) -> io::Result<Vec<(u64, u32)>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut reader = io::BufReader::new(file);
    let (mut records, mut position) = (Vec::new(), 0_u64);
    let mut header = [0; 4];
    loop {
        match reader.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(records),
            Err(error) => return Err(error),
        }
        let length = u32::from_le_bytes(header);
        let offset = position.saturating_add(HEADER_BYTES);
        position = offset.saturating_add(u64::from(length));
        // Zeros are what a power loss leaves where a length should be.
        let is_sound = length > 0 && usize::try_from(length).is_ok_and(|n| n <= ALERT_BYTES_MAX);
        if !is_sound || position > size {
            return Ok(records);
        }
        reader.seek_relative(i64::from(length))?;
        records.push((offset, length));
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
