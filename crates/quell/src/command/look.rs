//! One look at a daemon from outside: its heartbeat and its store, all at one moment. `quell status` prints one, `quell top` one after the other.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use alert::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Counts, JudgedRow, OutboxTotals, QueueRow, Store, StoreError};
use triage::priority::{Deadlines, Severity};
use wazuh::Checkpoint;

use crate::home::{self, Hold};
use crate::stage::tend::{HEARTBEAT, Heartbeat};
use crate::standing::{Delay, ModelStanding, SourceStanding, by_severity};

/// Age of the daemon's word from which on it counts as not running. It speaks twice a second.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How far a followed file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FileLag {
    pub(super) path: String,
    /// Bytes in the file that were not read yet. None where the place is in a file that was rotated away, or there is no file.
    pub(super) behind_bytes: Option<u64>,
}

/// What a look saw.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) at: Timestamp,
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) counts: Counts,
    pub(super) incidents: u64,
    pub(super) model_verdicts: u64,
    pub(super) playbook_verdicts: u64,
    pub(super) queue: Vec<QueueRow>,
    pub(super) outbox: Vec<OutboxTotals>,
    pub(super) files: Vec<FileLag>,
    /// The newest verdicts, the newest first.
    pub(super) judged: Vec<JudgedRow>,
    /// Who has the data directory. A word in the store outlives the daemon that wrote it, the lock does not.
    pub(super) hold: Hold,
}

impl Look {
    /// Looks, with at most `judged_max` verdicts.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(super) fn take(
        store: &Store,
        judged_max: usize,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        store.at_one_moment(|store| {
            let checkpoints = store.checkpoints()?;
            Ok(Self {
                at: now,
                heartbeat: store.meta(HEARTBEAT)?.and_then(|text| serde_json::from_str(&text).ok()),
                counts: store.counts()?,
                incidents: store.incident_count()?,
                model_verdicts: store.counter("model_verdicts")?,
                playbook_verdicts: store.counter("playbook_verdicts")?,
                queue: store.queue(now)?,
                outbox: store.outbox_totals()?,
                files: checkpoints.iter().filter_map(|body| lag(body)).collect(),
                judged: store.judged_last(judged_max)?,
                hold: Hold::Unknown,
            })
        })
    }

    /// Asks the lock who has the data directory.
    pub(super) fn with_lock_of(mut self, data_dir: &Path) -> Self {
        self.hold = home::hold(data_dir);
        self
    }

    /// Tells whether the daemon runs: by its word, unless the lock knows better.
    pub(super) fn runs(&self) -> bool {
        self.hold != Hold::Free
            && self
                .heartbeat
                .as_ref()
                .is_some_and(|beat| !beat.has_ended && self.at.since(beat.at) <= SILENCE_MAX)
    }

    /// Tells whether it is silent and has its data directory all the same: a store that takes nothing takes no word of it either.
    pub(super) fn is_stuck(&self) -> bool {
        let has_ended = self.heartbeat.as_ref().is_none_or(|beat| beat.has_ended);
        self.hold == Hold::Held && !has_ended && !self.runs()
    }

    /// Gives what a daemon that runs says of its models. What a dead one said last is not true any more.
    pub(super) fn models(&self) -> &[ModelStanding] {
        match &self.heartbeat {
            Some(beat) if self.runs() => &beat.bench,
            _ => &[],
        }
    }

    /// Gives what a daemon that runs says of the ways in.
    pub(super) fn sources(&self) -> &[SourceStanding] {
        match &self.heartbeat {
            Some(beat) if self.runs() => &beat.sources,
            _ => &[],
        }
    }

    /// Says how far verdicts are behind.
    pub(super) fn delay(&self, calls_per_minute: u32) -> Delay {
        Delay::of(&self.queue, self.models(), calls_per_minute, self.at)
    }

    /// Gives what is known of the daemon itself, in JSON.
    pub(super) fn daemon_json(&self) -> Value {
        match &self.heartbeat {
            Some(beat) => json!({
                "runs": self.runs(),
                "is_stuck": self.is_stuck(),
                "pid": beat.pid,
                "version": beat.version,
                "started_at": beat.started_at.to_string(),
                "last_word": beat.at.to_string(),
                "models": beat.models,
                "incidents_in_memory": beat.incidents_in_memory,
                "deliveries_waiting": beat.deliveries_waiting,
            }),
            None => json!({ "runs": false, "is_stuck": false }),
        }
    }

    /// Gives what waits for a verdict, in JSON: in all, and by severity with its deadline.
    pub(super) fn queue_json(&self, deadlines: Deadlines) -> Value {
        let jobs: u64 = self.queue.iter().map(|row| row.jobs).sum();
        let oldest = self.queue.iter().map(|row| row.oldest).min();
        let of_one = |(severity, row): (Severity, Option<&QueueRow>)| {
            let count = |field: fn(&QueueRow) -> u64| row.map_or(0, field);
            json!({
                "severity": severity,
                "jobs": count(|row| row.jobs),
                "unjudged": count(|row| row.unjudged),
                "judged_meanwhile": count(|row| row.interim),
                "past_deadline": count(|row| row.overdue),
                "oldest_s": row.map(|row| self.at.since(row.oldest).as_secs()),
                "deadline_s": deadlines.of(severity).as_secs(),
            })
        };
        json!({
            "jobs": jobs,
            "oldest_s": oldest.map(|oldest| self.at.since(oldest).as_secs()),
            "by_severity": by_severity(&self.queue).into_iter().map(of_one).collect::<Vec<_>>(),
        })
    }

    /// Gives the models in JSON.
    pub(super) fn models_json(&self) -> Vec<Value> {
        self.models().iter().map(|model| model_json(model, self.at)).collect()
    }

    /// Gives the ways in, in JSON.
    pub(super) fn sources_json(&self) -> Vec<Value> {
        let one = |source: &SourceStanding| {
            json!({
                "route": source.route,
                "alerts": source.alerts,
                "refused": source.refused,
                "last_at": source.last_at.to_string(),
            })
        };
        self.sources().iter().map(one).collect()
    }

    /// Counts the verdicts.
    pub(super) const fn verdicts(&self) -> u64 {
        self.model_verdicts.saturating_add(self.playbook_verdicts)
    }

    /// Counts what sinks have, and what was not sent yet.
    pub(super) fn messages(&self) -> (u64, u64) {
        let sum = |field: fn(&OutboxTotals) -> u64| self.outbox.iter().map(field).sum();
        (sum(|sink| sink.sent), sum(|sink| sink.waiting))
    }
}

/// Gives a model in JSON, with what follows from its figures.
fn model_json(model: &ModelStanding, now: Timestamp) -> Value {
    let running: Vec<Value> = model
        .running
        .iter()
        .map(|case| {
            json!({
                "incident_id": case.incident_id,
                "actor": alert::sanitize::shown(&case.actor, 60),
                "since": case.since.to_string(),
                "for_s": now.since(case.since).as_secs(),
            })
        })
        .collect();
    json!({
        "name": model.name,
        "model": model.model,
        "state": model.state(now),
        "slots": model.slots,
        "running": running,
        "cases": model.cases,
        "failures": model.failures,
        "last_failure": model.last_failure,
        "rests_s": model.rests_until.map(|until| until.since(now).as_secs()).filter(|rest| *rest > 0),
        "case_ms": model.case_time().map(|time| time.as_millis()),
        "tokens_per_second": model.tokens_per_second().map(|speed| (speed * 10.0).round() / 10.0),
    })
}

fn lag(body: &str) -> Option<FileLag> {
    let place: Checkpoint = serde_json::from_str(body).ok()?;
    let file = std::fs::metadata(&place.source).ok();
    let behind_bytes = file
        .filter(|file| file.ino() == place.inode && file.dev() == place.device)
        .map(|file| file.len().saturating_sub(place.offset));
    Some(FileLag { path: place.source, behind_bytes })
}
