//! How many different things were seen, in 256 bytes.
//!
//! A HyperLogLog sketch (Flajolet et al., 2007) with 256 registers: about 6.5 % error, exact enough to tell 5 paths from
//! 13,000, and small enough to live in every incident.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of registers. 256 gives a standard error of 1.04 / sqrt(256) = 6.5 %.
const REGISTERS: usize = 256;

/// A counter of different things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distinct(Vec<u8>);

impl Distinct {
    /// Notes a thing by 64 bits of its hash. Gives true if the estimate may have changed.
    pub fn insert(&mut self, hash: u64) -> bool {
        if self.0.is_empty() {
            self.0 = vec![0; REGISTERS];
        }
        let index = usize::from(hash.to_le_bytes().first().copied().unwrap_or(0));
        let rank = u8::try_from((hash >> 8).trailing_zeros().min(55) + 1).unwrap_or(u8::MAX);
        match self.0.get_mut(index) {
            Some(register) if *register < rank => {
                *register = rank;
                true
            }
            _ => false,
        }
    }

    /// Estimates how many different things were noted.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the estimate is positive and far below 2^63: ranks end at 56"
    )]
    pub fn estimate(&self) -> u64 {
        if self.0.is_empty() {
            return 0;
        }
        let registers = REGISTERS as f64;
        let sum: f64 = self.0.iter().map(|rank| 2_f64.powi(-i32::from(*rank))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty = self.0.iter().filter(|rank| **rank == 0).count();
        let estimate = if raw <= 2.5 * registers && empty > 0 {
            registers * (registers / empty as f64).ln()
        } else {
            raw
        };
        estimate.round() as u64
    }
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Ranks end at 56, so each is one printable character: `0` is rank 0.
        let text: String = self.0.iter().map(|rank| char::from(b'0' + rank.min(&60))).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.is_empty() && text.len() != REGISTERS {
            return Err(serde::de::Error::custom("a sketch has 256 registers"));
        }
        Ok(Self(text.bytes().map(|byte| byte.saturating_sub(b'0').min(60)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fingerprint;

    fn count(number: u64) -> u64 {
        let mut distinct = Distinct::default();
        for n in 0..number {
            distinct.insert(Fingerprint::of([n.to_string().as_str()]).as_u64());
        }
        distinct.estimate()
    }

    #[test]
    fn small_numbers_are_nearly_exact_and_large_ones_near() {
        assert_eq!(count(0), 0);
        assert_eq!(count(1), 1);
        assert!((18..=22).contains(&count(20)), "{}", count(20));
        assert!((11_000..=15_000).contains(&count(13_000)), "{}", count(13_000));
    }

    #[test]
    fn a_sketch_survives_storage() {
        let mut distinct = Distinct::default();
        (0..1000).for_each(|n: u64| {
            distinct.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        });
        let text = serde_json::to_string(&distinct).expect("serialises");
        assert_eq!(serde_json::from_str::<Distinct>(&text).expect("reads"), distinct);
    }
}
