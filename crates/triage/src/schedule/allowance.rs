//! How many calls the alerts are worth: a share of them, and on a quiet day a few in any case.
//!
//! Only what is not serious, brings nothing new and has others of its kind before it is held to this. Serious incidents are never: their
//! calls count, so that the rest makes room.

use std::time::Duration;

use alert::Timestamp;

/// The share of alerts that may cost a call.
const SHARE: f64 = 0.002;

/// Calls in about an hour that need no alerts to justify them: a small machine that takes half a minute for one is busy with them a tenth
/// of its time, and a person reads no more of what is like others and not serious.
const FLOOR: f64 = 10.0;

/// How long it takes until half of what was counted is forgotten.
const HALF_LIFE: Duration = Duration::from_secs(3600);

/// What a kind must have got of the models lately before others of it are taken to be alike: one may be odd, three are a pattern.
pub(super) const ALIKE_MIN: f64 = 3.0;

/// A count that forgets.
#[derive(Debug, Clone, Copy)]
struct Lately {
    value: f64,
    as_of: Timestamp,
}

impl Lately {
    fn at(&self, now: Timestamp) -> f64 {
        let half_lives = now.since(self.as_of).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.value * (-half_lives).exp2()
    }

    fn add(&mut self, count: f64, now: Timestamp) {
        *self = Self { value: self.at(now) + count, as_of: self.as_of.max(now) };
    }
}

/// Calls and alerts of about the last hour.
#[derive(Debug)]
pub(super) struct Allowance {
    calls: Lately,
    alerts: Lately,
}

impl Allowance {
    pub(super) fn new(now: Timestamp) -> Self {
        let none = Lately { value: 0.0, as_of: now };
        Self { calls: none, alerts: none }
    }

    pub(super) fn note_alerts(&mut self, alerts: u64, now: Timestamp) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has some hundred alerts")]
        self.alerts.add(alerts as f64, now);
    }

    pub(super) fn note_call(&mut self, now: Timestamp) {
        self.calls.add(1.0, now);
    }

    /// Says whether calls reach their share, with `more` that are sure to be made.
    pub(super) fn is_spent(&self, more: f64, now: Timestamp) -> bool {
        self.calls.at(now) + more >= (self.alerts.at(now) * SHARE).max(FLOOR)
    }
}
