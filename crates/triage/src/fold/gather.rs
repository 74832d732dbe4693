//! Keeps the number of incidents bounded where a key part varies without end: sources in a botnet, texts in a chatty rule.
//!
//! Up to a number of different actors (or message shapes) each have an incident of their own; those beyond share one. What is more
//! serious is not lost in it: a class of attack has its own gathering, whatever rises makes a revision, and who does many times as much as
//! the others leaves the crowd. This memory is not stored: after a
//! restart a flood may get as many incidents of its own again, once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alert::{Fingerprint, Timestamp};

use super::Keys;
use crate::admit::Admitted;

/// Actors of one behaviour against one agent that have an incident of their own. A person can work through some dozens.
const ACTORS_MAX: usize = 64;

/// Message shapes of one rule by one actor on one agent that have an incident of their own.
const SHAPES_MAX: usize = 16;

/// Gatherings remembered. Each takes at most 1 kB.
const GATHERINGS_MAX: usize = 20_000;

/// Members of crowds that are remembered. Each takes some 50 bytes; beyond, the older half is forgotten.
const CROWDED_MAX: usize = 65_536;

/// Alerts from which on a member of a crowd may be more than one of many.
pub(super) const LOUD_MIN: u64 = 100;

/// How many times as much as the others it must do.
const LOUD_FACTOR: u64 = 8;

/// Members of one crowd that get an incident of their own for it. In a crowd with more of them they are no exception.
const LOUD_MAX: u64 = 16;

/// Where an alert belongs that opens an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In an incident of its own.
    Own,
    /// With all others of its behaviour, whoever did it.
    Crowd,
    /// With all other texts of its rule by the same actor.
    Various,
}

/// What has gathered.
#[derive(Debug, Default)]
pub(super) struct Gatherings {
    members: HashMap<Fingerprint, Gathering>,
}

/// Who is in a crowd, and when last: an incident names some dozens, a botnet has thousands. Not stored either.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    members: HashMap<u64, Member>,
    sizes: HashMap<Fingerprint, Size>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    last_seen: Timestamp,
    alerts: u64,
}

/// What a crowd did together.
#[derive(Debug, Default, Clone, Copy)]
struct Size {
    alerts: u64,
    members: u64,
    loud: u64,
}

impl Crowds {
    fn key(crowd: Fingerprint, actor: &str) -> u64 {
        Fingerprint::of([crowd.to_string().as_str(), actor]).as_u64()
    }

    /// Takes note of one, and tells whether he does so much more than the others that he is no longer one of them.
    pub(super) fn note(&mut self, crowd: Fingerprint, actor: &str, time: Timestamp) -> bool {
        if self.members.len() >= CROWDED_MAX {
            let mut times: Vec<Timestamp> =
                self.members.values().map(|member| member.last_seen).collect();
            times.sort_unstable();
            if let Some(middle) = times.get(times.len() / 2).copied() {
                self.members.retain(|_, member| member.last_seen > middle);
            }
        }
        if self.sizes.len() >= GATHERINGS_MAX {
            self.sizes.clear();
        }
        let size = self.sizes.entry(crowd).or_default();
        size.alerts += 1;
        let member = self.members.entry(Self::key(crowd, actor)).or_insert_with(|| {
            size.members += 1;
            Member { last_seen: time, alerts: 0 }
        });
        member.last_seen = time.max(member.last_seen);
        member.alerts += 1;
        let is_loud = member.alerts >= LOUD_MIN
            && member.alerts.saturating_mul(size.members)
                >= size.alerts.saturating_mul(LOUD_FACTOR)
            && size.loud < LOUD_MAX;
        size.loud += u64::from(is_loud);
        is_loud
    }

    /// Tells when one was seen last.
    pub(super) fn last_seen(&self, crowd: Fingerprint, actor: &str) -> Option<Timestamp> {
        self.members.get(&Self::key(crowd, actor)).map(|member| member.last_seen)
    }
}

#[derive(Debug)]
struct Gathering {
    members: HashSet<u64>,
    anchored_at: Timestamp,
    last_seen: Timestamp,
}

impl Gatherings {
    /// Places an alert that would open an incident.
    pub(super) fn place(
        &mut self,
        keys: &Keys,
        admitted: &Admitted,
        window_max: Duration,
    ) -> Place {
        let seen = &admitted.observation;
        let actor = Fingerprint::of([seen.actor.name()]).as_u64();
        if !self.admits(keys.crowded, actor, ACTORS_MAX, admitted.time, window_max) {
            return Place::Crowd;
        }
        let shape = Fingerprint::of([seen.variant.as_str()]).as_u64();
        if !seen.behaviour.is_empty()
            && !self.admits(keys.various, shape, SHAPES_MAX, admitted.time, window_max)
        {
            return Place::Various;
        }
        Place::Own
    }

    /// Tells whether a member has, or gets, a place of its own.
    fn admits(
        &mut self,
        key: Fingerprint,
        member: u64,
        members_max: usize,
        now: Timestamp,
        window_max: Duration,
    ) -> bool {
        if self.members.len() >= GATHERINGS_MAX && !self.members.contains_key(&key) {
            self.forget_older_half();
        }
        let gathering = self.members.entry(key).or_insert_with(|| Gathering {
            members: HashSet::new(),
            anchored_at: now,
            last_seen: now,
        });
        if now.since(gathering.anchored_at) > window_max {
            // A crowd is of its time: who comes after the window is not with it any more.
            gathering.members.clear();
            gathering.anchored_at = now;
        }
        gathering.last_seen = gathering.last_seen.max(now);
        gathering.members.contains(&member)
            || (gathering.members.len() < members_max && gathering.members.insert(member))
    }

    fn forget_older_half(&mut self) {
        let mut times: Vec<Timestamp> =
            self.members.values().map(|gathering| gathering.last_seen).collect();
        times.sort_unstable();
        if let Some(middle) = times.get(times.len() / 2).copied() {
            self.members.retain(|_, gathering| gathering.last_seen > middle);
        }
    }
}
