//! Reads JSON text piece by piece, leniently.
//!
//! The original uses a small C library that is more generous than the standard: control characters may stand in
//! strings, any byte up to a blank is white space, numbers may have leading zeros, a `\u` with bad digits counts as a
//! NUL, and a NUL ends a string. The same is accepted here, and nothing more. Text is bytes: it need not be UTF-8.
//! The reader never recurses and each method's work is bounded by the bytes it consumes.

use std::borrow::Cow;

/// Deepest nesting of arrays and objects; a deeper document is broken.
pub(super) const DEPTH_MAX: usize = 1_000;

/// Longest text of a number; a longer one makes the document broken. No double needs more than 25 characters, and the
/// original's buffer holds this many.
const NUMBER_TEXT_MAX: usize = 63;

/// The document is not JSON, not even leniently.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// A value without parts.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number { value: f64, text: &'a [u8] },
    Text(Cow<'a, [u8]>),
}

/// A position in a JSON text.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte; the text ends at a NUL.
    pub(super) fn new(text: &'a [u8]) -> Reader<'a> {
        let end = memchr::memchr(0, text).unwrap_or(text.len());
        Reader { text: text.get(..end).unwrap_or_default(), at: 0 }
    }

    /// The byte at the current position.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    pub(super) fn skip_blanks(&mut self) {
        let blanks = self.rest().iter().take_while(|&&byte| byte <= b' ').count();
        self.advance(blanks);
    }

    /// Takes `byte` and the blanks behind it, if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.advance(1);
            self.skip_blanks();
        }
        is_next
    }

    /// Reads `"key" :` and the blanks behind it.
    pub(super) fn key(&mut self) -> Result<Cow<'a, [u8]>, Broken> {
        let key = self.string()?;
        self.skip_blanks();
        if self.eat(b':') { Ok(key) } else { Err(Broken) }
    }

    /// Reads a value that is neither an array nor an object.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Broken> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Scalar<'a>, Broken> {
        let words: [(&[u8], Scalar<'a>); 3] = [
            (b"null", Scalar::Null),
            (b"true", Scalar::Bool(true)),
            (b"false", Scalar::Bool(false)),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.advance(word.len());
                return Ok(value);
            }
        }
        Err(Broken)
    }

    fn number(&mut self) -> Result<Scalar<'a>, Broken> {
        let is_number_byte =
            |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = self.rest().iter().take_while(|&byte| is_number_byte(byte)).count();
        if length > NUMBER_TEXT_MAX {
            return Err(Broken);
        }
        let text = self.rest().get(..length).unwrap_or_default();
        let value =
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Broken)?;
        self.advance(length);
        Ok(Scalar::Number { value, text })
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, Broken> {
        let body = self.rest().strip_prefix(b"\"").ok_or(Broken)?;
        let plain = memchr::memchr2(b'"', b'\\', body).ok_or(Broken)?;
        if body.get(plain) == Some(&b'"') {
            self.advance(plain.saturating_add(2));
            return Ok(Cow::Borrowed(body.get(..plain).unwrap_or_default()));
        }
        let (mut text, length) = unescape(body, plain)?;
        self.advance(length.saturating_add(2));
        if let Some(end) = memchr::memchr(0, &text) {
            text.truncate(end);
        }
        Ok(Cow::Owned(text))
    }
}

/// Resolves the escapes of a string whose first one is at `plain`. Returns the text and the length of the string's
/// body as written.
fn unescape(body: &[u8], plain: usize) -> Result<(Vec<u8>, usize), Broken> {
    let mut text = Vec::with_capacity(body.len().min(plain.saturating_add(64)));
    let mut rest = body;
    let mut next = plain;
    loop {
        let (before, special) = rest.split_at_checked(next).ok_or(Broken)?;
        text.extend_from_slice(before);
        rest = match special {
            [b'"', ..] => return Ok((text, body.len().saturating_sub(special.len()))),
            [b'\\', b'u', digits @ ..] => unescape_unicode(digits, &mut text)?,
            [b'\\', letter, behind @ ..] => {
                text.push(unescape_letter(*letter)?);
                behind
            }
            _ => return Err(Broken),
        };
        next = memchr::memchr2(b'"', b'\\', rest).ok_or(Broken)?;
    }
}

fn unescape_letter(letter: u8) -> Result<u8, Broken> {
    match letter {
        b'b' => Ok(0x08),
        b'f' => Ok(0x0C),
        b'n' => Ok(b'\n'),
        b'r' => Ok(b'\r'),
        b't' => Ok(b'\t'),
        b'"' | b'\\' | b'/' => Ok(letter),
        _ => Err(Broken),
    }
}

/// Resolves the digits behind `\u`, and the second half of a surrogate pair. A lone half makes the document broken.
fn unescape_unicode<'b>(digits: &'b [u8], text: &mut Vec<u8>) -> Result<&'b [u8], Broken> {
    let (first, rest) = hex_unit(digits)?;
    let (code, rest) = match first {
        0xD800..=0xDBFF => {
            let (second, rest) = hex_unit(rest.strip_prefix(b"\\u").ok_or(Broken)?)?;
            let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400).ok_or(Broken)?;
            (0x1_0000 + ((first & 0x3FF) << 10) + low, rest)
        }
        unit => (unit, rest),
    };
    let character = char::from_u32(code).ok_or(Broken)?;
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(rest)
}

/// Reads four hexadecimal digits; wrong ones count as zero.
fn hex_unit(digits: &[u8]) -> Result<(u32, &[u8]), Broken> {
    let (unit, rest) = digits.split_first_chunk::<4>().ok_or(Broken)?;
    if unit.contains(&b'"') {
        return Err(Broken);
    }
    let value = unit
        .iter()
        .try_fold(0, |value, &digit| Some((value << 4) | char::from(digit).to_digit(16)?))
        .unwrap_or(0);
    Ok((value, rest))
}
