//! Crowds: many that wait and are alike, and what is alone behind them.
//!
//! A flood of serious alerts is what an attacker would send in front of the one thing that he hides: hundreds of incidents, each more
//! urgent than that one. But of a crowd the next tells little, and it has its playbook's verdict already. So what is alone and may matter
//! goes before crowds, whatever their severity; and so that nobody can hold a crowd back with things that are each alone, the most
//! urgent has its turn after two of them, whoever it is. Among the alone and among the crowds, urgency decides as ever.

use std::collections::{HashMap, HashSet};

use alert::Timestamp;

use super::Job;
use super::lately::Tally;
use crate::priority::Severity;

/// Of one kin, how many wait, or came and went lately, until they are a crowd: some alike are a day like others.
const CROWD_MIN: f64 = 8.0;

/// Calls in a row for what is alone while a crowd waits.
const ALONE_MAX: u32 = 2;

/// Who had the last turns, and what makes crowds over time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    alone_in_a_row: u32,
    /// Of each kin, what models were asked about lately or spared.
    gone: Tally<u64>,
}

impl Turns {
    /// Finds the crowds among the jobs at `waiting`.
    pub(super) fn crowds(&self, jobs: &[Job], waiting: &[usize], now: Timestamp) -> Crowds {
        let mut counts: HashMap<u64, f64> = HashMap::new();
        for job in waiting.iter().filter_map(|at| jobs.get(*at)) {
            for name in names(job) {
                *counts.entry(name).or_insert_with(|| self.gone.at(&name, now)) += 1.0;
            }
        }
        counts.retain(|_, count| *count >= CROWD_MIN);
        Crowds { names: counts.into_keys().collect() }
    }

    /// Tells whether what is alone goes first now.
    pub(super) const fn is_of_the_alone(&self) -> bool {
        self.alone_in_a_row < ALONE_MAX
    }

    /// Takes note of what waits no more.
    pub(super) fn note_gone(&mut self, job: &Job, now: Timestamp) {
        for name in names(job) {
            self.gone.add(name, now);
        }
    }

    /// Takes note of who has the turn.
    pub(super) fn note_turn(&mut self, crowds: &Crowds, job: &Job) {
        let is_of_the_alone = self.is_of_the_alone() && crowds.give_way_to(job);
        self.alone_in_a_row = if is_of_the_alone { self.alone_in_a_row + 1 } else { 0 };
    }
}

/// Names the crowds that a job may be of: its kin at its place, and its fleet at many.
fn names(job: &Job) -> impl Iterator<Item = u64> {
    let likeness = job.likeness;
    let names = [Some(likeness.kin), likeness.fleet];
    names.into_iter().flatten().filter(move |_| likeness.may_be_like)
}

/// The crowds that wait.
#[derive(Debug)]
pub(super) struct Crowds {
    names: HashSet<u64>,
}

impl Crowds {
    /// Tells whether a job is of one of them.
    pub(super) fn hold(&self, job: &Job) -> bool {
        names(job).any(|name| self.names.contains(&name))
    }

    /// Tells whether they give way to a job: it is alone, and not of the least severity, of which each day has plenty.
    pub(super) fn give_way_to(&self, job: &Job) -> bool {
        !self.names.is_empty() && !self.hold(job) && job.severity > Severity::Low
    }
}
