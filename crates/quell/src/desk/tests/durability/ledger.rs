//! What was promised to whom. It lives outside the daemon and its disk, as the people and programs do that rely on the promises.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::outside::Outside;
use super::*;

#[derive(Default)]
pub(super) struct Ledger {
    /// Alerts that anybody ever sent, by their id.
    pub(super) sent: BTreeSet<String>,
    /// Alerts whose sender was told that they are stored.
    pub(super) acknowledged: BTreeSet<String>,
    /// Where the followed file was read to, as of the last commit that succeeded, and as of those that may have since.
    pub(super) place: Option<String>,
    pub(super) places_in_doubt: BTreeSet<String>,
    /// Verdicts that were offered to the store, by key, with their levels.
    pub(super) offered: HashMap<String, BTreeSet<u8>>,
    /// Verdicts that the store took.
    pub(super) verdicts: BTreeMap<String, u8>,
    /// Requests that a person was told are left, and all that were tried.
    pub(super) requests: BTreeSet<String>,
    pub(super) requests_tried: BTreeSet<String>,
    /// Messages to Wazuh of which nobody can know whether they arrived: these may arrive twice.
    pub(super) in_doubt: BTreeSet<String>,
}

fn column<T: rusqlite::types::FromSql>(observer: &Connection, sql: &str) -> Vec<T> {
    let mut ask = observer.prepare_cached(sql).expect("a question");
    let rows = ask.query_map([], |row| row.get(0)).expect("an answer");
    rows.collect::<Result<_, _>>().expect("rows")
}

impl Ledger {
    /// Takes note of the messages to Wazuh that are under way: if the daemon or the store fails now, nobody knows whether they arrived.
    pub(super) fn note_doubt(&mut self, observer: &Connection) {
        let keys: Vec<String> =
            column(observer, "SELECT key FROM outbox WHERE sink = 'wazuh' AND state = 'sending'");
        self.in_doubt.extend(keys);
    }

    /// Holds the store and the sinks to what was promised.
    pub(super) fn check(&self, observer: &Connection, outside: &Outside) {
        promises::assert_kept(observer);
        self.check_alerts(observer);
        self.check_verdicts(observer);
        self.check_sinks(observer, outside);
        self.check_people(observer);
        let found: Vec<String> = column(observer, "PRAGMA quick_check");
        assert_eq!(found, ["ok"], "the file is damaged");
    }

    fn check_alerts(&self, observer: &Connection) {
        let stored: Vec<String> = column(observer, "SELECT alert_id FROM alert");
        let unique: BTreeSet<String> = stored.iter().cloned().collect();
        assert_eq!(unique.len(), stored.len(), "an alert is stored twice");
        let lost: Vec<&String> = self.acknowledged.difference(&unique).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let strange: Vec<&String> = unique.difference(&self.sent).collect();
        assert!(strange.is_empty(), "nobody sent {strange:?}");
        let counts: Counts = Counts {
            accepted: count(observer, "accepted"),
            folded: count(observer, "folded"),
            own_output: count(observer, "own_output"),
            below_policy: count(observer, "below_policy"),
            duplicate: count(observer, "duplicate"),
            malformed: count(observer, "malformed"),
        };
        assert!(counts.are_conserved(0), "{counts:?}");
        let letters: Vec<i64> = column(observer, "SELECT count(*) FROM dead_letter");
        assert_eq!(letters[0].cast_unsigned(), counts.malformed, "dead letters are kept");
        let places: Vec<String> = column(observer, "SELECT body FROM checkpoint");
        let place = places.first();
        assert!(
            place == self.place.as_ref()
                || place.is_some_and(|place| self.places_in_doubt.contains(place)),
            "the followed file was read to {:?} or {:?}, and the store says {place:?}",
            self.place,
            self.places_in_doubt
        );
    }

    fn check_verdicts(&self, observer: &Connection) {
        let mut ask = observer
            .prepare_cached("SELECT incident_id || ':' || revision, threat_level FROM verdict")
            .expect("a question");
        let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("an answer");
        let stored: HashMap<String, u8> = rows.collect::<Result<_, _>>().expect("rows");
        for (key, level) in &self.verdicts {
            assert_eq!(stored.get(key), Some(level), "the verdict {key} is gone or changed");
        }
        for (key, level) in &stored {
            let offered = self.offered.get(key).is_some_and(|levels| levels.contains(level));
            assert!(offered, "nobody gave the verdict {key} with level {level}");
        }
        let lowered: Vec<String> = column(
            observer,
            "SELECT i.id FROM incident i JOIN verdict v ON v.incident_id = i.id AND v.revision =
                 (SELECT max(revision) FROM verdict w WHERE w.incident_id = i.id) WHERE i.threat_level <> v.threat_level",
        );
        assert!(
            lowered.is_empty(),
            "the level that stands is not the newest verdict's: {lowered:?}"
        );
        let stand_ins: Vec<String> = column(
            observer,
            "SELECT later.incident_id || ':' || later.revision || ' at ' || later.threat_level || ' after ' || earlier.threat_level
                 FROM verdict later JOIN verdict earlier ON earlier.incident_id = later.incident_id AND earlier.revision =
                 (SELECT max(revision) FROM verdict w WHERE w.incident_id = later.incident_id AND w.revision < later.revision)
                 WHERE NOT later.is_by_model AND later.threat_level < earlier.threat_level",
        );
        assert!(stand_ins.is_empty(), "a stand-in lowered a verdict: {stand_ins:?}");
    }

    fn check_sinks(&self, observer: &Connection, outside: &Outside) {
        let verdicts: BTreeSet<String> =
            column(observer, "SELECT incident_id || ':' || revision FROM verdict")
                .into_iter()
                .collect();
        let written = outside.written();
        let once: BTreeSet<&String> = written.iter().collect();
        assert_eq!(once.len(), written.len(), "the file holds a verdict twice");
        let queued: Vec<String> =
            column(observer, "SELECT key FROM outbox WHERE sink = 'file' ORDER BY seq");
        assert!(
            queued.starts_with(&written),
            "the file is out of order: {written:?}, not {queued:?}"
        );
        let sent: Vec<String> =
            column(observer, "SELECT key FROM outbox WHERE sink = 'file' AND state = 'sent'");
        assert!(
            sent.iter().all(|key| once.contains(key)),
            "a verdict counts as sent and is in no file"
        );
        for key in &outside.told {
            assert!(verdicts.contains(key), "Wazuh was told of {key}, and no verdict is stored");
        }
        let mut told: Vec<&String> = Vec::new();
        for key in &outside.told {
            if told.contains(&key) {
                assert!(self.in_doubt.contains(key), "Wazuh was told of {key} twice without need");
            } else {
                told.push(key);
            }
        }
        let queued: Vec<String> =
            column(observer, "SELECT key FROM outbox WHERE sink = 'wazuh' ORDER BY seq");
        assert!(
            queued.iter().take(told.len()).eq(told.iter().copied()),
            "Wazuh was told out of order"
        );
    }

    fn check_people(&self, observer: &Connection) {
        let mut seen: Vec<String> = column(observer, "SELECT detail FROM audit");
        seen.extend(column::<String>(observer, "SELECT text FROM request"));
        let unique: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "a request happened twice");
        assert!(self.requests.is_subset(&unique), "a request is gone");
        assert!(unique.is_subset(&self.requests_tried), "a request that nobody made");
        let notes: Vec<String> = column(observer, "SELECT text FROM note");
        let applied: Vec<String> = column(observer, "SELECT detail FROM audit");
        assert_eq!(notes, applied, "notes and audit log disagree");
    }

    /// Requires that nothing is left to do.
    pub(super) fn check_done(&self, observer: &Connection, outside: &Outside) {
        let stored: BTreeSet<String> =
            column(observer, "SELECT alert_id FROM alert").into_iter().collect();
        let missing: Vec<&String> = self.sent.difference(&stored).collect();
        assert!(missing.is_empty(), "sent, and never stored: {missing:?}");
        for (what, sql) in [
            ("messages", "SELECT count(*) FROM outbox WHERE state <> 'sent'"),
            ("jobs", "SELECT count(*) FROM job"),
            ("requests", "SELECT count(*) FROM request"),
        ] {
            assert_eq!(column::<i64>(observer, sql)[0], 0, "{what} are left");
        }
        let verdicts: Vec<i64> = column(observer, "SELECT count(*) FROM verdict");
        assert_eq!(outside.written().len() as i64, verdicts[0], "a verdict is in no file");
    }
}

fn count(observer: &Connection, name: &str) -> u64 {
    let sql = format!("SELECT value FROM counter WHERE name = '{name}'");
    column::<i64>(observer, &sql).first().map_or(0, |value| value.cast_unsigned())
}
