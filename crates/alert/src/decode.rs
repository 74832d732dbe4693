//! Undoes the encodings that hide an attack in a log line.
//!
//! Attackers write `%2527` for a quote and `\x3c` for an angle bracket; a log writer adds escapes
//! of its own. Whoever looks for attack syntax, or shows a request to a person, needs the text that
//! the application would have seen in the end. This file produces that one most decoded view and
//! names the encodings that it undid, because two layers of percent are evidence in themselves.
//!
//! Promises: it is pure, never panics, and takes time linear in the input; the output is at most
//! `APPENDED_BYTES_MAX` longer than the input; an escape that is not valid stays as it is; ASCII
//! text without escapes comes back unchanged.
//!
//! Leaves to others: lower case, comments, quotes and everything else that depends on the language
//! of the payload (`triage::classify`), and control characters that a terminal would obey.

mod base64;
#[cfg(test)]
mod tests;

/// The text that is decoded; what follows is copied as it is. Web servers refuse request lines over
/// 8 KiB, so twice that holds a whole request with its headers, and a body beyond it is not worth
/// the time.
pub const INPUT_BYTES_MAX: usize = 16 * 1024;

/// How often the encodings are undone. Two is usual, three was seen in evasion suites, and a fourth
/// costs little.
pub const PASSES_MAX: usize = 4;

/// The shortest run of base64 letters that is tried: below it ordinary words and numbers decode to
/// printable text.
pub const BASE64_CHARS_MIN: usize = 16;

/// The longest run of base64 letters that is decoded, enough for any payload that fits an access
/// log.
pub const BASE64_CHARS_MAX: usize = 4096;

/// How many base64 runs are appended: a request hides its payload in one parameter, not in dozens.
pub const BASE64_RUNS_MAX: usize = 4;

/// Stands before each decoded base64 run that is appended to the text.
pub const BASE64_MARK: &str = " \u{27e8}base64\u{27e9} ";

/// The most that `Decoded::text` can be longer than the input.
pub const APPENDED_BYTES_MAX: usize =
    BASE64_RUNS_MAX * (BASE64_MARK.len() + BASE64_CHARS_MAX / 4 * 3);

/// Names an encoding that was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// `%41`.
    Percent,
    /// `%2541`, or deeper.
    DoublePercent,
    /// `+` for a blank in a query.
    PlusAsBlank,
    /// `&lt;`, `&#60;` or `&#x3c;`.
    HtmlEntity,
    /// `\u003c` or `%u003c`.
    UnicodeEscape,
    /// `\x3c`, as nginx and Apache log bytes, or as a script writes them.
    HexEscape,
    /// A run of base64 letters that decodes to text.
    Base64,
    /// An ASCII character written with more bytes than UTF-8 allows, such as `%c0%af` for a slash.
    OverlongUtf8,
}

/// Says where a plus sign means a blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// After the first question mark: the text is a whole request target.
    InQuery,
    /// Everywhere: the text is a value of a query or of a form.
    Everywhere,
    /// Nowhere: the text is a path, a header or prose.
    Nowhere,
}

/// Holds the most decoded view of a text, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text with all encodings undone; upper and lower case are as they were.
    pub text: String,
    /// The encodings that were undone, in the order in which they were first met, each once.
    pub layers: Vec<Layer>,
}

impl Decoded {
    /// Returns the decoded text without the appended base64 runs, and those runs.
    pub fn split_base64(&self) -> (&str, impl Iterator<Item = &str>) {
        let mut pieces = if self.layers.contains(&Layer::Base64) {
            self.text.split(BASE64_MARK)
        } else {
            // A pattern that can't occur in the text keeps the type and yields the text alone.
            self.text.split("\u{27e8}\u{27e8}base64\u{27e9}\u{27e9}")
        };
        (pieces.next().unwrap_or_default(), pieces)
    }
}

/// Decodes a request target, or any text in which a plus sign after the first question mark may
/// mean a blank.
///
/// ```
/// # use alert::decode::{decode, Layer};
/// let decoded = decode("/item/?id=1%2527+or%2b1=1");
/// assert_eq!(decoded.text, "/item/?id=1' or+1=1");
/// assert_eq!(decoded.layers, [Layer::PlusAsBlank, Layer::Percent, Layer::DoublePercent]);
/// ```
pub fn decode(text: &str) -> Decoded {
    decode_with(text, Plus::InQuery)
}

/// Decodes a text of which the caller knows what a plus sign means.
pub fn decode_with(text: &str, plus: Plus) -> Decoded {
    let (head, tail) = split_at_most(text, INPUT_BYTES_MAX);
    let signs = Signs::of(head);
    let mut layers = Vec::new();
    if !signs.any() {
        return Decoded { text: text.to_owned(), layers };
    }
    let mut current = head.to_owned();
    if signs.plus && replace_plus(&mut current, plus) {
        note(&mut layers, Layer::PlusAsBlank);
    }
    if signs.escape {
        for pass in 0..PASSES_MAX {
            if !undo_once(&mut current, pass, &mut layers) {
                break;
            }
        }
    }
    let runs = base64::runs(&current);
    current.push_str(tail);
    for run in &runs {
        note(&mut layers, Layer::Base64);
        current.push_str(BASE64_MARK);
        current.push_str(run);
    }
    Decoded { text: current, layers }
}

/// What a byte says of the encodings in a text: it is a letter or digit, it begins an escape, it is a plus, it stands in a run of base64. The
/// signs of that alphabet don't break a run; that a path looks like a run costs only the second look.
const KEEPS_RUN: u8 = 1;
const LETTER: u8 = 2;
const ESCAPE: u8 = 4;
const PLUS: u8 = 8;

static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        #[expect(clippy::cast_possible_truncation, reason = "it counts to 255")]
        let kind = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => LETTER | KEEPS_RUN,
            b'%' | b'&' | b'\\' => ESCAPE,
            b'+' => PLUS | KEEPS_RUN,
            b'/' | b'-' | b'_' => KEEPS_RUN,
            _ => 0,
        };
        #[expect(clippy::indexing_slicing, reason = "it is less than the length")]
        {
            kinds[byte] = kind;
        }
        byte += 1;
    }
    kinds
};

/// Says which encodings can be in a text at all, so that an ordinary request costs one pass over
/// its bytes.
struct Signs {
    escape: bool,
    plus: bool,
    base64: bool,
}

impl Signs {
    fn of(text: &str) -> Signs {
        let (mut all, mut run, mut longest) = (0_u8, 0_u8, 0_u8);
        // No branches: which byte comes next can't be foretold.
        for byte in text.bytes() {
            let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(0);
            all |= kind;
            let is_letter = u8::from(kind & LETTER != 0);
            run = run.saturating_add(is_letter) & (kind & KEEPS_RUN).wrapping_neg();
            longest = longest.max(run);
        }
        Signs {
            escape: all & ESCAPE != 0,
            plus: all & PLUS != 0,
            base64: usize::from(longest) >= BASE64_CHARS_MIN,
        }
    }

    fn any(&self) -> bool {
        self.escape || self.plus || self.base64
    }
}

fn note(layers: &mut Vec<Layer>, layer: Layer) {
    if !layers.contains(&layer) {
        layers.push(layer);
    }
}

/// Splits before the byte `max`, or a little earlier where that is inside a character.
fn split_at_most(text: &str, max: usize) -> (&str, &str) {
    let mut at = max.min(text.len());
    loop {
        match text.split_at_checked(at) {
            Some(halves) => return halves,
            // Byte 0 is always a boundary, so this ends.
            None => at = at.saturating_sub(1),
        }
    }
}

fn replace_plus(text: &mut String, plus: Plus) -> bool {
    let from = match plus {
        Plus::Nowhere => return false,
        Plus::Everywhere => 0,
        Plus::InQuery => match text.find('?') {
            Some(at) => at,
            None => return false,
        },
    };
    let Some((path, query)) = text.split_at_checked(from) else { return false };
    if !query.contains('+') {
        return false;
    }
    *text = format!("{path}{}", query.replace('+', " "));
    true
}

/// Undoes each encoding once, and says whether anything changed.
fn undo_once(text: &mut String, pass: usize, layers: &mut Vec<Layer>) -> bool {
    let mut changed = false;
    if text.contains('%')
        && let Some((next, overlong)) = undo_bytes(text, percent_byte)
    {
        let seen = pass > 0 && layers.contains(&Layer::Percent);
        note(layers, if seen { Layer::DoublePercent } else { Layer::Percent });
        if overlong {
            note(layers, Layer::OverlongUtf8);
        }
        *text = next;
        changed = true;
    }
    if text.contains('&')
        && let Some(next) = undo_chars(text, '&', entity)
    {
        note(layers, Layer::HtmlEntity);
        *text = next;
        changed = true;
    }
    if text.contains("\\x")
        && let Some((next, overlong)) = undo_bytes(text, hex_byte)
    {
        note(layers, Layer::HexEscape);
        if overlong {
            note(layers, Layer::OverlongUtf8);
        }
        *text = next;
        changed = true;
    }
    for sign in ['\\', '%'] {
        if text.contains(sign)
            && let Some(next) = undo_chars(text, sign, unicode_escape)
        {
            note(layers, Layer::UnicodeEscape);
            *text = next;
            changed = true;
        }
    }
    changed
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    match *byte? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Reads `%41` at the start of the bytes: the byte, and the length of the escape.
fn percent_byte(bytes: &[u8]) -> Option<(u8, usize)> {
    if bytes.first() != Some(&b'%') {
        return None;
    }
    Some((hex_digit(bytes.get(1))? * 16 + hex_digit(bytes.get(2))?, 3))
}

/// Reads `\x41` at the start of the bytes: the byte, and the length of the escape.
fn hex_byte(bytes: &[u8]) -> Option<(u8, usize)> {
    if bytes.first() != Some(&b'\\') || bytes.get(1) != Some(&b'x') {
        return None;
    }
    Some((hex_digit(bytes.get(2))? * 16 + hex_digit(bytes.get(3))?, 4))
}

/// Undoes escapes that stand for bytes. Returns nothing if there was none, and else whether
/// overlong bytes were met.
fn undo_bytes(text: &str, read: fn(&[u8]) -> Option<(u8, usize)>) -> Option<(String, bool)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut undone = false;
    while let Some((&first, after)) = rest.split_first() {
        match read(rest) {
            Some((byte, length)) => {
                undone = true;
                bytes.push(byte);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    undone.then(|| text_of(bytes))
}

/// Makes text of bytes: overlong forms become the character that they stand for, other broken bytes
/// `U+FFFD`.
fn text_of(bytes: Vec<u8>) -> (String, bool) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, false),
        Err(broken) => broken.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut overlong = false;
    let mut rest = bytes.as_slice();
    while let Some(&first) = rest.first() {
        let length = sequence_length(first);
        let sequence = rest.get(..length).unwrap_or(rest);
        let used = if let Ok(valid) = std::str::from_utf8(sequence) {
            text.push_str(valid);
            length
        } else if let Some(hidden) = overlong_char(sequence) {
            overlong = true;
            text.push(hidden);
            sequence.len()
        } else {
            text.push(char::REPLACEMENT_CHARACTER);
            1
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    (text, overlong)
}

/// Returns how many bytes the first byte announces, by the generous old rule that goes up to six.
fn sequence_length(first: u8) -> usize {
    match first.leading_ones() {
        2 => 2,
        3 => 3,
        4 => 4,
        5 => 5,
        6 => 6,
        _ => 1,
    }
}

/// Returns the ASCII character that a sequence stands for if a decoder doesn't check for the
/// shortest form.
///
/// Some servers don't check the marks of the following bytes either, so that `c0 2f` is a slash
/// too. That reading is taken only for the characters that paths are made of: any other result
/// would be a guess.
fn overlong_char(sequence: &[u8]) -> Option<char> {
    let (&first, following) = sequence.split_first()?;
    if following.is_empty() || sequence.len() != sequence_length(first) {
        return None;
    }
    let mark = first.leading_ones();
    let mut value = u32::from(first) & (0x7f_u32.checked_shr(mark)?);
    for &byte in following {
        value = (value << 6) | u32::from(byte & 0x3f);
    }
    let strict = following.iter().all(|byte| byte & 0xc0 == 0x80);
    let hidden = char::from_u32(value).filter(char::is_ascii)?;
    (strict || (sequence.len() == 2 && matches!(hidden, '.' | '/' | '\\'))).then_some(hidden)
}

/// Undoes escapes that stand for characters and begin with `sign`. Returns nothing if there was
/// none.
fn undo_chars(text: &str, sign: char, read: fn(&str) -> Option<(char, usize)>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut undone = false;
    while let Some(at) = rest.find(sign) {
        let (before, escape) = rest.split_at_checked(at)?;
        out.push_str(before);
        match read(escape) {
            Some((decoded, length)) => {
                undone = true;
                out.push(decoded);
                rest = escape.get(length..).unwrap_or_default();
            }
            None => {
                out.push(sign);
                rest = escape.get(sign.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    undone.then_some(out)
}

/// Reads `\u0041`, `\u{41}` or `%u0041`: the character, and the length of the escape.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\u").or_else(|| text.strip_prefix("%u"))?;
    let (digits, length) = match digits.strip_prefix('{') {
        Some(braced) => {
            let end = braced.bytes().take(7).position(|byte| byte == b'}')?;
            (braced.get(..end)?, 2 + 1 + end + 1)
        }
        None => (digits.get(..4)?, 2 + 4),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER), length))
}

/// The entities that payloads are written with. The full table of HTML has two thousand; these are
/// the ASCII signs.
const ENTITIES: &[(&str, char)] = &[
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("tab", '\t'),
    ("newline", '\n'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("lbrace", '{'),
    ("lcub", '{'),
    ("rbrace", '}'),
    ("rcub", '}'),
    ("equals", '='),
    ("grave", '`'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("ast", '*'),
    ("plus", '+'),
    ("vert", '|'),
    ("verbar", '|'),
    ("lowbar", '_'),
    ("hyphen", '-'),
    ("quest", '?'),
    ("commat", '@'),
];

/// The longest entity that is read, `&newline;` or `&#0000060;` with a little room for more zeros.
const ENTITY_CHARS_MAX: usize = 16;

/// Reads an entity: the character, and the length of the escape.
///
/// Browsers take numeric entities and the oldest names without the closing semicolon, so attackers
/// leave it out. A name before `=` is a parameter of a query, as in `?a=1&lt=5`.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, mark) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits
            .bytes()
            .take(ENTITY_CHARS_MAX)
            .take_while(|byte| char::from(*byte).is_digit(radix))
            .count();
        let value = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let closed = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((char::from_u32(value)?, mark + length + closed));
    }
    let length = body.bytes().take(ENTITY_CHARS_MAX).take_while(u8::is_ascii_alphanumeric).count();
    let name = body.get(..length)?;
    if body.as_bytes().get(length) == Some(&b';') {
        let found = ENTITIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        return Some((found.1, 1 + length + 1));
    }
    // Without the semicolon the name ends where the table says, not at the next sign: `&ltscript`.
    let (known, sign) = ENTITIES.iter().take(4).find(|(known, _)| {
        name.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known))
    })?;
    let next = body.as_bytes().get(known.len());
    (next != Some(&b'=')).then_some((*sign, 1 + known.len()))
}
