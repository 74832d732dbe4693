//! Keeping the file in bounds, and the sums that `quell status` shows.

use alert::Timestamp;
use rusqlite::params;
use serde::Serialize;

use crate::error::Doing;
use crate::row::{self, whole};
use crate::{Store, StoreError};

/// Rows removed per statement: short transactions, so that alerts don't wait for the broom.
const SWEEP_ROWS_MAX: u64 = 5_000;

/// Incidents that are let rest per statement. It is done twice a second, and each is written anew.
const QUIET_ROWS_MAX: u64 = 1_000;

/// What is kept how long.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Alerts, incidents, verdicts and sent messages whose last news is older go. What waits to be sent stays,
    /// and so does the verdict of a message that was queued by its name.
    pub older_than: Timestamp,
    /// Dead letters kept; the oldest beyond go, counted.
    pub dead_letters_max: u64,
}

/// Sums over the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Incidents.
    pub incidents: u64,
    /// Of these, open or quiet.
    pub incidents_open: u64,
    /// Actors with more than one incident.
    pub campaigns: u64,
    /// Calls of a model.
    pub model_calls: u64,
    /// Verdicts by a model.
    pub model_verdicts: u64,
    /// Verdicts by the playbook.
    pub playbook_verdicts: u64,
    /// Of these, given in the meantime, while no model had time.
    pub interim_verdicts: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
}

impl Store {
    /// Sums up.
    ///
    /// # Errors
    /// If the store fails.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        let one = |sql: &str| -> Result<u64, StoreError> {
            self.connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .map(|number| u64::try_from(number).unwrap_or(0))
                .doing("sum up the store")
        };
        Ok(Totals {
            incidents: self.counter("incidents")?,
            incidents_open: self.counter("incidents_open")?,
            campaigns: self.counter("campaigns")?,
            model_calls: self.counter("model_calls")?,
            model_verdicts: self.counter("model_verdicts")?,
            playbook_verdicts: self.counter("playbook_verdicts")?,
            interim_verdicts: self.counter("interim_verdicts")?,
            dead_letters: one("SELECT count(*) FROM dead_letter")?,
        })
    }

    /// Marks open incidents without news since `before` as quiet. Gives how many.
    ///
    /// Those in memory are the fold's; this is for those that it let go of.
    ///
    /// # Errors
    /// If the store fails.
    pub fn settle_quiet(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.connection
            .execute(
                "UPDATE incident SET state = 'quiet', body = json_set(body, '$.state', 'quiet') WHERE id IN
                     (SELECT id FROM incident WHERE state = 'open' AND last_ms < ?1 LIMIT ?2)",
                params![before.as_millis(), whole(QUIET_ROWS_MAX)],
            )
            .map(|changed| changed as u64)
            .doing("let incidents rest")
    }

    /// Counts the verdicts that stand for now, by threat level.
    ///
    /// # Errors
    /// If the store fails.
    pub fn threat_levels(&self) -> Result<Vec<(u8, u64)>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT threat_level, count(*) AS n FROM incident WHERE threat_level IS NOT NULL GROUP BY 1 ORDER BY 1 DESC")
            .doing("count threat levels")?;
        let rows = read
            .query_map([], |row| Ok((row::small(row, "threat_level")?, row::count(row, "n")?)))
            .doing("count threat levels")?;
        rows.collect::<Result<_, _>>().doing("count threat levels")
    }

    /// Removes some of what is past its time. Gives how many rows went; call again until it is 0.
    ///
    /// # Errors
    /// If the store fails.
    pub fn sweep(&mut self, retention: &Retention) -> Result<u64, StoreError> {
        let before = retention.older_than.as_millis();
        let limit = whole(SWEEP_ROWS_MAX);
        let tx = self.connection.transaction().doing("begin to sweep")?;
        let mut gone = 0;
        for sql in [
            "DELETE FROM alert WHERE seq IN (SELECT a.seq FROM raw_block b JOIN alert a ON a.seq BETWEEN b.first AND b.last
                 WHERE b.newest_ms < ?1 AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = a.incident_id AND i.last_ms >= ?1) LIMIT ?2)",
            // Of old incidents a number at a time: to look at all of them with each step would take longer than the step.
            "DELETE FROM verdict WHERE (incident_id, revision) IN (SELECT v.incident_id, v.revision FROM
                 (SELECT id FROM incident WHERE state IN ('open', 'quiet', 'closed') AND last_ms < ?1
                     AND id NOT IN (SELECT incident_id FROM outbox WHERE state IN ('waiting', 'sending') AND body = '') LIMIT ?2) i
                 JOIN verdict v ON v.incident_id = i.id)",
            "DELETE FROM note WHERE seq IN (SELECT n.seq FROM note n JOIN incident i ON i.id = n.incident_id WHERE i.last_ms < ?1 LIMIT ?2)",
            "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE state IN ('sent', 'refused') AND queued_ms < ?1 LIMIT ?2)",
            "DELETE FROM incident WHERE id IN (SELECT i.id FROM
                 (SELECT id FROM incident WHERE state IN ('open', 'quiet', 'closed') AND last_ms < ?1 LIMIT 10 * ?2) i
                 WHERE NOT EXISTS (SELECT 1 FROM alert a WHERE a.incident_id = i.id)
                 AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.incident_id = i.id)
                 AND NOT EXISTS (SELECT 1 FROM job j WHERE j.incident_id = i.id) LIMIT ?2)",
        ] {
            gone += tx.execute(sql, params![before, limit]).doing("sweep the store")?;
        }
        // The bytes of alerts go with the last alert of their block.
        tx.execute(
            "DELETE FROM raw_block WHERE first IN (SELECT b.first FROM raw_block b WHERE b.newest_ms < ?1
                 AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.seq BETWEEN b.first AND b.last) LIMIT ?2)",
            params![before, limit],
        )
        .doing("sweep the alerts as they came")?;
        let letters = tx
            .execute(
                "DELETE FROM dead_letter WHERE seq <= (SELECT max(seq) FROM dead_letter) - ?1",
                params![whole(retention.dead_letters_max)],
            )
            .doing("sweep dead letters")?;
        tx.commit().doing("commit a sweep")?;
        Ok((gone + letters) as u64)
    }
}
