//! What people do: requests left by commands, notes, and the audit log that can't be rewritten unseen.

use alert::{IncidentId, Timestamp};
use rusqlite::{Transaction, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Doing, StoreFault};
use crate::jobs::{self, JobRow};
use crate::row;
use crate::{Store, StoreError, incidents};

/// What a person asked of the daemon from another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its place in the queue.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// `close`, `reopen`, `note` or `judge`.
    pub action: String,
    /// On which incident.
    pub incident_id: IncidentId,
    /// The person's words.
    pub text: String,
}

/// A person's note on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub text: String,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In what words.
    pub detail: String,
    /// Binds this line to all before it.
    pub hash: String,
}

impl Store {
    /// Leaves a request for the daemon.
    ///
    /// # Errors
    /// If the store fails.
    pub fn leave_request(
        &self,
        at: Timestamp,
        who: &str,
        action: &str,
        id: &IncidentId,
        text: &str,
    ) -> Result<i64, StoreError> {
        self.connection
            .execute(
                "INSERT INTO request (at_ms, who, action, incident_id, text) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![at.as_millis(), who, action, id.as_str(), text],
            )
            .doing("leave a request")?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Tells whether a request still waits.
    ///
    /// # Errors
    /// If the store fails.
    pub fn request_waits(&self, seq: i64) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT 1 FROM request WHERE seq = ?1")
            .and_then(|mut find| find.exists([seq]))
            .doing("look for a request")
    }

    /// Gives the requests that wait, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn requests(&self, limit: usize) -> Result<Vec<Request>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT seq, at_ms, who, action, incident_id, text FROM request ORDER BY seq LIMIT ?1")
            .doing("read requests")?;
        let rows = read
            .query_map([row::whole(limit as u64)], |row| {
                Ok(Request {
                    seq: row.get("seq")?,
                    at: row::time(row, "at_ms")?,
                    who: row.get("who")?,
                    action: row.get("action")?,
                    incident_id: row::incident_id(row, "incident_id")?,
                    text: row.get("text")?,
                })
            })
            .doing("read requests")?;
        rows.collect::<Result<_, _>>().doing("read requests")
    }

    /// Applies a request: the incident as it is now (if it changed), the verdict that is wanted (if one is), the note, the audit line, and the
    /// request's end, together.
    ///
    /// # Errors
    /// If the store fails; then the request still waits.
    pub fn apply_request(
        &mut self,
        request: &Request,
        incident: Option<&alert::Incident>,
        job: Option<&JobRow>,
    ) -> Result<(), StoreError> {
        let tx = self.connection.transaction().doing("begin a request")?;
        if let Some(incident) = incident {
            incidents::write(&tx, incident)?;
        }
        if let Some(job) = job {
            jobs::write(&tx, job)?;
        }
        if !request.text.is_empty() {
            tx.execute(
                "INSERT INTO note (at_ms, who, incident_id, text) VALUES (?1, ?2, ?3, ?4)",
                params![
                    request.at.as_millis(),
                    request.who,
                    request.incident_id.as_str(),
                    request.text
                ],
            )
            .doing("store a note")?;
        }
        append_audit(
            &tx,
            request.at,
            &request.who,
            &request.action,
            request.incident_id.as_str(),
            &request.text,
        )?;
        tx.execute("DELETE FROM request WHERE seq = ?1", [request.seq]).doing("end a request")?;
        tx.commit().doing("commit a request")
    }

    /// Gives the notes on an incident, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn notes(&self, id: &IncidentId) -> Result<Vec<Note>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT at_ms, who, text FROM note WHERE incident_id = ?1 ORDER BY seq")
            .doing("read notes")?;
        let rows = read
            .query_map([id.as_str()], |row| {
                Ok(Note {
                    at: row::time(row, "at_ms")?,
                    who: row.get("who")?,
                    text: row.get("text")?,
                })
            })
            .doing("read notes")?;
        rows.collect::<Result<_, _>>().doing("read notes")
    }

    /// Reads the audit log and proves its chain.
    ///
    /// # Errors
    /// Names the first line whose hash doesn't fit; or if the store fails.
    pub fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT at_ms, who, action, subject, detail, hash FROM audit ORDER BY seq",
            )
            .doing("read the audit log")?;
        let rows = read
            .query_map([], |row| {
                Ok(AuditRow {
                    at: row::time(row, "at_ms")?,
                    who: row.get("who")?,
                    action: row.get("action")?,
                    subject: row.get("subject")?,
                    detail: row.get("detail")?,
                    hash: row.get("hash")?,
                })
            })
            .doing("read the audit log")?;
        let rows: Vec<AuditRow> = rows.collect::<Result<_, _>>().doing("read the audit log")?;
        let mut before = String::new();
        for (at, row) in rows.iter().enumerate() {
            if link(&before, row.at, [&row.who, &row.action, &row.subject, &row.detail]) != row.hash
            {
                return Err(StoreError {
                    doing: "prove the audit log".to_owned(),
                    cause: format!("line {} was changed, or one before it was removed", at + 1),
                    fault: StoreFault::Corrupt,
                });
            }
            before.clone_from(&row.hash);
        }
        Ok(rows)
    }
}

fn append_audit(
    tx: &Transaction<'_>,
    at: Timestamp,
    who: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), StoreError> {
    use rusqlite::OptionalExtension as _;
    let before: Option<String> = tx
        .query_row("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
        .optional()
        .doing("read the end of the audit log")?;
    let hash = link(&before.unwrap_or_default(), at, [who, action, subject, detail]);
    tx.execute(
        "INSERT INTO audit (at_ms, who, action, subject, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![at.as_millis(), who, action, subject, detail, hash],
    )
    .map(drop)
    .doing("write the audit log")
}

/// Hashes a line together with the hash of the one before it. Lengths go in front, so that no two lines read the same.
fn link(before: &str, at: Timestamp, parts: [&str; 4]) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(at.as_millis().to_le_bytes());
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
