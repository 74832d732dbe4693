//! Writes a pattern over decoded text as a PCRE2 pattern over a raw log line.
//!
//! Wazuh decodes nothing. A quote that an attacker writes as `%27`, `%2527` or `\x22` stays so in the line, and a pattern that looks
//! for a quote is blind to it. So each sign is written once, over the text that the application sees, and here each character of
//! it becomes all the ways in which a line may hold that character: itself, with any number of layers of percent, as the log writer
//! of nginx or Apache escapes it, as HTML or script escape it where a browser is the target. A blank is also a plus and, to a
//! database, a comment.
//!
//! Three things hold approximately, and a test compares both readers on the examples of every sign: a value begins behind `=`, `?`,
//! `&`, `/` or the opening quote of a header; what a bounded repetition counts are bytes of the line, so it is allowed three times
//! as many; letters and digits are taken as they are, but for signs that look for escaped ones.
//!
//! Wazuh's XML can't hold `<` in a pattern, so there is no look-behind: what must stand before is matched along.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use regex_syntax::{Parser, ParserBuilder};
use ruleset::pattern::{Language, Pattern};
use triage::classify::sign::{Place, Reader, Sign, ascii_classes};
use triage::classify::{View, WebClass};

use super::xml::PATTERN_BYTES_MAX;
use letters::Letters;
use shape::{
    First, ascii_members, begins_with_anything, by_beginning, by_first_letters, excluded_if_wide,
    first_of_all, is_class, is_optional, is_word_boundary, last_letter, without_choice_of_runs,
};
use spelling::{escaped, grouped, hex_set, literal_class, window};

pub(super) mod letters;
mod shape;
mod spelling;

/// How much longer a character may be in the line than in the text.
const BYTES_PER_CHARACTER: u32 = 3;

/// The longest window between two parts of a pattern. A longer one is read anew from each place where the first part may stand.
const WINDOW_BYTES_MAX: u32 = 240;

/// A class with so many ASCII members is one of "anything but".
const WIDE_MIN: usize = 60;

/// How many characters of a class without letters are told apart, escapes and all.
const EXACT_MAX: u32 = 20;

/// What further layers of percent add behind a percent sign. A macro, since `concat!` takes no constants.
macro_rules! further_layers {
    () => {
        "(?:25|u00)*"
    };
}
const FURTHER_LAYERS: &str = further_layers!();

/// Any number of further layers of percent: `%2527` is `%27` with its percent written as `%25`. Old scripts and some servers write and
/// read `%u0027`.
const LAYERS: &str = concat!("%", further_layers!());

/// How many names of parameters are short enough to tell the next one from an ampersand of the payload.
const NEXT_PARAMETER: &str = r"\x26(?![\w.%\[\]-]{1,40}=)";

/// One blank of a database: a comment is one too, in whatever form, and so are the signs round code that only MySQL runs. A comment
/// ends where it first can, so nothing is tried twice. This is long and stands often, so it is the first group of a pattern and is
/// called from where a blank belongs.
const SQL_BLANK: &str = concat!(
    r"(?>[+ ]|%",
    further_layers!(),
    r"(?:0[09a-d]|2[0b]|a0)",
    r"|(?:/|%(?:25|u00)*2f)(?:\*|%(?:25|u00)*2a)(?:(?:!|%(?:25|u00)*21)\d*|.{0,99}?",
    r"(?:\*|%(?:25|u00)*2a)(?:/|%(?:25|u00)*2f))|(?:\*|%(?:25|u00)*2a)(?:/|%(?:25|u00)*2f)",
    r"|(?:%",
    further_layers!(),
    r"23|--)\w{0,40}%",
    further_layers!(),
    r"0a)",
);

/// How many blanks of a database in a row are read.
const SQL_BLANKS_MAX: u32 = 40;

/// How many blanks, brackets and quotes of a mixed run are read: PCRE2 writes out each, and a pattern has 64 KiB.
const SQL_MIXED_MAX: u32 = 10;

/// What a browser skips within the scheme of an address, the first group of a pattern too.
const TIGHT_JUNK: &str = concat!(
    "%",
    further_layers!(),
    r"(?:0[09ad]|5c)|\\(?:[nrt]|x0[09ad]|x5c)?",
    r"|(?:\x26|%(?:25|u00)*26)(?:tab|newline|(?:#|%(?:25|u00)*23)\w+)(?:;|%(?:25|u00)*3b)",
);

/// The call of [`SQL_BLANK`] or [`TIGHT_JUNK`].
const FIRST_GROUP_CALL: &str = "(?1)";

/// A pattern that may begin with more bytes than this begins nearly anywhere.
const FIRST_BYTES_MAX: usize = 128;

/// What a pattern can't be written for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("it can't be read: {0}")]
    Syntax(Box<regex_syntax::Error>),
    #[error("it holds something that lines have no form for: {0}")]
    Unknown(&'static str),
}

/// What stands before a value.
pub(super) struct Start {
    pub(super) of_value: String,
    /// The same where the value may begin with anything. What begins later is part of it then, so only a few places count, and a line
    /// isn't read to its end from each of many.
    pub(super) before_anything: String,
}

/// Writes the pattern of a sign, `text` with its words put in, for lines, where values begin behind `start`.
pub(super) fn line_pattern(
    class: WebClass,
    sign: &Sign,
    text: &str,
    start: &Start,
) -> Result<String, Unwritable> {
    let hir = parser()
        .parse(&ascii_classes(text))
        .map_err(|error| Unwritable::Syntax(Box::new(error)))?;
    let groups = match sign.view {
        View::Sql => vec![SQL_BLANK],
        View::Tight => vec![TIGHT_JUNK],
        View::Plain | View::Shell | View::Path => Vec::new(),
    };
    let has_escaped_letters = sign.reader == Reader::EscapedLetters;
    let letters = has_escaped_letters.then(|| Letters::behind(groups.len()));
    if letters.is_some() && sign.check.is_some() {
        return Err(Unwritable::Unknown("the same text again, in escaped letters"));
    }
    let mut writer = Writer {
        sign,
        is_for_browsers: class == WebClass::Xss,
        letters,
        start,
        repeats: sign.check.is_some(),
        captured: 0,
    };
    let body = writer.write(&hir, Before::Nothing)?;
    let groups = groups.into_iter().map(str::to_owned);
    let letters = writer.letters.iter().flat_map(Letters::groups);
    let groups: String = groups.chain(letters).map(|group| format!("({group})")).collect();
    if groups.is_empty() {
        return Ok(format!("(?is){body}"));
    }
    Ok(with_first_bytes(&format!("(?(DEFINE){groups}){body}")))
}

/// Says first with which bytes a pattern begins that defines groups. The library finds that out for others, and then looks at no place
/// where none of these is; behind a definition it doesn't.
fn with_first_bytes(pattern: &str) -> String {
    let plain = format!("(?is){pattern}");
    let compiled = Pattern::compile(Language::Pcre2, plain.as_bytes()).ok();
    let first = compiled.and_then(|pattern| pattern.first_bytes());
    let Some(first) = first.filter(|bytes| bytes.len() <= FIRST_BYTES_MAX) else { return plain };
    let whole = format!("(?is)(?={}){pattern}", literal_class(&first, false));
    if whole.len() > PATTERN_BYTES_MAX { plain } else { whole }
}

fn parser() -> Parser {
    ParserBuilder::new().utf8(false).unicode(false).dot_matches_new_line(true).build()
}

/// What stands before a piece of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The pattern begins here.
    Nothing,
    /// A character of a word.
    Word,
    /// Another character, matched with its escape.
    Other,
    /// Either.
    Any,
}

struct Writer<'a> {
    sign: &'a Sign,
    /// A browser is the target, which undoes escapes of HTML and script.
    is_for_browsers: bool,
    /// What letters and digits are written as where they may be escapes.
    letters: Option<Letters>,
    start: &'a Start,
    /// The second group must hold what the first held.
    repeats: bool,
    captured: usize,
}

impl Writer<'_> {
    fn write(&mut self, hir: &Hir, before: Before) -> Result<String, Unwritable> {
        match hir.kind() {
            HirKind::Empty => Ok(String::new()),
            HirKind::Literal(literal) => Ok(self.literal(&literal.0)),
            HirKind::Class(class) => self.class(class),
            HirKind::Look(look) => self.look(*look, before),
            HirKind::Repetition(repetition) => self.repetition(repetition, before, false),
            HirKind::Capture(capture) => {
                let body = self.write(&capture.sub, before)?;
                if !self.repeats {
                    return Ok(format!("(?:{body})"));
                }
                self.captured += 1;
                Ok(match self.captured {
                    1 => format!("({body})"),
                    // The blank of a database is a group before it.
                    _ if self.sign.view == View::Sql => r"\2\b".to_owned(),
                    _ => r"\1\b".to_owned(),
                })
            }
            HirKind::Concat(parts) => {
                let mut out = String::new();
                let mut before = before;
                let all = without_choice_of_runs(parts);
                let mut parts = all.iter().peekable();
                while let Some(mut part) = parts.next() {
                    let rest = all.get(all.len() - parts.len()..).unwrap_or_default();
                    let body = match part.kind() {
                        HirKind::Look(Look::Start) if begins_with_anything(rest) => {
                            self.start.before_anything.clone()
                        }
                        HirKind::Look(Look::Start)
                            if let Some(choice) = rest.first()
                                && let Some(branches) = by_beginning(choice) =>
                        {
                            parts.next();
                            part = choice;
                            self.start_and_choice(branches)?
                        }
                        HirKind::Repetition(repetition) => {
                            let keeps_all = self.ends_before(repetition, rest);
                            self.repetition(repetition, before, keeps_all)?
                        }
                        _ => self.write(part, before)?,
                    };
                    let after = last_letter(part).unwrap_or(before);
                    if is_optional(part)
                        && before == Before::Other
                        && let Some(next) = parts.next_if(|next| is_word_boundary(next))
                    {
                        // Where nothing stands between, the escape before is the boundary.
                        out.push_str(&format!("(?:{body}{})?", self.write(next, after)?));
                    } else {
                        out.push_str(&body);
                    }
                    before = after;
                }
                Ok(out)
            }
            HirKind::Alternation(branches) => {
                // Junk may stand between letters, and where a letter stands alone it would be forgotten.
                let together = (self.sign.view != View::Tight).then(|| by_first_letters(branches));
                let branches = together.as_deref().unwrap_or(branches);
                let branches: Result<Vec<String>, Unwritable> =
                    branches.iter().map(|branch| self.write(branch, before)).collect();
                Ok(format!("(?:{})", branches?.join("|")))
            }
        }
    }

    /// Writes the start of a value and a choice behind it, of which some branches begin with anything: those have the start that belongs
    /// to them.
    fn start_and_choice(
        &mut self,
        (of_anything, others): (Vec<Hir>, Vec<Hir>),
    ) -> Result<String, Unwritable> {
        let of_anything = self.write(&Hir::alternation(of_anything), Before::Nothing)?;
        let mut both = format!("{}{}", self.start.before_anything, grouped(&of_anything));
        if !others.is_empty() {
            let others = self.write(&Hir::alternation(others), Before::Nothing)?;
            both = format!("{both}|{}{}", self.start.of_value, grouped(&others));
        }
        Ok(format!("(?:{both})"))
    }

    fn repetition(
        &mut self,
        repetition: &Repetition,
        before: Before,
        keeps_all: bool,
    ) -> Result<String, Unwritable> {
        let wide = match repetition.sub.kind() {
            // The letters of an escape would be taken for excluded ones.
            HirKind::Class(class) => excluded_if_wide(class)
                .filter(|excluded| !excluded.iter().any(u8::is_ascii_alphanumeric)),
            _ => None,
        };
        // The escapes of what is no letter hold letters, so they are read as one character each, if they are not too many.
        let is_exact = wide.as_ref().is_some_and(|excluded| {
            excluded.iter().any(u8::is_ascii_alphabetic)
                && repetition.max.is_some_and(|max| max <= EXACT_MAX)
        });
        let factor = if wide.is_some() && !is_exact { BYTES_PER_CHARACTER } else { 1 };
        let (body, is_window) = match (wide, repetition.max) {
            (Some(excluded), Some(2..)) if !is_exact => (window(&excluded), true),
            _ => (self.write(&repetition.sub, before)?, false),
        };
        let (min, max) = (repetition.min, repetition.max.map(|max| longer(max, factor)));
        // Without an end, a line of nothing but blanks would be read anew from each of them.
        let max = max.or_else(|| match body.as_str() {
            FIRST_GROUP_CALL => Some(SQL_BLANKS_MAX),
            body if body.contains(FIRST_GROUP_CALL) && is_class(&repetition.sub) => {
                Some(SQL_MIXED_MAX)
            }
            _ => None,
        });
        let count = match (min, max) {
            (0, Some(1)) => "?".to_owned(),
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (min, None) => format!("{{{min},}}"),
            (min, Some(max)) if min == max => format!("{{{min}}}"),
            (min, Some(max)) => format!("{{{min},{max}}}"),
        };
        let how = match (keeps_all && !is_window && count != "?", repetition.greedy) {
            (true, _) => "+",
            (false, true) => "",
            (false, false) if count == "?" => "",
            (false, false) => "?",
        };
        Ok(format!("{}{count}{how}", grouped(&body)))
    }

    /// Tells whether what follows can't begin with what is repeated. Then the repetition need never give back what it took, and where the
    /// rest fails, PCRE2 doesn't try a shorter one.
    fn ends_before(&self, repetition: &Repetition, rest: &[Hir]) -> bool {
        let HirKind::Class(class) = repetition.sub.kind() else { return false };
        let repeated = ascii_members(class);
        // What a browser is sent may be written with these, each sign of it.
        if self.is_for_browsers && repeated.iter().any(|byte| br"&\".contains(byte)) {
            return false;
        }
        // Behind at least one of these, the beginning of a word is written as nothing.
        let rest = match rest.split_first() {
            Some((first, rest)) if repetition.min > 0 && is_word_boundary(first) => rest,
            _ => rest,
        };
        match first_of_all(rest) {
            First { bytes: Some(bytes), is_optional: false } => {
                !bytes.iter().any(|byte| repeated.contains(byte))
            }
            _ => false,
        }
    }

    fn look(&self, look: Look, before: Before) -> Result<String, Unwritable> {
        match (look, before) {
            (Look::Start, _) => Ok(self.start.of_value.clone()),
            // The agent's closing quote may be the end of the line.
            (Look::End, _) => Ok(r#"(?=\x26|\s|"(?:\s|$)|$)"#.to_owned()),
            // A word may begin behind an escape, whose last letter is part of no word.
            (Look::WordAscii, Before::Nothing | Before::Any) => Ok(match &self.letters {
                None => format!(r"(?:\b|{LAYERS}[0-9a-f]{{2}})"),
                Some(letters) if before == Before::Any => letters.word_edge(),
                Some(letters) => letters.word_start(),
            }),
            (Look::WordAscii, Before::Word) => {
                Ok(self.letters.as_ref().map_or_else(|| r"\b".to_owned(), Letters::word_end))
            }
            // The escape was matched just before, and what is left would look like the middle of a word.
            (Look::WordAscii, Before::Other) => Ok(String::new()),
            _ => Err(Unwritable::Unknown("a boundary of another kind")),
        }
    }

    fn literal(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        let mut before = None;
        for byte in bytes {
            if let (Some(junk), Some(before)) = (self.junk(), before)
                && u8::is_ascii_alphabetic(before)
                && byte.is_ascii_alphabetic()
            {
                out.push_str(junk);
            }
            out.push_str(&self.byte(*byte));
            before = Some(byte);
        }
        out
    }

    /// What the reader of the payload skips between two letters.
    fn junk(&self) -> Option<&'static str> {
        match self.sign.view {
            View::Tight => Some("(?1)*"),
            View::Plain | View::Sql | View::Shell | View::Path => None,
        }
    }

    /// Writes one character of the text.
    fn byte(&mut self, byte: u8) -> String {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            let plain = char::from(byte);
            return match &mut self.letters {
                None => plain.to_string(),
                Some(letters) => letters.call(byte),
            };
        }
        if self.sign.place == Place::Agent && byte != b'"' && byte != b'\\' {
            // What a tool calls itself reaches the line as it is.
            return escaped(byte);
        }
        if byte == b' ' && self.sign.view == View::Sql {
            // This view has made runs of blanks and comments one blank.
            return format!("{}{{1,{SQL_BLANKS_MAX}}}", self.set(b" "));
        }
        self.set(&[byte])
    }

    /// Writes a class of characters.
    fn class(&self, class: &Class) -> Result<String, Unwritable> {
        Ok(match excluded_if_wide(class) {
            Some(excluded) => self.all_but(&excluded),
            None => self.set(&ascii_members(class)),
        })
    }

    /// Writes one character of a set in all its forms.
    fn set(&self, members: &[u8]) -> String {
        let has_sql_blank = self.sign.view == View::Sql && members.contains(&b' ');
        let is_blank = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ');
        let members: Vec<u8> =
            members.iter().copied().filter(|byte| !(has_sql_blank && is_blank(*byte))).collect();
        let members = members.as_slice();
        let mut plain: Vec<u8> = Vec::new();
        let mut codes: Vec<u8> = Vec::new();
        for byte in members {
            match byte {
                // The text is in lower case, so a class of "no letters" that holds these means none.
                b'A'..=b'Z' | b'%' => {}
                b'0'..=b'9' | b'a'..=b'z' | b'_' => {
                    plain.push(*byte);
                    if self.letters.is_some() {
                        codes.extend(Letters::both_cases(*byte));
                    }
                }
                // A plus that is one is in percent: as it is, it is a blank.
                0..=0x1f | 0x7f | b'+' => codes.push(*byte),
                _ => {
                    plain.push(*byte);
                    codes.push(*byte);
                }
            }
        }
        if self.sign.view == View::Path && members.contains(&b'/') {
            // This view has made backslashes slashes.
            plain.push(b'\\');
            codes.push(b'\\');
        }
        if members.contains(&b' ') {
            plain.push(b'+');
        }
        // The longer forms stand first, and the group never tries another once one fits: so a run of characters can be read in one
        // way only, and no text makes the pattern try them all.
        let mut branches = Vec::new();
        self.add_other_forms(members, &mut branches);
        if has_sql_blank {
            branches.push(FIRST_GROUP_CALL.to_owned());
        }
        if !codes.is_empty() {
            branches.push(format!("{LAYERS}{}", hex_set(&codes)));
        }
        if members == [b'%'] {
            branches.push(format!("{LAYERS}+"));
        } else if members.contains(&b'%') {
            // One of many is the sign itself, not what an escape of a character outside the set begins with, in however many layers.
            branches.push(format!("{LAYERS}+(?![0-9a-f]{{2}})"));
        }
        if !plain.is_empty() {
            branches.push(literal_class(&plain, false));
        }
        match branches.as_slice() {
            [only] => only.clone(),
            _ => format!("(?>{})", branches.join("|")),
        }
    }

    /// Adds the forms that some log writer, server or browser knows besides percent.
    fn add_other_forms(&self, members: &[u8], branches: &mut Vec<String>) {
        let has = |byte: u8| members.contains(&byte);
        let mut add = |form: &str| branches.push(form.to_owned());
        // nginx writes these so, and Apache and gunicorn put a backslash before them.
        if has(b'"') {
            add(r#"\\(?:"|x22)"#);
        }
        if has(b'\\') || (self.sign.view == View::Path && has(b'/')) {
            add(r"\\(?:\\|x5c)");
        }
        match self.sign.view {
            // Typographic ones, which some databases take for plain ones.
            View::Sql if has(b'\'') => add("%e2%80%9[89b]|%ef%bc%87|%ca%b[9c]"),
            View::Path if has(b'/') => add("0x2f|%c0%[a2]f|%c1%9c|%e0%80%af|%u221[56]"),
            View::Path if has(b'.') => add("0x2e|%c0%[a2]e|%e0%40%ae|%uff0e"),
            _ => {}
        }
        if self.is_for_browsers {
            let escapes = self.browser_escapes(members);
            if !escapes.is_empty() {
                add(&browser_escape(&escapes));
                let names = [
                    (b'<', "lt"),
                    (b'>', "gt"),
                    (b'"', "quot"),
                    (b'\'', "apos"),
                    (b'(', "lpar"),
                    (b':', "colon"),
                ];
                let names: Vec<&str> =
                    names.iter().filter(|(byte, _)| has(*byte)).map(|(_, name)| *name).collect();
                let numbers: Vec<String> = escapes.iter().map(u8::to_string).collect();
                add(&format!(
                    r"(?:\x26|{LAYERS}26)(?:{}|(?:#|{LAYERS}23)(?:0*(?:{})|x0*{}))(?:;|{LAYERS}3b|\b)",
                    names.join("|"),
                    numbers.join("|"),
                    hex_set(&escapes)
                ));
            }
        }
    }

    /// Of characters, those that mean something to a browser and that it also takes as escapes of script.
    fn browser_escapes(&self, members: &[u8]) -> Vec<u8> {
        let is_escaped = |byte: &u8| self.is_for_browsers && members.contains(byte);
        b"<>'\"(:".iter().copied().filter(is_escaped).collect()
    }

    /// Writes one byte that does not begin one of these characters in any form.
    fn all_but(&self, excluded: &[u8]) -> String {
        let mut plain: Vec<u8> = Vec::new();
        let mut codes: Vec<u8> = Vec::new();
        let mut letters = false;
        for byte in excluded {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                    letters = true;
                    plain.push(*byte);
                }
                0..=0x1f | 0x7f => codes.push(*byte),
                _ => {
                    plain.push(*byte);
                    codes.push(*byte);
                }
            }
        }
        if excluded.contains(&b' ') {
            plain.push(b'+');
        }
        let keeps_ampersand = !excluded.contains(&b'&');
        let mut escaped_forms = Vec::new();
        if excluded.contains(&b'"') {
            escaped_forms.push(r#"\\(?:"|x22)"#.to_owned());
        }
        let escapes = self.browser_escapes(excluded);
        if !escapes.is_empty() {
            escaped_forms.push(browser_escape(&escapes));
        }
        plain.extend([b'%', b'&']);
        let not_escaped = if escaped_forms.is_empty() {
            String::new()
        } else {
            plain.push(b'\\');
            format!("(?!{})", escaped_forms.join("|"))
        };
        let mut branches = vec![literal_class(&plain, true)];
        let unwanted =
            if codes.is_empty() { String::new() } else { format!("(?!{})", hex_set(&codes)) };
        if letters {
            // The letters of an escape would be taken for the excluded ones, so it is read as one character.
            branches.push(format!("{LAYERS}+{unwanted}[0-9a-f]{{2}}"));
        } else if codes.is_empty() {
            branches.push("%".to_owned());
        } else {
            branches.push(format!("{not_escaped}%(?!{FURTHER_LAYERS}{})", hex_set(&codes)));
        }
        if !not_escaped.is_empty() {
            branches.push(format!("{not_escaped}\\\\"));
        }
        if keeps_ampersand {
            branches.push(NEXT_PARAMETER.to_owned());
        }
        format!("(?:{})", branches.join("|"))
    }
}

/// Writes characters as script does. The backslash may be in percent, or written as nginx writes it.
fn browser_escape(codes: &[u8]) -> String {
    format!(r"(?:\\(?:x5c)?|{LAYERS}(?:5c)?)[xu](?:00)?{}", hex_set(codes))
}

/// How many bytes a repetition of characters may have in a line.
fn longer(max: u32, factor: u32) -> u32 {
    if factor == 1 { max } else { max.saturating_mul(factor).min(WINDOW_BYTES_MAX.max(max)) }
}
