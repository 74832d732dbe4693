//! The values that the rest of Quell speaks in.
//!
//! An [`Alert`] is what a detection engine raised, an [`Incident`] is all the alerts that are one thing, a
//! [`Verdict`] is a checked judgement on an incident at one revision. Everything here is plain data with
//! limits: no clock is read, no file is opened, nothing waits.
//!
//! Text that came from a log line or from a model is [`Untrusted`]: it has no `Display`, and leaves only through
//! one of the doors in [`sanitize`], each made for one kind of reader.
//!
//! ```
//! use alert::{Alert, Limits};
//!
//! let line = br#"{"timestamp":"2026-11-24T14:26:00.003+0000","id":"1795530360.0",
//!   "rule":{"level":5,"id":"31101","description":"client error","groups":["web","accesslog"]},
//!   "agent":{"id":"001","name":"web01"},"manager":{"name":"m"},"data":{"srcip":"203.0.113.9","id":"404"}}"#;
//! let alert = Alert::parse(line, &Limits::default()).expect("a Wazuh alert");
//! assert_eq!(alert.rule.level, 5);
//! assert_eq!(alert.field("data.srcip"), Some("203.0.113.9"));
//! ```

pub mod answer;
pub mod class;
pub mod clock;
pub mod decode;
pub mod detail;
pub mod distinct;
pub mod fields;
pub mod fingerprint;
pub mod id;
pub mod incident;
pub mod mitre;
pub mod parse;
pub mod redact;
#[cfg(feature = "sample")]
pub mod sample;
pub mod sanitize;
pub mod tag;
pub mod untrusted;
pub mod verdict;

pub use class::{Class, Outcome};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use fields::Fields;
pub use fingerprint::Fingerprint;
pub use id::{AlertKey, IncidentId};
pub use incident::Incident;
pub use parse::{Agent, Alert, Limits, Malformed, Rule};
pub use untrusted::Untrusted;
pub use verdict::{Draft, Verdict};
