//! The time of each line of old logs, for rules that count events within seconds.
//!
//! A line's own time counts. Lines that state none, or one before the last, are of the last one's time: windows of time only make
//! sense when time does not run backwards. A file that begins before the last one ended is another log; its times are taken forward
//! by whole weeks, so that it meets no memory of events that came later, and hours and weekdays stay what they are.

use alert::clock::{Clock as _, SystemClock};
use jiff::tz::TimeZone;
use ruleset::LogTime;

const MILLIS: i64 = 1000;
const WEEK_SECONDS: i64 = 7 * 86_400;

/// Gives lines their times.
pub(super) struct Timeline {
    reader: LogTime,
    /// What lines of this file are taken forward.
    shift_seconds: i64,
    is_new_file: bool,
    last: Option<i64>,
    /// Before the first time that is known.
    start: i64,
    first_stated: Option<i64>,
    last_stated: Option<i64>,
}

impl Timeline {
    /// Starts with the times of now, for logs that state none.
    pub(super) fn new() -> Self {
        let now = SystemClock.now().as_millis();
        let reader = LogTime::new(TimeZone::system(), now);
        Self {
            reader,
            shift_seconds: 0,
            is_new_file: true,
            last: None,
            start: now.div_euclid(MILLIS),
            first_stated: None,
            last_stated: None,
        }
    }

    /// Says that a file begins.
    pub(super) fn begin_file(&mut self) {
        self.is_new_file = true;
        self.shift_seconds = 0;
    }

    /// Gives the time of a line, in seconds.
    pub(super) fn of(&mut self, line: &[u8]) -> i64 {
        let stated = self.reader.read(line).map(|millis| millis.div_euclid(MILLIS));
        self.place(stated)
    }

    fn place(&mut self, stated: Option<i64>) -> i64 {
        let Some(stated) = stated else { return self.last.unwrap_or(self.start) };
        self.first_stated = Some(self.first_stated.map_or(stated, |first| first.min(stated)));
        self.last_stated = Some(self.last_stated.map_or(stated, |last| last.max(stated)));
        if self.is_new_file {
            self.is_new_file = false;
            if let Some(behind) = self.last.map(|last| last - stated).filter(|behind| *behind > 0) {
                self.shift_seconds = (behind / WEEK_SECONDS + 1) * WEEK_SECONDS;
            }
        }
        let time = stated.saturating_add(self.shift_seconds);
        let time = self.last.map_or(time, |last| last.max(time));
        self.last = Some(time);
        time
    }

    /// The hours from the first to the last line that states its time.
    pub(super) fn hours(&self) -> Option<f64> {
        const HOUR_SECONDS: f64 = 3600.0;
        let seconds = self.last_stated?.saturating_sub(self.first_stated?);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more digits than a float has"
        )]
        let hours = seconds as f64 / HOUR_SECONDS;
        Some(hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_forward_within_a_file_and_an_earlier_file_is_another_week() {
        let mut timeline = Timeline::new();
        let mut places = |times: &[Option<i64>]| {
            timeline.begin_file();
            times.iter().map(|time| timeline.place(*time)).collect::<Vec<_>>()
        };
        assert_eq!(places(&[Some(1000), Some(990), None, Some(1010)]), [1000, 1000, 1000, 1010]);
        assert_eq!(places(&[Some(1020)]), [1020]);
        assert_eq!(places(&[Some(20), Some(30)]), [20 + WEEK_SECONDS, 30 + WEEK_SECONDS]);
        assert_eq!(timeline.hours(), Some(1000.0 / 3600.0));
    }
}
