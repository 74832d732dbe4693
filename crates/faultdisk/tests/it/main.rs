//! What the disk promises to a test, seen through SQLite.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use faultdisk::{Aftermath, Disk, Fault};
use rusqlite::{Connection, ErrorCode};

fn open(disk: &Disk, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(disk.folder().join("test.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS line (number INTEGER PRIMARY KEY, text TEXT)")?;
    Ok(connection)
}

/// Inserts until it fails. Gives the number of the last line that was acknowledged.
fn insert(connection: &Connection, from: u32, to: u32) -> u32 {
    for number in from..=to {
        let text = format!("{number:0700}");
        if connection.execute("INSERT INTO line VALUES (?1, ?2)", (number, text)).is_err() {
            return number - 1;
        }
    }
    to
}

fn held(connection: &Connection) -> u32 {
    let broken: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken, "ok");
    let (count, highest): (u32, u32) = connection
        .query_row("SELECT count(*), coalesce(max(number), 0) FROM line", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(count, highest, "a hole");
    highest
}

#[test]
fn files_outside_its_folders_are_sqlites_own_business() {
    let _disk = Disk::new(1);
    let folder = std::env::temp_dir().join(format!("faultdisk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("real.db");
    drop(std::fs::remove_file(&path));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE x (y)").unwrap();
    drop(connection);
    assert!(std::fs::metadata(&path).unwrap().len() > 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn two_connections_see_one_another_and_wait_for_one_another() {
    let disk = Disk::new(1);
    let (one, other) = (open(&disk, "FULL").unwrap(), open(&disk, "FULL").unwrap());
    insert(&one, 1, 3);
    assert_eq!(held(&other), 3);
    one.execute_batch("BEGIN IMMEDIATE").unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let refused = other.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
}

#[test]
fn at_every_operation_a_stop_keeps_what_was_acknowledged_and_nothing_by_halves() {
    for aftermath in [Aftermath::Killed, Aftermath::PowerCut] {
        let mut stops = 0;
        for at in 0.. {
            let disk = Disk::new(at);
            disk.arm(at, Fault::Stop);
            let acknowledged = open(&disk, "FULL").map_or(0, |connection| {
                let acknowledged = insert(&connection, 1, 12);
                drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
                acknowledged
            });
            let is_over = !disk.is_stopped();
            disk.restart(aftermath);
            let found = held(&open(&disk, "FULL").unwrap());
            assert!(
                found == acknowledged || found == acknowledged + 1,
                "{at}: {acknowledged} became {found}"
            );
            if is_over {
                break;
            }
            stops += 1;
        }
        assert!(stops > 60, "only {stops} operations");
    }
}

#[test]
fn without_flushes_a_power_cut_loses_what_was_acknowledged() {
    let lost = (0..50).filter(|seed| {
        let disk = Disk::new(*seed);
        let connection = open(&disk, "OFF").unwrap();
        let acknowledged = insert(&connection, 1, 12);
        disk.restart(Aftermath::PowerCut);
        drop(connection);
        open(&disk, "OFF").map_or(true, |connection| {
            let count =
                connection.query_row("SELECT count(*) FROM line", [], |row| row.get::<_, u32>(0));
            count != Ok(acknowledged)
        })
    });
    assert!(lost.count() > 25);
    // And killing the process alone loses nothing, flushed or not.
    let disk = Disk::new(1);
    let connection = open(&disk, "OFF").unwrap();
    let acknowledged = insert(&connection, 1, 12);
    disk.restart(Aftermath::Killed);
    drop(connection);
    assert_eq!(held(&open(&disk, "OFF").unwrap()), acknowledged);
}

#[test]
fn a_full_disk_says_so_and_takes_the_rest_once_there_is_room() {
    let disk = Disk::new(3);
    let connection = open(&disk, "FULL").unwrap();
    disk.arm(4, Fault::Full);
    let acknowledged = insert(&connection, 1, 100);
    assert!(acknowledged < 100);
    let error =
        connection.execute("INSERT INTO line VALUES (1000, zeroblob(50000))", []).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    disk.mend();
    assert_eq!(insert(&connection, acknowledged + 1, 100), 100);
    disk.restart(Aftermath::PowerCut);
    drop(connection);
    assert_eq!(held(&open(&disk, "FULL").unwrap()), 100);
}

#[test]
fn a_flush_that_fails_and_forgets_is_an_error_and_harms_nothing_that_was_acknowledged() {
    for fault in [Fault::FlushFails(2), Fault::WriteFails(2)] {
        for at in 0..60 {
            let disk = Disk::new(at);
            let connection = open(&disk, "FULL").unwrap();
            disk.arm(at, fault);
            let mut acknowledged = 0;
            for _ in 0..40 {
                acknowledged = insert(&connection, acknowledged + 1, 20);
                drop(connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)"));
            }
            assert!(disk.is_faulty());
            assert_eq!(acknowledged, 20);
            disk.restart(Aftermath::PowerCut);
            drop(connection);
            assert_eq!(held(&open(&disk, "FULL").unwrap()), 20, "{fault:?} at {at}");
        }
    }
}
