//! A 128-bit name for "the same thing": the key under which alerts fold, and the key of an alert itself.
//!
//! The first 16 bytes of SHA-256 over length-prefixed parts. Collisions would let an attacker hide an attack inside another
//! incident, so a fast non-cryptographic hash is not enough; length prefixes keep `("ab","c")` and `("a","bc")` apart.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// 128 bits that name what was hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Hashes parts, in order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self::from_digest(&hash.finalize())
    }

    /// Hashes bytes that may be no text.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(bytes))
    }

    fn from_digest(digest: &[u8]) -> Self {
        let mut head = [0; 16];
        for (to, from) in head.iter_mut().zip(digest) {
            *to = *from;
        }
        Self(head)
    }

    /// Gives the bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Takes bytes from storage.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Gives 64 of the bits as a number, for sketches and small tables.
    pub fn as_u64(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 32 || !hex.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: an incident that is written down shows its key, and sixteen small pieces cost more than all of its numbers.
        let mut digits = String::with_capacity(2 * self.0.len());
        for byte in self.0 {
            digits.extend([byte >> 4, byte & 15].map(hex_digit));
        }
        formatter.write_str(&digits)
    }
}

/// Gives the digit of a number below 16.
const fn hex_digit(number: u8) -> char {
    match number {
        0..=9 => (b'0' + number) as char,
        _ => (b'a' + number.saturating_sub(10)) as char,
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_eq!(
            Fingerprint::parse(&Fingerprint::of(["x"]).to_string()),
            Some(Fingerprint::of(["x"]))
        );
    }

    #[test]
    fn the_digits_are_those_of_the_bytes() {
        let bytes = *b"\x00\x01\x0f\x10\x7f\x80\x9a\xab\xcd\xef\xff\x12\x34\x56\x78\x90";
        let shown = Fingerprint::from_bytes(bytes).to_string();
        assert_eq!(shown, "00010f107f809aabcdefff1234567890");
    }
}
