//! Names of things: an alert's identity, an incident's name.
//!
//! Both are derived from content, never drawn at random, so that the same input gives the same names in a test, in a
//! replay and after a crash.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Timestamp};

/// The identity of an alert: two deliveries with one key are one alert, whatever route they took.
///
/// The time says nothing that the hash doesn't: it is that of the alert itself, never that of an arrival, so every copy has the same. It is
/// here so that a store can keep alerts of one time together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey {
    /// When the alert says it was raised; the epoch where it doesn't.
    pub time: Timestamp,
    /// The hash of what makes it this alert.
    pub hash: Fingerprint,
}

/// The name of an incident, as people read and type it: `Q-20261124-142600-7f3a9c12e4`.
///
/// Begins with the time of the first alert in UTC, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// Derives the name from the fold key and the alert that opened the incident.
    pub fn derive(first_seen: Timestamp, fingerprint: Fingerprint, opened_by: AlertKey) -> Self {
        let hash = Fingerprint::of([fingerprint.to_string().as_str(), &opened_by.hash.to_string()]);
        let time: String =
            first_seen.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
        let (day, clock) = time.split_at_checked(8).unwrap_or((time.as_str(), "000000"));
        Self(format!("Q-{day}-{clock}-{:010x}", hash.as_u64() >> 24))
    }

    /// Takes a name that a person typed or a store held. Any short printable word passes: it only selects a row.
    pub fn parse(text: &str) -> Option<Self> {
        let plain =
            text.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
        (plain && (1..=64).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_named_after_its_first_second() {
        let time = Timestamp::parse("2026-11-24T14:26:00.003+0000").expect("a time");
        let opened_by = AlertKey { time, hash: Fingerprint::of(["b"]) };
        let id = IncidentId::derive(time, Fingerprint::of(["a"]), opened_by);
        assert!(id.as_str().starts_with("Q-20261124-142600-"), "{id}");
        assert_eq!(IncidentId::parse("'; drop"), None);
    }
}
