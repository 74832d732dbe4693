//! Reception: everything about arrivals that needs neither the fold nor the store.
//!
//! Reading an alert, guarding against the loop and looking at what it shows costs more than all that follows, and is a pure function of its
//! bytes. So it is done in front of the desk, on whatever threads there are; the desk gets alerts that are admitted already, in the
//! order in which they came, and is left with what needs its memory: repeats, incidents, the commit. Offline commands and the
//! simulation do both one after the other ([`super::Desk::take_in`]), by the same code.

use std::panic::AssertUnwindSafe;

use alert::{Fields, Timestamp, Untrusted};
use store::{Counts, DeadLetter};
use triage::admit::{self, Admission, Admitted, Gate};

use super::Arrivals;

/// Arrivals that were looked at: what the desk needs to take them in.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Where those went that go no further, and how many there were.
    pub(super) counts: Counts,
    /// Those that go on, in the order of their arrival.
    pub(super) admitted: Vec<Admitted>,
    /// The idempotency keys of own output that came back.
    pub(super) returned: Vec<String>,
    /// What is no alert.
    pub(super) dead_letters: Vec<DeadLetter>,
    /// Up to where each source was read.
    pub(super) checkpoints: Vec<(String, String)>,
}

impl Received {
    /// Looks at each alert of some arrivals.
    pub(crate) fn of(gate: &Gate, arrivals: &[Arrivals], now: Timestamp) -> Self {
        let mut received = Self::default();
        for arrival in arrivals {
            received.checkpoints.extend(arrival.checkpoint.clone());
            for raw in &arrival.alerts {
                received.look(gate, raw, &arrival.route, now);
            }
            for (raw, reason) in &arrival.rejected {
                received.counts.accepted += 1;
                received.set_aside(raw, reason, &arrival.route, now);
            }
        }
        received
    }

    /// Adds what came behind.
    pub(crate) fn extend(&mut self, behind: Self) {
        self.counts.add(&behind.counts);
        self.admitted.extend(behind.admitted);
        self.returned.extend(behind.returned);
        self.dead_letters.extend(behind.dead_letters);
        self.checkpoints.extend(behind.checkpoints);
    }

    fn look(&mut self, gate: &Gate, raw: &[u8], route: &str, now: Timestamp) {
        self.counts.accepted += 1;
        // A fault in reading one alert must not become a crash that every restart repeats: the alert is set aside.
        let looked = std::panic::catch_unwind(AssertUnwindSafe(|| admit::admit(gate, raw, now)));
        let admission = looked.unwrap_or_else(|_| Admission::Malformed {
            reason: "Quell failed on this alert: please report it".to_owned(),
        });
        match admission {
            Admission::Admitted(mut admitted) => {
                // All that was to be read in them was observed. Thousands wait for the desk at a time, and half of their memory is this.
                admitted.alert.fields = Fields::default();
                admitted.alert.full_log = Untrusted::default();
                self.admitted.push(*admitted);
            }
            Admission::OwnOutput { key } => {
                self.counts.own_output += 1;
                self.returned.extend(key);
            }
            Admission::BelowPolicy { .. } => self.counts.below_policy += 1,
            Admission::Malformed { reason } => self.set_aside(raw, &reason, route, now),
        }
    }

    fn set_aside(&mut self, raw: &[u8], reason: &str, route: &str, now: Timestamp) {
        self.counts.malformed += 1;
        let (route, reason) = (route.to_owned(), reason.to_owned());
        self.dead_letters.push(DeadLetter { at: now, route, reason, raw: raw.to_vec() });
    }
}
