//! The tail after a restart, with the checkpoint that the daemon committed.

use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;
use tempfile::tempdir;
use wazuh::Checkpoint;
use wazuh::Route;
use wazuh::intake::tail::StartAt;
use wazuh::intake::tail::Tail;

use crate::fixture::append;
use crate::fixture::batch;
use crate::fixture::drain;
use crate::fixture::relink;
use crate::fixture::tail_from_start;
use crate::fixture::write;

/// Longer than a fingerprint, so that content alone identifies the file.
fn long_line(number: u32) -> String {
    format!("{number:0400}")
}

fn dated(live: &Path, day: &str) -> PathBuf {
    live.with_file_name(format!("2026/Nov/ossec-alerts-{day}.json"))
}

/// A followed file after all of it was read, and the place that was recorded then.
struct Read {
    live: PathBuf,
    checkpoint: Checkpoint,
    /// The files go when this does.
    directory: TempDir,
}

impl Read {
    fn of(make: impl FnOnce(&Path)) -> Self {
        let directory = tempdir().unwrap();
        let live = directory.path().join("alerts.json");
        make(&live);
        let checkpoint = batch(&mut tail_from_start(&live)).after;
        Self { live, checkpoint, directory }
    }
}

/// Reads a file that holds `text`.
fn read(text: impl AsRef<[u8]>) -> Read {
    Read::of(|live| write(live, text))
}

/// Reads a file that holds `text` and is linked to a dated one, as Wazuh's are.
fn read_dated(text: impl AsRef<[u8]>) -> Read {
    Read::of(|live| relink(live, &dated(live, "24"), text))
}

fn restarted(live: &Path, checkpoint: Checkpoint) -> Tail {
    Tail::new(live, Route::Tail, StartAt::End, Some(checkpoint))
}

#[test]
fn reading_goes_on_at_the_checkpoint() {
    let Read { live, checkpoint, directory: _directory } = read("one\ntwo\n");
    append(&live, "three\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["three"]);
}

#[test]
fn a_file_that_was_rotated_before_anything_of_it_was_stored_is_read_whole() {
    let directory = tempdir().unwrap();
    let live = directory.path().join("alerts.json");
    write(&live, "one\ntwo\n");
    let mut first = Tail::new(&live, Route::Tail, StartAt::Beginning, None);
    let recorded = batch(&mut first).after;
    std::fs::rename(&live, live.with_file_name("alerts.json.1")).unwrap();
    write(&live, "three\n");
    assert_eq!(drain(&mut restarted(&live, recorded)), ["one", "two", "three"]);
}

#[test]
fn a_checkpoint_survives_its_way_through_json() {
    let checkpoint = read("one\n").checkpoint;
    let text = serde_json::to_string(&checkpoint).unwrap();
    assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), checkpoint);
}

#[test]
fn a_line_that_was_half_read_before_the_restart_is_read_whole() {
    let Read { live, checkpoint, directory: _directory } = read("one\ntw");
    append(&live, "o\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["two"]);
}

#[test]
fn the_rest_of_a_file_that_was_rotated_meanwhile_comes_first() {
    let Read { live, checkpoint, directory: _directory } = read_dated("one\n");
    append(&live, "two\n");
    relink(&live, &dated(&live, "25"), "three\n");
    let mut tail = restarted(&live, checkpoint);
    assert_eq!(drain(&mut tail), ["two", "three"]);
    let notices = tail.take_notices();
    assert!(notices[0].message.contains("ossec-alerts-24.json"), "{notices:?}");
}

#[test]
fn several_rotations_are_caught_up_in_order() {
    let Read { live, checkpoint, directory: _directory } = read_dated("one\n");
    append(&live, "two\n");
    relink(&live, &dated(&live, "24-001"), "three\n");
    relink(&live, &dated(&live, "24-002"), "four\n");
    relink(&live, &dated(&live, "24-003"), "five\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["two", "three", "four", "five"]);
}

#[test]
fn a_refusal_amid_the_files_of_several_rotations_is_gone_back_behind_and_nothing_overtakes_it() {
    let Read { live, checkpoint, directory: _directory } = read_dated("one\n");
    append(&live, "two\n");
    relink(&live, &dated(&live, "24-001"), "three\n");
    relink(&live, &dated(&live, "24-002"), "four\n");
    let mut tail = restarted(&live, checkpoint);
    let refused = batch(&mut tail);
    assert_eq!(refused.alerts, [b"two"]);
    tail.rewind(refused.before);
    assert_eq!(drain(&mut tail), ["two", "three", "four"]);
}

#[test]
fn a_rotated_file_that_is_gone_is_told_of_and_the_live_one_is_read() {
    let Read { live, checkpoint, directory: _directory } = read_dated(long_line(1) + "\n");
    relink(&live, &dated(&live, "25"), "two\n");
    std::fs::rename(dated(&live, "24"), dated(&live, "24").with_extension("json.gz")).unwrap();
    let mut tail = restarted(&live, checkpoint);
    assert_eq!(drain(&mut tail), ["two"]);
    assert!(tail.take_notices()[0].message.contains("is not to be found"));
}

#[test]
fn a_reused_inode_is_not_taken_for_the_old_file() {
    let Read { live, checkpoint, directory: _directory } = read("one\ntwo\n");
    // Same inode, other content, and long enough to reach the checkpoint.
    write(&live, "alpha\nbeta\ngamma\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["alpha", "beta", "gamma"]);
}

#[test]
fn a_file_truncated_meanwhile_is_read_from_its_beginning() {
    let Read { live, checkpoint, directory: _directory } = read("one\ntwo\nthree\n");
    write(&live, "new\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["new"]);
}

#[test]
fn the_copy_of_a_copy_truncate_is_finished_first() {
    let Read { live, checkpoint, directory: _directory } = read(long_line(1) + "\n");
    append(&live, "two\n");
    std::fs::copy(&live, live.with_file_name("alerts.json.1")).unwrap();
    write(&live, "three\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["two", "three"]);
}

#[test]
fn the_copies_of_several_copy_truncates_are_finished_in_order() {
    let Read { live, checkpoint, directory: _directory } = read(long_line(1) + "\n");
    append(&live, "two\n");
    std::fs::copy(&live, live.with_file_name("alerts.json.1")).unwrap();
    write(&live, "three\n");
    std::fs::copy(&live, live.with_file_name("alerts.json.2")).unwrap();
    write(&live, "four\n");
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["two", "three", "four"]);
}

#[test]
fn a_live_file_that_was_restored_under_another_inode_goes_on() {
    let Read { live, checkpoint, directory: _directory } = read(long_line(1) + "\n");
    append(&live, "two\n");
    let copy = live.with_file_name("restored");
    std::fs::copy(&live, &copy).unwrap();
    std::fs::rename(&copy, &live).unwrap();
    assert_eq!(drain(&mut restarted(&live, checkpoint)), ["two"]);
}

#[test]
fn a_missing_live_file_is_waited_for_without_losing_the_checkpoint() {
    let Read { live, checkpoint, directory: _directory } = read_dated("one\n");
    append(&live, "two\n");
    std::fs::remove_file(&live).unwrap();
    let mut tail = restarted(&live, checkpoint);
    assert_eq!(drain(&mut tail), [""; 0]);
    relink(&live, &dated(&live, "25"), "three\n");
    assert_eq!(drain(&mut tail), ["two", "three"]);
}
