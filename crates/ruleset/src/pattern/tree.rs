//! Reads a PCRE2 pattern as a tree of what it consumes.
//!
//! Look-arounds are left out: they only restrict a match. A possessive or lazy repetition decides only which match is found first,
//! and a reference back stands for anything: so the tree matches all that the pattern matches, and more. Where a construct is not
//! known the answer is that nothing is known, never a guess.

mod first;
pub(super) mod narrow;

use std::rc::Rc;

use super::input::Input;

/// Groups within groups: PCRE2 takes no more than 250 either.
const DEPTH_MAX: usize = 100;

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) const ALL: Bytes = Bytes([u64::MAX; 4]);

    pub(super) fn of(bytes: &[u8]) -> Bytes {
        let mut set = Bytes::default();
        bytes.iter().for_each(|byte| set.insert(*byte));
        set
    }

    /// Whether all of another set is in it.
    pub(super) fn holds(&self, other: &Bytes) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| other & !word == 0)
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word & (1 << (byte % 64)) != 0)
    }

    pub(super) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        [0u8, 64, 128, 192].into_iter().zip(self.0).flat_map(|(first, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = u8::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)?;
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }

    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    fn join(&mut self, other: Bytes) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    fn without(self, bytes: &[u8]) -> Bytes {
        self.common(Bytes::of(bytes).inverted())
    }

    fn common(mut self, other: Bytes) -> Bytes {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    fn inverted(self) -> Bytes {
        Bytes(self.0.map(|word| !word))
    }

    /// Adds each letter in its other case.
    fn in_either_case(self) -> Bytes {
        /// Bits of `A` to `Z` in the second word, and how far `a` to `z` are from them.
        const CAPITALS: u64 = 0x07FF_FFFE;
        const TO_LOWER: u32 = 32;
        let [first, letters, third, last] = self.0;
        let capitals = (letters | letters >> TO_LOWER) & CAPITALS;
        Bytes([first, letters | capitals | capitals << TO_LOWER, third, last])
    }
}

/// What a pattern takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// No byte.
    Nothing,
    /// No byte, at the start of the text only.
    Start,
    /// No byte, at the end of the text, or before a line break there.
    End,
    /// No byte, where a word begins or ends.
    WordEdge,
    /// No byte, where no word begins or ends.
    NoWordEdge,
    /// Any bytes at all.
    Anything,
    One(Bytes),
    Sequence(Vec<Tree>),
    Either(Vec<Tree>),
    Repeated {
        of: Rc<Tree>,
        min: u32,
        max: Option<u32>,
    },
    /// A group, which may be called.
    Group(Rc<Tree>),
    /// A call of a group by its place in [`Pattern::groups`].
    Call(usize),
}

/// A pattern's tree.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) tree: Tree,
    pub(super) groups: Vec<Rc<Tree>>,
}

/// Reads a pattern, or declines.
pub(super) fn read(text: &[u8]) -> Option<Pattern> {
    let mut reader = Reader {
        input: Input::new(text),
        options: Options::default(),
        groups: Vec::new(),
        depth: 0,
    };
    let tree = reader.branches()?;
    if !reader.input.is_read() {
        return None;
    }
    Some(Pattern { tree, groups: reader.groups })
}

#[derive(Clone, Copy, Default)]
struct Options {
    any_case: bool,
    many_lines: bool,
}

struct Reader<'t> {
    input: Input<'t>,
    options: Options,
    groups: Vec<Rc<Tree>>,
    depth: usize,
}

impl Reader<'_> {
    /// Reads up to a closing bracket or the end.
    fn branches(&mut self) -> Option<Tree> {
        let mut branches = vec![self.sequence()?];
        while self.input.takes(b"|") {
            branches.push(self.sequence()?);
        }
        if branches.len() == 1 {
            return branches.pop();
        }
        // Branches of one byte each are one set.
        let mut set = Bytes::default();
        let mut others = Vec::with_capacity(branches.len());
        for branch in branches {
            match branch {
                Tree::One(bytes) => set.join(bytes),
                other => others.push(other),
            }
        }
        if set != Bytes::default() {
            others.push(Tree::One(set));
        }
        Some(if others.len() == 1 { others.pop()? } else { Tree::Either(others) })
    }

    fn sequence(&mut self) -> Option<Tree> {
        let mut parts = Vec::new();
        while self.input.next().is_some_and(|byte| byte != b'|' && byte != b')') {
            let part = self.part()?;
            match self.repeated(part)? {
                Tree::Nothing => {}
                Tree::Sequence(inner) => parts.extend(inner),
                part => parts.push(part),
            }
        }
        Some(match parts.len() {
            0 => Tree::Nothing,
            1 => parts.pop()?,
            _ => Tree::Sequence(parts),
        })
    }

    fn one(&self, bytes: Bytes) -> Tree {
        Tree::One(if self.options.any_case { bytes.in_either_case() } else { bytes })
    }

    /// Reads one thing that may be repeated.
    fn part(&mut self) -> Option<Tree> {
        let byte = self.input.take()?;
        Some(match byte {
            b'\\' => self.escape()?,
            b'[' => self.class()?,
            b'(' => self.group()?,
            b'.' => Tree::One(Bytes::ALL),
            b'^' if !self.options.many_lines => Tree::Start,
            b'$' if !self.options.many_lines => Tree::End,
            b'^' | b'$' => Tree::Nothing,
            b'*' | b'+' | b'?' => return None,
            byte => self.one(Bytes::of(&[byte])),
        })
    }

    /// Says how often a part comes.
    fn repeated(&mut self, part: Tree) -> Option<Tree> {
        let Some((min, max)) = self.times()? else { return Some(part) };
        Some(match part {
            Tree::Nothing => Tree::Nothing,
            // A place that comes any number of times restricts nothing, if none will do.
            Tree::Start | Tree::End | Tree::WordEdge | Tree::NoWordEdge if min == 0 => {
                Tree::Nothing
            }
            part => Tree::Repeated { of: Rc::new(part), min, max },
        })
    }

    /// Reads how often what stands before it comes, greedy or not, if that is said.
    fn times(&mut self) -> Option<Option<(u32, Option<u32>)>> {
        let bounds = match self.input.next() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => match self.bounds()? {
                Some(bounds) => bounds,
                None => return Some(None),
            },
            _ => return Some(None),
        };
        self.input.at += 1;
        if matches!(self.input.next(), Some(b'?' | b'+')) {
            self.input.at += 1;
        }
        Some(Some(bounds))
    }

    /// Reads `{2}`, `{2,}` or `{2,5}` up to the closing brace; anything else is a plain brace, but for what newer versions of PCRE2
    /// read as bounds too.
    fn bounds(&mut self) -> Option<Option<(u32, Option<u32>)>> {
        let inside = self.input.rest().get(1..)?;
        if inside.first().is_some_and(|byte| b" \t,".contains(byte)) {
            return None;
        }
        let Some(end) = memchr::memchr(b'}', inside) else { return Some(None) };
        let inside = inside.get(..end)?;
        if !inside.iter().all(|byte| byte.is_ascii_digit() || *byte == b',') || inside.is_empty() {
            // Blanks within bounds are new as well.
            return if inside.iter().any(|byte| b" \t".contains(byte)) { None } else { Some(None) };
        }
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u32>().ok();
        let mut numbers = inside.split(|byte| *byte == b',');
        let min = number(numbers.next()?)?;
        let max = match numbers.next() {
            None => Some(min),
            Some(b"") => None,
            Some(digits) => Some(number(digits)?),
        };
        if numbers.next().is_some() {
            return None;
        }
        self.input.at += 1 + end;
        Some(Some((min, max)))
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Option<Tree> {
        let byte = self.input.take()?;
        Some(match byte {
            b'1'..=b'9' => {
                while self.input.next().is_some_and(|byte| byte.is_ascii_digit()) {
                    self.input.at += 1;
                }
                Tree::Anything
            }
            b'b' => Tree::WordEdge,
            b'B' => Tree::NoWordEdge,
            b'z' | b'Z' => Tree::End,
            b'A' => Tree::Start,
            _ => {
                let set = self.escaped_set(byte)?;
                self.one(set)
            }
        })
    }

    /// An escape that stands for bytes.
    fn escaped_set(&mut self, letter: u8) -> Option<Bytes> {
        Some(match letter {
            b'd' => digits(),
            b'D' => digits().inverted(),
            b'w' => word(),
            b'W' => word().inverted(),
            b's' => blanks(),
            b'S' => blanks().inverted(),
            b't' => Bytes::of(b"\t"),
            b'n' => Bytes::of(b"\n"),
            b'r' => Bytes::of(b"\r"),
            b'f' => Bytes::of(b"\x0c"),
            b'a' => Bytes::of(b"\x07"),
            b'e' => Bytes::of(b"\x1b"),
            b'x' => Bytes::of(&[self.hexadecimal()?]),
            letter if letter.is_ascii_alphanumeric() => return None,
            sign => Bytes::of(&[sign]),
        })
    }

    /// Reads up to two digits, as PCRE2 does.
    fn hexadecimal(&mut self) -> Option<u8> {
        if self.input.next() == Some(b'{') {
            return None;
        }
        let mut value = 0u8;
        for _ in 0..2 {
            let Some(digit) = self.input.next().and_then(|byte| char::from(byte).to_digit(16))
            else {
                break;
            };
            value = value.wrapping_mul(16).wrapping_add(u8::try_from(digit).ok()?);
            self.input.at += 1;
        }
        Some(value)
    }

    /// Reads a class behind its opening bracket.
    fn class(&mut self) -> Option<Tree> {
        let is_inverted = self.input.takes(b"^");
        let mut set = Bytes::default();
        let mut is_first = true;
        loop {
            let byte = self.input.take()?;
            if byte == b']' && !is_first {
                break;
            }
            is_first = false;
            let Some(from) = self.member(byte, &mut set)? else { continue };
            let ends_range = |byte: &u8| *byte != b']';
            if self.input.next() == Some(b'-')
                && self.input.text.get(self.input.at + 1).is_some_and(ends_range)
            {
                self.input.at += 1;
                let byte = self.input.take()?;
                match self.member(byte, &mut set)? {
                    Some(to) => (from..=to).for_each(|byte| set.insert(byte)),
                    None => [from, b'-'].iter().for_each(|byte| set.insert(*byte)),
                }
            } else {
                set.insert(from);
            }
        }
        if self.options.any_case {
            set = set.in_either_case();
        }
        Some(Tree::One(if is_inverted { set.inverted() } else { set }))
    }

    /// Reads a member of a class. A single byte is given back, for it may begin a range; a set of bytes is put into the class.
    fn member(&mut self, byte: u8, set: &mut Bytes) -> Option<Option<u8>> {
        match byte {
            b'[' if matches!(self.input.next(), Some(b':' | b'.' | b'=')) => {
                set.join(self.named_class()?);
                Some(None)
            }
            b'\\' => {
                let letter = self.input.take()?;
                let bytes = match letter {
                    b'b' => Bytes::of(b"\x08"),
                    _ => self.escaped_set(letter)?,
                };
                if b"dDwWsS".contains(&letter) {
                    set.join(bytes);
                    return Some(None);
                }
                Some(bytes.iter().next())
            }
            byte => Some(Some(byte)),
        }
    }

    /// Reads `[:alpha:]` behind its opening bracket.
    fn named_class(&mut self) -> Option<Bytes> {
        /// A name with its closing brackets, and what belongs to the class.
        type Class = (&'static [u8], fn(&u8) -> bool);
        const CLASSES: [Class; 10] = [
            (b":alnum:]", u8::is_ascii_alphanumeric),
            (b":alpha:]", u8::is_ascii_alphabetic),
            (b":cntrl:]", u8::is_ascii_control),
            (b":digit:]", u8::is_ascii_digit),
            (b":graph:]", u8::is_ascii_graphic),
            (b":lower:]", u8::is_ascii_lowercase),
            (b":punct:]", u8::is_ascii_punctuation),
            (b":upper:]", u8::is_ascii_uppercase),
            (b":xdigit:]", u8::is_ascii_hexdigit),
            (b":space:]", |byte| blanks().contains(*byte)),
        ];
        let (_, holds) = CLASSES.iter().find(|(name, _)| self.input.rest().starts_with(name))?;
        self.input.at += memchr::memchr(b']', self.input.rest())? + 1;
        let mut set = Bytes::default();
        (0..=u8::MAX).filter(holds).for_each(|byte| set.insert(byte));
        Some(set)
    }

    /// Reads a group behind its opening bracket.
    fn group(&mut self) -> Option<Tree> {
        if self.input.next() == Some(b'*') {
            return None;
        }
        if !self.input.takes(b"?") {
            let number = self.groups.len();
            self.groups.push(Rc::new(Tree::Nothing));
            let tree = Rc::new(self.inside()?);
            *self.groups.get_mut(number)? = Rc::clone(&tree);
            return Some(Tree::Group(tree));
        }
        if self.input.takes(b":") || self.input.takes(b">") {
            return self.inside();
        }
        if [&b"="[..], b"!", b"<=", b"<!", b"(DEFINE)"].iter().any(|kind| self.input.takes(kind)) {
            self.inside()?;
            return Some(Tree::Nothing);
        }
        if self.input.next().is_some_and(|byte| byte.is_ascii_digit()) {
            let number = usize::try_from(self.input.number()?).ok()?;
            return self.input.takes(b")").then_some(Tree::Call(number.checked_sub(1)?));
        }
        self.switch()
    }

    /// Reads what is inside a group, and its closing bracket. Options end with it.
    fn inside(&mut self) -> Option<Tree> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let options = self.options;
        let tree = self.branches()?;
        self.options = options;
        self.depth -= 1;
        self.input.takes(b")").then_some(tree)
    }

    /// Reads a switch of options, for the rest of the group or for a group of its own.
    fn switch(&mut self) -> Option<Tree> {
        let before = self.options;
        let mut is_on = true;
        loop {
            let letter = self.input.take()?;
            match letter {
                b'-' => is_on = false,
                b'i' => self.options.any_case = is_on,
                b'm' => self.options.many_lines = is_on,
                b's' => {}
                b')' => return Some(Tree::Nothing),
                b':' => {
                    let tree = self.inside()?;
                    self.options = before;
                    return Some(tree);
                }
                _ => return None,
            }
        }
    }
}

fn digits() -> Bytes {
    Bytes::of(b"0123456789")
}

fn word() -> Bytes {
    let mut set = Bytes::of(b"_");
    (0..=u8::MAX).filter(u8::is_ascii_alphanumeric).for_each(|byte| set.insert(byte));
    set
}

fn blanks() -> Bytes {
    Bytes::of(b" \t\n\r\x0b\x0c")
}

#[cfg(test)]
mod tests;
