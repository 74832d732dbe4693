//! The `<time>` and `<weekday>` conditions: does an event fall into a daily range, or on a day.
//!
//! Nothing here reads a clock. The caller says what the local minute and day are; `LocalMoment`
//! computes both from epoch seconds and a time zone. What can't be read is refused with the two
//! messages of Wazuh.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

const MINUTES_PER_HOUR: u16 = 60;
const HOURS_PER_DAY: u16 = 24;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_DAY: i64 = 86_400;

/// Most digits of an hour or a minute, so that no number gets long enough to overflow.
const CLOCK_DIGITS_MAX: usize = 2;

/// What an element says that is no time or no day; Wazuh refuses the whole load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// The text of a `<time>` element.
    #[error("Invalid time format: '{0}'.")]
    Range(String),
    /// The text of a `<weekday>` element.
    #[error("Invalid day format: '{0}'.")]
    Days(String),
}

impl InvalidTime {
    /// Gives what Wazuh logs, in its order: number and text.
    #[must_use]
    pub fn messages(&self) -> [(u16, String); 2] {
        let (code, element, text) = match self {
            InvalidTime::Range(text) => (1240, "time", text),
            InvalidTime::Days(text) => (1241, "weekday", text),
        };
        let second = format!("Invalid configuration. Element '{element}': {text}.");
        [(code, self.to_string()), (1274, second)]
    }
}

/// Where a moment lies in the local day and week, which is all that these conditions look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalMoment {
    /// Minutes since local midnight, 0 to 1,439.
    pub minute_of_day: u16,
    /// The local day of the week.
    pub weekday: Weekday,
}

impl LocalMoment {
    /// Breaks epoch seconds down in a time zone. Seconds outside of the calendar that jiff knows
    /// (ten thousand years) are read in UTC, because any zone's rules have ended by then.
    #[must_use]
    pub fn at(epoch_seconds: i64, zone: &TimeZone) -> LocalMoment {
        let offset = Timestamp::from_second(epoch_seconds)
            .map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()));
        let local = epoch_seconds.saturating_add(offset);
        let minute = local.rem_euclid(SECONDS_PER_DAY) / SECONDS_PER_MINUTE;
        // 1 January 1970 was a Thursday.
        let day = local.div_euclid(SECONDS_PER_DAY) % 7;
        LocalMoment {
            minute_of_day: u16::try_from(minute).unwrap_or(0),
            weekday: Weekday::Thursday.wrapping_add(day),
        }
    }
}

/// The range of a `<time>` element.
///
/// A range inside one day includes both end minutes. The engine understands a range over midnight
/// as everything outside the range from its end to its start, so there both end minutes are out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    first_minute: u16,
    last_minute: u16,
    is_outside: bool,
}

impl TimeRange {
    /// Reads `9:00 - 17:30`, `9-17`, `6 pm - 8:30 am` and the like, with `!` before it for the
    /// rest of the day.
    ///
    /// # Errors
    ///
    /// When the text is no range.
    pub fn parse(text: &[u8]) -> Result<TimeRange, InvalidTime> {
        let text = String::from_utf8_lossy(text);
        parse_range(&text).ok_or_else(|| InvalidTime::Range(text.into_owned()))
    }

    /// Says whether the two ends are left out: a range over midnight, or the rest of the day around one that isn't.
    pub(crate) fn is_over_midnight(&self) -> bool {
        self.is_outside
    }

    /// Says whether a minute of the local day is in the range.
    #[must_use]
    pub fn matches(&self, minute_of_day: u16) -> bool {
        (self.first_minute..=self.last_minute).contains(&minute_of_day) != self.is_outside
    }
}

fn parse_range(text: &str) -> Option<TimeRange> {
    let text = text.trim_ascii();
    let (range, is_negated) = match text.strip_prefix('!') {
        Some(range) => (range, true),
        None => (text, false),
    };
    let (start, end) = range.split_once('-')?;
    let (start, end) = (parse_clock(start)?, parse_clock(end)?);
    let is_over_midnight = start > end;
    Some(TimeRange {
        first_minute: start.min(end),
        last_minute: start.max(end),
        is_outside: is_over_midnight != is_negated,
    })
}

/// Reads one end of a range as minutes since midnight.
fn parse_clock(text: &str) -> Option<u16> {
    let text = text.trim_ascii().to_ascii_lowercase();
    let (clock, afternoon) = if let Some(clock) = text.strip_suffix("am") {
        (clock, Some(false))
    } else if let Some(clock) = text.strip_suffix("pm") {
        (clock, Some(true))
    } else {
        (text.as_str(), None)
    };
    let (hour, minute) = match clock.trim_ascii_end().split_once(':') {
        Some((hour, minute)) => (parse_number(hour)?, parse_minute(minute)?),
        None => (parse_number(clock.trim_ascii_end())?, 0),
    };
    let hour = match afternoon {
        Some(_) if hour > HOURS_PER_DAY / 2 => return None,
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
        None => hour,
    };
    (hour < HOURS_PER_DAY).then(|| hour * MINUTES_PER_HOUR + minute)
}

fn parse_minute(text: &str) -> Option<u16> {
    let minute = parse_number(text)?;
    (text.len() == CLOCK_DIGITS_MAX && minute < MINUTES_PER_HOUR).then_some(minute)
}

fn parse_number(text: &str) -> Option<u16> {
    let is_number = text.len() <= CLOCK_DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// The days of a `<weekday>` element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WeekdaySet {
    /// Bit 0 is Sunday, bit 6 Saturday.
    days: u8,
}

const SATURDAY_AND_SUNDAY: u8 = 0b100_0001;
const MONDAY_TO_FRIDAY: u8 = 0b011_1110;

/// From Sunday on, as the bits are.
const DAY_NAMES: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A day may be cut to this many letters.
const SHORT_NAME_BYTES: usize = 3;

impl WeekdaySet {
    /// Reads names of days, whole or of three letters, `weekdays` and `weekends`, separated by
    /// commas or blanks. A leading `!` is refused, although the manual has it.
    ///
    /// # Errors
    ///
    /// When a word is no day, or when there is none.
    pub fn parse(text: &[u8]) -> Result<WeekdaySet, InvalidTime> {
        let text = String::from_utf8_lossy(text);
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let days = words.map(parse_days).try_fold(0, |days, day| Some(days | day?));
        match days {
            None | Some(0) => Err(InvalidTime::Days(text.into_owned())),
            Some(days) => Ok(WeekdaySet { days }),
        }
    }

    /// Says whether the local day is one of them.
    #[must_use]
    pub fn matches(&self, weekday: Weekday) -> bool {
        let bit = u32::try_from(weekday.to_sunday_zero_offset()).unwrap_or(0);
        (self.days >> bit) & 1 == 1
    }
}

fn parse_days(word: &str) -> Option<u8> {
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "weekdays" => Some(MONDAY_TO_FRIDAY),
        "weekends" => Some(SATURDAY_AND_SUNDAY),
        _ => DAY_NAMES
            .iter()
            .position(|name| *name == word || name.get(..SHORT_NAME_BYTES) == Some(word.as_str()))
            .map(|bit| 1 << bit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::Offset;

    /// The minutes of the day, as `hh:mm`, at which the answer changes, with the first answer.
    fn edges(range: &str) -> String {
        let range = TimeRange::parse(range.as_bytes()).unwrap();
        let mut said = String::new();
        let mut last = None;
        for minute in 0..1440 {
            let matches = range.matches(minute);
            if last.replace(matches) != Some(matches) {
                let (sign, hour) = (if matches { '+' } else { '-' }, minute / 60);
                said.push_str(&format!("{sign}{hour:02}:{:02} ", minute % 60));
            }
        }
        said.trim_end().to_owned()
    }

    #[test]
    fn a_range_inside_a_day_includes_both_end_minutes() {
        assert_eq!(edges("09:00 - 17:00"), "-00:00 +09:00 -17:01");
        assert_eq!(edges("09:00-17:00"), "-00:00 +09:00 -17:01");
        assert_eq!(edges("00:00 - 06:00"), "+00:00 -06:01");
        assert_eq!(edges("12:34-12:34"), "-00:00 +12:34 -12:35");
    }

    #[test]
    fn a_range_over_midnight_excludes_both_end_minutes() {
        assert_eq!(edges("22:00 - 06:00"), "+00:00 -06:00 +22:01");
    }

    #[test]
    fn hours_may_stand_alone_or_count_to_twelve() {
        assert_eq!(edges("9 - 17"), "-00:00 +09:00 -17:01");
        assert_eq!(edges("9:30 am - 5:15 pm"), "-00:00 +09:30 -17:16");
        assert_eq!(edges("6 pm - 8:30 am"), "+00:00 -08:30 +18:01");
        assert_eq!(edges("12 AM-12PM"), "+00:00 -12:01");
    }

    #[test]
    fn an_exclamation_mark_turns_a_range_round() {
        assert_eq!(edges("!09:00 - 17:00"), "+00:00 -09:00 +17:01");
        assert_eq!(edges("!22:00 - 06:00"), "-00:00 +06:00 -22:01");
    }

    #[test]
    fn what_is_no_range_is_refused_in_the_engines_words() {
        for text in
            ["noon", "25:00 - 26:00", "9:5-10", "9:60-10", "13 pm-3", "1-2-3", "9-", "", "+9-10"]
        {
            assert!(TimeRange::parse(text.as_bytes()).is_err(), "{text}");
        }
        let said = TimeRange::parse(b"25:00 - 26:00").unwrap_err().messages();
        assert_eq!(said[0], (1240, "Invalid time format: '25:00 - 26:00'.".to_owned()));
        let second = "Invalid configuration. Element 'time': 25:00 - 26:00.";
        assert_eq!(said[1], (1274, second.to_owned()));
    }

    fn days(text: &str) -> String {
        let days = WeekdaySet::parse(text.as_bytes()).unwrap();
        let week = (0..7).map(|n| Weekday::from_sunday_zero_offset(n).unwrap());
        week.map(|day| if days.matches(day) { 'x' } else { '.' }).collect()
    }

    #[test]
    fn days_have_long_and_short_names_and_come_in_lists() {
        assert_eq!(days("wednesday"), "...x...");
        assert_eq!(days("mon,sun"), "xx.....");
        assert_eq!(days("Monday, FRI saturday"), ".x...xx");
        assert_eq!(days("weekends"), "x.....x");
        assert_eq!(days("weekdays,sun"), "xxxxxx.");
    }

    #[test]
    fn what_is_no_day_is_refused_in_the_engines_words() {
        for text in ["noday", "!weekends", "mon,noday", "mo", "", ","] {
            assert!(WeekdaySet::parse(text.as_bytes()).is_err(), "{text}");
        }
        let said = WeekdaySet::parse(b"!weekends").unwrap_err().messages();
        assert_eq!(said[0], (1241, "Invalid day format: '!weekends'.".to_owned()));
        let second = "Invalid configuration. Element 'weekday': !weekends.";
        assert_eq!(said[1], (1274, second.to_owned()));
    }

    #[test]
    fn a_moment_is_broken_down_in_the_local_zone() {
        let utc = LocalMoment::at(1_795_600_000, &TimeZone::UTC);
        assert_eq!(utc, LocalMoment { minute_of_day: 586, weekday: Weekday::Wednesday });
        let east = TimeZone::fixed(Offset::constant(14));
        let later = LocalMoment { minute_of_day: 1426, weekday: Weekday::Wednesday };
        assert_eq!(LocalMoment::at(1_795_600_000, &east), later);
        let next = LocalMoment { minute_of_day: 0, weekday: Weekday::Thursday };
        assert_eq!(LocalMoment::at(1_795_600_000 + 14 * 60, &east).weekday, next.weekday);
        let before = LocalMoment { minute_of_day: 1439, weekday: Weekday::Wednesday };
        assert_eq!(LocalMoment::at(-1, &TimeZone::UTC), before);
    }

    #[test]
    fn any_number_of_seconds_can_be_broken_down() {
        for seconds in [i64::MIN, i64::MAX, 0] {
            assert!(LocalMoment::at(seconds, &TimeZone::UTC).minute_of_day < 1440);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>, near in "!?[0-9: apm-]{0,12}") {
            for text in [text, near.into_bytes()] {
                drop(WeekdaySet::parse(&text));
                drop(TimeRange::parse(&text));
            }
        }
    }
}
