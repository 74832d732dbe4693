//! What is called usual and what is not, by the days on which it came; and what is told of things that come together.

use alert::Limits;
use serde_json::json;

use super::*;

const DAY: i64 = 24 * 3600;

/// Noon of some day.
fn at(second: i64) -> Timestamp {
    Timestamp::from_millis((20_000 * DAY + DAY / 2 + second) * 1000)
}

fn trace(machine: &str, group: &str, text: &str) -> Trace {
    let alert = json!({
        "rule": {"id": format!("9{}", group.len()), "level": 5, "description": text, "groups": ["syslog", group]},
        "agent": {"id": machine, "name": machine},
    });
    Trace::of(&Alert::parse(alert.to_string().as_bytes(), &Limits::default()).expect("an alert"))
}

fn key(name: &str) -> Fingerprint {
    Fingerprint::of([name])
}

/// A memory in which each machine said something on each of some days.
fn lived(days: i64, machines: &[&str]) -> Usual {
    let mut usual = Usual::default();
    for day in 0..days {
        for machine in machines {
            usual.look(&trace(machine, "cron", "a job ran"), at(day * DAY), key("cron"));
        }
    }
    usual
}

fn look(usual: &mut Usual, machine: &str, text: &str, second: i64) -> Setting {
    usual.look(&trace(machine, "audit", text), at(second), key(text)).setting
}

#[test]
fn nothing_is_new_on_a_machine_that_is_watched_for_less_than_a_day() {
    let mut usual = Usual::default();
    assert!(look(&mut usual, "a", "x", 0).is_blank());
    assert!(look(&mut usual, "a", "y", DAY - 1).is_blank());
    assert_eq!(look(&mut usual, "a", "z", DAY + 1).habit, Habit::New);
    assert!(
        look(&mut usual, "b", "z", DAY + 2).is_blank(),
        "another machine has yet to be learned"
    );
}

#[test]
fn what_comes_every_other_day_is_usual_and_what_came_once_in_days_is_rare() {
    let mut usual = lived(12, &["a"]);
    assert_eq!(look(&mut usual, "a", "once", 3 * DAY).habit, Habit::New);
    for day in [1, 4, 6, 8, 10] {
        look(&mut usual, "a", "often", day * DAY);
    }
    for day in [2, 5, 9] {
        look(&mut usual, "a", "weekly", day * DAY);
    }
    let once = look(&mut usual, "a", "once", 12 * DAY);
    assert_eq!((once.habit, once.days_before, once.days_watched), (Habit::Rare, 1, 12));
    assert_eq!(look(&mut usual, "a", "often", 10 * DAY + 9).habit, Habit::Known, "four of ten");
    look(&mut usual, "a", "often", 11 * DAY);
    assert_eq!(look(&mut usual, "a", "often", 12 * DAY).habit, Habit::Usual);
    assert_eq!(look(&mut usual, "a", "weekly", 12 * DAY).habit, Habit::Known);
    // Whatever came earlier on the same day says nothing of its habit.
    let mut again = lived(3, &["a"]);
    assert_eq!(look(&mut again, "a", "x", 3 * DAY).habit, Habit::New);
    assert_eq!(look(&mut again, "a", "x", 3 * DAY + 60).habit, Habit::New);
}

#[test]
fn the_first_of_its_kind_on_the_site_and_a_source_that_says_little_are_told() {
    let mut usual = lived(4, &["a", "b"]);
    let first = look(&mut usual, "a", "x", 4 * DAY);
    assert!(first.is_first_on_site && first.is_quiet_source, "{first:?}");
    let elsewhere = look(&mut usual, "b", "x", 4 * DAY + 3600);
    assert!(!elsewhere.is_first_on_site && elsewhere.habit == Habit::New, "{elsewhere:?}");
    for day in 0..4 {
        look(&mut usual, "b", "routine of the same source", day * DAY + 7);
    }
    let talks = look(&mut usual, "b", "y", 4 * DAY + 7200);
    assert!(!talks.is_quiet_source && talks.habit == Habit::New, "{talks:?}");
}

#[test]
fn unusual_things_that_come_together_are_told_of_each_other() {
    let mut usual = lived(3, &["a", "b"]);
    let begin = 3 * DAY;
    let mut one = |group: &str, text: &str, second| {
        usual.look(&trace("a", group, text), at(begin + second), key(text))
    };
    assert_eq!(one("audit", "first", 0).setting.company, 1);
    let second = one("web", "second", 30);
    assert_eq!((second.setting.company, second.setting.sources), (2, 2));
    assert_eq!(second.raised, [key("first")], "who came before is told");
    assert_eq!(one("web", "second", 40).raised, [], "once");
    assert_eq!(one("ids", "third", 60).raised, [], "three are not worth more than two");
    one("ids", "fourth", 61);
    let fifth = one("ids", "fifth", 62);
    assert_eq!((fifth.setting.company_points(), fifth.raised.len()), (2, 4));
    assert_eq!(
        one("cron", "a job ran", 63).setting.company,
        0,
        "what is usual keeps nobody company"
    );
    assert_eq!(one("audit", "late", 3600).setting.company, 1);
    // What came before it in time may be reported after it.
    assert_eq!(one("audit", "reported late", 20).setting.company, 6);
}

#[test]
fn what_comes_to_several_machines_at_once_is_the_sites() {
    let mut usual = lived(3, &["a", "b", "c", "d"]);
    let new =
        ["a", "b", "c", "d"].map(|machine| look(&mut usual, machine, "restart", 3 * DAY).habit);
    assert_eq!(new, [Habit::New, Habit::New, Habit::Unknown, Habit::Unknown]);
}

#[test]
fn the_order_of_arrival_changes_nothing_where_days_lie_between() {
    let told = |days: &[i64]| {
        let mut usual = lived(6, &["a"]);
        for day in days {
            look(&mut usual, "a", "x", day * DAY + 3600);
        }
        [3, 5].map(|day| look(&mut usual, "a", "x", day * DAY + 7200))
    };
    assert_eq!(told(&[1, 2, 3, 5]), told(&[5, 3, 2, 1]));
}

#[test]
fn what_was_kept_knows_the_same_and_little_is_written() {
    let mut usual = lived(5, &["a", "b"]);
    let written = usual.take_changes();
    // One of the two machines says the same right behind the other.
    assert_eq!((written.kept.len(), written.gone.len()), (3, 0));
    look(&mut usual, "a", "x", 5 * DAY);
    for second in 0..100 {
        look(&mut usual, "a", "x", 5 * DAY + second);
    }
    assert_eq!(usual.take_changes().kept.len(), 1, "once a day");
    assert_eq!(usual.take_changes(), Changes::default());
    for day in 6..9 {
        look(&mut usual, "b", "x", day * DAY);
    }
    let mut all: HashMap<(u64, u64), Remembered> = HashMap::new();
    for one in written.kept.into_iter().chain(usual.take_changes().kept) {
        all.insert((one.place, one.thing), one);
    }
    let name = trace("a", "audit", "x");
    all.insert(
        (name.place, name.thing),
        remembered((name.place, name.thing), &usual.records[&(name.place, name.thing)]),
    );
    let mut restored = Usual::restore(all.into_values());
    for (machine, text) in [("a", "x"), ("b", "x"), ("a", "new"), ("b", "another")] {
        let second = 10 * DAY + i64::from(text == "another") * 7200;
        assert_eq!(
            look(&mut usual, machine, text, second),
            look(&mut restored, machine, text, second)
        );
    }
}

#[test]
fn texts_that_somebody_chooses_take_few_places_and_old_clocks_none() {
    let mut usual = lived(3, &["a"]);
    for number in 0..200_u32 {
        let word: String = number.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
        look(&mut usual, "a", &format!("user {word} did it"), 3 * DAY);
    }
    assert!(usual.records.len() <= usize::from(TEXTS_MAX) + 2, "{}", usual.records.len());
    assert!(look(&mut usual, "a", "x", -400 * DAY).is_blank());
    assert_eq!(
        look(&mut usual, "a", "user again did it", 4 * DAY).days_before,
        1,
        "all the others are one"
    );
}

#[test]
fn when_all_is_full_what_came_on_one_day_goes_first() {
    let mut usual = lived(3, &["a", "keeps"]);
    usual.take_changes();
    for machine in 0..=THINGS_MAX {
        let mut one = trace("a", "audit", "x");
        one.place = machine as u64;
        usual.look(&one, at(3 * DAY), key("x"));
    }
    assert!(usual.records.len() <= THINGS_MAX, "{}", usual.records.len());
    let changes = usual.take_changes();
    assert!(changes.gone.len() > THINGS_MAX / 5, "{}", changes.gone.len());
    let kept = trace("keeps", "cron", "a job ran");
    assert!(usual.records.contains_key(&(kept.place, kept.thing)));
    assert!(!changes.gone.contains(&(kept.place, kept.thing)));
    assert!(changes.kept.iter().all(|one| !changes.gone.contains(&(one.place, one.thing))));
}

/// Hours at which a gateway asked its resolver on some days, and both said so within a second.
fn asked_by_way_of_the_resolver(days: std::ops::Range<i64>) -> Usual {
    let mut usual = lived(1, &["resolver", "gateway", "other"]);
    for day in days {
        for hour in [0, 3, 5] {
            let second = day * DAY + hour * 3600;
            usual.look(&trace("resolver", "cron", "a job ran"), at(second), key("cron"));
            look(&mut usual, "resolver", "an odd name", second);
            look(&mut usual, "gateway", "an odd name", second + 1);
        }
    }
    usual
}

#[test]
fn what_always_came_behind_another_machine_and_comes_alone_stands_out() {
    let mut usual = asked_by_way_of_the_resolver(1..4);
    let begin = 4 * DAY;
    look(&mut usual, "resolver", "an odd name", begin);
    let as_ever = look(&mut usual, "gateway", "an odd name", begin + 1);
    assert!(!as_ever.is_alone && !as_ever.is_unusual(), "{as_ever:?}");
    // Within minutes of that it may be the rest of it.
    assert!(!look(&mut usual, "gateway", "an odd name", begin + 300).is_alone);
    let alone = look(&mut usual, "gateway", "an odd name", begin + 7200);
    assert!(alone.is_alone && alone.is_unusual() && alone.points() >= 3, "{alone:?}");
    assert!(look(&mut usual, "gateway", "an odd name", begin + 7201).is_alone, "and its rest");
    look(&mut usual, "resolver", "an odd name", begin + 7210);
    assert!(!look(&mut usual, "gateway", "an odd name", begin + 7211).is_alone, "led again");
    // Who goes first follows nobody.
    assert!(!look(&mut usual, "resolver", "an odd name", begin + 9 * 3600).is_alone);
    // The next day it is no habit any more.
    assert!(!look(&mut usual, "gateway", "an odd name", 5 * DAY + 3600).is_alone);
}

#[test]
fn one_day_is_no_habit_a_silent_machine_leads_nobody_and_what_comes_to_all_is_nobodys() {
    let mut young = asked_by_way_of_the_resolver(1..2);
    assert!(!look(&mut young, "gateway", "an odd name", 2 * DAY + 7200).is_alone);
    // The resolver was not heard of for half a day: it is off, or its agent is.
    let mut usual = asked_by_way_of_the_resolver(1..4);
    assert!(!look(&mut usual, "gateway", "an odd name", 3 * DAY + 18 * 3600).is_alone);
    // What seems to follow by chance, a minute behind, does not.
    let mut chance = lived(1, &["a", "b"]);
    for day in 1..4 {
        for hour in [0, 3, 5] {
            look(&mut chance, "a", "an update", day * DAY + hour * 3600);
            look(&mut chance, "b", "an update", day * DAY + hour * 3600 + 60);
        }
    }
    look(&mut chance, "a", "another", 4 * DAY + 3600);
    assert!(!look(&mut chance, "b", "an update", 4 * DAY + 3600).is_alone);
}

#[test]
fn a_habit_of_coming_behind_another_is_kept_and_given_up_in_what_is_kept() {
    let mut usual = asked_by_way_of_the_resolver(1..6);
    let mut kept: HashMap<(u64, u64), Remembered> = HashMap::new();
    let note = |kept: &mut HashMap<(u64, u64), Remembered>, changes: Changes| {
        for one in changes.kept {
            kept.insert((one.place, one.thing), one);
        }
    };
    note(&mut kept, usual.take_changes());
    let revived = |kept: &HashMap<(u64, u64), Remembered>| {
        let mut revived = Usual::restore(kept.values().copied());
        look(&mut revived, "resolver", "something else", 6 * DAY);
        look(&mut revived, "gateway", "an odd name", 6 * DAY + 60)
    };
    assert!(revived(&kept).is_alone);
    // Broken on one day and again on the next: it is given up, and a restart does not bring it back.
    for day in [6, 7] {
        look(&mut usual, "resolver", "something else", day * DAY);
        look(&mut usual, "gateway", "an odd name", day * DAY + 60);
    }
    note(&mut kept, usual.take_changes());
    assert!(!revived(&kept).is_alone);
}

#[test]
fn a_machine_on_which_hardly_anything_unusual_comes_is_told_as_such() {
    let mut usual = lived(12, &["quiet", "busy"]);
    for (day, length) in (2..12).zip(1..) {
        look(&mut usual, "busy", &format!("odd {}", "x".repeat(length)), day * DAY);
    }
    assert!(look(&mut usual, "quiet", "x", 12 * DAY).is_quiet_place);
    assert!(!look(&mut usual, "busy", "y", 12 * DAY).is_quiet_place);
    look(&mut usual, "busy", "both", 12 * DAY + 7200);
    assert!(!look(&mut usual, "quiet", "both", 12 * DAY + 7201).is_quiet_place, "not its own");
    // Somebody who makes noise there takes that away, and nothing else.
    assert!(look(&mut usual, "quiet", "y", 13 * DAY).is_quiet_place, "one day of thirteen");
    assert!(!look(&mut usual, "quiet", "z", 14 * DAY).is_quiet_place, "two days of fourteen");
    let mut young = lived(3, &["young"]);
    assert!(!look(&mut young, "young", "x", 2 * DAY).is_quiet_place, "two days say nothing");
}

#[test]
fn what_is_new_here_and_came_to_two_other_machines_before_is_told_as_such() {
    let mut usual = lived(6, &["a", "b", "c"]);
    look(&mut usual, "a", "x", 3 * DAY);
    assert!(!look(&mut usual, "c", "x", 4 * DAY).is_known_elsewhere, "one other");
    let mut usual = lived(6, &["a", "b", "c"]);
    look(&mut usual, "a", "x", 3 * DAY);
    look(&mut usual, "b", "x", 3 * DAY + 7200);
    assert!(!look(&mut usual, "c", "x", 3 * DAY + 14_400).is_known_elsewhere, "the same day");
    let mut usual = lived(6, &["a", "b", "c"]);
    look(&mut usual, "a", "x", 3 * DAY);
    look(&mut usual, "b", "x", 3 * DAY + 7200);
    let new = look(&mut usual, "c", "x", 4 * DAY);
    assert!(new.is_known_elsewhere && new.habit == Habit::New, "{new:?}");
}
