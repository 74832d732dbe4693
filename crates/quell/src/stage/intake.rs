//! Intake: takes deliveries of all sources, leaves alerts folded and incidents asking for verdicts.
//! Safe to repeat because an alert's key is known once it is committed. Bounded by the channel, by 256 alerts and 5 ms per batch.

use std::time::Duration;

use tokio::sync::mpsc;
use wazuh::{Delivery, Outcome, Receipt};

use super::Stage;
use crate::desk::Arrivals;
use crate::event;

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
) -> anyhow::Result<()> {
    while let Some(first) = next(&mut stage, &mut deliveries).await {
        let batch = gather(first, &mut deliveries).await;
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
                refuse(receipts, &error.to_string());
                // Whatever a source sent behind a refused delivery must be refused too, or its place would pass the refused alerts.
                tokio::time::sleep(REFUSED_PAUSE).await;
                while let Ok(delivery) = deliveries.try_recv() {
                    let (_, receipt) = split(delivery);
                    refuse(vec![receipt], "the store refused alerts before these");
                }
            }
        }
    }
    Ok(())
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

fn refuse(receipts: Vec<(&'static str, Receipt)>, reason: &str) {
    for (route, receipt) in receipts {
        event::delivery_refused(route);
        receipt.complete(Outcome::Refused(reason.to_owned()));
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
