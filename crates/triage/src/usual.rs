//! What is usual: on which days each place reported each thing, and what unusual things came together.
//!
//! A place is an agent, a thing is what one rule says (its description with what varies masked). Each is remembered with the days on which
//! it came, for 64 days, so what comes every day can be told from what never came before. What is unusual is remembered for some minutes
//! with the incident it is in: several unusual things at one place within minutes are one story, and each of them is more than it
//! would be alone. What comes to several places at once is neither: that is the site, or its clockwork.
//!
//! An attacker who repeats himself for days can make what he does usual. That lowers nothing but what has no class and is not serious
//! (`threat.rs`), closes nothing, and each of those days he was told of. Bounded: names that only differ in what an attacker may choose
//! are one after some tens, and when all is full, what came on one day alone goes first.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alert::setting::{Habit, Remembered, Setting};
use alert::{Alert, Fingerprint, Timestamp};

use crate::template;
use days::Days;
use lead::Lead;

mod days;
mod lead;
#[cfg(test)]
mod tests;

/// How long a place must be watched before anything is called new there: what has a daily hour has come by then.
const LEARNING: Duration = Duration::from_secs(24 * 3600);

/// Things that come within this time of each other come together.
const NEAR: Duration = Duration::from_secs(600);

/// Other places at which a thing must come at the same time to be the site's and not the place's.
const WIDE_MIN: usize = 2;

/// Places that are remembered of a thing, for that.
const RECENT_MAX: usize = 4;

/// Other places at which a thing must have come on earlier days to be the site's.
const ELSEWHERE_MIN: usize = 2;

/// How many days a place must be watched before it is called quiet, and on one of how many of them it may have had something unusual.
const QUIET_PLACE_WATCHED_MIN: u32 = 3;
const QUIET_PLACE_DAYS: u32 = 8;

/// Things remembered: 7 MB, and as much again on the disk at most. A site of a hundred machines has some thousand.
const THINGS_MAX: usize = 32_768;

/// Texts of one rule at one place that are told apart. Beyond, the rule is one thing: its text is somebody's choice.
const TEXTS_MAX: u8 = 32;

/// Unusual things remembered of one place with their times.
const MARKS_MAX: usize = 64;

/// Groups that say nothing of the source of a rule.
const GENERAL_GROUPS: [&str; 4] = ["syslog", "local", "windows", "ossec"];

/// The names under which an alert is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    place: u64,
    rule: u64,
    thing: u64,
    source: u64,
}

impl Trace {
    pub(crate) fn of(alert: &Alert) -> Self {
        let mut groups = alert.rule.groups.iter().map(|group| group.trim());
        let source = groups.find(|group| !GENERAL_GROUPS.contains(group)).unwrap_or("");
        let text = template::message(alert.rule.description.as_raw());
        Self {
            place: short_name(&[&alert.agent.id, &alert.agent.name]),
            rule: short_name(&[&alert.rule.id]),
            // A text may be somebody's choice, so this one must not be made to collide.
            thing: Fingerprint::of([alert.rule.id.as_str(), text.as_str()]).as_u64(),
            source: short_name(&[source]),
        }
    }
}

/// Hashes what no attacker chooses (machines, rules, groups), at a tenth of the cost of a fingerprint: FNV-1a, which is the same for ever.
fn short_name(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // A byte that no text holds keeps parts apart.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// What changed since the memory was last written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// As it is now.
    pub kept: Vec<Remembered>,
    /// Place and thing that are remembered no longer.
    pub gone: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Record {
    rule: u64,
    source: u64,
    first: Timestamp,
    days: Days,
    lead: Lead,
}

#[derive(Debug)]
struct Place {
    first: Timestamp,
    /// When it reported anything at all. Not stored: a restart knows the day.
    last: Timestamp,
    /// Days on which something unusual came.
    unusual: Days,
    sources: HashMap<u64, Days>,
    texts: HashMap<u64, u8>,
    marks: Vec<Mark>,
}

/// An unusual thing that came.
#[derive(Debug)]
struct Mark {
    thing: u64,
    source: u64,
    first: Timestamp,
    last: Timestamp,
    /// The incident it is in.
    key: Fingerprint,
    /// What its company added when it was last told of it.
    points: u8,
}

impl Mark {
    fn is_near(&self, time: Timestamp) -> bool {
        time >= self.first.before(NEAR) && time <= self.last.after(NEAR)
    }
}

/// What is remembered of a thing at all places.
#[derive(Debug)]
struct Everywhere {
    first: Timestamp,
    recent: Vec<(u64, Timestamp)>,
    /// Some of the places that have it.
    places: Vec<u64>,
}

impl Everywhere {
    fn note_place(&mut self, place: u64) {
        if self.places.len() < RECENT_MAX && !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

/// How an alert stands out, and whom that concerns.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) setting: Setting,
    /// Incidents that came before it and are in larger company now.
    pub(crate) raised: Vec<Fingerprint>,
}

/// The memory.
#[derive(Debug, Default)]
pub struct Usual {
    records: HashMap<(u64, u64), Record>,
    places: HashMap<u64, Place>,
    things: HashMap<u64, Everywhere>,
    since: Option<Timestamp>,
    newest: Timestamp,
    changed: HashSet<(u64, u64)>,
    gone: Vec<(u64, u64)>,
}

impl Usual {
    /// Takes back what was kept.
    pub fn restore(kept: impl IntoIterator<Item = Remembered>) -> Self {
        let mut usual = Self::default();
        let mut leads = Vec::new();
        for one in kept {
            let days = Days::from_bits(one.last_day, one.days);
            if lead::is_kept_lead(&one) {
                leads.push(one);
                continue;
            }
            let place = usual.place(one.place, one.first);
            place.last = place.last.max(Days::begin(one.last_day));
            place.sources.entry(one.source).or_default().join(days);
            let texts = place.texts.entry(one.rule).or_default();
            *texts = texts.saturating_add(1);
            let everywhere = usual.everywhere(one.thing, one.first);
            everywhere.first = everywhere.first.min(one.first);
            everywhere.note_place(one.place);
            usual.newest = usual.newest.max(Days::begin(one.last_day));
            let (rule, source, first) = (one.rule, one.source, one.first);
            let record = Record { rule, source, first, days, lead: Lead::default() };
            usual.records.insert((one.place, one.thing), record);
        }
        for one in leads {
            if let Some(record) = usual.records.get_mut(&(one.place, lead::thing_of(&one))) {
                record.lead = Lead::restore(&one);
            }
        }
        usual.recall_unusual_days();
        usual
    }

    /// Finds on which days something unusual came to each place, by when each thing came first. What came to many places at once counts
    /// too, so fewer places are called quiet than before.
    fn recall_unusual_days(&mut self) {
        for ((place, _), record) in &self.records {
            let Some(place) = self.places.get_mut(place) else { continue };
            for (before, day) in (0..).zip(record.days.earliest(3)) {
                let is_learned = day >= Days::of(place.first.after(LEARNING));
                let watched = Days::between(place.first, day);
                if is_learned && Habit::Rare <= habit(before, watched) {
                    place.unusual.note(day);
                }
            }
        }
    }

    /// Gives what changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        let mut kept: Vec<Remembered> = self
            .changed
            .drain()
            .filter_map(|name| self.records.get(&name).map(|record| (name, record)))
            .flat_map(|(name, record)| with_lead(name, record))
            .collect();
        kept.sort_unstable_by_key(|one| (one.place, one.thing));
        Changes { kept, gone: std::mem::take(&mut self.gone) }
    }

    /// Looks at an alert that joins the incident under `key`, and remembers it.
    pub(crate) fn look(&mut self, trace: &Trace, time: Timestamp, key: Fingerprint) -> Look {
        if time < self.newest.before(days::REMEMBERED) {
            // A clock that stood wrong, or a very old log: it says nothing of what is usual now.
            return Look::default();
        }
        self.newest = self.newest.max(time);
        let day = Days::of(time);
        let name = self.name_of(trace);
        let mut setting = self.setting(name, trace.source, time, day);
        setting.is_alone = self.is_alone(trace, time);
        self.note_days(name, trace, time, day);
        self.follow(name, setting.is_alone, time);
        let others = self.note_everywhere(name, time);
        if others >= WIDE_MIN && setting.is_unusual() {
            setting = Setting::default();
        }
        // What two machines see is not the quiet one's own.
        setting.is_quiet_place &= others == 0;
        let raised = if setting.is_unusual() {
            self.place(name.0, time).unusual.note(day);
            self.gather(name, trace.source, time, key, &mut setting)
        } else {
            Vec::new()
        };
        if self.records.len() > THINGS_MAX {
            self.make_room();
        }
        Look { setting, raised }
    }

    /// Tells whether an alert comes alone that always came right behind the same at another place.
    pub(crate) fn is_alone(&self, trace: &Trace, time: Timestamp) -> bool {
        let name = self.name_of(trace);
        let Some(lead) = self.records.get(&name).map(|record| &record.lead) else { return false };
        let is_heard_of = |place: u64| {
            let other = self.places.get(&place);
            other.is_some_and(|other| time.since(other.last) <= lead::HEARD_OF)
        };
        lead.place().is_some_and(is_heard_of)
            && lead.is_broken(self.recent(name.1), time, Days::of(time))
    }

    /// Takes note of where an alert came just before it came here.
    fn follow(&mut self, name: (u64, u64), is_alone: bool, time: Timestamp) {
        let recent = self.things.get(&name.1).map_or(&[][..], |everywhere| &everywhere.recent);
        let Some(record) = self.records.get_mut(&name) else { return };
        if record.lead.note(name.0, recent, is_alone, time) {
            self.changed.insert(name);
        }
    }

    fn recent(&self, thing: u64) -> &[(u64, Timestamp)] {
        self.things.get(&thing).map_or(&[], |everywhere| &everywhere.recent)
    }

    /// Gives under which name a thing is remembered at its place.
    fn name_of(&self, trace: &Trace) -> (u64, u64) {
        let own = (trace.place, trace.thing);
        let is_full = || {
            let place = self.places.get(&trace.place);
            place.is_some_and(|place| {
                place.texts.get(&trace.rule).is_some_and(|texts| *texts >= TEXTS_MAX)
            })
        };
        if !self.records.contains_key(&own) && is_full() { (trace.place, trace.rule) } else { own }
    }

    /// Says how usual a thing is that comes now.
    fn setting(&self, name: (u64, u64), source: u64, time: Timestamp, day: i64) -> Setting {
        let Some(place) = self.places.get(&name.0) else { return Setting::default() };
        if time.since(place.first) < LEARNING {
            return Setting::default();
        }
        let watched = Days::between(place.first, day);
        let before = self.records.get(&name).map_or(0, |record| record.days.before(day));
        let source = place.sources.get(&source).map_or(0, |days| days.before(day));
        let unusual = place.unusual.before(day);
        let habit = habit(before, watched);
        let is_first_on_site = || {
            let known = self.things.get(&name.1);
            known.is_none_or(|everywhere| time.since(everywhere.first) < NEAR)
                && self.since.is_some_and(|since| time.since(since) >= LEARNING)
        };
        Setting {
            habit,
            days_before: before,
            days_watched: watched,
            is_first_on_site: habit == Habit::New && is_first_on_site(),
            is_quiet_source: source < 2 && source * 2 <= watched,
            is_quiet_place: watched >= QUIET_PLACE_WATCHED_MIN
                && unusual * QUIET_PLACE_DAYS <= watched,
            is_known_elsewhere: habit == Habit::New && self.is_known_elsewhere(name, day),
            ..Setting::default()
        }
    }

    /// Tells whether a thing came to several other places on earlier days.
    fn is_known_elsewhere(&self, (own, thing): (u64, u64), day: i64) -> bool {
        let places = self.things.get(&thing).map_or(&[][..], |everywhere| &everywhere.places);
        let came_before = |place: &u64| {
            let record = self.records.get(&(*place, thing));
            *place != own && record.is_some_and(|record| record.days.before(day) > 0)
        };
        places.iter().filter(|place| came_before(place)).count() >= ELSEWHERE_MIN
    }

    /// Remembers that a thing came, and counts the other places to which it comes at once.
    fn note_everywhere(&mut self, (place, thing): (u64, u64), time: Timestamp) -> usize {
        let everywhere = self.everywhere(thing, time);
        everywhere.first = everywhere.first.min(time);
        everywhere.note_place(place);
        let others = everywhere.recent.iter().filter(|(other, at)| {
            *other != place && time.since(*at) <= NEAR && at.since(time) <= NEAR
        });
        let others = others.count();
        if let Some((_, at)) = everywhere.recent.iter_mut().find(|(other, _)| *other == place) {
            *at = time;
        } else {
            if everywhere.recent.len() >= RECENT_MAX {
                everywhere.recent.remove(0);
            }
            everywhere.recent.push((place, time));
        }
        others
    }

    fn note_days(&mut self, name: (u64, u64), trace: &Trace, time: Timestamp, day: i64) {
        let place = self.place(name.0, time);
        place.last = place.last.max(time);
        if let Some(known) = self.records.get_mut(&name) {
            // Since when is kept to the hour: what is read backwards must not be written with every alert.
            let is_earlier = Days::hour(time) < Days::hour(known.first);
            known.first = known.first.min(time);
            if known.days.note(day) || is_earlier {
                self.changed.insert(name);
                let place = self.place(name.0, time);
                place.sources.entry(trace.source).or_default().note(day);
            }
            return;
        }
        let place = self.place(name.0, time);
        place.sources.entry(trace.source).or_default().note(day);
        let texts = place.texts.entry(trace.rule).or_default();
        *texts = texts.saturating_add(1);
        let mut days = Days::default();
        days.note(day);
        let (rule, source) = (trace.rule, trace.source);
        let record = Record { rule, source, first: time, days, lead: Lead::default() };
        self.records.insert(name, record);
        self.changed.insert(name);
    }

    /// Puts an unusual thing among those that came to its place within minutes. Gives the incidents that are in larger company by it.
    fn gather(
        &mut self,
        (place, thing): (u64, u64),
        source: u64,
        time: Timestamp,
        key: Fingerprint,
        setting: &mut Setting,
    ) -> Vec<Fingerprint> {
        let marks = &mut self.place(place, time).marks;
        match marks.iter_mut().find(|mark| mark.thing == thing && mark.is_near(time)) {
            Some(mark) => {
                mark.first = mark.first.min(time);
                mark.last = mark.last.max(time);
                mark.key = key;
            }
            None => {
                if marks.len() >= MARKS_MAX
                    && let Some((oldest, _)) =
                        marks.iter().enumerate().min_by_key(|(_, mark)| mark.last)
                {
                    marks.swap_remove(oldest);
                }
                marks.push(Mark { thing, source, first: time, last: time, key, points: 0 });
            }
        }
        // A thing may have come twice within the time, and is one.
        let near = || marks.iter().filter(|mark| mark.is_near(time));
        setting.accompany(
            distinct(near().map(|mark| mark.thing)),
            distinct(near().map(|mark| mark.source)),
        );
        let points = setting.company_points();
        let mut raised = Vec::new();
        for mark in marks.iter_mut().filter(|mark| mark.is_near(time) && mark.points < points) {
            mark.points = points;
            if mark.key != key && !raised.contains(&mark.key) {
                raised.push(mark.key);
            }
        }
        raised
    }

    fn place(&mut self, name: u64, time: Timestamp) -> &mut Place {
        self.since = Some(self.since.map_or(time, |since| since.min(time)));
        let place = self.places.entry(name).or_insert_with(|| Place {
            first: time,
            last: time,
            unusual: Days::default(),
            sources: HashMap::new(),
            texts: HashMap::new(),
            marks: Vec::new(),
        });
        place.first = place.first.min(time);
        place
    }

    fn everywhere(&mut self, thing: u64, time: Timestamp) -> &mut Everywhere {
        let unseen = || Everywhere { first: time, recent: Vec::new(), places: Vec::new() };
        self.things.entry(thing).or_insert_with(unseen)
    }

    /// Forgets a quarter: first what came on one day alone, then what is longest ago.
    fn make_room(&mut self) {
        let mut names: Vec<(bool, i64, (u64, u64))> = self
            .records
            .iter()
            .map(|(name, record)| (record.days.count() > 1, record.days.last(), *name))
            .collect();
        names.sort_unstable();
        let kept: Vec<Remembered> = names
            .split_off(THINGS_MAX / 4)
            .into_iter()
            .filter_map(|(.., name)| self.records.get(&name).map(|record| (name, record)))
            .flat_map(|(name, record)| with_lead(name, record))
            .collect();
        let gone = names.into_iter().flat_map(|(.., name)| [name, (name.0, lead::name_of(name.1))]);
        self.gone.extend(gone);
        let (since, newest) = (self.since, self.newest);
        let changed = std::mem::take(&mut self.changed);
        let gone = std::mem::take(&mut self.gone);
        *self = Self { since, newest, changed, gone, ..Self::restore(kept) };
    }
}

/// Says how usual it is what came on so many days before, of those on which its place was watched.
const fn habit(before: u32, watched: u32) -> Habit {
    match before {
        0 => Habit::New,
        1 | 2 if before * 3 <= watched => Habit::Rare,
        2.. if before * 2 >= watched => Habit::Usual,
        _ => Habit::Known,
    }
}

/// Counts different names.
fn distinct(names: impl Iterator<Item = u64>) -> u32 {
    let mut names: Vec<u64> = names.collect();
    names.sort_unstable();
    names.dedup();
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}

/// Gives a record as it is kept, with its lead. A lead that was given up leaves a row behind, which says that it holds on no day.
fn with_lead(name: (u64, u64), record: &Record) -> impl Iterator<Item = Remembered> {
    let lead = record.lead.remembered(name, record.first);
    std::iter::once(remembered(name, record)).chain(lead)
}

fn remembered((place, thing): (u64, u64), record: &Record) -> Remembered {
    let (last_day, days) = record.days.bits();
    Remembered {
        place,
        thing,
        rule: record.rule,
        source: record.source,
        first: record.first,
        last_day,
        days,
    }
}
