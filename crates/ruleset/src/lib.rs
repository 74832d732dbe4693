//! Wazuh's rule language: decoders and rules of Wazuh 4.14, run over log lines.

mod alert_json;
mod category;
pub mod condition;
mod decoder;
mod diagnostic;
mod event;
mod fields;
pub mod lint;
mod outcome;
pub mod pattern;
mod predecode;
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
pub use outcome::Outcome;
pub use ruleset::{DecoderInfo, Loaded, Options, RuleInfo, Ruleset, Source, load};
pub use session::{DATAGRAM_BYTES_MAX, Session, SessionOptions};
