//! How many steps PCRE2 takes for a pattern on a text, told by the limit that stops it. The same on every machine.
//!
//! PCRE2 counts steps against its match limit, but starts anew for each place at which a match may begin: a pattern that looks
//! through the whole text from each place never hits it, and takes quadratic time. So the pattern is put behind `\A(?s:.*?)`, which
//! tries the same places one after the other within one count. Optimizations are off that skip work only while a sign is missing
//! which an attacker can add (start optimizations), and repeats don't become possessive, because a possessive repeat scans without
//! counting. A repeat that is possessive in the pattern itself still does; the measured time is there for those.

use pcre2::bytes::{Regex, RegexBuilder};

use super::hostile::Hostile;

/// The two lengths whose steps are compared. The short one is longer than any bounded repeat should be. Eight times as long is
/// enough to tell a square, and costs a hundredth of what a real long line would with a bad pattern.
const SHORT_BYTES: usize = 512;
const LONG_BYTES: usize = 4096;

/// By what factor steps may grow beyond the length: the limit is found in doublings, so a linear pattern may seem to take up to
/// twice its steps, and a quadratic one takes at least four times as many.
const GROWTH_SLACK: u64 = 2;

/// Limits are powers of two. The least is two steps for each byte, below which no pattern is interesting.
const EXPONENT_MIN: u32 = 10;

/// The most steps that a short text may take: 2,048 for each byte, 8 million for a request of 4 KiB.
const EXPONENT_MAX: u32 = 20;

/// The same for each byte.
pub(crate) const STEPS_PER_BYTE_MAX: u64 = 1 << (EXPONENT_MAX - SHORT_BYTES.ilog2());

/// Memory that one match may take, in KiB: 8 KiB of text with a few nested groups for each byte stay far below.
const HEAP_KIB: u32 = 262_144;

/// A pattern, compiled with each limit that was needed.
pub(crate) struct Counter {
    source: String,
    by_exponent: Vec<Option<Regex>>,
}

/// How many steps for each byte an exponent stands for.
pub(crate) fn per_byte(exponent: u32) -> u64 {
    (1 << exponent) / SHORT_BYTES as u64
}

impl Counter {
    pub(crate) fn new(pattern: &[u8]) -> Counter {
        let none = (0..64).map(|_| None).collect();
        Counter { source: as_text(pattern), by_exponent: none }
    }

    /// Finds how many steps a short text takes, as a power of two; nothing when they are too many. Fails when the pattern can't be
    /// compiled in this form.
    pub(crate) fn short(&mut self, hostile: &Hostile) -> anyhow::Result<Option<u32>> {
        let text = hostile.text(SHORT_BYTES);
        for exponent in EXPONENT_MIN..=EXPONENT_MAX {
            if self.is_done_within(exponent, &text)? {
                return Ok(Some(exponent));
            }
        }
        Ok(None)
    }

    /// Says whether a long text takes about as many times the steps as it is longer.
    pub(crate) fn is_linear(&mut self, hostile: &Hostile, short: u32) -> anyhow::Result<bool> {
        let times = LONG_BYTES as u64 / SHORT_BYTES as u64 * GROWTH_SLACK;
        self.is_done_within(short + times.ilog2(), &hostile.text(LONG_BYTES))
    }

    /// Says whether a match, or that there is none, is found within two to the power of `exponent` steps.
    fn is_done_within(&mut self, exponent: u32, text: &[u8]) -> anyhow::Result<bool> {
        let source = format!(
            "(*NO_AUTO_POSSESS)(*NO_START_OPT)(*LIMIT_MATCH={})(*LIMIT_HEAP={HEAP_KIB})\\A(?s:.*?)(?:{})",
            1u64 << exponent,
            self.source
        );
        let Some(slot) = self.by_exponent.get_mut(exponent as usize) else { return Ok(false) };
        let regex = match slot {
            Some(regex) => regex,
            None => slot.insert(RegexBuilder::new().build(&source)?),
        };
        Ok(regex.is_match(text).is_ok())
    }
}

/// Spells bytes that are no UTF-8 as escapes: the library's binding takes only text.
fn as_text(pattern: &[u8]) -> String {
    let spelled = |chunk: std::str::Utf8Chunk<'_>| {
        let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        chunk.valid().to_owned() + &bytes.collect::<String>()
    };
    pattern.utf8_chunks().map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pattern: &str, hostile: &Hostile) -> Option<u64> {
        let mut counter = Counter::new(pattern.as_bytes());
        let short = counter.short(hostile).unwrap()?;
        counter.is_linear(hostile, short).unwrap().then(|| per_byte(short))
    }

    fn is_linear(pattern: &str, unit: &str) -> bool {
        steps(pattern, &Hostile::new("", unit)).is_some()
    }

    #[test]
    fn a_plain_pattern_is_linear() {
        assert!(is_linear("(?i)union(?:%20|\\+|\\s){1,8}select", "union "));
        assert!(is_linear("^/[a-z]+/[a-z]+$", "a"));
        assert!(is_linear("'.{0,40}or", "'"));
        assert!(is_linear("a|b|c", "d"));
    }

    #[test]
    fn a_pattern_that_asks_for_the_end_does_not_match_the_short_text_alone() {
        // Cut anywhere, one length would end with a whole unit and the other not.
        let hostile = Hostile::new(";", "/.dockercfg");
        assert!(steps("^[^?]*/(?:\\.env|\\.dockercfg|\\.npmrc)$", &hostile).is_some());
    }

    #[test]
    fn nested_repeats_are_super_linear() {
        assert!(!is_linear("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaab"));
        assert!(!is_linear("(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
    }

    #[test]
    fn a_search_to_the_end_from_each_place_is_super_linear() {
        assert!(!is_linear("'.*or", "'"));
        assert!(!is_linear("select.*from", "select"));
        // The library makes this repeat possessive, which hides its steps but not its time.
        assert!(!is_linear("\\s*union", " "));
        // One place to begin at: every sign is looked at twice.
        assert!(is_linear("^'.*or", "'"));
    }

    #[test]
    fn a_wider_repeat_takes_more_steps() {
        let steps = |pattern| steps(pattern, &Hostile::new("", "'")).unwrap();
        assert!(steps("'.{0,8}x") < steps("'.{0,100}x"));
        assert!(steps("'.{0,100}x") <= 256);
    }

    #[test]
    fn bytes_that_are_no_text_are_spelled_out() {
        assert_eq!(as_text(b"a\xe9b\xff"), "a\\xe9b\\xff");
        assert!(Counter::new(b"(*UTF)a").short(&Hostile::new("", "a")).is_err());
    }
}
