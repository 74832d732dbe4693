//! Durable state: everything that must survive, in one SQLite file.
//!
//! A [`Store`] is one connection with one owner. What belongs together is committed together: a batch of alerts with the incidents they
//! joined, the verdicts that are wanted now, the counts, and the place up to which their source was read ([`Batch`]); a verdict with
//! what is to be told to each sink ([`Store::commit_verdict`]). After a call returns, what it wrote survives a crash of the process
//! and of the machine (`synchronous = FULL`); if it fails, nothing of it happened.
//!
//! Other processes may open the same file to read, and to leave a [`Request`]; the daemon applies those.

mod alerts;
mod carry;
mod error;
mod incidents;
mod intake;
mod jobs;
mod list;
mod memory;
mod outbox;
mod people;
mod raw;
mod row;
mod sqlite;
mod standing;
mod upkeep;

pub use alerts::AlertRow;
pub use error::{StoreError, StoreFault};
pub use incidents::{Judged, StepRow};
pub use intake::{Batch, Counts, DeadLetter};
pub use jobs::JobRow;
pub use list::{IncidentFilter, IncidentRow};
pub use outbox::{
    GivingUp, NAMES_MAX, OutboxEntry, OutboxMessage, OutboxTotals, REST_MAX, WHOLE_MESSAGES_MAX,
};
pub use people::{AuditRow, Note, Request};
pub use raw::{Packed, Packer};
pub use sqlite::Store;
pub use standing::{JudgedRow, QueueRow};
pub use upkeep::{Retention, Totals};
