//! Finds beginnings of many words in a short text.
//!
//! A URL is looked through for thousands of words of a few bytes each. A state machine for so many has a table that no near cache
//! holds, and each byte has to wait for the one before. Here words are cut to one of a few lengths. At each byte a few maps of bits, which stay in
//! the nearest cache, say mostly that no such word ends there; only else the words with that end are compared.

/// The lengths to which words are cut. A longer one would tell little more.
const LENGTHS: [usize; 7] = [1, 2, 3, 4, 5, 6, 8];

/// By how many last bytes words are found: short ones by all they have, longer ones by four. Many words end alike; with three
/// bytes ten times as many would have to be compared.
const END_BYTES: [usize; 4] = [1, 2, 3, 4];

/// How many bits a map has: 8 KB. Of the last at most a tenth are set for some 6,000 words.
const MAP_BITS: u32 = 16;

/// Words of a few lengths with their numbers.
#[derive(Debug)]
pub(super) struct Grams {
    /// Those that are found by each of the [`END_BYTES`].
    of_ends: [Words; END_BYTES.len()],
}

/// Words that are found by so many last bytes.
#[derive(Debug)]
struct Words {
    end_mask: u64,
    /// Which ends there are, mixed.
    ends: Map,
    /// In the order of their ends.
    all: Vec<Word>,
    /// Each end with its first word; it stands where its mixed bits say, or in the next free slot. Half of them are free.
    slots: Box<[Option<(u64, u32)>]>,
}

#[derive(Debug)]
struct Map(Box<[u64]>);

#[derive(Debug, Clone, Copy)]
struct Word {
    /// Its bytes as a number, the last one lowest.
    key: u64,
    /// Which bytes of the last eight belong to it.
    mask: u64,
    place: u32,
}

impl Grams {
    /// Takes words in lower case. The answer has, for each place that [`Grams::scan`] reports, the words that are cut to what stands there.
    pub(super) fn new(words: &[&[u8]]) -> (Grams, Vec<Vec<usize>>) {
        let mut cut: Vec<(Word, usize)> = Vec::with_capacity(words.len());
        for (number, word) in words.iter().enumerate() {
            let fits = |length: &&usize| **length <= word.len();
            let Some(length) = LENGTHS.iter().rev().find(fits) else { continue };
            let bytes = word.get(..*length).unwrap_or_default();
            let key = bytes.iter().fold(0, |key, byte| key << 8 | u64::from(*byte));
            let mask = u64::MAX >> (64 - 8 * length);
            cut.push((Word { key, mask, place: 0 }, number));
        }
        cut.sort_unstable_by_key(|(word, number)| (word.mask, word.key, *number));
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut of_ends = END_BYTES.map(|_| Vec::new());
        for same in cut.chunk_by(|(a, _), (b, _)| (a.mask, a.key) == (b.mask, b.key)) {
            let Some((word, _)) = same.first() else { continue };
            let Ok(place) = u32::try_from(owners.len()) else { continue };
            owners.push(same.iter().map(|(_, number)| *number).collect());
            let holds = |bytes: &usize| word.mask <= last_bytes(*bytes);
            let of_end = END_BYTES.iter().position(holds).unwrap_or(END_BYTES.len() - 1);
            if let Some(words) = of_ends.get_mut(of_end) {
                words.push(Word { place, ..*word });
            }
        }
        let mut end_bytes = END_BYTES.into_iter();
        let of_ends = of_ends.map(|words| Words::new(words, end_bytes.next().unwrap_or_default()));
        (Grams { of_ends }, owners)
    }

    /// Reports the place of each word that stands in a text.
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut last = 0u64;
        for byte in text {
            last = last << 8 | u64::from(byte.to_ascii_lowercase());
            for words in &self.of_ends {
                let end = last & words.end_mask;
                if words.ends.contains(end) {
                    words.at(end, last, &mut found);
                }
            }
        }
    }
}

/// So many last bytes of eight.
const fn last_bytes(bytes: usize) -> u64 {
    u64::MAX >> (64 - 8 * bytes)
}

impl Map {
    fn new() -> Map {
        Map(vec![0; 1 << (MAP_BITS - 6)].into_boxed_slice())
    }

    fn insert(&mut self, end: u64) {
        let bit = mixed(end, MAP_BITS);
        if let Some(word) = self.0.get_mut((bit / 64) as usize) {
            *word |= 1 << (bit % 64);
        }
    }

    fn contains(&self, end: u64) -> bool {
        let bit = mixed(end, MAP_BITS);
        self.0.get((bit / 64) as usize).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }
}

impl Words {
    fn new(mut all: Vec<Word>, end_bytes: usize) -> Words {
        let end_mask = last_bytes(end_bytes);
        all.sort_unstable_by_key(|word| (word.key & end_mask, word.mask, word.key));
        let slots = vec![None; (2 * all.len()).next_power_of_two().max(2)].into_boxed_slice();
        let mut words = Words { end_mask, ends: Map::new(), all: Vec::new(), slots };
        for (first, word) in (0u32..).zip(&all) {
            let end = word.key & end_mask;
            if words.first_of(end).is_some() {
                continue;
            }
            let is_free = |at: &usize| words.slots.get(*at).is_some_and(Option::is_none);
            let free = words.places(end).find(is_free);
            if let Some(slot) = free.and_then(|at| words.slots.get_mut(at)) {
                *slot = Some((end, first));
                words.ends.insert(end);
            }
        }
        words.all = all;
        words
    }

    /// The slots in which an end may stand, in order.
    fn places(&self, end: u64) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        let first = usize::try_from(mixed(end, slots.trailing_zeros())).unwrap_or_default();
        (first..slots).chain(0..first)
    }

    fn first_of(&self, end: u64) -> Option<u32> {
        for at in self.places(end) {
            let (known, first) = (*self.slots.get(at)?)?;
            if known == end {
                return Some(first);
            }
        }
        None
    }

    /// Reports the words that have this end and are the last bytes of a text.
    fn at(&self, end: u64, last: u64, found: &mut impl FnMut(usize)) {
        let Some(first) = self.first_of(end) else { return };
        let same_end = self.all.get(first as usize..).unwrap_or_default().iter();
        for word in same_end.take_while(|word| word.key & self.end_mask == end) {
            if last & word.mask == word.key {
                found(word.place as usize);
            }
        }
    }
}

/// Spreads keys over so many bits, with an odd number whose own are mixed: 2 to the 64th over the golden ratio.
fn mixed(key: u64, bits: u32) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<String> {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let (grams, owners) = Grams::new(&bytes);
        let mut found = Vec::new();
        grams.scan(text.as_bytes(), |place| {
            found.extend(owners[place].iter().map(|number| words[*number].to_owned()));
        });
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn words_are_found_by_their_beginnings_in_any_case() {
        let words = ["select", "selection", "or", "'", "union all"];
        assert_eq!(found(&words, "/?a=SELECT"), ["select"]);
        assert_eq!(found(&words, "/?a=it's Union aloft"), ["'", "union all"]);
        assert_eq!(found(&words, "/?a=selecti"), ["select"]);
        assert_eq!(found(&words, "/?a=selectio"), ["select", "selection"]);
        assert_eq!(found(&words, "or"), ["or"]);
        assert_eq!(found(&words, ""), [""; 0]);
    }
}
