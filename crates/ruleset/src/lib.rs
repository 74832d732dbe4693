//! Wazuh's rule language: decoders and rules of Wazuh 4.14, run over log lines.

mod alert_json;
mod category;
pub mod condition;
pub mod decoder;
mod diagnostic;
mod event;
pub mod fields;
pub mod lint;
mod logtime;
mod outcome;
pub mod pattern;
pub mod predecode;
mod prefilter;
mod rule;
mod ruleset;
mod session;
mod state;
pub mod testfile;
mod xml;

pub use alert_json::AlertHeader;
pub use diagnostic::{Diagnostic, Place, Severity};
pub use event::Record;
pub use logtime::LogTime;
pub use outcome::{Outcome, TriedRule, TriedVerdict};
pub use ruleset::{DecoderInfo, Loaded, Options, RuleInfo, Ruleset, Source, load};
pub use session::{DATAGRAM_BYTES_MAX, LineReader, ReadLine, Session, SessionOptions};
