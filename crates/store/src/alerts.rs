//! The alerts that were folded: each once, with the incident that it joined, and as it came.

use std::collections::HashSet;

use alert::{AlertKey, IncidentId, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::error::{Doing, StoreFault, broken};
use crate::raw::{Packed, Packer};
use crate::row::{blob, whole};
use crate::{Store, StoreError, raw, row};

/// An alert that was folded.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Its identity.
    pub key: AlertKey,
    /// The incident it joined.
    pub incident_id: IncidentId,
    /// Wazuh's id.
    pub alert_id: String,
    /// When it counts for.
    pub time: Timestamp,
    /// The rule.
    pub rule_id: String,
    /// The rule's level.
    pub level: u8,
    /// As it came.
    pub raw: Vec<u8>,
}

/// Writes alerts in the order in which they came. What is in `packed` is not packed again; its blocks lie one behind the other, and none
/// overlaps another.
pub(crate) fn write(
    tx: &Transaction<'_>,
    packer: &mut Packer,
    alerts: &[AlertRow],
    packed: &[Packed],
) -> Result<(), StoreError> {
    if alerts.is_empty() {
        return Ok(());
    }
    // A number is never given twice, not even after all alerts were swept: their block may still be there.
    let mut seq: i64 = tx
        .prepare_cached("SELECT 1 + max(coalesce((SELECT max(seq) FROM alert), 0), coalesce((SELECT last FROM raw_block ORDER BY first DESC LIMIT 1), 0))")
        .and_then(|mut find| find.query_row([], |row| row.get(0)))
        .doing("number alerts")?;
    let mut written = 0_usize;
    for block in packed {
        let before = alerts.get(written..block.first).ok_or_else(misplaced)?;
        write_unpacked(tx, packer, before, &mut seq)?;
        written = block.first.saturating_add(block.count);
        let those = alerts.get(block.first..written).ok_or_else(misplaced)?;
        write_block(tx, those, &block.body, &mut seq)?;
    }
    write_unpacked(tx, packer, alerts.get(written..).unwrap_or_default(), &mut seq)
}

fn misplaced() -> StoreError {
    broken(
        "store alerts",
        "a packed block is not where its alerts are".to_owned(),
        StoreFault::Other,
    )
}

fn write_unpacked(
    tx: &Transaction<'_>,
    packer: &mut Packer,
    alerts: &[AlertRow],
    seq: &mut i64,
) -> Result<(), StoreError> {
    for stretch in raw::stretches(alerts, |alert| alert.raw.len()) {
        let body = packer
            .pack(stretch.iter().map(|alert| alert.raw.as_slice()))
            .map_err(|error| broken("pack alerts", error.to_string(), StoreFault::Other))?;
        write_block(tx, stretch, &body, seq)?;
    }
    Ok(())
}

/// Writes the alerts of one block, and the block.
fn write_block(
    tx: &Transaction<'_>,
    alerts: &[AlertRow],
    body: &[u8],
    seq: &mut i64,
) -> Result<(), StoreError> {
    let Some(newest) = alerts.iter().map(|alert| alert.time).max() else { return Ok(()) };
    let first = *seq;
    write_rows(tx, alerts, seq).doing("store alerts")?;
    tx.prepare_cached(
        "INSERT INTO raw_block (first, last, newest_ms, body) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut insert| {
        insert.execute(params![first, seq.saturating_sub(1), newest.as_millis(), body])
    })
    .map(drop)
    .doing("store alerts as they came")
}

fn write_rows(tx: &Transaction<'_>, alerts: &[AlertRow], seq: &mut i64) -> rusqlite::Result<()> {
    // No `OR IGNORE`: an alert that is there already was counted as folded twice, and that must not pass unseen.
    let mut insert = tx.prepare_cached(
        "INSERT INTO alert (seq, stamp_ms, key, incident_id, alert_id, time_ms, rule_id, level) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for alert in alerts {
        insert.execute(params![
            *seq,
            alert.key.time.as_millis(),
            blob(&alert.key.hash),
            alert.incident_id.as_str(),
            alert.alert_id,
            alert.time.as_millis(),
            alert.rule_id,
            alert.level
        ])?;
        *seq = seq.saturating_add(1);
    }
    Ok(())
}

impl Store {
    /// Tells which of these alerts were folded before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn known_keys(&self, keys: &[AlertKey]) -> Result<HashSet<AlertKey>, StoreError> {
        // Without it each look-up would lock the file and let it go again, which takes longer than the look-up.
        let _moment = self.moment()?;
        let mut find = self
            .connection
            .prepare_cached("SELECT 1 FROM alert WHERE stamp_ms = ?1 AND key = ?2")
            .doing("look for known alerts")?;
        let mut known = HashSet::new();
        for key in keys {
            let is_known = find
                .exists(params![key.time.as_millis(), blob(&key.hash)])
                .doing("look for known alerts")?;
            if is_known {
                known.insert(*key);
            }
        }
        Ok(known)
    }

    /// Gives the ids of the alerts of an incident, in the order of their arrival. Alerts without an id of their own are named by their key.
    ///
    /// # Errors
    /// If the store fails.
    pub fn alert_ids(&self, id: &IncidentId) -> Result<Vec<String>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT CASE alert_id WHEN '' THEN lower(hex(key)) ELSE alert_id END FROM alert WHERE incident_id = ?1 ORDER BY seq",
            )
            .doing("read alert ids")?;
        read.query_map([id.as_str()], |row| row.get(0))
            .and_then(Iterator::collect)
            .doing("read alert ids")
    }

    /// Gives the keys of the alerts of an incident, in the same order as [`Self::alert_ids`] gives their names: names may come again, keys don't.
    ///
    /// # Errors
    /// If the store fails.
    pub fn alert_hashes(&self, id: &IncidentId) -> Result<Vec<String>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT lower(hex(key)) FROM alert WHERE incident_id = ?1 ORDER BY seq")
            .doing("read alert keys")?;
        read.query_map([id.as_str()], |row| row.get(0))
            .and_then(Iterator::collect)
            .doing("read alert keys")
    }

    /// Gives an alert as it came.
    ///
    /// # Errors
    /// If the store fails, or the block that it lies in is damaged.
    pub fn raw_alert(&self, key: &AlertKey) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT a.seq - b.first, b.body FROM alert a JOIN raw_block b ON b.first =
                     (SELECT max(first) FROM raw_block WHERE first <= a.seq) WHERE a.stamp_ms = ?1 AND a.key = ?2",
            )
            .and_then(|mut find| {
                find.query_row(params![key.time.as_millis(), blob(&key.hash)], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()
            })
            .doing("read an alert as it came")?;
        found
            .map(|(place, body)| raw::unpack(&body, usize::try_from(place).unwrap_or(usize::MAX)))
            .transpose()
    }

    /// Gives the place in front of the newest `count` alerts of an incident, to begin [`Store::raw_alerts`] at.
    ///
    /// # Errors
    /// If the store fails.
    pub fn place_before_newest(&self, id: &IncidentId, count: u64) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT seq FROM alert WHERE incident_id = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2",
            )
            .and_then(|mut find| {
                find.query_row(params![id.as_str(), whole(count)], |row| row.get(0)).optional()
            })
            .map(|place| place.unwrap_or(0))
            .doing("look for the newest alerts")
    }

    /// Counts the alerts of an incident that are kept as they came.
    ///
    /// # Errors
    /// If the store fails.
    pub fn alerts_kept(&self, id: &IncidentId) -> Result<u64, StoreError> {
        self.connection
            .prepare_cached("SELECT count(*) AS n FROM alert WHERE incident_id = ?1")
            .and_then(|mut find| find.query_row([id.as_str()], |row| row::count(row, "n")))
            .doing("count alerts")
    }

    /// Gives alerts of an incident as they came, in the order of their arrival: some of those behind the place `after`, each with its own
    /// place. None are left behind the last one if there are none. Whoever wants all of them holds the store for one such step at a time.
    ///
    /// # Errors
    /// If the store fails, or a block that they lie in is damaged.
    pub fn raw_alerts(
        &self,
        id: &IncidentId,
        after: i64,
    ) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let _moment = self.moment()?;
        let mut find = self
            .connection
            .prepare_cached(
                // Those of one incident lie side by side, so a step takes what lies in the block of the next one.
                "SELECT a.seq, b.first FROM alert a JOIN raw_block b ON b.first = (SELECT max(first) FROM raw_block WHERE first <=
                     (SELECT seq FROM alert WHERE incident_id = ?1 AND seq > ?2 ORDER BY seq LIMIT 1))
                 WHERE a.incident_id = ?1 AND a.seq > ?2 AND a.seq <= b.last ORDER BY a.seq",
            )
            .doing("look for alerts as they came")?;
        let places: Vec<(i64, i64)> = find
            .query_map(params![id.as_str(), after], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .doing("look for alerts as they came")?;
        let Some((_, first)) = places.first() else { return Ok(Vec::new()) };
        let body: Vec<u8> = self
            .connection
            .prepare_cached("SELECT body FROM raw_block WHERE first = ?1")
            .and_then(|mut find| find.query_row([first], |row| row.get(0)))
            .doing("read alerts as they came")?;
        let plain = raw::opened(&body)?;
        let alerts: Vec<&[u8]> = raw::alerts(&plain).collect();
        places
            .into_iter()
            .map(|(place, first)| {
                usize::try_from(place - first)
                    .ok()
                    .and_then(|at| alerts.get(at))
                    .map(|alert| (place, alert.to_vec()))
                    .ok_or_else(|| raw::damaged("the block is too short".to_owned()))
            })
            .collect()
    }
}
