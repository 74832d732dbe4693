//! The shapes of time stamps, read byte by byte.
//!
//! A shape is tried where a stamp may begin and gives nothing at the first byte that doesn't fit. Values are checked here, so what comes
//! out is a date that exists, apart from a missing year. Own arithmetic instead of a general parser: this runs for each line of a log.

/// A time stamp, or a count of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Milliseconds since 1970.
    Instant(i64),
    Stamp(Stamp),
}

/// A date and a time of day as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) year: Option<i64>,
    month: i64,
    day: i64,
    seconds_of_day: i64,
    pub(super) millis: i64,
    pub(super) zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Local,
    /// Seconds east of UTC.
    Offset(i64),
}

/// Years that a log may be of. What is outside was a number of something else.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2199;

/// The least count of seconds that is taken for a time, with ten digits: September 2001.
const EPOCH_DIGITS: usize = 10;

const DAY_SECONDS: i64 = 86_400;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

impl Stamp {
    /// Seconds since 1970 as if it were a time of UTC, if the day exists in that year.
    pub(super) fn civil_seconds(&self, year: i64) -> Option<i64> {
        let is_real = YEARS.contains(&year) && (1..=days_of(year, self.month)).contains(&self.day);
        is_real.then(|| days_before(year, self.month, self.day) * DAY_SECONDS + self.seconds_of_day)
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the first of January 1970 to a date. Years begin in March here, so that the leap day is the last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Day 719,468 of that calendar is the first of January 1970.
    year * 365 + leap_days + day_of_year - 719_468
}

/// A place in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Cursor { rest }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a time stamp of any shape. The first bytes pick the few shapes worth trying.
    pub(super) fn moment(&mut self) -> Option<Found> {
        let shapes: &[fn(&mut Self) -> Option<Found>] = match self.rest {
            [first, ..] if first.is_ascii_alphabetic() => &[Self::dated_by_name, Self::by_weekday],
            [_, _, b'/', fourth, ..] if fourth.is_ascii_alphabetic() => &[Self::common],
            [_, _, b'/', ..] => &[Self::snort],
            [_, _, _, _, b'-' | b'/', ..] => &[Self::iso],
            [_, _, _, _, b' ', ..] => &[Self::year_first],
            _ => &[Self::epoch],
        };
        for shape in shapes {
            let mut cursor = *self;
            if let Some(found) = shape(&mut cursor) {
                *self = cursor;
                return Some(found);
            }
        }
        None
    }

    /// `25/Nov/2026:09:46:40 +0000`, as web servers write it.
    fn common(&mut self) -> Option<Found> {
        let day = self.number(2)?;
        self.byte(b'/')?;
        let month = self.month()?;
        self.byte(b'/')?;
        let year = self.number(4)?;
        self.byte(b':')?;
        self.rest_of(Some(year), month, day)
    }

    /// `2026-11-25T10:00:00.123+01:00` and its relatives: with a blank, a comma, slashes, or no zone.
    fn iso(&mut self) -> Option<Found> {
        let year = self.number(4)?;
        let separator = *self.rest.first()?;
        self.byte(separator)?;
        let month = self.number(2)?;
        self.byte(separator)?;
        let day = self.number(2)?;
        self.one_of(b"Tt _")?;
        self.rest_of(Some(year), month, day)
    }

    /// `Nov 25 10:00:00`, as syslog writes it, and `Nov 25 2026 10:00:00`, as Cisco does.
    fn dated_by_name(&mut self) -> Option<Found> {
        let month = self.month()?;
        self.byte(b' ')?;
        let day = self.day()?;
        self.byte(b' ')?;
        let mut with_year = *self;
        if let Some(year) = with_year.number(4)
            && with_year.byte(b' ').is_some()
        {
            *self = with_year;
            return self.rest_of(Some(year), month, day);
        }
        let (seconds_of_day, millis) = self.time_of_day()?;
        // `date` and FTP logs have the year behind the time.
        let mut behind = *self;
        let year = behind.byte(b' ').and_then(|()| behind.number(4));
        let ends = !behind.rest.first().is_some_and(u8::is_ascii_digit);
        let year = year.filter(|year| ends && YEARS.contains(year));
        if year.is_some() {
            *self = behind;
        }
        stamp(year, month, day, seconds_of_day, millis, Zone::Local)
    }

    /// `Wed Nov 25 10:00:00.123456 2026`, as Apache's error log has it.
    fn by_weekday(&mut self) -> Option<Found> {
        let word = self.rest.first_chunk::<3>()?;
        if !WEEKDAYS.contains(&word) {
            return None;
        }
        self.skip(3);
        self.byte(b' ')?;
        self.dated_by_name()
    }

    /// `2026 Nov 25 10:00:00`
    fn year_first(&mut self) -> Option<Found> {
        let year = self.number(4)?;
        self.byte(b' ')?;
        let month = self.month()?;
        self.byte(b' ')?;
        let day = self.day()?;
        self.byte(b' ')?;
        self.rest_of(Some(year), month, day)
    }

    /// `11/25-10:00:00.123456` and `11/25/2026-10:00:00.123456`
    fn snort(&mut self) -> Option<Found> {
        let month = self.number(2)?;
        self.byte(b'/')?;
        let day = self.number(2)?;
        let year = match self.byte(b'/') {
            Some(()) => Some(self.number(4)?),
            None => None,
        };
        self.byte(b'-')?;
        self.rest_of(year, month, day)
    }

    /// Seconds since 1970 with ten digits and perhaps a fraction, or milli-, micro- or nanoseconds without.
    fn epoch(&mut self) -> Option<Found> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = self.number(digits)?;
        let millis = match digits {
            EPOCH_DIGITS => value * 1000 + self.fraction(),
            13 => value,
            16 => value / 1000,
            19 => value / 1_000_000,
            _ => return None,
        };
        // A telephone number or an id is longer, shorter, or has something else behind it.
        let ends = !self.rest.first().is_some_and(u8::is_ascii_alphanumeric);
        ends.then_some(Found::Instant(millis))
    }

    fn rest_of(&mut self, year: Option<i64>, month: i64, day: i64) -> Option<Found> {
        let (seconds_of_day, millis) = self.time_of_day()?;
        let zone = self.zone();
        stamp(year, month, day, seconds_of_day, millis, zone)
    }

    /// `10:00:00`, perhaps with a fraction: seconds of the day and milliseconds.
    fn time_of_day(&mut self) -> Option<(i64, i64)> {
        let hour = self.number(2)?;
        self.byte(b':')?;
        let minute = self.number(2)?;
        self.byte(b':')?;
        let second = self.number(2)?;
        // A leap second counts for the one before.
        let is_real = hour < 24 && minute < 60 && second <= 60;
        let seconds = hour * 3600 + minute * 60 + second.min(59);
        is_real.then(|| (seconds, self.fraction()))
    }

    /// A fraction of a second in milliseconds, 0 without one.
    fn fraction(&mut self) -> i64 {
        let [b'.' | b',', digits @ ..] = self.rest else { return 0 };
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        self.skip(count + 1);
        let read = |place| digits.iter().take(count).nth(place).map_or(0, |byte| i64::from(byte - b'0'));
        read(0) * 100 + read(1) * 10 + read(2)
    }

    /// `Z`, `+0100`, `+01:00` or `+01`, perhaps behind a blank.
    fn zone(&mut self) -> Zone {
        let mut cursor = *self;
        if cursor.rest.starts_with(b" ") {
            cursor.skip(1);
        }
        let zone = match cursor.rest.first() {
            Some(b'Z') => {
                cursor.skip(1);
                Some(0)
            }
            Some(sign @ (b'+' | b'-')) => {
                cursor.skip(1);
                cursor.offset().map(|seconds| if *sign == b'-' { -seconds } else { seconds })
            }
            _ => None,
        };
        match zone {
            Some(seconds) => {
                *self = cursor;
                Zone::Offset(seconds)
            }
            None => Zone::Local,
        }
    }

    fn offset(&mut self) -> Option<i64> {
        let hours = self.number(2)?;
        let mut cursor = *self;
        cursor.byte(b':');
        let minutes = cursor.number(2);
        if minutes.is_some() {
            *self = cursor;
        }
        let minutes = minutes.unwrap_or(0);
        // The farthest zones are 14 hours ahead.
        (hours <= 14 && minutes < 60).then_some(hours * 3600 + minutes * 60)
    }

    /// A day of one or two digits, where a blank may stand for the first.
    fn day(&mut self) -> Option<i64> {
        self.byte(b' ');
        self.number(2).or_else(|| self.number(1))
    }

    fn month(&mut self) -> Option<i64> {
        let word = self.rest.first_chunk::<3>()?;
        let place = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(word))?;
        self.skip(3);
        i64::try_from(place + 1).ok()
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        // Nineteen nines are more than there is room for; a time with that many digits begins with 1.
        let text = self.rest.get(..digits)?;
        let mut value: i64 = 0;
        for byte in text {
            if !byte.is_ascii_digit() {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
        }
        self.skip(digits);
        Some(value)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[wanted])?;
        Some(())
    }

    fn one_of(&mut self, wanted: &[u8]) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        wanted.contains(first).then_some(())
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

fn stamp(
    year: Option<i64>,
    month: i64,
    day: i64,
    seconds_of_day: i64,
    millis: i64,
    zone: Zone,
) -> Option<Found> {
    let is_real = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_real.then_some(Found::Stamp(Stamp { year, month, day, seconds_of_day, millis, zone }))
}
