//! What is remembered beyond single incidents: what is usual, and what models said lately.

use alert::setting::Remembered;
use alert::{Incident, Timestamp, Verdict};
use rusqlite::{Transaction, params};

use crate::error::Doing;
use crate::row::{self, time, whole};
use crate::{Store, StoreError};

/// Writes what changed in the memory of the usual, and what is forgotten.
pub(crate) fn write(
    tx: &Transaction<'_>,
    kept: &[Remembered],
    gone: &[(u64, u64)],
) -> Result<(), StoreError> {
    for (place, thing) in gone {
        tx.prepare_cached("DELETE FROM habit WHERE place = ?1 AND thing = ?2")
            .and_then(|mut delete| delete.execute([place.cast_signed(), thing.cast_signed()]))
            .doing("forget a habit")?;
    }
    for habit in kept {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO habit (place, thing, rule, source, first_ms, last_day, days) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                habit.place.cast_signed(),
                habit.thing.cast_signed(),
                habit.rule.cast_signed(),
                habit.source.cast_signed(),
                habit.first.as_millis(),
                habit.last_day,
                habit.days.cast_signed(),
            ])
        })
        .doing("store a habit")?;
    }
    Ok(())
}

impl Store {
    /// Gives all that is remembered of the usual.
    ///
    /// # Errors
    /// If the store fails.
    pub fn habits(&self) -> Result<Vec<Remembered>, StoreError> {
        let doing = "read what is usual";
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT place, thing, rule, source, first_ms, last_day, days FROM habit ORDER BY place, thing",
            )
            .doing(doing)?;
        let rows = read
            .query_map([], |row| {
                let number = |name: &str| row.get::<_, i64>(name).map(i64::cast_unsigned);
                Ok(Remembered {
                    place: number("place")?,
                    thing: number("thing")?,
                    rule: number("rule")?,
                    source: number("source")?,
                    first: time(row, "first_ms")?,
                    last_day: row.get("last_day")?,
                    days: number("days")?,
                })
            })
            .doing(doing)?;
        rows.collect::<Result<_, _>>().doing(doing)
    }

    /// Gives the newest verdicts of models since a time, at most `limit`, with their incidents as they are now; the oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn verdicts_of_models(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Incident, Verdict)>, StoreError> {
        let doing = "read what models said lately";
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT v.body AS verdict, i.body AS incident FROM verdict v JOIN incident i ON i.id = v.incident_id
                 WHERE v.is_by_model AND v.judged_ms >= ?1 ORDER BY v.judged_ms DESC LIMIT ?2",
            )
            .doing(doing)?;
        let rows = read
            .query_map(params![since.as_millis(), whole(limit as u64)], |row| {
                Ok((row.get::<_, String>("incident")?, row.get::<_, String>("verdict")?))
            })
            .doing(doing)?;
        let mut found = Vec::new();
        for bodies in rows {
            let (incident, verdict) = bodies.doing(doing)?;
            found.push((row::incident(&incident)?, serde_json::from_str(&verdict).doing(doing)?));
        }
        found.reverse();
        Ok(found)
    }
}
