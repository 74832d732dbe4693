//! A store that fails in the middle: nothing is half done, memory does not run ahead of disk, and the next try does it once.
//!
//! Faults come from triggers that another connection puts on a table: whatever is written there fails, and so must everything that
//! belongs to it.

use rusqlite::types::ValueRef;

use super::*;

/// Every table that holds state.
pub(super) const TABLES: [&str; 10] = [
    "alert",
    "incident",
    "job",
    "verdict",
    "outbox",
    "counter",
    "dead_letter",
    "checkpoint",
    "request",
    "note",
];

/// Writes everything that the store holds, line by line.
pub(super) fn dump(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    for table in TABLES.iter().chain(&["audit"]) {
        let mut select =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY rowid")).expect("a table");
        let columns = select.column_count();
        let mut rows = select.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let cells = (0..columns).map(|at| match row.get_ref(at).expect("a cell") {
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            });
            lines.push(format!("{table}: {}", cells.collect::<Vec<_>>().join(" ")));
        }
    }
    lines
}

/// Compares what the store holds with what it held, and names the lines that differ.
pub(super) fn assert_unchanged(before: &[String], connection: &Connection, why: &str) {
    let after = dump(connection);
    let lost: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    let came: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(lost.is_empty() && came.is_empty(), "{why}\nbefore: {lost:#?}\nafter: {came:#?}");
}

/// Makes every change of a table fail until [`mend`].
pub(super) fn break_table(connection: &Connection, table: &str) {
    for change in ["INSERT", "UPDATE", "DELETE"] {
        let trigger = format!(
            "CREATE TRIGGER fault_{change} BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
        );
        connection.execute_batch(&trigger).expect("a trigger");
    }
}

pub(super) fn mend(connection: &Connection) {
    connection
        .execute_batch(
            "DROP TRIGGER fault_INSERT; DROP TRIGGER fault_UPDATE; DROP TRIGGER fault_DELETE",
        )
        .expect("mended");
}

/// Does something on a broken store, sees that it left nothing behind, and gives what the second try gives.
fn twice<T, E: std::fmt::Debug>(
    observer: &Connection,
    table: &str,
    desk: &mut Desk,
    act: impl Fn(&mut Desk) -> Result<T, E>,
) -> T {
    let before = dump(observer);
    break_table(observer, table);
    let broken = act(desk);
    mend(observer);
    assert!(broken.is_err(), "a broken {table} went unnoticed");
    assert_unchanged(&before, observer, &format!("a broken {table} left something half done"));
    act(desk).expect("the second try")
}

#[test]
fn a_batch_that_could_not_be_committed_happens_once_at_the_second_try() {
    for table in ["alert", "incident", "job", "counter"] {
        let folder = folder();
        let (mut desk, observer) = (open(folder.path(), at(0)), observer(folder.path()));
        desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 404)]), at(0)).expect("taken");
        let batch = arrivals(vec![attack(2, "203.0.113.9", 200), attack(3, "203.0.113.10", 200)]);
        let taken = twice(&observer, table, &mut desk, |desk| desk.take_in(&batch, at(1)));
        assert_eq!(taken.counts.folded, 2, "{table}");
        let counts = desk.store.counts().expect("counts");
        assert_eq!((counts.accepted, counts.folded, counts.duplicate), (3, 3, 0), "{table}");
        let incidents = desk.store.incidents(&store::IncidentFilter::default()).expect("incidents");
        let sum: u64 = incidents.iter().map(|row| row.incident.alert_count).sum();
        assert_eq!((incidents.len(), sum), (2, 3), "{table}");
    }
}

#[test]
fn a_verdict_that_could_not_be_committed_happens_once_at_the_second_try() {
    for table in ["verdict", "outbox", "job", "incident", "counter"] {
        for capacity in [Capacity::NoModel, Capacity::Down] {
            let folder = folder();
            let (mut desk, observer) = (open(folder.path(), at(0)), observer(folder.path()));
            desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
            let case = desk.next_cases(at(3600), &[], capacity).expect("cases").remove(0);
            let said = by_playbook(&case, at(3600));
            assert!(
                twice(&observer, table, &mut desk, |desk| desk.settle(&case, &said)),
                "{table}"
            );
            let id = &case.incident.id;
            assert_eq!(desk.store.verdicts(id).expect("verdicts").len(), 1, "{table}");
            let revision =
                desk.store.incident(id.as_str()).expect("read").expect("an incident").revision;
            assert_eq!(revision, if capacity == Capacity::Down { 2 } else { 1 }, "{table}");
        }
    }
}

#[test]
fn a_persons_request_that_could_not_be_applied_happens_once_at_the_second_try() {
    for table in ["incident", "note", "audit", "request"] {
        for action in ["close", "judge"] {
            let folder = folder();
            let (mut desk, observer) = (open(folder.path(), at(0)), observer(folder.path()));
            desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
            let id = desk.store.jobs(1).expect("jobs").remove(0).incident_id;
            desk.store.leave_request(at(1), "eve", action, &id, "seen").expect("left");
            let applied = twice(&observer, table, &mut desk, |desk| desk.apply_requests(at(2)));
            assert_eq!(applied, 1);
            let incident = desk.store.incident(id.as_str()).expect("read").expect("an incident");
            let expected = if action == "close" { (State::Closed, 1) } else { (State::Open, 2) };
            assert_eq!(
                (incident.state, incident.revision),
                expected,
                "{action} with a broken {table}"
            );
            assert_eq!(
                desk.store.audit().expect("a proven log").len(),
                1,
                "{action} with a broken {table}"
            );
        }
    }
}

#[test]
fn a_request_that_failed_does_not_slip_in_with_the_next_alert() {
    let folder = folder();
    let (mut desk, observer) = (open(folder.path(), at(0)), observer(folder.path()));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    let id = desk.store.jobs(1).expect("jobs").remove(0).incident_id;
    desk.store.leave_request(at(1), "eve", "close", &id, "").expect("left");
    break_table(&observer, "audit");
    desk.apply_requests(at(2)).expect_err("a broken log");
    desk.take_in(&arrivals(vec![attack(2, "203.0.113.9", 200)]), at(3)).expect("taken");
    mend(&observer);
    let incident = desk.store.incident(id.as_str()).expect("read").expect("an incident");
    assert_eq!(
        (incident.state, incident.alert_count),
        (State::Open, 2),
        "closed without a line in the audit log"
    );
}
