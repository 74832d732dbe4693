//! Token buckets and circuit breakers: how much may be spent, and on whom it is still worth spending.
//!
//! Plain values; the time is passed in, so that they run in simulation and survive clocks that jump (time that runs backwards
//! refills nothing and breaks nothing).

use std::time::Duration;

use alert::Timestamp;

/// A token bucket: `capacity` at once, refilled evenly over `period`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    capacity: f64,
    per_ms: f64,
    tokens: f64,
    updated: Timestamp,
}

impl Bucket {
    /// Makes a full bucket that holds `capacity` tokens and refills them in `period`.
    pub fn new(capacity: u32, period: Duration, now: Timestamp) -> Self {
        let capacity = f64::from(capacity);
        let millis = (period.as_secs_f64() * 1000.0).max(1.0);
        Self { capacity, per_ms: capacity / millis, tokens: capacity, updated: now }
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }

    /// Tells whether there is a token, without taking it.
    pub fn has(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.tokens >= 1.0
    }

    /// Tells whether the bucket is full again, so that forgetting it changes nothing.
    pub fn is_full(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.tokens >= self.capacity
    }

    fn refill(&mut self, now: Timestamp) {
        let gained = now.since(self.updated).as_secs_f64() * 1000.0 * self.per_ms;
        self.tokens = (self.tokens + gained).min(self.capacity);
        self.updated = now;
    }
}

/// Failures in a row after which a backend is left alone.
const FAILURES_TO_OPEN: u32 = 3;

/// First pause of an open breaker. A model server that restarts is back within seconds.
const PAUSE_FIRST: Duration = Duration::from_secs(5);

/// Longest pause: a server that was down for hours is noticed within minutes of its return.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A circuit breaker for one backend: closed, open until a time, then one trial call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    failures: u32,
    /// When it opened, and until when.
    open: Option<(Timestamp, Timestamp)>,
}

impl Breaker {
    /// Tells whether a call may be made now. A clock that was set back behind the last failure ends the pause: it would last as long as
    /// the clock was wrong.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.open.is_none_or(|(since, until)| now >= until || now < since)
    }

    /// Notes a call that got an answer, whatever the answer was worth.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Notes a call that failed on the backend's side. Gives the pause if the breaker is open now.
    pub fn failed(&mut self, now: Timestamp) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let beyond = self.failures.checked_sub(FAILURES_TO_OPEN)?;
        let pause = PAUSE_FIRST.saturating_mul(1 << beyond.min(8)).min(PAUSE_MAX);
        self.open = Some((now, now.after(pause)));
        Some(pause)
    }

    /// Gives the time until which no call is made, if there is one.
    pub fn open_until(&self) -> Option<Timestamp> {
        self.open.map(|(_, until)| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_refills_and_shrugs_at_a_clock_that_jumps_back() {
        let start = Timestamp::from_millis(1_000_000);
        let mut bucket = Bucket::new(2, Duration::from_secs(10), start);
        assert!(bucket.take(start) && bucket.take(start) && !bucket.take(start));
        assert!(!bucket.take(start.before(Duration::from_secs(3600))));
        let later = start.after(Duration::from_secs(5));
        assert!(bucket.take(later));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_a_breaker_open() {
        let now = Timestamp::from_millis(1_000_000_000);
        let mut breaker = Breaker::default();
        let pauses = (0..9).filter_map(|_| breaker.failed(now)).count();
        assert_eq!((pauses, breaker.allows(now)), (7, false));
        let yesterday = now.before(Duration::from_secs(24 * 3600));
        assert!(breaker.allows(yesterday));
        assert!(breaker.failed(yesterday).is_some() && !breaker.allows(yesterday));
    }

    #[test]
    fn a_breaker_opens_after_three_failures_and_tries_again_later_and_later() {
        let mut now = Timestamp::from_millis(0);
        let mut breaker = Breaker::default();
        assert_eq!((breaker.failed(now), breaker.failed(now)), (None, None));
        assert_eq!(breaker.failed(now), Some(PAUSE_FIRST));
        assert!(!breaker.allows(now));
        now = now.after(PAUSE_FIRST);
        assert!(breaker.allows(now));
        assert_eq!(breaker.failed(now), Some(PAUSE_FIRST * 2));
        breaker.succeeded();
        assert!(breaker.allows(now));
    }
}
