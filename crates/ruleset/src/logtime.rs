//! Reads the time that a log line states.
//!
//! Frequency rules count events within seconds, and an incident is folded by when things happened, so a log of last week must be read
//! with the times of last week. A manager need not care: it takes the time of reception. Known are what web servers (`[25/Nov/2026:
//! 09:46:40 +0000]`), syslog in both ages, ISO 8601 and its relatives, Snort, Squid, the audit daemon and JSON lines write.
//!
//! It promises to look at the beginning of a line only, where a stranger who is quoted in a log has the least to say, to give nothing
//! rather than a guess, and never to fail. A year that is missing is the latest that doesn't put the line into the future. A zone that
//! is missing is the one given to [`LogTime::new`].

mod cursor;

use jiff::tz::TimeZone;

use cursor::{Cursor, Found, Stamp, Zone};

/// Behind this many bytes no time stamp is looked for. Before it there may be addresses of proxies and the name of a user.
const HEAD_BYTES_MAX: usize = 1024;

/// Names under which JSON logs carry their time, the more telling first.
const KEYS: [&[u8]; 6] = [
    b"\"@timestamp\"",
    b"\"timestamp\"",
    b"\"time\"",
    b"\"ts\"",
    b"\"eventTime\"",
    b"\"__REALTIME_TIMESTAMP\"",
];

/// A line without a year may be this far ahead: its clock or its zone is another, and no more than a day away.
const AHEAD_SECONDS_MAX: i64 = 86_400;

/// How many years are tried for a date without one: the 29th of February comes every fourth year, and once in eight.
const YEARS_TRIED_MAX: i64 = 9;

const MILLIS: i64 = 1000;

/// Reads time stamps of lines. Keeps nothing of them but what makes the next one cheap.
#[derive(Debug)]
pub struct LogTime {
    zone: TimeZone,
    now_seconds: i64,
    now_year: i64,
    /// A quarter of an hour of local time, and the offset of the zone in it: no zone changes in between.
    offset: Option<(i64, i64)>,
}

impl LogTime {
    /// Makes a reader that takes times without a zone as times of this one. `now_millis` helps to guess a year.
    pub fn new(zone: TimeZone, now_millis: i64) -> Self {
        let mut reader = LogTime { zone, now_seconds: 0, now_year: 1970, offset: None };
        reader.set_now(now_millis);
        reader
    }

    /// Tells what time it is.
    pub fn set_now(&mut self, now_millis: i64) {
        self.now_seconds = now_millis.div_euclid(MILLIS);
        self.now_year = jiff::Timestamp::from_second(self.now_seconds)
            .map_or(1970, |now| i64::from(TimeZone::UTC.to_datetime(now).year()));
    }

    /// Gives the time that the line states, in milliseconds since 1970.
    pub fn read(&mut self, line: &[u8]) -> Option<i64> {
        let head = line.get(..HEAD_BYTES_MAX).unwrap_or(line);
        match find(head)? {
            Found::Instant(millis) => Some(millis),
            Found::Stamp(stamp) => self.resolve(&stamp),
        }
    }

    fn resolve(&mut self, stamp: &Stamp) -> Option<i64> {
        let seconds = match stamp.year {
            Some(year) => self.in_year(stamp, year)?,
            None => self.without_year(stamp)?,
        };
        Some(seconds.saturating_mul(MILLIS).saturating_add(stamp.millis))
    }

    fn without_year(&mut self, stamp: &Stamp) -> Option<i64> {
        let latest = self.now_seconds.saturating_add(AHEAD_SECONDS_MAX);
        // A line of the first of January may reach a clock that still shows December.
        let next_year = self.now_year + 1;
        (0..YEARS_TRIED_MAX)
            .filter_map(|back| self.in_year(stamp, next_year - back))
            .find(|seconds| *seconds <= latest)
    }

    fn in_year(&mut self, stamp: &Stamp, year: i64) -> Option<i64> {
        let civil = stamp.civil_seconds(year)?;
        let offset = match stamp.zone {
            Zone::Offset(seconds) => seconds,
            Zone::Local => self.local_offset(civil),
        };
        Some(civil - offset)
    }

    /// The zone's offset at a local time. What a change of the clocks makes ambiguous is taken for the earlier.
    fn local_offset(&mut self, civil: i64) -> i64 {
        const QUARTER_SECONDS: i64 = 900;
        let quarter = civil.div_euclid(QUARTER_SECONDS);
        if let Some((known, offset)) = self.offset
            && known == quarter
        {
            return offset;
        }
        let offset = jiff::Timestamp::from_second(civil)
            .map(|as_if_utc| TimeZone::UTC.to_datetime(as_if_utc))
            .and_then(|local| self.zone.to_ambiguous_timestamp(local).compatible())
            .map_or(0, |moment| civil - moment.as_second());
        self.offset = Some((quarter, offset));
        offset
    }
}

/// Finds a time stamp in the beginning of a line.
fn find(head: &[u8]) -> Option<Found> {
    let text = behind_priority(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    match text.first()? {
        b'{' => return in_json(text),
        b't' if text.starts_with(b"type=") => return in_audit(text),
        _ => {}
    }
    if let Some(found) = Cursor::new(text).moment() {
        return Some(found);
    }
    in_brackets(text)
}

/// Takes off what syslog puts before everything over the network: `<34>`, in its newer form `<34>1 `.
fn behind_priority(text: &[u8]) -> &[u8] {
    let Some(rest) = text.strip_prefix(b"<") else { return text };
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let Some(rest) = rest.get(digits..).and_then(|rest| rest.strip_prefix(b">")) else {
        return text;
    };
    rest.strip_prefix(b"1 ").unwrap_or(rest)
}

/// Finds a stamp in brackets, as access logs have it before the request.
///
/// The name of a user stands before the stamp, and whoever knocks may choose it. So a stamp with the quoted request right behind it is
/// preferred, and else the last one before the first quote. A server escapes quotes in names.
fn in_brackets(text: &[u8]) -> Option<Found> {
    let mut last = None;
    let is_escaped = |at: &usize| at.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'\\');
    let quote = memchr::memchr_iter(b'"', text).find(|at| !is_escaped(at)).unwrap_or(text.len());
    for at in memchr::memchr_iter(b'[', text) {
        if at > quote && last.is_some() {
            break;
        }
        let mut cursor = Cursor::new(text.get(at + 1..).unwrap_or_default());
        let Some(found) = cursor.moment() else { continue };
        if cursor.rest().starts_with(b"] \"") {
            return Some(found);
        }
        if at < quote || last.is_none() {
            last = Some(found);
        }
    }
    last
}

/// Finds the first key that means a time. A key that is quoted within a text has backslashes, so it is not taken for one.
fn in_json(text: &[u8]) -> Option<Found> {
    KEYS.iter().find_map(|key| {
        let at = memchr::memmem::find(text, key)?;
        let rest = text.get(at + key.len()..)?.trim_ascii_start().strip_prefix(b":")?;
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        Cursor::new(rest).moment()
    })
}

/// `type=SYSCALL msg=audit(1795600000.123:456): …`
fn in_audit(text: &[u8]) -> Option<Found> {
    const SIGN: &[u8] = b"msg=audit(";
    let at = memchr::memmem::find(text, SIGN)?;
    Cursor::new(text.get(at + SIGN.len()..)?).moment()
}

#[cfg(test)]
mod tests;
