//! How things stand, for whoever watches: what waits and how long, what was judged last, how far sources were read.
//!
//! These reads cost more than the daemon's own, because they look at the whole queue. So they are made on a connection of their own, beside
//! the desk's; the write-ahead log lets both work at once. [`Store::at_one_moment`] makes several reads agree with each other.

use alert::{Timestamp, Verdict};
use rusqlite::params;
use serde::Serialize;

use crate::error::Doing;
use crate::row::{self, whole};
use crate::{Store, StoreError};

/// What waits for a verdict, of one severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    /// The severity, in a word.
    pub severity: String,
    /// Incidents that wait, those that are being judged among them.
    pub jobs: u64,
    /// Of these, nobody judged yet.
    pub unjudged: u64,
    /// Of these, have the playbook's verdict in the meantime, and a model is still to be asked.
    pub interim: u64,
    /// Of these, past their deadline.
    pub overdue: u64,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

/// A verdict with whose incident it is about.
#[derive(Debug, Clone)]
pub struct JudgedRow {
    /// The verdict.
    pub verdict: Verdict,
    /// The actor of its incident.
    pub actor: String,
}

impl Store {
    /// Makes the reads of `read` see the store at one moment: the counts of a batch are all there, or none.
    ///
    /// # Errors
    /// If the store fails, or `read` does.
    pub fn at_one_moment<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let _moment = self.moment()?;
        read(self)
    }

    /// Holds the store at one moment for reading, until it is dropped. Nothing is written in it, so that is as good as a commit.
    pub(crate) fn moment(&self) -> Result<rusqlite::Transaction<'_>, StoreError> {
        self.connection.unchecked_transaction().doing("begin to read")
    }

    /// Measures the queue, by severity.
    ///
    /// # Errors
    /// If the store fails.
    pub fn queue(&self, now: Timestamp) -> Result<Vec<QueueRow>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT severity, count(*) AS jobs, sum(is_unjudged) AS unjudged, sum(is_interim) AS interim,
                     sum(deadline_ms < ?1) AS overdue, min(queued_ms) AS oldest
                 FROM job INDEXED BY job_standing GROUP BY severity",
            )
            .doing("measure the queue")?;
        let rows = read
            .query_map([now.as_millis()], |row| {
                Ok(QueueRow {
                    severity: row.get("severity")?,
                    jobs: row::count(row, "jobs")?,
                    unjudged: row::count(row, "unjudged")?,
                    interim: row::count(row, "interim")?,
                    overdue: row::count(row, "overdue")?,
                    oldest: row::time(row, "oldest")?,
                })
            })
            .doing("measure the queue")?;
        rows.collect::<Result<_, _>>().doing("measure the queue")
    }

    /// Gives the newest verdicts, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn judged_last(&self, limit: usize) -> Result<Vec<JudgedRow>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                // Rows are numbered as they come, so this looks at the end of the table and nowhere else.
                "SELECT v.body AS body, (SELECT i.actor FROM incident i WHERE i.id = v.incident_id) AS actor
                 FROM verdict v ORDER BY v.rowid DESC LIMIT ?1",
            )
            .doing("read the newest verdicts")?;
        let rows = read
            .query_map(params![whole(limit as u64)], |row| {
                Ok((row.get::<_, String>("body")?, row.get::<_, Option<String>>("actor")?))
            })
            .doing("read the newest verdicts")?;
        rows.map(|found| {
            let (body, actor) = found.doing("read the newest verdicts")?;
            let verdict = serde_json::from_str(&body).doing("read a stored verdict")?;
            Ok(JudgedRow { verdict, actor: actor.unwrap_or_default() })
        })
        .collect()
    }

    /// Counts the incidents.
    ///
    /// # Errors
    /// If the store fails.
    pub fn incident_count(&self) -> Result<u64, StoreError> {
        self.counter("incidents")
    }

    /// Gives how far each followed file was read, as its source wrote it down.
    ///
    /// # Errors
    /// If the store fails.
    pub fn checkpoints(&self) -> Result<Vec<String>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT body FROM checkpoint ORDER BY source")
            .doing("read checkpoints")?;
        read.query_map([], |row| row.get(0)).and_then(Iterator::collect).doing("read checkpoints")
    }
}
