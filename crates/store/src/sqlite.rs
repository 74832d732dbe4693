//! Opening the file: pragmas, version, and a clear word when it can't be used.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction};

use crate::error::{Doing, StoreFault};
use crate::outbox::WHOLE_MESSAGES_MAX;
use crate::raw::Packer;
use crate::{StoreError, carry};

/// The steps from one version of the schema to the next, from an empty file on. None is ever changed.
const SCHEMA_STEPS: [Step; 4] = [
    (include_str!("schema.sql"), nothing_more),
    (include_str!("schema-2.sql"), nothing_more),
    (include_str!("schema-3.sql"), carry::alerts),
    (include_str!("schema-4.sql"), nothing_more),
];

/// A step in SQL, and what SQL can't do of it.
type Step = (&'static str, fn(&Transaction<'_>) -> Result<(), StoreError>);

const fn nothing_more(_: &Transaction<'_>) -> Result<(), StoreError> {
    Ok(())
}

/// The version of the schema that this program writes.
const SCHEMA_VERSION: i64 = 4;

/// Memory for pages, at most, in KiB. A large batch touches some thousand pages of 4 kB; what finds no room would be written twice.
const CACHE_KIB_MAX: i64 = 64 * 1024;

/// Pages of the write-ahead log from which on they are copied into the file, between two batches: 64 MB. An incident that a flood changes
/// with every batch is then copied once instead of each time, and a start after a crash reads no more than this.
const LOG_PAGES_USUAL: i64 = 16_384;

/// The file's name in the data directory.
const FILE: &str = "quell.db";

/// Who may read the file: its owner. It holds every alert as it came, and the directory lets a group pass through; whatever is a umask's default
/// is not for that group. SQLite gives its log and its index the mode of the file.
const FILE_MODE: u32 = 0o600;

/// How long a statement waits for another process that is writing: commands leave requests in one short transaction.
const BUSY: Duration = Duration::from_secs(5);

/// The durable state.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    pub(crate) packer: Packer,
    /// Messages with their text that may wait for one sink.
    pub(crate) whole_messages_max: usize,
}

/// Makes the file, if there is none, for its owner alone. What keeps it from being made keeps SQLite too, which says so; and who gave a file that
/// was there to others had a reason.
fn make_private(path: &Path) {
    drop(OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path));
}

impl Store {
    /// Opens the store in a data directory, making it if it is not there.
    ///
    /// # Errors
    /// Says what is wrong with the file or the directory, and what to try.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = Self::path(data_dir);
        let doing = format!("open `{}`", path.display());
        make_private(&path);
        let store = Self::prepare(Connection::open(&path).doing(&doing)?, &path)?;
        store.settle_log().doing(&doing)?;
        Ok(store)
    }

    /// Moves what the log holds into the file, and begins the log anew.
    ///
    /// A process that died after a failed flush leaves a transaction in the log that can be read and is on no disk: Linux forgets what it could not
    /// flush, and says yes the next time. Whatever were committed behind it would be gone with it after a power cut. Written once more
    /// into the file, all of it is flushed anew.
    fn settle_log(&self) -> rusqlite::Result<()> {
        // Commands that read just now are waited for, as long as for any other lock; then it is done with the next log.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Opens an existing store for reading, and for leaving requests.
    ///
    /// # Errors
    /// As [`Store::open`]; a missing file is one.
    pub fn open_existing(data_dir: &Path) -> Result<Self, StoreError> {
        let path = Self::path(data_dir);
        if !path.exists() {
            return Err(StoreError {
                doing: format!("open `{}`", path.display()),
                cause: "it is not there".to_owned(),
                fault: StoreFault::Missing,
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)
            .doing(&format!("open `{}`", path.display()))?;
        Self::prepare(connection, &path)
    }

    /// Makes a store that lives in memory, for offline runs and tests.
    ///
    /// # Errors
    /// Only if SQLite itself fails.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::prepare(
            Connection::open_in_memory().doing("open a store in memory")?,
            Path::new(":memory:"),
        )
    }

    /// Names the file in a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// Names the data directory that it lies in. None if it lives in memory.
    pub fn data_dir(&self) -> Option<PathBuf> {
        let file = self.connection.path().filter(|path| !path.is_empty())?;
        Path::new(file).parent().map(Path::to_path_buf)
    }

    fn prepare(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let doing = format!("open `{}`", path.display());
        connection.busy_timeout(BUSY).doing(&doing)?;
        connection.set_prepared_statement_cache_capacity(64);
        // WAL lets commands read while the daemon writes; FULL makes a commit survive a power cut.
        for (name, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
            ("trusted_schema", "OFF"),
        ] {
            connection.pragma_update(None, name, value).doing(&doing)?;
        }
        for (name, value) in
            [("cache_size", -CACHE_KIB_MAX), ("wal_autocheckpoint", LOG_PAGES_USUAL)]
        {
            connection.pragma_update(None, name, value).doing(&doing)?;
        }
        let version: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).doing(&doing)?;
        if version > SCHEMA_VERSION {
            return Err(StoreError {
                doing,
                cause: format!(
                    "its schema is version {version}, this program knows up to {SCHEMA_VERSION}"
                ),
                fault: StoreFault::TooNew,
            });
        }
        let mut store =
            Self { connection, packer: Packer::default(), whole_messages_max: WHOLE_MESSAGES_MAX };
        if version < SCHEMA_VERSION {
            store.upgrade(&doing)?;
        }
        Ok(store)
    }

    /// Brings the file to this program's version: all steps that are missing, or none.
    fn upgrade(&mut self, doing: &str) -> Result<(), StoreError> {
        let tx = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .doing(doing)?;
        // Another process may have done it while this one waited for the lock.
        let version: i64 =
            tx.pragma_query_value(None, "user_version", |row| row.get(0)).doing(doing)?;
        let done = usize::try_from(version).unwrap_or(0);
        for (sql, more) in SCHEMA_STEPS.iter().skip(done) {
            tx.execute_batch(sql).doing(doing)?;
            more(&tx)?;
        }
        if version < SCHEMA_VERSION {
            tx.pragma_update(None, "user_version", SCHEMA_VERSION).doing(doing)?;
        }
        tx.commit().doing(doing)
    }

    /// Reads the whole file and gives what SQLite finds wrong with it; empty if it is sound.
    ///
    /// # Errors
    /// If the file can't even be read.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let mut statement =
            self.connection.prepare("PRAGMA quick_check(10)").doing("check the store")?;
        let lines =
            statement.query_map([], |row| row.get::<_, String>(0)).doing("check the store")?;
        let found: Vec<String> = lines.collect::<Result<_, _>>().doing("check the store")?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Reads a named value.
    ///
    /// # Errors
    /// If the store fails.
    pub fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.connection
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .doing("read a setting of the store")
    }

    /// Writes a named value.
    ///
    /// # Errors
    /// If the store fails.
    pub fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.connection
            .execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [name, value])
            .map(drop)
            .doing("write a setting of the store")
    }
}
