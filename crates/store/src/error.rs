//! What can go wrong with the store, as far as callers act differently on it.

use rusqlite::ffi;

/// A fault of the store, classed by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// No room on the disk: nothing is lost, senders are told to come back.
    Full,
    /// The disk could not read, write or flush.
    Disk,
    /// Another process holds the file.
    Locked,
    /// There is no file.
    Missing,
    /// The file may not be written.
    ReadOnly,
    /// The file is damaged or no database.
    Corrupt,
    /// A newer program wrote it.
    TooNew,
    /// Anything else.
    Other,
}

/// An error of the store, with what was being done.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}: {cause}")]
pub struct StoreError {
    /// What was being done, for the message.
    pub doing: String,
    /// What went wrong.
    pub cause: String,
    /// What kind of fault it is.
    pub fault: StoreFault,
}

impl StoreError {
    /// Says what to try.
    pub const fn hint(&self) -> &'static str {
        match self.fault {
            StoreFault::Full => "free some space; nothing was lost, and senders will try again",
            StoreFault::Disk => {
                "the disk failed: look at the end of `dmesg`, at the disk's health (`smartctl -a`), and whether it is still mounted and writable; what was acknowledged is safe, and senders will try again"
            }
            StoreFault::Locked => "another process holds the store: is a second daemon running?",
            StoreFault::Missing => {
                "no quell ran on this data directory yet: start `quell run`, or name the configuration that it uses with --config"
            }
            StoreFault::ReadOnly => {
                "the data directory must be writable for the user that runs quell"
            }
            StoreFault::Corrupt => {
                "stop quell, move the file aside, and start again: alerts are read once more from where Wazuh keeps them. `sqlite3 FILE .recover` may save verdicts and notes"
            }
            StoreFault::TooNew => {
                "a newer quell wrote this store: install that version again, or use another data directory"
            }
            StoreFault::Other => "run `quell doctor` for a closer look",
        }
    }
}

/// Makes an error that no library reported.
pub(crate) fn broken(doing: &str, cause: String, fault: StoreFault) -> StoreError {
    StoreError { doing: doing.to_owned(), cause, fault }
}

/// Adds what was being done to an error of SQLite.
pub(crate) trait Doing<T> {
    fn doing(self, what: &str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError {
            doing: what.to_owned(),
            fault: fault_of(&error),
            cause: cause_of(&error),
        })
    }
}

impl<T> Doing<T> for serde_json::Result<T> {
    fn doing(self, what: &str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError {
            doing: what.to_owned(),
            fault: StoreFault::Corrupt,
            cause: error.to_string(),
        })
    }
}

/// Tells whether SQLite could not make the index beside its log larger: on a full disk this is what it says at its start, as an "I/O error".
fn is_full_at_the_index(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

fn cause_of(error: &rusqlite::Error) -> String {
    if is_full_at_the_index(error) {
        return format!("database or disk is full ({error})");
    }
    // SQLite's own words are "disk I/O error", whatever it was.
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => {
            format!("the disk did not flush ({error})")
        }
        Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE) => {
            format!("the disk did not write ({error})")
        }
        Some(ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ) => {
            format!("the disk did not read ({error})")
        }
        _ => error.to_string(),
    }
}

fn fault_of(error: &rusqlite::Error) -> StoreFault {
    use rusqlite::ErrorCode as Code;
    if is_full_at_the_index(error) {
        return StoreFault::Full;
    }
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => StoreFault::Full,
        Some(Code::SystemIoFailure) => StoreFault::Disk,
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreFault::Locked,
        Some(Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => StoreFault::ReadOnly,
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreFault::Corrupt,
        _ => StoreFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_also_where_sqlite_calls_it_an_input_output_error() {
        let error = |code| {
            let failed: rusqlite::Result<()> =
                Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            failed.doing("open the store").expect_err("an error")
        };
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            let error = error(code);
            assert_eq!(error.fault, StoreFault::Full);
            assert!(error.to_string().contains("full"), "{error}");
        }
        assert_eq!(error(ffi::SQLITE_IOERR_READ).fault, StoreFault::Disk);
    }

    #[test]
    fn what_a_disk_failed_at_is_said_with_what_to_look_at() {
        for (code, said) in [
            (ffi::SQLITE_IOERR_FSYNC, "did not flush"),
            (ffi::SQLITE_IOERR_WRITE, "did not write"),
            (ffi::SQLITE_IOERR_READ, "did not read"),
        ] {
            let failed: rusqlite::Result<()> =
                Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            let error = failed.doing("commit a batch").expect_err("an error");
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.hint().contains("dmesg"), "{}", error.hint());
        }
    }
}
