//! Tells whether a file is the one that was read before, and finds it again under another name.
//!
//! A name says nothing (rotation re-links it), an inode is reused, a copy-truncate keeps the inode and
//! loses the content. So a file is known by device, inode and a hash of its first bytes together. Only
//! bytes that were already delivered are hashed: they can't change in a file that is only appended to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use sha2::Digest;
use sha2::Sha256;

use crate::delivery::Checkpoint;

/// How much of a file's beginning identifies it. An alert begins with its own time stamp and id well
/// inside 256 bytes, so two alert files never agree that far.
pub(crate) const FINGERPRINT_BYTES_MAX: usize = 256;

/// How many directory entries a search for rotated files looks at. Wazuh makes a folder per month and
/// three files per day and kind; 20,000 entries are more than ten years of that.
const SEARCH_ENTRIES_MAX: usize = 20_000;

/// How deep the search goes: `logs/alerts/<year>/<month>/` is two below the live file's directory.
const SEARCH_DEPTH_MAX: usize = 3;

/// Device and inode: which file an open handle or a name stands for, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Opens a file for reading without ever hanging on a FIFO that somebody put in its place.
///
/// Anything but a regular file is an error of kind `InvalidInput`.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits() | nix::fcntl::OFlag::O_CLOEXEC.bits())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Reads the first bytes of a file, at most `length` and at most what identifies it.
pub(crate) fn read_head(file: &File, length: u64) -> io::Result<Vec<u8>> {
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(FINGERPRINT_BYTES_MAX);
    let mut head = vec![0; wanted];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, u64::try_from(filled).unwrap_or(u64::MAX)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}

/// Writes length and hash of a file's first delivered bytes, such as `256:9f86d081884c7d65...`.
pub(crate) fn fingerprint(head: &[u8]) -> String {
    let head = head.get(..FINGERPRINT_BYTES_MAX).unwrap_or(head);
    let digest = Sha256::digest(head);
    // 128 bits are plenty against chance; nobody gains anything by forging this hash.
    let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{hash}", head.len())
}

/// How much a file has in common with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// Not the file that was read.
    Other,
    /// Same content under another inode: the copy that a copy-truncate left.
    Copy,
    /// The file that was read.
    Same,
}

/// Says whether reading may go on in `file` at the checkpoint: it is the file, or has all its content.
///
/// A live file that is a copy comes from a restored or moved disk.
pub(crate) fn continues(file: &File, checkpoint: &Checkpoint) -> io::Result<bool> {
    Ok(likeness(file, checkpoint)? != Likeness::Other)
}

fn likeness(file: &File, checkpoint: &Checkpoint) -> io::Result<Likeness> {
    let metadata = file.metadata()?;
    if metadata.len() < checkpoint.offset {
        return Ok(Likeness::Other);
    }
    if fingerprint(&read_head(file, checkpoint.offset)?) != checkpoint.fingerprint {
        return Ok(Likeness::Other);
    }
    let is_full = checkpoint.offset >= u64::try_from(FINGERPRINT_BYTES_MAX).unwrap_or(u64::MAX);
    let identity = Identity::of(&metadata);
    if identity.inode == checkpoint.inode && (identity.device == checkpoint.device || is_full) {
        // Device numbers of logical volumes may change at a reboot; a full fingerprint outweighs that.
        return Ok(Likeness::Same);
    }
    Ok(if is_full { Likeness::Copy } else { Likeness::Other })
}

/// A file beside or below the followed one, which rotation may have left there.
#[derive(Debug, Clone)]
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    modified: SystemTime,
    created: Option<SystemTime>,
    /// It holds what was read from a file with another inode.
    is_copy: bool,
}

impl Sibling {
    pub(crate) fn of(path: &Path, metadata: &std::fs::Metadata) -> Self {
        Self {
            path: path.to_owned(),
            identity: Identity::of(metadata),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            created: metadata.created().ok(),
            is_copy: false,
        }
    }
}

/// Lists the uncompressed files that rotation may have made out of `live`, oldest first.
///
/// Wazuh names them `<year>/<month>/ossec-alerts-<day>[-NNN].json`; other rotations append to the name.
/// Directories that can't be read are passed over: the search is a second chance, not a promise.
pub(crate) fn siblings(live: &Path) -> Vec<Sibling> {
    let mut found = Vec::new();
    let mut budget = SEARCH_ENTRIES_MAX;
    let parent = live.parent().filter(|path| !path.as_os_str().is_empty());
    let mut directories = vec![(parent.unwrap_or_else(|| Path::new(".")).to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            budget = budget.saturating_sub(1);
            if budget == 0 {
                break;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() && depth + 1 < SEARCH_DEPTH_MAX {
                directories.push((path, depth + 1));
            } else if kind.is_file() && path != live && is_rotated_name(live, &path) {
                // A file that vanished since it was listed was compressed or deleted.
                if let Ok(metadata) = std::fs::metadata(&path) {
                    found.push(Sibling::of(&path, &metadata));
                }
            }
        }
    }
    found.sort_by(|left, right| (left.modified, &left.path).cmp(&(right.modified, &right.path)));
    found
}

/// Finds the file of a checkpoint among the siblings: the file itself if it is there, else its copy.
pub(crate) fn find_checkpointed(siblings: &[Sibling], checkpoint: &Checkpoint) -> Option<Sibling> {
    let mut copy = None;
    for sibling in siblings {
        let Ok(file) = open_regular(&sibling.path) else { continue };
        match likeness(&file, checkpoint) {
            Ok(Likeness::Same) => return Some(sibling.clone()),
            Ok(Likeness::Copy) => copy = Some(Sibling { is_copy: true, ..sibling.clone() }),
            Ok(Likeness::Other) | Err(_) => {}
        }
    }
    copy
}

/// Picks the siblings that were live after `finished` and before `live`, oldest first.
///
/// That happens when the reader was away or held back over several rotations. Both times must fit: a
/// restored backup was created too late, a long finished file was modified too early. Where copies are
/// involved, births say nothing: a copy is younger than what it holds, and the file that was copied and
/// truncated is older than its copies. Then the times of modification decide alone; a file too
/// many only brings alerts that are known already.
pub(crate) fn between(siblings: &[Sibling], finished: &Sibling, live: &Sibling) -> Vec<PathBuf> {
    let is_between = |sibling: &&Sibling| {
        let other = sibling.identity != finished.identity && sibling.identity != live.identity;
        let written = sibling.modified >= finished.modified && sibling.modified <= live.modified;
        let born = match (finished.created, sibling.created, live.created) {
            (Some(finished), Some(sibling), Some(live)) => sibling >= finished && sibling <= live,
            // Some file systems record no birth; the times of modification then decide alone.
            _ => true,
        };
        let is_copied = finished.is_copy || live.created < finished.created;
        other && written && (born || is_copied)
    };
    siblings.iter().filter(is_between).map(|sibling| sibling.path.clone()).collect()
}

fn is_rotated_name(live: &Path, candidate: &Path) -> bool {
    let (Some(live), Some(name)) = (
        live.file_name().and_then(|name| name.to_str()),
        candidate.file_name().and_then(|name| name.to_str()),
    ) else {
        return false;
    };
    let is_packed = [".gz", ".sum", ".bz2", ".xz", ".zst"].iter().any(|end| name.ends_with(end));
    if is_packed {
        return false;
    }
    // Wazuh: `alerts.json` is also `ossec-alerts-24.json`, and after a size rotation `-24-001.json`.
    let dated = live.split_once('.').is_some_and(|(stem, extension)| {
        name.starts_with(&format!("ossec-{stem}-")) && name.contains(&format!(".{extension}"))
    });
    let appended = name.strip_prefix(live).is_some_and(|rest| rest.starts_with(['.', '-']));
    dated || appended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_those_of_wazuh_and_of_logrotate() {
        let rotated = |name: &str| is_rotated_name(Path::new("/l/alerts.json"), Path::new(name));
        assert!(rotated("/l/2026/Nov/ossec-alerts-24.json"));
        assert!(rotated("/l/2026/Nov/ossec-alerts-24-001.json"));
        assert!(rotated("/l/2026/Nov/ossec-alerts-24.json-001"));
        assert!(rotated("/l/alerts.json.1"));
        assert!(rotated("/l/alerts.json-20261124"));
        assert!(!rotated("/l/2026/Nov/ossec-alerts-24.json.gz"));
        assert!(!rotated("/l/2026/Nov/ossec-alerts-24.json.sum"));
        assert!(!rotated("/l/2026/Nov/ossec-alerts-24.log"));
        assert!(!rotated("/l/other.json"));
    }

    #[test]
    fn a_fingerprint_covers_at_most_its_limit_and_names_its_length() {
        let long = vec![b'a'; FINGERPRINT_BYTES_MAX + 50];
        assert_eq!(fingerprint(&long), fingerprint(&long[..FINGERPRINT_BYTES_MAX]));
        assert!(fingerprint(b"abc").starts_with("3:"));
        assert_ne!(fingerprint(b"abc"), fingerprint(b"abd"));
    }
}
