//! Writes a decoded value in the form in which one language would read it.
//!
//! A payload is disguised for the language that it is meant for: comments between SQL words, quotes
//! inside a shell command, backslashes in a path, tabs inside a scheme. Each view undoes the
//! disguise of one language, so that the patterns can be simple. A view that would equal the plain
//! one is not built, which is the usual case.

use std::borrow::Cow;

use serde::Deserialize;

/// Names a way to read a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Lower case, with look-alike characters replaced.
    #[default]
    Plain,
    /// Comments are blanks, runs of blanks are one.
    Sql,
    /// Quotes, backslashes and empty expansions are gone, `${IFS}` is a blank.
    Shell,
    /// Backslashes and their look-alikes are slashes, zero bytes are gone.
    Path,
    /// Control characters and backslashes are gone.
    Tight,
}

/// Holds a value in all views; those that are missing equal the plain one.
#[derive(Debug)]
pub(super) struct Views {
    plain: String,
    sql: Option<String>,
    shell: Option<String>,
    path: Option<String>,
    tight: Option<String>,
}

impl Views {
    /// Builds the views of a decoded value.
    pub(super) fn of(text: &str) -> Views {
        let plain = plain(text);
        let mut signs = Signs::default();
        let mut before = b'x';
        for byte in plain.bytes() {
            signs.note(before, byte);
            before = byte;
        }
        let sql = signs.sql.then(|| sql(&plain));
        let shell = signs.shell.then(|| shell(&plain));
        let path = signs.path.then(|| path(&plain));
        let tight = signs.tight.then(|| tight(&plain));
        Views { plain, sql, shell, path, tight }
    }

    /// Returns the text of a view.
    pub(super) fn text(&self, view: View) -> &str {
        self.own(view).unwrap_or(&self.plain)
    }

    /// Returns the text of a view where it differs from the plain one.
    pub(super) fn own(&self, view: View) -> Option<&str> {
        match view {
            View::Plain => None,
            View::Sql => self.sql.as_deref(),
            View::Shell => self.shell.as_deref(),
            View::Path => self.path.as_deref(),
            View::Tight => self.tight.as_deref(),
        }
    }
}

/// Says which views can differ from the plain one.
#[derive(Default)]
struct Signs {
    sql: bool,
    shell: bool,
    path: bool,
    tight: bool,
}

impl Signs {
    fn note(&mut self, before: u8, byte: u8) {
        match byte {
            b'\\' => {
                self.shell = true;
                self.path = true;
                self.tight = true;
            }
            b'\'' | b'"' | b'$' | b'{' | b'^' => self.shell = true,
            b'*' | b'/' if before == b'/' => self.sql |= byte == b'*',
            b' ' if before == b' ' => self.sql = true,
            b'#' => self.sql = true,
            0 => {
                self.path = true;
                self.tight = true;
                self.sql = true;
            }
            1..=0x1f => {
                self.tight = true;
                self.sql = true;
            }
            0x80.. => self.path = true,
            _ => {}
        }
    }
}

/// Lowers the case and replaces characters that servers and browsers take for ASCII ones.
fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().filter_map(look_alike).collect()
}

/// Returns what a character is read as; nothing if it can't be seen.
pub(super) fn look_alike(letter: char) -> Option<char> {
    let read = match letter {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' => {
            return None;
        }
        '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}' => return None,
        // The full-width forms lie in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(letter) - 0xff01 + 0x21).unwrap_or(letter)
        }
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2b9}' | '\u{2bc}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2ba}' => '"',
        // A byte with the high bit set, which seven-bit readers drop: `\xbc` is `<`.
        '\u{bc}' | '\u{2039}' | '\u{fe64}' | '\u{27e8}' => '<',
        '\u{be}' | '\u{203a}' | '\u{fe65}' | '\u{27e9}' => '>',
        '\u{2215}' | '\u{2044}' | '\u{29f8}' => '/',
        '\u{2216}' | '\u{29f5}' => '\\',
        '\u{2013}' | '\u{2014}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' | '\u{85}' => ' ',
        // Letters and digits in circles and the full stop of Chinese, which resolvers of names read so.
        '\u{2460}'..='\u{2468}' => {
            char::from_u32(u32::from(letter) - 0x2460 + 0x31).unwrap_or(letter)
        }
        '\u{24ea}' => '0',
        '\u{24d0}'..='\u{24e9}' => {
            char::from_u32(u32::from(letter) - 0x24d0 + 0x61).unwrap_or(letter)
        }
        '\u{3002}' | '\u{ff61}' => '.',
        // The private characters that one old web server takes for path separators.
        '\u{efc8}' | '\u{f025}' => '/',
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        '\u{131}' => 'i',
        other => other,
    };
    read.to_lowercase().next()
}

/// Makes comments and runs of blanks one blank. The code in MySQL's `/*!…*/` is kept, for the
/// server runs it.
fn sql(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    let mut rest = plain;
    let blank = |out: &mut String| {
        if !out.ends_with(' ') {
            out.push(' ');
        }
    };
    while let Some(letter) = rest.chars().next() {
        if let Some(code) = rest.strip_prefix("/*!") {
            blank(&mut out);
            rest = code.trim_start_matches(|digit: char| digit.is_ascii_digit());
            continue;
        }
        if let Some(comment) = rest.strip_prefix("/*")
            && let Some(end) = comment.find("*/")
        {
            blank(&mut out);
            rest = comment.get(end + 2..).unwrap_or_default();
            continue;
        }
        if let Some(end) = rest.strip_prefix("*/") {
            blank(&mut out);
            rest = end;
            continue;
        }
        // A comment up to the end of the line, with more text behind it.
        if letter == '#'
            && let Some(end) = rest.find('\n')
        {
            blank(&mut out);
            rest = rest.get(end + 1..).unwrap_or_default();
            continue;
        }
        if letter.is_whitespace() || letter.is_control() {
            blank(&mut out);
        } else {
            out.push(letter);
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    out
}

/// Removes what the shell removes: quotes, backslashes, carets of Windows, and expansions that are
/// empty.
fn shell(plain: &str) -> String {
    let spaced = plain.replace("${ifs}", " ").replace("$ifs", " ").replace("$'\\t'", " ");
    let mut out = String::with_capacity(spaced.len());
    let mut letters = spaced.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' | '\\' | '^' => {}
            '$' => match letters.peek() {
                Some('@' | '*' | '!' | '?' | '$' | '1'..='9' | '-' | '_') => {
                    letters.next();
                }
                _ => out.push('$'),
            },
            other => out.push(other),
        }
    }
    out
}

/// Makes every separator a slash.
fn path(plain: &str) -> String {
    plain
        .chars()
        .filter(|letter| *letter != '\0')
        .map(|letter| if letter == '\\' { '/' } else { letter })
        .collect()
}

/// Removes what a browser skips inside a scheme or a tag name.
fn tight(plain: &str) -> String {
    plain.chars().filter(|letter| !letter.is_control() && *letter != '\\').collect()
}

/// Cuts a fragment out of a text, from a byte on, at most so many characters.
pub(super) fn fragment(text: &str, from: usize, chars_max: usize) -> Cow<'_, str> {
    let rest = text.get(from..).unwrap_or(text);
    match rest.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Borrowed(rest.get(..end).unwrap_or_default()),
        None => Cow::Borrowed(rest),
    }
}
