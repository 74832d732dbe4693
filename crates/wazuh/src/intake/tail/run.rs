//! Drives a tail: polls, backs off, delivers, and goes back when the daemon refuses.
//!
//! Reading doesn't wait for the commit of the last batch, or two batches of a flood would never share a
//! commit. A few deliveries are under way at a time; when one is refused, the tail waits and reads again
//! from in front of it. Ends on shutdown or when the daemon stops receiving.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

use super::Batch;
use super::Poll;
use super::Tail;
use crate::delivery::Checkpoint;
use crate::delivery::Delivery;
use crate::delivery::Notice;
use crate::delivery::Notify;
use crate::delivery::Outcome;
use crate::delivery::Receipt;
use crate::delivery::Severity;
use crate::delivery::outcome_of;
use crate::intake::rest;
use crate::intake::stopped;

/// The wait after something was read: Wazuh flushes once a second, so more seldom comes sooner.
const POLL_WAIT_MIN: Duration = Duration::from_millis(1);

/// The longest wait in a quiet hour; a quarter of Wazuh's own flush period, so hardly felt.
const POLL_WAIT_MAX: Duration = Duration::from_millis(250);

/// The wait after a refusal. A full store needs a person or retention, neither is a matter of
/// milliseconds; one second keeps the log readable.
const REFUSED_WAIT: Duration = Duration::from_secs(1);

/// Deliveries whose outcome is still open: 4 of 1,024 alerts, or 6 of a megabyte, are the 4,096 alerts of one commit. While one is
/// committed the next waits, another is looked at, and what comes behind is read: with less, the daemon's halves wait for this one.
const UNDER_WAY_MAX: usize = 36;

/// A delivery whose outcome is open, and the position in front of it.
type UnderWay = (Checkpoint, oneshot::Receiver<Outcome>);

/// Follows the file until shutdown. Problems are said through `notify`, and tried again.
///
/// Returns an error only if the tail itself broke, which is a defect in this program.
pub async fn run(
    mut tail: Tail,
    deliveries: mpsc::Sender<Delivery>,
    mut shutdown: watch::Receiver<bool>,
    notify: Notify,
) -> anyhow::Result<()> {
    let mut under_way: VecDeque<UnderWay> = VecDeque::new();
    let mut wait = POLL_WAIT_MIN;
    let mut last_problem = String::new();
    loop {
        if let Some((before, reason)) = refusal(&mut under_way, &mut shutdown).await {
            if *shutdown.borrow() || deliveries.is_closed() {
                return Ok(());
            }
            let message = format!("the daemon refused lines of `{}`: {reason}", before.source);
            notify(Notice { severity: Severity::Warn, route: tail.route(), message });
            under_way.clear();
            tail.rewind(before);
            wait = REFUSED_WAIT;
        } else {
            // Files block, so they are read off the runtime's own threads.
            let (back, polled) = tokio::task::spawn_blocking(move || {
                let polled = tail.poll_once();
                (tail, polled)
            })
            .await
            .map_err(|error| anyhow::anyhow!("the tail of an alert file broke: {error}"))?;
            tail = back;
            tail.take_notices().into_iter().for_each(|notice| notify(notice));
            match polled {
                Ok(Poll::Batch(batch)) => {
                    last_problem.clear();
                    wait = POLL_WAIT_MIN;
                    let (before, delivery, outcome) = delivery_of(&tail, batch);
                    under_way.push_back((before, outcome));
                    tokio::select! {
                        () = stopped(&mut shutdown) => return Ok(()),
                        sent = deliveries.send(delivery) => if sent.is_err() { return Ok(()) },
                    }
                    continue;
                }
                Ok(Poll::More) => wait = POLL_WAIT_MIN,
                Ok(Poll::Idle) => wait = wait.saturating_mul(2).min(POLL_WAIT_MAX),
                Err(problem) => {
                    wait = POLL_WAIT_MAX;
                    let message = problem.to_string();
                    // The same problem four times a second would bury the log.
                    if message != last_problem {
                        last_problem.clone_from(&message);
                        notify(Notice { severity: Severity::Warn, route: tail.route(), message });
                    }
                }
            }
        }
        if !rest(wait, &mut shutdown).await {
            return Ok(());
        }
    }
}

fn delivery_of(tail: &Tail, batch: Batch) -> (Checkpoint, Delivery, oneshot::Receiver<Outcome>) {
    let (receipt, outcome) = Receipt::new(Some(batch.after));
    let delivery = Delivery {
        route: tail.route(),
        source: tail.path().display().to_string(),
        alerts: batch.alerts,
        rejected: batch.rejected,
        receipt: receipt.in_attempt(tail.rewinds()),
    };
    (batch.before, delivery, outcome)
}

/// Forgets what was committed, and gives the first refusal with the position to go back to.
///
/// Waits only while too many deliveries are under way.
async fn refusal(
    under_way: &mut VecDeque<UnderWay>,
    shutdown: &mut watch::Receiver<bool>,
) -> Option<(Checkpoint, String)> {
    while let Some((before, mut receiver)) = under_way.pop_front() {
        let is_full = under_way.len().saturating_add(1) >= UNDER_WAY_MAX;
        let outcome = match receiver.try_recv() {
            Ok(outcome) => outcome,
            Err(oneshot::error::TryRecvError::Empty) if !is_full => {
                under_way.push_front((before, receiver));
                return None;
            }
            // A closed receiver may not be awaited any more.
            Err(oneshot::error::TryRecvError::Closed) => {
                Outcome::Refused("the daemon dropped the receipt".to_owned())
            }
            Err(oneshot::error::TryRecvError::Empty) => tokio::select! {
                () = stopped(shutdown) => Outcome::Refused("shutting down".to_owned()),
                outcome = outcome_of(receiver) => outcome,
            },
        };
        if let Outcome::Refused(reason) = outcome {
            return Some((before, reason));
        }
    }
    None
}
