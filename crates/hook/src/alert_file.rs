//! Reads the alert file that integratord wrote for us and deletes as soon as we exit.
//!
//! It promises the bytes unchanged: one line of JSON or the older `key='value'` lines, which only
//! the daemon tells apart. It refuses what can't be an alert (too large, empty, not a file) rather
//! than hand over a part of it, because half an alert that looks whole is worse than a counted loss.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest alert that is handed over. integratord itself discards lines over 65,535 bytes, so this
/// is sixteen times what can arrive today, and small enough to be read in a moment.
pub(crate) const ALERT_BYTES_MAX: u64 = 1024 * 1024;

/// Reads the whole alert or says why not.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("can't read the alert file {path:?}: {why}");
    // Opening a named pipe would wait for a writer, perhaps for ever, so look before opening.
    let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        return Err(failed(&"it is not a regular file"));
    }
    let file = File::open(path).map_err(|error| failed(&error))?;
    // One byte more than the limit is enough to see that the limit is passed, and a file that
    // grows while we read can't make us read on.
    let mut alert = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).min(64 * 1024));
    file.take(ALERT_BYTES_MAX + 1).read_to_end(&mut alert).map_err(|error| failed(&error))?;
    if alert.is_empty() {
        return Err(failed(&"it is empty"));
    }
    if alert.len() as u64 > ALERT_BYTES_MAX {
        return Err(failed(&format!("it has over {ALERT_BYTES_MAX} bytes")));
    }
    Ok(alert)
}
