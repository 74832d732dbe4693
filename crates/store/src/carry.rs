//! Takes the alerts of a store of version 2 over: their raw bytes go into blocks, and each gets the time that it names itself in front of its
//! key, which version 2 did not keep.
//!
//! Runs once, within the transaction that brings a store to version 3: afterwards all of it is done, or nothing.

use alert::{AlertKey, Fields, Fingerprint, IncidentId, Limits, Timestamp};
use rusqlite::{Row, Transaction, params};

use crate::error::Doing;
use crate::raw::Packer;
use crate::row::{incident_id, small, time};
use crate::{StoreError, alerts};

/// Alerts taken over at a time. They are in memory meanwhile.
const ALERTS_AT_ONCE: i64 = 4_096;

/// Takes all alerts over from `alert_2`, and drops it.
pub(crate) fn alerts(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let doing = "take the alerts of an earlier version over";
    let mut after = i64::MIN;
    let mut packer = Packer::default();
    loop {
        let mut read = tx
            .prepare_cached("SELECT * FROM alert_2 WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .doing(doing)?;
        let rows: Vec<(i64, alerts::AlertRow)> = read
            .query_map(params![after, ALERTS_AT_ONCE], |row| Ok((row.get("seq")?, alert(row)?)))
            .and_then(Iterator::collect)
            .doing(doing)?;
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        let rows: Vec<alerts::AlertRow> = rows.into_iter().map(|(_, alert)| alert).collect();
        alerts::write(tx, &mut packer, &rows, &[])?;
    }
    tx.execute_batch("DROP TABLE alert_2").doing(doing)
}

fn alert(row: &Row<'_>) -> rusqlite::Result<alerts::AlertRow> {
    let raw: Vec<u8> = row.get("raw")?;
    let own_time = own_time(&raw).unwrap_or(Timestamp::EPOCH);
    let incident_id: IncidentId = incident_id(row, "incident_id")?;
    Ok(alerts::AlertRow {
        key: AlertKey { time: own_time, hash: Fingerprint::from_bytes(row.get("key")?) },
        incident_id,
        alert_id: row.get("alert_id")?,
        time: time(row, "time_ms")?,
        rule_id: row.get("rule_id")?,
        level: small(row, "level")?,
        raw,
    })
}

/// Reads the time that an alert names, as it is read when the alert arrives.
fn own_time(raw: &[u8]) -> Option<Timestamp> {
    let fields = Fields::parse(&String::from_utf8_lossy(raw), &Limits::default()).ok()?;
    fields.get("timestamp").and_then(Timestamp::parse)
}
