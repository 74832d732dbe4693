//! Takes the syslog-like header off a log line.
//!
//! Rules and decoders look at the text behind the header, and at the time stamp, host and program found in it. A
//! header is recognised by blanks and punctuation at fixed offsets; the values between them are never checked, so
//! `Xxx 99 99:99:99` is a time stamp. That is what the original does, it is what its rules were written against,
//! and it makes a line without a header cost a few byte comparisons.
//!
//! The result is offsets into the line; nothing is copied. Left to the caller: cutting the line at a NUL byte, and
//! the agent. For an event of an agent the host is the agent's name whatever the header says; for one of the manager
//! it is [`Header::hostname`], or the manager's own name when that is missing.
//! [`Header::shown_hostname`] goes into the alert for both.

mod location;

pub use location::{Source, parse_location};

/// A part of a line, as byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// Returns the part of `line` that this span covers, or nothing when it lies outside.
    pub fn of(self, line: &[u8]) -> &[u8] {
        line.get(self.start..self.end).unwrap_or_default()
    }
}

/// What the start of a line says about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The time stamp, as shown in the alert.
    pub timestamp: Option<Span>,
    /// The host named in the header: what `hostname` tests and `$(hostname)` see for events of the manager.
    pub hostname: Option<Span>,
    /// The host that the alert shows. It comes from a second, stricter look at the whole line, so it is missing for
    /// all but well-formed classic headers, and may be there where `hostname` is not.
    pub shown_hostname: Option<Span>,
    /// The program. It may be there and empty (`Nov 25 10:00:00 web01 : text`).
    pub program_name: Option<Span>,
    /// The text behind the header; all of the line when there is none.
    pub log: Span,
}

/// Splits a line into its header and the text behind it.
pub fn predecode(line: &[u8]) -> Header {
    let mut header = match read_stamp(line) {
        None => Header { log: Span::new(0, line.len()), ..Header::default() },
        Some(stamp) => match stamp.follows {
            Follows::HostAndProgram => read_host_and_program(line, stamp.log_start),
            Follows::Text => {
                Header { log: Span::new(stamp.log_start, line.len()), ..Header::default() }
            }
            Follows::AslItems => read_asl_items(line),
        }
        .with_timestamp(stamp.shown),
    };
    header.shown_hostname = shown_hostname(line);
    header
}

impl Header {
    fn with_timestamp(self, timestamp: Option<Span>) -> Header {
        Header { timestamp, ..self }
    }
}

/// What stands behind a recognised time stamp.
enum Follows {
    HostAndProgram,
    Text,
    AslItems,
}

struct Stamp {
    shown: Option<Span>,
    log_start: usize,
    follows: Follows,
}

// In these shapes `_` is any byte; everything else must be there as written.

/// `Nov 25 10:00:00 `, day in two columns.
const CLASSIC: &[u8] = b"___ __ __:__:__ ";
/// `2026 Nov 25 10:00:00 `, as old Windows agents write it.
const CLASSIC_WITH_YEAR: &[u8] = b"____ ___ __ __:__:__ ";
/// `2026-11-25T10:00:00+01:00 `.
const ISO: &[u8] = b"____-__-__T__:__:_____:__ ";
/// `2026-11-25T10:00:00.123+01:00 `.
const ISO_MILLISECONDS: &[u8] = b"____-__-__T__:__:__.______:__ ";
/// `2026-11-25T10:00:00.` and anything else than three digits.
const ISO_FRACTION: &[u8] = b"____-__-__T__:__:__.";
/// `2026-11-25 10:00:00,123 `.
const COMMA: &[u8] = b"____-__-__ __:__:__,___ ";
/// `2026-11-25 10:00:00.123456+0100 `, the unified log of macOS.
const MACOS: &[u8] = b"____-__-__ __:__:__.___________ ";
/// `Wed Nov 25 10:00:00 2026 `, FTP transfer logs, and behind it a transfer time of one digit. Without that condition
/// the lines of vsftpd would lose their date, which its decoders need.
const TRANSFER_LOG: &[u8] = b"___ ___ __ __:__:__ ____ ";
/// Where the blank behind that digit stands.
const TRANSFER_TIME_END: usize = TRANSFER_LOG.len() + 1;
/// `11/25-10:00:00.123456 `, Snort.
const SNORT: &[u8] = b"__/__-__:__:__.______ ";
/// `11/25/2026-10:00:00.123456 `, Suricata.
const SNORT_WITH_YEAR: &[u8] = b"__/__/____-__:__:__.______ ";
/// `[Wed Nov 25 10:00:00 2026] `, Apache's error log before version 2.4.
const APACHE_ERROR: &[u8] = b"[___ ___ __ __:__:__ ____] ";
/// `1795600000.123 `, Squid, of which the first fifteen bytes are checked more closely.
const SQUID: &[u8] = b"__________.___ ";
/// `[Time 2026.11.25 10:00:00 UTC] `, the older log of Mac OS X.
const ASL: &[u8] = b"[Time ____.__.__ __:__:__ ";

/// The shortest line that is taken for a classic header: behind the time stamp there must be room for a host of one
/// letter and something else.
const CLASSIC_LINE_MIN: usize = CLASSIC.len() + 2;
/// Where the text behind an ISO time stamp with a fraction of other than three digits is expected: after `±hh:mm` of
/// one with six. With fewer or more digits this cuts into the host; the original does the same.
const ISO_FRACTION_END: usize = "2026-11-25T10:00:00.123456+01:00".len();
/// Squid pads the elapsed time to six columns, so a blank stands here.
const SQUID_ELAPSED_END: usize = SQUID.len() + 6;

/// Recognises the time stamp. The first bytes pick the few shapes worth comparing.
fn read_stamp(line: &[u8]) -> Option<Stamp> {
    let &[first, _, third, fourth, fifth, _, _, _, _, _, eleventh, ..] = line else { return None };
    if first == b'[' {
        return read_bracketed(line);
    }
    if fourth == b' ' {
        return read_classic(line, CLASSIC, CLASSIC_LINE_MIN).or_else(|| read_transfer_log(line));
    }
    if fifth == b'-' {
        return read_numeric(line);
    }
    if fifth == b' ' && has_shape(line, CLASSIC_WITH_YEAR) {
        return read_classic(line, CLASSIC_WITH_YEAR, CLASSIC_WITH_YEAR.len() + 1);
    }
    if third == b'/' {
        return stamp_and_text(line, SNORT, 0).or_else(|| stamp_and_text(line, SNORT_WITH_YEAR, 0));
    }
    if eleventh == b'.' { read_squid(line) } else { None }
}

fn has_shape(line: &[u8], shape: &[u8]) -> bool {
    line.len() >= shape.len()
        && line.iter().zip(shape).all(|(&byte, &wanted)| wanted == b'_' || byte == wanted)
}

/// Skips blanks from `at` on.
fn behind_blanks(line: &[u8], at: usize) -> usize {
    let blanks =
        line.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte == b' ').count();
    at.saturating_add(blanks)
}

/// A stamp of `shape` without its final blank, and a host behind it.
fn read_classic(line: &[u8], shape: &[u8], line_min: usize) -> Option<Stamp> {
    if line.len() < line_min || !has_shape(line, shape) {
        return None;
    }
    let end = shape.len().saturating_sub(1);
    Some(Stamp {
        shown: Some(Span::new(0, end)),
        log_start: behind_blanks(line, end),
        follows: Follows::HostAndProgram,
    })
}

/// The family that starts `yyyy-`.
fn read_numeric(line: &[u8]) -> Option<Stamp> {
    for shape in [ISO, ISO_MILLISECONDS, COMMA, MACOS] {
        if let Some(stamp) = read_classic(line, shape, shape.len().saturating_add(1)) {
            return Some(stamp);
        }
    }
    if !has_shape(line, ISO_FRACTION) || line.len() <= ISO_FRACTION_END.saturating_add(1) {
        return None;
    }
    // The byte before the text counts as the separator and is lost, also where it was the first letter of a program.
    let log_start = behind_blanks(line, ISO_FRACTION_END);
    let shown = Span::new(0, log_start.saturating_sub(1).min(ISO_FRACTION_END));
    Some(Stamp { shown: Some(shown), log_start, follows: Follows::HostAndProgram })
}

/// A stamp of `shape` with text behind it; `margin` bytes at both ends (brackets) are not shown.
fn stamp_and_text(line: &[u8], shape: &[u8], margin: usize) -> Option<Stamp> {
    if line.len() <= shape.len() || !has_shape(line, shape) {
        return None;
    }
    let end = shape.len().saturating_sub(1);
    Some(Stamp {
        shown: Some(Span::new(margin, end.saturating_sub(margin))),
        log_start: behind_blanks(line, end),
        follows: Follows::Text,
    })
}

fn read_transfer_log(line: &[u8]) -> Option<Stamp> {
    stamp_and_text(line, TRANSFER_LOG, 0).filter(|_| line.get(TRANSFER_TIME_END) == Some(&b' '))
}

fn read_bracketed(line: &[u8]) -> Option<Stamp> {
    if has_shape(line, ASL) {
        return Some(Stamp { shown: None, log_start: 0, follows: Follows::AslItems });
    }
    stamp_and_text(line, APACHE_ERROR, 1)
}

/// Squid's own format: seconds and milliseconds, then the elapsed time flush right, which belongs to the text. All
/// padding but the last blank counts as time stamp.
fn read_squid(line: &[u8]) -> Option<Stamp> {
    let all_digits =
        line.iter().zip(SQUID).all(|(byte, &wanted)| wanted != b'_' || byte.is_ascii_digit());
    if !has_shape(line, SQUID) || !all_digits || line.get(SQUID_ELAPSED_END) != Some(&b' ') {
        return None;
    }
    let log_start = behind_blanks(line, SQUID.len());
    let shown = Span::new(0, log_start.saturating_sub(1));
    Some(Stamp { shown: Some(shown), log_start, follows: Follows::Text })
}

/// Bytes of host and program names.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b')' | b'-' | b'.' | b'/' | b'@' | b'_')
}

fn name_end(line: &[u8], start: usize) -> usize {
    let length = line
        .get(start..)
        .unwrap_or_default()
        .iter()
        .take_while(|&&byte| is_name_byte(byte))
        .count();
    start.saturating_add(length)
}

/// Reads `host program[pid]: text`, in which the host or the program may be missing.
fn read_host_and_program(line: &[u8], start: usize) -> Header {
    let end = name_end(line, start);
    let is_host = end > start && line.get(end) == Some(&b' ');
    if !is_host {
        // Solaris and old Windows agents leave the host out; a text that is neither is left alone.
        return read_program(line, start)
            .unwrap_or(Header { log: Span::new(start, line.len()), ..Header::default() });
    }
    let after_host = end.saturating_add(1);
    let without_program = Header { log: Span::new(after_host, line.len()), ..Header::default() };
    let header = read_program(line, after_host)
        .or_else(|| read_program(line, behind_aix_facility(line, after_host)?))
        .unwrap_or(without_program);
    Header { hostname: Some(Span::new(start, end)), ..header }
}

/// Reads `program: `, `program[pid]:` or `program[pid] `, and takes Solaris's `[ID …] ` off the text behind it.
fn read_program(line: &[u8], start: usize) -> Option<Header> {
    let end = name_end(line, start);
    let log_start = match line.get(end..)? {
        [b':', b' ', ..] => end.saturating_add(2),
        [b'[', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let behind = match rest.get(digits..)? {
                [b']', b':', b' ', ..] => 3,
                [b']', b':' | b' ', ..] => 2,
                _ => return None,
            };
            end.saturating_add(1).saturating_add(digits).saturating_add(behind)
        }
        _ => return None,
    };
    Some(Header {
        program_name: Some(Span::new(start, end)),
        log: Span::new(behind_solaris_id(line, log_start), line.len()),
        ..Header::default()
    })
}

/// AIX puts `facility|severity ` before the program. Returns where the program starts.
fn behind_aix_facility(line: &[u8], start: usize) -> Option<usize> {
    let end = name_end(line, start);
    let rest = line.get(end..)?;
    let (&b'|', severity) = rest.split_first()? else { return None };
    let blank = severity.iter().take_while(|&&byte| is_name_byte(byte) || byte == b':').count();
    (severity.get(blank) == Some(&b' ')).then(|| end.saturating_add(blank).saturating_add(2))
}

fn behind_solaris_id(line: &[u8], start: usize) -> usize {
    let text = line.get(start..).unwrap_or_default();
    if !text.starts_with(b"[ID ") {
        return start;
    }
    match memchr::memmem::find(text, b"] ") {
        Some(end) => start.saturating_add(end).saturating_add(2),
        None => start,
    }
}

/// Reads `[Sender x] … [Message text] …` of an ASL line. The text is the message alone, without the items behind it,
/// because that is what the decoders of the programs match; no recording shows where the original ends it.
fn read_asl_items(line: &[u8]) -> Header {
    let item = |name: &[u8], ends: &[&[u8]]| {
        let start = memchr::memmem::find(line, name)?.saturating_add(name.len());
        let text = line.get(start..)?;
        let end = ends.iter().find_map(|end| memchr::memmem::find(text, end))?;
        Some(Span::new(start, start.saturating_add(end)))
    };
    Header {
        hostname: item(b"[Host ", &[b"]"]),
        program_name: item(b"[Sender ", &[b"]"]),
        log: item(b"[Message ", &[b"] [Level ", b"] [", b"]"]).unwrap_or(Span::new(0, line.len())),
        ..Header::default()
    }
}

/// The second look: a month of one capital and two small letters, a day up to 39, a time of digits, then a word.
fn shown_hostname(line: &[u8]) -> Option<Span> {
    if line.len() < CLASSIC_LINE_MIN || !has_shape(line, CLASSIC) {
        return None;
    }
    let (&[first, second, third, _, tens, ones, _, h1, h2, _, m1, m2, _, s1, s2, _], _) =
        line.split_first_chunk()?;
    let is_month =
        first.is_ascii_uppercase() && second.is_ascii_lowercase() && third.is_ascii_lowercase();
    let is_day = matches!(tens, b' ' | b'0'..=b'3') && ones.is_ascii_digit();
    let is_time = [h1, h2, m1, m2, s1, s2].iter().all(u8::is_ascii_digit);
    if !is_month || !is_day || !is_time {
        return None;
    }
    let start = CLASSIC.len();
    let length = line.get(start..)?.iter().take_while(|&&byte| byte != b' ').count();
    (length > 0).then(|| Span::new(start, start.saturating_add(length)))
}

#[cfg(test)]
mod tests;
