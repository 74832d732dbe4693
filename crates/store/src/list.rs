//! The list of incidents, the most dangerous and newest first.
//!
//! A person asks for a page of some dozens, and there may be a million. So the places of a page are found first, by indexes that have the
//! order of the list, and only then are its bodies read, which are long. Incidents that nobody judged come last, and have no index of
//! their own: the list gets to them where fewer were judged than the page has room for, so among the newest of each state hardly any
//! judged one has to be passed over.

use alert::incident::State;
use alert::{Incident, Verdict};
use rusqlite::{ToSql, params};

use crate::error::Doing;
use crate::row::{self, whole};
use crate::{Store, StoreError};

/// The places of judged incidents, in the order of the list.
const JUDGED: &str = "SELECT rowid FROM incident INDEXED BY incident_threat
     WHERE threat_level IS NOT NULL AND threat_level >= ?1 AND (?2 IS NULL OR state = ?2)
     ORDER BY threat_level DESC, last_ms DESC, id LIMIT ?3";

/// The places of incidents in one state that nobody judged, with what orders them.
const UNJUDGED: &str = "SELECT last_ms, id, rowid FROM incident INDEXED BY incident_state
     WHERE state = ?1 AND threat_level IS NULL ORDER BY last_ms DESC, id LIMIT ?2";

/// The places of the incidents of one actor, in the order of the list. An actor has few.
const OF_ACTOR: &str = "SELECT rowid FROM incident INDEXED BY incident_actor
     WHERE actor = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR threat_level >= ?3)
     ORDER BY threat_level DESC NULLS LAST, last_ms DESC, id LIMIT ?4";

/// What is shown of one place: the incident, and its newest verdict.
const SHOWN: &str = "SELECT i.body AS incident, (SELECT v.body FROM verdict v WHERE v.incident_id = i.id ORDER BY v.revision DESC LIMIT 1) AS verdict
     FROM incident i WHERE i.rowid = ?1";

/// An incident in a list.
#[derive(Debug, Clone)]
pub struct IncidentRow {
    /// The incident.
    pub incident: Incident,
    /// The newest verdict, if there is one.
    pub verdict: Option<Verdict>,
}

/// Which incidents to list.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Only in this state.
    pub state: Option<String>,
    /// Only with this threat level or a higher one.
    pub threat_level_min: Option<u8>,
    /// Only by this actor.
    pub actor: Option<String>,
    /// At most this many; 0 for all.
    pub limit: usize,
}

impl IncidentFilter {
    /// Gives the limit as SQLite has it: none is below zero.
    fn sql_limit(&self) -> i64 {
        if self.limit == 0 { -1 } else { whole(self.limit as u64) }
    }
}

impl Store {
    /// Lists incidents, the most dangerous and newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentRow>, StoreError> {
        let _moment = self.moment()?;
        let places = self.places(filter)?;
        let mut show = self.connection.prepare_cached(SHOWN).doing("list incidents")?;
        let mut rows = Vec::with_capacity(places.len());
        for place in places {
            let (incident, verdict) = show
                .query_row([place], |row| {
                    Ok((
                        row.get::<_, String>("incident")?,
                        row.get::<_, Option<String>>("verdict")?,
                    ))
                })
                .doing("list incidents")?;
            rows.push(IncidentRow {
                incident: row::incident(&incident)?,
                verdict: verdict
                    .map(|body| serde_json::from_str(&body).doing("read a stored verdict"))
                    .transpose()?,
            });
        }
        Ok(rows)
    }

    /// Finds the places of the incidents that a filter lets through, in the order of the list.
    fn places(&self, filter: &IncidentFilter) -> Result<Vec<i64>, StoreError> {
        let limit = filter.sql_limit();
        if let Some(actor) = &filter.actor {
            return self
                .places_by(OF_ACTOR, params![actor, filter.state, filter.threat_level_min, limit]);
        }
        let level_min = filter.threat_level_min.unwrap_or(0);
        let mut places = self.places_by(JUDGED, params![level_min, filter.state, limit])?;
        let has_room = filter.limit == 0 || places.len() < filter.limit;
        if has_room && filter.threat_level_min.is_none() {
            places.extend(self.unjudged(filter)?);
            if filter.limit > 0 {
                places.truncate(filter.limit);
            }
        }
        Ok(places)
    }

    fn places_by(&self, sql: &str, wanted: &[&dyn ToSql]) -> Result<Vec<i64>, StoreError> {
        let mut find = self.connection.prepare_cached(sql).doing("list incidents")?;
        find.query_map(wanted, |row| row.get(0)).and_then(Iterator::collect).doing("list incidents")
    }

    /// Finds the places of incidents that nobody judged, the newest first.
    fn unjudged(&self, filter: &IncidentFilter) -> Result<Vec<i64>, StoreError> {
        let mut find = self.connection.prepare_cached(UNJUDGED).doing("list incidents")?;
        let mut found: Vec<(std::cmp::Reverse<i64>, String, i64)> = Vec::new();
        for state in [State::Open, State::Quiet, State::Closed].map(State::as_str) {
            if filter.state.as_deref().is_some_and(|wanted| wanted != state) {
                continue;
            }
            let rows = find
                .query_map(params![state, filter.sql_limit()], |row| {
                    Ok((std::cmp::Reverse(row.get(0)?), row.get(1)?, row.get(2)?))
                })
                .doing("list incidents")?;
            for row in rows {
                found.push(row.doing("list incidents")?);
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, _, place)| place).collect())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    /// Adds incidents of which only what orders them is filled in. One of `judged_each` is judged.
    fn add(store: &Store, from: i64, count: i64, judged_each: i64) {
        let tx = store.connection.unchecked_transaction().expect("begun");
        for number in from..from + count {
            let level = (number % judged_each == 0).then_some(number % 11);
            tx.prepare_cached(
                "INSERT INTO incident VALUES (?1, zeroblob(32), 'eve', 'user', 'web01', 'xss', ?2, 1, ?3, ?3, 1, ?4, '')",
            )
            .and_then(|mut insert| {
                let state = ["open", "quiet", "closed"][usize::try_from(number % 3).unwrap_or(0)];
                insert.execute(params![format!("Q-{number:06}"), state, number * 7919 % 10_007, level])
            })
            .expect("an incident");
        }
        tx.commit().expect("committed");
    }

    /// Gives the steps that finding a page took since the last time.
    fn steps(store: &Store, filter: &IncidentFilter) -> i32 {
        assert_eq!(store.places(filter).expect("found").len(), filter.limit);
        let of = |sql: &str| {
            let run = store.connection.prepare_cached(sql).expect("a statement");
            run.reset_status(StatementStatus::VmStep)
        };
        of(JUDGED) + of(UNJUDGED)
    }

    #[test]
    fn a_page_costs_the_same_however_many_incidents_there_are() {
        // All are judged, one in twenty is, and hardly any.
        for judged_each in [1, 20, 1_000_000] {
            for state in [None, Some("open".to_owned())] {
                let filter = IncidentFilter { limit: 25, state, ..IncidentFilter::default() };
                let store = Store::open_in_memory().expect("a store");
                add(&store, 1, 1_200, judged_each);
                let few = steps(&store, &filter);
                add(&store, 1_201, 18_800, judged_each);
                let many = steps(&store, &filter);
                assert!(
                    many < few * 3 / 2 + 200,
                    "{judged_each} {filter:?}: {few} steps for 1,200, {many} for 20,000"
                );
            }
        }
    }
}
