//! The door: bytes become an alert that passed the limits, the loop guard and the policy, with what it shows.
//!
//! Pure. Where the bytes came from, and what happens to those that are not admitted, is for others; here each gets exactly one answer,
//! which is what makes the counts add up.

use std::time::Duration;

use alert::tag::TagKey;
use alert::{Alert, AlertKey, Fields, Limits, Timestamp};

use crate::fold::Keys;
use crate::guard::{self, Origin};
use crate::observe::{self, Observation};
use crate::policy::Policy;
use crate::usual::Trace;

/// How far an alert's time may lie ahead of its arrival. Managers and daemon share a host or keep time by NTP; beyond this the arrival
/// counts instead, so that no alert from the year 2100 holds an incident's window.
pub const SKEW_MAX: Duration = Duration::from_secs(300);

/// Everything the door needs to decide.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Limits of parsing.
    pub limits: Limits,
    /// What to take and leave.
    pub policy: Policy,
    /// The key of Quell's own mark.
    pub key: TagKey,
    /// Locations besides the integration's name where Quell's own results come in (its JSON file).
    pub echo_locations: Vec<String>,
    /// How far an alert's time may lie ahead of its arrival.
    pub skew_max: Duration,
}

impl Gate {
    /// Makes a gate with the default limits.
    pub fn new(policy: Policy, key: TagKey) -> Self {
        Self {
            limits: Limits::default(),
            policy,
            key,
            echo_locations: Vec::new(),
            skew_max: SKEW_MAX,
        }
    }
}

/// An alert that goes on to the fold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The alert.
    pub alert: Alert,
    /// The time it counts for: its own, unless it has none or it lies ahead.
    pub time: Timestamp,
    /// What it shows.
    pub observation: Observation,
    /// Where the guard thinks it comes from: never [`Origin::Own`].
    pub origin: Origin,
    /// The keys that it may fold under, which follow from all of the above.
    pub(crate) keys: Keys,
    /// The names under which it is remembered what is usual.
    pub(crate) trace: Trace,
}

/// What became of some bytes at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It goes on to the fold.
    Admitted(Box<Admitted>),
    /// Quell's own output, with the idempotency key that it was published under.
    OwnOutput {
        /// `incident:revision`, where the event carries it.
        key: Option<String>,
    },
    /// The policy leaves it out.
    BelowPolicy {
        /// Its identity.
        key: AlertKey,
    },
    /// It is no alert.
    Malformed {
        /// Why, for a person.
        reason: String,
    },
}

/// Looks at some bytes that arrived at `now`.
pub fn admit(gate: &Gate, raw: &[u8], now: Timestamp) -> Admission {
    let alert = match Alert::parse(raw, &gate.limits) {
        Ok(alert) => alert,
        Err(malformed) => return malformed_or_own(gate, raw, malformed.reason),
    };
    let origin = guard::origin(&alert, &gate.key, &gate.echo_locations);
    if origin == Origin::Own {
        return Admission::OwnOutput { key: alert.field("data.quell.key").map(str::to_owned) };
    }
    if !gate.policy.takes(&alert) {
        return Admission::BelowPolicy { key: alert.key };
    }
    let time = match alert.time {
        Some(time) if time <= now.after(gate.skew_max) => time,
        _ => now,
    };
    let observation = observe::observe(&alert);
    let keys = Keys::of(&alert.agent, &observation, origin);
    let trace = Trace::of(&alert);
    Admission::Admitted(Box::new(Admitted { alert, time, observation, origin, keys, trace }))
}

/// Quell's own event may come back bare, without a manager having made an alert of it.
fn malformed_or_own(gate: &Gate, raw: &[u8], reason: String) -> Admission {
    if raw.len() <= gate.limits.bytes_max
        && let Ok(text) = std::str::from_utf8(raw)
        && let Ok(fields) = Fields::parse(text, &gate.limits)
        && guard::is_genuine(&fields, "", &gate.key)
    {
        return Admission::OwnOutput { key: fields.get("quell.key").map(str::to_owned) };
    }
    Admission::Malformed { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_counts_at_its_own_time_unless_that_lies_further_ahead_than_clocks_differ() {
        let gate = Gate::new(Policy::default(), TagKey::new([7; 32]));
        let arrived = Timestamp::parse("2026-11-24T14:26:00Z").expect("a time");
        let counts_at = |stamp: &str| {
            let raw = format!(
                r#"{{"timestamp":"{stamp}","id":"9.1","rule":{{"id":"31101","level":5,"description":"x"}},
                    "agent":{{"id":"001","name":"web01"}}}}"#
            );
            match admit(&gate, raw.as_bytes(), arrived) {
                Admission::Admitted(admitted) => admitted.time,
                other => panic!("{stamp}: {other:?}"),
            }
        };
        let own = |stamp: &str| Timestamp::parse(stamp).expect("a time");
        for stamp in ["2026-11-21T03:00:00Z", "2026-11-24T14:26:00Z", "2026-11-24T14:31:00Z"] {
            assert_eq!(counts_at(stamp), own(stamp), "{stamp}");
        }
        // What is believed would hold its incident's window until the year 2100.
        for stamp in ["2026-11-24T14:31:01Z", "2100-01-01T00:00:00Z", "no time at all"] {
            assert_eq!(counts_at(stamp), arrived, "{stamp}");
        }
    }
}
