//! Remembers which children of a rule the URLs seen lately have ruled out.
//!
//! Most requests of a log ask for something that was asked for before. Whether a pattern matches a URL depends on the URL alone, so
//! what a look through its words, an outline or a pattern tried in vain has said of it once holds when it comes again. What else a
//! rule asks (the answer's code, other fields, what came before) is asked each time.
//!
//! There is room for so many URLs and no more, and a new one takes the place of an older one. A URL is copied when
//! it comes the second time; of the first one bit says that it came. So whoever writes log lines with ever new URLs makes nothing grow, and most
//! of them cost their hash alone.

use super::RuleIndex;
use crate::prefilter::Members;

/// How many sets of places there are, as a power of two. With [`PLACES_PER_SET`] that is 8,192 URLs.
const SET_BITS: u32 = 12;

/// How many bits tell which URLs came, as a power of two: 8 KB.
const SEEN_BITS: u32 = 16;

/// How many of them are set before all are forgotten. So few that of new URLs at most a quarter are taken for some that came.
const SEEN_MAX: usize = 1 << (SEEN_BITS - 2);

/// How many places a URL may be kept in. With one, two URLs that are asked in turn might drive each other out for ever.
const PLACES_PER_SET: usize = 2;

/// Longer URLs are not remembered: with some hundred bytes of what is known about each, all take at most 5 MB.
const URL_BYTES_MAX: usize = 512;

/// What is remembered, for all rules whose children look at URLs.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Empty until the first URL comes again.
    places: Vec<Place>,
    /// One bit for each URL that came. Empty until the first comes.
    seen: Vec<u64>,
    seen_count: usize,
    /// Counts uses, to tell which of a set was used last.
    clock: u64,
}

#[derive(Debug, Default, Clone)]
struct Place {
    /// The rule whose children these are.
    rule: RuleIndex,
    /// All bits of the URL mixed; nothing is here yet where the URL is empty.
    hash: u64,
    used: u64,
    url: Vec<u8>,
    /// The children that the URL has not ruled out.
    left: Members,
}

/// Where a URL is remembered, as long as the event lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remembered {
    place: usize,
    rule: RuleIndex,
}

impl Recent {
    /// Finds what a URL has left of a rule's children.
    pub(crate) fn find(&mut self, rule: RuleIndex, url: &[u8]) -> Option<(Remembered, &Members)> {
        let hash = hash(rule, url);
        let from = first_of_set(hash);
        let set = self.places.get(from..from + PLACES_PER_SET)?;
        let is_it = |place: &Place| {
            place.hash == hash && place.rule == rule && !url.is_empty() && place.url == url
        };
        let place = from + set.iter().position(is_it)?;
        self.clock += 1;
        let found = self.places.get_mut(place)?;
        found.used = self.clock;
        Some((Remembered { place, rule }, &found.left))
    }

    /// Remembers what a URL has left that came before and wasn't found, in place of the URL that was used longest ago.
    pub(crate) fn remember(
        &mut self,
        rule: RuleIndex,
        url: &[u8],
        left: &Members,
    ) -> Option<Remembered> {
        if url.len() > URL_BYTES_MAX {
            return None;
        }
        let hash = hash(rule, url);
        if !self.came_before(hash) {
            return None;
        }
        if self.places.is_empty() {
            self.places.resize(PLACES_PER_SET << SET_BITS, Place::default());
        }
        let from = first_of_set(hash);
        let set = self.places.get(from..from + PLACES_PER_SET)?;
        let (place, _) = (from..).zip(set).min_by_key(|(_, place)| place.used)?;
        self.clock += 1;
        let oldest = self.places.get_mut(place)?;
        (oldest.rule, oldest.hash, oldest.used) = (rule, hash, self.clock);
        oldest.url.clear();
        oldest.url.extend_from_slice(url);
        oldest.left.copy_from(left);
        Some(Remembered { place, rule })
    }

    /// Notes that a URL came. Two may be taken for one, which does no harm.
    fn came_before(&mut self, hash: u64) -> bool {
        if self.seen.is_empty() || self.seen_count >= SEEN_MAX {
            self.seen.clear();
            self.seen.resize(1 << (SEEN_BITS - u64::BITS.ilog2()), 0);
            self.seen_count = 0;
        }
        let number = hash >> (u64::BITS - SEEN_BITS);
        let bit = 1u64 << (number % u64::from(u64::BITS));
        let word = usize::try_from(number / u64::from(u64::BITS)).unwrap_or_default();
        let Some(word) = self.seen.get_mut(word) else { return false };
        let came = *word & bit != 0;
        *word |= bit;
        self.seen_count += usize::from(!came);
        came
    }

    /// Notes that the pattern of one more child doesn't match the URL.
    pub(crate) fn rule_out(&mut self, remembered: Remembered, child: usize) {
        // Within one event only the children of another rule can have taken the place.
        let place = self.places.get_mut(remembered.place);
        if let Some(place) = place.filter(|place| place.rule == remembered.rule)
            && let Ok(child) = u32::try_from(child)
        {
            place.left.remove(child);
        }
    }
}

fn first_of_set(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - SET_BITS)).unwrap_or_default() * PLACES_PER_SET
}

/// Mixes all bytes of a URL. Somebody may find URLs that share a place: those are looked at anew, as they were before.
fn hash(rule: RuleIndex, url: &[u8]) -> u64 {
    /// 2 to the 64th over the golden ratio.
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(29) ^ word).wrapping_mul(ODD);
    let (words, rest) = url.as_chunks::<8>();
    let mut hash = mix(u64::from(rule), url.len() as u64);
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(mix(hash, rest), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(recent: &mut Recent, rule: RuleIndex, url: &str) -> Option<Vec<usize>> {
        recent.find(rule, url.as_bytes()).map(|(_, left)| left.iter().collect())
    }

    /// Lets a URL come twice.
    fn remember(recent: &mut Recent, url: &str, left: &Members) -> Option<Remembered> {
        assert!(recent.remember(7, url.as_bytes(), left).is_none(), "it is new");
        recent.remember(7, url.as_bytes(), left)
    }

    #[test]
    fn what_was_ruled_out_for_a_url_is_known_when_it_comes_again() {
        let mut recent = Recent::default();
        assert_eq!(left(&mut recent, 7, "/?a=1"), None);
        let remembered = remember(&mut recent, "/?a=1", &Members::all(5)).unwrap();
        recent.rule_out(remembered, 3);
        assert_eq!(left(&mut recent, 7, "/?a=1"), Some(vec![0, 1, 2, 4]));
        let (again, _) = recent.find(7, b"/?a=1").unwrap();
        recent.rule_out(again, 0);
        assert_eq!(left(&mut recent, 7, "/?a=1"), Some(vec![1, 2, 4]));
    }

    #[test]
    fn other_urls_and_other_rules_are_told_apart() {
        let mut recent = Recent::default();
        remember(&mut recent, "/?a=12345678", &Members::all(5)).unwrap();
        for other in ["/?a=1234567", "/?a=12345679", "/?A=12345678", "/?a=123456780", ""] {
            assert_eq!(left(&mut recent, 7, other), None, "{other}");
        }
        assert_eq!(left(&mut recent, 8, "/?a=12345678"), None);
    }

    #[test]
    fn there_is_room_for_so_many_and_those_in_use_stay() {
        let mut recent = Recent::default();
        remember(&mut recent, "/used", &Members::all(5)).unwrap();
        let places = PLACES_PER_SET << SET_BITS;
        for number in 0..4 * places {
            let url = format!("/{number}");
            for _ in 0..2 {
                if left(&mut recent, 7, &url).is_none() {
                    recent.remember(7, url.as_bytes(), &Members::none(5));
                }
            }
            assert!(left(&mut recent, 7, "/used").is_some(), "after {number}");
        }
        assert_eq!(recent.places.len(), places);
        let kept = (0..4 * places).filter(|n| left(&mut recent, 7, &format!("/{n}")).is_some());
        assert!((places / 2..places).contains(&kept.count()));
    }

    #[test]
    fn urls_that_come_in_turns_are_all_remembered() {
        let mut recent = Recent::default();
        let urls: Vec<String> = (0..1_000).map(|number| format!("/?page={number}")).collect();
        for url in urls.iter().chain(&urls) {
            recent.remember(7, url.as_bytes(), &Members::all(5));
        }
        // A few of so many share both their places with others.
        let known = urls.iter().filter(|url| left(&mut recent, 7, url).is_some()).count();
        assert!(known > 950, "{known}");
    }

    #[test]
    fn ever_new_urls_are_seldom_copied() {
        let mut recent = Recent::default();
        let mut copied = 0;
        for number in 0..100_000 {
            let url = format!("/?page={number}");
            copied += usize::from(recent.remember(7, url.as_bytes(), &Members::all(5)).is_some());
        }
        assert!((1..25_000).contains(&copied), "{copied}");
        assert!(recent.seen.len() == 1024 && recent.seen_count <= SEEN_MAX);
    }

    #[test]
    fn long_urls_are_not_remembered() {
        let mut recent = Recent::default();
        let url = "a".repeat(URL_BYTES_MAX + 1);
        assert!(remember(&mut recent, &url, &Members::all(5)).is_none());
        assert_eq!(left(&mut recent, 7, &url), None);
        let shorter = "a".repeat(URL_BYTES_MAX);
        assert!(remember(&mut recent, &shorter, &Members::all(5)).is_some());
    }

    #[test]
    fn a_place_that_another_rule_took_is_left_alone() {
        let mut recent = Recent::default();
        let remembered = remember(&mut recent, "/", &Members::all(5)).unwrap();
        recent.places.fill(Place { rule: 8, left: Members::all(5), ..Place::default() });
        recent.rule_out(remembered, 3);
        assert!(recent.places.iter().all(|place| place.left == Members::all(5)));
    }
}
