//! Keeps an alert in a file until the daemon comes to fetch it.
//!
//! One file per alert, in the manner of Maildir: written under a name that begins with a dot, then
//! renamed. The daemon takes only names that end in `.alert`, so it never sees half an alert, and
//! needs no lock. The name begins with the time, padded, so that sorting the names sorts the alerts.
//!
//! It promises that a file with its final name is complete, readable and writable for the group
//! that the directory belongs to (the installer sets the set-group-id bit), and that the directory
//! stays within a limit. It does not force the file to the disk: that can take seconds on a busy
//! disk, in which all of Wazuh would wait, and what a power failure takes here is still in Wazuh's
//! own `alerts.json`. It leaves making the directory to the installer, and old `.tmp` files, left
//! by a process that was killed, to the daemon.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// Owner and group read and write: Wazuh's user writes, the daemon's group reads and deletes.
const FILE_MODE: u32 = 0o660;

/// How full the spool may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Length of the directory itself, up to which its entries are not counted.
    pub(crate) directory_bytes_uncounted: u64,
    /// Entries in the directory, beyond which an alert is refused.
    pub(crate) entries: usize,
}

/// Counting entries costs tens of milliseconds in a full spool and would be paid for each alert.
/// The length of the directory is free, and grows with its entries, by an amount that depends on
/// the file system: 4 MiB is about 60,000 entries on ext4 and 200,000 on tmpfs. On ext4 it never
/// shrinks again, so passing it proves nothing, and only then are the entries counted.
///
/// 100,000 alerts are seven floods of 14,000, and about 400 MB of disk, since an alert of 2.7 kB
/// takes a block of 4 KiB. A daemon that has been away for longer has `alerts.json` to read.
pub(crate) const LIMITS: Limits =
    Limits { directory_bytes_uncounted: 4 * 1024 * 1024, entries: 100_000 };

/// What makes a file name unique and sortable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// The time of writing.
    pub(crate) since_1970: Duration,
    /// The process that writes.
    pub(crate) process: u32,
}

impl Stamp {
    /// Gives the final file name. Twenty digits hold nanoseconds until the year 5138.
    fn name(self) -> String {
        format!("{:020}-{}.alert", self.since_1970.as_nanos(), self.process)
    }

    /// Gives the name while writing, which the daemon ignores.
    fn unfinished_name(self) -> String {
        format!(".{:020}-{}.tmp", self.since_1970.as_nanos(), self.process)
    }
}

/// Writes the alert into a file of its own; on an error nothing is left behind.
pub(crate) fn store(
    directory: &Path,
    stamp: Stamp,
    alert: &[u8],
    limits: Limits,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("can't write to the spool {directory:?}: {error}");
    let entries = entries_if_many(directory, limits).map_err(failed)?;
    if entries > limits.entries {
        let max = limits.entries;
        return Err(format!("the spool {directory:?} is full with over {max} alerts"));
    }
    let unfinished = directory.join(stamp.unfinished_name());
    let written = write_new(&unfinished, alert)
        .and_then(|()| fs::rename(&unfinished, directory.join(stamp.name())));
    written.map_err(|error| {
        // `create_new` failing on a name that exists is the one case where the file is not ours.
        if error.kind() != io::ErrorKind::AlreadyExists {
            drop(fs::remove_file(&unfinished));
        }
        failed(error)
    })
}

/// Counts entries, but no further than needed, and not at all in a directory that looks small.
fn entries_if_many(directory: &Path, limits: Limits) -> io::Result<usize> {
    if fs::metadata(directory)?.len() <= limits.directory_bytes_uncounted {
        return Ok(0);
    }
    Ok(fs::read_dir(directory)?.take(limits.entries.saturating_add(1)).count())
}

/// Writes a file that did not exist before.
fn write_new(path: &Path, alert: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    // The mode above is narrowed by the process mask, which is integratord's and often 022 or 027:
    // the daemon would then not be able to open the file for writing.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(alert)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn stamp(nanos: u64) -> Stamp {
        Stamp { since_1970: Duration::from_nanos(nanos), process: 7 }
    }

    fn empty_directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("hook-spool-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir(&path).unwrap();
        path
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn names_sort_by_time_even_where_the_digits_grow() {
        assert_eq!(stamp(1_763_990_000_000_000_123).name(), "01763990000000000123-7.alert");
        assert!(stamp(999).name() < stamp(1_000).name());
        assert!(stamp(u64::MAX / 2).name() < stamp(u64::MAX).name());
    }

    #[test]
    fn an_unfinished_file_is_hidden_and_has_another_ending() {
        assert_eq!(stamp(5).unfinished_name(), ".00000000000000000005-7.tmp");
    }

    #[test]
    fn a_stored_alert_is_one_file_with_the_same_bytes_for_the_group() {
        let directory = empty_directory("stored");
        store(&directory, stamp(5), b"\xff alert\n", LIMITS).unwrap();
        assert_eq!(names(&directory), ["00000000000000000005-7.alert"]);
        let path = directory.join("00000000000000000005-7.alert");
        assert_eq!(fs::read(&path).unwrap(), b"\xff alert\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_full_spool_refuses_and_leaves_nothing_behind() {
        let directory = empty_directory("full");
        let limits = Limits { directory_bytes_uncounted: 0, entries: 1 };
        store(&directory, stamp(1), b"a", limits).unwrap();
        store(&directory, stamp(2), b"b", limits).unwrap();
        let error = store(&directory, stamp(3), b"c", limits).unwrap_err();
        assert!(error.ends_with("is full with over 1 alerts"), "{error}");
        assert_eq!(names(&directory).len(), 2);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_directory_that_is_long_but_has_been_emptied_takes_alerts_again() {
        let directory = empty_directory("emptied");
        let limits = Limits { directory_bytes_uncounted: 0, entries: 0 };
        store(&directory, stamp(1), b"a", limits).unwrap();
        assert!(store(&directory, stamp(2), b"b", limits).is_err());
        fs::remove_file(directory.join(stamp(1).name())).unwrap();
        store(&directory, stamp(2), b"b", limits).unwrap();
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn another_writers_unfinished_file_is_left_alone() {
        let directory = empty_directory("taken");
        let theirs = directory.join(stamp(1).unfinished_name());
        write_new(&theirs, b"theirs").unwrap();
        assert!(store(&directory, stamp(1), b"ours", LIMITS).is_err());
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_it() {
        let error = store(Path::new("/nonexistent/spool"), stamp(1), b"a", LIMITS).unwrap_err();
        assert!(error.contains("/nonexistent/spool"), "{error}");
    }
}
