//! A file that can't be used says why, and what to try.

use rusqlite::Connection;
use store::{Store, StoreFault};

use crate::sample::{batch, incident, job};

fn fault_of(folder: &std::path::Path) -> (StoreFault, String) {
    let error = Store::open(folder).expect_err("a store that can't be used");
    assert!(!error.hint().is_empty());
    (error.fault, error.cause)
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Store::open(folder.path()).expect("a store"));
    let connection = Connection::open(Store::path(folder.path())).expect("a second connection");
    connection.pragma_update(None, "user_version", 99).expect("a later version");
    drop(connection);
    let (fault, cause) = fault_of(folder.path());
    assert_eq!(fault, StoreFault::TooNew);
    assert!(cause.starts_with("its schema is version 99, this program knows up to "), "{cause}");
}

#[test]
fn a_store_of_the_first_version_is_brought_to_this_one_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = Connection::open(Store::path(folder.path())).expect("a new file");
    connection.execute_batch(include_str!("../../src/schema.sql")).expect("the first schema");
    let waiting = job(&incident("Q-1", 0), 3.0, 7);
    let body = serde_json::to_string(&waiting).expect("JSON");
    connection
        .execute("INSERT INTO job VALUES ('Q-1', 1, 3.0, 7, ?1)", [body])
        .expect("a job of the first version");
    connection.pragma_update(None, "user_version", 1).expect("the first version");
    drop(connection);
    for _ in 0..2 {
        let store = Store::open(folder.path()).expect("a store");
        assert_eq!(store.jobs(5).expect("read"), std::slice::from_ref(&waiting));
    }
    let connection = Connection::open(Store::path(folder.path())).expect("a second connection");
    let plan: String = connection
        .query_row(
            "EXPLAIN QUERY PLAN SELECT incident_id FROM job WHERE body ->> 'is_unjudged' ORDER BY queued_ms LIMIT 2",
            [],
            |row| row.get("detail"),
        )
        .expect("a plan");
    assert!(plan.contains("job_unjudged"), "{plan}");
}

#[test]
fn a_file_that_is_no_database_is_named_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    #[expect(clippy::disallowed_methods, reason = "a damaged file needs no atomic writer")]
    std::fs::write(
        Store::path(folder.path()),
        "not a database, but long enough to look at".repeat(100),
    )
    .expect("written");
    assert_eq!(fault_of(folder.path()).0, StoreFault::Corrupt);
}

#[test]
fn damage_in_the_middle_of_a_file_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    for number in 0..200 {
        let name = format!("Q-{number:03}");
        store.commit_batch(&batch(&incident(&name, number), &name, number)).expect("committed");
    }
    drop(store);
    let path = Store::path(folder.path());
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    for page in bytes.get_mut(middle..).expect("a half").chunks_mut(4096).step_by(2) {
        page.fill(0xa5);
    }
    #[expect(clippy::disallowed_methods, reason = "a damaged file needs no atomic writer")]
    std::fs::write(&path, bytes).expect("written");
    let found = Store::open(folder.path()).and_then(|store| store.faults());
    match found {
        Ok(faults) => assert!(!faults.is_empty()),
        Err(error) => assert_eq!(error.fault, StoreFault::Corrupt, "{error}"),
    }
}

#[test]
fn a_folder_that_is_not_there_is_no_place_for_a_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fault, _) = fault_of(&folder.path().join("missing"));
    assert_eq!(fault, StoreFault::ReadOnly);
    let error = Store::open_existing(folder.path()).expect_err("nothing there");
    assert!(error.to_string().starts_with("could not open `"), "{error}");
}

#[test]
fn two_processes_may_share_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut daemon = Store::open(folder.path()).expect("a store");
    let command = Store::open_existing(folder.path()).expect("the same store");
    daemon.commit_batch(&batch(&incident("Q-1", 0), "1.1", 0)).expect("committed");
    assert!(command.incident("Q-1").expect("read").is_some());
    command
        .leave_request(crate::sample::at(1), "eve", "close", &incident("Q-1", 0).id, "")
        .expect("left");
    assert_eq!(daemon.requests(5).expect("read").len(), 1);
}
