//! Chance that can be repeated: the same seed, the same run.

/// A small generator (xorshift). Good enough to mix a stream, and the same on every machine.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        // A state of zero would stay zero, and neighbouring seeds must not begin alike.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Draws a number below `end`, which must be more than 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }

    /// Tells whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a million has far fewer than 52 bits")]
        let drawn = self.below(1_000_000) as f64 / 1_000_000.0;
        drawn < probability
    }

    /// Draws one of a list.
    pub(super) fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T], otherwise: &'a T) -> &'a T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        all.get(at).copied().unwrap_or(otherwise)
    }
}
