//! Texts that a pattern nearly matches, made from the pattern itself.
//!
//! A slow match needs a text that gets the pattern to its costly place again and again: `'/*` for a quote with comments behind it.
//! So the pattern is read as far as that takes, and random ways through it are written down, in pieces. It promises
//! nothing about them: what it can't read it leaves out, and the text is only less dangerous. The random numbers are the same in
//! every run.

/// How deep groups may nest; real rules stay below ten.
const DEPTH_MAX: usize = 40;

/// How often a repeat is gone through, at most, beyond what it demands.
const REPEATS_MORE_MAX: usize = 2;

/// Pieces of one way through. Behind these a list of alternatives within alternatives adds nothing new.
const PIECES_MAX: usize = 24;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// Signs that follow each other.
    Text(Vec<u8>),
    /// One sign out of these.
    OneOf(Vec<u8>),
    /// One of several rows of parts.
    Group(Vec<Vec<Node>>),
    /// A part as often as `least`, and perhaps a little more.
    Repeat { node: Box<Node>, least: usize, most: usize },
}

/// Writes down random ways through a pattern, each as the pieces it is made of.
pub(crate) fn ways(pattern: &[u8], count: usize) -> Vec<Vec<Vec<u8>>> {
    let mut reader = Reader { rest: pattern, depth: 0 };
    let root = Node::Group(reader.alternatives());
    // Any number but zero will do.
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut ways = Vec::new();
    for _ in 0..count {
        let mut pieces = Vec::new();
        walk(&root, &mut dice, &mut pieces);
        ways.push(pieces);
    }
    ways
}

fn walk(node: &Node, dice: &mut Dice, pieces: &mut Vec<Vec<u8>>) {
    if pieces.len() >= PIECES_MAX {
        return;
    }
    match node {
        Node::Text(text) => pieces.push(text.clone()),
        Node::OneOf(signs) => pieces.extend(dice.pick(signs).map(|sign| vec![*sign])),
        Node::Group(rows) => {
            if let Some(row) = dice.pick(rows) {
                row.iter().for_each(|node| walk(node, dice, pieces));
            }
        }
        Node::Repeat { node, least, most } => {
            let more = dice.below(most.saturating_sub(*least).min(REPEATS_MORE_MAX) + 1);
            (0..least + more).for_each(|_| walk(node, dice, pieces));
        }
    }
}

/// Random enough to find the branches of a pattern (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    fn pick<'t, T>(&mut self, things: &'t [T]) -> Option<&'t T> {
        things.get(self.below(things.len()))
    }
}

/// Reads a pattern from the front.
struct Reader<'p> {
    rest: &'p [u8],
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn take(&mut self, start: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads up to the end of the group that it is in.
    fn alternatives(&mut self) -> Vec<Vec<Node>> {
        let mut rows = vec![Vec::new()];
        while let Some(byte) = self.next() {
            let node = match byte {
                b')' => break,
                b'|' => {
                    rows.push(Vec::new());
                    continue;
                }
                b'^' | b'$' => continue,
                b'(' => self.group(),
                b'[' => Node::OneOf(self.class()),
                b'.' => Node::OneOf(b"a '(/".to_vec()),
                b'\\' => match self.escape() {
                    Some(node) => node,
                    None => continue,
                },
                byte => Node::Text(vec![byte]),
            };
            let node = self.repeated(node);
            if let Some(row) = rows.last_mut() {
                push(row, node);
            }
        }
        rows
    }

    /// Reads a group behind its bracket. Of what looks ahead or back it makes something that may be there or not.
    fn group(&mut self) -> Node {
        if self.depth >= DEPTH_MAX {
            self.rest = &[];
            return Node::Text(Vec::new());
        }
        let mut looks_around = false;
        if self.take(b"?") {
            let head = self.rest;
            looks_around = [&b"="[..], b"!", b"<=", b"<!"].iter().any(|sign| self.take(sign));
            if !looks_around {
                // Options, a name, `:`, `>` or `|`: up to the sign that ends them.
                let end = head.iter().position(|byte| matches!(byte, b':' | b'>' | b'|' | b')'));
                let end = end.unwrap_or(head.len());
                self.rest = head.get(end..).unwrap_or_default();
                if self.take(b")") {
                    return Node::Text(Vec::new());
                }
                self.next();
            }
        }
        self.depth += 1;
        let group = Node::Group(self.alternatives());
        self.depth -= 1;
        if looks_around {
            return Node::Repeat { node: Box::new(group), least: 0, most: 1 };
        }
        group
    }

    /// Reads how often something may stand there.
    fn repeated(&mut self, node: Node) -> Node {
        let bounds = if self.take(b"*") {
            (0, usize::MAX)
        } else if self.take(b"+") {
            (1, usize::MAX)
        } else if self.take(b"?") {
            (0, 1)
        } else if let Some(bounds) = self.braces() {
            bounds
        } else {
            return node;
        };
        // Lazy or possessive: the same texts.
        let _ = self.take(b"?") || self.take(b"+");
        Node::Repeat { node: Box::new(node), least: bounds.0.min(PIECES_MAX), most: bounds.1 }
    }

    /// Reads `{2}`, `{2,}`, `{,4}` or `{2,4}`.
    fn braces(&mut self) -> Option<(usize, usize)> {
        let inside = self.rest.strip_prefix(b"{")?;
        let end = inside.iter().position(|byte| *byte == b'}')?;
        let text = std::str::from_utf8(inside.get(..end)?).ok()?;
        let number =
            |text: &str, none| if text.is_empty() { Some(none) } else { text.parse().ok() };
        let bounds = match text.split_once(',') {
            Some((least, most)) => (number(least, 0)?, number(most, usize::MAX)?),
            None => (text.parse().ok()?, text.parse().ok()?),
        };
        self.rest = inside.get(end + 1..)?;
        Some(bounds)
    }

    /// Reads what stands behind a backslash; nothing for what matches no sign.
    fn escape(&mut self) -> Option<Node> {
        let signs: &[u8] = match self.next()? {
            b'd' => b"19",
            b'w' => b"aZ7_",
            b's' | b'h' => b" \t",
            b'S' | b'D' | b'W' | b'N' | b'H' => b"'(a",
            b'R' | b'n' => b"\n",
            b'r' => b"\r",
            b't' => b"\t",
            b'b' | b'B' | b'A' | b'z' | b'Z' | b'G' | b'K' | b'Q' | b'E' => return None,
            b'x' => return Some(Node::Text(vec![self.hex()])),
            byte => return Some(Node::Text(vec![byte])),
        };
        Some(Node::OneOf(signs.to_vec()))
    }

    /// Reads the digits of `\x3c` or `\x{3c}`.
    fn hex(&mut self) -> u8 {
        let is_braced = self.take(b"{");
        let mut value: u8 = 0;
        for _ in 0..2 {
            let digit = self.rest.first().and_then(|byte| char::from(*byte).to_digit(16));
            let Some(digit) = digit.and_then(|digit| u8::try_from(digit).ok()) else { break };
            value = value.wrapping_mul(16).wrapping_add(digit);
            self.next();
        }
        if is_braced {
            self.take(b"}");
        }
        value
    }

    /// Reads a class behind its bracket, and gives some of its signs. For a class of all but some it gives usual signs that
    /// aren't among them.
    fn class(&mut self) -> Vec<u8> {
        let is_negated = self.take(b"^");
        let mut signs = Vec::new();
        let mut is_first = true;
        while let Some(byte) = self.next() {
            if byte == b']' && !is_first {
                break;
            }
            is_first = false;
            match byte {
                b'[' if self.take(b":") => {
                    let end = self.rest.windows(2).position(|two| two == b":]").unwrap_or(0);
                    self.rest = self.rest.get(end + 2..).unwrap_or_default();
                    signs.extend(b"a1");
                }
                b'\\' => {
                    if let Some(Node::Text(text) | Node::OneOf(text)) = self.escape() {
                        signs.extend(text);
                    }
                }
                // Of a range its ends are enough.
                b'-' => {}
                byte => signs.push(byte),
            }
        }
        if is_negated {
            let usual = b"a1 '\"(/%<=;";
            return usual.iter().copied().filter(|sign| !signs.contains(sign)).collect();
        }
        signs
    }
}

/// Adds a part; signs that follow each other become one.
fn push(row: &mut Vec<Node>, node: Node) {
    match (row.last_mut(), node) {
        (Some(Node::Text(before)), Node::Text(text)) => before.extend(text),
        (_, node) => row.push(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Vec<String> {
        let ways = ways(pattern.as_bytes(), 200);
        let mut texts: Vec<String> =
            ways.iter().map(|way| String::from_utf8_lossy(&way.concat()).into_owned()).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    #[test]
    fn every_way_through_the_branches_is_found() {
        assert_eq!(texts("a(?:b|%27|)c"), ["a%27c", "abc", "ac"]);
        assert_eq!(texts("(?i)^x{2}y?$"), ["xx", "xxy"]);
        assert_eq!(texts(r"\x3c\x{2f}[b-d]\.(?<name>q)"), ["</b.q", "</d.q"]);
        assert_eq!(texts("a(?=b|c)(?!d)"), ["a", "ab", "abd", "ac", "acd", "ad"]);
    }

    #[test]
    fn what_is_made_mostly_matches() {
        let patterns =
            [r"(?i)['\x22]\s{0,4}(?:or|and)\s+\d", r"\$\{(?:jndi|lower):", r"[^a]b++[[:alnum:]]"];
        for pattern in patterns {
            let compiled = pcre2::bytes::Regex::new(pattern).unwrap();
            let texts = texts(pattern);
            let matching = texts.iter().filter(|text| compiled.is_match(text.as_bytes()).unwrap());
            assert!(matching.count() * 2 > texts.len(), "{pattern}: {texts:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_does_no_harm() {
        for text in ["(", "[", "[^", "\\", "a{", "a{99999}", "(?", "(?<", "[[:", "\\x{", "*", ")"] {
            assert!(ways(text.as_bytes(), 3).len() == 3, "{text}");
        }
        assert!(ways("(".repeat(5000).as_bytes(), 1).len() == 1);
    }
}
