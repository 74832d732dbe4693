//! Finds with which bytes a match may begin.
//!
//! The library finds that out by itself where it looks first for one of them, but not behind a definition of groups or a call of one.

use super::{Bytes, Pattern, Tree};

/// Calls and groups within each other that are followed. A group may call itself.
const STEPS_MAX: usize = 64;

impl Pattern {
    /// The bytes of which each match begins with one, or nothing where a match may take no byte, or that isn't known.
    pub(in super::super) fn first(&self) -> Option<Bytes> {
        let (first, may_be_empty) = self.first_of(&self.tree, STEPS_MAX)?;
        (!may_be_empty).then_some(first)
    }

    /// With which bytes what a tree takes may begin, and whether that may be no byte at all.
    fn first_of(&self, tree: &Tree, steps: usize) -> Option<(Bytes, bool)> {
        let steps = steps.checked_sub(1)?;
        Some(match tree {
            Tree::Nothing | Tree::Start | Tree::End | Tree::WordEdge | Tree::NoWordEdge => {
                (Bytes::default(), true)
            }
            Tree::Anything => (Bytes::ALL, true),
            Tree::One(set) => (*set, false),
            Tree::Group(inner) => self.first_of(inner, steps)?,
            Tree::Call(number) => self.first_of(self.groups.get(*number)?, steps)?,
            Tree::Repeated { of, min, .. } => {
                let (first, may_be_empty) = self.first_of(of, steps)?;
                (first, may_be_empty || *min == 0)
            }
            Tree::Either(branches) => {
                let (mut all, mut may_be_empty) = (Bytes::default(), false);
                for branch in branches {
                    let (first, is_optional) = self.first_of(branch, steps)?;
                    all.join(first);
                    may_be_empty |= is_optional;
                }
                (all, may_be_empty)
            }
            Tree::Sequence(parts) => {
                let mut all = Bytes::default();
                for part in parts {
                    let (first, is_optional) = self.first_of(part, steps)?;
                    all.join(first);
                    if !is_optional {
                        return Some((all, false));
                    }
                }
                (all, true)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;

    fn first(pattern: &str) -> Option<String> {
        let bytes: Vec<u8> = read(pattern.as_bytes())?.first()?.iter().collect();
        Some(bytes.into_iter().map(char::from).collect())
    }

    #[test]
    fn a_match_begins_with_one_of_these() {
        for (pattern, bytes) in [
            ("abc", "a"),
            ("(?i)a|b?c", "ABCabc"),
            (r"(?:x|[yz])*\d{2}", "0123456789xyz"),
            ("(?(DEFINE)([+ ]|%20))(?1)+x", " %+"),
            ("(?(DEFINE)([+ ]|%20))(?1)*x", " %+x"),
            (r"\b(?=q)(?:ab){2}", "a"),
        ] {
            assert_eq!(first(pattern).as_deref(), Some(bytes), "{pattern}");
        }
    }

    #[test]
    fn nothing_is_said_of_what_may_take_nothing_or_calls_itself() {
        for pattern in ["a*", "", "x|", "^$", r"(a)?\1", "((?1)b|(?1)c)", "(?2)a"] {
            assert_eq!(first(pattern), None, "{pattern}");
        }
    }
}
