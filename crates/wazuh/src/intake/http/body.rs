//! From a request's bytes to the bytes of single alerts.
//!
//! Three shapes are taken: one object, an array of objects, or objects one after the other (NDJSON). Each
//! alert keeps its own bytes; they are only walked over to find where they end. Unpacking stops at a cap, so
//! that a small body can't become a large one. Errors name the line or the element.

use std::io::Read;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header;
use serde::de::IgnoredAny;

use super::answer::Refusal;
use crate::intake::ALERT_BYTES_MAX;

/// The most that a compressed body may unpack to. It is four times the limit of a plain body, enough to
/// make compression worth while, and fits the memory budget of all requests.
const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many times its size a compressed body may unpack to. Alerts shrink by 10 to 30, a flood of the same
/// alert by about 100; gzip's own limit, which only bombs reach, is 1,030.
const UNPACKED_RATIO_MAX: usize = 200;

/// What any compressed body may unpack to, as very small ones can be very repetitive.
const UNPACKED_BYTES_FREE: usize = 1024 * 1024;

/// The most alerts in one request: past the useful sizes, and 16 MiB of `{}` must not become eight
/// million allocations.
const ALERTS_MAX: usize = 50_000;

/// How the body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

/// Reads `Content-Encoding`.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Plain) };
    let value = value.as_bytes().trim_ascii();
    if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") {
        Ok(Encoding::Gzip)
    } else if value.is_empty() || value.eq_ignore_ascii_case(b"identity") {
        Ok(Encoding::Plain)
    } else {
        let error = "the body's encoding is not supported".to_owned();
        Err(Refusal::unsupported(error, "send it plain or with `Content-Encoding: gzip`"))
    }
}

/// Accepts the media types of JSON and of lines of JSON, and a request that names none.
///
/// A browser can't send these to another site without asking first, which keeps web pages out.
pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let whole = value.as_bytes();
    let name = whole.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let known: [&[u8]; 6] = [
        b"application/json",
        b"application/x-ndjson",
        b"application/ndjson",
        b"application/jsonl",
        b"application/x-jsonlines",
        b"application/json-lines",
    ];
    if known.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let error = "the body's content type is not JSON".to_owned();
    let hint = "send `Content-Type: application/json` or `application/x-ndjson` (with curl: \
                `-H 'Content-Type: application/x-ndjson' --data-binary @FILE`)";
    Err(Refusal::unsupported(error, hint))
}

/// The length that the sender announced, if it did.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// What a compressed body of this length may unpack to.
pub(super) fn unpacked_bytes_max(length: usize) -> usize {
    length.saturating_mul(UNPACKED_RATIO_MAX).clamp(UNPACKED_BYTES_FREE, UNPACKED_BYTES_MAX)
}

/// Tells a body over the limit from a broken connection.
pub(super) fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        // The type belongs to a crate that axum doesn't re-export; its text is part of its contract.
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Undoes the encoding, up to the cap.
pub(super) fn unpack(bytes: Bytes, encoding: Encoding) -> Result<Bytes, Refusal> {
    if encoding == Encoding::Plain {
        return Ok(bytes);
    }
    let max = unpacked_bytes_max(bytes.len());
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_ref())
        .take(limit)
        .read_to_end(&mut text)
        .map_err(|error| Refusal::bad(format!("the body is not valid gzip: {error}")))?;
    if text.len() > max {
        return Err(Refusal::too_large(format!("the body unpacks to more than {max} bytes")));
    }
    Ok(text.into())
}

/// Cuts a body into its alerts.
pub(super) fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    // Some exporters begin a file with a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut cursor = Cursor { text, position: 0, line: 1, counted: 0 };
    let mut alerts = Vec::new();
    match cursor.next_byte() {
        None => return Err(Refusal::bad("the body is empty".to_owned())),
        Some(b'[') => {
            cursor.step();
            elements(&mut cursor, &mut alerts)?;
        }
        Some(_) => {
            while cursor.next_byte().is_some() {
                let place = format!("line {}", cursor.line());
                push(&mut alerts, cursor.object(&place)?, &place)?;
            }
        }
    }
    Ok(alerts)
}

/// The elements of an array, behind its bracket.
fn elements(cursor: &mut Cursor<'_>, alerts: &mut Vec<Vec<u8>>) -> Result<(), Refusal> {
    if cursor.next_byte() == Some(b']') {
        cursor.step();
    } else {
        loop {
            let place = format!("element {}", alerts.len().saturating_add(1));
            push(alerts, cursor.object(&place)?, &place)?;
            match cursor.next_byte() {
                Some(b',') => cursor.step(),
                Some(b']') => {
                    cursor.step();
                    break;
                }
                other => {
                    let found = describe(other);
                    let error = format!("after {place}: expected `,` or `]`, found {found}");
                    return Err(Refusal::bad(error));
                }
            }
        }
    }
    match cursor.next_byte() {
        None => Ok(()),
        other => {
            let found = describe(other);
            Err(Refusal::bad(format!("line {}: {found} behind the array", cursor.line())))
        }
    }
}

fn push(alerts: &mut Vec<Vec<u8>>, alert: &[u8], place: &str) -> Result<(), Refusal> {
    if alerts.len() >= ALERTS_MAX {
        return Err(Refusal::too_large(format!("the body has more than {ALERTS_MAX} alerts")));
    }
    if alert.len() > ALERT_BYTES_MAX {
        let length = alert.len();
        let error =
            format!("{place}: the alert has {length} bytes, the limit is {ALERT_BYTES_MAX}");
        return Err(Refusal::too_large(error));
    }
    alerts.push(alert.to_vec());
    Ok(())
}

/// A place in the body.
struct Cursor<'text> {
    text: &'text [u8],
    position: usize,
    /// The line of the place `counted`, which follows `position` when somebody asks for the line.
    line: usize,
    counted: usize,
}

impl<'text> Cursor<'text> {
    fn rest(&self) -> &'text [u8] {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Skips blanks and gives the byte behind them without taking it.
    fn next_byte(&mut self) -> Option<u8> {
        let rest = self.rest();
        let blanks = rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.position = self.position.saturating_add(blanks);
        self.rest().first().copied()
    }

    fn step(&mut self) {
        self.position = self.position.saturating_add(1);
    }

    /// Takes one object and gives its bytes.
    fn object(&mut self, place: &str) -> Result<&'text [u8], Refusal> {
        let first = self.next_byte();
        if first != Some(b'{') {
            let found = describe(first);
            return Err(Refusal::bad(format!("{place}: expected an alert object, found {found}")));
        }
        let rest = self.rest();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let end = values.byte_offset();
                self.position = self.position.saturating_add(end);
                Ok(rest.get(..end).unwrap_or(rest))
            }
            Some(Err(error)) => Err(Refusal::bad(format!("{place}: {}", self.explain(&error)))),
            None => Err(Refusal::bad(format!("{place}: expected an alert object, found nothing"))),
        }
    }

    /// The line of the current place, counted from 1. Goes on from where it last counted, or many small
    /// alerts would cost the square of their number.
    fn line(&mut self) -> usize {
        let passed = self.text.get(self.counted..self.position).unwrap_or_default();
        let ends = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(ends);
        self.counted = self.position;
        self.line
    }

    /// The parser's words with the place in the whole body instead of the place in the alert.
    fn explain(&mut self, error: &serde_json::Error) -> String {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let line = self.line().saturating_add(error.line().saturating_sub(1));
        format!("invalid JSON on line {line}, column {}: {what}", error.column())
    }
}

/// Names a kind of value without repeating what the sender wrote.
fn describe(byte: Option<u8>) -> &'static str {
    match byte {
        None => "the end of the body",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b'0'..=b'9' | b'-') => "a number",
        Some(b't' | b'f') => "a boolean or a bare word",
        Some(b'n') => "null or a bare word",
        Some(b',') => "a comma",
        Some(b'{') => "an object",
        Some(_) => "something that is not JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let result = match split(body.as_bytes()) {
            Ok(alerts) => {
                let texts: Vec<_> =
                    alerts.iter().map(|alert| String::from_utf8_lossy(alert)).collect();
                texts.join(" | ")
            }
            Err(refusal) => refusal.to_text(),
        };
        assert_eq!(result, expected, "for {body:?}");
    }

    #[test]
    fn one_object_an_array_and_lines_are_taken() {
        check(r#"{"a":1}"#, r#"{"a":1}"#);
        check("{\n \"a\": 1\n}\n", "{\n \"a\": 1\n}");
        check(r#" [ {"a":1} , {"b":[2,{"c":"]"}]} ] "#, r#"{"a":1} | {"b":[2,{"c":"]"}]}"#);
        check("{\"a\":1}\r\n\n{\"b\":2}\n", r#"{"a":1} | {"b":2}"#);
        check("\u{feff}{\"a\":1}", r#"{"a":1}"#);
        check("[]", "");
    }

    #[test]
    fn a_wrong_line_or_element_is_named() {
        check("", "400: the body is empty");
        check(" \n ", "400: the body is empty");
        check("{}\n{}\n[1]", "400: line 3: expected an alert object, found an array");
        check("[{},7]", "400: element 2: expected an alert object, found a number");
        check(
            "[{},]",
            "400: element 2: expected an alert object, found something that is not JSON",
        );
        check("[{}{}]", "400: after element 1: expected `,` or `]`, found an object");
        check("[{}", "400: after element 1: expected `,` or `]`, found the end of the body");
        check("[{}]\n{}", "400: line 2: an object behind the array");
        check(
            "{}\nhello",
            "400: line 2: expected an alert object, found something that is not JSON",
        );
        check("{}\n{\"a\":tru}\n", "400: line 2: invalid JSON on line 2, column 9: expected ident");
        check(
            "[{},\n{\"a\":",
            "400: element 2: invalid JSON on line 2, column 5: EOF while parsing a value",
        );
    }

    #[test]
    fn invalid_utf8_in_an_alert_passes_unchanged() {
        assert_eq!(split(b"{\"a\":\"\xff\"}").unwrap(), [b"{\"a\":\"\xff\"}".to_vec()]);
    }

    #[test]
    fn deep_nesting_neither_overflows_nor_fails() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(split(deep.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn too_many_or_too_long_alerts_are_refused() {
        let many = "{}".repeat(ALERTS_MAX + 1);
        check(&many, "413: the body has more than 50000 alerts");
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(ALERT_BYTES_MAX));
        check(&long, "413: line 1: the alert has 1048584 bytes, the limit is 1048576");
    }

    #[test]
    fn unpacking_is_bounded_by_size_and_ratio() {
        assert_eq!(unpacked_bytes_max(10), UNPACKED_BYTES_FREE);
        assert_eq!(unpacked_bytes_max(10_000), 2_000_000);
        assert_eq!(unpacked_bytes_max(usize::MAX), UNPACKED_BYTES_MAX);
    }
}
