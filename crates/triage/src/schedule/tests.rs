//! Whose turn it is: by urgency, by fairness, by what is foreseen, and by what is worth a call.

use super::*;

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
        is_unjudged: true,
        playbook_only: false,
        novelty: Novelty::News,
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
    assert_eq!(turns, [(0, Turn::Model), (2, Turn::Model)]);
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
fn what_waits_long_enough_overtakes_what_is_more_severe() {
    let mut old = job("old", "x", 3.0, Severity::Medium);
    old.queued_at = at(-1800);
    old.deadline_at = at(-1200);
    let jobs = [old, job("new", "y", 20.0, Severity::High)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    assert_eq!(scheduler.pick(at(0), &jobs, &[], Capacity::Slots(1)), [(0, Turn::Model),]);
}

#[test]
fn low_severity_is_judged_by_the_playbook_in_the_meantime_and_high_waits_a_minute() {
    let jobs = [job("low", "x", 1.0, Severity::Low), job("high", "y", 9.0, Severity::High)];
    let mut scheduler = Scheduler::new(Budgets::default(), at(0));
    assert_eq!(
        scheduler.pick(at(0), &jobs, &[], Capacity::Slots(0)),
        [(0, Turn::Interim("all models are busy"))]
    );
    let turns = scheduler.pick(at(60), &jobs, &[], Capacity::Down);
    assert!(turns.contains(&(1, Turn::Interim("no model answers"))), "{turns:?}");
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
