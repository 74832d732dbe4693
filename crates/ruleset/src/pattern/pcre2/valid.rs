//! Tells of most patterns that PCRE2 takes them, without asking it.
//!
//! Compiling every pattern of a large ruleset is half of what loading costs, though most are never tried; but a pattern that is
//! none has to be refused at once. What is read here is the part of the language that rules are written in, and what PCRE2 checks
//! about it (`pcre2pattern`, `pcre2limits`): brackets in pairs, something before each quantifier, ranges the right way round, groups
//! that exist, and a size far from the limit. Of anything else nothing is said, and the library is asked.

use super::super::input::Input;

/// Groups within groups. PCRE2 takes 250.
const DEPTH_MAX: usize = 100;

/// Counts in braces. PCRE2 takes 65,535.
const COUNT_MAX: u32 = 9_999;

/// The most bytes of code that a pattern may come to, reckoned from above. PCRE2 takes 65,536.
const CODE_BYTES_MAX: u32 = 40_000;

/// Bytes of code for one byte, escape or reference back.
const ITEM_BYTES: u32 = 3;

/// Bytes for a class, which is a map of 32.
const CLASS_BYTES: u32 = 34;

/// Bytes for the repetition of one of these.
const REPETITION_BYTES: u32 = 12;

/// Bytes for the brackets of a group, and of each copy where it is repeated.
const BRACKET_BYTES: u32 = 16;

/// Bytes for one more branch.
const BRANCH_BYTES: u32 = 4;

/// Returns how many groups record, if PCRE2 surely takes the pattern.
pub(super) fn groups_of_valid(text: &[u8]) -> Option<usize> {
    let mut scanner =
        Scanner { input: Input::new(text), groups: 0, last_group_asked_for: 0, depth: 0 };
    let code_bytes = scanner.branches(Branches::Many)?;
    let is_whole = scanner.input.is_read() && text.is_ascii();
    let groups_exist = scanner.last_group_asked_for <= scanner.groups;
    (is_whole && groups_exist && code_bytes <= CODE_BYTES_MAX).then_some(scanner.groups)
}

struct Scanner<'t> {
    input: Input<'t>,
    groups: usize,
    /// The highest number of a group that is called or referred back to.
    last_group_asked_for: usize,
    depth: usize,
}

/// Whether a bracket may hold alternatives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Branches {
    Many,
    One,
}

/// What was read.
enum Part {
    /// One byte, a class, or a reference back, of so many bytes of code: PCRE2 repeats it in place.
    Item(u32),
    /// A group or a call, of so many bytes of code: PCRE2 repeats it by writing it again.
    Group(u32),
    /// A place, a look-around or an option, which is not repeated here.
    Once(u32),
}

impl Scanner<'_> {
    /// Reads up to a closing bracket or the end, and returns the bytes of code.
    fn branches(&mut self, branches: Branches) -> Option<u32> {
        let mut code_bytes = 0u32;
        while let Some(byte) = self.input.next().filter(|byte| *byte != b')') {
            self.input.at += 1;
            if byte == b'|' {
                if branches == Branches::One {
                    return None;
                }
                code_bytes = code_bytes.saturating_add(BRANCH_BYTES);
                continue;
            }
            let part = self.part(byte)?;
            let copies = self.quantifier(&part)?;
            let of_part = match (part, copies) {
                (Part::Item(bytes) | Part::Once(bytes), None) => bytes,
                (Part::Item(bytes) | Part::Once(bytes), Some(_)) => {
                    bytes.saturating_add(REPETITION_BYTES)
                }
                (Part::Group(bytes), copies) => {
                    bytes.saturating_add(BRACKET_BYTES).saturating_mul(copies.unwrap_or(1))
                }
            };
            code_bytes = code_bytes.saturating_add(of_part);
        }
        Some(code_bytes)
    }

    fn part(&mut self, byte: u8) -> Option<Part> {
        match byte {
            b'\\' => self.escape(),
            b'[' => self.class(),
            b'(' => self.group(),
            b'^' | b'$' => Some(Part::Once(ITEM_BYTES)),
            b'*' | b'+' | b'?' => None,
            // Anything but bounds is a plain brace, but for what newer versions read as bounds too.
            b'{' if self
                .input
                .next()
                .is_none_or(|next| next.is_ascii_digit() || b", \t".contains(&next)) =>
            {
                None
            }
            _ => Some(Part::Item(ITEM_BYTES)),
        }
    }

    /// Reads how often a part comes, if that is said: how many copies of a group there are.
    fn quantifier(&mut self, part: &Part) -> Option<Option<u32>> {
        let copies = match self.input.next() {
            Some(b'*' | b'+' | b'?') => {
                self.input.at += 1;
                1
            }
            Some(b'{')
                if self.input.text.get(self.input.at + 1).is_some_and(u8::is_ascii_digit) =>
            {
                self.bounds()?.max(1)
            }
            _ => return Some(None),
        };
        if matches!(self.input.next(), Some(b'?' | b'+')) {
            self.input.at += 1;
        }
        (!matches!(part, Part::Once(_))).then_some(Some(copies))
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`.
    fn bounds(&mut self) -> Option<u32> {
        self.input.at += 1;
        let min = self.input.number()?;
        let max = match self.input.next()? {
            b',' => {
                self.input.at += 1;
                if self.input.next() == Some(b'}') {
                    min.saturating_add(1)
                } else {
                    self.input.number()?
                }
            }
            _ => min,
        };
        (self.input.takes(b"}") && min <= max && max <= COUNT_MAX).then_some(max)
    }

    fn escape(&mut self) -> Option<Part> {
        let byte = self.input.take()?;
        match byte {
            b'1'..=b'9' => {
                self.last_group_asked_for = self.last_group_asked_for.max(usize::from(byte - b'0'));
                let is_one_digit = self.input.next().is_none_or(|next| !next.is_ascii_digit());
                is_one_digit.then_some(Part::Item(ITEM_BYTES))
            }
            b'b' | b'B' | b'A' | b'z' | b'Z' => Some(Part::Once(ITEM_BYTES)),
            _ => self.escaped(byte).map(|_| Part::Item(ITEM_BYTES)),
        }
    }

    /// Reads an escape that stands for one byte, which is returned, or for a set.
    fn escaped(&mut self, letter: u8) -> Option<Member> {
        Some(match letter {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' => Member::Set,
            b't' => Member::Byte(b'\t'),
            b'n' => Member::Byte(b'\n'),
            b'r' => Member::Byte(b'\r'),
            b'x' => {
                let digits = self
                    .input
                    .rest()
                    .get(..2)
                    .filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
                let value = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                self.input.at += 2;
                Member::Byte(value)
            }
            sign if sign.is_ascii_punctuation() || sign == b' ' => Member::Byte(sign),
            _ => return None,
        })
    }

    /// Reads a class behind its opening bracket.
    fn class(&mut self) -> Option<Part> {
        // `[:alpha:]` without another bracket around it is an error.
        if self.may_be_a_name() {
            return None;
        }
        self.input.takes(b"^");
        let mut is_first = true;
        loop {
            let byte = self.input.take()?;
            if byte == b']' && !is_first {
                return Some(Part::Item(CLASS_BYTES));
            }
            let from = self.member(byte)?;
            is_first = false;
            if self.input.next() != Some(b'-')
                || self.input.text.get(self.input.at + 1) == Some(&b']')
            {
                continue;
            }
            // A range: both its ends are bytes, and what follows it begins no other.
            self.input.at += 1;
            let byte = self.input.take()?;
            let (Member::Byte(from), Member::Byte(to)) = (from, self.member(byte)?) else {
                return None;
            };
            let is_last_sign = self.input.text.get(self.input.at + 1) == Some(&b']');
            if from > to || (self.input.next() == Some(b'-') && !is_last_sign) {
                return None;
            }
        }
    }

    /// Whether a named class may follow a bracket: `:alpha:]`.
    fn may_be_a_name(&self) -> bool {
        let Some(sign) = self.input.next().filter(|sign| b":.=".contains(sign)) else {
            return false;
        };
        self.input.rest().windows(2).skip(1).any(|two| two == [sign, b']'])
    }

    fn member(&mut self, byte: u8) -> Option<Member> {
        match byte {
            b'[' if self.may_be_a_name() => None,
            b'\\' => {
                let letter = self.input.take()?;
                self.escaped(letter)
            }
            byte => Some(Member::Byte(byte)),
        }
    }

    /// Reads a group behind its opening bracket.
    fn group(&mut self) -> Option<Part> {
        if self.input.next() == Some(b'*') {
            return None;
        }
        if !self.input.takes(b"?") {
            self.groups += 1;
            return self.inside(Branches::Many).map(Part::Group);
        }
        if self.input.takes(b":") || self.input.takes(b">") {
            return self.inside(Branches::Many).map(Part::Group);
        }
        if self.input.takes(b"=") || self.input.takes(b"!") {
            return self.inside(Branches::Many).map(Part::Once);
        }
        if self.input.takes(b"(DEFINE)") {
            return self.inside(Branches::One).map(Part::Once);
        }
        if self.input.next().is_some_and(|byte| byte.is_ascii_digit()) {
            let number = usize::try_from(self.input.number()?).ok().filter(|number| *number > 0)?;
            self.last_group_asked_for = self.last_group_asked_for.max(number);
            return self.input.takes(b")").then_some(Part::Group(0));
        }
        let letters = self.input.rest().iter().take_while(|byte| b"ims".contains(byte)).count();
        self.input.at += letters;
        (letters > 0 && self.input.takes(b")")).then_some(Part::Once(BRACKET_BYTES))
    }

    /// Reads what is inside a group, and its closing bracket.
    fn inside(&mut self, branches: Branches) -> Option<u32> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let code_bytes = self.branches(branches)?;
        self.depth -= 1;
        self.input.takes(b")").then_some(code_bytes.saturating_add(BRACKET_BYTES))
    }
}

/// A member of a class.
#[derive(Clone, Copy)]
enum Member {
    Byte(u8),
    Set,
}

#[cfg(test)]
mod tests;
