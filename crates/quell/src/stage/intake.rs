//! Intake: takes deliveries of all sources, leaves alerts folded and incidents asking for verdicts.
//! Safe to repeat because an alert's key is known once it is committed. Bounded by the channel and by the size of a batch.
//!
//! Two halves work at once, so that more than one core is of use: while the desk folds and commits one batch, the next is gathered and
//! looked at, on several threads. Order is kept throughout, and a batch goes to the desk only when it is known what became of the one
//! before it: what was refused must never be passed by what came behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alert::Timestamp;
use anyhow::Context as _;
use store::Packer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use triage::admit::Gate;
use wazuh::{Delivery, Outcome, Receipt};

use super::Stage;
use crate::desk::Arrivals;
use crate::desk::reception::Received;
use crate::event;
use crate::standing::SourceStanding;

/// Alerts committed at once. A flush of the disk takes some milliseconds, and each incident that changed is written once per batch: under a
/// flood, 4,096 alerts share both. Where less comes, batches are as small as what came.
const BATCH_ALERTS_MAX: usize = 4_096;

/// The same while many of them open incidents: an incident takes several times the memory of its first alert, and is written for itself anyway.
const BATCH_OPENING_MAX: usize = 1_024;

/// Of so many alerts one asks for a verdict where many open incidents.
const OPENING_SHARE: u64 = 4;

/// Bytes of alerts committed at once, apart from the last delivery. With what is read of them, three times as much is in memory, for each of the
/// batches under way.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a batch waits for more.
const BATCH_WAIT: Duration = Duration::from_millis(5);

/// Bytes of alerts that are looked at right here: what takes less time than handing it to another thread and back.
const HERE_BYTES_MAX: usize = 8 * 1024;

/// Alerts whose memory is given back right here, for the same reason.
const HERE_ALERTS_MAX: u64 = 64;

/// Threads that look at one batch. The desk has one too, so more are of use only where there are more cores.
const LOOKERS_MAX: usize = 8;

/// Batches that are looked at at once: the threads that are done with one begin with the next.
const LOOKING_MAX: usize = 2;

/// How long intake rests after the store refused a batch: a full disk does not get empty within milliseconds.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// A delivery whose alerts were looked at.
struct Looked {
    received: Received,
    route: &'static str,
    receipt: Receipt,
    /// What it held.
    weight: u64,
}

/// Deliveries that are committed together.
struct Together {
    deliveries: Vec<Looked>,
    /// When they were gathered.
    now: Timestamp,
    /// They waited when the store refused others, and are refused as well.
    is_refused: bool,
}

/// What the second half lets the first know.
struct Pace {
    /// Set while what waited at a refusal is being refused.
    refusing: AtomicBool,
    /// Alerts that the next batch may hold.
    batch_alerts_max: AtomicUsize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            refusing: AtomicBool::new(false),
            batch_alerts_max: AtomicUsize::new(BATCH_ALERTS_MAX),
        }
    }
}

impl Pace {
    /// Takes note of a batch: of what it took in and how many verdicts it asked for.
    fn note(&self, accepted: u64, asks: u64) {
        let is_opening = asks.saturating_mul(OPENING_SHARE) > accepted;
        let next = if is_opening { BATCH_OPENING_MAX } else { BATCH_ALERTS_MAX };
        self.batch_alerts_max.store(next, Ordering::Relaxed);
    }
}

/// Runs until every source is gone, or, when the daemon ends, until nothing waits any more.
pub(crate) async fn run(
    stage: Stage,
    deliveries: mpsc::Receiver<Delivery>,
    word: watch::Sender<Vec<SourceStanding>>,
) -> anyhow::Result<()> {
    let (pass, batches) = mpsc::channel(1);
    let pace = Pace::default();
    let looking = look(stage.clone(), deliveries, pass, &word, &pace);
    tokio::try_join!(looking, commit(stage, batches, &word, &pace)).map(|_| ())
}

/// The first half: gathers deliveries and looks at their alerts.
async fn look(
    mut stage: Stage,
    mut deliveries: mpsc::Receiver<Delivery>,
    pass: mpsc::Sender<Together>,
    word: &watch::Sender<Vec<SourceStanding>>,
    pace: &Pace,
) -> anyhow::Result<()> {
    let mut looking: VecDeque<Looking> = VecDeque::new();
    let mut has_ended = false;
    loop {
        if deliveries.is_empty() && looking.is_empty() {
            // Nothing waits any more, so what comes next is news.
            pace.refusing.store(false, Ordering::Relaxed);
        }
        let has_room = looking.len() < LOOKING_MAX && !has_ended;
        tokio::select! {
            biased;
            ready = ready(&mut looking), if !looking.is_empty() => {
                // Without a second half there is nobody to take them: their receipts are dropped, which refuses them.
                if pass.send(ready?).await.is_err() {
                    return Ok(());
                }
            }
            first = next(&mut stage, &mut deliveries), if has_room => match first {
                Some(first) => {
                    let alerts_max = pace.batch_alerts_max.load(Ordering::Relaxed);
                    let batch = gather(first, &mut deliveries, alerts_max).await;
                    let now = stage.clock.now();
                    word.send_modify(|sources| {
                        batch.iter().for_each(|delivery| received(sources, delivery, now));
                    });
                    let is_refused = pace.refusing.load(Ordering::Relaxed);
                    looking.push_back(Looking::at(&stage.desk.gate(), batch, now, is_refused));
                }
                None => has_ended = true,
            },
            else => return Ok(()),
        }
    }
}

/// A batch whose alerts are being looked at, in shares, each on a thread of its own.
struct Looking {
    shares: VecDeque<JoinHandle<Vec<Looked>>>,
    ready: Together,
}

impl Looking {
    fn at(gate: &Arc<Gate>, batch: Vec<Delivery>, now: Timestamp, is_refused: bool) -> Self {
        let bytes: usize = batch.iter().map(bytes_of).sum();
        let mut looking = Self {
            shares: VecDeque::new(),
            ready: Together { deliveries: Vec::with_capacity(batch.len()), now, is_refused },
        };
        if is_refused || bytes <= HERE_BYTES_MAX {
            let mut packer = Packer::default();
            let looked = batch
                .into_iter()
                .map(|delivery| looked(gate, &mut packer, delivery, now, is_refused));
            looking.ready.deliveries.extend(looked);
            return looking;
        }
        let lookers = std::thread::available_parallelism().map_or(1, usize::from).min(LOOKERS_MAX);
        let share = bytes.div_ceil(lookers).max(1);
        let mut batch = batch.into_iter().peekable();
        while batch.peek().is_some() {
            let (mut mine, mut taken) = (Vec::new(), 0);
            while taken < share
                && let Some(delivery) = batch.next()
            {
                taken += bytes_of(&delivery);
                mine.push(delivery);
            }
            let gate = Arc::clone(gate);
            looking.shares.push_back(tokio::task::spawn_blocking(move || {
                let mut packer = Packer::default();
                mine.into_iter()
                    .map(|delivery| looked(&gate, &mut packer, delivery, now, false))
                    .collect()
            }));
        }
        looking
    }
}

/// Waits until the first batch was looked at, and gives it. If it is interrupted, it goes on the next time.
async fn ready(looking: &mut VecDeque<Looking>) -> anyhow::Result<Together> {
    if let Some(first) = looking.front_mut() {
        while let Some(share) = first.shares.front_mut() {
            let looked = share.await.context("alerts could not be looked at")?;
            first.shares.pop_front();
            first.ready.deliveries.extend(looked);
        }
    }
    let first = looking.pop_front().context("no batch is being looked at")?;
    Ok(first.ready)
}

fn bytes_of(delivery: &Delivery) -> usize {
    delivery.alerts.iter().map(Vec::len).sum()
}

fn looked(
    gate: &Gate,
    packer: &mut Packer,
    delivery: Delivery,
    now: Timestamp,
    is_refused: bool,
) -> Looked {
    let weight = weight(&delivery);
    let (arrivals, (route, receipt)) = split(delivery);
    let received =
        if is_refused { Received::default() } else { Received::of(gate, packer, arrivals, now) };
    Looked { received, route, receipt, weight }
}

/// The second half: hands batches to the desk, one after the other, and tells their senders what became of them.
async fn commit(
    stage: Stage,
    mut batches: mpsc::Receiver<Together>,
    word: &watch::Sender<Vec<SourceStanding>>,
    pace: &Pace,
) -> anyhow::Result<()> {
    let mut refusals = Refusals::default();
    let mut letting_go: Option<JoinHandle<()>> = None;
    while let Some(Together { deliveries, now, is_refused }) = batches.recv().await {
        let is_refused = is_refused || pace.refusing.load(Ordering::Relaxed);
        let (behind, batch): (Vec<Looked>, Vec<Looked>) = deliveries
            .into_iter()
            .partition(|delivery| is_refused || refusals.cover(&delivery.receipt));
        word.send_modify(|sources| refused(sources, &behind));
        refusals.refuse(behind, BEHIND);
        if batch.is_empty() {
            continue;
        }
        let mut received = Received::default();
        let mut waiting = Vec::with_capacity(batch.len());
        for mut delivery in batch {
            received.extend(std::mem::take(&mut delivery.received));
            waiting.push(delivery);
        }
        match stage.desk.call(move |desk| desk.take_received(received, now)).await? {
            Ok((taken, spent)) => {
                pace.note(taken.counts.accepted, taken.asks as u64);
                event::alerts_taken(&taken.counts, stage.clock.now().since(now));
                waiting
                    .into_iter()
                    .for_each(|delivery| delivery.receipt.complete(Outcome::Committed));
                if taken.asks > 0 {
                    stage.judge.notify_one();
                }
                if let Some(before) = letting_go.take() {
                    // One at a time: their memory is bounded too.
                    before.await.context("a batch could not be let go of")?;
                }
                if taken.counts.accepted > HERE_ALERTS_MAX {
                    letting_go = Some(tokio::task::spawn_blocking(move || drop(spent)));
                }
            }
            Err(error) => {
                tracing::error!(
                    hint = stage.desk.hint(&error),
                    "alerts could not be stored, their senders keep them: {error}"
                );
                word.send_modify(|sources| refused(sources, &waiting));
                refusals.refuse(waiting, &error.to_string());
                tokio::time::sleep(REFUSED_PAUSE).await;
                // What waits by now would fail as well, one commit after the other: its senders hear so at once.
                pace.refusing.store(true, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// Tells how many alerts a delivery holds.
fn weight(delivery: &Delivery) -> u64 {
    (delivery.alerts.len() + delivery.rejected.len()) as u64
}

/// Counts what arrived, by route.
fn received(sources: &mut Vec<SourceStanding>, delivery: &Delivery, now: Timestamp) {
    if weight(delivery) == 0 {
        // It only records a place in a file.
        return;
    }
    let route = delivery.route.as_str();
    if !sources.iter().any(|source| source.route == route) {
        let route = route.to_owned();
        sources.push(SourceStanding { route, ..SourceStanding::default() });
    }
    if let Some(source) = sources.iter_mut().find(|source| source.route == route) {
        source.alerts = source.alerts.saturating_add(weight(delivery));
        source.last_at = now;
    }
}

/// Counts what arrived and was given back.
fn refused(sources: &mut [SourceStanding], deliveries: &[Looked]) {
    for delivery in deliveries {
        if let Some(source) = sources.iter_mut().find(|source| source.route == delivery.route) {
            source.alerts = source.alerts.saturating_sub(delivery.weight);
            source.refused = source.refused.saturating_add(delivery.weight);
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
    fn refuse(&mut self, deliveries: Vec<Looked>, reason: &str) {
        for Looked { route, receipt, .. } in deliveries {
            if let Some(checkpoint) = &receipt.checkpoint {
                let refused = self.attempts.entry(checkpoint.source.clone()).or_default();
                *refused = receipt.attempt.max(*refused);
            }
            event::delivery_refused(route);
            receipt.complete(Outcome::Refused(reason.to_owned()));
        }
    }
}

async fn gather(
    first: Delivery,
    deliveries: &mut mpsc::Receiver<Delivery>,
    alerts_max: usize,
) -> Vec<Delivery> {
    let (mut count, mut bytes) = (first.alerts.len(), bytes_of(&first));
    let mut batch = vec![first];
    let deadline = tokio::time::sleep(BATCH_WAIT);
    tokio::pin!(deadline);
    while count < alerts_max && bytes < BATCH_BYTES_MAX {
        tokio::select! {
            biased;
            next = deliveries.recv() => match next {
                Some(delivery) => {
                    count += delivery.alerts.len();
                    bytes += bytes_of(&delivery);
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
    use alert::ManualClock;
    use rusqlite::Connection;
    use store::Store;
    use tokio::sync::{Notify, oneshot};
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

    #[test]
    fn batches_are_small_while_many_alerts_open_incidents_and_only_then() {
        let pace = Pace::default();
        let next = |accepted, asks| {
            pace.note(accepted, asks);
            pace.batch_alerts_max.load(Ordering::Relaxed)
        };
        assert_eq!(next(4_096, 4_000), BATCH_OPENING_MAX);
        assert_eq!(next(1_024, 300), BATCH_OPENING_MAX);
        assert_eq!(next(1_024, 200), BATCH_ALERTS_MAX);
        assert_eq!(next(0, 0), BATCH_ALERTS_MAX, "a batch of repeats opens nothing");
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
