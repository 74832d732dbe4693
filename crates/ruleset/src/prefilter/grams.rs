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

/// How many low bits of a byte tell it in the map of pairs. Letters differ in them, and so do digits.
const PAIR_BITS: u32 = 6;

/// How many bits a map has: 8 KB. Of the last at most a tenth are set for some 6,000 words.
const MAP_BITS: u32 = 16;

/// Words of a few lengths with their numbers.
#[derive(Debug)]
pub(super) struct Grams {
    /// For each two bytes, as far as [`PAIR_BITS`] tell them: one bit for each of the [`END_BYTES`], if such a word ends with them.
    pairs: Box<[u8]>,
    /// Those that are found by each of the [`END_BYTES`].
    of_ends: [Words; END_BYTES.len()],
}

/// Words that are found by so many last bytes.
#[derive(Debug)]
struct Words {
    end_mask: u64,
    /// Which ends there are, mixed.
    ends: Map,
    /// In the order of their ends, mixed to so few bits that each number has about one word.
    all: Vec<Word>,
    /// How many bits these are.
    bits: u32,
    /// For each number, the first of its words.
    first: Box<[u32]>,
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
        let pairs = pairs_of(&of_ends);
        let mut end_bytes = END_BYTES.into_iter();
        let of_ends = of_ends.map(|words| Words::new(words, end_bytes.next().unwrap_or_default()));
        (Grams { pairs, of_ends }, owners)
    }

    /// Reports the place of each word that stands in a text.
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut last = 0u64;
        for byte in text {
            last = last << 8 | u64::from(byte.to_ascii_lowercase());
            let mut may_end = self.pairs.get(pair(last)).copied().unwrap_or_default();
            while may_end != 0 {
                let Some(words) = self.of_ends.get(may_end.trailing_zeros() as usize) else {
                    break;
                };
                may_end &= may_end - 1;
                let end = last & words.end_mask;
                if words.ends.contains(end) {
                    words.at(end, last, &mut found);
                }
            }
        }
    }
}

/// Where the last two bytes stand in the map of pairs.
fn pair(last: u64) -> usize {
    const LOW: u64 = (1 << PAIR_BITS) - 1;
    usize::try_from((last >> 8 & LOW) << PAIR_BITS | last & LOW).unwrap_or(0)
}

/// Notes with which pairs of bytes the words of each kind end.
fn pairs_of(of_ends: &[Vec<Word>; END_BYTES.len()]) -> Box<[u8]> {
    let mut pairs = vec![0u8; 1 << (2 * PAIR_BITS)];
    for (kind, words) in of_ends.iter().enumerate() {
        for word in words {
            // Before a word of one byte anything may stand.
            let befores = if word.mask > last_bytes(1) { 0..1 } else { 0..1 << PAIR_BITS };
            for before in befores {
                if let Some(kinds) = pairs.get_mut(pair(word.key | before << 8)) {
                    *kinds |= 1 << kind;
                }
            }
        }
    }
    pairs.into_boxed_slice()
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
        let bits = all.len().next_power_of_two().trailing_zeros().max(1);
        let number = |word: &Word| mixed(word.key & end_mask, bits);
        all.sort_unstable_by_key(|word| (number(word), word.mask, word.key));
        let mut ends = Map::new();
        all.iter().for_each(|word| ends.insert(word.key & end_mask));
        let first = (0..=1u64 << bits).map(|of| {
            u32::try_from(all.partition_point(|word| number(word) < of)).unwrap_or(u32::MAX)
        });
        let first = first.collect();
        Words { end_mask, ends, all, bits, first }
    }

    /// Reports the words that have this end and are the last bytes of a text.
    fn at(&self, end: u64, last: u64, found: &mut impl FnMut(usize)) {
        let Ok(number) = usize::try_from(mixed(end, self.bits)) else { return };
        let Some([from, to]) = self.first.get(number..number + 2) else { return };
        for word in self.all.get(*from as usize..*to as usize).unwrap_or_default() {
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
