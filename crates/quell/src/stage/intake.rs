//! Intake: takes deliveries of all sources, leaves alerts folded and incidents asking for verdicts.
//! Safe to repeat because an alert's key is known once it is committed. Bounded by the channel, by 256 alerts and 5 ms per batch.

use std::collections::HashMap;
use std::time::Duration;

use alert::Timestamp;
use tokio::sync::{mpsc, watch};
use wazuh::{Delivery, Outcome, Receipt};

use super::Stage;
use crate::desk::Arrivals;
use crate::event;
use crate::standing::SourceStanding;

/// Alerts committed at once. A flush of the disk takes about 4 ms; 256 alerts share it.
const BATCH_ALERTS_MAX: usize = 256;

/// How long a batch waits for more.
const BATCH_WAIT: Duration = Duration::from_millis(5);

/// How long intake rests after the store refused a batch: a full disk does not get empty within milliseconds.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Runs until every source is gone, or, when the daemon ends, until nothing waits any more.
pub(crate) async fn run(
    mut stage: Stage,
    mut deliveries: mpsc::Receiver<Delivery>,
    word: watch::Sender<Vec<SourceStanding>>,
) -> anyhow::Result<()> {
    let mut refusals = Refusals::default();
    while let Some(first) = next(&mut stage, &mut deliveries).await {
        let batch = gather(first, &mut deliveries).await;
        word.send_modify(|sources| received(sources, &batch, stage.clock.now()));
        let (behind, batch): (Vec<Delivery>, Vec<Delivery>) =
            batch.into_iter().partition(|delivery| refusals.cover(&delivery.receipt));
        word.send_modify(|sources| refused(sources, weights(&behind)));
        refusals.refuse(behind.into_iter().map(|delivery| split(delivery).1), BEHIND);
        if batch.is_empty() {
            continue;
        }
        let weights = weights(&batch);
        let (arrivals, receipts): (Vec<Arrivals>, Vec<(&'static str, Receipt)>) =
            batch.into_iter().map(split).unzip();
        let now = stage.clock.now();
        let taken = stage.desk.call(move |desk| desk.take_in(&arrivals, now)).await?;
        match taken {
            Ok(taken) => {
                event::alerts_taken(&taken.counts, stage.clock.now().since(now));
                receipts.into_iter().for_each(|(_, receipt)| receipt.complete(Outcome::Committed));
                if taken.asks > 0 {
                    stage.judge.notify_one();
                }
            }
            Err(error) => {
                tracing::error!(
                    hint = error.hint(),
                    "alerts could not be stored, their senders keep them: {error}"
                );
                word.send_modify(|sources| refused(sources, weights));
                refusals.refuse(receipts, &error.to_string());
                tokio::time::sleep(REFUSED_PAUSE).await;
                // What waits by now would fail as well, one commit after the other: its senders hear so at once.
                while let Ok(delivery) = deliveries.try_recv() {
                    let late = [delivery];
                    word.send_modify(|sources| {
                        received(sources, &late, stage.clock.now());
                        refused(sources, self::weights(&late));
                    });
                    let [delivery] = late;
                    refusals.refuse([split(delivery).1], BEHIND);
                }
            }
        }
    }
    Ok(())
}

/// Gives how many alerts each delivery holds, with its route.
fn weights(deliveries: &[Delivery]) -> Vec<(&'static str, u64)> {
    let weight = |delivery: &Delivery| (delivery.alerts.len() + delivery.rejected.len()) as u64;
    deliveries.iter().map(|delivery| (delivery.route.as_str(), weight(delivery))).collect()
}

/// Counts what arrived, by route.
fn received(sources: &mut Vec<SourceStanding>, deliveries: &[Delivery], now: Timestamp) {
    // A delivery without alerts only records a place in a file.
    for (route, weight) in weights(deliveries).into_iter().filter(|(_, weight)| *weight > 0) {
        if !sources.iter().any(|source| source.route == route) {
            let route = route.to_owned();
            sources.push(SourceStanding { route, ..SourceStanding::default() });
        }
        if let Some(source) = sources.iter_mut().find(|source| source.route == route) {
            source.alerts = source.alerts.saturating_add(weight);
            source.last_at = now;
        }
    }
}

/// Counts what arrived and was given back.
fn refused(sources: &mut [SourceStanding], weights: Vec<(&'static str, u64)>) {
    for (route, weight) in weights {
        if let Some(source) = sources.iter_mut().find(|source| source.route == route) {
            source.alerts = source.alerts.saturating_sub(weight);
            source.refused = source.refused.saturating_add(weight);
        }
    }
}

/// Gives the next delivery. Sources have ended when the daemon's stages are told to, so what does not wait by then does not come: only a
/// client that hangs may still hold the way in.
async fn next(stage: &mut Stage, deliveries: &mut mpsc::Receiver<Delivery>) -> Option<Delivery> {
    tokio::select! {
        biased;
        delivery = deliveries.recv() => delivery,
        _ = stage.shutdown.wait_for(|end| *end) => deliveries.try_recv().ok(),
    }
}

/// What is said to whatever came behind a refused delivery.
const BEHIND: &str = "the store refused alerts before these";

/// What was refused of sources that remember a place: per source the highest attempt of which something was refused.
///
/// Whatever such a source sent behind a refused delivery must be refused too, or its place would pass the refused alerts. It may
/// come at any time: a source reads on until it hears of the refusal. There are as many entries as followed files.
#[derive(Default)]
struct Refusals {
    attempts: HashMap<String, u64>,
}

impl Refusals {
    /// Tells whether a delivery belongs to an attempt of which something was refused.
    fn cover(&self, receipt: &Receipt) -> bool {
        receipt.checkpoint.as_ref().is_some_and(|checkpoint| {
            self.attempts.get(&checkpoint.source).is_some_and(|refused| receipt.attempt <= *refused)
        })
    }

    /// Refuses deliveries, and with them what their sources send before they go back.
    fn refuse(
        &mut self,
        receipts: impl IntoIterator<Item = (&'static str, Receipt)>,
        reason: &str,
    ) {
        for (route, receipt) in receipts {
            if let Some(checkpoint) = &receipt.checkpoint {
                let refused = self.attempts.entry(checkpoint.source.clone()).or_default();
                *refused = receipt.attempt.max(*refused);
            }
            event::delivery_refused(route);
            receipt.complete(Outcome::Refused(reason.to_owned()));
        }
    }
}

async fn gather(first: Delivery, deliveries: &mut mpsc::Receiver<Delivery>) -> Vec<Delivery> {
    let mut count = first.alerts.len();
    let mut batch = vec![first];
    let deadline = tokio::time::sleep(BATCH_WAIT);
    tokio::pin!(deadline);
    while count < BATCH_ALERTS_MAX {
        tokio::select! {
            biased;
            next = deliveries.recv() => match next {
                Some(delivery) => {
                    count += delivery.alerts.len();
                    batch.push(delivery);
                }
                None => break,
            },
            () = &mut deadline => break,
        }
    }
    batch
}

fn split(delivery: Delivery) -> (Arrivals, (&'static str, Receipt)) {
    let checkpoint = delivery.receipt.checkpoint.as_ref().and_then(|checkpoint| {
        Some((checkpoint.source.clone(), serde_json::to_string(checkpoint).ok()?))
    });
    let arrivals = Arrivals {
        route: delivery.route.as_str().to_owned(),
        alerts: delivery.alerts,
        rejected: delivery
            .rejected
            .into_iter()
            .map(|rejected| (rejected.bytes, rejected.reason))
            .collect(),
        checkpoint,
    };
    (arrivals, (delivery.route.as_str(), delivery.receipt))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alert::ManualClock;
    use rusqlite::Connection;
    use store::Store;
    use tokio::sync::{Notify, oneshot};
    use triage::admit::Gate;
    use triage::policy::Policy;
    use wazuh::{Checkpoint, Route};

    use super::*;
    use crate::desk::handle::DeskHandle;
    use crate::desk::{Desk, DeskSettings};

    const SOURCE: &str = "/var/ossec/logs/alerts/alerts.json";

    /// One alert of the followed file that ends at `offset`.
    fn followed(offset: u64, attempt: u64) -> (Delivery, oneshot::Receiver<Outcome>) {
        let (receipt, outcome) = Receipt::new(Some(Checkpoint {
            source: SOURCE.to_owned(),
            device: 1,
            inode: 1,
            offset,
            fingerprint: "x".to_owned(),
        }));
        let alert = format!(
            r#"{{"id":"9.{offset}","rule":{{"id":"1002","level":5,"description":"x"}},"agent":{{"id":"001","name":"a"}}}}"#
        );
        let delivery = Delivery {
            route: Route::Tail,
            source: SOURCE.to_owned(),
            alerts: vec![alert.into_bytes()],
            rejected: Vec::new(),
            receipt: receipt.in_attempt(attempt),
        };
        (delivery, outcome)
    }

    /// Intake on a store in `folder`, and the way to its desk.
    fn started(
        folder: &std::path::Path,
    ) -> (mpsc::Sender<Delivery>, DeskHandle, watch::Sender<bool>) {
        let now = Timestamp::from_millis(1_795_530_360_000);
        let gate = Gate::new(Policy::default(), alert::tag::TagKey::new([7; 32]));
        let store = Store::open(folder).expect("a store");
        let desk = Desk::new(store, gate, DeskSettings::default(), now);
        let (desk, _) = DeskHandle::start(desk).expect("a desk");
        let (send, deliveries) = mpsc::channel(8);
        let (end, shutdown) = watch::channel(false);
        let stage = Stage {
            desk: desk.clone(),
            clock: Arc::new(ManualClock::at(now)),
            shutdown,
            judge: Arc::new(Notify::new()),
            publish: Arc::new(Notify::new()),
        };
        // Its end is the end of the test's runtime.
        drop(tokio::task::spawn_local(run(stage, deliveries, watch::Sender::new(Vec::new()))));
        (send, desk, end)
    }

    async fn committed_offset(desk: &DeskHandle) -> Option<u64> {
        let read = desk.call(|desk| desk.store.checkpoint(SOURCE)).await.expect("a desk");
        let body = read.expect("a checkpoint")?;
        Some(serde_json::from_str::<Checkpoint>(&body).expect("JSON").offset)
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_behind_a_refusal_does_not_move_the_place_past_it() {
        let local = tokio::task::LocalSet::new();
        local.run_until(late_behind_a_refusal()).await;
    }

    async fn late_behind_a_refusal() {
        let folder = tempfile::tempdir().expect("a folder");
        let (send, desk, _end) = started(folder.path());
        let other = Connection::open(Store::path(folder.path())).expect("a second connection");
        let fault =
            "CREATE TRIGGER fault BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END";
        other.execute_batch(fault).expect("a trigger");
        let (first, refused) = followed(1, 0);
        send.send(first).await.expect("sent");
        assert!(matches!(refused.await, Ok(Outcome::Refused(_))));
        other.execute_batch("DROP TRIGGER fault").expect("mended");

        // The source was reading when it was refused, and is late by more than the pause.
        tokio::time::sleep(REFUSED_PAUSE * 3).await;
        let (late, refused) = followed(2, 0);
        send.send(late).await.expect("sent");
        assert_eq!(refused.await, Ok(Outcome::Refused(BEHIND.to_owned())));
        assert_eq!(committed_offset(&desk).await, None, "the first alert is not stored yet");

        // It has heard of it and went back.
        for offset in [1, 2] {
            let (again, committed) = followed(offset, 1);
            send.send(again).await.expect("sent");
            assert_eq!(committed.await, Ok(Outcome::Committed));
        }
        assert_eq!(committed_offset(&desk).await, Some(2));
    }
}
