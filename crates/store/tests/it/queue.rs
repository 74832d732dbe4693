//! Jobs, verdicts and the outbox: one verdict per revision, one message per sink and verdict, and a place in the queue that news keeps.

use alert::Incident;
use store::{Batch, GivingUp, JobRow, Retention, Store};

use crate::sample::{at, batch, incident, job, message, verdict};

fn store_with(names: &[&str]) -> Store {
    let mut store = Store::open_in_memory().expect("a store");
    for name in names {
        store.commit_batch(&batch(&incident(name, 0), name, 0)).expect("committed");
    }
    store
}

/// Brings news of an incident, and asks for a verdict on it.
fn bring(store: &mut Store, incident: &Incident, job: JobRow) {
    let news = Batch { incidents: vec![incident.clone()], jobs: vec![job], ..Batch::default() };
    store.commit_batch(&news).expect("committed");
}

#[test]
fn a_job_that_gets_news_keeps_its_place_and_its_urgency() {
    let mut store = store_with(&["Q-1"]);
    let mut one = incident("Q-1", 0);
    one.revision = 2;
    bring(&mut store, &one, job(&one, 3.0, 900));
    let jobs = store.jobs(10).expect("read");
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].revision, jobs[0].queued_at, jobs[0].deadline_at), (2, at(0), at(600)));
    assert!(
        (jobs[0].score - 10.0).abs() < 1e-9,
        "smaller news made it less urgent: {}",
        jobs[0].score
    );
}

#[test]
fn a_job_after_a_verdict_begins_a_new_wait() {
    let mut store = store_with(&["Q-1"]);
    let mut one = incident("Q-1", 0);
    store.commit_verdict(&verdict(&one, 5, 100), &[], None).expect("committed");
    one.revision = 2;
    bring(&mut store, &one, job(&one, 3.0, 900));
    let jobs = store.jobs(10).expect("read");
    assert_eq!((jobs[0].queued_at, jobs[0].score), (at(900), 3.0));
}

#[test]
fn a_revision_gets_one_verdict_and_each_sink_one_message() {
    let mut store = store_with(&["Q-1"]);
    let one = incident("Q-1", 0);
    let said = verdict(&one, 5, 1);
    let messages = [message(&said, "wazuh"), message(&said, "file")];
    assert!(store.commit_verdict(&said, &messages, None).expect("committed"));
    let mut other = said.clone();
    other.draft.threat_level = 0;
    assert!(!store.commit_verdict(&other, &messages, None).expect("committed"));
    assert_eq!(store.verdicts(&one.id).expect("read"), [said]);
    for sink in ["wazuh", "file"] {
        assert_eq!(store.outbox(sink, at(9), 10).expect("read").len(), 1, "{sink}");
    }
    assert_eq!(store.totals().expect("read").playbook_verdicts, 1);
}

#[test]
fn a_second_verdict_on_a_revision_asks_for_nothing_more() {
    let mut store = store_with(&["Q-1"]);
    let one = incident("Q-1", 0);
    let said = verdict(&one, 5, 1);
    let mut next = one.clone();
    next.revision = 2;
    let follow_up = job(&next, 5.0, 1);
    assert!(store.commit_verdict(&said, &[], Some((&next, &follow_up))).expect("committed"));
    next.revision = 3;
    let again = job(&next, 5.0, 2);
    assert!(!store.commit_verdict(&said, &[], Some((&next, &again))).expect("committed"));
    assert_eq!(store.jobs(10).expect("read")[0].revision, 2);
    assert_eq!(store.incident("Q-1").expect("read").expect("an incident").revision, 2);
}

#[test]
fn a_verdict_on_an_old_revision_leaves_the_job_for_the_news() {
    let mut store = store_with(&["Q-1"]);
    let old = incident("Q-1", 0);
    let mut news = old.clone();
    news.revision = 2;
    bring(&mut store, &news, job(&news, 5.0, 1));
    store.commit_verdict(&verdict(&old, 5, 2), &[], None).expect("committed");
    assert_eq!(store.queue_depth().expect("read").0, 1);
    store.commit_verdict(&verdict(&news, 5, 3), &[], None).expect("committed");
    assert_eq!(store.queue_depth().expect("read"), (0, None));
}

#[test]
fn a_verdict_that_comes_after_a_newer_one_takes_nothing_back() {
    let mut store = store_with(&["Q-1"]);
    let old = incident("Q-1", 0);
    let news = Incident { revision: 2, ..old.clone() };
    bring(&mut store, &news, job(&news, 3.0, 1));
    store.commit_verdict(&verdict(&news, 8, 2), &[], None).expect("committed");
    store.commit_verdict(&verdict(&old, 3, 3), &[], None).expect("committed");
    let judged = store.judged(&old.id).expect("read");
    assert_eq!(judged.threat_level, Some(8));
    assert_eq!(judged.verdict.map(|verdict| verdict.revision), Some(2));
}

#[test]
fn the_most_urgent_and_the_oldest_jobs_are_given_whatever_the_length_of_the_queue() {
    let mut store = Store::open_in_memory().expect("a store");
    for number in 0..50_u32 {
        let one = incident(&format!("Q-{number:02}"), 0);
        let mut batch = batch(&one, &one.id.to_string(), 0);
        batch.jobs = vec![job(&one, f64::from(number), i64::from(number))];
        store.commit_batch(&batch).expect("committed");
    }
    let names: Vec<String> =
        store.jobs(2).expect("read").into_iter().map(|job| job.incident_id.to_string()).collect();
    assert_eq!(names, ["Q-49", "Q-48", "Q-01", "Q-00"]);
}

#[test]
fn what_nobody_judged_is_not_hidden_by_what_is_more_urgent_and_older() {
    let mut store = Store::open_in_memory().expect("a store");
    for number in 0..50_u32 {
        let one = incident(&format!("Q-{number:02}"), 0);
        let mut batch = batch(&one, &one.id.to_string(), 0);
        let is_unjudged = number == 25;
        let waiting = job(&one, f64::from(number), i64::from(number));
        batch.jobs = vec![JobRow { is_unjudged, ..waiting }];
        store.commit_batch(&batch).expect("committed");
    }
    let names: Vec<String> =
        store.jobs(2).expect("read").into_iter().map(|job| job.incident_id.to_string()).collect();
    assert_eq!(names, ["Q-49", "Q-48", "Q-25", "Q-01", "Q-00"]);
}

#[test]
fn an_attempt_that_failed_at_a_place_stays_to_be_settled_there() {
    let mut store = store_with(&["Q-1"]);
    let said = verdict(&incident("Q-1", 0), 5, 1);
    let messages = [message(&said, "file"), message(&said, "wazuh")];
    store.commit_verdict(&said, &messages, None).expect("committed");
    for (sink, place) in [("file", Some("offset 7")), ("wazuh", None)] {
        let seq = store.outbox(sink, at(2), 1).expect("read")[0].seq;
        store.begin_sending(seq, place).expect("noted");
        store.mark_failed(seq, at(3)).expect("noted");
        let again = store.outbox(sink, at(3), 1).expect("read").remove(0);
        // Part of the line may be at that place, or all of it: to begin anew could write it twice.
        assert_eq!((again.was_sending, again.place.as_deref()), (place.is_some(), place), "{sink}");
    }
}

#[test]
fn a_message_that_rests_holds_back_those_behind_it() {
    let mut store = store_with(&["Q-1", "Q-2"]);
    for name in ["Q-1", "Q-2"] {
        let said = verdict(&incident(name, 0), 5, 1);
        store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    }
    let first = store.outbox("wazuh", at(2), 10).expect("read").remove(0);
    store.begin_sending(first.seq, None).expect("begun");
    store.mark_failed(first.seq, at(60)).expect("noted");
    assert!(store.outbox("wazuh", at(59), 10).expect("read").is_empty());
    let due = store.outbox("wazuh", at(60), 10).expect("read");
    assert_eq!((due.len(), due[0].attempts, due[0].was_sending), (2, 1, false));
    // A clock that was wrong by a day and is right again: the message does not rest for a day.
    store.mark_failed(first.seq, at(24 * 3600)).expect("noted");
    assert_eq!(store.outbox("wazuh", at(61), 10).expect("read").len(), 2);
}

#[test]
fn an_attempt_that_was_cut_short_is_seen_and_can_be_confirmed() {
    let mut store = store_with(&["Q-1"]);
    let said = verdict(&incident("Q-1", 0), 5, 1);
    store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    assert!(!store.confirm_sent("wazuh", "Q-1:1").expect("confirmed"), "nobody was unsure of it");
    let seq = store.outbox("wazuh", at(2), 1).expect("read")[0].seq;
    store.begin_sending(seq, Some("offset 7")).expect("begun");
    let entry = store.outbox("wazuh", at(2), 1).expect("read").remove(0);
    assert_eq!((entry.was_sending, entry.place.as_deref()), (true, Some("offset 7")));
    assert!(store.confirm_sent("wazuh", "Q-1:1").expect("confirmed"));
    let totals = store.outbox_totals().expect("read");
    assert_eq!((totals[0].waiting, totals[0].sent, totals[0].refused), (0, 1, 0));
}

#[test]
fn hundreds_alike_do_not_hide_the_one_that_is_different() {
    let mut store = Store::open_in_memory().expect("a store");
    for number in 0..60 {
        let name = format!("Q-{number:03}");
        let mut one = incident(&name, 0);
        let mut waiting = job(&one, 30.0, number);
        if number == 30 {
            // Neither among the most urgent nor among the oldest.
            one.class = alert::Class::Xss;
            waiting = job(&one, 3.0, number);
        }
        let mut batch = batch(&one, &name, number);
        batch.jobs = vec![waiting];
        store.commit_batch(&batch).expect("committed");
    }
    let jobs = store.jobs(10).expect("read");
    assert!(jobs.len() < 40, "{} jobs", jobs.len());
    assert!(jobs.iter().any(|job| job.incident_id.as_str() == "Q-030"));
    assert_eq!(store.jobs(100).expect("read").len(), 60);
}

#[test]
fn news_that_came_while_an_incident_was_judged_is_as_urgent_as_news() {
    let mut store = store_with(&["Q-1"]);
    let one = incident("Q-1", 0);
    let mut news = one.clone();
    news.revision = 2;
    let mut waiting = job(&news, 20.0, 50);
    waiting.once_judged = Some((10.0, "news".to_owned()));
    bring(&mut store, &news, waiting);
    store.commit_verdict(&verdict(&one, 5, 100), &[], None).expect("committed");
    let jobs = store.jobs(10).expect("read");
    assert_eq!((jobs[0].score, jobs[0].parts.as_str()), (10.0, "news"));
    assert!(!jobs[0].is_unjudged);
}

#[test]
fn past_its_bound_a_message_is_queued_by_its_name_and_written_out_in_its_turn() {
    let names = ["Q-1", "Q-2", "Q-3", "Q-4"];
    let mut store = store_with(&names);
    store.bound_outbox(2);
    for name in names {
        let said = verdict(&incident(name, 0), 5, 1);
        store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    }
    let totals = store.outbox_totals().expect("read").remove(0);
    assert_eq!((totals.waiting, totals.by_name), (4, 2));
    let due = store.outbox("wazuh", at(2), 10).expect("read");
    let keys: Vec<&str> = due.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["Q-1:1", "Q-2:1", "Q-3:1", "Q-4:1"], "the order stays");
    assert_eq!(due.iter().filter(|entry| entry.body.is_empty()).count(), 2);
    let texts: Vec<(i64, String)> =
        due.iter().map(|entry| (entry.seq, format!("text of {}", entry.key))).collect();
    store.write_out(&texts).expect("written");
    let due = store.outbox("wazuh", at(2), 10).expect("read");
    assert_ne!(due[0].body, "text of Q-1:1", "what has its text keeps it");
    assert_eq!(due[3].body, "text of Q-4:1");
    assert_eq!(store.outbox_totals().expect("read")[0].by_name, 0);
    // Once some are sent, there is room for whole messages again.
    due.iter().for_each(|entry| store.mark_sent(entry.seq).expect("sent"));
    store.commit_batch(&batch(&incident("Q-5", 0), "Q-5", 0)).expect("committed");
    let said = verdict(&incident("Q-5", 0), 5, 1);
    store.commit_verdict(&said, &[message(&said, "wazuh")], None).expect("committed");
    assert_eq!(store.outbox_totals().expect("read")[0].by_name, 0);
}

/// Gives messages up until none are, and says how many.
fn given_up(store: &mut Store, which: &GivingUp) -> u64 {
    let mut sum = 0;
    loop {
        let step = store.give_up(which).expect("given up");
        if step.is_empty() {
            return sum;
        }
        sum += step.iter().map(|(_, count)| count).sum::<u64>();
    }
}

#[test]
fn names_that_wait_for_a_sink_are_bounded_the_oldest_go_and_are_counted() {
    let names = ["Q-1", "Q-2", "Q-3", "Q-4", "Q-5", "Q-6"];
    let mut store = store_with(&names);
    store.bound_outbox(2);
    for name in names {
        let said = verdict(&incident(name, 0), 5, 1);
        let messages = [message(&said, "wazuh"), message(&said, "file")];
        store.commit_verdict(&said, &messages, None).expect("committed");
    }
    // The file takes what it gets; Wazuh does not.
    for entry in store.outbox("file", at(2), 4).expect("read") {
        store.mark_sent(entry.seq).expect("sent");
    }
    let which = |names_max| GivingUp {
        sinks: vec!["wazuh".to_owned(), "file".to_owned()],
        older_than: at(1_000_000),
        names_max,
    };
    assert_eq!(given_up(&mut store, &which(4)), 0, "four wait by their name, and four may");
    assert_eq!(given_up(&mut store, &which(2)), 2);
    let keys = |store: &Store, sink: &str| -> Vec<String> {
        store.outbox(sink, at(2), 10).expect("read").into_iter().map(|entry| entry.key).collect()
    };
    assert_eq!(keys(&store, "wazuh"), ["Q-1:1", "Q-2:1", "Q-5:1", "Q-6:1"]);
    assert_eq!(keys(&store, "file"), ["Q-5:1", "Q-6:1"], "another sink's are nobody's concern");
    let totals = store.outbox_totals().expect("read");
    let told: Vec<(&str, u64, u64)> =
        totals.iter().map(|sink| (sink.sink.as_str(), sink.waiting, sink.given_up)).collect();
    assert_eq!(told, [("file", 2, 0), ("wazuh", 4, 2)]);
}

#[test]
fn what_waits_for_a_sink_that_is_gone_goes_with_its_time_and_lets_go_of_its_verdict() {
    let mut store = store_with(&["Q-1", "Q-2"]);
    store.bound_outbox(0);
    for (name, second) in [("Q-1", 1), ("Q-2", 90_000)] {
        let said = verdict(&incident(name, 0), 5, second);
        let messages = [message(&said, "wazuh"), message(&said, "webhook:old")];
        store.commit_verdict(&said, &messages, None).expect("committed");
    }
    let which = GivingUp {
        sinks: vec!["wazuh".to_owned()],
        older_than: at(50_000),
        names_max: store::NAMES_MAX,
    };
    assert_eq!(given_up(&mut store, &which), 1, "the one that is old and has no sink");
    let left = store.outbox("webhook:old", at(2), 10).expect("read");
    assert_eq!(left.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["Q-2:1"]);
    assert_eq!(store.outbox("wazuh", at(2), 10).expect("read").len(), 2);
    let later = GivingUp { older_than: at(100_000), ..which };
    assert_eq!(given_up(&mut store, &later), 1);
    let totals = store.outbox_totals().expect("read");
    let gone = totals.iter().find(|sink| sink.sink == "webhook:old").expect("still told of");
    assert_eq!((gone.waiting, gone.given_up), (0, 2));
    // What is sent to the sink that is there leaves nothing that holds the verdicts.
    for entry in store.outbox("wazuh", at(2), 10).expect("read") {
        store.mark_sent(entry.seq).expect("sent");
    }
    let retention = Retention { older_than: at(200_000), dead_letters_max: 0 };
    while store.sweep(&retention).expect("swept") > 0 {}
    assert!(store.verdicts(&incident("Q-1", 0).id).expect("read").is_empty());
}
