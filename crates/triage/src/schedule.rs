//! What is judged next, and by whom.
//!
//! One queue. The urgency of a job is its score, growing with age so that nothing starves, shared among actors so that one noisy source can't
//! delay another's first verdict, and among kinds so that a hundred alike don't go before the first of another kind. What the models have no room for is judged by the playbook in the meantime, marked as pending, and
//! stays in the queue: nothing is ever dropped.

use std::collections::HashMap;
use std::time::Duration;

use alert::{IncidentId, Timestamp};

use crate::budget::Bucket;
use crate::priority::Severity;

/// Actors whose budgets are remembered. A full bucket is forgotten first, and forgetting it changes nothing.
const ACTORS_MAX: usize = 10_000;

/// A verdict that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// For which incident.
    pub incident_id: IncidentId,
    /// At which revision.
    pub revision: u32,
    /// Whose incident it is.
    pub actor: String,
    /// What kind of thing it is: its class.
    pub kind: String,
    /// How serious it looks.
    pub severity: Severity,
    /// How urgent it is, from [`crate::priority::score`].
    pub score: f64,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Until when there should be a verdict.
    pub deadline_at: Timestamp,
    /// Nobody judged the incident yet, not even the playbook.
    pub is_unjudged: bool,
    /// A model must not be asked (an echo of Quell's own output).
    pub playbook_only: bool,
}

/// Limits on what models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Model calls a minute, in all.
    pub calls_per_minute: u32,
    /// Model calls an hour for the incidents of one actor.
    pub calls_per_actor_hour: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        // A small model on a small machine answers 5 to 15 times a minute; an actor with 20 different incidents in an hour is one story.
        Self { calls_per_minute: 30, calls_per_actor_hour: 20 }
    }
}

/// What the models can take right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// No model is configured: the playbook judges for good.
    NoModel,
    /// All backends are resting after failures; the playbook stands in.
    Down,
    /// This many calls may start now.
    Slots(usize),
}

/// Who judges a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A model.
    Model,
    /// The playbook, for good.
    Playbook(&'static str),
    /// The playbook, until a model has time.
    Interim(&'static str),
}

/// How long it takes until half of what a kind got is forgotten. A model on a small machine judges some twenty incidents in that time.
const KIND_HALF_LIFE: Duration = Duration::from_secs(600);

/// Kinds that are remembered. There are some forty classes; the limit only holds whatever else a caller may name.
const KINDS_MAX: usize = 256;

/// Decides whose turn it is.
#[derive(Debug)]
pub struct Scheduler {
    budgets: Budgets,
    all: Bucket,
    actors: HashMap<String, Bucket>,
    /// What each kind got of the models lately, and as of when.
    kinds: HashMap<String, (f64, Timestamp)>,
}

impl Scheduler {
    /// Makes a scheduler with full budgets.
    pub fn new(budgets: Budgets, now: Timestamp) -> Self {
        let all = Bucket::new(budgets.calls_per_minute.max(1), Duration::from_secs(60), now);
        Self { budgets, all, actors: HashMap::new(), kinds: HashMap::new() }
    }

    /// Picks from `jobs` those that are judged now, most urgent first, as indices with whose turn it is. `running` names the actors of
    /// calls under way.
    pub fn pick(
        &mut self,
        now: Timestamp,
        jobs: &[Job],
        running: &[String],
        capacity: Capacity,
    ) -> Vec<(usize, Turn)> {
        let mut shares: HashMap<&str, u32> = HashMap::new();
        for actor in running {
            *shares.entry(actor).or_default() += 1;
        }
        let mut turns = Vec::new();
        let mut waiting: Vec<usize> = Vec::new();
        for (at, job) in jobs.iter().enumerate() {
            match capacity {
                _ if job.playbook_only => {
                    turns.push((at, Turn::Playbook("it is an echo of Quell's own output")))
                }
                Capacity::NoModel => turns.push((at, Turn::Playbook("no model is configured"))),
                _ => waiting.push(at),
            }
        }
        let mut slots = if let Capacity::Slots(slots) = capacity { slots } else { 0 };
        let mut why =
            if capacity == Capacity::Down { "no model answers" } else { "all models are busy" };
        let mut lately: HashMap<&str, f64> =
            jobs.iter().map(|job| (job.kind.as_str(), self.lately(&job.kind, now))).collect();
        while slots > 0 && !waiting.is_empty() {
            let urgent = waiting
                .iter()
                .enumerate()
                .filter_map(|(place, at)| jobs.get(*at).map(|job| (place, job)))
                .filter(|(_, job)| self.actor_has_budget(&job.actor, now))
                .max_by(|(_, a), (_, b)| {
                    let share = |job: &Job| {
                        let share = shares.get(job.actor.as_str()).copied().unwrap_or(0);
                        let lately = lately.get(job.kind.as_str()).copied().unwrap_or(0.0);
                        // One alike is no crowd.
                        let crowd = (lately - 1.0).max(0.0);
                        f64::from(1 + share) * (1.0 + crowd) * (1.0 + crowd)
                    };
                    urgency(a, share(a), now).total_cmp(&urgency(b, share(b), now))
                })
                .map(|(place, job)| (place, job.actor.as_str(), job.kind.as_str()));
            let Some((place, actor, kind)) = urgent else {
                why = "the budget of its actor is spent";
                break;
            };
            if !self.all.take(now) {
                why = "the budget of model calls is spent";
                break;
            }
            self.take_from_actor(actor, now);
            self.note_kind(kind, now);
            *lately.entry(kind).or_default() += 1.0;
            *shares.entry(actor).or_default() += 1;
            turns.push((waiting.swap_remove(place), Turn::Model));
            slots -= 1;
        }
        for at in waiting {
            // Nobody knows how long a job waits that asked later than now: the clock was set back, and it does not wait for the clock.
            let is_due = jobs.get(at).is_some_and(|job| {
                let waits = now.since(job.queued_at);
                job.is_unjudged && (waits >= patience(job.severity) || now < job.queued_at)
            });
            if is_due {
                turns.push((at, Turn::Interim(why)));
            }
        }
        turns
    }

    fn actor_has_budget(&mut self, actor: &str, now: Timestamp) -> bool {
        self.actors.get_mut(actor).is_none_or(|bucket| bucket.has(now))
    }

    /// Gives what a kind got of the models lately: each turn counts one, and half as much after [`KIND_HALF_LIFE`].
    fn lately(&self, kind: &str, now: Timestamp) -> f64 {
        self.kinds.get(kind).map_or(0.0, |(turns, as_of)| {
            let half_lives = now.since(*as_of).as_secs_f64() / KIND_HALF_LIFE.as_secs_f64();
            turns * (-half_lives).exp2()
        })
    }

    fn note_kind(&mut self, kind: &str, now: Timestamp) {
        let turns = self.lately(kind, now) + 1.0;
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(kind) {
            self.kinds.clear();
        }
        self.kinds.insert(kind.to_owned(), (turns, now));
    }

    fn take_from_actor(&mut self, actor: &str, now: Timestamp) {
        if self.actors.len() >= ACTORS_MAX && !self.actors.contains_key(actor) {
            self.actors.retain(|_, bucket| !bucket.is_full(now));
        }
        let budget = self.budgets.calls_per_actor_hour.max(1);
        self.actors
            .entry(actor.to_owned())
            .or_insert_with(|| Bucket::new(budget, Duration::from_secs(3600), now))
            .take(now);
    }
}

/// How long a job waits for a model before the playbook stands in. The less serious, the sooner: the model's time is for the rest.
pub const fn patience(severity: Severity) -> Duration {
    Duration::from_secs(match severity {
        Severity::Low => 0,
        Severity::Medium => 20,
        Severity::High | Severity::Critical => 60,
    })
}

/// The age, as a multiple of what the deadline allows, from which on urgency grows slowly: in an overload everything is late, and a crowd that
/// is late must not outrun all that came a little later.
const LATE: f64 = 3.0;

/// Grows with age relative to the deadline, and shrinks with what the actor already gets and what its kind got lately.
fn urgency(job: &Job, share: f64, now: Timestamp) -> f64 {
    let allowed = job.deadline_at.since(job.queued_at).as_secs_f64().max(1.0);
    let age = now.since(job.queued_at).as_secs_f64() / allowed;
    let grown = (1.0 + age.min(LATE)) * (1.0 + age.min(LATE)) * (1.0 + (age / LATE).max(1.0).ln());
    job.score * grown / share
}

#[cfg(test)]
mod tests {
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
        let noise = |number: u32| {
            job(&format!("n{number}"), &format!("s{number}"), 30.0, Severity::Critical)
        };
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
}
