//! Crowds: many that wait and are alike, and what is alone behind them.
//!
//! A flood of serious alerts is what an attacker would send in front of the one thing that he hides: hundreds of incidents, each more
//! urgent than that one. But of a crowd the next tells little, and it has its playbook's verdict already. So what is alone and may matter
//! goes before crowds, whatever their severity; and so that nobody can hold a crowd back with things that are each alone, the most
//! urgent has its turn after a quarter of an hour of them, whoever it is. Among the alone and among the crowds, urgency decides as ever.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alert::{Fingerprint, Timestamp};

use super::Job;
use super::lately::Tally;
use super::volley::is_shot;
use crate::priority::Severity;

/// Of one kin, how many wait, or came and went lately, until they are a crowd: some alike are a day like others.
const CROWD_MIN: f64 = 8.0;

/// How long what is alone goes before a crowd that waits: some twenty calls of a small machine. The crowd has the playbook's verdicts.
const CROWDS_WAIT: Duration = Duration::from_secs(900);

/// Who had the last turns, and what makes crowds over time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Since when what is alone goes before a crowd that waits.
    alone_since: Option<Timestamp>,
    /// Of each kin, what models were asked about lately or spared.
    gone: Tally<u64>,
}

impl Turns {
    /// Finds the crowds among the jobs at `waiting`.
    pub(super) fn crowds(&self, jobs: &[Job], waiting: &[usize], now: Timestamp) -> Crowds {
        let mut counts: HashMap<u64, f64> = HashMap::new();
        for job in waiting.iter().filter_map(|at| jobs.get(*at)) {
            for name in names(job).flat_map(|name| up_to(name, job.severity)) {
                *counts.entry(name).or_insert_with(|| self.gone.at(&name, now)) += 1.0;
            }
        }
        counts.retain(|_, count| *count >= CROWD_MIN);
        Crowds { names: counts.into_keys().collect() }
    }

    /// Tells whether what is alone goes first now.
    pub(super) fn is_of_the_alone(&self, now: Timestamp) -> bool {
        // A clock that was set back behind it begins anew.
        self.alone_since.is_none_or(|since| now >= since && now.since(since) < CROWDS_WAIT)
    }

    /// Takes note of what waits no more.
    pub(super) fn note_gone(&mut self, job: &Job, now: Timestamp) {
        // An incident that grew is still one.
        let counted = names(job).filter(|_| job.is_unjudged);
        for name in counted.flat_map(|name| up_to(name, job.severity)) {
            self.gone.add(name, now);
        }
    }

    /// Takes note of who has the turn.
    pub(super) fn note_turn(&mut self, crowds: &Crowds, job: &Job, now: Timestamp) {
        let is_of_the_alone = self.is_of_the_alone(now) && crowds.give_way_to(job);
        self.alone_since = is_of_the_alone.then(|| self.alone_since.unwrap_or(now));
    }
}

/// Names the crowds that a job may be of: its kin at its place, and its fleet at many.
fn names(job: &Job) -> impl Iterator<Item = u64> {
    let likeness = job.likeness;
    let names = [Some(likeness.kin), likeness.fleet];
    names.into_iter().flatten().filter(move |_| likeness.may_be_like)
}

/// Names a crowd as those see it that look less serious, or as serious. What looks worse than a crowd is none of it: who guesses a hundred
/// passwords does not stand behind all who mistyped theirs.
fn up_to(name: u64, severity: Severity) -> impl Iterator<Item = u64> {
    Severity::ALL.into_iter().filter(move |one| *one <= severity).map(move |one| at(name, one))
}

/// Names a crowd of a severity.
fn at(name: u64, severity: Severity) -> u64 {
    Fingerprint::of([severity.as_str(), &name.to_string()]).as_u64()
}

/// The crowds that wait.
#[derive(Debug)]
pub(super) struct Crowds {
    names: HashSet<u64>,
}

impl Crowds {
    /// Tells whether a job is of one of them.
    pub(super) fn hold(&self, job: &Job) -> bool {
        names(job).any(|name| self.names.contains(&at(name, job.severity)))
    }

    /// Tells whether they give way to a job: it is alone, and an attack in a request or not of the least severity, of which each day has plenty.
    pub(super) fn give_way_to(&self, job: &Job) -> bool {
        let is_worth_it = job.severity > Severity::Low || is_shot(job);
        !self.names.is_empty() && !self.hold(job) && is_worth_it
    }
}
