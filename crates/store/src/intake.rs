//! What a batch of alerts leaves behind, in one transaction.

use alert::setting::Remembered;
use alert::{Incident, Timestamp};
use rusqlite::{Transaction, params};
use serde::Serialize;

use crate::alerts::{self, AlertRow};
use crate::error::Doing;
use crate::jobs::{self, JobRow};
use crate::memory;
use crate::raw::Packed;
use crate::row::whole;
use crate::{Store, StoreError, incidents};

/// Bytes of a dead letter that are kept. Enough to see what it is; the sender has the rest.
const DEAD_LETTER_BYTES_MAX: usize = 64 * 1024;

/// Bytes that are no alert.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// When they came.
    pub at: Timestamp,
    /// By which route.
    pub route: String,
    /// Why they are none.
    pub reason: String,
    /// The bytes, bounded.
    pub raw: Vec<u8>,
}

/// Where alerts went: the conservation law in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Everything that was taken in.
    pub accepted: u64,
    /// Joined an incident.
    pub folded: u64,
    /// Quell's own output coming back.
    pub own_output: u64,
    /// Left out by the policy.
    pub below_policy: u64,
    /// Taken in before.
    pub duplicate: u64,
    /// No alert.
    pub malformed: u64,
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.folded += other.folded;
        self.own_output += other.own_output;
        self.below_policy += other.below_policy;
        self.duplicate += other.duplicate;
        self.malformed += other.malformed;
    }

    /// Tells whether every accepted alert ended in exactly one place. `waiting` is what was accepted and not yet decided on.
    pub const fn are_conserved(&self, waiting: u64) -> bool {
        self.accepted
            == self.folded
                + self.own_output
                + self.below_policy
                + self.duplicate
                + self.malformed
                + waiting
    }

    /// Gives the counts with their names.
    pub const fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("accepted", self.accepted),
            ("folded", self.folded),
            ("own_output", self.own_output),
            ("below_policy", self.below_policy),
            ("duplicate", self.duplicate),
            ("malformed", self.malformed),
        ]
    }
}

/// Everything that a batch of alerts changes.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Alerts that were folded.
    pub alerts: Vec<AlertRow>,
    /// Those of them that were packed before, block by block.
    pub packed: Vec<Packed>,
    /// Incidents as they are now.
    pub incidents: Vec<Incident>,
    /// Verdicts that are wanted.
    pub jobs: Vec<JobRow>,
    /// Bytes that are no alert.
    pub dead_letters: Vec<DeadLetter>,
    /// What changed in the memory of what is usual.
    pub habits: Vec<Remembered>,
    /// Place and thing of what is remembered no longer.
    pub habits_gone: Vec<(u64, u64)>,
    /// Where everything went.
    pub counts: Counts,
    /// Up to where each source was read, as the source writes it.
    pub checkpoints: Vec<(String, String)>,
}

impl Store {
    /// Commits a batch: all of it or nothing.
    ///
    /// # Errors
    /// If the store fails; then nothing of the batch happened.
    pub fn commit_batch(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let tx = self.connection.transaction().doing("begin a batch of alerts")?;
        alerts::write(&tx, &mut self.packer, &batch.alerts, &batch.packed)?;
        for incident in &batch.incidents {
            incidents::write(&tx, incident)?;
        }
        for job in &batch.jobs {
            jobs::write(&tx, job)?;
        }
        memory::write(&tx, &batch.habits, &batch.habits_gone)?;
        for letter in &batch.dead_letters {
            tx.prepare_cached(
                "INSERT INTO dead_letter (at_ms, route, reason, raw) VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut insert| {
                let head = letter.raw.get(..DEAD_LETTER_BYTES_MAX).unwrap_or(&letter.raw);
                insert.execute(params![letter.at.as_millis(), letter.route, letter.reason, head])
            })
            .doing("store a dead letter")?;
        }
        for (name, count) in batch.counts.named() {
            add_to_counter(&tx, name, count)?;
        }
        for (source, body) in &batch.checkpoints {
            tx.prepare_cached("INSERT OR REPLACE INTO checkpoint (source, body) VALUES (?1, ?2)")
                .and_then(|mut upsert| upsert.execute([source, body]))
                .doing("store a checkpoint")?;
        }
        tx.commit().doing("commit a batch of alerts")
    }

    /// Reads where everything went so far.
    ///
    /// # Errors
    /// If the store fails.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let of = |name: &str| self.counter(name);
        Ok(Counts {
            accepted: of("accepted")?,
            folded: of("folded")?,
            own_output: of("own_output")?,
            below_policy: of("below_policy")?,
            duplicate: of("duplicate")?,
            malformed: of("malformed")?,
        })
    }

    /// Reads one counter.
    ///
    /// # Errors
    /// If the store fails.
    pub fn counter(&self, name: &str) -> Result<u64, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.connection
            .query_row("SELECT value FROM counter WHERE name = ?1", [name], |row| {
                row.get::<_, i64>(0)
            })
            .optional()
            .map(|value| u64::try_from(value.unwrap_or(0)).unwrap_or(0))
            .doing("read a counter")
    }

    /// Reads where a source was read up to.
    ///
    /// # Errors
    /// If the store fails.
    pub fn checkpoint(&self, source: &str) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.connection
            .query_row("SELECT body FROM checkpoint WHERE source = ?1", [source], |row| row.get(0))
            .optional()
            .doing("read a checkpoint")
    }

    /// Gives the newest dead letters, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT at_ms, route, reason, raw FROM dead_letter ORDER BY seq DESC LIMIT ?1",
            )
            .doing("read dead letters")?;
        let rows = statement
            .query_map([whole(limit as u64)], |row| {
                Ok(DeadLetter {
                    at: crate::row::time(row, "at_ms")?,
                    route: row.get("route")?,
                    reason: row.get("reason")?,
                    raw: row.get("raw")?,
                })
            })
            .doing("read dead letters")?;
        rows.collect::<Result<_, _>>().doing("read dead letters")
    }
}

/// Adds to a counter, making it if it is not there.
pub(crate) fn add_to_counter(
    tx: &Transaction<'_>,
    name: &str,
    count: u64,
) -> Result<(), StoreError> {
    if count == 0 {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO counter (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
    )
    .and_then(|mut upsert| upsert.execute(params![name, whole(count)]))
    .map(drop)
    .doing("add to a counter")
}
