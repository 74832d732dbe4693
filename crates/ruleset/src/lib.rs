//! Wazuh's rule language: decoders and rules of Wazuh 4.14, run over log lines as the manager runs them, without one.
//!
//! A [`Source`] holds the texts of decoders, rules and lists; [`load`] makes a [`Ruleset`] of them, with all that real Wazuh would say
//! about the files; a [`Session`] takes events one after the other and gives an [`Outcome`] for each: its decoder and fields, the rule
//! that applies, and the alert as `alerts.json` has it. The crate does no I/O and knows no clock: texts and times are given to it.
//!
//! ```
//! use std::sync::Arc;
//!
//! let mut source = ruleset::Source::default();
//! source.add_decoders("gate.xml", r#"
//!     <decoder name="gate"><prematch>^gate: </prematch></decoder>
//!     <decoder name="gate-program"><program_name>^gated$</program_name></decoder>
//!     <decoder name="gate-fields">
//!       <parent>gate</parent>
//!       <regex offset="after_parent">^(\w+) refused from (\S+)</regex>
//!       <order>user, srcip</order>
//!     </decoder>"#);
//! source.add_rules("gate.xml", r#"
//!     <group name="gate,">
//!       <rule id="1" level="0" noalert="1"><category>syslog</category><description>All.</description></rule>
//!       <rule id="100100" level="5">
//!         <decoded_as>gate</decoded_as>
//!         <description>$(dstuser) was refused.</description>
//!       </rule>
//!       <rule id="100101" level="10" frequency="3" timeframe="60">
//!         <if_matched_sid>100100</if_matched_sid>
//!         <same_srcip />
//!         <description>Refused again and again.</description>
//!       </rule>
//!     </group>"#);
//! let loaded = ruleset::load(&source, &ruleset::Options::default());
//! assert!(loaded.diagnostics.is_empty());
//! let rules = loaded.ruleset.ok_or("Wazuh would refuse these files")?;
//!
//! let mut session = ruleset::Session::new(Arc::clone(&rules), ruleset::SessionOptions::default());
//! let mut ids = Vec::new();
//! for time in [0, 20, 40] {
//!     let log = b"gate: eve refused from 10.0.0.7";
//!     let outcome = session.process(&ruleset::Record { time, location: b"/var/log/gate", log });
//!     ids.extend(outcome.rule().map(|rule| rule.id));
//! }
//! assert_eq!(ids, [100100, 100100, 100101]);
//! # Ok::<(), &str>(())
//! ```
//!
//! # How faithful it is
//!
//! What each part does follows from recordings of the real engine; `cargo xtask conformance` compares. Where the original has a defect that
//! rules may depend on (a list look-up whose answer is inverted, a mute list that never works), the result is the original's, and
//! [`lint`] says so. Where the original would hang, this doesn't.
//!
//! # How fast, and how bounded
//!
//! One pass over a line tells which decoders and rules can't match ([`pattern::Pattern::required_literals`]); correlation looks only at
//! events that are alike. Every pattern has a limit of work, every memory a limit of size, with a comment at its constant.

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
pub use ruleset::{DecoderInfo, Loaded, Options, PatternInfo, RuleInfo, Ruleset, Source, load};
pub use session::{DATAGRAM_BYTES_MAX, LineReader, ReadLine, Session, SessionOptions};
