//! From the text of an OS_Regex pattern to the steps of its alternatives.

use std::sync::LazyLock;

use super::super::PatternError;
use super::super::needle::Needle;
use super::{Alternative, ByteSet, Mark, Repeat, Step, Stop};

/// The shortest leading word worth a search of its own; below it, the table of first bytes does as well.
const LEADING_BYTES_MIN: usize = 2;

/// Compiles the alternatives of a pattern, in order.
pub(super) fn alternatives(text: &[u8]) -> Result<Vec<Alternative>, PatternError> {
    let mut all = Vec::new();
    let mut reader = Reader { text, at: 0 };
    loop {
        let (alternative, more) = reader.alternative()?;
        all.push(alternative);
        if !more {
            return Ok(all);
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Tells whether the current byte is the last of its alternative.
    fn is_last(&self) -> bool {
        matches!(self.text.get(self.at + 1), None | Some(b'|'))
    }

    /// Reads to the next bar or the end, and tells which it was.
    fn alternative(&mut self) -> Result<(Alternative, bool), PatternError> {
        let mut one = Alternative::default();
        let mut marks = Vec::new();
        let mut open = None;
        if self.peek() == Some(b'^') {
            one.at_start = true;
            self.at += 1;
        }
        let more = loop {
            let Some(byte) = self.peek() else { break false };
            match byte {
                b'|' if open.is_some() => return Err(self.bar_in_a_group()),
                b'|' => {
                    self.at += 1;
                    break true;
                }
                b'(' if open.is_some() => return Err(self.nested()),
                b'(' => {
                    open = Some(self.at);
                    marks.push(Mark::Open(one.groups));
                }
                b')' => {
                    open.take().ok_or_else(|| self.unopened())?;
                    marks.push(Mark::Close(one.groups));
                    one.groups += 1;
                }
                b'$' if self.is_last() => one.at_end = true,
                b'\\' => one.steps.push(self.escape(std::mem::take(&mut marks))?),
                plain => one.steps.push(Step::plain(plain, std::mem::take(&mut marks))),
            }
            self.at += 1;
        };
        if let Some(at) = open {
            return Err(PatternError::at(
                at,
                "`(` is never closed",
                "write `\\(` for the character",
            ));
        }
        one.last_marks = marks;
        finish(&mut one);
        Ok((one, more))
    }

    /// Reads the letter after a backslash, and a `+` or `*` after it; stays on the last byte read.
    fn escape(&mut self, marks: Vec<Mark>) -> Result<Step, PatternError> {
        let backslash = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else {
            let hint = "write `\\\\` for the character";
            return Err(PatternError::at(backslash, "a lone `\\` at the end", hint));
        };
        let Some(accepts) = class(letter) else {
            return match letter {
                b'(' | b')' | b'\\' | b'$' | b'|' | b'<' => Ok(Step::plain(letter, marks)),
                _ => Err(unknown_escape(backslash, letter)),
            };
        };
        let repeat = match self.text.get(self.at + 1) {
            Some(b'+') => Repeat::OneOrMore,
            Some(b'*') => Repeat::NoneOrMore,
            _ => Repeat::Once,
        };
        if repeat != Repeat::Once {
            self.at += 1;
        }
        Ok(Step { accepts, repeat, ..Step::plain(0, marks) }.without_literal())
    }

    fn bar_in_a_group(&self) -> PatternError {
        let hint = "write the whole pattern once for each alternative, or use type=\"pcre2\"";
        PatternError::at(self.at, "`|` inside parentheses", hint)
    }

    fn nested(&self) -> PatternError {
        let hint = "parentheses only capture and cannot nest; write `\\(` for the character";
        PatternError::at(self.at, "`(` inside parentheses", hint)
    }

    fn unopened(&self) -> PatternError {
        PatternError::at(self.at, "`)` without `(`", "write `\\)` for the character")
    }
}

fn unknown_escape(at: usize, letter: u8) -> PatternError {
    let shown = letter.escape_ascii();
    let hint = "OS_Regex knows \\d \\D \\w \\W \\s \\S \\t \\p \\. and \\( \\) \\\\ \\$ \\| \\<";
    PatternError::at(at, format!("unknown escape `\\{shown}`"), hint)
}

impl Step {
    fn plain(byte: u8, marks: Vec<Mark>) -> Self {
        let lower = byte.to_ascii_lowercase();
        let mut accepts = ByteSet::default();
        // Bytes over 127 never match, not even themselves.
        if byte.is_ascii() {
            accepts.insert(lower);
            accepts.insert(byte.to_ascii_uppercase());
        }
        Self {
            accepts,
            repeat: Repeat::Once,
            literal: byte.is_ascii().then_some(lower),
            gives_way: ByteSet::default(),
            takes_after_return: false,
            stop: Stop::Three(0, 0, 0),
            word: None,
            marks,
        }
    }

    fn without_literal(self) -> Self {
        Self { literal: None, ..self }
    }
}

/// The classes with their letters. A ruleset has thousands of each, so they are worked out once.
static CLASSES: LazyLock<[(u8, ByteSet); 9]> = LazyLock::new(|| {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'@' | b'_');
    let is_sign = |byte: u8| matches!(byte, 33..=46 | 58..=63 | b'[' | b']' | b'{' | b'|' | b'}');
    [
        (b'd', ByteSet::of(|byte| byte.is_ascii_digit())),
        (b'D', ByteSet::of(|byte| !byte.is_ascii_digit())),
        (b'w', ByteSet::of(is_word)),
        (b'W', ByteSet::of(|byte| !is_word(byte))),
        (b's', ByteSet::of(|byte| byte == b' ')),
        (b'S', ByteSet::of(|byte| byte != b' ')),
        (b't', ByteSet::of(|byte| byte == b'\t')),
        (b'p', ByteSet::of(is_sign)),
        (b'.', ByteSet::of(|_| true)),
    ]
});

/// The bytes of a class, by its letter.
fn class(letter: u8) -> Option<ByteSet> {
    CLASSES.iter().find(|(known, _)| *known == letter).map(|(_, set)| *set)
}

/// Fills in what each step must know of those after it, and how a search may begin.
fn finish(one: &mut Alternative) {
    let mut follows = ByteSet::default();
    let mut rest_may_be_empty = true;
    let mut next_is_plain = false;
    for (distance, step) in one.steps.iter_mut().rev().enumerate() {
        step.gives_way = follows;
        if rest_may_be_empty && !one.at_end && distance > 0 {
            step.gives_way = ByteSet::default().complement();
        }
        if step.repeat != Repeat::Once {
            let mut stops = step.accepts.complement();
            stops.add(&step.gives_way);
            step.stop = Stop::new(&stops);
        }
        step.takes_after_return = next_is_plain && step.repeat == Repeat::OneOrMore;
        if step.repeat == Repeat::NoneOrMore {
            follows.add(&step.accepts);
        } else {
            follows = step.accepts;
            rest_may_be_empty = false;
        }
        next_is_plain = step.literal.is_some();
    }
    join_words(&mut one.steps);
    one.first = (!rest_may_be_empty).then_some(follows);
    let leading = one.steps.iter().map_while(|step| step.literal).collect::<Vec<u8>>();
    if !one.at_start && leading.len() >= LEADING_BYTES_MIN {
        one.leading = Needle::new(&leading);
    } else if !one.at_start {
        one.inner = one.longest_literal().and_then(|word| Needle::new(&word));
    }
}

/// Notes at the first step of each run of plain bytes the whole run, which is compared at once.
fn join_words(steps: &mut [Step]) {
    let mut at = 0;
    while at < steps.len() {
        let run: Vec<u8> = (steps.iter().skip(at).enumerate())
            .map_while(|(place, step)| step.literal.filter(|_| place == 0 || step.marks.is_empty()))
            .collect();
        let length = run.len();
        if let Some(first) = steps.get_mut(at).filter(|_| length > 1) {
            first.word = Some(run.into_boxed_slice());
        }
        at += length.max(1);
    }
}
