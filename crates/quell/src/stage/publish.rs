//! Publish: takes messages that wait for one sink, leaves them sent. One task per sink, in order.
//! Safe to repeat because each message has an idempotency key and an attempt is noted before it is made. Bounded by the batch.

use std::sync::Arc;
use std::time::Duration;

use store::{OutboxEntry, REST_MAX};

use super::Stage;
use crate::event;
use crate::publish::sink::{Attempt, Sink};

/// Messages read at a time.
const BATCH_MAX: usize = 64;

/// How often the outbox is looked at without a nudge.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// First pause after a failure.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// How long a message whose sending was interrupted waits to come back as an alert, which says that Wazuh has it. Wazuh writes alerts
/// once a second.
const CONFIRM_WAIT: Duration = Duration::from_secs(5);

/// Runs until shutdown.
pub(crate) async fn run(mut stage: Stage, mut sink: Sink) -> anyhow::Result<()> {
    let nudge = Arc::clone(&stage.publish);
    if sink.name() == crate::publish::WAZUH && sink.forgets() && is_unsure(&stage, &sink).await? {
        let never = tokio::sync::Notify::new();
        if !stage.sleep(&never, CONFIRM_WAIT).await {
            return Ok(());
        }
    }
    loop {
        while publish_some(&stage, &mut sink).await? {}
        if !stage.sleep(&nudge, LOOK_EVERY).await {
            return Ok(());
        }
    }
}

/// Tells whether an attempt was under way when the process ended before.
async fn is_unsure(stage: &Stage, sink: &Sink) -> anyhow::Result<bool> {
    let (name, now) = (sink.name().to_owned(), stage.clock.now());
    let entries = stage.desk.call(move |desk| desk.store.outbox(&name, now, BATCH_MAX)).await?;
    Ok(entries.is_ok_and(|entries| entries.iter().any(|entry| entry.was_sending)))
}

/// Sends what waits. Gives true if there may be more right away.
pub(crate) async fn publish_some(stage: &Stage, sink: &mut Sink) -> anyhow::Result<bool> {
    let (name, now) = (sink.name().to_owned(), stage.clock.now());
    let entries = match stage.desk.call(move |desk| desk.messages(&name, now, BATCH_MAX)).await? {
        Ok(entries) => entries,
        Err(error) => {
            tracing::error!(
                hint = stage.desk.hint(&error),
                "the outbox could not be read: {error}"
            );
            return Ok(false);
        }
    };
    let is_full = entries.len() == BATCH_MAX;
    for entry in entries {
        if !publish_one(stage, sink, entry).await? {
            return Ok(false);
        }
    }
    Ok(is_full)
}

/// Sends one message. Gives false if the sink or the store can't go on now.
async fn publish_one(stage: &Stage, sink: &mut Sink, entry: OutboxEntry) -> anyhow::Result<bool> {
    let attempt = match entry.was_sending.then(|| sink.settle(&entry)).flatten() {
        Some(attempt) => attempt,
        None => match sink.plan() {
            Ok(place) => {
                let (seq, noted) = (entry.seq, place.clone());
                if let Err(error) = stage
                    .desk
                    .call(move |desk| desk.store.begin_sending(seq, noted.as_deref()))
                    .await?
                {
                    tracing::error!(
                        hint = stage.desk.hint(&error),
                        "an attempt could not be noted, so it is not made: {error}"
                    );
                    return Ok(false);
                }
                sink.send(&entry, place.as_deref()).await
            }
            Err(reason) => Attempt::Failed(reason),
        },
    };
    let seq = entry.seq;
    let goes_on = attempt == Attempt::Sent || matches!(attempt, Attempt::Refused(_));
    let (result, noted) = match attempt {
        Attempt::Sent => ("sent", stage.desk.call(move |desk| desk.store.mark_sent(seq)).await?),
        Attempt::Refused(reason) => {
            tracing::error!(
                sink = sink.name(),
                key = entry.key,
                "a message was refused for good: {reason}"
            );
            ("refused", stage.desk.call(move |desk| desk.store.mark_refused(seq)).await?)
        }
        Attempt::Failed(reason) => {
            let pause = PAUSE_FIRST.saturating_mul(1 << entry.attempts.min(6)).min(REST_MAX);
            tracing::warn!(
                sink = sink.name(),
                retry_s = pause.as_secs(),
                "a message could not be sent: {reason}"
            );
            let not_before = stage.clock.now().after(pause);
            ("failed", stage.desk.call(move |desk| desk.store.mark_failed(seq, not_before)).await?)
        }
    };
    event::message(sink.name(), result);
    if let Err(error) = noted {
        tracing::error!(
            hint = stage.desk.hint(&error),
            "what became of a message could not be noted: {error}"
        );
        return Ok(false);
    }
    Ok(goes_on)
}
