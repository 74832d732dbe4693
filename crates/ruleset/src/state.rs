//! What a session remembers besides the events that correlation needs: first times, last texts, mute windows, counters.
//!
//! Everything is bounded. Where a bound is reached, the oldest memory goes, which at worst makes something look new again.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::decoder::{Decoders, FtsPart, Target};
use crate::event::Event;
use crate::fields::StaticField;
use crate::rule::RuleIndex;

/// Combinations that `if_fts` remembers. Wazuh keeps them in a file without a bound.
const FIRST_TIMES_MAX: usize = 200_000;

/// Texts that `check_diff` remembers, one for each rule and host.
const LAST_TEXTS_MAX: usize = 4096;

/// Combinations for which `accumulate` holds fields. Wazuh's own bound is of this order.
const ACCUMULATED_MAX: usize = 2047;

/// How long `accumulate` holds fields: recorded is that 200 seconds are too long, and a few are not.
const ACCUMULATE_SECONDS: i64 = 120;

type Text = Box<[u8]>;

/// Memory of one session.
#[derive(Debug, Default)]
pub(crate) struct State {
    first_times: Bounded<HashSet<u128>>,
    /// By rule and host.
    last_texts: HashMap<(u32, Text), Text>,
    accumulated: HashMap<Box<[u8]>, Accumulated>,
    /// When a rule with `ignore` fired last.
    fired_at: HashMap<RuleIndex, i64>,
    /// How often each rule fired since the hour began.
    fired_times: HashMap<RuleIndex, u32>,
    hour: Option<i64>,
    hashers: [std::hash::RandomState; 2],
}

/// A set that forgets its oldest member when it is full.
#[derive(Debug, Default)]
struct Bounded<S> {
    set: S,
    order: VecDeque<u128>,
}

#[derive(Debug)]
struct Accumulated {
    time: i64,
    values: Vec<(StaticField, Box<[u8]>)>,
}

impl State {
    /// Counts a rule that fired, and says how often it did in this hour.
    pub(crate) fn count(&mut self, rule: RuleIndex) -> u32 {
        let times = self.fired_times.entry(rule).or_insert(0);
        *times = times.saturating_add(1);
        *times
    }

    /// Says whether a rule with `ignore` is in its mute window, and opens one where it isn't.
    ///
    /// Wazuh-logtest opens the next window only at the second match behind the last one, the daemon at once.
    pub(crate) fn is_muted(
        &mut self,
        rule: RuleIndex,
        now: i64,
        seconds: i64,
        logtest: bool,
    ) -> bool {
        match self.fired_at.get(&rule) {
            Some(at) if now.saturating_sub(*at) < seconds => return true,
            Some(_) if logtest => self.fired_at.remove(&rule),
            _ => self.fired_at.insert(rule, now),
        };
        false
    }

    /// Notices the time of an event: with another hour of the day the counters begin anew. As in Wazuh, the same hour of
    /// another day counts as the same.
    pub(crate) fn notice(&mut self, local_time: i64) {
        let hour = local_time.div_euclid(3600).rem_euclid(24);
        if self.hour.replace(hour).is_some_and(|before| before != hour) {
            self.fired_times.clear();
        }
    }

    /// Says whether the combination that the event's decoder names in `fts` is new, and remembers it.
    pub(crate) fn first_time(&mut self, event: &Event<'_>) -> bool {
        let Some(parts) = event.fts else { return false };
        let key = self.hash(|hasher| {
            use std::hash::Hash;
            for part in parts {
                match part {
                    FtsPart::Name => event.decoded_as.map(|name| name.0).hash(hasher),
                    FtsPart::Location => {
                        event.source.agent_name.hash(hasher);
                        event.source.location.hash(hasher);
                    }
                    FtsPart::Field(Target::Static(field)) => event.fields.get(*field).hash(hasher),
                    FtsPart::Field(Target::Dynamic(name)) => {
                        event.fields.dynamic(name).hash(hasher)
                    }
                }
            }
        });
        if !self.first_times.set.insert(key) {
            return false;
        }
        self.first_times.order.push_back(key);
        if self.first_times.order.len() > FIRST_TIMES_MAX
            && let Some(oldest) = self.first_times.order.pop_front()
        {
            self.first_times.set.remove(&oldest);
        }
        true
    }

    fn hash(&self, feed: impl Fn(&mut std::hash::DefaultHasher)) -> u128 {
        use std::hash::{BuildHasher, Hasher};
        let [low, high] = self.hashers.each_ref().map(|state| {
            let mut hasher = state.build_hasher();
            feed(&mut hasher);
            u128::from(hasher.finish())
        });
        high << 64 | low
    }

    /// Gives the last text of this rule and host, if there is one and the event's is another. Remembers the event's.
    pub(crate) fn differs(&mut self, rule: u32, event: &Event<'_>) -> Option<Text> {
        let host = event.source.agent_name.or(event.header_hostname).unwrap_or_default();
        let key = (rule, Box::from(host));
        if let Some(last) = self.last_texts.get_mut(&key) {
            let same = **last == *event.log;
            return (!same).then(|| std::mem::replace(last, event.log.into()));
        }
        if self.last_texts.len() >= LAST_TEXTS_MAX {
            self.last_texts.clear();
        }
        self.last_texts.insert(key, event.log.into());
        None
    }

    /// Fills in what earlier events of the same host, decoder and `id` said, and remembers what this one says.
    pub(crate) fn accumulate(&mut self, decoders: &Decoders, event: &mut Event<'_>) {
        const FIELDS: [StaticField; 7] = [
            StaticField::SrcIp,
            StaticField::DstIp,
            StaticField::SrcPort,
            StaticField::DstPort,
            StaticField::SrcUser,
            StaticField::DstUser,
            StaticField::Data,
        ];
        let Some(id) = event.fields.get(StaticField::Id) else { return };
        let name = event.decoded_as.map_or("", |name| decoders.name(name));
        let host = event.hostname().unwrap_or_default();
        let key = [host, b"\0", name.as_bytes(), b"\0", id].concat().into_boxed_slice();
        let fresh = |known: &&Accumulated| {
            event.time.saturating_sub(known.time).saturating_abs() <= ACCUMULATE_SECONDS
        };
        let before = self.accumulated.get(&key).filter(fresh);
        let mut missing: Vec<(StaticField, Box<[u8]>)> = Vec::new();
        for (field, value) in before.iter().flat_map(|known| &known.values) {
            if event.fields.get(*field).is_none() {
                missing.push((*field, value.clone()));
            }
        }
        for (field, value) in missing {
            event.fields.set(field, value.into_vec());
        }
        if self.accumulated.len() >= ACCUMULATED_MAX {
            self.accumulated.retain(|_, known| event.time - known.time <= ACCUMULATE_SECONDS);
            if self.accumulated.len() >= ACCUMULATED_MAX {
                self.accumulated.clear();
            }
        }
        let values =
            FIELDS.into_iter().filter_map(|field| Some((field, event.fields.get(field)?.into())));
        self.accumulated.insert(key, Accumulated { time: event.time, values: values.collect() });
    }
}
