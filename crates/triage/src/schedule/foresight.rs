//! When a job that waits would have a model's verdict: from how long calls took lately, what is under way, and what goes before.
//!
//! An estimate, and no promise: it decides only whether the playbook stands in at once or after a while.

use std::time::Duration;

use alert::Timestamp;

use super::Running;

/// Why the playbook stands in before a job has waited.
pub(super) const TOO_LATE: &str =
    "all models are busy, and what goes before takes longer than it may wait";

/// What a call is taken to need before one was seen: what a small machine needs with a model of 14 billion parameters, loading it included.
const CALL_AT_FIRST: Duration = Duration::from_secs(40);

/// The part of the estimate that each new call replaces: a few calls make it right, and one that was odd does not make it wrong.
const NEWEST_PART: f64 = 0.3;

/// How long calls take.
#[derive(Debug)]
pub(super) struct Foresight {
    call: Duration,
}

impl Default for Foresight {
    fn default() -> Self {
        Self { call: CALL_AT_FIRST }
    }
}

impl Foresight {
    /// Takes note of a call.
    pub(super) fn note(&mut self, took: Duration) {
        self.call = self.call.mul_f64(1.0 - NEWEST_PART) + took.mul_f64(NEWEST_PART);
    }

    /// Estimates how long the job at `place` among those that wait has yet to wait for its verdict, while all models are busy with
    /// `running` and with `begun` calls that begin now.
    pub(super) fn until_verdict(
        &self,
        place: usize,
        begun: usize,
        running: &[Running],
        now: Timestamp,
    ) -> Duration {
        let slots = (running.len() + begun).max(1);
        let rest = running.iter().map(|call| self.call.saturating_sub(now.since(call.since))).min();
        let rounds = u32::try_from(place / slots).unwrap_or(u32::MAX);
        rest.unwrap_or(self.call) + self.call.saturating_mul(rounds.saturating_add(1))
    }
}
