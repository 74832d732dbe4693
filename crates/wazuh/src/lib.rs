//! The outside of Quell: how alerts come in, and how verdicts go out.
//!
//! Every source turns what it hears into [`Delivery`] values and pushes them into one bounded channel.
//! The daemon commits a delivery and completes its [`Receipt`]; only then does a source forget the
//! original: the tail's position moves on, the hook's journal segment and the spool file are deleted,
//! and an HTTP sender gets its 202. That is the whole of the promise "an acknowledged alert survives".
//!
//! ```text
//!  custom-quell ──► intake::socket (journal, then `+`) ─┐
//!  custom-quell ──► spool directory ─► intake::spool ───┤
//!  alerts.json ───► intake::tail ───────────────────────┼──► Delivery ──► daemon ──► Receipt
//!  HTTP senders ──► intake::http (202 after commit) ────┘
//!
//!  daemon ──► output::queue_socket (datagram to wazuh-analysisd)
//!         └─► output::json_file    (a file that logcollector reads, exactly once)
//! ```
//!
//! Absences: this crate doesn't parse alerts (their bytes pass through unread, apart from the legacy
//! key='value' file), knows no store and no clock, and starts no programs. Delivery is at least once:
//! after a crash the same alert may come again, and the daemon recognises it by its alert id.

pub mod delivery;
pub mod intake;
pub mod output;

pub use delivery::Checkpoint;
pub use delivery::Delivery;
pub use delivery::Notice;
pub use delivery::Notify;
pub use delivery::Outcome;
pub use delivery::Receipt;
pub use delivery::Rejected;
pub use delivery::Route;
pub use delivery::Severity;
