//! The sources: each one ends in the same bounded channel of [`crate::Delivery`] values.
//!
//! A source never waits for a verdict and never decides what an alert is worth. It promises to keep its
//! original until the receipt says committed, to bound what it holds in memory, and to say (as a
//! [`crate::Notice`] or a [`crate::Rejected`]) whatever it could not pass on.

pub mod http;
pub mod journal;
pub mod legacy;
pub mod socket;
pub mod spool;
pub mod tail;

/// The longest alert that any source passes on, in bytes: 1 MiB.
///
/// Wazuh's integratord stops at 65,535 bytes, but alerts.json itself holds longer ones (a correlation
/// alert repeats up to eleven earlier logs). Sixteen times that limit fits every real alert that we have
/// seen, and still keeps a hostile line from costing more than a megabyte of memory.
pub const ALERT_BYTES_MAX: usize = 1024 * 1024;

/// The most alerts in one delivery of most sources. The daemon commits as many deliveries at once as wait, up to a limit of its own.
pub const BATCH_ALERTS_MAX: usize = 256;

/// The most alert bytes in one delivery, apart from the last alert, which may reach past it. With a
/// channel of 64 deliveries, that bounds the waiting bytes at some 128 MiB in the worst case.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Completes when shutdown was asked for, or when nobody is left to ask for it.
///
/// The value is checked first, so a source that starts late still stops.
pub(crate) async fn stopped(shutdown: &mut tokio::sync::watch::Receiver<bool>) {
    // An error means that the sender is gone: the daemon is going down without having said so.
    shutdown.wait_for(|asked| *asked).await.ok();
}

/// Sleeps for `wait`, and says whether the source should go on afterwards.
pub(crate) async fn rest(
    wait: std::time::Duration,
    shutdown: &mut tokio::sync::watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        () = stopped(shutdown) => false,
        () = tokio::time::sleep(wait) => true,
    }
}
