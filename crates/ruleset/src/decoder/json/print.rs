//! Writes JSON the way Wazuh does.
//!
//! Arrays keep their types on the way into an alert, as text that was parsed and printed again: numbers rounded to 15
//! digits if that is exact enough, other text escaped as little as possible. As a field's text, which rules compare
//! against, it is laid out with blanks; in an alert it has none. Bytes from 0x80 on pass through, valid UTF-8 or not.

use super::reader::{Broken, DEPTH_MAX, Reader, Scalar};
use std::borrow::Cow;
use std::io::Write as _;

/// Longest text of a number printed with `%i` or `%f`; the rest is cut off, as it is in the original.
const NUMBER_PRINTED_MAX: usize = 63;

/// Appends `text` as a JSON string with its quotes.
pub fn write_json_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    // Control characters are rare, quotes are not. Looking for the former without a way out, and then only for the latter, lets
    // both searches run in vector instructions.
    if text.iter().fold(0u8, |any, byte| any | u8::from(*byte < 0x20)) == 0 {
        let mut written = 0;
        for at in memchr::memchr2_iter(b'"', b'\\', text) {
            out.extend_from_slice(text.get(written..at).unwrap_or_default());
            out.push(b'\\');
            written = at;
        }
        out.extend_from_slice(text.get(written..).unwrap_or_default());
    } else {
        for byte in text {
            if needs_escape(*byte) {
                write_escape(out, *byte);
            } else {
                out.push(*byte);
            }
        }
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            out.extend_from_slice(b"\\u00");
            out.extend([byte >> 4, byte & 15].map(|nibble| digit(nibble) as u8));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Appends `text` as a JSON array if that is what it is, with nothing but blanks behind it. Says whether it did;
/// otherwise nothing is appended.
pub fn write_json_array(out: &mut Vec<u8>, text: &[u8]) -> bool {
    if text.first() != Some(&b'[') {
        return false;
    }
    let start = out.len();
    let mut reader = Reader::new(text);
    let is_array =
        copy_array(&mut reader, 0, Layout::Compact, out).is_ok() && reader.position() == text.len();
    if !is_array {
        out.truncate(start);
    }
    is_array
}

/// How arrays and objects are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Without blanks.
    Compact,
    /// A blank behind each comma of an array; each member of an object on a line of its own, indented by tabs.
    Spaced,
}

impl Layout {
    fn open(self, opener: u8, depth: usize, out: &mut Vec<u8>) {
        out.push(opener);
        if opener == b'{' {
            self.indent(depth, out);
        }
    }

    fn separate(self, closer: u8, depth: usize, out: &mut Vec<u8>) {
        out.push(b',');
        match (self, closer) {
            (Layout::Spaced, b']') => out.push(b' '),
            (_, b']') => {}
            _ => self.indent(depth, out),
        }
    }

    fn close(self, closer: u8, depth: usize, out: &mut Vec<u8>) {
        if closer == b'}' {
            self.indent(depth, out);
        }
        out.push(closer);
    }

    fn indent(self, depth: usize, out: &mut Vec<u8>) {
        if self == Layout::Spaced {
            out.push(b'\n');
            out.resize(out.len() + depth, b'\t');
        }
    }
}

/// Reads the array at the reader's position, inside `depth` other containers, and prints it.
pub(super) fn copy_array(
    reader: &mut Reader<'_>,
    depth: usize,
    layout: Layout,
    out: &mut Vec<u8>,
) -> Result<(), Broken> {
    let mut closers: Vec<u8> = Vec::new();
    loop {
        // A value starts here.
        let closer = match reader.peek() {
            Some(b'[') => Some(b']'),
            Some(b'{') => Some(b'}'),
            _ => None,
        };
        match closer {
            Some(closer) => {
                if depth.saturating_add(closers.len()) >= DEPTH_MAX {
                    return Err(Broken);
                }
                let opener = if closer == b']' { b'[' } else { b'{' };
                reader.eat(opener);
                closers.push(closer);
                if reader.peek() != Some(closer) {
                    layout.open(opener, closers.len(), out);
                    copy_key(reader, closer, layout, out)?;
                    continue;
                }
                out.push(opener);
            }
            None => {
                write_scalar(out, &reader.scalar()?);
                reader.skip_blanks();
            }
        }
        // A value ended here.
        while let Some(&closer) = closers.last() {
            if reader.eat(b',') {
                layout.separate(closer, closers.len(), out);
                copy_key(reader, closer, layout, out)?;
                break;
            }
            if !reader.eat(closer) {
                return Err(Broken);
            }
            closers.pop();
            layout.close(closer, closers.len(), out);
        }
        if closers.is_empty() {
            return Ok(());
        }
    }
}

/// Prints the key in front of the next value, when the container is an object.
fn copy_key(
    reader: &mut Reader<'_>,
    closer: u8,
    layout: Layout,
    out: &mut Vec<u8>,
) -> Result<(), Broken> {
    if closer == b'}' {
        write_json_string(out, &reader.key()?);
        out.push(b':');
        if layout == Layout::Spaced {
            out.push(b'\t');
        }
    }
    Ok(())
}

fn write_scalar(out: &mut Vec<u8>, value: &Scalar<'_>) {
    match value {
        Scalar::Null => out.extend_from_slice(b"null"),
        Scalar::Bool(true) => out.extend_from_slice(b"true"),
        Scalar::Bool(false) => out.extend_from_slice(b"false"),
        Scalar::Text(text) => write_json_string(out, text),
        Scalar::Number { value, .. } => write_number(out, *value),
    }
}

/// Prints a number inside an array: whole 32-bit numbers as they are, others with 15 significant digits, or with 17
/// where 15 would change the value.
fn write_number(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        out.extend_from_slice(b"null");
    } else if let Some(whole) = as_whole(value) {
        out.extend_from_slice(whole.to_string().as_bytes());
    } else {
        let short = general(value, 15);
        let read_back: f64 = short.parse().unwrap_or(f64::NAN);
        let tolerance = value.abs().max(read_back.abs()) * f64::EPSILON;
        let is_exact_enough = (read_back - value).abs() <= tolerance;
        let text = if is_exact_enough { short } else { general(value, 17) };
        out.extend_from_slice(text.as_bytes());
    }
}

/// The value as an integer of C's `int`, if it is one.
fn as_whole(value: f64) -> Option<i32> {
    let in_range = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "in range, and whole numbers only")]
    (in_range && value.fract() == 0.0).then_some(value as i32)
}

/// C's `%.*g`.
fn general(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let decimals = i32::try_from(digits).unwrap_or(17) - 1 - exponent;
    if exponent < -4 || decimals < 0 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{}e{sign}{:02}",
            without_trailing_zeros(mantissa),
            exponent.unsigned_abs()
        );
    }
    let decimals = usize::try_from(decimals).unwrap_or(0);
    without_trailing_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Prints a number that is a field of its own: `%i` for whole 32-bit numbers, `%f` for the rest. Borrows the text
/// where it is already that.
pub(super) fn field_number<'a>(value: f64, text: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(whole) = as_whole(value) else {
        let mut printed = Vec::new();
        // Writing into memory does not fail.
        if write!(printed, "{value:.6}").is_err() {
            printed.clear();
        }
        printed.truncate(NUMBER_PRINTED_MAX);
        return Cow::Owned(printed);
    };
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_plain =
        digits.iter().all(u8::is_ascii_digit) && (digits.first() != Some(&b'0') || text == b"0");
    if is_plain { Cow::Borrowed(text) } else { Cow::Owned(whole.to_string().into_bytes()) }
}
