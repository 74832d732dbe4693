//! Reception: everything about arrivals that needs neither the fold nor the store.
//!
//! Reading an alert, guarding against the loop and looking at what it shows costs more than all that follows, and is a pure function of its
//! bytes. So it is done in front of the desk, on whatever threads there are; the desk gets alerts that are admitted already, in the
//! order in which they came, and is left with what needs its memory: repeats, incidents, the commit. Offline commands and the
//! simulation do both one after the other ([`super::Desk::take_in`]), by the same code.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use alert::{AlertKey, Fields, Timestamp, Untrusted};
use store::{Batch, Counts, DeadLetter, Packed, Packer};
use triage::admit::{self, Admission, Admitted, Gate};

use super::Arrivals;

/// Alerts that came together and are packed together at once. Fewer are packed by the desk, with what else is in its batch: a block of
/// one alert takes ten times its share of a full one. Tests take in few, and some of them in each way.
const PACKED_ALERTS_MIN: usize = if cfg!(test) { 4 } else { 64 };

/// An alert that goes on to the desk.
#[derive(Debug)]
pub(super) struct Arrived {
    /// What was read in it. Apart, for it is a kilobyte, and is handed from one list to the next.
    pub(super) admitted: Box<Admitted>,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

/// Arrivals that were looked at: what the desk needs to take them in.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Where those went that go no further, and how many there were.
    pub(super) counts: Counts,
    /// Those that go on, in the order of their arrival.
    pub(super) arrived: Vec<Arrived>,
    /// Those of them that are packed already.
    pub(super) packed: Vec<Packed>,
    /// The idempotency keys of own output that came back.
    pub(super) returned: Vec<String>,
    /// What is no alert.
    pub(super) dead_letters: Vec<DeadLetter>,
    /// Up to where each source was read.
    pub(super) checkpoints: Vec<(String, String)>,
}

/// What is left of arrivals once they were taken in. To let go of it takes a sixth of the time of taking in, and needs no desk.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(super) _received: Received,
    pub(super) _batch: Batch,
}

impl Received {
    /// Looks at each alert of some arrivals, and packs them where they are many.
    pub(crate) fn of(gate: &Gate, packer: &mut Packer, arrivals: Arrivals, now: Timestamp) -> Self {
        let mut received = Self::default();
        received.checkpoints.extend(arrivals.checkpoint);
        received.arrived.reserve(arrivals.alerts.len());
        for raw in arrivals.alerts {
            received.look(gate, raw, &arrivals.route, now);
        }
        for (raw, reason) in arrivals.rejected {
            received.counts.accepted += 1;
            received.set_aside(raw, &reason, &arrivals.route, now);
        }
        received.pack(packer);
        received
    }

    /// Adds what came behind.
    pub(crate) fn extend(&mut self, behind: Self) {
        let before = self.arrived.len();
        self.counts.add(&behind.counts);
        self.arrived.extend(behind.arrived);
        self.packed.extend(
            behind.packed.into_iter().map(|block| Packed { first: before + block.first, ..block }),
        );
        self.returned.extend(behind.returned);
        self.dead_letters.extend(behind.dead_letters);
        self.checkpoints.extend(behind.checkpoints);
    }

    /// Names those that go on.
    pub(super) fn keys(&self) -> impl Iterator<Item = AlertKey> {
        self.admitted().map(|admitted| admitted.alert.key)
    }

    /// Gives what was read in those that go on.
    pub(super) fn admitted(&self) -> impl Iterator<Item = &Admitted> {
        self.arrived.iter().map(|arrived| &*arrived.admitted)
    }

    /// Leaves out what is `known`, and all but the first of those that came more than once. Gives how many those are.
    pub(super) fn leave_out(&mut self, mut known: HashSet<AlertKey>) -> u64 {
        let is_fresh: Vec<bool> = self.keys().map(|key| known.insert(key)).collect();
        let repeated = is_fresh.iter().filter(|is_fresh| !**is_fresh).count();
        if repeated == 0 {
            return 0;
        }
        // A block of which one alert is left out has to be packed anew.
        let mut gone = 0;
        let mut from = 0;
        self.packed.retain_mut(|block| {
            let repeats = |places: std::ops::Range<usize>| {
                let places = is_fresh.get(places).unwrap_or_default();
                places.iter().filter(|is_fresh| !**is_fresh).count()
            };
            let (first, end) = (block.first, block.first + block.count);
            gone += repeats(from..first);
            let within = repeats(first..end);
            block.first -= gone;
            gone += within;
            from = end;
            within == 0
        });
        let mut is_fresh = is_fresh.into_iter();
        self.arrived.retain(|_| is_fresh.next().unwrap_or(true));
        repeated as u64
    }

    /// Packs the alerts that came, while their bytes are at hand. Where that fails, the desk tries again and says what is wrong.
    fn pack(&mut self, packer: &mut Packer) {
        if self.arrived.len() >= PACKED_ALERTS_MIN {
            let alerts: Vec<&[u8]> =
                self.arrived.iter().map(|arrived| arrived.raw.as_slice()).collect();
            self.packed = packer.blocks(&alerts).unwrap_or_default();
        }
    }

    fn look(&mut self, gate: &Gate, raw: Vec<u8>, route: &str, now: Timestamp) {
        self.counts.accepted += 1;
        // A fault in reading one alert must not become a crash that every restart repeats: the alert is set aside.
        let looked = std::panic::catch_unwind(AssertUnwindSafe(|| admit::admit(gate, &raw, now)));
        let admission = looked.unwrap_or_else(|_| Admission::Malformed {
            reason: "Quell failed on this alert: please report it".to_owned(),
        });
        match admission {
            Admission::Admitted(mut admitted) => {
                // All that was to be read in them was observed. Thousands wait for the desk at a time, and half of their memory is this.
                admitted.alert.fields = Fields::default();
                admitted.alert.full_log = Untrusted::default();
                self.arrived.push(Arrived { admitted, raw });
            }
            Admission::OwnOutput { key } => {
                self.counts.own_output += 1;
                self.returned.extend(key);
            }
            Admission::BelowPolicy { .. } => self.counts.below_policy += 1,
            Admission::Malformed { reason } => self.set_aside(raw, &reason, route, now),
        }
    }

    fn set_aside(&mut self, raw: Vec<u8>, reason: &str, route: &str, now: Timestamp) {
        self.counts.malformed += 1;
        let (route, reason) = (route.to_owned(), reason.to_owned());
        self.dead_letters.push(DeadLetter { at: now, route, reason, raw });
    }
}

#[cfg(test)]
mod tests {
    use alert::tag::TagKey;
    use triage::policy::Policy;

    use super::*;

    fn received(numbers: std::ops::Range<u32>) -> Received {
        let gate = Gate::new(Policy { level_min: 0, ..Policy::default() }, TagKey::new([1; 32]));
        let alert = |number| {
            format!(r#"{{"id":"9.{number}","rule":{{"id":"1002","level":5,"description":"x"}}}}"#)
                .into_bytes()
        };
        let alerts = numbers.map(alert).collect();
        let arrivals = Arrivals { alerts, ..Arrivals::default() };
        Received::of(&gate, &mut Packer::default(), arrivals, Timestamp::EPOCH)
    }

    /// Which alerts are packed: for each block the place of its first, and how many it holds.
    fn blocks(received: &Received) -> Vec<(usize, usize)> {
        received.packed.iter().map(|block| (block.first, block.count)).collect()
    }

    #[test]
    fn many_are_packed_at_once_and_few_are_left_to_the_desk() {
        let mut all = received(0..3);
        all.extend(received(3..703));
        all.extend(received(703..706));
        all.extend(received(706..710));
        assert_eq!(all.arrived.len(), 710);
        assert_eq!(blocks(&all), [(3, 256), (259, 256), (515, 188), (706, 4)]);
    }

    #[test]
    fn a_block_with_a_repeat_is_packed_anew_and_the_others_keep_their_alerts() {
        let mut all = received(0..3);
        for numbers in [3..67, 67..131, 131..134, 134..198, 198..262] {
            all.extend(received(numbers));
        }
        let keys: Vec<AlertKey> = all.keys().collect();
        let names = |received: &Received| -> Vec<String> {
            received.admitted().map(|admitted| admitted.alert.id.clone()).collect()
        };
        let before = names(&all);
        // Before all blocks, in the second, between blocks, at the end of the last.
        let known: HashSet<AlertKey> = [1, 70, 71, 133, 261].map(|at| keys[at]).into();
        assert_eq!(all.leave_out(known), 5);
        let after = names(&all);
        assert_eq!(after.len(), 257);
        assert_eq!(blocks(&all), [(2, 64), (130, 64)]);
        for ((first, count), was) in blocks(&all).into_iter().zip([3, 134]) {
            assert_eq!(after[first..first + count], before[was..was + count]);
        }
        // What comes twice within a batch counts once.
        let mut twice = received(0..100);
        twice.extend(received(50..120));
        assert_eq!((twice.leave_out(HashSet::new()), blocks(&twice)), (50, vec![(0, 100)]));
    }
}
