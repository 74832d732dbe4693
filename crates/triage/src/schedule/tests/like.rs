//! Whose judgement is taken over: of a sort, of a burst, of kin; by what, and never by what is more serious, what a person asked for, or
//! what came long after.

use super::*;

fn like(sort: u64, kin: u64) -> Likeness {
    Likeness { sort, kin, may_be_like: true, level: 3, ..Likeness::default() }
}

fn of(name: &str, likeness: Likeness) -> Job {
    let severity = Severity::of(likeness.level);
    Job { likeness, ..job(name, name, 4.0, severity) }
}

fn judged(name: &str, level: u8, second: i64) -> Precedent {
    Precedent {
        incident_id: IncidentId::parse(name).expect("an id"),
        analyst: "m/x".to_owned(),
        threat_level: level,
        level,
        success: alert::incident::Success::None,
        judged_at: at(second),
    }
}

/// Gives the turn of one job where a slot is free.
fn turn(scheduler: &mut Scheduler, job: &Job, second: i64) -> Turn {
    let turns = scheduler.pick(at(second), std::slice::from_ref(job), &[], Capacity::Slots(1));
    turns.first().expect("a turn").1
}

fn scheduler() -> Scheduler {
    Scheduler::new(Budgets { calls_per_minute: 1000, calls_per_actor_hour: 1000 }, at(0))
}

const DAY: i64 = 24 * 3600;

#[test]
fn one_of_a_sort_is_asked_about_and_the_others_are_like_it() {
    let mut scheduler = scheduler();
    let (one, two) = (of("one", like(1, 1)), of("two", like(1, 2)));
    assert_eq!(turn(&mut scheduler, &one, 0), Turn::Model);
    scheduler.note_precedent(&one.likeness, &judged("one", 3, 30));
    assert_eq!(turn(&mut scheduler, &two, 31), Turn::Playbook(LIKE_JUDGED));
    let named = scheduler.precedents(&two.incident_id, &two.likeness, at(31));
    assert_eq!(named, [judged("one", 3, 30)]);
    assert_eq!(turn(&mut scheduler, &one, 32), Turn::Playbook(MORE_OF_THE_SAME), "it was judged");
    scheduler.note_alerts(3_000, at(33));
    assert_eq!(turn(&mut scheduler, &one, 33), Turn::Model, "nothing is like itself: it has news");
    assert_eq!(turn(&mut scheduler, &two, 8 * DAY), Turn::Model, "that is long ago");
}

#[test]
fn what_looks_more_serious_or_a_person_asked_for_is_like_nothing() {
    let mut scheduler = scheduler();
    scheduler.note_precedent(&like(1, 1), &judged("one", 3, 0));
    let worse = of("worse", Likeness { level: 4, ..like(1, 1) });
    assert_eq!(turn(&mut scheduler, &worse, 1), Turn::Model);
    let asked = of("asked", Likeness { may_be_like: false, ..like(1, 1) });
    assert_eq!(turn(&mut scheduler, &asked, 1), Turn::Model);
    // A serious one is not like one other, whatever that looked like.
    scheduler.note_precedent(&like(1, 1), &judged("bad", 9, 0));
    let serious = of("serious", Likeness { level: 6, ..like(1, 1) });
    assert_eq!(turn(&mut scheduler, &serious, 1), Turn::Model);
    // What stands out may be another story an hour later.
    let unusual = of("unusual", Likeness { stands_out: true, ..like(1, 7) });
    assert_eq!(turn(&mut scheduler, &unusual, 60), Turn::Playbook(LIKE_JUDGED));
    assert_eq!(turn(&mut scheduler, &unusual, 2 * 3600), Turn::Model);
}

#[test]
fn two_of_a_sort_are_not_asked_about_at_once() {
    let mut scheduler = scheduler();
    let jobs = [of("one", like(1, 1)), of("two", like(1, 2)), of("other", like(3, 3))];
    let turns = scheduler.pick(at(0), &jobs, &[], Capacity::Slots(3));
    let models: Vec<usize> =
        turns.iter().filter(|(_, turn)| *turn == Turn::Model).map(|(at, _)| *at).collect();
    assert_eq!(models.len(), 2, "{turns:?}");
    assert!(models.contains(&2) && !(models.contains(&0) && models.contains(&1)));
    // Nor while a call on its like is under way; whoever waits too long for it has the playbook meanwhile.
    let under_way = [Running { likeness: like(1, 1), ..running(0) }];
    let turns = scheduler.pick(at(40), &jobs[1..2], &under_way, Capacity::Slots(1));
    assert_eq!(turns, [(0, Turn::Interim(LIKE_IS_ASKED))]);
}

#[test]
fn of_a_burst_models_see_two_parts_and_more_where_calls_are_left() {
    let mut scheduler = scheduler();
    let part = |number: u64| Likeness {
        burst: Some(77),
        level: 6,
        stands_out: true,
        ..like(number, 100 + number)
    };
    for number in 1..3 {
        let name = format!("p{number}");
        assert_eq!(turn(&mut scheduler, &of(&name, part(number)), 0), Turn::Model);
        scheduler.note_precedent(&part(number), &judged(&name, 6, 10));
    }
    assert_eq!(turn(&mut scheduler, &of("p3", part(3)), 20), Turn::Playbook(PART_OF_BURST));
    let worse = Likeness { level: 7, ..part(4) };
    assert_eq!(turn(&mut scheduler, &of("p4", worse), 20), Turn::Model);
    assert_eq!(turn(&mut scheduler, &of("p5", part(5)), 3600), Turn::Model, "another chapter");
    scheduler.note_alerts(10_000, at(3600));
    scheduler.note_precedent(&part(5), &judged("p5", 6, 3600));
    scheduler.note_precedent(&part(6), &judged("p6", 6, 3600));
    assert_eq!(turn(&mut scheduler, &of("p7", part(7)), 3601), Turn::Model, "calls are left");
}

#[test]
fn hundreds_of_serious_ones_alike_cost_some_calls_and_one_that_differs_its_own() {
    let mut scheduler = scheduler();
    let serious =
        |number: u64, kin| of(&format!("s{number}"), Likeness { level: 9, ..like(number, kin) });
    let crowd: Vec<Job> = (0..200).map(|number| serious(number, 1)).collect();
    let mut asked = 0;
    for (number, job) in crowd.iter().enumerate() {
        let second = i64::try_from(number).expect("small");
        if turn(&mut scheduler, job, second) == Turn::Model {
            asked += 1;
            let name = job.incident_id.to_string();
            scheduler.note_precedent(&job.likeness, &judged(&name, 9, second));
        }
    }
    assert!((6..=7).contains(&asked), "six need no alerts, the rest is like them: {asked}");
    assert_eq!(turn(&mut scheduler, &serious(900, 2), 200), Turn::Model, "of another kin");
    let differs = Likeness { may_be_like: false, ..serious(901, 1).likeness };
    assert_eq!(turn(&mut scheduler, &of("worked", differs), 200), Turn::Model);
    // The calls of this day are spent, and that keeps back what is ordinary, not what is serious.
    let ordinary = Likeness { is_ordinary: true, level: 2, ..like(50, 50) };
    let ordinary = Job { alert_count: 10, ..of("ordinary", ordinary) };
    assert_eq!(turn(&mut scheduler, &ordinary, 201), Turn::Playbook(ORDINARY));
    assert_eq!(turn(&mut scheduler, &ordinary, 5 * DAY), Turn::Model);
}

#[test]
fn what_differs_goes_before_more_of_what_models_judged() {
    let mut scheduler = scheduler();
    scheduler.note_precedent(&like(1, 1), &judged("one", 3, 0));
    let more = Likeness { level: 9, ..like(2, 1) };
    let jobs = [
        Job { score: 9.0, ..of("more", more) },
        Job { score: 4.0, ..of("differs", Likeness { level: 5, ..like(3, 3) }) },
    ];
    let turns = scheduler.pick(at(1), &jobs, &[], Capacity::Slots(1));
    assert_eq!(turns[0], (1, Turn::Model));
}

#[test]
fn the_same_serious_thing_on_many_machines_is_asked_about_three_times_once_calls_are_spent() {
    let mut scheduler = scheduler();
    let on = |machine: u64| {
        let likeness = Likeness { level: 9, fleet: Some(7), ..like(machine, machine) };
        of(&format!("m{machine}"), likeness)
    };
    let mut asked = 0;
    for machine in 0..100 {
        let (job, second) = (on(1000 + machine), i64::try_from(machine).expect("small"));
        if turn(&mut scheduler, &job, second) == Turn::Model {
            asked += 1;
            let name = job.incident_id.to_string();
            scheduler.note_precedent(&job.likeness, &judged(&name, 9, second));
        }
    }
    assert!((6..=7).contains(&asked), "six need no alerts: {asked}");
    let other = Likeness { fleet: Some(8), ..on(2000).likeness };
    assert_eq!(turn(&mut scheduler, &of("other", other), 100), Turn::Model, "another thing");
    let worse = Likeness { level: 10, ..on(2001).likeness };
    assert_eq!(turn(&mut scheduler, &of("worse", worse), 100), Turn::Model, "worse than they");
    assert_eq!(turn(&mut scheduler, &on(2002), 2 * 3600), Turn::Model, "that is another story");
}

#[test]
fn what_waits_and_looks_less_serious_stands_for_nothing_more() {
    let mut scheduler = scheduler();
    // Calls are spent.
    let spent: Vec<Job> = (0..12)
        .map(|it| of(&format!("x{it}"), Likeness { level: 9, ..like(it, 900 + it) }))
        .collect();
    assert_eq!(scheduler.pick(at(0), &spent, &[], Capacity::Slots(12)).len(), 12);
    let on = |machine: u64, level| {
        let likeness = Likeness { level, fleet: Some(7), ..like(machine, machine) };
        Job { score: 18.0, ..of(&format!("m{machine}"), likeness) }
    };
    let mut jobs: Vec<Job> = (100..103).map(|machine| on(machine, 5)).collect();
    jobs.push(Job { score: 15.0, ..on(103, 9) });
    jobs.push(Job { score: 15.0, ..on(104, 5) });
    let turns = scheduler.pick(at(1), &jobs, &[], Capacity::Slots(0));
    assert!(!turns.contains(&(3, Turn::Playbook(ONE_OF_MANY))), "{turns:?}");
    assert!(turns.contains(&(4, Turn::Playbook(ONE_OF_MANY))), "{turns:?}");
}

fn practised(name: &str, kin: u64) -> Job {
    of(name, Likeness { practice: Some(77), ..like(kin, kin) })
}

#[test]
fn what_many_users_do_is_asked_about_once_and_again_while_half_of_the_share_lasts() {
    let mut scheduler = scheduler();
    let jobs: Vec<Job> = (1..9).map(|number| practised(&format!("n{number}"), number)).collect();
    // One of those that wait stands for the rest from the start.
    let turns = scheduler.pick(at(0), &jobs, &[], Capacity::Slots(0));
    assert_eq!(
        turns.iter().filter(|(_, turn)| *turn == Turn::Playbook(LIKE_OTHERS)).count(),
        7,
        "{turns:?}"
    );
    assert_eq!(turn(&mut scheduler, &jobs[0], 0), Turn::Model);
    scheduler.note_precedent(&jobs[0].likeness, &judged(jobs[0].incident_id.as_str(), 3, 0));
    assert_eq!(turn(&mut scheduler, &jobs[2], 3), Turn::Playbook(LIKE_OTHERS));
    // Half of 0.2 % of so many alerts are not quite two calls, and one was made.
    scheduler.note_alerts(1_900, at(3));
    assert_eq!(turn(&mut scheduler, &jobs[3], 4), Turn::Model);
    assert_eq!(turn(&mut scheduler, &jobs[4], 5), Turn::Playbook(LIKE_OTHERS));
}

#[test]
fn what_is_worse_than_the_practice_or_none_of_it_is_asked_about() {
    let mut scheduler = scheduler();
    for (name, number) in [("one", 1), ("two", 2)] {
        scheduler.note_precedent(&practised(name, number).likeness, &judged(name, 3, 0));
    }
    let mut worse = practised("worse", 5);
    worse.likeness.level = 4;
    assert_eq!(turn(&mut scheduler, &worse, 1), Turn::Model);
    let other = of("other", like(6, 6));
    assert_eq!(turn(&mut scheduler, &other, 1), Turn::Model);
    let old = practised("old", 7);
    assert_eq!(turn(&mut scheduler, &old, 2 * DAY), Turn::Model, "that is long ago");
}

#[test]
fn a_clock_that_was_ahead_keeps_no_judgement_for_longer() {
    let mut scheduler = scheduler();
    // Three of a kin were judged while the clock was a month ahead.
    for name in ["x", "y", "z"] {
        scheduler.note_precedent(&like(9, 1), &judged(name, 3, 30 * DAY));
    }
    let waits = of("waits", like(9, 1));
    assert_eq!(turn(&mut scheduler, &waits, 0), Turn::Model, "they say nothing of today");
    // And they don't push out what is judged now.
    scheduler.note_precedent(&like(9, 1), &judged("now", 3, 1));
    assert_eq!(turn(&mut scheduler, &waits, 2), Turn::Playbook(LIKE_JUDGED));
}

#[test]
fn what_is_ordinary_and_comes_singly_is_asked_about_longer_than_what_is_one_of_many() {
    let ordinary = |name: &str, kin: u64| {
        let likeness = Likeness { is_ordinary: true, level: 2, ..like(kin, kin) };
        of(name, likeness)
    };
    // Five calls were made today.
    let after_five = || {
        let mut scheduler = scheduler();
        for number in 100..105_u32 {
            let serious = of(
                &format!("s{number}"),
                Likeness { level: 8, ..like(u64::from(number), u64::from(number)) },
            );
            assert_eq!(turn(&mut scheduler, &serious, 0), Turn::Model);
        }
        scheduler
    };
    assert_eq!(turn(&mut after_five(), &ordinary("alone", 1), 1), Turn::Model);
    let loud = Job { alert_count: 40, ..ordinary("loud", 1) };
    assert_eq!(turn(&mut after_five(), &loud, 1), Turn::Playbook(ORDINARY));
    let mut knows = after_five();
    knows.note_precedent(&like(7, 300), &judged("known", 2, 0));
    let mut of_its_kin = ordinary("another", 300);
    of_its_kin.likeness.sort = 8;
    assert_eq!(turn(&mut knows, &of_its_kin, 1), Turn::Playbook(ORDINARY));
    // A crowd of one kin in different words: none of them is asked about any more.
    let crowd: Vec<Job> = (0..9)
        .map(|number| {
            let mut one = ordinary(&format!("c{number}"), 50);
            one.likeness.sort = 500 + number;
            one
        })
        .collect();
    let turns = after_five().pick(at(1), &crowd, &[], Capacity::Slots(1));
    assert!(turns.iter().all(|(_, turn)| *turn != Turn::Model), "{turns:?}");
}

#[test]
fn of_serious_things_of_one_practice_three_are_judged_once_calls_are_spent() {
    let mut scheduler = scheduler();
    let flaw = |number: u64, level| {
        let likeness = Likeness { level, practice: Some(77), ..like(number, number) };
        of(&format!("f{number}"), likeness)
    };
    let jobs: Vec<Job> = (0..6)
        .map(|it| of(&format!("x{it}"), Likeness { level: 9, ..like(900 + it, 900 + it) }))
        .collect();
    for job in &jobs {
        assert_eq!(turn(&mut scheduler, job, 1), Turn::Model);
    }
    for number in 0..2 {
        scheduler.note_precedent(&flaw(number, 7).likeness, &judged(&format!("f{number}"), 7, 2));
    }
    assert_eq!(turn(&mut scheduler, &flaw(2, 7), 3), Turn::Model, "two are no pattern");
    scheduler.note_precedent(&flaw(2, 7).likeness, &judged("f2", 7, 4));
    assert_eq!(turn(&mut scheduler, &flaw(3, 7), 5), Turn::Playbook(ONE_OF_MANY));
    assert_eq!(turn(&mut scheduler, &flaw(4, 8), 6), Turn::Model, "it looks worse");
}

/// Serious things that are said in the same words.
fn twin(name: &str, number: u64, level: u8) -> Job {
    of(name, Likeness { level, twin: Some(55), ..like(number, number) })
}

#[test]
fn one_judged_stands_for_its_twins_while_calls_are_short_and_three_do_where_they_are_not() {
    let mut short = scheduler();
    let jobs: Vec<Job> = (0..40).map(|it| twin(&format!("t{it}"), it, 9)).collect();
    let ask = |scheduler: &mut Scheduler, jobs: &[Job]| {
        let mut asked = 0;
        for (second, job) in (1..).zip(jobs) {
            if turn(scheduler, job, second) == Turn::Model {
                asked += 1;
                let said = judged(job.incident_id.as_str(), 9, second);
                scheduler.note_precedent(&job.likeness, &said);
            }
        }
        asked
    };
    assert_eq!(ask(&mut short, &jobs), 1);
    assert_eq!(turn(&mut short, &jobs[30], 50), Turn::Playbook(TWIN_JUDGED));
    assert_eq!(
        short.precedents(&jobs[30].incident_id, &jobs[30].likeness, at(50)),
        [judged("t0", 9, 1)],
        "whose judgement it takes over is named"
    );
    // Half of 0.2 % of so many alerts are five calls.
    let mut ample = scheduler();
    ample.note_alerts(5_000, at(0));
    let asked = ask(&mut ample, &jobs);
    assert!((5..=6).contains(&asked), "{asked}");
}

#[test]
fn what_looks_worse_differs_in_a_word_or_comes_a_day_later_is_no_twin() {
    let mut scheduler = scheduler();
    let one = twin("one", 1, 7);
    assert_eq!(turn(&mut scheduler, &one, 0), Turn::Model);
    scheduler.note_precedent(&one.likeness, &judged("one", 7, 1));
    assert_eq!(turn(&mut scheduler, &twin("same", 2, 7), 2), Turn::Playbook(TWIN_JUDGED));
    assert_eq!(turn(&mut scheduler, &twin("worse", 3, 8), 2), Turn::Model);
    let other = Likeness { twin: Some(56), ..twin("other", 4, 7).likeness };
    assert_eq!(turn(&mut scheduler, &of("other", other), 2), Turn::Model);
    let worked = Likeness { may_be_like: false, ..twin("worked", 5, 7).likeness };
    assert_eq!(turn(&mut scheduler, &of("worked", worked), 2), Turn::Model);
    let unknown = Likeness { twin: None, ..twin("unknown", 6, 7).likeness };
    assert_eq!(turn(&mut scheduler, &of("unknown", unknown), 2), Turn::Model);
    assert_eq!(turn(&mut scheduler, &twin("later", 7, 7), 2 * DAY), Turn::Model);
}

#[test]
fn of_a_few_who_guess_each_may_be_a_story_and_of_a_crowd_one_tells_of_all() {
    let guesser = |number: u64| {
        let likeness = Likeness { level: 5, twin: Some(66), is_told_by_class: true, ..like(6, 6) };
        of(&format!("g{number}"), likeness)
    };
    let spared = |count: u64| {
        let jobs: Vec<Job> = (0..count).map(guesser).collect();
        let turns = scheduler().pick(at(1), &jobs, &[], Capacity::Slots(0));
        turns.iter().filter(|(_, turn)| *turn == Turn::Playbook(TWIN_JUDGED)).count()
    };
    assert_eq!(spared(4), 2, "two of four are asked about");
    assert_eq!(spared(20), 19);
}

#[test]
fn what_comes_back_for_weeks_is_asked_about_again_only_where_calls_allow() {
    let again = |alerts: u64| {
        let mut scheduler = scheduler();
        let (one, two) = (of("one", like(1, 1)), of("two", like(1, 1)));
        scheduler.note_alerts(alerts, at(0));
        assert_eq!(turn(&mut scheduler, &one, 0), Turn::Model);
        scheduler.note_precedent(&one.likeness, &judged("one", 3, 30));
        [8 * DAY, 80 * DAY].map(|second| turn(&mut scheduler, &two, second))
    };
    assert_eq!(again(100), [Turn::Playbook(LIKE_JUDGED), Turn::Model]);
    assert_eq!(again(10_000), [Turn::Model, Turn::Model]);
}

#[test]
fn an_incident_that_was_judged_and_is_no_worse_is_asked_about_again_only_where_calls_allow() {
    let mut scheduler = scheduler();
    let one = Job { likeness: Likeness { level: 9, ..like(1, 1) }, ..of("one", like(1, 1)) };
    let one = Job { severity: Severity::Critical, ..one };
    assert_eq!(turn(&mut scheduler, &one, 0), Turn::Model);
    scheduler.note_precedent(&one.likeness, &judged("one", 9, 1));
    assert_eq!(turn(&mut scheduler, &one, 2), Turn::Playbook(TWIN_JUDGED), "it only grew");
    let worse = Job { likeness: Likeness { level: 10, ..one.likeness }, ..one.clone() };
    assert_eq!(turn(&mut scheduler, &worse, 3), Turn::Model);
    let worked = Job { likeness: Likeness { may_be_like: false, ..one.likeness }, ..one.clone() };
    assert_eq!(turn(&mut scheduler, &worked, 4), Turn::Model);
    scheduler.note_alerts(10_000, at(5));
    assert_eq!(turn(&mut scheduler, &one, 6), Turn::Model, "there is room");
}
