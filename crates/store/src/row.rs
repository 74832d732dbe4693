//! Small translations between columns and values.

use alert::{Fingerprint, Incident, IncidentId, Timestamp};
use rusqlite::Row;

use crate::StoreError;
use crate::error::Doing;

/// Reads a time.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// Reads an incident's name. A store that was tampered with gives a placeholder rather than a panic.
pub(crate) fn incident_id(row: &Row<'_>, column: &str) -> rusqlite::Result<IncidentId> {
    let text: String = row.get(column)?;
    IncidentId::parse(&text).ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(
            0,
            format!("{column} (no incident id)"),
            rusqlite::types::Type::Text,
        )
    })
}

/// Reads a count; the store never holds a negative one.
pub(crate) fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

/// Reads a small number, such as a level or a revision.
pub(crate) fn small<T: TryFrom<i64> + Default>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get::<_, i64>(column).map(|number| T::try_from(number).unwrap_or_default())
}

/// Writes a count.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads an incident's body.
pub(crate) fn incident(body: &str) -> Result<Incident, StoreError> {
    serde_json::from_str(body).doing("read a stored incident")
}

/// Gives a fingerprint as a column.
pub(crate) fn blob(fingerprint: &Fingerprint) -> &[u8] {
    fingerprint.as_bytes()
}
