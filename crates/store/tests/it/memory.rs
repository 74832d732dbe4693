//! What is remembered beyond single incidents: it survives a restart and an upgrade, and is asked for by an index.

use alert::setting::Remembered;
use alert::verdict::Analyst;
use rusqlite::Connection;
use store::{Batch, Store};

use crate::sample::{at, batch, incident, verdict};

fn habit(place: u64, thing: u64) -> Remembered {
    let (rule, source) = (u64::MAX, 1 << 63);
    Remembered { place, thing, rule, source, first: at(0), last_day: 20_781, days: u64::MAX - 4 }
}

#[test]
fn habits_are_there_after_a_restart_as_they_were_last_and_what_is_forgotten_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two, gone) = (habit(u64::MAX, 3), habit(1, 2), habit(1, 9));
    let mut store = Store::open(folder.path()).expect("a store");
    let habits = vec![one, two, gone];
    store.commit_batch(&Batch { habits, ..Batch::default() }).expect("committed");
    let later = Remembered { days: 7, last_day: 20_782, ..two };
    let (habits, habits_gone) = (vec![later], vec![(1, 9)]);
    store.commit_batch(&Batch { habits, habits_gone, ..Batch::default() }).expect("committed");
    drop(store);
    let store = Store::open(folder.path()).expect("a store");
    assert_eq!(store.habits().expect("read"), [one, later]);
}

#[test]
fn what_models_said_lately_is_read_back_the_oldest_first() {
    let mut store = Store::open_in_memory().expect("a store");
    for number in 0..5 {
        let one = incident(&format!("Q-{number}"), number);
        store.commit_batch(&batch(&one, &format!("1.{number}"), 0)).expect("committed");
        let mut said = verdict(&one, 5, 0);
        said.judged_at = at(number);
        if number != 3 {
            said.analyst = Analyst::Model { backend: "m".to_owned(), model: "x".to_owned() };
        }
        store.commit_verdict(&said, &[], None).expect("committed");
    }
    let names = |since, limit| -> Vec<String> {
        let said = store.verdicts_of_models(at(since), limit).expect("read");
        said.iter()
            .map(|(incident, verdict)| {
                assert_eq!(incident.id, verdict.incident_id);
                incident.id.to_string()
            })
            .collect()
    };
    assert_eq!(names(1, 10), ["Q-1", "Q-2", "Q-4"]);
    assert_eq!(names(0, 2), ["Q-2", "Q-4"]);
}

#[test]
fn a_list_shows_first_what_stands_out_among_the_equally_dangerous() {
    use alert::setting::{Habit, Setting};
    let mut store = Store::open_in_memory().expect("a store");
    let unusual =
        Setting { habit: Habit::New, days_watched: 3, is_quiet_source: true, ..Setting::default() };
    for (name, level, setting) in
        [("Q-1", 4, unusual), ("Q-2", 4, Setting::default()), ("Q-3", 5, Setting::default())]
    {
        let mut one = incident(name, i64::from(level));
        one.setting = setting;
        store.commit_batch(&batch(&one, name, 0)).expect("committed");
        store.commit_verdict(&verdict(&one, level, 0), &[], None).expect("committed");
    }
    let rows = store.incidents(&store::IncidentFilter::default()).expect("read");
    let names: Vec<&str> = rows.iter().map(|row| row.incident.id.as_str()).collect();
    assert_eq!(names, ["Q-3", "Q-1", "Q-2"]);
}

#[test]
fn a_store_of_version_3_is_taken_over_and_knows_no_habits_yet() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = incident("Q-1", 0);
    {
        // As version 3 left it: without the table, the indexes and the column of this one, and with an index of its own.
        let mut store = Store::open(folder.path()).expect("a store");
        store.commit_batch(&batch(&one, "1.1", 0)).expect("committed");
    }
    let connection = Connection::open(Store::path(folder.path())).expect("a second connection");
    connection
        .execute_batch(
            "DROP TABLE habit; DROP INDEX verdict_by_model; DROP INDEX outbox_names; DROP INDEX incident_threat;
             ALTER TABLE incident DROP COLUMN stands_out;
             CREATE INDEX incident_threat ON incident (threat_level) WHERE threat_level IS NOT NULL; PRAGMA user_version = 3;",
        )
        .expect("as it was");
    drop(connection);
    let mut store = Store::open(folder.path()).expect("taken over");
    assert_eq!(store.habits().expect("read"), []);
    assert_eq!(store.incidents(&store::IncidentFilter::default()).expect("read").len(), 1);
    let habits = vec![habit(1, 2)];
    store.commit_batch(&Batch { habits, ..Batch::default() }).expect("committed");
    assert_eq!(store.habits().expect("read").len(), 1);
    assert_eq!(store.faults().expect("checked"), Vec::<String>::new());
}
