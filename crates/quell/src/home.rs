//! The data directory: who may use it, the lock that keeps a second daemon out, and the key of Quell's own mark.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alert::tag::TagKey;
use anyhow::{Context as _, bail};

/// The file that holds the key of Quell's own mark: 32 bytes, for nobody else to read.
const KEY_FILE: &str = "mark.key";

/// The file that a running daemon holds locked.
const LOCK_FILE: &str = "quell.lock";

/// How often a daemon tries for the lock: who only asks whether it is held has it for a moment.
const LOCK_TRIES: u32 = 5;

/// How long it waits in between.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A data directory that this process owns until it ends.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Home {
    /// Takes a data directory, making it if it is not there.
    ///
    /// # Errors
    /// If it can't be used, or another daemon has it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        // The hook's group passes through to the spool inside and can't list anything.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o710)
            .create(path)
            .with_context(|| format!("could not make the data directory `{}`\nhint: set `general.data_dir` to a folder that the user that runs quell may make or write", path.display()))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o640)
            .open(&lock_path)
            .with_context(|| {
                format!("could not open `{}`\nhint: the data directory must be writable for the user that runs quell", lock_path.display())
            })?;
        let mut taken = lock.try_lock();
        for _ in 1..LOCK_TRIES {
            if !matches!(taken, Err(fs::TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            taken = lock.try_lock();
        }
        match taken {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                bail!(
                    "another quell already runs on `{}`\nhint: stop it, or give this one a data directory of its own",
                    path.display()
                )
            }
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("could not lock `{}`", lock_path.display()))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the key of the mark, drawing it if there is none.
    ///
    /// # Errors
    /// If it can't be read or kept: without it Quell would not know its own output.
    pub(crate) fn key(&self) -> anyhow::Result<TagKey> {
        if let Some(key) = read_key(&self.path)? {
            return Ok(key);
        }
        let secret = draw_key()?;
        let path = self.path.join(KEY_FILE);
        let fresh = self.path.join(format!(".{KEY_FILE}.new"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)
            .with_context(|| format!("could not write `{}`", fresh.display()))?;
        file.write_all(&secret)
            .and_then(|()| file.sync_all())
            .with_context(|| format!("could not write `{}`", fresh.display()))?;
        // The name must last as well: with another key after a power cut, Quell would not know what it published before.
        fs::rename(&fresh, &path)
            .and_then(|()| File::open(&self.path)?.sync_all())
            .with_context(|| format!("could not put `{}` in place", path.display()))?;
        Ok(TagKey::new(secret))
    }
}

/// Who has a data directory, as its lock tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// A daemon has it, whatever it says or can't say of itself.
    Held,
    /// Nobody has it: a daemon that was killed let it go as it died.
    Free,
    /// The lock can't be asked: there is none, or not for this user.
    Unknown,
}

/// Asks the lock of a data directory who has it.
pub(crate) fn hold(data_dir: &Path) -> Hold {
    let Ok(lock) = File::open(data_dir.join(LOCK_FILE)) else { return Hold::Unknown };
    match lock.try_lock_shared() {
        Ok(()) => Hold::Free,
        Err(fs::TryLockError::WouldBlock) => Hold::Held,
        Err(fs::TryLockError::Error(_)) => Hold::Unknown,
    }
}

/// Reads the key in a data directory, if there is one.
///
/// # Errors
/// If there is a file and it is no key.
pub(crate) fn read_key(data_dir: &Path) -> anyhow::Result<Option<TagKey>> {
    let path = data_dir.join(KEY_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("could not open `{}`", path.display()));
        }
    };
    let mut bytes = Vec::new();
    file.take(64)
        .read_to_end(&mut bytes)
        .with_context(|| format!("could not read `{}`", path.display()))?;
    let secret: [u8; 32] = bytes.try_into().ok().with_context(|| {
        format!("`{}` does not hold 32 bytes\nhint: move it aside; a new key is drawn, and results published before are no longer known as Quell's own", path.display())
    })?;
    Ok(Some(TagKey::new(secret)))
}

/// Draws a new key.
///
/// # Errors
/// If the system has no randomness.
pub(crate) fn draw_key() -> anyhow::Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .ok()
        .context("could not draw a key: the system gives no randomness")?;
    Ok(secret)
}
