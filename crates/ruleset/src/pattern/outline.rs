//! Draws a pattern's outline: a pattern without assertions and counts that takes all that the pattern takes, and a little more.
//!
//! A state machine can look for the outlines of many patterns in one pass over a text, which the patterns themselves would
//! need one pass each for. Most texts that hold the words of a pattern do not hold them in its order, or with its signs
//! between them; that is what an outline knows beyond [`literals`](super::literals).

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Look, Repetition};

use super::tree::{Bytes, Pattern, Tree};

/// From here on it isn't counted how often a part comes: `x{0,60}` in an unanchored search is sixty states for each place where it may begin.
const TIMES_MAX: u32 = 3;

/// Calls within calls that are followed. A group may call itself.
const CALLS_MAX: usize = 4;

/// Parts that are drawn before a pattern is given up. A long pattern of ours has a thousand; calls of groups within groups
/// would double it each time.
const PARTS_MAX: usize = 20_000;

/// Draws the outline, unless it gets too large.
pub(super) fn outline(pattern: &Pattern) -> Option<Hir> {
    let mut drawer = Drawer { pattern, calls: 0, parts: 0 };
    drawer.draw(&pattern.tree)
}

struct Drawer<'p> {
    pattern: &'p Pattern,
    calls: usize,
    parts: usize,
}

impl Drawer<'_> {
    fn draw(&mut self, tree: &Tree) -> Option<Hir> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return None;
        }
        Some(match tree {
            Tree::Nothing => Hir::empty(),
            Tree::Start => Hir::look(Look::Start),
            // Before each line break, though the pattern means the last.
            Tree::End => Hir::look(Look::EndLF),
            Tree::WordEdge => Hir::look(Look::WordAscii),
            Tree::NoWordEdge => Hir::look(Look::WordAsciiNegate),
            Tree::Anything => anything(),
            Tree::One(set) => one(*set),
            Tree::Sequence(parts) => Hir::concat(self.draw_all(parts)?),
            Tree::Either(branches) => Hir::alternation(self.draw_all(branches)?),
            Tree::Group(inner) => self.draw(inner)?,
            Tree::Call(number) => self.call(*number)?,
            Tree::Repeated { of, min, max } => {
                times(self.draw(of)?, (*min).min(TIMES_MAX), max.filter(|max| *max <= TIMES_MAX))
            }
        })
    }

    fn draw_all(&mut self, trees: &[Tree]) -> Option<Vec<Hir>> {
        trees.iter().map(|tree| self.draw(tree)).collect()
    }

    fn call(&mut self, number: usize) -> Option<Hir> {
        let pattern = self.pattern;
        let Some(group) = pattern.groups.get(number).filter(|_| self.calls < CALLS_MAX) else {
            return Some(anything());
        };
        self.calls += 1;
        let drawn = self.draw(group);
        self.calls -= 1;
        drawn
    }
}

fn times(part: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(part) })
}

fn one(set: Bytes) -> Hir {
    let ranges = set.iter().map(|byte| ClassBytesRange::new(byte, byte));
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

fn anything() -> Hir {
    times(one(Bytes::ALL), 0, None)
}

#[cfg(test)]
pub(super) mod tests;
