//! The stages of the daemon. Each is woken by a nudge or a timer, looks into the store what there is to do, does idempotent work, commits, and sleeps:
//! one path for normal running, for the time after a crash, and for a wake-up that was lost.

pub(crate) mod detect;
pub(crate) mod gauge;
pub(crate) mod intake;
pub(crate) mod judge;
pub(crate) mod publish;
pub(crate) mod tend;

use std::sync::Arc;

use alert::Clock;
use tokio::sync::{Notify, watch};

use crate::desk::handle::DeskHandle;

/// What every stage needs.
#[derive(Clone)]
pub(crate) struct Stage {
    /// The way to the desk.
    pub(crate) desk: DeskHandle,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Becomes true when the daemon is to end.
    pub(crate) shutdown: watch::Receiver<bool>,
    /// There is something to judge.
    pub(crate) judge: Arc<Notify>,
    /// There is something to publish.
    pub(crate) publish: Arc<Notify>,
}

impl Stage {
    /// Sleeps until a nudge, a timer, or the end. Gives false at the end.
    pub(crate) async fn sleep(&mut self, nudge: &Notify, at_most: std::time::Duration) -> bool {
        if *self.shutdown.borrow() {
            return false;
        }
        tokio::select! {
            () = nudge.notified() => true,
            () = tokio::time::sleep(at_most) => true,
            changed = self.shutdown.changed() => changed.is_ok() && !*self.shutdown.borrow(),
        }
    }
}
