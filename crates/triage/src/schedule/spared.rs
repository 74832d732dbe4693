//! What models are spared: jobs that are the playbook's for good, because a model said already what there is to say, or because what they
//! could tell is not worth a call.
//!
//! In this order: what is like something that a model judged takes that over, whatever calls are left. Then calls are held to their share
//! of the alerts, and who makes room are, first, the many alike that are not serious, then what is ordinary, and only where hundreds
//! alike are all serious, those of which models saw three. None of it is ever silence: each has a verdict, at once, at the level
//! that its evidence has, and says why no model was asked.

use std::collections::{HashMap, HashSet};

use alert::{Class, Likeness, Timestamp};

use super::allowance::Ordinary;
use super::{
    Job, LIKE_JUDGED, LIKE_OTHERS, Like, MORE_OF_THE_SAME, Novelty, ONE_OF_MANY, ORDINARY,
    PART_OF_BURST, PART_OF_VOLLEY, Scheduler, TWIN_JUDGED, Turn, Waiting, allowance,
};
use crate::priority::Severity;

/// Alerts in an incident from which on it is one of many: growth makes a new revision there.
const MANY_ALERTS: u64 = 10;

/// What goes before a job in the queue.
#[derive(Default)]
struct Ahead<'a> {
    /// Those that wait, by class.
    of_kind: HashMap<&'a str, f64>,
    /// How serious those look that wait, by kin.
    of_kin: HashMap<u64, Vec<u8>>,
    /// How serious those look that wait, by fleet.
    of_fleet: HashMap<u64, Vec<u8>>,
    /// How serious those look that wait, by practice.
    of_practice: HashMap<u64, Vec<u8>>,
    /// How serious those look that wait, by what is said of them.
    of_twin: HashMap<u64, Vec<u8>>,
    sorts: HashSet<u64>,
    calls: f64,
}

impl Scheduler {
    /// Takes out of `waiting` what is the playbook's for good.
    pub(super) fn spare(
        &mut self,
        jobs: &[Job],
        among: &Waiting,
        waiting: &mut Vec<usize>,
        turns: &mut Vec<(usize, Turn)>,
        now: Timestamp,
    ) {
        let mut order: Vec<(usize, &Job)> =
            waiting.iter().filter_map(|at| jobs.get(*at).map(|job| (*at, job))).collect();
        // What gives way in the queue makes room first here too.
        order.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        order.sort_by_cached_key(|(_, job)| self.gives_way(job, among, now));
        let mut ahead = Ahead::default();
        let mut spared: HashSet<usize> = HashSet::new();
        for (at, job) in order {
            let waiting = ahead.of_kind.get(job.kind.as_str()).copied().unwrap_or(0.0);
            let alike = self.lately_of_class(job, now) + waiting;
            if let Some(why) = self.why_spared(job, &ahead, alike, among, now) {
                spared.insert(at);
                self.note_gone(job, now);
                turns.push((at, Turn::Playbook(why)));
                continue;
            }
            ahead.of_kin.entry(job.likeness.kin).or_default().push(job.likeness.level);
            if let Some(fleet) = job.likeness.fleet {
                ahead.of_fleet.entry(fleet).or_default().push(job.likeness.level);
            }
            if let Some(practice) = job.likeness.practice {
                ahead.of_practice.entry(practice).or_default().push(job.likeness.level);
            }
            if let Some(twin) = job.likeness.twin {
                ahead.of_twin.entry(twin).or_default().push(job.likeness.level);
            }
            // Of those of one sort the first is asked about, and the others wait for what is said of it.
            if !job.likeness.may_be_like || ahead.sorts.insert(job.likeness.sort) {
                *ahead.of_kind.entry(job.kind.as_str()).or_default() += 1.0;
                ahead.calls += 1.0;
            }
        }
        waiting.retain(|at| !spared.contains(at));
    }

    fn why_spared(
        &self,
        job: &Job,
        ahead: &Ahead<'_>,
        alike: f64,
        among: &Waiting,
        now: Timestamp,
    ) -> Option<&'static str> {
        let is_serious = job.severity >= Severity::High;
        // What looks less serious stands for nothing more.
        let no_less = |levels: Option<&Vec<u8>>| {
            levels.into_iter().flatten().filter(|level| **level >= job.likeness.level).count()
        };
        let fleet = no_less(job.likeness.fleet.and_then(|fleet| ahead.of_fleet.get(&fleet)));
        let kin = no_less(ahead.of_kin.get(&job.likeness.kin)).max(fleet);
        let twins = no_less(job.likeness.twin.and_then(|twin| ahead.of_twin.get(&twin)))
            .max(if job.likeness.is_told_by_class { fleet } else { 0 });
        let practice = no_less(job.likeness.practice.and_then(|name| ahead.of_practice.get(&name)));
        let coming = (&[][..], kin, practice);
        let (id, likeness) = (&job.incident_id, &job.likeness);
        let for_long = (is_serious, self.allowance.is_past_half_of_month(now));
        let like = self.precedents.of(id, likeness, for_long, coming, now);
        let is_past_share = || self.allowance.is_past_share(ahead.calls, now);
        match like {
            Some(Like::Sort) => Some(LIKE_JUDGED),
            Some(Like::Burst) if self.allowance.is_past_burst_part(ahead.calls, now) => {
                Some(PART_OF_BURST)
            }
            _ if self.precedents.of_part(id, likeness, among.volleys.hold(likeness), now)
                && self.allowance.is_past_floor(ahead.calls, now) =>
            {
                Some(PART_OF_VOLLEY)
            }
            Some(Like::Kin | Like::Practice)
                if is_serious && self.allowance.is_past_floor(ahead.calls, now) =>
            {
                Some(ONE_OF_MANY)
            }
            _ if is_serious => {
                let coming = (&[][..], twins, among.crowds.hold(job));
                let has_twin = self.precedents.has_twin(id, likeness, coming, now)
                    || self.precedents.has_own(id, likeness, true, now);
                (has_twin && self.allowance.is_past_half_of_share(ahead.calls, now))
                    .then_some(TWIN_JUDGED)
            }
            // It looks a little worse than it did.
            _ if self.precedents.has_own(id, likeness, false, now) && is_past_share() => {
                Some(MORE_OF_THE_SAME)
            }
            Some(Like::Kin) if is_past_share() => Some(LIKE_OTHERS),
            Some(Like::Practice) if self.allowance.is_past_half_of_share(ahead.calls, now) => {
                Some(LIKE_OTHERS)
            }
            _ if job.novelty == Novelty::MaybeLikeOthers
                && alike >= allowance::ALIKE_MIN
                && is_past_share() =>
            {
                Some(LIKE_OTHERS)
            }
            _ if job.likeness.is_ordinary
                && job.likeness.may_be_like
                && self.allowance.is_past_ordinary_part(
                    ahead.calls,
                    self.weight(job, among, now),
                    now,
                ) =>
            {
                Some(ORDINARY)
            }
            _ => None,
        }
    }

    /// Weighs what is ordinary: whether it is about nothing but pages that were not there, or whether there is, or was lately, much of it
    /// (many alerts, a crowd of its kin, or one of its kin that a model judged).
    fn weight(&self, job: &Job, among: &Waiting, now: Timestamp) -> Ordinary {
        let is_many = || {
            job.alert_count >= MANY_ALERTS
                || among.crowds.hold(job)
                || self.precedents.of_kin_today(&job.incident_id, &job.likeness, now)
        };
        if job.severity == Severity::Low && job.kind == Class::WebError.as_str() {
            Ordinary::Nothing
        } else if is_many() {
            Ordinary::Many
        } else {
            Ordinary::Single
        }
    }

    /// Tells whether something that a job is like is being judged: it waits for what is said of that.
    pub(super) fn is_like_asked(&self, job: &Job, asked: &[Likeness], now: Timestamp) -> bool {
        let is_serious = job.severity >= Severity::High;
        let (id, likeness, coming) = (&job.incident_id, &job.likeness, (asked, 0, 0));
        let for_long = (is_serious, self.allowance.is_past_half_of_month(now));
        let like = self.precedents.of(id, likeness, for_long, coming, now);
        match like {
            Some(Like::Sort) => true,
            Some(Like::Burst) => self.allowance.is_past_burst_part(0.0, now),
            _ if is_serious => {
                self.precedents.has_twin(id, likeness, (asked, 0, false), now)
                    && self.allowance.is_past_half_of_share(0.0, now)
            }
            Some(Like::Kin | Like::Practice) | None => false,
        }
    }
}
