//! What a source hands to the daemon, and what it gets back.
//!
//! A [`Delivery`] carries the bytes of some alerts together with the [`Receipt`] that the daemon completes
//! once they are durable. The types promise that a source can't mistake silence for success: a receipt
//! that is dropped counts as refused. What the alerts mean is left to the daemon.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use tokio::sync::oneshot;

/// How much of a rejected input is kept for the dead letters: enough to recognise where it came from
/// (a Wazuh alert names its rule and agent in the first kilobyte), too little to fill the store.
pub const REJECTED_HEAD_BYTES_MAX: usize = 4096;

/// The way by which an alert came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The `custom-quell` hook, over the daemon's socket.
    Hook,
    /// The tail of Wazuh's `alerts.json`.
    Tail,
    /// A file that the hook left in the spool because nobody answered.
    Spool,
    /// `POST /api/v1/alerts`.
    Http,
    /// A raw log file, before any rule.
    Log,
}

impl Route {
    /// The word used in the store, in logs and as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Tail => "tail",
            Self::Spool => "spool",
            Self::Http => "http",
            Self::Log => "log",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Some alerts from one source, to be committed together.
///
/// `alerts` may be empty: then the delivery only records a position or something rejected.
#[derive(Debug)]
pub struct Delivery {
    /// The way by which the alerts came.
    pub route: Route,
    /// Where exactly, for messages: a file path or a peer address.
    pub source: String,
    /// The bytes of each alert, as they came, without a line end.
    pub alerts: Vec<Vec<u8>>,
    /// What can't be passed on as an alert and belongs with the dead letters.
    pub rejected: Vec<Rejected>,
    /// To be completed once everything above is durable, or refused.
    pub receipt: Receipt,
}

/// Input that a source could not pass on, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The first bytes, at most [`REJECTED_HEAD_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Why it was not passed on, in words for a person.
    pub reason: String,
}

impl Rejected {
    /// Keeps the head of `bytes` and the reason.
    pub fn new(bytes: &[u8], reason: impl Into<String>) -> Self {
        let head = bytes.get(..REJECTED_HEAD_BYTES_MAX).unwrap_or(bytes);
        Self { bytes: head.to_vec(), reason: reason.into() }
    }
}

/// The daemon's answer to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Durable: the source may forget its original.
    Committed,
    /// Not durable, with the reason: the source keeps its original and tries again.
    Refused(String),
}

/// The duty to say what became of a delivery.
///
/// Completing it consumes it, so that one delivery can't have two outcomes.
#[derive(Debug)]
pub struct Receipt {
    /// The position to commit in the same transaction as the alerts.
    ///
    /// Deliveries of one tail must be committed in their order. Once one was refused, those of the same
    /// source and the same [`attempt`](Self::attempt) behind it must be refused too, however late they come: a crash
    /// could otherwise leave a committed position past the refused alerts.
    pub checkpoint: Option<Checkpoint>,
    /// How often the source had gone back to an earlier position when it sent this. What is sent after it heard of a refusal
    /// has a higher number than all that was under way before.
    pub attempt: u64,
    done: Option<oneshot::Sender<Outcome>>,
}

impl Receipt {
    /// A receipt and the end at which the source hears the outcome.
    pub fn new(checkpoint: Option<Checkpoint>) -> (Self, oneshot::Receiver<Outcome>) {
        let (done, outcome) = oneshot::channel();
        (Self { checkpoint, attempt: 0, done: Some(done) }, outcome)
    }

    /// A receipt whose outcome nobody waits for, as in replays and tests.
    pub fn unwatched(checkpoint: Option<Checkpoint>) -> Self {
        Self { checkpoint, attempt: 0, done: None }
    }

    /// The same receipt, for a delivery of this attempt.
    #[must_use]
    pub fn in_attempt(self, attempt: u64) -> Self {
        Self { attempt, ..self }
    }

    /// Tells the source what became of its delivery.
    pub fn complete(self, outcome: Outcome) {
        if let Some(done) = self.done {
            // The source may be gone (an HTTP sender hung up): what is committed stays committed.
            done.send(outcome).ok();
        }
    }
}

/// Waits for the outcome; a receipt that was dropped counts as refused.
pub async fn outcome_of(receiver: oneshot::Receiver<Outcome>) -> Outcome {
    receiver.await.unwrap_or_else(|_| Outcome::Refused("the daemon dropped the receipt".to_owned()))
}

/// How far a file has been read: the position after the last line that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The path of the followed file as configured: the key in the store.
    pub source: String,
    /// Device of the file that was read.
    pub device: u64,
    /// Inode of the file that was read.
    pub inode: u64,
    /// Offset of the first byte that was not delivered yet.
    pub offset: u64,
    /// Length and hash of the file's first bytes, so that a reused inode is recognised.
    pub fingerprint: String,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A life event, such as a rotation.
    Info,
    /// Something is degraded, or was lost.
    Warn,
}

/// Something that a source wants logged. It carries no untrusted text beyond paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// The way in that it concerns.
    pub route: Route,
    /// What happened, and what to try.
    pub message: String,
}

/// Where notices go. Sources run in several tasks, so it is shared; it must not block.
pub type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_receipt_counts_as_refused() {
        let (receipt, outcome) = Receipt::new(None);
        drop(receipt);
        assert!(matches!(outcome_of(outcome).await, Outcome::Refused(_)));
    }

    #[tokio::test]
    async fn a_completed_receipt_reaches_the_source() {
        let (receipt, outcome) = Receipt::new(None);
        receipt.complete(Outcome::Committed);
        assert_eq!(outcome_of(outcome).await, Outcome::Committed);
    }

    #[test]
    fn only_the_head_of_something_rejected_is_kept() {
        let rejected = Rejected::new(&vec![b'x'; 2 * REJECTED_HEAD_BYTES_MAX], "too long");
        assert_eq!(rejected.bytes.len(), REJECTED_HEAD_BYTES_MAX);
        assert_eq!(Rejected::new(b"short", "odd").bytes, b"short");
    }
}
