//! Sees journaled alerts through to their commit, however often the daemon refuses them.
//!
//! The alerts' bytes are not held meanwhile: they are read back from the journal when they are needed
//! again, so a full store costs disk and not memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::sync::watch;

use super::Shared;
use crate::delivery::Delivery;
use crate::delivery::Outcome;
use crate::delivery::Receipt;
use crate::delivery::Route;
use crate::delivery::outcome_of;
use crate::intake::journal::RecordSet;
use crate::intake::legacy;
use crate::intake::rest;
use crate::intake::stopped;

/// The wait before a refused alert is delivered again. A full store needs a person or retention.
const REFUSED_WAIT: Duration = Duration::from_secs(5);

/// Makes a delivery of what hooks sent; legacy alert files become JSON here.
pub(super) fn delivery_of(bodies: Vec<Vec<u8>>) -> (Delivery, oneshot::Receiver<Outcome>) {
    let (receipt, outcome) = Receipt::new(None);
    let alerts = bodies.into_iter().map(to_alert).collect();
    let source = "custom-quell".to_owned();
    (Delivery { route: Route::Hook, source, alerts, rejected: Vec::new(), receipt }, outcome)
}

/// The hook sends the alert file as it is: one line of JSON and its line end, or the legacy form.
pub(in crate::intake) fn to_alert(mut body: Vec<u8>) -> Vec<u8> {
    if let Some(json) = legacy::to_json(&body) {
        return json;
    }
    body.truncate(body.trim_ascii_end().len());
    body
}

/// Delivers alerts that are only in the journal, and sees them through.
pub(super) async fn redeliver(
    shared: Arc<Shared>,
    set: RecordSet,
    mut shutdown: watch::Receiver<bool>,
) {
    if let Some(outcome) = send_again(&shared, &set, &mut shutdown).await {
        see_through(shared, set, outcome, shutdown).await;
    }
}

/// Waits for the outcome; delivers again what was refused, until it is committed or shutdown comes.
///
/// After shutdown it still waits for the outcome that is open, but sends nothing any more.
pub(super) async fn see_through(
    shared: Arc<Shared>,
    set: RecordSet,
    mut outcome: oneshot::Receiver<Outcome>,
    mut shutdown: watch::Receiver<bool>,
) {
    loop {
        match outcome_of(outcome).await {
            Outcome::Committed => break,
            Outcome::Refused(reason) => {
                shared
                    .warn(format!("the daemon refused {} alerts of the hook: {reason}", set.len()));
            }
        }
        if !rest(REFUSED_WAIT, &mut shutdown).await {
            return;
        }
        match send_again(&shared, &set, &mut shutdown).await {
            Some(next) => outcome = next,
            None => return,
        }
    }
    if let Err(error) = shared.with_journal(|journal| journal.settle(&set)) {
        // Harmless: the records come again at the next start, and their ids are known.
        shared.warn(format!("could not clear the hook's journal: {error}"));
    }
}

/// Reads the alerts back and sends them; `None` on shutdown or when they can't be read.
async fn send_again(
    shared: &Arc<Shared>,
    set: &RecordSet,
    shutdown: &mut watch::Receiver<bool>,
) -> Option<oneshot::Receiver<Outcome>> {
    // Room first: while there is none, the alerts should stay on disk.
    let room = tokio::select! {
        () = stopped(shutdown) => return None,
        room = shared.deliveries.reserve() => room.ok()?,
    };
    let bodies = {
        let (shared, set) = (Arc::clone(shared), set.clone());
        tokio::task::spawn_blocking(move || shared.with_journal(|journal| journal.read(&set))).await
    };
    match bodies {
        Ok(Ok(bodies)) => {
            let (delivery, outcome) = delivery_of(bodies);
            room.send(delivery);
            Some(outcome)
        }
        Ok(Err(error)) => {
            shared.warn(format!("could not read the hook's journal: {error}"));
            None
        }
        Err(error) => {
            shared.warn(format!("reading the hook's journal broke: {error}"));
            None
        }
    }
}
