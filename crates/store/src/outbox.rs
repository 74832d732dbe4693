//! What the outside is still to be told.
//!
//! A message has an idempotency key per sink, and a row for ever: it can be queued once. It goes `waiting` -> `sending` -> `sent`. A row found
//! `sending` after a crash is the one case where nobody knows whether the sink has it; each sink settles that in its own way, with
//! the `place` noted before the attempt.
//!
//! What waits for one sink is bounded: past [`Store::bound_outbox`] a message is queued by its name alone, without its text, and the text is
//! written out from the stored verdict when its turn comes ([`Store::write_out`]). So a sink that is down for days costs a hundred bytes for
//! a verdict, nothing is left out, and the order stays. Names are bounded too, far out, and there something has to go: see [`GivingUp`].

use std::time::Duration;

use alert::{IncidentId, Timestamp};
use rusqlite::{Transaction, params};
use serde::Serialize;

use crate::error::Doing;
use crate::intake::add_to_counter;
use crate::row;
use crate::{Store, StoreError};

/// The longest that a message rests after a failed attempt: a sink that was down for a day is back within a minute. A time further off than
/// that was noted by a clock that has since been set back, and does not hold a sink for as long as the clock was wrong.
pub const REST_MAX: Duration = Duration::from_secs(60);

/// Messages with their text that may wait for one sink, unless [`Store::bound_outbox`] says otherwise. Each has about 6 kB, so this is
/// 60 MB, and a day of seven verdicts a minute.
pub const WHOLE_MESSAGES_MAX: usize = 10_000;

/// Messages that may wait for one sink by their name alone. Each has some 300 bytes with its places in the indexes, so this is 300 MB, and
/// months of verdicts in a quiet place: a sink that is down for that long has been given up by its owner.
pub const NAMES_MAX: u64 = 1_000_000;

/// Messages given up in one step: a short transaction, so that alerts don't wait for it.
const GIVEN_UP_AT_ONCE: u64 = 5_000;

/// What is asked for the counter of messages that were given up, in front of the sink's name.
const GIVEN_UP: &str = "given_up:";

/// Which messages will not be sent any more. Each is counted for its sink; the verdict stays in the store as long as others do.
#[derive(Debug, Clone)]
pub struct GivingUp {
    /// The sinks that there are. What waits for another one was queued when that was configured, and nothing will ever send it.
    pub sinks: Vec<String>,
    /// What waits for a sink that is not there goes once it is older than this: until then the sink may come back.
    pub older_than: Timestamp,
    /// The most that wait for one sink by their name alone. The oldest names go first: what is newest matters most, and what has its text
    /// is older still, and bounded by itself.
    pub names_max: u64,
}

/// A message to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The sink's name.
    pub sink: String,
    /// The idempotency key, `incident:revision`.
    pub key: String,
    /// What it is about.
    pub incident_id: IncidentId,
    /// What to send.
    pub body: String,
}

/// A message that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its place in the queue.
    pub seq: i64,
    /// The idempotency key.
    pub key: String,
    /// What to send. Empty if it was queued by its name alone.
    pub body: String,
    /// An attempt was under way when the process ended.
    pub was_sending: bool,
    /// Attempts that failed.
    pub attempts: u32,
    /// Where the attempt under way was to write, as the sink noted it.
    pub place: Option<String>,
}

/// How the messages of one sink stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OutboxTotals {
    /// The sink.
    pub sink: String,
    /// Not sent yet.
    pub waiting: u64,
    /// Of these, queued by their name alone because so many wait.
    pub by_name: u64,
    /// Sent.
    pub sent: u64,
    /// Refused by the sink for good, or without a verdict to tell of.
    pub refused: u64,
    /// Given up, because too many waited or the sink is not configured any more.
    pub given_up: u64,
}

/// Queues a message; one with the same key is there already and stays.
pub(crate) fn write(
    tx: &Transaction<'_>,
    message: &OutboxMessage,
    now: Timestamp,
    whole_max: usize,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO outbox (sink, key, incident_id, body, queued_ms) VALUES (?1, ?2, ?3,
             CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE sink = ?1 AND state IN ('waiting', 'sending') LIMIT ?6)) < ?6
                 THEN ?4 ELSE '' END, ?5)",
    )
        .and_then(|mut insert| {
            insert.execute(params![
                message.sink,
                message.key,
                message.incident_id.as_str(),
                message.body,
                now.as_millis(),
                row::whole(whole_max as u64)
            ])
        })
        .map(drop)
        .doing("queue a message")
}

/// Names the sinks that messages wait for, by steps over the index from one to the next.
fn sinks_with_messages(tx: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let mut find = tx.prepare_cached(
        "SELECT min(sink) FROM outbox INDEXED BY outbox_open WHERE state IN ('waiting', 'sending') AND sink > ?1",
    )?;
    let mut sinks: Vec<String> = Vec::new();
    loop {
        let last = sinks.last().map_or("", String::as_str);
        match find.query_row([last], |row| row.get::<_, Option<String>>(0))? {
            Some(sink) => sinks.push(sink),
            None => return Ok(sinks),
        }
    }
}

/// Gives up the oldest that wait for a sink by their name alone, as far as there are more than `names_max`.
fn give_up_names(tx: &Transaction<'_>, sink: &str, names_max: u64) -> rusqlite::Result<usize> {
    let names: u64 = tx
        .prepare_cached(
            "SELECT count(*) AS n FROM outbox INDEXED BY outbox_names WHERE sink = ?1 AND state = 'waiting' AND body = ''",
        )?
        .query_row([sink], |row| row::count(row, "n"))?;
    let excess = names.saturating_sub(names_max).min(GIVEN_UP_AT_ONCE);
    if excess == 0 {
        return Ok(0);
    }
    tx.execute(
        "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox INDEXED BY outbox_names
             WHERE sink = ?1 AND state = 'waiting' AND body = '' ORDER BY seq LIMIT ?2)",
        params![sink, row::whole(excess)],
    )
}

impl Store {
    /// Says how many messages with their text may wait for one sink. Those beyond are queued by their name.
    pub const fn bound_outbox(&mut self, whole_max: usize) {
        self.whole_messages_max = whole_max;
    }

    /// Writes out messages that were queued by their name, before they are sent: an attempt that is cut short must find the same text again.
    ///
    /// # Errors
    /// If the store fails; then they stay as they were.
    pub fn write_out(&mut self, texts: &[(i64, String)]) -> Result<(), StoreError> {
        if texts.is_empty() {
            return Ok(());
        }
        let tx = self.connection.transaction().doing("write out messages")?;
        for (seq, text) in texts {
            tx.prepare_cached("UPDATE outbox SET body = ?2 WHERE seq = ?1 AND body = ''")
                .and_then(|mut update| update.execute(params![seq, text]))
                .doing("write out a message")?;
        }
        tx.commit().doing("write out messages")
    }

    /// Gives the next messages for a sink, in order. A message that rests after a failure holds back those behind it, so
    /// that a sink sees revisions in order.
    ///
    /// # Errors
    /// If the store fails.
    pub fn outbox(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT seq, key, body, state, attempts, place, not_before_ms FROM outbox
                 WHERE sink = ?1 AND state IN ('waiting', 'sending') ORDER BY seq LIMIT ?2",
            )
            .doing("read the outbox")?;
        let rows = read
            .query_map(params![sink, row::whole(limit as u64)], |row| {
                let entry = OutboxEntry {
                    seq: row.get("seq")?,
                    key: row.get("key")?,
                    body: row.get("body")?,
                    was_sending: row.get::<_, String>("state")? == "sending",
                    attempts: row::small(row, "attempts")?,
                    place: row.get("place")?,
                };
                Ok((entry, row::time(row, "not_before_ms")?))
            })
            .doing("read the outbox")?;
        let mut due = Vec::new();
        for found in rows {
            let (entry, not_before) = found.doing("read the outbox")?;
            if not_before > now && not_before <= now.after(REST_MAX) {
                break;
            }
            due.push(entry);
        }
        Ok(due)
    }

    /// Notes that an attempt begins, and where it will write.
    ///
    /// # Errors
    /// If the store fails; then the attempt must not be made.
    pub fn begin_sending(&self, seq: i64, place: Option<&str>) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE outbox SET state = 'sending', place = ?2 WHERE seq = ?1")
            .and_then(|mut update| update.execute(params![seq, place]))
            .map(drop)
            .doing("begin to send a message")
    }

    /// Notes that a sink has a message. The body is not needed any more.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mark_sent(&self, seq: i64) -> Result<(), StoreError> {
        self.settle(seq, "sent")
    }

    /// Notes that a sink will never take a message. The body stays, for a person to look at.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mark_refused(&self, seq: i64) -> Result<(), StoreError> {
        self.settle(seq, "refused")
    }

    /// Notes that an attempt failed for now. Where a place was noted, part of the message may be there: it stays to be settled.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mark_failed(&self, seq: i64, not_before: Timestamp) -> Result<(), StoreError> {
        self.connection
            .execute(
                "UPDATE outbox SET state = CASE WHEN place IS NULL THEN 'waiting' ELSE 'sending' END, attempts = attempts + 1, not_before_ms = ?2 WHERE seq = ?1",
                params![seq, not_before.as_millis()],
            )
            .map(drop)
            .doing("note a failed attempt")
    }

    /// Notes that a message came back from the outside, so the sink has it. Gives false if nobody was unsure of it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn confirm_sent(&self, sink: &str, key: &str) -> Result<bool, StoreError> {
        self.connection
            .execute(
                "UPDATE outbox SET state = 'sent', place = NULL WHERE sink = ?1 AND key = ?2 AND state = 'sending'",
                [sink, key],
            )
            .map(|changed| changed == 1)
            .doing("confirm a message")
    }

    fn settle(&self, seq: i64, state: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE outbox SET state = ?2, place = NULL WHERE seq = ?1")
            .and_then(|mut update| update.execute(params![seq, state]))
            .map(drop)
            .doing("settle a message")
    }

    /// Tells how the messages of each sink stand.
    ///
    /// # Errors
    /// If the store fails.
    pub fn outbox_totals(&self) -> Result<Vec<OutboxTotals>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                // The index holds nearly all that is asked for; the table holds the bodies too, of everything that was ever sent.
                "SELECT sink, sum(state IN ('waiting', 'sending')) AS waiting,
                     (SELECT count(*) FROM outbox w INDEXED BY outbox_names WHERE w.sink = outbox.sink AND w.state = 'waiting' AND w.body = '') AS by_name,
                     sum(state = 'sent') AS sent, sum(state = 'refused') AS refused
                 FROM outbox INDEXED BY outbox_state GROUP BY sink ORDER BY sink",
            )
            .doing("measure the outbox")?;
        let rows = read
            .query_map([], |row| {
                Ok(OutboxTotals {
                    sink: row.get("sink")?,
                    waiting: row::count(row, "waiting")?,
                    by_name: row::count(row, "by_name")?,
                    sent: row::count(row, "sent")?,
                    refused: row::count(row, "refused")?,
                    given_up: 0,
                })
            })
            .doing("measure the outbox")?;
        let mut totals: Vec<OutboxTotals> =
            rows.collect::<Result<_, _>>().doing("measure the outbox")?;
        for (sink, given_up) in self.given_up()? {
            match totals.iter_mut().find(|known| known.sink == sink) {
                Some(known) => known.given_up = given_up,
                None => totals.push(OutboxTotals { sink, given_up, ..OutboxTotals::default() }),
            }
        }
        Ok(totals)
    }

    /// Counts the messages that were given up, by sink.
    fn given_up(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT name, value FROM counter WHERE name >= ?1 AND name < ?1 || '~' ORDER BY name")
            .doing("count messages that were given up")?;
        read.query_map([GIVEN_UP], |row| {
            let name: String = row.get("name")?;
            let sink = name.strip_prefix(GIVEN_UP).unwrap_or(&name).to_owned();
            Ok((sink, row::count(row, "value")?))
        })
        .and_then(Iterator::collect)
        .doing("count messages that were given up")
    }

    /// Gives up some of the messages that will not be sent any more. Gives how many of which sink; call again until there are none.
    ///
    /// # Errors
    /// If the store fails; then all of them still wait.
    pub fn give_up(&mut self, which: &GivingUp) -> Result<Vec<(String, u64)>, StoreError> {
        let doing = "give messages up";
        let tx = self.connection.transaction().doing(doing)?;
        let mut given_up = Vec::new();
        for sink in sinks_with_messages(&tx).doing(doing)? {
            let count = if which.sinks.contains(&sink) {
                give_up_names(&tx, &sink, which.names_max)
            } else {
                tx.execute(
                    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox INDEXED BY outbox_open
                         WHERE sink = ?1 AND state IN ('waiting', 'sending') AND queued_ms < ?2 ORDER BY seq LIMIT ?3)",
                    params![sink, which.older_than.as_millis(), row::whole(GIVEN_UP_AT_ONCE)],
                )
            }
            .doing(doing)? as u64;
            if count > 0 {
                add_to_counter(&tx, &format!("{GIVEN_UP}{sink}"), count)?;
                given_up.push((sink, count));
            }
        }
        tx.commit().doing(doing)?;
        Ok(given_up)
    }
}
