//! Decides at which time an event counts.
//!
//! Rules that count events within seconds need a time that doesn't run back, and logs are not that tidy: a web server may write a request
//! when it ends with the time when it began, and a second file may begin a week before the first one ended. So a time that is a little
//! earlier than the last one counts as the last one. One that is much earlier is another stretch of time: it counts as it is, and what the
//! rules remember of later events begins anew, or they would count events of the future.

use ruleset::LogTime;

/// How far a time may run back before it is another stretch of time: Apache's longest-standing `Timeout` of a request.
const BACK_MILLIS_MAX: i64 = 300_000;

/// Whether lines are old or arrive as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// From a file. A line without a time has that of the line before.
    Recorded,
    /// As they are written. A line without a time happens now, and none happens later than now.
    Live,
}

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) millis: i64,
    /// The time ran back further than [`BACK_MILLIS_MAX`].
    pub(super) began_anew: bool,
}

/// Gives events their time.
#[derive(Debug)]
pub(crate) struct EventClock {
    /// Nothing when the clock alone counts.
    stated: Option<LogTime>,
    pace: Pace,
    now: i64,
    latest: Option<i64>,
}

impl EventClock {
    /// Takes the time that lines state.
    pub(crate) fn of_lines(reader: LogTime, pace: Pace) -> Self {
        Self { stated: Some(reader), pace, now: 0, latest: None }
    }

    /// Takes the time at which lines come in.
    pub(crate) fn of_arrival() -> Self {
        Self { stated: None, pace: Pace::Live, now: 0, latest: None }
    }

    pub(super) fn set_now(&mut self, now_millis: i64) {
        self.now = now_millis;
        if let Some(reader) = &mut self.stated {
            reader.set_now(now_millis);
        }
    }

    pub(super) fn time_of(&mut self, line: &[u8]) -> Moment {
        let stated = self.stated.as_mut().and_then(|reader| reader.read(line));
        let (stated, unstated) = match self.pace {
            Pace::Live => (stated.map(|stated| stated.min(self.now)), self.now),
            Pace::Recorded => (stated, self.latest.unwrap_or(self.now)),
        };
        let Some(stated) = stated else {
            return Moment { millis: unstated, began_anew: false };
        };
        let back = self.latest.map_or(0, |latest| latest.saturating_sub(stated));
        let began_anew = back > BACK_MILLIS_MAX;
        let millis = match self.latest {
            Some(latest) if back > 0 && !began_anew => latest,
            _ => stated,
        };
        self.latest = Some(millis);
        Moment { millis, began_anew }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const NOW: i64 = 1_795_608_000_000;

    /// Gives the seconds before now at which lines count, with `!` where the memory begins anew.
    fn count(pace: Pace, lines: &[&str]) -> Vec<String> {
        let mut clock = EventClock::of_lines(LogTime::new(TimeZone::UTC, NOW), pace);
        clock.set_now(NOW);
        let moments = lines.iter().map(|line| clock.time_of(line.as_bytes()));
        moments
            .map(|moment| {
                let sign = if moment.began_anew { "!" } else { "" };
                format!("{}{sign}", (moment.millis - NOW) / 1000)
            })
            .collect()
    }

    #[test]
    fn a_time_that_is_a_little_earlier_counts_as_the_last_one() {
        let lines = ["2026-11-25T11:59:00Z", "2026-11-25T11:58:00Z", "2026-11-25T11:59:30Z"];
        assert_eq!(count(Pace::Recorded, &lines), ["-60", "-60", "-30"]);
    }

    #[test]
    fn a_time_that_is_much_earlier_is_another_stretch_of_time() {
        let lines = ["2026-11-25T11:59:00Z", "2026-11-25T10:00:00Z", "2026-11-25T10:00:01Z"];
        assert_eq!(count(Pace::Recorded, &lines), ["-60", "-7200!", "-7199"]);
    }

    #[test]
    fn a_line_without_a_time_belongs_to_the_one_before_or_happens_now() {
        let lines = ["first", "2026-11-25T11:59:00Z", "more"];
        assert_eq!(count(Pace::Recorded, &lines), ["0", "-60", "-60"]);
        assert_eq!(count(Pace::Live, &lines), ["0", "-60", "0"]);
    }

    #[test]
    fn what_arrives_now_did_not_happen_later() {
        assert_eq!(count(Pace::Live, &["2027-01-01T00:00:00Z"]), ["0"]);
        assert_eq!(count(Pace::Recorded, &["2026-11-25T13:00:00Z"]), ["3600"]);
    }
}
