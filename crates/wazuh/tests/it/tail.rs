//! The tail of a file while it runs.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::tempdir;
use tokio::sync::mpsc;
use tokio::sync::watch;
use wazuh::Outcome;
use wazuh::Route;
use wazuh::intake::ALERT_BYTES_MAX;
use wazuh::intake::tail::LINES_MAX;
use wazuh::intake::tail::Poll;
use wazuh::intake::tail::StartAt;
use wazuh::intake::tail::Tail;

use crate::fixture::append;
use crate::fixture::assert_idle;
use crate::fixture::batch;
use crate::fixture::drain;
use crate::fixture::notices;
use crate::fixture::relink;
use crate::fixture::settle;
use crate::fixture::tail_from_start;
use crate::fixture::write;

#[test]
fn a_file_that_is_missing_at_first_is_read_from_its_start() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    let mut tail = Tail::new(&path, Route::Tail, StartAt::End, None);
    assert_idle(&mut tail);
    assert_idle(&mut tail);
    assert_eq!(tail.take_notices().len(), 1, "a missing file is told of once");
    write(&path, "one\ntwo\n");
    assert_eq!(drain(&mut tail), ["one", "two"]);
}

#[test]
fn starting_at_the_end_skips_what_is_there_and_records_the_place() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "old\nolder\n");
    let mut tail = Tail::new(&path, Route::Tail, StartAt::End, None);
    let first = batch(&mut tail);
    assert!(first.alerts.is_empty());
    assert_eq!(first.after.offset, 10);
    append(&path, "new\n");
    assert_eq!(drain(&mut tail), ["new"]);
}

#[test]
fn a_line_that_is_half_written_at_the_start_is_new() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "old\nhalf");
    let mut tail = Tail::new(&path, Route::Tail, StartAt::End, None);
    assert_eq!(batch(&mut tail).after.offset, 4);
    append(&path, " and half\n");
    assert_eq!(drain(&mut tail), ["half and half"]);
}

#[test]
fn starting_at_the_end_inside_a_huge_line_gives_no_piece_of_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, vec![b'x'; ALERT_BYTES_MAX + 10]);
    let mut tail = Tail::new(&path, Route::Tail, StartAt::End, None);
    assert!(batch(&mut tail).alerts.is_empty());
    append(&path, "\nnext\n");
    let texts = drain(&mut tail);
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().any(|text| text == "next"));
    assert!(texts.iter().any(|text| text.starts_with("rejected: the line has")));
}

#[test]
fn half_a_line_is_never_delivered() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\ntw");
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail), ["one"]);
    append(&path, "o");
    assert_eq!(drain(&mut tail), [""; 0]);
    append(&path, "\n");
    let last = batch(&mut tail);
    assert_eq!(last.alerts, [b"two"]);
    assert_eq!((last.before.offset, last.after.offset), (4, 8));
}

#[test]
fn empty_lines_are_skipped_and_garbage_is_passed_on() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, b"\n\r\n{broken\n\0\0\nlast\xff\r\n");
    let mut tail = tail_from_start(&path);
    let all = batch(&mut tail);
    assert_eq!(all.alerts, [b"{broken".as_slice(), b"\0\0", b"last\xff"]);
    assert_eq!(all.after.offset, std::fs::metadata(&path).unwrap().len());
}

#[test]
fn a_line_past_the_limit_is_rejected_and_the_next_one_is_read() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "before\n");
    append(&path, vec![b'x'; 3 * ALERT_BYTES_MAX]);
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail), ["before"]);
    append(&path, "\nafter\n");
    let rest = batch(&mut tail);
    assert_eq!(rest.alerts, [b"after"]);
    assert_eq!(rest.rejected.len(), 1);
    assert_eq!(rest.rejected[0].bytes.len(), 4096);
    assert_eq!(rest.rejected[0].reason, "the line has 3145728 bytes, the limit is 1048576");
    assert_eq!(rest.after.offset, std::fs::metadata(&path).unwrap().len());
}

#[test]
fn a_flood_comes_in_bounded_batches_without_gaps() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    let lines: Vec<String> = (0..3000).map(|number| format!("{number:01500}")).collect();
    write(&path, lines.join("\n") + "\n");
    let mut tail = tail_from_start(&path);
    let (mut seen, mut place) = (Vec::new(), 0);
    while let Poll::Batch(batch) = tail.poll_once().unwrap() {
        assert!(batch.alerts.len() <= LINES_MAX);
        assert_eq!(batch.before.offset, place);
        place = batch.after.offset;
        seen.extend(batch.alerts);
    }
    assert_eq!(seen.len(), 3000);
    assert!(seen.iter().zip(&lines).all(|(seen, line)| seen == line.as_bytes()));
}

#[test]
fn long_lines_make_smaller_batches() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    let line = "y".repeat(400_000) + "\n";
    write(&path, line.repeat(10));
    let mut tail = tail_from_start(&path);
    while let Poll::Batch(batch) = tail.poll_once().unwrap() {
        assert!(batch.alerts.len() <= 3, "{} long lines at once", batch.alerts.len());
    }
}

#[test]
fn after_a_rotation_the_old_file_is_finished_first() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("alerts.json");
    let (day_one, day_two) = (dated(&live, "24"), dated(&live, "25"));
    relink(&live, &day_one, "one\n");
    let mut tail = tail_from_start(&live);
    assert_eq!(drain(&mut tail), ["one"]);
    append(&day_one, "two\n");
    relink(&live, &day_two, "three\n");
    assert_eq!(drain(&mut tail), ["two", "three"]);
    append(&live, "four\n");
    assert_eq!(drain(&mut tail), ["four"]);
}

#[test]
fn the_moment_between_unlink_and_link_is_waited_out() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("alerts.json");
    let day_one = dated(&live, "24");
    relink(&live, &day_one, "one\n");
    let mut tail = tail_from_start(&live);
    assert_eq!(drain(&mut tail), ["one"]);
    std::fs::remove_file(&live).unwrap();
    assert_idle(&mut tail);
    append(&day_one, "late\n");
    assert_eq!(drain(&mut tail), ["late"]);
    relink(&live, &dated(&live, "25"), "two\n");
    assert_eq!(drain(&mut tail), ["two"]);
}

#[test]
fn an_empty_new_file_does_not_end_the_old_one() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("access.log");
    let old = directory.path().join("access.log.1");
    write(&live, "one\n");
    let mut tail = Tail::new(&live, Route::Log, StartAt::Beginning, None);
    assert_eq!(drain(&mut tail), ["one"]);
    // As logrotate with `create`: the web server still has the old file open.
    std::fs::rename(&live, &old).unwrap();
    write(&live, "");
    assert_idle(&mut tail);
    append(&old, "two\n");
    assert_eq!(drain(&mut tail), ["two"]);
    append(&live, "three\n");
    assert_eq!(drain(&mut tail), ["three"]);
}

#[test]
fn a_torn_last_line_of_a_rotated_file_is_rejected() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("alerts.json");
    relink(&live, &dated(&live, "24"), "one\n{\"torn\":");
    let mut tail = tail_from_start(&live);
    assert_eq!(drain(&mut tail), ["one"]);
    relink(&live, &dated(&live, "25"), "two\n");
    assert_eq!(
        drain(&mut tail),
        ["rejected: the file was rotated in the middle of a line, after 8 of its bytes", "two"]
    );
}

#[test]
fn files_in_between_two_rotations_are_read_too() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("alerts.json");
    relink(&live, &dated(&live, "24"), "one\n");
    let mut tail = tail_from_start(&live);
    assert_eq!(drain(&mut tail), ["one"]);
    relink(&live, &dated(&live, "24-001"), "two\n");
    relink(&live, &dated(&live, "24-002"), "three\n");
    assert_eq!(drain(&mut tail), ["two", "three"]);
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\ntwo\nthree\n");
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail).len(), 3);
    // `write` truncates and keeps the inode, as copy-truncate does.
    write(&path, "new\n");
    assert_eq!(drain(&mut tail), ["new"]);
}

#[test]
fn a_truncated_file_that_has_outgrown_our_place_is_recognised() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\n");
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail), ["one"]);
    write(&path, "first of many\nsecond of many\n");
    assert_eq!(drain(&mut tail), ["first of many", "second of many"]);
    // And at exactly the size that it had.
    write(&path, "FIRST of many\nSECOND of many\n");
    assert_eq!(drain(&mut tail), ["FIRST of many", "SECOND of many"]);
}

#[test]
fn a_half_line_that_vanishes_in_a_truncation_is_told_of() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\nhalf");
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail), ["one"]);
    write(&path, "");
    assert_eq!(
        drain(&mut tail),
        ["rejected: the file was truncated in the middle of a line, after 4 of its bytes"]
    );
    append(&path, "line\n");
    assert_eq!(drain(&mut tail), ["line"]);
}

#[test]
fn a_half_line_that_is_taken_back_is_read_again() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\nhalf");
    let mut tail = tail_from_start(&path);
    assert_eq!(drain(&mut tail), ["one"]);
    std::fs::File::options().write(true).open(&path).unwrap().set_len(4).unwrap();
    assert_eq!(drain(&mut tail), [""; 0]);
    append(&path, "two\n");
    assert_eq!(drain(&mut tail), ["two"]);
}

#[test]
fn a_directory_in_place_of_the_file_is_an_error_with_a_hint() {
    let directory = tempdir().unwrap();
    let mut tail = tail_from_start(directory.path());
    let error = tail.poll_once().unwrap_err().to_string();
    assert!(error.contains("is not a regular file\nhint: name the live file itself"), "{error}");
}

#[test]
fn a_file_that_may_not_be_read_is_an_error_that_names_the_group() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut tail = tail_from_start(&path);
    // Root may read everything; then there is nothing to see here.
    if let Err(error) = tail.poll_once() {
        assert!(error.to_string().contains("group `wazuh`"), "{error}");
    }
}

#[tokio::test]
async fn the_loop_delivers_and_goes_back_to_what_was_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "one\n");
    let (sender, mut receiver) = mpsc::channel(4);
    let (stop, shutdown) = watch::channel(false);
    let (notify, said) = notices();
    let running = wazuh::intake::tail::run(tail_from_start(&path), sender, shutdown, notify);
    let daemon = async move {
        let first = receiver.recv().await.unwrap();
        assert_eq!(settle(first, Outcome::Refused("the store is full".to_owned())), ["one"]);
        let again = receiver.recv().await.unwrap();
        assert_eq!(again.receipt.checkpoint.as_ref().unwrap().offset, 4);
        assert_eq!(settle(again, Outcome::Committed), ["one"]);
        append(&path, "two\n");
        // A receipt that is dropped is a refusal too.
        drop(receiver.recv().await.unwrap());
        let again = receiver.recv().await.unwrap();
        assert_eq!(settle(again, Outcome::Committed), ["two"]);
        stop.send(true).unwrap();
    };
    let (ended, ()) = tokio::join!(running, daemon);
    ended.unwrap();
    assert!(said.lock().unwrap().iter().any(|text| text.contains("the store is full")));
}

#[tokio::test(start_paused = true)]
async fn the_loop_reads_on_while_commits_are_open_but_not_without_end() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("alerts.json");
    write(&path, "x\n".repeat(100 * LINES_MAX));
    let (sender, mut receiver) = mpsc::channel(64);
    let (stop, shutdown) = watch::channel(false);
    let (notify, _) = notices();
    let running = wazuh::intake::tail::run(tail_from_start(&path), sender, shutdown, notify);
    let daemon = async move {
        let mut open = Vec::new();
        for _ in 0..36 {
            open.push(receiver.recv().await.unwrap());
        }
        // The clock is paused: the wait ends only when the tail has nothing left to do.
        let more = tokio::time::timeout(Duration::from_secs(60), receiver.recv()).await;
        assert!(more.is_err(), "more deliveries are under way than allowed");
        let mut count = 0;
        for delivery in open {
            count += settle(delivery, Outcome::Committed).len();
        }
        while count < 100 * LINES_MAX {
            count += settle(receiver.recv().await.unwrap(), Outcome::Committed).len();
        }
        stop.send(true).unwrap();
    };
    let (ended, ()) = tokio::join!(running, daemon);
    ended.unwrap();
}

/// The dated name that Wazuh links the live file to.
fn dated(live: &std::path::Path, day: &str) -> std::path::PathBuf {
    live.with_file_name(format!("2026/Nov/ossec-alerts-{day}.json"))
}
