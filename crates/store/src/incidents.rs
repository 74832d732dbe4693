//! Incidents and their verdicts: what people look at.

use alert::{Class, Fingerprint, Incident, IncidentId, Timestamp, Verdict};
use rusqlite::{Transaction, params};

use crate::error::Doing;
use crate::row::{self, blob, whole};
use crate::{Store, StoreError};

/// Writes an incident as it is now.
pub(crate) fn write(tx: &Transaction<'_>, incident: &Incident) -> Result<(), StoreError> {
    let body = serde_json::to_string(incident).doing("write an incident")?;
    tx.prepare_cached(
        "INSERT INTO incident (id, fingerprint, actor, actor_kind, target, class, state, revision, first_ms, last_ms, alert_count, body, stands_out)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (id) DO UPDATE SET class = excluded.class, state = excluded.state, revision = excluded.revision,
             first_ms = excluded.first_ms, last_ms = excluded.last_ms, alert_count = excluded.alert_count, body = excluded.body,
             stands_out = excluded.stands_out",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            incident.id.as_str(),
            blob(&incident.fingerprint),
            incident.actor.name(),
            incident.actor.kind(),
            incident.target(),
            incident.class.as_str(),
            incident.state.as_str(),
            incident.revision,
            incident.first_seen.as_millis(),
            incident.last_seen.as_millis(),
            whole(incident.alert_count),
            body,
            incident.setting.points()
        ])
    })
    .map(drop)
    .doing("store an incident")
}

/// What a campaign needs to know of an incident.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// The incident.
    pub id: IncidentId,
    /// Its class.
    pub class: Class,
    /// The agent concerned.
    pub target: String,
    /// Its first alert.
    pub first_seen: Timestamp,
    /// Its last alert.
    pub last_seen: Timestamp,
    /// Its alerts.
    pub alert_count: u64,
}

/// What was judged of an incident.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The threat level that stands. It outlives the verdict, which is swept with its time while its incident may still wait for another.
    pub threat_level: Option<u8>,
    /// The verdict on the latest revision that has one.
    pub verdict: Option<Verdict>,
}

impl Store {
    /// Finds the newest incidents under each of these keys, at most `windows_max` of one key.
    ///
    /// # Errors
    /// If the store fails.
    pub fn incidents_by_fingerprint(
        &self,
        keys: &[Fingerprint],
        windows_max: usize,
    ) -> Result<Vec<Incident>, StoreError> {
        let _moment = self.moment()?;
        let mut find = self
            .connection
            .prepare_cached(
                // The bodies are long, so only those that are wanted are looked at.
                "SELECT body FROM incident WHERE rowid IN
                     (SELECT rowid FROM incident WHERE fingerprint = ?1 ORDER BY last_ms DESC LIMIT ?2) ORDER BY last_ms DESC",
            )
            .doing("look for open incidents")?;
        let mut found = Vec::new();
        for key in keys {
            let bodies: Vec<String> = find
                .query_map(params![blob(key), whole(windows_max as u64)], |row| row.get(0))
                .and_then(Iterator::collect)
                .doing("look for open incidents")?;
            for body in bodies {
                found.push(row::incident(&body)?);
            }
        }
        Ok(found)
    }

    /// Reads an incident by its name, or by the beginning of it where that is unambiguous.
    ///
    /// # Errors
    /// If the store fails.
    pub fn incident(&self, id: &str) -> Result<Option<Incident>, StoreError> {
        let mut find = self
            .connection
            .prepare_cached(
                "SELECT body FROM incident WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT 2",
            )
            .doing("read an incident")?;
        let bodies: Vec<String> = find
            .query_map([id], |row| row.get(0))
            .and_then(Iterator::collect)
            .doing("read an incident")?;
        match bodies.as_slice() {
            [only] => row::incident(only).map(Some),
            [first, _] => {
                let incident = row::incident(first)?;
                Ok((incident.id.as_str() == id).then_some(incident))
            }
            _ => Ok(None),
        }
    }

    /// Gives the newest verdict on an incident.
    ///
    /// # Errors
    /// If the store fails.
    pub fn verdict(&self, id: &IncidentId) -> Result<Option<Verdict>, StoreError> {
        Ok(self.verdicts(id)?.pop())
    }

    /// Gives what was judged of an incident: the threat level that stands, and the verdict on the latest revision that has one.
    ///
    /// # Errors
    /// If the store fails.
    pub fn judged(&self, id: &IncidentId) -> Result<Judged, StoreError> {
        use rusqlite::OptionalExtension as _;
        let found = self
            .connection
            .prepare_cached(
                "SELECT i.threat_level, (SELECT v.body FROM verdict v WHERE v.incident_id = i.id ORDER BY v.revision DESC LIMIT 1)
                 FROM incident i WHERE i.id = ?1",
            )
            .and_then(|mut find| {
                find.query_row([id.as_str()], |row| {
                    Ok((row.get::<_, Option<u8>>(0)?, row.get::<_, Option<String>>(1)?))
                })
                .optional()
            })
            .doing("look for what was judged")?;
        let (threat_level, body) = found.unwrap_or_default();
        let verdict = body.map(|body| serde_json::from_str(&body).doing("read a verdict"));
        Ok(Judged { threat_level, verdict: verdict.transpose()? })
    }

    /// Gives the threat level that stands, and reads no verdict for it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn standing_level(&self, id: &IncidentId) -> Result<Option<u8>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let found: Option<Option<u8>> = self
            .connection
            .prepare_cached("SELECT threat_level FROM incident WHERE id = ?1")
            .and_then(|mut find| find.query_row([id.as_str()], |row| row.get(0)).optional())
            .doing("look for what was judged")?;
        Ok(found.flatten())
    }

    /// Gives the verdict on the latest revision that has one, and reads no other.
    ///
    /// # Errors
    /// If the store fails.
    pub fn last_verdict(&self, id: &IncidentId) -> Result<Option<Verdict>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let body: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT body FROM verdict WHERE incident_id = ?1 ORDER BY revision DESC LIMIT 1",
            )
            .and_then(|mut find| find.query_row([id.as_str()], |row| row.get(0)).optional())
            .doing("look for a verdict")?;
        body.map(|body| serde_json::from_str(&body).doing("read a verdict")).transpose()
    }

    /// Gives all verdicts on an incident, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn verdicts(&self, id: &IncidentId) -> Result<Vec<Verdict>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached("SELECT body FROM verdict WHERE incident_id = ?1 ORDER BY revision")
            .doing("read verdicts")?;
        let bodies =
            read.query_map([id.as_str()], |row| row.get::<_, String>(0)).doing("read verdicts")?;
        bodies
            .map(|body| {
                serde_json::from_str(&body.doing("read verdicts")?).doing("read a stored verdict")
            })
            .collect()
    }

    /// Gives the incidents of an actor, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn steps_of(&self, actor: &str, limit: usize) -> Result<Vec<StepRow>, StoreError> {
        let mut read = self
            .connection
            .prepare_cached(
                "SELECT id, class, target, first_ms, last_ms, alert_count FROM incident WHERE actor = ?1 ORDER BY first_ms DESC LIMIT ?2",
            )
            .doing("read the incidents of an actor")?;
        let rows = read
            .query_map(params![actor, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(StepRow {
                    id: row::incident_id(row, "id")?,
                    class: Class::parse(&row.get::<_, String>("class")?).unwrap_or(Class::Other),
                    target: row.get("target")?,
                    first_seen: row::time(row, "first_ms")?,
                    last_seen: row::time(row, "last_ms")?,
                    alert_count: row::count(row, "alert_count")?,
                })
            })
            .doing("read the incidents of an actor")?;
        let mut steps: Vec<StepRow> =
            rows.collect::<Result<_, _>>().doing("read the incidents of an actor")?;
        steps.reverse();
        Ok(steps)
    }
}
