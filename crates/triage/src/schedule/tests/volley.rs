//! What a tool sends from one address: what tells most of it goes first, and what tells no more than was judged is spared where calls are short.

use super::*;

const ONE: u64 = 1;

/// One of a volley's, of a hundred requests.
fn part(name: &str, success: Success, level: u8, score: f64) -> Job {
    let likeness = Likeness {
        volley: Some(ONE),
        may_be_part: success < Success::Shown,
        success,
        level,
        ..Likeness::default()
    };
    let severity = Severity::of(level);
    let kind = name.to_owned();
    Job { likeness, kind, alert_count: 100, ..job(name, "tool", score, severity) }
}

fn by_hand(name: &str, score: f64) -> Job {
    Job { kind: name.to_owned(), ..job(name, "hand", score, Severity::Medium) }
}

fn scheduler() -> Scheduler {
    Scheduler::new(Budgets { calls_per_minute: 1000, calls_per_actor_hour: 1000 }, at(0))
}

/// Gives the names of those that models are asked about one after the other, and those that are spared.
fn order(scheduler: &mut Scheduler, mut jobs: Vec<Job>) -> (Vec<String>, Vec<String>) {
    let (mut asked, mut spared) = (Vec::new(), Vec::new());
    for call in 0.. {
        if jobs.is_empty() {
            break;
        }
        let now = at(30 * call);
        let mut gone = Vec::new();
        for (place, turn) in scheduler.pick(now, &jobs, &[], Capacity::Slots(1)) {
            let job = &jobs[place];
            let name = job.incident_id.to_string();
            match turn {
                Turn::Model => {
                    scheduler.note_precedent(&job.likeness, &said(job, now));
                    asked.push(name);
                }
                Turn::Playbook(why) => {
                    assert_eq!(why, PART_OF_VOLLEY);
                    spared.push(name);
                }
                Turn::Interim(_) => continue,
            }
            gone.push(place);
        }
        let mut place = 0;
        jobs.retain(|_| {
            place += 1;
            !gone.contains(&(place - 1))
        });
    }
    (asked, spared)
}

fn said(job: &Job, now: Timestamp) -> Precedent {
    Precedent {
        incident_id: job.incident_id.clone(),
        analyst: "m/x".to_owned(),
        threat_level: job.likeness.level,
        level: job.likeness.level,
        success: job.likeness.success,
        judged_at: now,
    }
}

#[test]
fn what_tells_most_of_a_volley_goes_first_and_its_rest_behind_what_was_typed_by_hand() {
    let jobs = vec![
        part("tried", Success::None, 5, 30.0),
        part("answered", Success::Answered, 7, 36.0),
        part("worked", Success::Shown, 6, 52.0),
        part("worked-too", Success::Confirmed, 6, 51.0),
        by_hand("hand", 12.0),
    ];
    let (asked, spared) = order(&mut scheduler(), jobs);
    assert_eq!(asked, ["worked", "worked-too", "hand", "answered", "tried"]);
    assert!(spared.is_empty(), "there are calls for all");
}

#[test]
fn of_few_requests_each_is_a_thing_of_its_own() {
    let few = |job: Job| Job { alert_count: 9, ..job };
    let jobs = vec![
        few(part("tried", Success::None, 5, 30.0)),
        few(part("answered", Success::Answered, 7, 36.0)),
        few(part("worked", Success::Shown, 6, 52.0)),
        by_hand("hand", 12.0),
    ];
    assert_eq!(order(&mut scheduler(), jobs).0, ["worked", "answered", "tried", "hand"]);
}

#[test]
fn where_calls_are_short_a_part_is_spared_once_what_tells_no_less_was_judged() {
    let mut scheduler = scheduler();
    let mut jobs: Vec<Job> = (0..5)
        .map(|it| Job { actor: format!("a{it}"), ..by_hand(&format!("hand{it}"), 90.0) })
        .collect();
    jobs.push(part("worked", Success::Shown, 8, 52.0));
    jobs.push(part("answered", Success::Answered, 7, 30.0));
    jobs.push(part("worse", Success::Answered, 9, 29.0));
    jobs.push(part("worked-too", Success::Shown, 4, 28.0));
    let (asked, spared) = order(&mut scheduler, jobs);
    assert_eq!(spared, ["answered"], "what looks worse than all that was judged is not: {asked:?}");
    assert!(asked.contains(&"worse".to_owned()) && asked.contains(&"worked-too".to_owned()));
}

#[test]
fn of_a_volley_that_only_failed_two_are_judged_and_of_what_a_person_asked_for_each() {
    let mut scheduler = scheduler();
    let names = ["one", "two", "three", "four"];
    let mut jobs: Vec<Job> = (0..6)
        .map(|it| Job { actor: format!("a{it}"), ..by_hand(&format!("hand{it}"), 90.0) })
        .collect();
    jobs.extend(names.map(|name| part(name, Success::None, 5, 18.0)));
    let mut wanted = part("wanted", Success::None, 4, 18.0);
    wanted.likeness.may_be_part = false;
    jobs.push(wanted);
    let (asked, spared) = order(&mut scheduler, jobs);
    assert_eq!(spared.len(), 2, "{asked:?}");
    assert!(asked.contains(&"wanted".to_owned()));
}

#[test]
fn the_same_request_from_elsewhere_is_of_the_volley_and_goes_behind() {
    let copy = |name: &str, volley, alerts| {
        let mut one = part(name, Success::Answered, 6, 31.0);
        (one.likeness.volley, one.likeness.copy) = (Some(volley), Some(77));
        Job { alert_count: alerts, actor: name.to_owned(), ..one }
    };
    let jobs = vec![copy("loud", 1, 100), copy("quiet", 2, 1), by_hand("hand", 12.0)];
    assert_eq!(order(&mut scheduler(), jobs).0[0], "hand");
    let jobs = vec![copy("first", 1, 1), copy("second", 2, 1), by_hand("hand", 12.0)];
    assert_eq!(order(&mut scheduler(), jobs).0[2], "hand", "no tool sent it");
}

#[test]
fn where_the_playbook_stands_in_age_counts_alike_and_evidence_decides() {
    let since = |job: Job, allowed: i64| Job { deadline_at: at(allowed), ..job };
    let stands = |has_stand_in| {
        let tried = since(job("tried", "a", 18.0, Severity::Critical), 120);
        let answered = since(by_hand("answered", 22.0), 3600);
        [tried, answered].map(|job| Job { has_stand_in, is_unjudged: !has_stand_in, ..job })
    };
    let first = |jobs: &[Job]| scheduler().pick(at(600), jobs, &[], Capacity::Slots(1))[0];
    assert_eq!(first(&stands(true)), (1, Turn::Model));
    assert_eq!(first(&stands(false)), (0, Turn::Model), "nobody judged it yet, and it is late");
}

#[test]
fn kinds_are_told_apart_by_how_far_they_got() {
    let mut scheduler = scheduler();
    let of = |name: &str, success, score| {
        let mut one = job(name, name, score, Severity::High);
        one.likeness.success = success;
        one
    };
    for number in 0..6 {
        let worked = of(&format!("w{number}"), Success::Shown, 67.0);
        assert_eq!(scheduler.pick(at(number), &[worked], &[], Capacity::Slots(1)).len(), 1);
    }
    let jobs = [
        of("worked", Success::Shown, 67.0),
        of("answered", Success::Answered, 36.0),
        Job { kind: "another".to_owned(), ..of("tried", Success::None, 18.0) },
    ];
    let turns = scheduler.pick(at(7), &jobs, &[], Capacity::Slots(3));
    let order: Vec<usize> = turns.iter().map(|(place, _)| *place).collect();
    assert_eq!(order, [1, 0, 2], "what worked is behind another kind, and before what was tried");
}
