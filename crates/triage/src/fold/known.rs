//! What is remembered of places beyond one incident: which gave in, which stumble, what they usually answer.
//!
//! An attack is often one request at a place that somebody took longer to find. What the fold remembers here lets it judge that one
//! request by what is known of the place. It is a bounded memory of the recent past and is not stored: after a restart less is known,
//! so less is claimed.

use std::collections::HashMap;

use alert::{Class, Fingerprint, Timestamp};

use crate::admit::Admitted;
use crate::effect::{self, Known};
use crate::observe::asked::Asked;

/// Places and actors remembered, each. Beyond it the older half is forgotten: a site has fewer parameters, and a flood of made-up
/// paths must not take more than a few hundred kilobytes.
const REMEMBERED_MAX: usize = 4096;

/// Answers remembered of an actor, for finding one that comes from two places.
const PAIRS_MAX: usize = 16;

/// Paths at which an actor must have been answered before one can say that there is no page of refusal.
const OPEN_PATHS_MIN: usize = 3;

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    places: HashMap<u64, PlaceMemory>,
    actors: HashMap<u64, ActorMemory>,
}

#[derive(Debug)]
struct PlaceMemory {
    last_seen: Timestamp,
    stumbles: u64,
    answered: u64,
    largest: u64,
    weak: Vec<Class>,
}

#[derive(Debug)]
struct ActorMemory {
    last_seen: Timestamp,
    pairs: Vec<(u32, u64)>,
    has_common: bool,
}

impl Memory {
    /// Tells what is known of the place that an alert's request went to.
    pub(super) fn of(&self, admitted: &Admitted) -> Known {
        let Some(asked) = &admitted.observation.asked else { return Known::default() };
        let class = kind(admitted.observation.class);
        let place = self.places.get(&place_key(admitted, asked));
        let actor = self.actors.get(&actor_key(admitted));
        Known {
            is_weak: place.is_some_and(|place| place.weak.contains(&class)),
            stumbles: place.map_or(0, |place| place.stumbles),
            is_open: actor.is_some_and(ActorMemory::is_open),
            usual: place.map_or((0, 0), |place| (place.answered, place.largest)),
        }
    }

    /// Remembers an alert, and whether its place gave in to it.
    pub(super) fn note(&mut self, admitted: &Admitted, gave_in: bool) {
        let Some(asked) = &admitted.observation.asked else { return };
        let time = admitted.time;
        forget_older_half(&mut self.places, |place| place.last_seen);
        forget_older_half(&mut self.actors, |actor| actor.last_seen);
        let place = self.places.entry(place_key(admitted, asked)).or_insert(PlaceMemory {
            last_seen: time,
            stumbles: 0,
            answered: 0,
            largest: 0,
            weak: Vec::new(),
        });
        place.last_seen = place.last_seen.max(time);
        // An attack that fails is in its incident; a stray quote is in none of that class.
        let is_stumble = asked.breaks && !admitted.observation.class.is_web_exploit();
        place.stumbles = place.stumbles.saturating_add(u64::from(is_stumble));
        if asked.answer.is_success() {
            place.answered = place.answered.saturating_add(1);
            place.largest = place.largest.max(asked.answer.size);
        }
        let class = kind(admitted.observation.class);
        if gave_in && !place.weak.contains(&class) {
            place.weak.push(class);
        }
        if asked.answer.is_success() && asked.answer.size > 0 {
            let actor = self.actors.entry(actor_key(admitted)).or_insert(ActorMemory {
                last_seen: time,
                pairs: Vec::new(),
                has_common: false,
            });
            actor.last_seen = actor.last_seen.max(time);
            actor.note(asked.path, asked.answer.size);
        }
    }
}

impl ActorMemory {
    fn note(&mut self, path: u32, size: u64) {
        self.has_common |= self.pairs.iter().any(|(known, other)| *other == size && *known != path);
        if self.pairs.len() < PAIRS_MAX && !self.pairs.contains(&(path, size)) {
            self.pairs.push((path, size));
        }
    }

    fn is_open(&self) -> bool {
        let mut paths: Vec<u32> = self.pairs.iter().map(|(path, _)| *path).collect();
        paths.sort_unstable();
        paths.dedup();
        !self.has_common && paths.len() >= OPEN_PATHS_MIN
    }
}

/// Files are read by climbing and by including alike.
fn kind(class: Class) -> Class {
    if effect::is_file(class) { Class::PathTraversal } else { class }
}

fn place_key(admitted: &Admitted, asked: &Asked) -> u64 {
    let agent = &admitted.alert.agent;
    Fingerprint::of([agent.id.as_str(), agent.name.as_str(), &asked.place.to_string()]).as_u64()
}

fn actor_key(admitted: &Admitted) -> u64 {
    let agent = &admitted.alert.agent;
    Fingerprint::of([agent.id.as_str(), agent.name.as_str(), admitted.observation.actor.name()])
        .as_u64()
}

fn forget_older_half<T>(memory: &mut HashMap<u64, T>, last_seen: impl Fn(&T) -> Timestamp) {
    if memory.len() < REMEMBERED_MAX {
        return;
    }
    let mut times: Vec<Timestamp> = memory.values().map(&last_seen).collect();
    times.sort_unstable();
    if let Some(middle) = times.get(times.len() / 2).copied() {
        memory.retain(|_, one| last_seen(one) > middle);
    }
}
