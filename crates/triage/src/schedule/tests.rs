//! Whose turn it is: by urgency, by fairness, by what is foreseen, and by what is worth a call.

use super::*;

mod crowd;
mod like;
mod volley;

fn job(name: &str, actor: &str, score: f64, severity: Severity) -> Job {
    Job {
        incident_id: IncidentId::parse(name).expect("an id"),
        revision: 1,
        actor: actor.to_owned(),
        kind: "one".to_owned(),
        severity,
        score,
        queued_at: Timestamp::from_millis(0),
        deadline_at: Timestamp::from_millis(600_000),
        has_stand_in: false,
        is_unjudged: true,
        playbook_only: false,
        novelty: Novelty::News,
        likeness: Likeness::default(),
        alert_count: 1,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn a_noisy_actor_does_not_delay_the_first_verdict_of_another() {
    let jobs = [
        job("a", "noisy", 20.0, Severity::High),
        job("b", "noisy", 19.0, Severity::High),
        job("c", "quiet", 12.0, Severity::High),
    ];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let turns = scheduler.pick(at(0), &jobs, &[], Capacity::Slots(2));
    assert_eq!(turns[..2], [(0, Turn::Model), (2, Turn::Model)]);
}

#[test]
fn a_hundred_alike_do_not_go_before_the_first_of_another_kind() {
    let noise =
        |number: u32| job(&format!("n{number}"), &format!("s{number}"), 30.0, Severity::Critical);
    let mut jobs: Vec<Job> = (0..100).map(noise).collect();
    let mut needle = job("needle", "somebody", 12.0, Severity::Medium);
    needle.kind = "another".to_owned();
    jobs.push(needle);
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let mut turns = 0;
    while jobs.len() > 97 {
        // One slot, and each call takes half a minute.
        let now = at(30 * turns);
        let picked = scheduler.pick(now, &jobs, &[], Capacity::Slots(1));
        let (place, _) = *picked.iter().find(|(_, turn)| *turn == Turn::Model).expect("a turn");
        turns += 1;
        if jobs.remove(place).kind == "another" {
            break;
        }
    }
    assert!(turns <= 4, "{turns} turns");
    assert!(turns > 1, "what is more serious goes first");
}

#[test]
fn of_two_as_serious_the_quiet_one_goes_first_and_what_is_more_serious_before_both() {
    let loud = |name, score| Job { alert_count: 5_000, ..job(name, name, score, Severity::High) };
    let jobs = [loud("loud", 12.0), job("quiet", "y", 12.0, Severity::High), loud("worse", 18.0)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let turns = scheduler.pick(at(0), &jobs, &[], Capacity::Slots(2));
    assert_eq!(turns[..2], [(2, Turn::Model), (1, Turn::Model)]);
}

#[test]
fn harmless_ones_of_a_kind_that_were_judged_do_not_delay_a_serious_one() {
    let harmless = |name| job(name, name, 12.0, Severity::Medium);
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let before = scheduler.pick(at(0), &[harmless("a"), harmless("b")], &[], Capacity::Slots(2));
    assert_eq!(before.len(), 2);
    let mut other = harmless("other");
    other.kind = "another".to_owned();
    let jobs = [other, job("serious", "s", 24.0, Severity::High)];
    assert_eq!(scheduler.pick(at(1), &jobs, &[], Capacity::Slots(1))[0], (1, Turn::Model));
}

#[test]
fn what_waits_long_enough_overtakes_what_is_more_severe() {
    let mut old = job("old", "x", 3.0, Severity::Medium);
    old.queued_at = at(-1800);
    old.deadline_at = at(-1200);
    let jobs = [old, job("new", "y", 20.0, Severity::High)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    assert_eq!(scheduler.pick(at(0), &jobs, &[], Capacity::Slots(1))[0], (0, Turn::Model));
}

#[test]
fn low_severity_is_judged_by_the_playbook_in_the_meantime_and_high_waits_a_minute() {
    let jobs = [job("low", "x", 1.0, Severity::Low), job("high", "y", 9.0, Severity::High)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    assert_eq!(
        scheduler.pick(at(0), &jobs, &[running(-30)], Capacity::Slots(0)),
        [(0, Turn::Interim("all models are busy"))]
    );
    let turns = scheduler.pick(at(60), &jobs, &[], Capacity::Down);
    assert!(turns.contains(&(1, Turn::Interim("no model answers"))), "{turns:?}");
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_an_incident_from_its_first_verdict() {
    let mut waits = job("high", "y", 9.0, Severity::High);
    waits.queued_at = at(24 * 3600);
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let turns = scheduler.pick(at(0), &[waits], &[], Capacity::Down);
    assert_eq!(turns, [(0, Turn::Interim("no model answers"))]);
}

#[test]
fn the_budget_of_an_actor_is_his_alone() {
    let budgets = Budgets { calls_per_minute: 100, calls_per_actor_hour: 1 };
    let jobs = [
        job("a", "x", 9.0, Severity::High),
        job("b", "x", 9.0, Severity::High),
        job("c", "y", 1.0, Severity::High),
    ];
    let mut scheduler = Scheduler::new(budgets, at(0));
    let turns = scheduler.pick(at(0), &jobs, &[], Capacity::Slots(3));
    let models: Vec<usize> =
        turns.iter().filter(|(_, turn)| *turn == Turn::Model).map(|(at, _)| *at).collect();
    assert_eq!(models.len(), 2, "{turns:?}");
    assert!(models.contains(&2));
}

#[test]
fn without_a_model_everything_is_judged_at_once_and_for_good() {
    let jobs = [job("a", "x", 9.0, Severity::Critical)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    assert_eq!(
        scheduler.pick(at(0), &jobs, &[], Capacity::NoModel),
        [(0, Turn::Playbook("no model is configured"))]
    );
}

fn running(since: i64) -> Running {
    Running { actor: "somebody".to_owned(), since: at(since), likeness: Likeness::default() }
}

#[test]
fn who_would_wait_too_long_has_the_playbook_at_once_and_who_is_next_waits() {
    let next = job("next", "x", 20.0, Severity::High);
    let behind = job("behind", "y", 9.0, Severity::Critical);
    let jobs = [behind, next];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    (0..20).for_each(|_| scheduler.note_call(Duration::from_secs(35)));
    // The call under way began 30 s ago: 5 s of it are left, then each takes 35 s.
    let turns = scheduler.pick(at(0), &jobs, &[running(-30)], Capacity::Slots(0));
    assert_eq!(turns, [(0, Turn::Interim(foresight::TOO_LATE))]);
    // Where calls take 5 s, both have their verdict in time.
    (0..20).for_each(|_| scheduler.note_call(Duration::from_secs(5)));
    assert!(scheduler.pick(at(0), &jobs, &[running(0)], Capacity::Slots(0)).is_empty());
    // Two at a time: the second waits for no other.
    (0..20).for_each(|_| scheduler.note_call(Duration::from_secs(35)));
    let turns = scheduler.pick(at(0), &jobs, &[running(-30), running(-10)], Capacity::Slots(0));
    assert!(turns.is_empty(), "{turns:?}");
}

#[test]
fn an_idle_model_is_asked_and_nobody_stands_in() {
    let jobs = [job("a", "x", 9.0, Severity::High)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    scheduler.note_call(Duration::from_secs(500));
    assert_eq!(scheduler.pick(at(0), &jobs, &[], Capacity::Slots(1)), [(0, Turn::Model)]);
}

#[test]
fn who_has_a_verdict_of_the_playbook_gets_no_second_one_for_waiting() {
    let mut judged = job("a", "x", 9.0, Severity::High);
    judged.is_unjudged = false;
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let turns = scheduler.pick(at(900), &[judged], &[running(0)], Capacity::Slots(0));
    assert!(turns.is_empty(), "{turns:?}");
}

#[test]
fn more_of_what_a_model_judged_is_no_models_affair() {
    let more = Job { novelty: Novelty::MoreOfTheSame, ..job("a", "x", 4.0, Severity::Medium) };
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let turns = scheduler.pick(at(0), &[more], &[], Capacity::Slots(1));
    assert_eq!(turns, [(0, Turn::Playbook(MORE_OF_THE_SAME))]);
}

/// A hundred alike, and behind them the first of another kind, one of theirs that brings news, and a serious one.
fn crowd() -> Vec<Job> {
    let alike = |number: u32, severity, novelty| Job {
        novelty,
        ..job(&format!("n{number}"), &format!("s{number}"), 5.0, severity)
    };
    let mut jobs: Vec<Job> =
        (0..100).map(|number| alike(number, Severity::Medium, Novelty::MaybeLikeOthers)).collect();
    let mut first = alike(100, Severity::Low, Novelty::MaybeLikeOthers);
    (first.kind, first.score) = ("another".to_owned(), 1.0);
    jobs.push(first);
    jobs.push(Job { score: 1.0, ..alike(101, Severity::Medium, Novelty::News) });
    jobs.push(Job { score: 1.0, ..alike(102, Severity::High, Novelty::News) });
    jobs
}

#[test]
fn of_a_crowd_that_is_not_serious_models_judge_some_and_whatever_differs() {
    let jobs = crowd();
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    let left_out = |turns: &[(usize, Turn)]| -> Vec<usize> {
        let alike = turns.iter().filter(|(_, turn)| *turn == Turn::Playbook(LIKE_OTHERS));
        alike.map(|(at, _)| *at).collect()
    };
    let few_alerts = left_out(&scheduler.pick(at(0), &jobs, &[], Capacity::Slots(0)));
    assert_eq!(few_alerts.len(), 97, "three of a kind need no alerts");
    assert!(few_alerts.iter().all(|at| *at < 100), "what differs is a model's: {few_alerts:?}");
    // 0.2 % of as many alerts are forty calls.
    scheduler.note_alerts(20_000, at(0));
    let many_alerts = left_out(&scheduler.pick(at(0), &jobs, &[], Capacity::Slots(0)));
    assert_eq!(many_alerts.len(), 60);
}

#[test]
fn calls_that_were_made_count_against_their_share_and_are_forgotten_in_time() {
    let mut scheduler =
        Scheduler::new(Budgets { calls_per_minute: 1000, calls_per_actor_hour: 1000 }, at(0));
    let serious: Vec<Job> =
        (0..30).map(|it| job(&format!("h{it}"), &format!("h{it}"), 9.0, Severity::High)).collect();
    let asked = scheduler.pick(at(0), &serious, &[], Capacity::Slots(30));
    assert!(asked.iter().all(|(_, turn)| *turn == Turn::Model), "the serious are never held back");
    assert_eq!(asked.len(), 30);
    let mut later = job("later", "z", 4.0, Severity::Medium);
    later.novelty = Novelty::MaybeLikeOthers;
    let turns = scheduler.pick(at(1), std::slice::from_ref(&later), &[], Capacity::Slots(1));
    assert_eq!(turns, [(0, Turn::Playbook(LIKE_OTHERS))]);
    let turns = scheduler.pick(at(2 * 3600), &[later], &[], Capacity::Slots(1));
    assert_eq!(turns, [(0, Turn::Model)]);
}

#[test]
fn of_two_as_serious_what_nobody_heard_of_yet_goes_first() {
    let of_kind = |name: &str, actor: &str, kind: &str| Job {
        kind: kind.to_owned(),
        ..job(name, actor, 12.0, Severity::High)
    };
    let first = |told: &Job, jobs: [Job; 2]| {
        let mut scheduler = Scheduler::new(Budgets::default(), at(0));
        scheduler.pick(at(0), std::slice::from_ref(told), &[], Capacity::Slots(1));
        scheduler.pick(at(1200), &jobs, &[], Capacity::Slots(1))[0]
    };
    // The last of equals is next: both orders, so that neither is chance.
    let told = of_kind("told", "x", "guesses");
    let (known, new) = (of_kind("known", "a", "guesses"), of_kind("new", "b", "scripts"));
    assert_eq!(first(&told, [known.clone(), new.clone()]), (1, Turn::Model));
    assert_eq!(first(&told, [new, known]), (0, Turn::Model));
    let (of_x, of_y) = (of_kind("one", "x", "scripts"), of_kind("two", "y", "scripts"));
    assert_eq!(first(&told, [of_x.clone(), of_y.clone()]), (1, Turn::Model));
    assert_eq!(first(&told, [of_y, of_x]), (0, Turn::Model));
}
