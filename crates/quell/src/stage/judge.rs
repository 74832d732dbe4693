//! Judge: takes incidents that ask for a verdict, leaves verdicts with messages for the sinks.
//! Safe to repeat because a revision gets one verdict; a case that a crash interrupted is asked again. Bounded by the concurrency of the models.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alert::{Clock, IncidentId, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use triage::budget::Breaker;
use triage::schedule::{Capacity, NO_MODEL_ANSWERS, Running, Turn};

use super::Stage;
use crate::desk::Case;
use crate::event;
use crate::panel::{self, Opinion, Seat};
use crate::standing::{ModelStanding, RunningCase, Spent};

/// How often the queue is looked at without a nudge: budgets refill, patience ends.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long judging rests after the store did not take a verdict.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// How long a shutdown waits for calls under way. They are asked again after the next start.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// The models, and what is known of their health and load.
pub(crate) struct Bench {
    panel: Arc<Vec<Arc<Seat>>>,
    breakers: Vec<Breaker>,
    /// What each model failed of last, for people who ask why it rests.
    failures: Vec<String>,
    /// Why there is no model, where there is none.
    absence: String,
    /// For each case under way: whose it is, the seat it was given to first, and when.
    running: HashMap<IncidentId, (String, usize, Timestamp)>,
    /// What is said of each model.
    standings: Vec<ModelStanding>,
    /// Where it is said.
    word: watch::Sender<Vec<ModelStanding>>,
}

impl Bench {
    /// Seats a panel. `absence` says why it is empty, if it is.
    pub(crate) fn new(panel: Vec<Arc<Seat>>, absence: String) -> Self {
        let standings: Vec<ModelStanding> = panel
            .iter()
            .map(|seat| ModelStanding {
                name: seat.name().to_owned(),
                model: seat.backend.config().model.clone().unwrap_or_default(),
                slots: seat.backend.config().concurrency,
                ..ModelStanding::default()
            })
            .collect();
        Self {
            word: watch::Sender::new(standings.clone()),
            standings,
            breakers: vec![Breaker::default(); panel.len()],
            failures: vec![String::new(); panel.len()],
            absence,
            panel: Arc::new(panel),
            running: HashMap::new(),
        }
    }

    /// Listens to what is said of the models.
    pub(crate) fn listen(&self) -> watch::Receiver<Vec<ModelStanding>> {
        self.word.subscribe()
    }

    /// Says how the models stand.
    fn tell(&mut self) {
        for (seat, standing) in self.standings.iter_mut().enumerate() {
            standing.rests_until = self.breakers.get(seat).and_then(Breaker::open_until);
            standing.running = self
                .running
                .iter()
                .filter(|(_, (_, given, _))| *given == seat)
                .map(|(id, (actor, _, since))| RunningCase {
                    incident_id: id.clone(),
                    actor: actor.clone(),
                    since: *since,
                })
                .collect();
            standing.running.sort_by_key(|case| case.since);
        }
        self.word.send_replace(self.standings.clone());
    }

    /// Takes note of what a case cost at each model.
    fn used(&mut self, uses: &[(usize, Spent, Option<String>)]) {
        for (seat, spent, failure) in uses {
            if let Some(standing) = self.standings.get_mut(*seat) {
                let failure = failure.as_ref().map(|text| alert::sanitize::shown(text, 300));
                standing.note(*spent, failure.as_deref());
            }
        }
        self.tell();
    }

    fn load(&self, seat: usize) -> usize {
        self.running.values().filter(|(_, given, _)| *given == seat).count()
    }

    fn is_up(&self, seat: usize, now: Timestamp) -> bool {
        self.breakers.get(seat).is_some_and(|breaker| breaker.allows(now))
    }

    fn free(&self, seat: usize) -> usize {
        let concurrency = self.panel.get(seat).map_or(0, |seat| seat.backend.config().concurrency);
        concurrency.saturating_sub(self.load(seat))
    }

    /// Says what the models can take.
    pub(crate) fn capacity(&self, now: Timestamp) -> Capacity {
        if self.panel.is_empty() {
            return Capacity::NoModel;
        }
        let up: Vec<usize> = (0..self.panel.len()).filter(|seat| self.is_up(*seat, now)).collect();
        if up.is_empty() {
            Capacity::Down
        } else {
            Capacity::Slots(up.into_iter().map(|seat| self.free(seat)).sum())
        }
    }

    /// Says why a case is not a model's: what the scheduler said, and where no model is to be had, which ones and why.
    pub(crate) fn why_not(&self, case: &Case, capacity: Capacity, now: Timestamp) -> String {
        let said = match case.turn {
            Turn::Playbook(why) | Turn::Interim(why) => why,
            Turn::Model => "",
        };
        match capacity {
            _ if case.job.playbook_only => said.to_owned(),
            Capacity::NoModel => self.absence.clone(),
            Capacity::Down if said == NO_MODEL_ANSWERS => format!("{said}: {}", self.resting(now)),
            Capacity::Down | Capacity::Slots(_) => said.to_owned(),
        }
    }

    /// Names the models that rest, for how long yet, and after what.
    fn resting(&self, now: Timestamp) -> String {
        let rests = self.panel.iter().zip(&self.breakers).zip(&self.failures);
        let rests: Vec<String> = rests
            .filter_map(|((seat, breaker), failure)| {
                let pause = breaker.open_until()?.since(now).as_secs();
                Some(format!("`{}` rests for {pause} s more after: {failure}", seat.name()))
            })
            .collect();
        alert::sanitize::shown(&rests.join("; "), panel::REASON_CHARACTERS_MAX)
    }

    /// Says in which order the models are asked about a case: one with room first, then the others that are up.
    pub(crate) fn seat(&mut self, case: &Case, now: Timestamp) -> Vec<usize> {
        let mut seats: Vec<usize> =
            (0..self.panel.len()).filter(|seat| self.is_up(*seat, now)).collect();
        if let Some(free) = seats.iter().position(|seat| self.free(*seat) > 0) {
            seats.rotate_left(free);
        }
        let given = seats.first().copied().unwrap_or(0);
        self.running.insert(case.incident.id.clone(), (case.job.actor.clone(), given, now));
        self.tell();
        seats
    }

    /// Takes note of what came of a case.
    pub(crate) fn finished(
        &mut self,
        id: &IncidentId,
        health: &[(usize, Option<String>)],
        now: Timestamp,
    ) {
        self.running.remove(id);
        for (seat, failure) in health {
            let (Some(breaker), Some(last), Some(model)) =
                (self.breakers.get_mut(*seat), self.failures.get_mut(*seat), self.panel.get(*seat))
            else {
                continue;
            };
            last.clone_from(failure.as_ref().unwrap_or(&String::new()));
            if failure.is_none() {
                breaker.succeeded();
            } else if let Some(pause) = breaker.failed(now) {
                tracing::warn!(
                    backend = model.name(),
                    pause_s = pause.as_secs(),
                    "a model backend rests after failures"
                );
            }
            event::backend_health(model.name(), failure.is_none(), !breaker.allows(now));
        }
    }

    pub(crate) fn running(&self) -> Vec<(IncidentId, Running)> {
        let call = |actor: &String, since| Running { actor: actor.clone(), since };
        self.running
            .iter()
            .map(|(id, (actor, _, since))| (id.clone(), call(actor, *since)))
            .collect()
    }

    pub(crate) fn panel(&self) -> Arc<Vec<Arc<Seat>>> {
        Arc::clone(&self.panel)
    }
}

/// Draws the word that fences one prompt's data.
pub(crate) fn nonce() -> String {
    let mut bytes = [0_u8; 12];
    // Without randomness the fence is weaker, and the checks behind it are not.
    if getrandom::fill(&mut bytes).is_err() {
        tracing::warn!("no randomness for a prompt's fence");
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs until shutdown.
pub(crate) async fn run(mut stage: Stage, mut bench: Bench) -> anyhow::Result<()> {
    let mut calls: JoinSet<(Case, Opinion)> = JoinSet::new();
    let nudge = Arc::clone(&stage.judge);
    let finished = Arc::new(Notify::new());
    loop {
        take_turns(&stage, &mut bench, &mut calls, &finished).await?;
        while let Some(done) = calls.try_join_next() {
            let (case, opinion) = done?;
            bench.finished(&case.incident.id, &opinion.health, stage.clock.now());
            bench.used(&opinion.uses);
            if !settle(&stage, case, opinion).await? {
                // A store that takes no verdict takes none in the next second either, and asking models again is dear.
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
            // Its slot is free: look again before sleeping.
            nudge.notify_one();
        }
        tokio::select! {
            goes_on = stage.sleep(&nudge, LOOK_EVERY) => if !goes_on { break },
            () = finished.notified() => {}
        }
    }
    drain(&stage, calls).await
}

/// Gives what finishes in time to the sinks, and leaves the rest in the queue.
async fn drain(stage: &Stage, mut calls: JoinSet<(Case, Opinion)>) -> anyhow::Result<()> {
    let deadline = tokio::time::sleep(DRAIN_MAX);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            done = calls.join_next() => match done {
                Some(done) => {
                    let (case, opinion) = done?;
                    settle(stage, case, opinion).await?;
                }
                None => return Ok(()),
            },
            () = &mut deadline => return Ok(()),
        }
    }
}

async fn take_turns(
    stage: &Stage,
    bench: &mut Bench,
    calls: &mut JoinSet<(Case, Opinion)>,
    finished: &Arc<Notify>,
) -> anyhow::Result<()> {
    loop {
        let now = stage.clock.now();
        let (running, capacity) = (bench.running(), bench.capacity(now));
        let cases =
            match stage.desk.call(move |desk| desk.next_cases(now, &running, capacity)).await? {
                Ok(cases) => cases,
                Err(error) => {
                    tracing::error!(
                        hint = stage.desk.hint(&error),
                        "the queue could not be read: {error}"
                    );
                    return Ok(());
                }
            };
        let mut judged_here = 0;
        for case in cases {
            if case.turn == Turn::Model {
                let seats = bench.seat(&case, now);
                let (panel, clock, finished) =
                    (bench.panel(), Arc::clone(&stage.clock), Arc::clone(finished));
                calls.spawn(async move {
                    let opinion =
                        panel::judge(&panel, &seats, &case, &nonce(), clock.as_ref()).await;
                    finished.notify_one();
                    (case, opinion)
                });
            } else {
                let why = bench.why_not(&case, capacity, now);
                let opinion = panel::by_playbook(&case, why, stage.clock.as_ref());
                if !settle(stage, case, opinion).await? {
                    return Ok(());
                }
                judged_here += 1;
            }
        }
        if judged_here == 0 {
            return Ok(());
        }
    }
}

/// Commits a verdict and wakes the sinks. Gives false if the store did not take it: the job still waits.
async fn settle(stage: &Stage, case: Case, opinion: Opinion) -> anyhow::Result<bool> {
    let verdict = opinion.verdict;
    count(&case, &verdict, stage.clock.as_ref());
    let settled = stage.desk.call(move |desk| desk.settle(&case, &verdict)).await?;
    match settled {
        Ok(_) => {
            stage.publish.notify_waiters();
            Ok(true)
        }
        Err(error) => {
            tracing::error!(
                hint = stage.desk.hint(&error),
                "a verdict could not be stored, the incident is judged again: {error}"
            );
            Ok(false)
        }
    }
}

fn count(case: &Case, verdict: &alert::Verdict, clock: &dyn Clock) {
    let now = clock.now();
    let analyst = match (verdict.analyst.is_model(), verdict.model_pending) {
        (true, _) => "model",
        (false, true) => "interim",
        (false, false) => "playbook",
    };
    event::judged(
        analyst,
        &case.job.severity,
        now.since(case.job.queued_at),
        now > case.job.deadline_at,
    );
    if verdict.cost.calls > 0 {
        let cost = &verdict.cost;
        event::models_asked(
            &verdict.analyst.label(),
            cost.calls,
            cost.prompt_tokens,
            cost.completion_tokens,
            Duration::from_millis(cost.elapsed_ms),
        );
    }
    for check in verdict.checks.iter().filter(|check| !check.passed) {
        event::check_failed(&check.name);
    }
    for failure in &verdict.cost.failures {
        tracing::warn!(incident = %verdict.incident_id, "a model gave no verdict: {failure}");
    }
}

#[cfg(test)]
mod tests {
    use model::{Backend, BackendConfig, Egress, Kind};

    use super::*;

    #[test]
    fn models_that_rest_are_named_with_the_time_and_what_they_failed_of() {
        let seat = |name: &str| {
            let config = BackendConfig::new(name, Kind::OpenAi, "http://127.0.0.1:9");
            let backend = Backend::new(config, &Egress::default()).expect("a backend");
            Arc::new(Seat { backend, max_tokens: 700 })
        };
        let mut bench = Bench::new(vec![seat("first"), seat("second")], String::new());
        let (id, now) = (IncidentId::parse("i1").expect("an id"), Timestamp::from_millis(0));
        assert_eq!(bench.resting(now), "");
        for _ in 0..3 {
            let failed = |seat, why: &str| (seat, Some(why.to_owned()));
            let health = [failed(0, "connection refused"), failed(1, "no answer within 9 s")];
            bench.finished(&id, &health, now);
        }
        assert_eq!(bench.capacity(now), Capacity::Down);
        assert_eq!(
            bench.resting(now.after(Duration::from_secs(2))),
            "`first` rests for 3 s more after: connection refused; `second` rests for 3 s more after: no answer within 9 s"
        );
        bench.finished(&id, &[(0, None)], now);
        assert_eq!(bench.capacity(now), Capacity::Slots(1));
        assert_eq!(bench.resting(now), "`second` rests for 5 s more after: no answer within 9 s");
    }
}
