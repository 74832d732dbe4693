//! Finds beginnings of many words in a short text.
//!
//! A URL is looked through for thousands of words of a few bytes each. A state machine for so many has a table that no near cache
//! holds, and each byte has to wait for the one before. Here words are cut to one of a few lengths; at each byte the last bytes of the text
//! are looked up once for each length, in a map of bits that says nearly always that no such word exists.

/// The lengths to which words are cut. A longer one would tell little more.
const LENGTHS: [usize; 7] = [1, 2, 3, 4, 5, 6, 8];

/// Each length has so many bits, and at most a tenth of them are set for some 3,000 words: 4 KB.
const MAP_BITS: u32 = 15;

/// Words of a few lengths with their numbers.
#[derive(Debug, Default)]
pub(super) struct Grams {
    lengths: Vec<OneLength>,
}

#[derive(Debug)]
struct OneLength {
    /// Which bytes of the last eight belong to a word.
    mask: u64,
    map: Box<[u64]>,
    /// Words, each as a number, with the place of its numbers in `owners`; sorted.
    words: Vec<(u64, u32)>,
}

impl Grams {
    /// Takes words in lower case. The answer has, for each place that [`Grams::scan`] reports, the words that are cut to what stands there.
    pub(super) fn new(words: &[&[u8]]) -> (Grams, Vec<Vec<usize>>) {
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut lengths = Vec::new();
        for (at, length) in LENGTHS.iter().enumerate() {
            let next = LENGTHS.get(at + 1).copied().unwrap_or(usize::MAX);
            let mut keys: Vec<(u64, usize)> = (words.iter().enumerate())
                .filter(|(_, word)| (*length..next).contains(&word.len()))
                .map(|(number, word)| (key(word.get(..*length).unwrap_or_default()), number))
                .collect();
            if keys.is_empty() {
                continue;
            }
            keys.sort_unstable();
            let mut one = OneLength {
                mask: u64::MAX >> (64 - 8 * length),
                map: vec![0; 1 << (MAP_BITS - 6)].into_boxed_slice(),
                words: Vec::new(),
            };
            for same in keys.chunk_by(|(a, _), (b, _)| a == b) {
                let Some((key, _)) = same.first() else { continue };
                let Ok(place) = u32::try_from(owners.len()) else { continue };
                one.words.push((*key, place));
                one.note(*key);
                owners.push(same.iter().map(|(_, number)| *number).collect());
            }
            lengths.push(one);
        }
        (Grams { lengths }, owners)
    }

    /// Reports the place of each word that stands in a text.
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut last = 0u64;
        for byte in text {
            last = last << 8 | u64::from(byte.to_ascii_lowercase());
            for length in &self.lengths {
                if let Some(place) = length.find(last & length.mask) {
                    found(place as usize);
                }
            }
        }
    }
}

impl OneLength {
    fn note(&mut self, key: u64) {
        let bit = bit_of(key);
        if let Some(word) = self.map.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    fn find(&self, key: u64) -> Option<u32> {
        let bit = bit_of(key);
        if self.map.get(bit / 64)? & (1 << (bit % 64)) == 0 {
            return None;
        }
        let at = self.words.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.words.get(at).map(|(_, place)| *place)
    }
}

/// The bytes of a word as a number, the last one lowest.
fn key(word: &[u8]) -> u64 {
    word.iter().fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// Spreads keys over the map: an odd number whose bits are mixed, 2 to the 64th over the golden ratio.
fn bit_of(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - MAP_BITS)) as usize
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
        assert_eq!(found(&words, "/?a=it's Union, a"), ["'", "union all"]);
            assert_eq!(found(&words, "/?a=selecti"), ["select"]);
        assert_eq!(found(&words, "/?a=selectio"), ["select", "selection"]);
        assert_eq!(found(&words, "or"), ["or"]);
        assert_eq!(found(&words, ""), [""; 0]);
    }
}
