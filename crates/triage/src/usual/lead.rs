//! What comes right behind the same thing at another place, and the day it does not.
//!
//! A gateway hands a question on to a resolver, a proxy a request to its server: both report it, in the same order, every time. When one of the two
//! reports it alone, it came another way: somebody asked the gateway itself, or went around the proxy. That is told only of a habit that held on
//! several days without exception, and while the other machine is heard of. A habit that was broken is none on the next day, so what was
//! chance, or a change that somebody made, is told of for a day at most.
//!
//! What an attacker can do with it: make the other machine report the same just before, as the usual way does. Then it is as usual as it was
//! without this. He can lower nothing.

use std::time::Duration;

use alert::Timestamp;
use alert::setting::Remembered;

use super::NEAR;
use super::days::Days;

/// How far behind is right behind. Two reports of one question lie within a second; what comes every few minutes must not seem to follow.
const BEHIND: Duration = Duration::from_secs(10);

/// Earlier days on which it must have held.
const DAYS_MIN: u32 = 2;

/// Times that it must have held: days alone would take what came once on each for a habit.
const TIMES_MIN: u32 = 4;

/// How long ago the other place may have reported anything. A machine that is off leads nobody.
pub(super) const HEARD_OF: Duration = Duration::from_secs(6 * 3600);

/// The rule under which leads are kept beside what is usual: no rule's name has this hash but by chance.
const KEPT_AS: u64 = 0x6c65_6164_6c65_6164;

/// Whom a thing at a place comes right behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lead {
    place: Option<u64>,
    days: Days,
    times: u32,
    /// When the thing came last, led or not.
    last: Option<Timestamp>,
    /// What comes now came alone.
    is_alone: bool,
    /// The last day on which it came alone.
    alone_on: Option<i64>,
    /// It may have a row in the store.
    is_kept: bool,
}

impl Lead {
    /// Gives the place that it comes behind.
    pub(super) const fn place(&self) -> Option<u64> {
        self.place
    }

    /// Tells whether the thing comes alone now, against its habit. `recent` says where it came lately.
    pub(super) fn is_broken(&self, recent: &[(u64, Timestamp)], time: Timestamp, day: i64) -> bool {
        let Some(place) = self.place else { return false };
        let is_habit = self.days.before(day) >= DAYS_MIN && self.times >= TIMES_MIN;
        if !is_habit || self.was_broken_before(day) || ahead(recent, time).any(|it| it.0 == place) {
            false
        } else if self.is_same_time(time) {
            self.is_alone
        } else {
            true
        }
    }

    /// Takes note of a thing that comes. Gives whether what is kept changed.
    pub(super) fn note(
        &mut self,
        own: u64,
        recent: &[(u64, Timestamp)],
        is_broken: bool,
        time: Timestamp,
    ) -> bool {
        let is_same_time = self.is_same_time(time);
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        if is_same_time {
            return false;
        }
        let day = Days::of(time);
        self.is_alone = is_broken;
        if is_broken {
            self.alone_on = Some(day);
            return false;
        }
        let is_led = ahead(recent, time).any(|(place, _)| Some(*place) == self.place);
        if is_led && !self.was_broken_before(day) {
            self.times = self.times.saturating_add(1);
            return self.days.note(day);
        }
        // The closest is the one that it may follow.
        let closest = ahead(recent, time).filter(|(place, _)| *place != own).max_by_key(|it| it.1);
        let is_changed = self.place.is_some() || closest.is_some();
        let is_kept = self.is_kept || closest.is_some();
        *self = Self { last: self.last, is_kept, ..Self::default() };
        if let Some((place, _)) = closest {
            self.place = Some(*place);
            self.times = 1;
            self.days.note(day);
        }
        is_changed
    }

    /// Gives it as it is kept, beside the thing that it is of.
    pub(super) fn remembered(
        &self,
        (place, thing): (u64, u64),
        first: Timestamp,
    ) -> Option<Remembered> {
        let (last_day, days) = self.days.bits();
        self.is_kept.then(|| Remembered {
            place,
            thing: name_of(thing),
            rule: KEPT_AS,
            source: self.place.unwrap_or(0),
            first,
            last_day,
            days,
        })
    }

    /// Takes it back.
    pub(super) fn restore(kept: &Remembered) -> Self {
        let days = Days::from_bits(kept.last_day, kept.days);
        let place = (kept.days != 0).then_some(kept.source);
        // How often is not kept; once a day is sure.
        Self { place, days, times: days.count(), is_kept: true, ..Self::default() }
    }

    fn is_same_time(&self, time: Timestamp) -> bool {
        self.last.is_some_and(|last| time.since(last) <= NEAR && last.since(time) <= NEAR)
    }

    fn was_broken_before(&self, day: i64) -> bool {
        self.alone_on.is_some_and(|alone_on| alone_on < day)
    }
}

/// Tells whether what is kept is a lead.
pub(super) const fn is_kept_lead(one: &Remembered) -> bool {
    one.rule == KEPT_AS
}

/// Gives the name under which a thing's lead is kept.
pub(super) const fn name_of(thing: u64) -> u64 {
    thing ^ KEPT_AS
}

/// Gives the thing that a kept lead is of.
pub(super) const fn thing_of(one: &Remembered) -> u64 {
    one.thing ^ KEPT_AS
}

/// Names the places where it came just before.
fn ahead(recent: &[(u64, Timestamp)], time: Timestamp) -> impl Iterator<Item = &(u64, Timestamp)> {
    recent.iter().filter(move |(_, at)| *at <= time && time.since(*at) <= BEHIND)
}
