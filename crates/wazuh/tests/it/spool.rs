//! The hook's spool and how it is emptied.

use std::sync::Arc;

use tempfile::tempdir;
use tokio::sync::Notify as Nudge;
use tokio::sync::mpsc;
use tokio::sync::watch;
use wazuh::Outcome;
use wazuh::Route;
use wazuh::intake::ALERT_BYTES_MAX;
use wazuh::intake::spool::Spool;

use crate::fixture::notices;
use crate::fixture::settle;
use crate::fixture::write;

#[test]
fn files_come_in_the_order_of_their_names_and_hidden_ones_are_left() {
    let directory = tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write(&at("2.alert"), "{\"b\":2}\n");
    write(&at("1.alert"), "{\"a\":1}");
    write(&at(".3.alert"), "half");
    write(&at("notes"), "mine");
    let mut spool = Spool::new(directory.path());
    let batch = spool.read_batch().unwrap();
    assert_eq!(batch.alerts, [b"{\"a\":1}", b"{\"b\":2}"]);
    assert!(at("1.alert").exists(), "nothing is deleted before the commit");
    assert!(spool.settle(&batch).is_empty());
    assert!(!at("1.alert").exists() && !at("2.alert").exists());
    assert!(at(".3.alert").exists() && at("notes").exists());
    assert!(spool.read_batch().unwrap().is_empty());
}

#[test]
fn a_legacy_alert_file_becomes_json() {
    let directory = tempdir().unwrap();
    write(&directory.path().join("1.alert"), "ruleid='5710'\nalertlevel='5'\n");
    let batch = Spool::new(directory.path()).read_batch().unwrap();
    assert!(batch.alerts[0].starts_with(b"{\"rule\":{\"level\":5"));
}

#[test]
fn what_can_not_be_an_alert_is_put_aside() {
    let directory = tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write(&at("1.alert"), vec![b'x'; ALERT_BYTES_MAX + 1]);
    write(&at("2.alert"), "\n");
    std::os::unix::fs::symlink("/etc/passwd", at("3.alert")).unwrap();
    nix::unistd::mkfifo(&at("4.alert"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    std::fs::create_dir(at("5.alert")).unwrap();
    write(&at("6.alert"), "{\"good\":1}");
    let mut spool = Spool::new(directory.path());
    let batch = spool.read_batch().unwrap();
    assert_eq!(batch.alerts, [b"{\"good\":1}"]);
    assert_eq!(batch.rejected.len(), 5);
    assert_eq!(batch.rejected[0].bytes.len(), 4096);
    assert!(batch.rejected[1].reason.contains("empty"));
    assert!(spool.settle(&batch).is_empty());
    for name in ["1.alert", "2.alert", "3.alert", "4.alert", "5.alert"] {
        assert!(at("bad").join(name).symlink_metadata().is_ok(), "{name} is in bad");
    }
    assert!(spool.read_batch().unwrap().is_empty());
}

#[test]
fn a_large_spool_comes_in_batches() {
    let directory = tempdir().unwrap();
    for number in 0..600 {
        write(&directory.path().join(format!("{number:04}.alert")), format!("{{\"n\":{number}}}"));
    }
    let mut spool = Spool::new(directory.path());
    let mut seen = Vec::new();
    loop {
        let batch = spool.read_batch().unwrap();
        if batch.is_empty() {
            break;
        }
        spool.settle(&batch);
        seen.push(batch.alerts.len());
    }
    assert_eq!(seen, [256, 256, 88]);
}

#[test]
fn a_spool_that_does_not_exist_yet_is_empty() {
    let directory = tempdir().unwrap();
    assert!(Spool::new(directory.path().join("later")).read_batch().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_loop_deletes_after_the_commit_and_repeats_what_was_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("1.alert");
    write(&path, "{\"a\":1}");
    let (sender, mut receiver) = mpsc::channel(4);
    let (stop, shutdown) = watch::channel(false);
    let (notify, said) = notices();
    let nudge = Arc::new(Nudge::new());
    let spool = Spool::new(directory.path());
    let running = wazuh::intake::spool::run(spool, sender, Arc::clone(&nudge), shutdown, notify);
    let daemon = async {
        let first = receiver.recv().await.unwrap();
        assert_eq!(first.route, Route::Spool);
        settle(first, Outcome::Refused("the store is full".to_owned()));
        let again = receiver.recv().await.unwrap();
        assert!(path.exists());
        assert_eq!(settle(again, Outcome::Committed), ["{\"a\":1}"]);
        let next = directory.path().join("2.alert");
        write(&next, "{\"b\":2}");
        nudge.notify_one();
        let next = receiver.recv().await.unwrap();
        assert!(!path.exists(), "the first was deleted before the next was sent");
        assert_eq!(settle(next, Outcome::Committed), ["{\"b\":2}"]);
        stop.send(true).unwrap();
    };
    let (ended, ()) = tokio::join!(running, daemon);
    ended.unwrap();
    assert_eq!(said.lock().unwrap().len(), 1);
}
