//! Days of the last two months, as bits.

use std::time::Duration;

use alert::Timestamp;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// How long days are remembered.
pub(super) const REMEMBERED: Duration = Duration::from_secs(64 * 24 * 3600);

/// Some of the last 64 days, by UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Days {
    last: i64,
    /// The lowest bit stands for the last day, the next for the day before it.
    bits: u64,
}

impl Days {
    /// Gives the day of a time, counted since 1970.
    pub(super) const fn of(time: Timestamp) -> i64 {
        time.as_millis().div_euclid(DAY_MS)
    }

    /// Gives the hour of a time, counted since 1970.
    pub(super) const fn hour(time: Timestamp) -> i64 {
        time.as_millis().div_euclid(DAY_MS / 24)
    }

    /// Gives when a day begins.
    pub(super) const fn begin(day: i64) -> Timestamp {
        Timestamp::from_millis(day.saturating_mul(DAY_MS))
    }

    /// Counts the days from that of a time up to the day before `day`, at most 64.
    pub(super) fn between(from: Timestamp, day: i64) -> u32 {
        u32::try_from(day.saturating_sub(Self::of(from)).clamp(0, 64)).unwrap_or(0)
    }

    pub(super) const fn from_bits(last: i64, bits: u64) -> Self {
        Self { last, bits }
    }

    pub(super) const fn bits(self) -> (i64, u64) {
        (self.last, self.bits)
    }

    pub(super) const fn last(self) -> i64 {
        self.last
    }

    pub(super) const fn count(self) -> u32 {
        self.bits.count_ones()
    }

    /// Gives the earliest of them, in order.
    pub(super) fn earliest(self, count: usize) -> impl Iterator<Item = i64> {
        let is_set = move |behind: &u32| self.bits & (1 << behind) != 0;
        (0..u64::BITS)
            .rev()
            .filter(is_set)
            .map(move |behind| self.last - i64::from(behind))
            .take(count)
    }

    /// Counts those before a day.
    pub(super) fn before(self, day: i64) -> u32 {
        self.shifted_to(day.max(self.last)).map_or(0, |bits| {
            let behind = self.last.max(day).saturating_sub(day).saturating_add(1);
            shifted_right(bits, behind).count_ones()
        })
    }

    /// Adds a day. Gives whether it is new.
    pub(super) fn note(&mut self, day: i64) -> bool {
        if self.bits == 0 {
            *self = Self { last: day, bits: 1 };
            return true;
        }
        if day > self.last {
            self.bits = self.shifted_to(day).unwrap_or(0) | 1;
            self.last = day;
            return true;
        }
        let behind = u32::try_from(self.last.saturating_sub(day)).unwrap_or(u32::MAX);
        let bit = 1_u64.checked_shl(behind).unwrap_or(0);
        let is_new = bit != 0 && self.bits & bit == 0;
        self.bits |= bit;
        is_new
    }

    /// Adds the days of another.
    pub(super) fn join(&mut self, other: Self) {
        if self.bits == 0 {
            *self = other;
            return;
        }
        let last = self.last.max(other.last);
        self.bits = self.shifted_to(last).unwrap_or(0) | other.shifted_to(last).unwrap_or(0);
        self.last = last;
    }

    /// Gives the bits as they are seen from a later day; none if all are too long ago.
    fn shifted_to(self, later: i64) -> Option<u64> {
        let by = u32::try_from(later.saturating_sub(self.last)).ok()?;
        self.bits.checked_shl(by)
    }
}

fn shifted_right(bits: u64, by: i64) -> u64 {
    u32::try_from(by).ok().and_then(|by| bits.checked_shr(by)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_whatever_day_one_looks() {
        let mut days = Days::default();
        assert!([10, 11, 13].map(|day| days.note(day)).iter().all(|is_new| *is_new));
        assert!(!days.note(11), "known already");
        assert_eq!([10, 11, 12, 13, 14, 70].map(|day| days.before(day)), [0, 1, 2, 2, 3, 3]);
        assert_eq!(days.before(75), 1, "days older than 64 are forgotten");
        assert_eq!(days.earliest(2).collect::<Vec<_>>(), [10, 11]);
        assert_eq!(Days::default().earliest(2).count(), 0);
        assert_eq!(days.before(500), 0);
        assert!(days.note(9), "out of order");
        assert_eq!((days.before(10), days.count(), days.last()), (1, 4, 13));
        assert!(!days.note(-100), "too long ago to be told");
    }

    #[test]
    fn two_sets_of_days_are_one() {
        let set = |of: &[i64]| {
            let mut days = Days::default();
            for day in of {
                days.note(*day);
            }
            days
        };
        let mut both = set(&[1, 5]);
        both.join(set(&[3, 9]));
        assert_eq!(both, set(&[1, 3, 5, 9]));
        let mut none = Days::default();
        none.join(both);
        assert_eq!(none, both);
    }
}
