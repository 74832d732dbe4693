//! The memory behind correlation: which events of the recent past may support a rule.
//!
//! The original walks back over all remembered events of a rule for every event, which a flood makes expensive. Here events are
//! filed by what a correlation needs to be equal (agent, `same_*`), so that a walk meets only events that count: the result is
//! the same, the cost is that of the events found. Like the original, it remembers a bounded number of events, the last
//! [`EVENTS_MAX`] whatever rule they had; unlike it, also a bounded number of bytes.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use super::correlation::{Compared, Correlation, Earlier};
use super::{RuleIndex, Rules};
use crate::event::Event;

/// Wazuh's default `memory_size`: events older than this many others support no rule.
const EVENTS_MAX: u64 = 8192;

/// Room for the texts of remembered events: 8,192 lines of 64 KB would be half a gigabyte.
const BYTES_MAX: usize = 64 << 20;

/// How many earlier events an alert shows.
const SHOWN_MAX: usize = 11;

/// Which events a memory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChainSource {
    Sid(u32),
    /// The text of the pattern that group texts match.
    Group(Vec<u8>),
    /// The rule whose pattern events' texts match.
    Regex(RuleIndex),
}

/// One memory, shared by all rules that ask the same of earlier events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChainSpec {
    pub(crate) source: ChainSource,
    /// Sorted.
    pub(crate) same: Vec<Compared>,
    pub(crate) different: Vec<Compared>,
    pub(crate) global: bool,
    /// The same for all chains that ask for the same things to be equal.
    pub(crate) keying: u32,
}

/// An event that may support a rule.
#[derive(Debug)]
struct Remembered {
    time: i64,
    /// The position in the stream of all remembered events.
    position: u64,
    /// The highest level of a rule that it supported: it supports none of that level or lower again.
    used: u8,
    full_log: Box<[u8]>,
    filed: Box<[(u32, u64)]>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    /// Hashes of what must differ, in the order of the chain; `None` where the event lacks it.
    different: Box<[Option<u64>]>,
}

/// Takes a key as it is: it is a hash already, with a secret of the session in it.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What correlation found, kept with the event that is being looked at.
#[derive(Debug, Default, Clone)]
pub(crate) struct Support {
    /// The texts of earlier events, newest first.
    pub(crate) logs: Vec<Box<[u8]>>,
    /// What `check_diff` compared with.
    pub(crate) previous_log: Option<Box<[u8]>>,
    /// The highest level of a correlation that the event itself completed.
    used: u8,
    /// The event's key, with the keying it was made for: most chains ask for the same address.
    key: Option<(u32, Option<u64>)>,
}

/// Remembered events of one session.
#[derive(Debug, Default)]
pub(crate) struct History {
    chains: Vec<HashMap<u64, VecDeque<Entry>, BuildHasherDefault<Hashed>>>,
    events: VecDeque<Remembered>,
    /// The number of the oldest in `events`.
    first_number: u64,
    position: u64,
    bytes: usize,
    hasher: RandomState,
}

impl History {
    /// Says whether enough earlier events support the rule, and marks them as used.
    pub(crate) fn supports(
        &mut self,
        correlation: &Correlation,
        level: u8,
        rules: &Rules,
        event: &Event<'_>,
        support: &mut Support,
    ) -> bool {
        let found = self.find(correlation, level, rules, event, support);
        let Some(found) = found else {
            // As in Wazuh, a failed search loses what an earlier one found.
            support.logs.clear();
            return false;
        };
        for (place, number) in found.iter().take(SHOWN_MAX).enumerate() {
            let Some(log) = self.event(*number).map(|e| e.full_log.clone()) else { continue };
            match support.logs.get_mut(place) {
                Some(old) => *old = log,
                None => support.logs.push(log),
            }
        }
        // Wazuh marks nothing for pairs, so that they fire again on every further event.
        if correlation.frequency > 2 {
            for number in found {
                let index = number.wrapping_sub(self.first_number);
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                if let Some(used) = self.events.get_mut(index) {
                    used.used = used.used.max(level);
                }
            }
            support.used = support.used.max(level);
        }
        true
    }

    /// Finds the numbers of the supporting events, newest first.
    fn find(
        &self,
        correlation: &Correlation,
        level: u8,
        rules: &Rules,
        event: &Event<'_>,
        support: &mut Support,
    ) -> Option<Vec<u64>> {
        let spec = rules.chains.get(correlation.chain as usize)?;
        let key = self.key(spec, event, support)?;
        let entries = self.chains.get(correlation.chain as usize)?.get(&key)?;
        let different = self.differences(spec, event);
        let wanted = correlation.frequency.saturating_sub(1).max(1) as usize;
        let is_different = |entry: &&Entry| {
            let mut pairs = different.iter().zip(&entry.different);
            !pairs.any(|(now, then)| now.is_some() && now == then)
        };
        let is_usable = |entry: &&Entry| {
            self.event(entry.number).is_some_and(|earlier| {
                event.time.saturating_sub(earlier.time) <= correlation.timeframe_seconds
                    && earlier.used < level
            })
        };
        // Most searches fail. Many do at the oldest entry that is needed, and nothing is gathered before one has succeeded.
        entries.get(entries.len().checked_sub(wanted)?).filter(is_usable)?;
        let supporting = || entries.iter().rev().take_while(is_usable).filter(is_different);
        supporting().nth(wanted - 1)?;
        Some(supporting().take(wanted).map(|entry| entry.number).collect())
    }

    /// Files an event under its final rule.
    pub(crate) fn remember(
        &mut self,
        rule: RuleIndex,
        rules: &Rules,
        event: &Event<'_>,
        support: &mut Support,
    ) {
        self.position += 1;
        self.forget();
        let Some(feeds) = rules.feeds.get(rule as usize).filter(|feeds| !feeds.is_empty()) else {
            return;
        };
        if self.chains.len() < rules.chains.len() {
            self.chains.resize_with(rules.chains.len(), HashMap::default);
        }
        let number = self.first_number + self.events.len() as u64;
        let mut filed = Vec::with_capacity(feeds.len());
        for chain in feeds {
            let Some(spec) = rules.chains.get(*chain as usize) else { continue };
            if !source_matches(&spec.source, rules, event) {
                continue;
            }
            let Some(key) = self.key(spec, event, support) else { continue };
            let different = self.differences(spec, event).into_boxed_slice();
            let Some(entries) = self.chains.get_mut(*chain as usize) else { continue };
            entries.entry(key).or_default().push_back(Entry { number, different });
            filed.push((*chain, key));
        }
        if filed.is_empty() {
            return;
        }
        self.bytes += event.full_log.len();
        self.events.push_back(Remembered {
            time: event.time,
            position: self.position,
            used: support.used,
            full_log: event.full_log.into(),
            filed: filed.into_boxed_slice(),
        });
    }

    /// Drops events that are too many or too big.
    fn forget(&mut self) {
        while let Some(oldest) = self.events.front() {
            let old = oldest.position + EVENTS_MAX <= self.position;
            if !old && self.bytes <= BYTES_MAX {
                break;
            }
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.full_log.len());
            for (chain, key) in oldest.filed {
                let Some(entries) = self.chains.get_mut(chain as usize) else { continue };
                let Some(queue) = entries.get_mut(&key) else { continue };
                queue.pop_front();
                if queue.is_empty() {
                    entries.remove(&key);
                }
            }
            self.first_number += 1;
        }
    }

    fn event(&self, number: u64) -> Option<&Remembered> {
        let index = usize::try_from(number.checked_sub(self.first_number)?).ok()?;
        self.events.get(index)
    }

    /// Hashes what must be equal. `None` when the event lacks some of it: then nothing is equal to it.
    fn key(&self, spec: &ChainSpec, event: &Event<'_>, support: &mut Support) -> Option<u64> {
        match support.key {
            Some((keying, key)) if keying == spec.keying => key,
            _ => {
                let key = self.new_key(spec, event);
                support.key = Some((spec.keying, key));
                key
            }
        }
    }

    fn new_key(&self, spec: &ChainSpec, event: &Event<'_>) -> Option<u64> {
        let mut hasher = self.hasher.build_hasher();
        if !spec.global {
            event.source.agent_id.hash(&mut hasher);
        }
        for compared in &spec.same {
            hash_value(compared, event, &mut hasher)?;
        }
        Some(hasher.finish())
    }

    fn differences(&self, spec: &ChainSpec, event: &Event<'_>) -> Vec<Option<u64>> {
        let hash = |compared: &Compared| {
            let mut hasher = self.hasher.build_hasher();
            hash_value(compared, event, &mut hasher)?;
            Some(hasher.finish())
        };
        spec.different.iter().map(hash).collect()
    }
}

fn hash_value(compared: &Compared, event: &Event<'_>, hasher: &mut impl Hasher) -> Option<()> {
    match compared {
        Compared::Field(field) => event.fields.get(*field)?.hash(hasher),
        Compared::Dynamic(name) => event.fields.dynamic(name)?.hash(hasher),
        Compared::Location => {
            event.source.agent_name.hash(hasher);
            event.source.location.hash(hasher);
        }
        Compared::Never => return None,
    }
    Some(())
}

fn source_matches(source: &ChainSource, rules: &Rules, event: &Event<'_>) -> bool {
    let ChainSource::Regex(owner) = source else { return true };
    let correlation = rules.get(*owner).and_then(|rule| rule.correlation.as_ref());
    match correlation.map(|correlation| &correlation.earlier) {
        Some(Earlier::Regex(pattern)) => pattern.is_match(event.log),
        _ => false,
    }
}
