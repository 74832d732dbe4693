//! From version 2 on: alerts move into blocks, byte by byte, and what is known stays known.

use alert::{AlertKey, Fingerprint, Timestamp};
use rusqlite::{Connection, params};
use store::{Batch, Counts, Retention, Store, Totals};

use crate::sample::{alert, at, batch, incident, job, verdict};

/// An alert as version 2 kept it: its key is the hash alone, its time the one it counts for.
struct Old {
    hash: Fingerprint,
    /// What the alert names itself, if it can be read.
    own_time: Option<Timestamp>,
    raw: Vec<u8>,
}

/// A store of version 2 with two incidents of an actor, one closed, and alerts of every kind.
fn version_2(folder: &std::path::Path, count: usize) -> Vec<Old> {
    let connection = Connection::open(Store::path(folder)).expect("a new file");
    for step in [include_str!("../../src/schema.sql"), include_str!("../../src/schema-2.sql")] {
        connection.execute_batch(step).expect("a step");
    }
    connection.execute_batch("BEGIN").expect("begun");
    let mut alerts = Vec::new();
    for number in 0..count {
        let second = i64::try_from(number).expect("small");
        let own_time = (number % 7 != 3).then(|| at(second));
        let raw = match (number % 7, own_time) {
            (5, _) => b"\xff no JSON".to_vec(),
            (_, Some(time)) => {
                format!("{{\"timestamp\":\"{time}\",\"id\":\"1.{number}\",\"text\":\"a\"}}").into()
            }
            _ => format!("{{\"id\":\"1.{number}\"}}").into(),
        };
        let own_time = own_time.filter(|_| number % 7 != 5);
        let hash = Fingerprint::of(["alert", &number.to_string()]);
        connection
            .execute(
                "INSERT INTO alert (key, incident_id, alert_id, time_ms, rule_id, level, raw) VALUES (?1, ?2, ?3, ?4, '31106', 6, ?5)",
                // It counts for its arrival where it names no time, and where that lies ahead.
                params![
                    hash.as_bytes(),
                    format!("Q-{}", number % 2),
                    format!("1.{number}"),
                    at(second + 1).as_millis(),
                    raw
                ],
            )
            .expect("an alert");
        alerts.push(Old { hash, own_time, raw });
    }
    for (name, state) in [("Q-0", "open"), ("Q-1", "closed")] {
        let body = serde_json::to_string(&incident(name, 0)).expect("JSON");
        connection
            .execute(
                "INSERT INTO incident VALUES (?1, ?2, '203.0.113.9', 'address', 'web01', 'xss', ?3, 1, 0, 0, 1, NULL, ?4)",
                params![name, Fingerprint::of([name]).as_bytes(), state, body],
            )
            .expect("an incident");
        let body = serde_json::to_string(&job(&incident(name, 0), 3.0, 7)).expect("JSON");
        connection
            .execute("INSERT INTO job VALUES (?1, 1, 3.0, 7, ?2)", [name, &body])
            .expect("a job");
    }
    connection.execute_batch("COMMIT").expect("committed");
    connection.pragma_update(None, "user_version", 2).expect("the second version");
    alerts
}

fn key(old: &Old) -> AlertKey {
    AlertKey { time: old.own_time.unwrap_or(Timestamp::EPOCH), hash: old.hash }
}

#[test]
fn every_alert_of_version_2_is_there_as_it_came_and_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    // More than one read of the move, and many blocks.
    let old = version_2(folder.path(), 4_500);
    for _ in 0..2 {
        let store = Store::open(folder.path()).expect("a store");
        // Each read unpacks a block, so some of each are enough.
        for alert in old.iter().step_by(61) {
            let raw = store.raw_alert(&key(alert)).expect("read").expect("there");
            assert_eq!(raw, alert.raw);
        }
        let keys: Vec<AlertKey> = old.iter().map(key).collect();
        assert_eq!(store.known_keys(&keys).expect("read").len(), old.len());
        let ids = store.alert_ids(&incident("Q-0", 0).id).expect("read");
        assert_eq!(ids.len(), 2_250);
        assert_eq!(
            (ids[0].as_str(), ids[1].as_str(), ids[2_249].as_str()),
            ("1.0", "1.2", "1.4498")
        );
        let totals = store.totals().expect("read");
        assert_eq!((totals.incidents, totals.incidents_open, totals.campaigns), (2, 1, 1));
        assert_eq!(store.queue_depth().expect("read").0, 2);
        assert_eq!(store.faults().expect("checked"), Vec::<String>::new());
    }
}

#[test]
fn a_move_that_was_cut_short_leaves_version_2_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    version_2(folder.path(), 10);
    let connection = Connection::open(Store::path(folder.path())).expect("a second connection");
    // A key that can't be one stops the move in its middle.
    connection.execute("UPDATE alert SET key = x'00' WHERE seq = 7", []).expect("broken");
    Store::open(folder.path()).expect_err("the move failed");
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
    let alerts: i64 =
        connection.query_row("SELECT count(raw) FROM alert", [], |row| row.get(0)).expect("read");
    assert_eq!((version, alerts), (2, 10));
}

/// Counts what the sums are to say.
fn counted(connection: &Connection) -> [u64; 4] {
    [
        "SELECT count(*) FROM incident",
        "SELECT count(*) FROM incident WHERE state <> 'closed'",
        "SELECT count(*) FROM (SELECT 1 FROM incident WHERE actor_kind IN ('address', 'user') GROUP BY actor HAVING count(*) > 1)",
        "SELECT count(*) FROM job",
    ]
    .map(|sql| {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0)).expect("counted");
        u64::try_from(number).expect("a count")
    })
}

#[test]
fn sums_that_are_kept_say_what_counting_says() {
    use alert::incident::{Actor, State};
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    let second = Connection::open(Store::path(folder.path())).expect("a second connection");
    let check = |store: &Store| {
        let Totals { incidents, incidents_open, campaigns, .. } = store.totals().expect("read");
        let jobs = store.queue_depth().expect("read").0;
        assert_eq!([incidents, incidents_open, campaigns, jobs], counted(&second));
        incidents
    };
    let actors = [
        Actor::Address("203.0.113.1".to_owned()),
        Actor::User("eve".to_owned()),
        Actor::Host("eve".to_owned()),
        Actor::Many,
    ];
    for number in 0_usize..60 {
        let mut one =
            incident(&format!("Q-{}", number % 24), i64::try_from(number).expect("small"));
        one.actor = actors[number % 24 % actors.len()].clone();
        one.state = [State::Open, State::Closed, State::Quiet][number * 7 % 3];
        store.commit_batch(&batch(&one, &format!("1.{number}"), 0)).expect("committed");
        check(&store);
        if number % 3 == 0 {
            store.commit_verdict(&verdict(&one, 5, 1), &[], None).expect("committed");
        }
        if number % 5 == 0 {
            store.drop_job(&one.id).expect("dropped");
        }
        check(&store);
    }
    assert_eq!(check(&store), 24);
    store.settle_quiet(at(1_000)).expect("settled");
    check(&store);
    for name in 0..24 {
        store.drop_job(&incident(&format!("Q-{name}"), 0).id).expect("dropped");
    }
    let retention = Retention { older_than: at(50), dead_letters_max: 0 };
    while store.sweep(&retention).expect("swept") > 0 {
        check(&store);
    }
    let left = check(&store);
    assert!((1..24).contains(&left), "{left} are left");
}

#[test]
fn the_bytes_of_alerts_go_with_the_last_alert_of_their_block_and_numbers_are_not_given_twice() {
    let mut store = Store::open_in_memory().expect("a store");
    let (old, new) = (incident("Q-1", 0), incident("Q-2", 100_000));
    let mut both = batch(&old, "1.1", 0);
    both.alerts.push(alert("1.2", &new));
    both.incidents.push(new.clone());
    both.counts = Counts { accepted: 2, folded: 2, ..Counts::default() };
    store.commit_batch(&both).expect("committed");
    for (name, of) in [("1.1", &old), ("1.2", &new)] {
        let raw = store.raw_alert(&alert(name, of).key).expect("read").expect("there");
        assert_eq!(raw, alert(name, of).raw);
    }
    store.drop_job(&old.id).expect("dropped");
    let sweep = |store: &mut Store, second| {
        let retention = Retention { older_than: at(second), dead_letters_max: 0 };
        while store.sweep(&retention).expect("swept") > 0 {}
    };
    // The block is as new as its newest alert, so its old one is kept with it.
    sweep(&mut store, 50_000);
    assert_eq!(
        store.raw_alert(&alert("1.2", &new).key).expect("read").map(|raw| raw.len()),
        Some(12)
    );
    sweep(&mut store, 200_000);
    assert_eq!(store.alert_ids(&new.id).expect("read"), [""; 0]);
    assert_eq!(store.raw_alert(&alert("1.2", &new).key).expect("read"), None);
    store
        .commit_batch(&Batch { alerts: vec![alert("1.3", &new)], ..Batch::default() })
        .expect("committed");
    assert_eq!(
        store.raw_alert(&alert("1.3", &new).key).expect("read").map(|raw| raw.len()),
        Some(12)
    );
}

#[test]
fn what_runs_with_every_batch_goes_through_no_table_row_by_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    for number in 0..20 {
        let one = incident(&format!("Q-{number}"), number);
        store.commit_batch(&batch(&one, &format!("1.{number}"), 0)).expect("committed");
    }
    let connection = Connection::open(Store::path(folder.path())).expect("a second connection");
    let sources = [
        include_str!("../../src/alerts.rs"),
        include_str!("../../src/incidents.rs"),
        include_str!("../../src/list.rs"),
    ];
    let mut looked = 0;
    for sql in sources.iter().flat_map(|source| source.split('"')) {
        if !sql.trim_start().starts_with("SELECT") {
            continue;
        }
        let mut run = connection.prepare(sql).expect("a statement");
        let anything = vec![1; run.parameter_count()];
        let mut rows = run.query(rusqlite::params_from_iter(anything)).expect("run");
        while rows.next().expect("a row").is_some() {}
        drop(rows);
        let steps = run.get_status(rusqlite::StatementStatus::FullscanStep);
        assert_eq!(steps, 0, "{sql}");
        looked += 1;
    }
    assert!(looked >= 15, "{looked} statements");
}
