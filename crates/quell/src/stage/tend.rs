//! Tend: applies what people asked for, lets incidents rest, keeps the store in bounds, and says how things stand.
//! Safe to repeat because each step looks at the store first. Bounded by its timer and by the batches of the store.

use std::time::Duration;

use alert::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Retention, StoreError};

use super::Stage;
use crate::desk::Desk;
use crate::event;
use crate::standing::{ModelStanding, SourceStanding};

/// How often it looks. People who close an incident wait for it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often old rows are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Steps of a sweep between two looks. After a flood there are thousands, and the daemon must go on saying that it lives.
const SWEEP_STEPS_MAX: usize = 16;
/// How long a daemon runs before it sweeps for the first time: the clock of a machine that was just switched on may still be set.
const SWEEP_FIRST_AFTER: Duration = SWEEP_EVERY;

/// How far the clock may run ahead of the time that passed before nothing is swept for now.
const JUMP_MAX: Duration = Duration::from_secs(3600);

/// How long a clock that jumped ahead must stay there until it is believed. A wrong one is set right within a day, or nobody looks at it.
const BELIEVED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How often the same trouble is logged again. It is found twice a second, and a full disk lasts for hours.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Where the daemon leaves word of itself for `quell status`.
pub(crate) const HEARTBEAT: &str = "daemon";

/// What the daemon says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Heartbeat {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) started_at: Timestamp,
    pub(crate) at: Timestamp,
    pub(crate) models: Vec<String>,
    pub(crate) incidents_in_memory: usize,
    pub(crate) deliveries_waiting: usize,
    /// What the judge stage says of the models.
    #[serde(default)]
    pub(crate) bench: Vec<ModelStanding>,
    /// What intake says of the ways in.
    #[serde(default)]
    pub(crate) sources: Vec<SourceStanding>,
    /// It said that it ends.
    #[serde(default)]
    pub(crate) has_ended: bool,
}

/// What tending needs besides a stage.
pub(crate) struct Upkeep {
    pub(crate) retention: Duration,
    pub(crate) dead_letters_max: u64,
    pub(crate) heartbeat: Heartbeat,
    /// Tells how many deliveries wait for intake.
    pub(crate) deliveries: tokio::sync::mpsc::WeakSender<wazuh::Delivery>,
    /// What the judge stage says.
    pub(crate) bench: tokio::sync::watch::Receiver<Vec<ModelStanding>>,
    /// What intake says.
    pub(crate) sources: tokio::sync::watch::Receiver<Vec<SourceStanding>>,
}

/// Runs until shutdown.
pub(crate) async fn run(mut stage: Stage, mut upkeep: Upkeep) -> anyhow::Result<()> {
    let never = tokio::sync::Notify::new();
    let mut swept_at = Timestamp::EPOCH;
    let (started, mut broom) = (tokio::time::Instant::now(), Broom::default());
    let mut trouble = Trouble::default();
    loop {
        let now = stage.clock.now();
        upkeep.heartbeat.at = now;
        upkeep.heartbeat.deliveries_waiting = upkeep
            .deliveries
            .upgrade()
            .map_or(0, |sender| sender.max_capacity().saturating_sub(sender.capacity()));
        upkeep.heartbeat.bench.clone_from(&upkeep.bench.borrow());
        upkeep.heartbeat.sources.clone_from(&upkeep.sources.borrow());
        let mut heartbeat = upkeep.heartbeat.clone();
        let is_due = now.since(swept_at) >= SWEEP_EVERY || now < swept_at;
        let sweeps = broom.may_sweep(now, started.elapsed()) && is_due;
        let retention = Retention {
            older_than: now.before(upkeep.retention),
            dead_letters_max: upkeep.dead_letters_max,
        };
        let tended = stage
            .desk
            .call(move |desk| -> anyhow::Result<usize> {
                let applied = desk.apply_requests(now)?;
                desk.rest(now)?;
                heartbeat.incidents_in_memory = desk.incidents_in_memory();
                desk.store.set_meta(HEARTBEAT, &serde_json::to_string(&heartbeat)?)?;
                event::standing(heartbeat.incidents_in_memory, heartbeat.deliveries_waiting);
                Ok(applied)
            })
            .await?;
        match tended {
            Ok(applied) if applied > 0 => stage.judge.notify_one(),
            Ok(_) => {}
            Err(error) => {
                let fault = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
                let hint = fault.map(|fault| stage.desk.hint(fault));
                let error = format!("{error:#}");
                if trouble.is_worth_saying(&error, now) {
                    tracing::error!(hint, "the store could not be tended: {error}");
                }
            }
        }
        if sweeps {
            match sweep(&stage, retention).await? {
                Ok(is_done) if is_done => swept_at = now,
                // The rest is swept with the next looks.
                Ok(_) => {}
                Err(error) => {
                    swept_at = now;
                    let hint = stage.desk.hint(&error);
                    let error = error.to_string();
                    if trouble.is_worth_saying(&error, now) {
                        tracing::error!(hint, "the store could not be swept: {error}");
                    }
                }
            }
        }
        if !stage.sleep(&never, LOOK_EVERY).await {
            upkeep.heartbeat.has_ended = true;
            let last_word = serde_json::to_string(&upkeep.heartbeat)?;
            if let Err(error) =
                stage.desk.call(move |desk| desk.store.set_meta(HEARTBEAT, &last_word)).await?
            {
                tracing::warn!("the daemon's end could not be noted: {error}");
            }
            return Ok(());
        }
    }
}

/// Sweeps in steps, so that alerts come in between. Gives whether all was swept.
async fn sweep(stage: &Stage, retention: Retention) -> anyhow::Result<Result<bool, StoreError>> {
    for _ in 0..SWEEP_STEPS_MAX {
        let step = move |desk: &mut Desk| {
            let gives_up = desk.give_up(retention.older_than)?;
            Ok(u64::from(gives_up) + desk.store.sweep(&retention)?)
        };
        match stage.desk.call(step).await? {
            Ok(0) => return Ok(Ok(true)),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(false))
}

/// Keeps a clock that jumps ahead from making everything look old: what is swept does not come back when the clock does.
#[derive(Debug, Default)]
struct Broom {
    /// When the daemon started, by a clock that is believed.
    started_at: Option<Timestamp>,
    /// When the clock was first seen to be ahead, in time that the daemon runs.
    ahead_since: Option<Duration>,
}

impl Broom {
    /// Tells whether the clock is to be believed, `running` after the daemon's start.
    fn may_sweep(&mut self, now: Timestamp, running: Duration) -> bool {
        let started_at = now.before(running);
        let is_ahead = self.started_at.is_some_and(|known| started_at > known.after(JUMP_MAX));
        let ahead_since = is_ahead.then(|| self.ahead_since.unwrap_or(running));
        if ahead_since.is_some() && self.ahead_since.is_none() {
            tracing::warn!(
                "the clock jumped ahead: nothing old is removed for a day, in case it is wrong"
            );
        }
        self.ahead_since =
            ahead_since.filter(|since| running.saturating_sub(*since) < BELIEVED_AFTER);
        if self.ahead_since.is_none() {
            self.started_at = Some(started_at);
        }
        self.ahead_since.is_none() && running >= SWEEP_FIRST_AFTER
    }
}

/// The last trouble that was logged, and when.
#[derive(Debug, Default)]
struct Trouble {
    said: Option<(String, Timestamp)>,
}

impl Trouble {
    /// Tells whether to log this now, and takes note of it if so.
    fn is_worth_saying(&mut self, error: &str, now: Timestamp) -> bool {
        let is_known = self
            .said
            .as_ref()
            .is_some_and(|(last, at)| last == error && now.since(*at) < SAY_AGAIN_AFTER);
        if !is_known {
            self.said = Some((error.to_owned(), now));
        }
        !is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_ahead_makes_nothing_old_until_it_stayed_there_for_a_day() {
        let day = Duration::from_secs(24 * 3600);
        let (start, mut broom) = (Timestamp::from_millis(1_795_530_360_000), Broom::default());
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let mut look = |ahead: Duration, running: Duration| {
            broom.may_sweep(start.after(running).after(ahead), running)
        };
        assert!(!look(minutes(0), minutes(1)), "the clock may still be set");
        assert!(look(minutes(0), minutes(10)));
        // Ten years ahead, and back.
        assert!(!look(day * 3650, minutes(20)));
        assert!(!look(day * 3650, minutes(20) + day / 2));
        assert!(look(minutes(0), day), "it was set right");
        // A clock that stays is believed, and one that drifts is no jump.
        assert!(!look(day * 30, day * 2));
        assert!(look(day * 30, day * 3));
        assert!(look(day * 30 + minutes(59), day * 4));
        assert!(look(day * 30 + minutes(118), day * 5));
    }

    #[test]
    fn the_same_trouble_is_said_once_a_minute_and_another_one_at_once() {
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        let mut trouble = Trouble::default();
        assert!(trouble.is_worth_saying("disk full", at(0)));
        assert!((1..60).all(|second| !trouble.is_worth_saying("disk full", at(second))));
        assert!(trouble.is_worth_saying("disk full", at(60)));
        assert!(trouble.is_worth_saying("damaged", at(61)));
    }
}
