//! The keyed mark on Quell's own output, by which it is known when it comes back as an alert.
//!
//! An HMAC-SHA-256 (RFC 2104) over every text of the published `quell` object but the tag itself, in the order of their paths, so
//! that it survives what a manager does to an event: keys re-ordered, numbers turned into texts, the object moved under `data`.
//! Whoever doesn't have the key can't make text that Quell takes for its own, and a genuine mark can't be moved to other text.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The key of one installation. Read from the data directory at start.
#[derive(Clone)]
pub struct TagKey([u8; 32]);

impl std::fmt::Debug for TagKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TagKey(secret)")
    }
}

impl TagKey {
    /// Takes 32 secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Computes the tag over `path = text` pairs, whatever order they come in. Pairs named `tag` are left out.
    pub fn sign<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut pairs: Vec<(&str, &str)> =
            pairs.into_iter().filter(|(path, _)| *path != "tag").collect();
        // A stable sort: the elements of one array share a path and keep their order.
        pairs.sort_by_key(|(path, _)| *path);
        // `new_from_slice` fails for no length of key with HMAC; an empty tag verifies nothing, so failing closed is safe.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        for (path, text) in pairs {
            for part in [path, text] {
                mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                mac.update(part.as_bytes());
            }
        }
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells whether `tag` is the one over these pairs, in constant time.
    pub fn verify<'a>(
        &self,
        tag: &str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> bool {
        let expected = self.sign(pairs);
        !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(tag.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_survives_reordering_and_nothing_else() {
        let key = TagKey::new([7; 32]);
        let tag = key.sign([("title", "a"), ("level", "7")]);
        assert!(key.verify(&tag, [("level", "7"), ("tag", tag.as_str()), ("title", "a")]));
        assert!(!key.verify(&tag, [("level", "0"), ("title", "a")]));
        assert!(!key.verify(&tag, [("level", "7"), ("title", "a"), ("extra", "x")]));
        assert!(!TagKey::new([8; 32]).verify(&tag, [("level", "7"), ("title", "a")]));
        assert!(!key.verify("", [("level", "7")]));
    }
}
