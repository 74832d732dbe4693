//! A crowd of serious incidents, and what is alone behind it.

use alert::Class;

use super::*;

/// Sixty serious ones alike, each of another actor.
fn crowd() -> Vec<Job> {
    let one = |number: u32| {
        let actor = format!("s{number}");
        let mut one = job(&format!("n{number}"), &actor, 30.0, Severity::Critical);
        one.likeness = Likeness {
            kin: 7,
            sort: 100 + u64::from(number),
            may_be_like: true,
            level: 9,
            ..one.likeness
        };
        one
    };
    (0..60).map(one).collect()
}

fn alone(name: &str, severity: Severity, score: f64) -> Job {
    Job { kind: name.to_owned(), ..job(name, name, score, severity) }
}

/// Plays calls of half a minute, one at a time, and gives whom they were about. What was asked about is gone.
fn calls(scheduler: &mut Scheduler, jobs: &mut Vec<Job>, count: i64) -> Vec<String> {
    let mut asked = Vec::new();
    for call in 0..count {
        let turns = scheduler.pick(at(30 * call), jobs, &[], Capacity::Slots(1));
        let picked = turns.iter().find(|(_, turn)| *turn == Turn::Model).expect("a turn");
        asked.push(jobs.remove(picked.0).incident_id.to_string());
    }
    asked
}

#[test]
fn what_is_alone_goes_before_a_crowd_that_is_more_serious() {
    let mut jobs = crowd();
    jobs.push(alone("needle", Severity::Medium, 9.0));
    jobs.push(alone("ordinary", Severity::Low, 3.0));
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 3);
    assert_eq!(asked[0], "needle");
    assert!(!asked.contains(&"ordinary".to_owned()), "{asked:?}");
}

#[test]
fn a_crowd_is_not_held_back_for_ever_by_many_that_are_each_alone() {
    let mut jobs = crowd();
    jobs.extend((0..60).map(|it| alone(&format!("decoy{it}"), Severity::Medium, 9.0)));
    let budgets = Budgets { calls_per_minute: 100, calls_per_actor_hour: 100 };
    let asked = calls(&mut Scheduler::new(budgets, at(0)), &mut jobs, 40);
    let of_crowd: Vec<usize> = (0..40).filter(|place| asked[*place].starts_with('n')).collect();
    assert_eq!(of_crowd, [30], "one after a quarter of an hour, of half a minute each: {asked:?}");
}

#[test]
fn an_attack_in_a_request_is_not_lost_behind_a_crowd_however_little_it_looks_like() {
    let mut jobs = crowd();
    jobs.push(alone("ordinary", Severity::Low, 9.0));
    let mut attack = alone("attack", Severity::Low, 3.0);
    attack.likeness.volley = Some(1);
    jobs.push(attack);
    let mut guess = alone("guess", Severity::Low, 9.0);
    (guess.likeness.volley, guess.kind) = (Some(2), Class::BruteForce.as_str().to_owned());
    jobs.push(guess);
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 2);
    assert_eq!(asked[0], "attack");
    assert!(asked[1].starts_with('n'), "the crowd is before the rest: {asked:?}");
}

#[test]
fn some_alike_are_no_crowd() {
    let mut jobs = crowd();
    jobs.truncate(5);
    jobs.push(alone("less", Severity::Medium, 9.0));
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 1);
    assert_ne!(asked[0], "less", "the more serious goes first");
}

#[test]
fn one_of_a_crowd_that_had_success_is_alone() {
    let mut jobs = crowd();
    let mut worked = jobs[20].clone();
    worked.incident_id = IncidentId::parse("worked").expect("an id");
    worked.likeness.may_be_like = false;
    worked.score = 9.0;
    jobs.push(worked);
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 1);
    assert_eq!(asked[0], "worked");
}

#[test]
fn what_looks_worse_than_a_crowd_is_none_of_it() {
    let mut jobs = crowd();
    for job in &mut jobs {
        (job.severity, job.likeness.level, job.score) = (Severity::Medium, 3, 12.0);
    }
    let mut spray = jobs[5].clone();
    spray.incident_id = IncidentId::parse("spray").expect("an id");
    (spray.severity, spray.likeness.level) = (Severity::High, 5);
    jobs.push(spray.clone());
    jobs.push(alone("other", Severity::Medium, 14.0));
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 1);
    assert_eq!(asked, ["other"], "among what is alone urgency decides");
    (jobs, spray.score) = (crowd(), 15.0);
    for job in &mut jobs {
        (job.severity, job.likeness.level, job.score) = (Severity::Medium, 3, 12.0);
    }
    jobs.extend([spray, alone("other", Severity::Medium, 14.0)]);
    let asked = calls(&mut Scheduler::new(Budgets::default(), at(0)), &mut jobs, 1);
    assert_eq!(asked, ["spray"]);
}
