//! Text that somebody else wrote: a log line, a user name, a model's answer.
//!
//! It has no `Display`, so it can't slip into a log line, a terminal or a prompt by accident. It leaves through the
//! doors below, each of which cleans it for one kind of reader (see [`crate::sanitize`]).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sanitize;

/// Text that came from outside and was not made safe for any reader yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks text as untrusted.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives the text as it came. For matching and for storage, never for showing.
    pub fn as_raw(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens the door to people and prompts: one line without anything that acts or hides, at most
    /// `characters_max` long. What is longer ends in `…`.
    pub fn shown(&self, characters_max: usize) -> String {
        sanitize::shown(&self.0, characters_max)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Untrusted({:?})", sanitize::shown(&self.0, 200))
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
