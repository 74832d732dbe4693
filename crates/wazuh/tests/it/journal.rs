//! The hook's journal across the death of the daemon.

use std::path::Path;
use std::path::PathBuf;

use tempfile::tempdir;
use wazuh::intake::journal::Journal;

use crate::fixture::append;
use crate::fixture::write;

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn what_was_not_settled_is_found_by_the_next_daemon() {
    let directory = tempdir().unwrap();
    let (mut journal, leftovers) = Journal::open(directory.path()).unwrap();
    assert!(leftovers.is_empty());
    journal.append(b"one").unwrap();
    let two = journal.append(b"two").unwrap();
    journal.settle(&two).unwrap();
    drop(journal);
    let (mut journal, leftovers) = Journal::open(directory.path()).unwrap();
    // Two comes again: its segment was still held by one. The daemon knows it by its id.
    assert_eq!(journal.read(&leftovers[0]).unwrap(), [b"one", b"two"]);
    journal.settle(&leftovers[0]).unwrap();
    assert!(segments(directory.path()).is_empty());
}

#[test]
fn a_quiet_journal_is_empty() {
    let directory = tempdir().unwrap();
    let (mut journal, _) = Journal::open(directory.path()).unwrap();
    for _ in 0..3 {
        let set = journal.append(b"alert").unwrap();
        assert_eq!(journal.outstanding(), 1);
        journal.settle(&set).unwrap();
        let paths = segments(directory.path());
        assert_eq!(paths.len(), 1);
        assert_eq!(std::fs::metadata(&paths[0]).unwrap().len(), 0);
    }
    drop(journal);
    let (_, leftovers) = Journal::open(directory.path()).unwrap();
    assert!(leftovers.is_empty());
    assert!(segments(directory.path()).is_empty(), "an empty segment is removed at the start");
}

#[test]
fn a_torn_last_record_is_dropped_and_the_others_are_kept() {
    for torn in
        [&b"\x05"[..], b"\x05\0\0\0", b"\x05\0\0\0abc", b"\0\0\0\0\0\0\0\0", b"\xff\xff\xff\xff"]
    {
        let directory = tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path()).unwrap();
        journal.append(b"whole").unwrap();
        append(&segments(directory.path())[0], torn);
        drop(journal);
        let (journal, leftovers) = Journal::open(directory.path()).unwrap();
        assert_eq!(leftovers.len(), 1);
        assert_eq!(journal.read(&leftovers[0]).unwrap(), [b"whole"], "behind {torn:?}");
    }
}

#[test]
fn full_segments_are_closed_and_deleted_when_settled() {
    let directory = tempdir().unwrap();
    let (mut journal, _) = Journal::open(directory.path()).unwrap();
    let body = vec![b'x'; 600 * 1024];
    let sets: Vec<_> = (0..4).map(|_| journal.append(&body).unwrap()).collect();
    assert_eq!(segments(directory.path()).len(), 2);
    for set in &sets {
        journal.settle(set).unwrap();
    }
    assert_eq!(segments(directory.path()).len(), 1, "only the one in use is left");
    assert_eq!(journal.outstanding(), 0);
}

#[test]
fn a_new_journal_does_not_write_into_what_the_old_one_left() {
    let directory = tempdir().unwrap();
    Journal::open(directory.path()).unwrap().0.append(b"old").unwrap();
    let (mut journal, leftovers) = Journal::open(directory.path()).unwrap();
    journal.append(b"new").unwrap();
    assert_eq!(segments(directory.path()).len(), 2);
    assert_eq!(journal.read(&leftovers[0]).unwrap(), [b"old"]);
}

#[test]
fn many_leftovers_come_in_sets_of_a_batch() {
    let directory = tempdir().unwrap();
    let (mut journal, _) = Journal::open(directory.path()).unwrap();
    for number in 0..600 {
        journal.append(format!("{number}").as_bytes()).unwrap();
    }
    drop(journal);
    let (mut journal, leftovers) = Journal::open(directory.path()).unwrap();
    let lengths: Vec<_> = leftovers.iter().map(|set| set.len()).collect();
    assert_eq!(lengths, [256, 256, 88]);
    for set in &leftovers {
        journal.settle(set).unwrap();
    }
    assert!(segments(directory.path()).is_empty());
}

#[test]
fn strange_files_and_impossible_alerts_are_left_out() {
    let directory = tempdir().unwrap();
    write(&directory.path().join("notes.txt"), "mine");
    let (mut journal, leftovers) = Journal::open(directory.path()).unwrap();
    assert!(leftovers.is_empty());
    assert!(journal.append(b"").is_err());
    assert!(journal.append(&vec![b'x'; 1024 * 1024 + 1]).is_err());
    assert_eq!(segments(directory.path()).len(), 1, "nothing but the notes");
}
