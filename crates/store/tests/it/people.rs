//! Requests, notes, and an audit log that can't be changed unseen.

use alert::incident::State;
use rusqlite::Connection;
use store::{Store, StoreFault};

use crate::sample::{at, batch, incident};

/// A store in which a person closed an incident and wrote two notes.
fn told(folder: &std::path::Path) -> Store {
    let mut store = Store::open(folder).expect("a store");
    let mut one = incident("Q-1", 0);
    store.commit_batch(&batch(&one, "1.1", 0)).expect("committed");
    for (second, action, text) in
        [(1, "note", "seen"), (2, "close", "a test of ours"), (3, "note", "")]
    {
        let seq = store.leave_request(at(second), "eve", action, &one.id, text).expect("left");
        assert!(store.request_waits(seq).expect("read"));
        let request = store.requests(10).expect("read").remove(0);
        one.state = if action == "close" { State::Closed } else { one.state };
        store.apply_request(&request, Some(&one), None).expect("applied");
        assert!(!store.request_waits(seq).expect("read"));
    }
    store
}

#[test]
fn a_request_is_applied_once_with_its_note_and_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = told(folder.path());
    assert!(store.requests(10).expect("read").is_empty());
    assert_eq!(store.incident("Q-1").expect("read").expect("an incident").state, State::Closed);
    let notes: Vec<String> = store
        .notes(&incident("Q-1", 0).id)
        .expect("read")
        .into_iter()
        .map(|note| note.text)
        .collect();
    assert_eq!(notes, ["seen", "a test of ours"]);
    let lines: Vec<String> = store
        .audit()
        .expect("a proven log")
        .into_iter()
        .map(|line| format!("{} {} {}", line.who, line.action, line.subject))
        .collect();
    assert_eq!(lines, ["eve note Q-1", "eve close Q-1", "eve note Q-1"]);
}

#[test]
fn whoever_changes_or_removes_a_line_of_the_audit_log_is_seen() {
    for (change, line) in [
        ("UPDATE audit SET who = 'mallory' WHERE seq = 2", 2),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 1", 1),
        ("UPDATE audit SET detail = 'seen by all' WHERE seq = 1", 1),
        ("UPDATE audit SET subject = 'Q-2' WHERE seq = 3", 3),
        ("UPDATE audit SET hash = 'a hash of another line' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("UPDATE audit SET action = 'clos', subject = 'eQ-1' WHERE seq = 2", 2),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        drop(told(folder.path()));
        let tamper = Connection::open(Store::path(folder.path())).expect("a second connection");
        assert_eq!(tamper.execute(change, []).expect("changed"), 1);
        let error =
            Store::open_existing(folder.path()).expect("a store").audit().expect_err(change);
        assert_eq!(error.fault, StoreFault::Corrupt);
        assert_eq!(
            error.to_string(),
            format!(
                "could not prove the audit log: line {line} was changed, or one before it was removed"
            )
        );
    }
}
