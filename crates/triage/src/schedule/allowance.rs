//! How many calls the alerts are worth: a share of them, over about an hour and over about a day.
//!
//! The hour's share is for crowds: what has others of its kind before it, which models judged. The day's is for what comes singly. Half of
//! it is all that what is ordinary gets, each of another kind and none an attack, so that there is room for what stands out. Serious
//! incidents are held to neither until hundreds of them are alike; their calls count, so that the rest makes room.

use std::time::Duration;

use alert::Timestamp;

use super::lately::Lately;

/// The share of alerts that may cost a call.
const SHARE: f64 = 0.002;

/// The part of a day's share that what is ordinary may have.
const ORDINARY_PART: f64 = 0.5;

/// The part of it at which bursts get no more than their first calls: the rest is for what else stands out that day.
const BURST_PART: f64 = 0.75;

/// Calls in an hour that need no alerts to justify them, for what is serious and one of many: three of each of two kinds. A small machine that takes
/// half a minute for one is busy with them for three minutes.
const FLOOR: f64 = 6.0;

/// The part of an hour's share at which twins and practices get no more than their first call: somebody may hide in what all do, and what differs
/// needs a call then.
const LIKE_PART: f64 = 0.5;

/// Calls in a day, whatever for, up to which what is ordinary and comes singly needs no alerts to justify its own.
const ORDINARY_FLOOR: f64 = 10.0;

/// The same for what is ordinary and one of many: the first of a day are explained, and what comes after something serious is not.
const ORDINARY_MANY_FLOOR: f64 = 2.0;

/// How much of a few calls was forgotten since they were made, at most: six calls of five minutes are six, and not the 5.9 that are left of them.
const FORGOTTEN_PART: f64 = 0.5;

/// How long it takes until half of what was counted is forgotten.
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a kind must have got of the models lately before others of it are taken to be alike: one may be odd, three are a pattern.
pub(super) const ALIKE_MIN: f64 = 3.0;

/// What is ordinary, by how much a call on it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ordinary {
    /// It came singly.
    Single,
    /// There is much of it.
    Many,
    /// A page was not there, and that is all.
    Nothing,
}

/// Calls and alerts of some time.
#[derive(Debug)]
struct Of {
    calls: Lately,
    alerts: Lately,
}

impl Of {
    const fn new(half_life: Duration, now: Timestamp) -> Self {
        Self { calls: Lately::new(half_life, now), alerts: Lately::new(half_life, now) }
    }

    /// Says whether calls, with `more` that are sure to be made, reach a share, or what needs no alerts.
    fn is_spent(&self, more: f64, share: f64, floor: f64, now: Timestamp) -> bool {
        self.calls.at(now) + more >= (self.alerts.at(now) * share).max(floor)
    }
}

/// Calls and alerts of about the last hour, the last day and the last month.
#[derive(Debug)]
pub(super) struct Allowance {
    hour: Of,
    day: Of,
    month: Of,
}

impl Allowance {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { hour: Of::new(HOUR, now), day: Of::new(DAY, now), month: Of::new(MONTH, now) }
    }

    pub(super) fn note_alerts(&mut self, alerts: u64, now: Timestamp) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has some thousand alerts")]
        let alerts = alerts as f64;
        for time in [&mut self.hour, &mut self.day, &mut self.month] {
            time.alerts.add(alerts, now);
        }
    }

    pub(super) fn note_call(&mut self, now: Timestamp) {
        for time in [&mut self.hour, &mut self.day, &mut self.month] {
            time.calls.add(1.0, now);
        }
    }

    /// Says whether the calls of about an hour reach their share.
    pub(super) fn is_past_share(&self, more: f64, now: Timestamp) -> bool {
        self.hour.is_spent(more, SHARE, 0.0, now)
    }

    /// Says whether the calls of about a month reach the same part of their share.
    pub(super) fn is_past_half_of_month(&self, now: Timestamp) -> bool {
        self.month.is_spent(0.0, SHARE * LIKE_PART, 0.0, now)
    }

    /// Says whether the calls of about an hour reach the part of their share that is for more of what models judged.
    pub(super) fn is_past_half_of_share(&self, more: f64, now: Timestamp) -> bool {
        self.hour.is_spent(more, SHARE * LIKE_PART, 0.0, now)
    }

    /// Says whether the calls of about an hour reach their share, and are more than a few.
    pub(super) fn is_past_floor(&self, more: f64, now: Timestamp) -> bool {
        self.hour.is_spent(more + FORGOTTEN_PART, SHARE, FLOOR, now)
    }

    /// Says whether the calls of about a day reach the part of their share at which bursts get no more than their first.
    pub(super) fn is_past_burst_part(&self, more: f64, now: Timestamp) -> bool {
        self.day.is_spent(more, SHARE * BURST_PART, 0.0, now)
    }

    /// Says whether the calls of about a day are more than a few, and reach the part of their share that is for what is ordinary.
    /// Of what is one of many fewer need no alerts, and of what says nothing none.
    pub(super) fn is_past_ordinary_part(&self, more: f64, what: Ordinary, now: Timestamp) -> bool {
        let floor = match what {
            Ordinary::Single => ORDINARY_FLOOR,
            Ordinary::Many => ORDINARY_MANY_FLOOR,
            Ordinary::Nothing => 0.0,
        };
        // There must be room for it, and not only some left.
        let more = if what == Ordinary::Nothing { more + 1.0 } else { more };
        self.day.is_spent(more, SHARE * ORDINARY_PART, floor, now)
    }
}
