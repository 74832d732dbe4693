//! Counts that forget: what happened lately weighs one, and half as much after a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use alert::Timestamp;

/// A count that forgets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lately {
    half_life: Duration,
    value: f64,
    as_of: Timestamp,
}

impl Lately {
    /// Begins to count.
    pub(super) const fn new(half_life: Duration, now: Timestamp) -> Self {
        Self { half_life, value: 0.0, as_of: now }
    }

    /// Gives what is left of the count.
    pub(super) fn at(&self, now: Timestamp) -> f64 {
        let half_lives = now.since(self.as_of).as_secs_f64() / self.half_life.as_secs_f64();
        self.value * (-half_lives).exp2()
    }

    /// Counts some more.
    pub(super) fn add(&mut self, count: f64, now: Timestamp) {
        // Also after the clock was set back: nothing is to be remembered until it comes there again.
        *self = Self { value: self.at(now) + count, as_of: now, ..*self };
    }
}

/// How long it takes until half of what was counted of a name is forgotten. A model on a small machine judges some twenty incidents in that time.
const NAME_HALF_LIFE: Duration = Duration::from_secs(600);

/// Names that are counted. There are some forty classes, and of kin fewer than a hundred have many that wait; the limit holds what others
/// may choose. When it is reached, what is all but forgotten goes, or everything.
const NAMES_MAX: usize = 4_096;

/// Less than this is no more than a memory.
const FORGOTTEN: f64 = 0.1;

/// Counts by name, each of which forgets.
#[derive(Debug)]
pub(super) struct Tally<Name> {
    half_life: Duration,
    by_name: HashMap<Name, Lately>,
}

impl<Name> Default for Tally<Name> {
    fn default() -> Self {
        Self::with_half_life(NAME_HALF_LIFE)
    }
}

impl<Name> Tally<Name> {
    /// Begins to count, so that half is forgotten after `half_life`.
    pub(super) fn with_half_life(half_life: Duration) -> Self {
        Self { half_life, by_name: HashMap::new() }
    }
}

impl<Name: Hash + Eq> Tally<Name> {
    /// Gives what was counted of a name lately.
    pub(super) fn at<Key>(&self, name: &Key, now: Timestamp) -> f64
    where
        Name: std::borrow::Borrow<Key>,
        Key: Hash + Eq + ?Sized,
    {
        self.by_name.get(name).map_or(0.0, |count| count.at(now))
    }

    /// Counts one.
    pub(super) fn add(&mut self, name: Name, now: Timestamp) {
        self.add_many(name, 1.0, now);
    }

    /// Counts some more.
    pub(super) fn add_many(&mut self, name: Name, more: f64, now: Timestamp) {
        if self.by_name.len() >= NAMES_MAX && !self.by_name.contains_key(&name) {
            self.by_name.retain(|_, count| count.at(now) >= FORGOTTEN);
            if self.by_name.len() >= NAMES_MAX {
                self.by_name.clear();
            }
        }
        let (count, half_life) = (self.by_name.entry(name), self.half_life);
        count.or_insert_with(|| Lately::new(half_life, now)).add(more, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_ahead_does_not_keep_counts_from_being_forgotten() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let mut tally: Tally<String> = Tally::default();
        tally.add("a".to_owned(), at(24 * 3600));
        tally.add("a".to_owned(), at(0));
        assert!((tally.at("a", at(0)) - 2.0).abs() < 0.01);
        assert!(tally.at("a", at(3600)) < 0.05, "six half-lives");
    }

    #[test]
    fn the_names_that_are_counted_are_bounded() {
        let mut tally: Tally<usize> = Tally::default();
        for name in 0..3 * NAMES_MAX {
            tally.add(name, Timestamp::from_millis(0));
        }
        assert!(tally.by_name.len() <= NAMES_MAX);
    }
}
