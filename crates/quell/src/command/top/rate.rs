//! How fast things go: from what was counted at each look, over the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

use alert::Timestamp;

use crate::command::look::Look;

/// Over how long a rate is taken: long enough for a number that can be read, short enough to see a flood begin.
const WINDOW: Duration = Duration::from_secs(10);

/// Points kept; a window has one per second at most.
const POINTS_MAX: usize = 64;

/// What was counted at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Point {
    pub(super) at: Timestamp,
    pub(super) received: u64,
    pub(super) accepted: u64,
    pub(super) folded: u64,
    pub(super) incidents: u64,
    pub(super) verdicts: u64,
    pub(super) published: u64,
}

impl Point {
    /// Takes the counts from a look. Received is what was accepted and what was given back to its sender.
    pub(super) fn of(look: &Look) -> Self {
        let refused: u64 = look.sources().iter().map(|source| source.refused).sum();
        Self {
            at: look.at,
            received: look.counts.accepted.saturating_add(refused),
            accepted: look.counts.accepted,
            folded: look.counts.folded,
            incidents: look.incidents,
            verdicts: look.verdicts(),
            published: look.messages().0,
        }
    }

    /// Gives the steps of the funnel, in order.
    pub(super) const fn steps(&self) -> [(&'static str, u64); 6] {
        [
            ("received", self.received),
            ("accepted", self.accepted),
            ("folded", self.folded),
            ("incidents", self.incidents),
            ("verdicts", self.verdicts),
            ("published", self.published),
        ]
    }
}

/// The points of the last seconds.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
}

impl History {
    /// Adds what was counted now.
    pub(super) fn add(&mut self, point: Point) {
        // A clock that jumped back, or a store that was replaced: rates begin anew.
        let is_new = self.points.back().is_some_and(|last| {
            point.at < last.at || point.accepted < last.accepted || point.verdicts < last.verdicts
        });
        if is_new {
            self.points.clear();
        }
        self.points.push_back(point);
        // One point from before the window stays, so that there is a whole window to look over.
        while self.points.len() > POINTS_MAX
            || self.points.get(1).is_some_and(|second| point.at.since(second.at) >= WINDOW)
        {
            self.points.pop_front();
        }
    }

    /// Gives the rate of each step a second, where there are two points to tell it from.
    pub(super) fn rates(&self) -> Option<[f64; 6]> {
        let (first, last) = (self.points.front()?, self.points.back()?);
        let seconds = last.at.since(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let mut rates = [0.0; 6];
        let counts = first.steps().into_iter().zip(last.steps());
        for (rate, ((_, from), (_, to))) in rates.iter_mut().zip(counts) {
            let more = u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
            *rate = f64::from(more) / seconds;
        }
        Some(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, accepted: u64) -> Point {
        let at = Timestamp::from_millis(second * 1000);
        Point { at, received: accepted, accepted, ..Point::default() }
    }

    #[test]
    fn a_rate_needs_two_looks_and_covers_the_last_ten_seconds() {
        let mut history = History::default();
        assert_eq!(history.rates(), None);
        history.add(point(0, 1_000_000));
        assert_eq!(history.rates(), None);
        for second in 1..=30 {
            history.add(point(second, 1_000_000));
        }
        for second in 31..=40 {
            history.add(point(second, 1_000_000 + 50 * u64::try_from(second - 30).expect("few")));
        }
        let [received, accepted, folded, ..] = history.rates().expect("two points");
        assert_eq!((received, accepted, folded), (50.0, 50.0, 0.0));
    }

    #[test]
    fn looks_far_apart_still_give_a_rate() {
        let mut history = History::default();
        history.add(point(0, 0));
        history.add(point(60, 600));
        history.add(point(120, 600));
        assert_eq!(history.rates().expect("two points").map(|rate| rate > 0.0), [false; 6]);
        history.add(point(180, 1_200));
        assert_eq!(history.rates().map(|rates| rates[1]), Some(10.0));
    }

    #[test]
    fn a_clock_that_jumps_back_and_a_new_store_begin_anew() {
        let mut history = History::default();
        history.add(point(100, 500));
        history.add(point(40, 510));
        assert_eq!(history.rates(), None);
        history.add(point(41, 3));
        assert_eq!(history.rates(), None);
        history.add(point(43, 9));
        assert_eq!(history.rates().map(|rates| rates[1]), Some(3.0));
    }
}
