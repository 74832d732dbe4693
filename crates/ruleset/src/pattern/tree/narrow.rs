//! Writes a PCRE2 pattern anew for subjects with few escapes.
//!
//! Signs of attacks are written such that a client may encode each letter, and that again: `(?>%(?:25)*2f|\\x2f|/)`. Most requests
//! encode nothing, or signs, once: [`Form::Once`](super::super::form::Form). In such a subject an alternative that must take an escape
//! which isn't there fails, wherever it stands, so it is left out: the example becomes `(?>%2f|/)`. That takes fewer steps, and the
//! words that a match must hold are known in full, which rules out many more patterns before they are tried. Both patterns say the
//! same of each such subject, for what is left is tried in the same order. Groups that record keep their numbers, because what
//! holds one is not left out. A pattern with anything in it that is not known stays as it is.

use super::{Bytes, DEPTH_MAX, Input, Options, Reader, Tree};

/// What such a subject lacks altogether.
const LACKS: &[u8] = b"\\";

/// What never follows a percent sign in it.
const NOT_BEHIND_PERCENT: &[u8] = b"0uU";

/// What never follows a percent sign and a two.
const NOT_BEHIND_TWO: &[u8] = b"5";

/// A set with more bytes keeps those that the subject lacks: a shorter one is no quicker.
const SHORTENED_BYTES_MAX: u32 = 16;

/// A pattern for subjects that encode little.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Narrow {
    /// This one, in ASCII, matches where the whole one does.
    Shorter(String),
    /// The whole one needs what the subject lacks.
    Never,
}

/// Writes a pattern anew, if that leaves anything out.
pub(in super::super) fn narrow(text: &[u8]) -> Option<Narrow> {
    let mut reader = Writer {
        reader: Reader {
            input: Input::new(text),
            options: Options::default(),
            groups: Vec::new(),
            depth: 0,
        },
        dots_are_bytes: false,
    };
    let switches = reader.switches()?;
    let whole = reader.branches()?;
    if !reader.reader.input.is_read() {
        return None;
    }
    let mut pruner = Pruner { has_changed: false, steps: 0 };
    let pruned = pruner.prune(&whole, Before::Unknown);
    if pruner.steps >= STEPS_MAX {
        return None;
    }
    let Some((kept, _)) = pruned else {
        return (!records(&whole)).then_some(Narrow::Never);
    };
    if !pruner.has_changed {
        return None;
    }
    let mut shorter = switches;
    kept.write(&mut shorter);
    Some(Narrow::Shorter(shorter))
}

/// A part of a pattern, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// Something that is not looked into.
    Kept(String),
    Byte {
        set: Bytes,
        text: String,
    },
    Sequence(Vec<Node>),
    /// Stands at the top or right below a group.
    Either(Vec<Node>),
    Group(Kind, Box<Node>),
    Repeated {
        of: Box<Node>,
        min: u32,
        max: Option<u32>,
        times: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Joining,
    Atomic,
    Recording,
    Ahead,
    NotAhead,
    Behind,
    NotBehind,
    Define,
}

/// Longer openings stand before their beginnings.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Joining, "(?:"),
    (Kind::Atomic, "(?>"),
    (Kind::Ahead, "(?="),
    (Kind::NotAhead, "(?!"),
    (Kind::Behind, "(?<="),
    (Kind::NotBehind, "(?<!"),
    (Kind::Define, "(?(DEFINE)"),
    (Kind::Recording, "("),
];

impl Kind {
    fn opening(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, opening)| opening)
    }
}

const NOTHING: Node = Node::Sequence(Vec::new());

/// Reads a pattern with its text.
struct Writer<'t> {
    reader: Reader<'t>,
    /// `(?s)`: without it the library decides what a line's end is.
    dots_are_bytes: bool,
}

impl Writer<'_> {
    /// Reads options at the very beginning. They hold everywhere, because others are declined.
    fn switches(&mut self) -> Option<String> {
        if !self.reader.input.takes(b"(?") {
            return Some(String::new());
        }
        let letters: Vec<u8> = self
            .reader
            .input
            .rest()
            .iter()
            .copied()
            .take_while(|byte| b"ims".contains(byte))
            .collect();
        if !self.reader.input.rest().get(letters.len()..)?.starts_with(b")") {
            self.reader.input.at = 0;
            return Some(String::new());
        }
        self.reader.input.at += letters.len() + 1;
        self.reader.options.any_case = letters.contains(&b'i');
        self.dots_are_bytes = letters.contains(&b's');
        Some(format!("(?{})", String::from_utf8(letters).ok()?))
    }

    fn text_from(&self, start: usize) -> Option<String> {
        let text = self.reader.input.text.get(start..self.reader.input.at)?;
        text.is_ascii().then(|| String::from_utf8(text.to_vec()).ok()).flatten()
    }

    fn branches(&mut self) -> Option<Node> {
        let mut branches = vec![self.sequence()?];
        while self.reader.input.takes(b"|") {
            branches.push(self.sequence()?);
        }
        Some(if branches.len() == 1 { branches.pop()? } else { Node::Either(branches) })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        while self.reader.input.next().is_some_and(|byte| byte != b'|' && byte != b')') {
            let part = self.part()?;
            parts.push(self.repeated(part)?);
        }
        Some(Node::Sequence(parts))
    }

    fn part(&mut self) -> Option<Node> {
        let start = self.reader.input.at;
        let byte = self.reader.input.next()?;
        if byte == b'(' {
            return self.group();
        }
        self.reader.input.at += 1;
        let tree = match byte {
            b'*' | b'+' | b'?' => return None,
            b'^' | b'$' => return Some(Node::Kept(char::from(byte).to_string())),
            b'.' if self.dots_are_bytes => Tree::One(Bytes::ALL),
            b'.' => return Some(Node::Kept(".".to_owned())),
            b'[' => self.reader.class()?,
            b'\\' => self.reader.escape()?,
            byte => self.reader.one(Bytes::of(&[byte])),
        };
        Some(match tree {
            Tree::One(set) => Node::Byte { set, text: self.byte_text(start, set) },
            // A reference back. Digits may come to stand behind it.
            Tree::Anything => Node::Kept(format!("(?:{})", self.text_from(start)?)),
            // An end of a word or of the text.
            Tree::Nothing | Tree::Start | Tree::End | Tree::WordEdge | Tree::NoWordEdge => {
                Node::Kept(self.text_from(start)?)
            }
            _ => return None,
        })
    }

    /// A byte or a set as it was written, in a form that says the same whatever comes to stand behind it.
    fn byte_text(&self, start: usize, set: Bytes) -> String {
        let written = self.text_from(start).unwrap_or_default();
        let is_class = written.starts_with('[') || written == ".";
        let is_letter = written.len() == 1 && written.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_named = written.len() == 2
            && written.starts_with('\\')
            && written.ends_with(|letter: char| letter.is_ascii_alphabetic());
        if is_class || is_letter || (is_named && !written.ends_with('x')) {
            written
        } else {
            set_text(set)
        }
    }

    fn repeated(&mut self, part: Node) -> Option<Node> {
        let start = self.reader.input.at;
        let Some((min, max)) = self.reader.times()? else { return Some(part) };
        Some(Node::Repeated { of: Box::new(part), min, max, times: self.text_from(start)? })
    }

    fn group(&mut self) -> Option<Node> {
        let start = self.reader.input.at;
        let (kind, opening) = KINDS
            .iter()
            .find(|(_, opening)| self.reader.input.rest().starts_with(opening.as_bytes()))?;
        self.reader.input.at += opening.len();
        if *kind == Kind::Recording && matches!(self.reader.input.next(), Some(b'?' | b'*')) {
            self.reader.input.takes(b"?");
            let is_call = self.reader.input.number().is_some() && self.reader.input.takes(b")");
            return if is_call { Some(Node::Kept(self.text_from(start)?)) } else { None };
        }
        if self.reader.depth >= DEPTH_MAX {
            return None;
        }
        self.reader.depth += 1;
        let inner = self.branches()?;
        self.reader.depth -= 1;
        self.reader.input.takes(b")").then(|| Node::Group(*kind, Box::new(inner)))
    }
}

/// What stands in the subject right before a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Unknown,
    Percent,
    /// A percent sign and a two.
    PercentTwo,
}

/// Leaves out what subjects that encode little lack.
struct Pruner {
    has_changed: bool,
    /// Parts that were looked at.
    steps: u32,
}

/// Parts that are looked at before a pattern is left whole. Repetitions within repetitions may have to be looked at twice each; a long
/// pattern of ours takes two thousand steps.
const STEPS_MAX: u32 = 100_000;

impl Pruner {
    /// Returns what is left of a part, and what then stands before the next one; nothing where it can't match.
    fn prune(&mut self, node: &Node, before: Before) -> Option<(Node, Before)> {
        self.steps += 1;
        if self.steps >= STEPS_MAX {
            // Whatever is said from here on, the pattern stays whole.
            self.steps = STEPS_MAX;
            return None;
        }
        match node {
            Node::Kept(_) => Some((node.clone(), Before::Unknown)),
            Node::Byte { set, text } => self.byte(*set, text, before),
            Node::Sequence(parts) => {
                let mut before = before;
                let mut left = Vec::with_capacity(parts.len());
                for part in parts {
                    let (part, after) = self.prune(part, before)?;
                    left.push(part);
                    before = after;
                }
                Some((sequence(left), before))
            }
            Node::Either(branches) => self.either(branches, before),
            Node::Group(kind, inner) => self.group(node, *kind, inner, before),
            Node::Repeated { of, min, max, times } => {
                // What stands before the second time is another thing.
                let is_single = *max == Some(1);
                let had_changed = self.has_changed;
                match self.prune(of, before) {
                    Some((of, _)) if is_single || before == Before::Unknown => {
                        Some((repeated(of, *min, *max, times), Before::Unknown))
                    }
                    Some(_) => {
                        self.has_changed = had_changed;
                        let (of, _) = self.prune(of, Before::Unknown)?;
                        Some((repeated(of, *min, *max, times), Before::Unknown))
                    }
                    None if *min > 0 => None,
                    None => match self.leave_out(of) {
                        Some(_) => Some((node.clone(), Before::Unknown)),
                        None => Some((NOTHING, before)),
                    },
                }
            }
        }
    }

    fn either(&mut self, branches: &[Node], before: Before) -> Option<(Node, Before)> {
        let mut left = Vec::with_capacity(branches.len());
        let mut after = None;
        for branch in branches {
            let pruned = self.prune(branch, before);
            let kept = pruned.or_else(|| Some((self.leave_out(branch)?, Before::Unknown)));
            let Some((branch, then)) = kept else { continue };
            left.push(branch);
            after =
                Some(if after.is_none_or(|after| after == then) { then } else { Before::Unknown });
        }
        Some((either(left), after?))
    }

    fn group(
        &mut self,
        node: &Node,
        kind: Kind,
        inner: &Node,
        before: Before,
    ) -> Option<(Node, Before)> {
        let before_inner = match kind {
            Kind::Joining | Kind::Atomic | Kind::Ahead | Kind::NotAhead => before,
            // These may be called from elsewhere, and those end here.
            Kind::Recording | Kind::Define | Kind::Behind | Kind::NotBehind => Before::Unknown,
        };
        let pruned = self.prune(inner, before_inner);
        match (kind, pruned) {
            (Kind::Joining | Kind::Atomic, Some((inner, after))) => {
                Some((group(kind, inner), after))
            }
            (Kind::Recording, Some((inner, _))) => Some((group(kind, inner), Before::Unknown)),
            (_, Some((inner, _))) => Some((group(kind, inner), before)),
            // What is never there is always absent.
            (Kind::NotAhead | Kind::NotBehind, None) => {
                Some((self.leave_out(node).unwrap_or(NOTHING), before))
            }
            (Kind::Recording | Kind::Define, None) => Some((node.clone(), Before::Unknown)),
            (Kind::Joining | Kind::Atomic | Kind::Ahead | Kind::Behind, None) => None,
        }
    }

    /// Drops a part that never matches, unless groups behind it would get other numbers.
    fn leave_out(&mut self, node: &Node) -> Option<Node> {
        if records(node) {
            return Some(node.clone());
        }
        self.has_changed = true;
        None
    }

    fn byte(&mut self, set: Bytes, text: &str, before: Before) -> Option<(Node, Before)> {
        let rest = set.without(LACKS);
        let possible = match before {
            Before::Percent => rest.without(NOT_BEHIND_PERCENT),
            Before::PercentTwo => rest.without(NOT_BEHIND_TWO),
            Before::Unknown => rest,
        };
        if possible == Bytes::default() {
            return None;
        }
        let after = match before {
            _ if possible == Bytes::of(b"%") => Before::Percent,
            Before::Percent if possible == Bytes::of(b"2") => Before::PercentTwo,
            _ => Before::Unknown,
        };
        if rest == set || rest.len() > SHORTENED_BYTES_MAX {
            return Some((Node::Byte { set, text: text.to_owned() }, after));
        }
        self.has_changed = true;
        Some((Node::Byte { set: rest, text: set_text(rest) }, after))
    }
}

/// Whether there is a group in it that records.
fn records(node: &Node) -> bool {
    match node {
        Node::Kept(_) | Node::Byte { .. } => false,
        Node::Sequence(parts) | Node::Either(parts) => parts.iter().any(records),
        Node::Group(kind, inner) => *kind == Kind::Recording || records(inner),
        Node::Repeated { of, .. } => records(of),
    }
}

/// Joins parts; sequences within them need no group.
fn sequence(parts: Vec<Node>) -> Node {
    let mut joined = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Node::Sequence(inner) => joined.extend(inner),
            part => joined.push(part),
        }
    }
    match joined.len() {
        1 => joined.pop().unwrap_or(NOTHING),
        _ => Node::Sequence(joined),
    }
}

/// Joins branches. Neighbours that are one byte each become a set; others keep their order, which decides what is tried first.
fn either(branches: Vec<Node>) -> Node {
    let mut joined: Vec<Node> = Vec::with_capacity(branches.len());
    for branch in branches {
        let inner = match branch {
            Node::Group(Kind::Joining, inner) => match *inner {
                Node::Either(inner) => inner,
                inner => vec![inner],
            },
            branch => vec![branch],
        };
        for branch in inner {
            match (joined.last_mut(), branch) {
                (Some(Node::Byte { set, text }), Node::Byte { set: other, .. }) => {
                    set.join(other);
                    *text = set_text(*set);
                }
                (_, branch) => joined.push(branch),
            }
        }
    }
    match joined.len() {
        1 => joined.pop().unwrap_or(NOTHING),
        _ => Node::Either(joined),
    }
}

/// Puts a group around what needs one. Bytes in a row match in one way only, so nothing is atomic about them.
fn group(kind: Kind, inner: Node) -> Node {
    let is_byte = |node: &Node| matches!(node, Node::Byte { .. });
    let needs_none = match (kind, &inner) {
        (Kind::Joining, Node::Either(_)) => false,
        (Kind::Joining, _) => true,
        (Kind::Atomic, Node::Sequence(parts)) => parts.iter().all(is_byte),
        (Kind::Atomic, inner) => is_byte(inner),
        _ => false,
    };
    if needs_none {
        return inner;
    }
    match inner {
        // A group of branches alone needs no group of its own, but where there may be no branches.
        Node::Group(Kind::Joining, branches) if kind != Kind::Define => Node::Group(kind, branches),
        inner => Node::Group(kind, Box::new(inner)),
    }
}

fn repeated(of: Node, min: u32, max: Option<u32>, times: &str) -> Node {
    if of == NOTHING {
        return NOTHING;
    }
    Node::Repeated { of: Box::new(of), min, max, times: times.to_owned() }
}

impl Node {
    fn write(&self, text: &mut String) {
        match self {
            Node::Kept(written) | Node::Byte { text: written, .. } => text.push_str(written),
            Node::Sequence(parts) => parts.iter().for_each(|part| part.write(text)),
            Node::Either(branches) => {
                for (number, branch) in branches.iter().enumerate() {
                    if number > 0 {
                        text.push('|');
                    }
                    branch.write(text);
                }
            }
            Node::Group(kind, inner) => {
                text.push_str(kind.opening());
                inner.write(text);
                text.push(')');
            }
            Node::Repeated { of, times, .. } => {
                // What is kept as it is may be an assertion, which can't be repeated by itself.
                let needs_group = matches!(
                    **of,
                    Node::Sequence(_) | Node::Either(_) | Node::Repeated { .. } | Node::Kept(_)
                );
                if needs_group {
                    text.push_str("(?:");
                }
                of.write(text);
                if needs_group {
                    text.push(')');
                }
                text.push_str(times);
            }
        }
    }
}

/// Writes a set of bytes. Signs are written by their numbers, so that none can be taken for syntax.
fn set_text(set: Bytes) -> String {
    let byte_text = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("\\x{byte:02x}")
        }
    };
    let bytes: Vec<u8> = set.iter().collect();
    if bytes.is_empty() {
        // `[]` would begin a class that goes on.
        return r"[^\x00-\xff]".to_owned();
    }
    if let [byte] = bytes.as_slice() {
        return byte_text(*byte);
    }
    let mut text = "[".to_owned();
    for run in bytes.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        match run {
            [first, _, .., last] => {
                text.push_str(&byte_text(*first));
                text.push('-');
                text.push_str(&byte_text(*last));
            }
            few => few.iter().for_each(|byte| text.push_str(&byte_text(*byte))),
        }
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests;
