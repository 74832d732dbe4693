//! What the store's file must hold after every step, as another process reads it: the promises of the desk as questions in SQL, each of which is
//! answered by a number of breaches.

use rusqlite::Connection;

/// Each promise with the question that counts where it is broken.
const PROMISES: [(&str, &str); 13] = [
    (
        "every alert has its incident",
        "SELECT count(*) FROM alert a WHERE NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = a.incident_id)",
    ),
    (
        "counts are exact",
        "SELECT count(*) FROM incident i WHERE alert_count <> (SELECT count(*) FROM alert a WHERE a.incident_id = i.id)",
    ),
    (
        "every job has its incident",
        "SELECT count(*) FROM job j WHERE NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = j.incident_id AND i.revision >= j.revision)",
    ),
    (
        "what asks for a verdict gets one or waits",
        "SELECT count(*) FROM incident i WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.incident_id = i.id)
             AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.incident_id = i.id AND v.revision = i.revision)",
    ),
    (
        "one message per verdict",
        "SELECT (SELECT count(*) FROM verdict) - (SELECT count(*) FROM outbox WHERE sink = 'file')",
    ),
    (
        "every message has its verdict",
        "SELECT count(*) FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM verdict v WHERE o.key = v.incident_id || ':' || v.revision)",
    ),
    (
        "Wazuh is told",
        "SELECT count(*) FROM verdict v WHERE v.threat_level >= 3 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.sink = 'wazuh'
             AND o.key = v.incident_id || ':' || v.revision) AND (SELECT body ->> '$.echo' FROM incident i WHERE i.id = v.incident_id) = 0",
    ),
    (
        "no echo goes to Wazuh",
        "SELECT count(*) FROM outbox o JOIN incident i ON i.id = o.incident_id WHERE o.sink = 'wazuh' AND i.body ->> '$.echo' = 1",
    ),
    (
        "no model hears an echo",
        "SELECT count(*) FROM verdict v JOIN incident i ON i.id = v.incident_id WHERE i.body ->> '$.echo' = 1 AND v.is_by_model",
    ),
    (
        "levels are in bounds",
        "SELECT count(*) FROM verdict WHERE threat_level NOT BETWEEN body ->> '$.bounds.floor' AND body ->> '$.bounds.ceiling'",
    ),
    (
        "the floor of a later verdict is no lower",
        "SELECT count(*) FROM verdict later JOIN verdict earlier ON earlier.incident_id = later.incident_id AND earlier.revision < later.revision
             WHERE later.body ->> '$.bounds.floor' < earlier.body ->> '$.bounds.floor'",
    ),
    (
        "talking to the analyst never helps",
        "SELECT count(*) FROM verdict v JOIN incident i ON i.id = v.incident_id AND i.revision = v.revision
             WHERE i.body ->> '$.injection' IS NOT NULL AND v.threat_level < 5",
    ),
    (
        "what was folded is kept",
        "SELECT coalesce((SELECT value FROM counter WHERE name = 'folded'), 0) - (SELECT count(*) FROM alert)",
    ),
];

/// Holds a store to all of them.
#[track_caller]
pub(super) fn assert_kept(observer: &Connection) {
    for (promise, sql) in PROMISES {
        let breaches: Option<i64> = observer
            .prepare_cached(sql)
            .and_then(|mut ask| ask.query_row([], |row| row.get(0)))
            .expect("an answer");
        assert_eq!(breaches.unwrap_or(0), 0, "{promise}");
    }
}
