//! Batches: all or nothing, once, and still there after a restart; and the broom that removes what is past its time.

use alert::incident::State;
use store::{Batch, Counts, DeadLetter, IncidentFilter, Retention, Store};

use crate::sample::{alert, at, batch, incident, message, verdict};

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = incident("Q-1", 0);
    let said = verdict(&one, 7, 5);
    {
        let mut store = Store::open(folder.path()).expect("a store");
        let mut batch = batch(&one, "1.1", 0);
        batch.checkpoints = vec![("tail".to_owned(), "offset 42".to_owned())];
        batch.dead_letters = vec![DeadLetter {
            at: at(1),
            route: "http".to_owned(),
            reason: "no JSON".to_owned(),
            raw: vec![0xff; 100_000],
        }];
        store.commit_batch(&batch).expect("committed");
        assert!(store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed"));
        store.set_meta("name", "value").expect("written");
    }
    let store = Store::open_existing(folder.path()).expect("the same store");
    assert_eq!(store.incident("Q-1").expect("read"), Some(one.clone()));
    assert_eq!(
        store.incidents_by_fingerprint(&[one.fingerprint], 1).expect("read"),
        std::slice::from_ref(&one)
    );
    assert_eq!(store.verdict(&one.id).expect("read"), Some(said));
    assert_eq!(store.alert_ids(&one.id).expect("read"), ["1.1"]);
    assert_eq!(store.known_keys(&[alert("1.1", &one).key]).expect("read").len(), 1);
    assert_eq!(store.checkpoint("tail").expect("read").as_deref(), Some("offset 42"));
    assert_eq!(store.meta("name").expect("read").as_deref(), Some("value"));
    assert_eq!(
        store.counts().expect("read"),
        Counts { accepted: 1, folded: 1, ..Counts::default() }
    );
    let letters = store.dead_letters(5).expect("read");
    assert_eq!(
        (letters.len(), letters[0].raw.len()),
        (1, 64 * 1024),
        "a dead letter is kept up to its limit"
    );
    assert_eq!(store.outbox("wazuh", at(9), 5).expect("read").len(), 1);
    assert_eq!(store.threat_levels().expect("read"), [(7, 1)]);
    assert_eq!(store.faults().expect("checked"), Vec::<String>::new());
}

#[test]
fn an_alert_that_is_there_already_fails_the_whole_batch() {
    let mut store = Store::open_in_memory().expect("a store");
    store.commit_batch(&batch(&incident("Q-1", 0), "1.1", 0)).expect("committed");
    let mut again = batch(&incident("Q-2", 1), "1.2", 1);
    again.alerts.push(alert("1.1", &incident("Q-2", 1)));
    store.commit_batch(&again).expect_err("the alert is there");
    assert_eq!(store.incident("Q-2").expect("read"), None);
    assert_eq!(store.counts().expect("read").accepted, 1);
    assert_eq!(store.queue_depth().expect("read").0, 1);
    store.commit_batch(&batch(&incident("Q-2", 1), "1.2", 1)).expect("without it, it works");
}

#[test]
fn the_alerts_of_an_incident_are_given_as_they_came_in_order_from_wherever_one_likes() {
    let mut store = Store::open_in_memory().expect("a store");
    let (one, other) = (incident("Q-1", 0), incident("Q-2", 0));
    let mut expected = Vec::new();
    for step in 0..3 {
        let mut batch = Batch { incidents: vec![one.clone(), other.clone()], ..Batch::default() };
        // More of one than a block holds, mixed with those of another.
        for number in 0..300 {
            let mut mine = alert(&format!("{step}.{number}"), &one);
            mine.raw = format!("{{\"n\":{number}}}\u{1b}[31m\r\n\u{fffd}").into_bytes();
            mine.raw.push(0xff);
            expected.push(mine.raw.clone());
            batch.alerts.push(mine);
            batch.alerts.push(alert(&format!("o{step}.{number}"), &other));
        }
        store.commit_batch(&batch).expect("committed");
    }
    let read = |after: i64| {
        let (mut place, mut raws, mut steps) = (after, Vec::new(), 0);
        loop {
            let step = store.raw_alerts(&one.id, place).expect("read");
            let Some((last, _)) = step.last() else { break (raws, steps) };
            place = *last;
            steps += 1;
            raws.extend(step.into_iter().map(|(_, raw)| raw));
        }
    };
    let (raws, steps) = read(0);
    assert_eq!(raws, expected);
    assert!(steps < 20, "{steps} blocks were unpacked");
    assert_eq!(store.alerts_kept(&one.id).expect("read"), 900);
    let (newest, _) = read(store.place_before_newest(&one.id, 7).expect("read"));
    assert_eq!(newest, expected[893..]);
    assert_eq!(store.place_before_newest(&one.id, 900).expect("read"), 0);
    assert_eq!(store.raw_alerts(&incident("Q-3", 0).id, 0).expect("read"), []);
}

#[test]
fn counts_add_up_over_batches() {
    let mut store = Store::open_in_memory().expect("a store");
    for (number, counts) in [
        Counts { accepted: 3, own_output: 1, below_policy: 2, ..Counts::default() },
        Counts { accepted: 4, duplicate: 3, malformed: 1, ..Counts::default() },
    ]
    .into_iter()
    .enumerate()
    {
        store
            .commit_batch(&Batch { counts, ..Batch::default() })
            .unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    let counts = store.counts().expect("read");
    assert_eq!((counts.accepted, counts.duplicate, counts.below_policy), (7, 3, 2));
    assert!(counts.are_conserved(0));
}

#[test]
fn the_newest_incident_under_a_key_is_the_one_that_is_found() {
    let mut store = Store::open_in_memory().expect("a store");
    let (old, mut new) = (incident("Q-1", 0), incident("Q-2", 90_000));
    new.fingerprint = old.fingerprint;
    store.commit_batch(&batch(&new, "1.2", 1)).expect("committed");
    store.commit_batch(&batch(&old, "1.1", 0)).expect("committed");
    let found = store.incidents_by_fingerprint(&[old.fingerprint], 1).expect("read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, new.id);
    let found = store.incidents_by_fingerprint(&[old.fingerprint], 4).expect("read");
    let names: Vec<&str> = found.iter().map(|incident| incident.id.as_str()).collect();
    assert_eq!(names, ["Q-2", "Q-1"], "the newest first");
}

#[test]
fn an_incident_is_found_by_the_beginning_of_its_name_if_that_is_clear() {
    let mut store = Store::open_in_memory().expect("a store");
    for (name, second) in [("Q-20261124-aa", 0), ("Q-20261124-ab", 1), ("Q-20261125", 2)] {
        store.commit_batch(&batch(&incident(name, second), name, 0)).expect("committed");
    }
    let found =
        |name: &str| store.incident(name).expect("read").map(|incident| incident.id.to_string());
    assert_eq!(found("Q-20261125").as_deref(), Some("Q-20261125"));
    assert_eq!(found("Q-20261124-ab").as_deref(), Some("Q-20261124-ab"));
    assert_eq!(found("Q-20261124-a"), None);
    assert_eq!(found("Q-20261126"), None);
}

#[test]
fn lists_begin_with_the_most_dangerous_and_take_filters() {
    let mut store = Store::open_in_memory().expect("a store");
    for (name, level) in [("Q-1", 3), ("Q-2", 9), ("Q-3", 0)] {
        let mut one = incident(name, 0);
        if name == "Q-3" {
            one.state = State::Closed;
        }
        store.commit_batch(&batch(&one, name, 0)).expect("committed");
        store.commit_verdict(&verdict(&one, level, 1), &[], None).expect("committed");
    }
    store.commit_batch(&batch(&incident("Q-4", 0), "Q-4", 0)).expect("committed");
    let list = |filter: IncidentFilter| -> Vec<String> {
        store
            .incidents(&filter)
            .expect("read")
            .into_iter()
            .map(|row| row.incident.id.to_string())
            .collect()
    };
    assert_eq!(list(IncidentFilter::default()), ["Q-2", "Q-1", "Q-3", "Q-4"]);
    assert_eq!(
        list(IncidentFilter { threat_level_min: Some(3), ..IncidentFilter::default() }),
        ["Q-2", "Q-1"]
    );
    assert_eq!(
        list(IncidentFilter { state: Some("closed".to_owned()), ..IncidentFilter::default() }),
        ["Q-3"]
    );
    assert_eq!(list(IncidentFilter { limit: 1, ..IncidentFilter::default() }), ["Q-2"]);
}

#[test]
fn the_broom_takes_what_is_old_and_nothing_else() {
    let mut store = Store::open_in_memory().expect("a store");
    let (old, new) = (incident("Q-1", 0), incident("Q-2", 100_000));
    for (number, one) in [&old, &new].into_iter().enumerate() {
        store.commit_batch(&batch(one, &format!("1.{number}"), 0)).expect("committed");
        let said = verdict(one, 5, if number == 0 { 10 } else { 100_010 });
        store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
        let seq = store.outbox("wazuh", at(200_000), 1).expect("read")[0].seq;
        store.mark_sent(seq).expect("sent");
    }
    for number in 0..5 {
        let letter = DeadLetter {
            at: at(number),
            route: "tail".to_owned(),
            reason: number.to_string(),
            raw: Vec::new(),
        };
        store
            .commit_batch(&Batch { dead_letters: vec![letter], ..Batch::default() })
            .expect("committed");
    }
    let retention = Retention { older_than: at(50_000), dead_letters_max: 2 };
    let mut gone = 0;
    for _ in 0..10 {
        match store.sweep(&retention).expect("swept") {
            0 => break,
            more => gone += more,
        }
    }
    // An alert, a verdict, a message, an incident, and three dead letters.
    assert_eq!(gone, 7);
    assert_eq!(store.incident("Q-1").expect("read"), None);
    assert_eq!(store.incident("Q-2").expect("read"), Some(new.clone()));
    assert_eq!(store.verdicts(&new.id).expect("read").len(), 1);
    assert_eq!(store.alert_ids(&new.id).expect("read").len(), 1);
    let letters: Vec<String> =
        store.dead_letters(9).expect("read").into_iter().map(|letter| letter.reason).collect();
    assert_eq!(letters, ["4", "3"]);
}

#[test]
fn an_incident_that_goes_on_keeps_its_old_alerts_as_they_came() {
    let mut store = Store::open_in_memory().expect("a store");
    let (mut lasting, over) = (incident("Q-1", 0), incident("Q-2", 0));
    let mut early = batch(&lasting, "1.1", 0);
    early.incidents.push(over.clone());
    early.alerts.push(alert("2.1", &over));
    store.commit_batch(&early).expect("committed");
    lasting.last_seen = at(100_000);
    store.commit_batch(&batch(&lasting, "1.2", 100_000)).expect("committed");
    let retention = Retention { older_than: at(50_000), dead_letters_max: 2 };
    while store.sweep(&retention).expect("swept") > 0 {}
    // Both came in one block, and one of them is still asked for.
    assert_eq!(store.incident("Q-2").expect("read"), None);
    let raws: Vec<Vec<u8>> = store
        .raw_alerts(&lasting.id, 0)
        .expect("a block that is there")
        .into_iter()
        .map(|(_, raw)| raw)
        .collect();
    assert_eq!(raws, [br#"{"id":"1.1"}"#.to_vec()]);
    assert_eq!(store.alert_ids(&lasting.id).expect("read"), ["1.1", "1.2"]);
}

#[test]
fn an_old_incident_that_waits_for_a_verdict_is_not_swept() {
    let mut store = Store::open_in_memory().expect("a store");
    store.commit_batch(&batch(&incident("Q-1", 0), "1.1", 0)).expect("committed");
    let retention = Retention { older_than: at(50_000), dead_letters_max: 2 };
    while store.sweep(&retention).expect("swept") > 0 {}
    assert!(store.incident("Q-1").expect("read").is_some());
    assert_eq!(store.queue_depth().expect("read").0, 1);
}

#[test]
fn what_waits_to_be_sent_is_never_swept() {
    let mut store = Store::open_in_memory().expect("a store");
    let one = incident("Q-1", 0);
    store.commit_batch(&batch(&one, "1.1", 0)).expect("committed");
    let said = verdict(&one, 5, 1);
    store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    let retention = Retention { older_than: at(50_000), dead_letters_max: 2 };
    while store.sweep(&retention).expect("swept") > 0 {}
    assert_eq!(store.outbox("wazuh", at(60_000), 5).expect("read").len(), 1);
}

#[test]
fn the_verdict_of_a_message_that_was_queued_by_its_name_is_not_swept() {
    let mut store = Store::open_in_memory().expect("a store");
    store.bound_outbox(0);
    let one = incident("Q-1", 0);
    store.commit_batch(&batch(&one, "1.1", 0)).expect("committed");
    let said = verdict(&one, 5, 1);
    store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    let retention = Retention { older_than: at(50_000), dead_letters_max: 2 };
    while store.sweep(&retention).expect("swept") > 0 {}
    assert_eq!(store.verdicts(&one.id).expect("read").len(), 1);
    let waiting = store.outbox("wazuh", at(60_000), 1).expect("read").remove(0);
    store.mark_sent(waiting.seq).expect("sent");
    while store.sweep(&retention).expect("swept") > 0 {}
    assert!(store.verdicts(&one.id).expect("read").is_empty());
}
