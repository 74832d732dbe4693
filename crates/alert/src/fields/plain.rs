//! Reads plain JSON fast: what a manager writes all day.
//!
//! One pass over the bytes, straight into [`Fields`]. It knows objects, arrays, texts with the usual escapes, whole numbers, and the three
//! words; it gives up at anything else: a mistake, a fraction, an escape by number, a value past a limit. Then the careful reader
//! begins anew, and what it says counts. So there is one place that decides what is an alert and what is past a limit, and this one
//! never has an opinion of its own: what it reads, both read alike (a test with made-up documents says so).

use super::{Fields, PATH_BYTES_MAX};
use crate::parse::Limits;

/// Most digits of a number that is read here: more may be past what a whole number holds, and is written otherwise then.
const DIGITS_MAX: usize = 18;

/// Reads one JSON object into `fields`, which are empty; or gives up, and leaves anything in them.
pub(super) fn read(json: &str, limits: &Limits, fields: &mut Fields) -> Option<()> {
    let mut reader = Reader { json, at: 0, limits, fields, path: String::with_capacity(128) };
    reader.blanks();
    (reader.next()? == b'{').then_some(())?;
    reader.object(0)?;
    reader.blanks();
    (reader.at == json.len()).then_some(())
}

struct Reader<'a> {
    json: &'a str,
    /// The next byte.
    at: usize,
    limits: &'a Limits,
    fields: &'a mut Fields,
    path: String,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Gives the next byte that is no blank.
    fn sign(&mut self) -> Option<u8> {
        self.blanks();
        self.next()
    }

    /// Reads an object from behind its brace. `depth` is that of the object.
    fn object(&mut self, depth: usize) -> Option<()> {
        self.may_hold(depth)?;
        let here = self.path.len();
        let mut sign = self.sign()?;
        if sign == b'}' {
            return Some(());
        }
        loop {
            (sign == b'"').then_some(())?;
            if here > 0 {
                self.path.push('.');
            }
            let mut path = std::mem::take(&mut self.path);
            self.text(&mut path)?;
            self.path = path;
            (self.sign()? == b':').then_some(())?;
            self.value(depth)?;
            self.path.truncate(here);
            match self.sign()? {
                b',' => sign = self.sign()?,
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads an array from behind its bracket.
    fn array(&mut self, depth: usize) -> Option<()> {
        self.may_hold(depth)?;
        self.blanks();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.value(depth)?;
            match self.sign()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Tells whether what begins here is within the limits.
    fn may_hold(&self, depth: usize) -> Option<()> {
        let is_within = depth < self.limits.depth_max
            && self.path.len() <= PATH_BYTES_MAX
            && self.fields.list.len() < self.limits.fields_max;
        is_within.then_some(())
    }

    /// Reads a value within an object or array of this depth.
    fn value(&mut self, depth: usize) -> Option<()> {
        self.blanks();
        let start = self.at;
        match self.next()? {
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'"' => {
                self.may_hold(0)?;
                let mut text = std::mem::take(&mut self.fields.text);
                let from = text.len();
                text.push_str(&self.path);
                let value = text.len();
                let read = self.text(&mut text);
                self.fields.text = text;
                read?;
                self.fields.take(from, value);
                Some(())
            }
            b'-' | b'0'..=b'9' => {
                self.number(start)?;
                self.put(start)
            }
            b't' => self.word("rue").and_then(|()| self.put(start)),
            b'f' => self.word("alse").and_then(|()| self.put(start)),
            b'n' => self.word("ull"),
            _ => None,
        }
    }

    /// Takes what stands from `start` on over as it is.
    fn put(&mut self, start: usize) -> Option<()> {
        self.may_hold(0)?;
        let shown = self.json.get(start..self.at)?;
        self.fields.push(&self.path, |text| text.push_str(shown));
        Some(())
    }

    fn word(&mut self, rest: &str) -> Option<()> {
        let is_there = self.json.as_bytes().get(self.at..)?.starts_with(rest.as_bytes());
        self.at += rest.len();
        is_there.then_some(())
    }

    /// Reads a whole number that is written as it would be written again.
    fn number(&mut self, start: usize) -> Option<()> {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let written = self.json.as_bytes().get(start..self.at)?;
        let digits = written.strip_prefix(b"-").unwrap_or(written);
        let is_whole = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let is_usual = match digits {
            [] => false,
            [b'0'] => written.len() == 1,
            [first, ..] => *first != b'0' && digits.len() <= DIGITS_MAX,
        };
        (is_whole && is_usual).then_some(())
    }

    /// Reads a text from behind its quote to the end of `out`.
    fn text(&mut self, out: &mut String) -> Option<()> {
        loop {
            let rest = self.json.as_bytes().get(self.at..)?;
            let plain = plain_length(rest);
            out.push_str(self.json.get(self.at..self.at + plain)?);
            self.at += plain;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => out.push(match self.next()? {
                    b'"' => '"',
                    b'\\' => '\\',
                    b'/' => '/',
                    b'n' => '\n',
                    b't' => '\t',
                    b'r' => '\r',
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    _ => return None,
                }),
                _ => return None,
            }
        }
    }
}

/// Counts the bytes up to the first quote, backslash or control character: eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*eight));
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
        rest = behind;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    length + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Marks, by their highest bit, the bytes that are a quote, a backslash or a control character. The lowest mark is right; behind it there may
/// be wrong ones.
const fn special(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * ONES;
    // Of a byte that is 0 the subtraction borrows, and of one that has its highest bit set the complement takes the mark away.
    let quote = eight ^ (b'"' as u64 * ONES);
    let backslash = eight ^ (b'\\' as u64 * ONES);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = eight.wrapping_sub(0x20 * ONES) & !eight;
    (is_quote | is_backslash | is_control) & HIGHEST
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(json: &str) -> (Option<Fields>, Result<Fields, String>) {
        let limits = Limits { depth_max: 4, fields_max: 12, ..Limits::default() };
        let mut fields = Fields::empty(json);
        let fast = read(json, &limits, &mut fields).map(|()| fields);
        (fast, Fields::read_carefully(json, &limits).map_err(|error| error.to_string()))
    }

    #[test]
    fn what_a_manager_writes_is_read() {
        for json in [
            r#"{"a":{"b":1,"c":[true,"x"]},"d":null,"e":"","f":"\"q\\ \n\/"}"#,
            " { \"a\" : [ ] , \"b\" : { } , \"c\" : [ [ -5 , 0 ] , { \"d\" : false } ] } ",
            r#"{"":1,"a.b":2,"ä":"ö€ the end"}"#,
            "{}",
        ] {
            let (fast, careful) = both(json);
            assert_eq!(fast, careful.ok(), "{json}");
            assert!(fast.is_some(), "{json}");
        }
    }

    #[test]
    fn it_gives_up_where_it_could_be_wrong() {
        for json in [
            "",
            "[1]",
            "7",
            "{",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":-}"#,
            r#"{"a":1.5}"#,
            r#"{"a":1e3}"#,
            r#"{"a":12345678901234567890}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":tru}"#,
            r#"{"a":truely}"#,
            r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#,
            r#"{"a":[1,2,3,4,5,6,7,8,9,10,11,12,13]}"#,
        ] {
            assert_eq!(both(json).0, None, "{json}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]
        #[test]
        fn both_readers_read_alike(
            pieces in prop::collection::vec(
                "[{}\\[\\],: ]|\"[a-c.]{0,3}\":|\"(\\\\[\"\\\\/bfnrtu]|[ -~]|\u{e9}|\u{1}){0,12}\"|[-0-9]{1,3}|[0-9]{17,20}|true|false|null|[.eE]",
                0..24,
            ),
        ) {
            for json in [pieces.concat(), format!("{{\"a\":{}}}", pieces.concat()), format!("{{\"a\":[{}]}}", pieces.join(","))] {
                let (fast, careful) = both(&json);
                if let Some(fast) = fast {
                    prop_assert_eq!(Ok(fast), careful, "{}", json);
                }
            }
        }

        #[test]
        fn the_first_special_byte_is_found(bytes in prop::collection::vec(any::<u8>(), 0..40), quiet in prop::collection::vec(0x20_u8..=0xff, 0..40)) {
            for bytes in [bytes, quiet] {
                let naive = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                prop_assert_eq!(plain_length(&bytes), naive.unwrap_or(bytes.len()));
            }
        }
    }
}
