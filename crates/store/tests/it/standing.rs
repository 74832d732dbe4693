//! What somebody who watches is told: the queue by severity, the newest verdicts, and counts that belong together.

use alert::Verdict;
use store::{Batch, Counts, JobRow, QueueRow, Retention, Store, StoreError};

use crate::sample::{at, batch, incident, job, verdict};

#[test]
fn the_queue_is_measured_by_severity_with_what_is_late_and_what_the_playbook_judged_meanwhile() {
    let mut store = Store::open_in_memory().expect("a store");
    for (name, severity, queued) in
        [("Q-1", "high", 10), ("Q-2", "high", 20), ("Q-3", "low", 5), ("Q-4", "high", 30)]
    {
        let one = incident(name, 0);
        let mut batch = batch(&one, name, 0);
        batch.jobs = vec![JobRow { severity: severity.to_owned(), ..job(&one, 1.0, queued) }];
        store.commit_batch(&batch).expect("committed");
    }
    assert_eq!(store.queue(at(0)).expect("read").len(), 2);
    // The playbook stands in for one of them: its next revision waits for a model, as urgent as before.
    let judged = incident("Q-2", 0);
    let said = Verdict { model_pending: true, ..verdict(&judged, 5, 40) };
    let mut next = judged;
    next.revision = 2;
    let again = JobRow { is_unjudged: false, is_interim: true, ..job(&next, 1.0, 20) };
    store.commit_verdict(&said, &[], Some((&next, &again))).expect("committed");
    let row = |severity: &str, jobs, unjudged, interim, overdue, oldest| QueueRow {
        severity: severity.to_owned(),
        jobs,
        unjudged,
        interim,
        overdue,
        oldest: at(oldest),
    };
    assert_eq!(
        store.queue(at(625)).expect("read"),
        [row("high", 3, 2, 1, 2, 10), row("low", 1, 1, 0, 1, 5)]
    );
    assert_eq!(store.totals().expect("read").interim_verdicts, 1);
    // News changes nothing about that.
    next.revision = 3;
    let news = Batch { jobs: vec![job(&next, 1.0, 45)], ..Batch::default() };
    store.commit_batch(&news).expect("committed");
    assert_eq!(store.queue(at(625)).expect("read")[0].interim, 1);
    // The model's verdict ends it.
    let said = Verdict { revision: 3, ..verdict(&next, 5, 50) };
    store.commit_verdict(&said, &[], None).expect("committed");
    assert_eq!(store.queue(at(625)).expect("read")[0], row("high", 2, 2, 0, 1, 10));
}

#[test]
fn the_newest_verdicts_come_first_with_whose_they_are() {
    let mut store = Store::open_in_memory().expect("a store");
    for (name, second) in [("Q-9", 1), ("Q-5", 2), ("Q-7", 3)] {
        let one = incident(name, 0);
        store.commit_batch(&batch(&one, name, 0)).expect("committed");
        store.commit_verdict(&verdict(&one, 5, second), &[], None).expect("committed");
    }
    let told: Vec<(String, String)> = store
        .judged_last(2)
        .expect("read")
        .into_iter()
        .map(|row| (row.verdict.incident_id.to_string(), row.actor))
        .collect();
    let told: Vec<(&str, &str)> =
        told.iter().map(|(id, who)| (id.as_str(), who.as_str())).collect();
    assert_eq!(told, [("Q-7", "203.0.113.9"), ("Q-5", "203.0.113.9")]);
}

#[test]
fn reads_at_one_moment_agree_whatever_is_committed_between_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut daemon = Store::open(folder.path()).expect("a store");
    let watcher = Store::open_existing(folder.path()).expect("the same store");
    let one = || Batch {
        counts: Counts { accepted: 1, folded: 1, ..Counts::default() },
        ..Batch::default()
    };
    daemon.commit_batch(&one()).expect("committed");
    let seen = watcher.at_one_moment(|watcher| -> Result<_, StoreError> {
        let before = watcher.counter("accepted")?;
        daemon.commit_batch(&one()).expect("committed");
        Ok((before, watcher.counter("folded")?))
    });
    assert_eq!(seen.expect("read"), (1, 1));
    assert_eq!(watcher.counter("folded").expect("read"), 2);
}

#[test]
fn what_was_judged_is_read_at_once_and_the_level_outlives_the_verdict() {
    let mut store = Store::open_in_memory().expect("a store");
    let mut one = incident("Q-1", 0);
    store.commit_batch(&batch(&one, "1.1", 0)).expect("committed");
    let judged = store.judged(&one.id).expect("read");
    assert!(judged.threat_level.is_none() && judged.verdict.is_none(), "nobody judged it");
    for (revision, level) in [(1, 3), (2, 7)] {
        one.revision = revision;
        store.commit_verdict(&verdict(&one, level, 1), &[], None).expect("committed");
    }
    let judged = store.judged(&one.id).expect("read");
    assert_eq!(judged.threat_level, Some(7));
    assert_eq!(judged.verdict, Some(verdict(&one, 7, 1)));
    // It waits for another verdict when the old ones go.
    one.revision = 3;
    let asks = Batch { jobs: vec![job(&one, 1.0, 2)], ..Batch::default() };
    store.commit_batch(&asks).expect("committed");
    let retention = Retention { older_than: at(90_000), dead_letters_max: 0 };
    while store.sweep(&retention).expect("swept") > 0 {}
    let judged = store.judged(&one.id).expect("read");
    assert!(judged.threat_level == Some(7) && judged.verdict.is_none(), "{judged:?}");
    assert!(store.judged(&incident("Q-2", 0).id).expect("read").verdict.is_none());
}
