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

#[cfg(test)]
mod tests {
    use alert::{IncidentId, ManualClock, Timestamp};
    use store::{Batch, OutboxMessage, Store};
    use tokio::sync::{Notify, watch};
    use triage::admit::Gate;
    use triage::policy::Policy;
    use wazuh::output::json_file::JSON_LINE_BYTES_MAX;

    use super::*;
    use crate::desk::handle::DeskHandle;
    use crate::desk::{Desk, DeskSettings};

    #[tokio::test]
    async fn what_a_sink_could_not_take_is_not_overtaken_by_what_it_could() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Timestamp::from_millis(1_795_530_360_000);
        let mut store = Store::open_in_memory().expect("a store");
        let incident = alert::sample::incident(IncidentId::parse("Q-1").expect("an id"), now);
        let batch = Batch { incidents: vec![incident.clone()], ..Batch::default() };
        store.commit_batch(&batch).expect("committed");
        // The first is too long for a line, the second is not.
        for (revision, filler) in [(1, JSON_LINE_BYTES_MAX), (2, 1)] {
            let said = alert::sample::verdict(incident.id.clone(), revision, 5, now);
            let key = format!("Q-1:{revision}");
            let message = OutboxMessage {
                sink: crate::publish::FILE.to_owned(),
                body: format!("{{\"key\":\"{key}\",\"x\":\"{}\"}}", "x".repeat(filler)),
                key,
                incident_id: incident.id.clone(),
            };
            assert!(store.commit_verdict(&said, &[message], None).expect("committed"));
        }
        let gate = Gate::new(Policy::default(), alert::tag::TagKey::new([7; 32]));
        let desk = Desk::new(store, gate, DeskSettings::default(), now);
        let (desk, _thread) = DeskHandle::start(desk).expect("a desk");
        let stage = Stage {
            desk,
            clock: Arc::new(ManualClock::at(now)),
            shutdown: watch::channel(false).1,
            judge: Arc::new(Notify::new()),
            publish: Arc::new(Notify::new()),
        };
        let path = folder.path().join("verdicts.ndjson");
        let mut sink = Sink::file(crate::publish::FILE, path.clone());
        assert!(!publish_some(&stage, &mut sink).await.expect("a desk"));
        assert_eq!(std::fs::read(&path).expect("a file"), b"");
        let waiting = stage.desk.call(move |desk| {
            let later = now.after(PAUSE_FIRST);
            desk.store.outbox(crate::publish::FILE, later, BATCH_MAX)
        });
        let waiting = waiting.await.expect("a desk").expect("read");
        let tries: Vec<u32> = waiting.iter().map(|entry| entry.attempts).collect();
        assert_eq!(tries, [1, 0]);
    }
}
