//! Remembers groups that were read before, by their text.
//!
//! Signs of attacks are made of a few hundred groups: each sign that may be encoded, what may stand for a blank, where a value begins.
//! Hundreds of patterns hold them thousands of times. What a group means depends on its text and the options in force alone, so it is
//! read once, and what is known of it is found once.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Options, Tree};

/// Shorter groups are read as quickly as they are looked up.
const GROUP_BYTES_MIN: usize = 12;

/// A group that stands in many places.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Shared {
    pub(in super::super) tree: Tree,
    /// Whether it calls others, so that what it means depends on the pattern.
    pub(in super::super) calls: bool,
}

/// The groups read so far.
#[derive(Debug, Default)]
pub(in super::super) struct Memory {
    groups: HashMap<Options, HashMap<Box<[u8]>, Rc<Shared>>>,
}

impl Memory {
    pub(super) fn get(&self, options: Options, text: &[u8]) -> Option<Rc<Shared>> {
        if text.len() < GROUP_BYTES_MIN {
            return None;
        }
        self.groups.get(&options)?.get(text).cloned()
    }

    /// Remembers a group by all of its text, from the opening bracket to the closing one.
    pub(super) fn insert(&mut self, options: Options, text: &[u8], shared: &Rc<Shared>) {
        if text.len() >= GROUP_BYTES_MIN {
            self.groups.entry(options).or_default().insert(text.into(), Rc::clone(shared));
        }
    }
}

/// Finds where each group of a pattern seems to end: for each opening bracket the place behind its closing one, in their order. It only
/// says where to look a group up: what is found there was read from the same text before, and ended with it.
pub(super) fn endings(text: &[u8]) -> Vec<(usize, usize)> {
    let mut endings = Vec::new();
    let mut open = Vec::new();
    let mut class_from = None;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, class_from) {
            (b'\\', _) => at += 1,
            (b']', Some(from)) if at > from => class_from = None,
            (_, Some(_)) => {}
            (b'[', None) => {
                let is_inverted = text.get(at + 1) == Some(&b'^');
                class_from = Some(at + 1 + usize::from(is_inverted));
            }
            (b'(', None) => {
                open.push(endings.len());
                endings.push((at, 0));
            }
            (b')', None) => {
                if let Some((_, end)) = open.pop().and_then(|place: usize| endings.get_mut(place)) {
                    *end = at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    endings
}

#[cfg(test)]
mod tests {
    use super::endings;

    #[test]
    fn brackets_within_classes_and_escapes_are_no_groups() {
        let groups = |text: &str| -> Vec<String> {
            let ends = endings(text.as_bytes());
            ends.iter().map(|(from, end)| text.get(*from..*end).unwrap_or("").to_owned()).collect()
        };
        assert_eq!(groups(r"a(?:b\)(c)[(])d"), [r"(?:b\)(c)[(])", "(c)"]);
        assert_eq!(groups(r"([)](x)[^])]\()"), [r"([)](x)[^])]\()", "(x)"]);
        assert_eq!(groups(r"([\]()]y)"), [r"([\]()]y)"]);
        assert_eq!(groups("(a(b"), ["", ""], "brackets that stay open");
    }
}
