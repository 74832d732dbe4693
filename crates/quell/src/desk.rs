//! The triage desk: the one owner of the store and of the fold.
//!
//! Alerts come over it ([`Desk::take_in`], or [`Desk::take_received`] where [`reception`] looked at them before), jobs leave it to be judged ([`Desk::next_cases`]) and come back as verdicts
//! ([`Desk::settle`]), people reach into it ([`Desk::apply_requests`]). Everything it does is a pure decision of `triage` followed by one
//! transaction of `store`; if that fails, the fold is forgotten and comes back from the store, so memory never runs ahead of disk.
//! It waits for nothing and reads no clock, so the daemon, `quell triage` and the simulation drive the same desk.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use alert::incident::{Actor, Reason, State};
use alert::verdict::{Backlog, Bounds};
use alert::{AlertKey, Incident, IncidentId, Timestamp, Verdict};
use anyhow::Context as _;
use model::prompt::Context;
use store::{Batch, Counts, JobRow, OutboxMessage, Packer, Request, Store, StoreError};
use tokio::sync::watch;
use triage::admit::Gate;
use triage::campaign::Campaign;
use triage::priority::{self, ASSET_WEIGHT_DEFAULT, Deadlines};
use triage::schedule::{
    Budgets, Capacity, Job, LIKE_JUDGED, LIKE_OTHERS, MORE_OF_THE_SAME, ONE_OF_MANY, PART_OF_BURST,
    PART_OF_VOLLEY, Precedent, Running, Scheduler, TWIN_JUDGED, Turn,
};
use triage::{Fold, FoldLimits, campaign, likeness, threat};

use crate::publish::event::Publisher;
use reception::{Received, Spent};

pub(crate) mod handle;
mod outbox;
mod recall;
pub(crate) mod reception;
mod row;

use row::{alert_row, job, precedent, step};

/// Jobs looked at for one decision. The most urgent, the oldest, the best of each class and what nobody judged are among them, whatever the
/// length of the queue.
const JOBS_MAX: usize = 256;

/// Reasons for which the playbook judges what is like something that models judged.
const TAKEN_OVER: [&str; 6] =
    [LIKE_JUDGED, PART_OF_BURST, PART_OF_VOLLEY, ONE_OF_MANY, TWIN_JUDGED, LIKE_OTHERS];

/// Requests of people applied at a time.
const REQUESTS_MAX: usize = 64;

/// What somebody said about an asset in the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    /// The agent's id or name.
    pub(crate) agent: String,
    /// How much it matters, 1 to 10.
    pub(crate) weight: u8,
    /// What a person wrote about it.
    pub(crate) note: Option<String>,
}

/// Where verdicts go, and from which threat level on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SinkRule {
    /// The sink's name, also in the outbox.
    pub(crate) name: String,
    /// The lowest threat level it is told of.
    pub(crate) threat_level_min: u8,
    /// Incidents that are echoes of Quell's own output go there too.
    pub(crate) takes_echoes: bool,
}

/// How the desk works.
#[derive(Debug, Clone)]
pub(crate) struct DeskSettings {
    pub(crate) fold: FoldLimits,
    pub(crate) deadlines: Deadlines,
    pub(crate) budgets: Budgets,
    pub(crate) assets: Vec<Asset>,
    pub(crate) sinks: Vec<SinkRule>,
    /// Mask secrets in prompts.
    pub(crate) redact: bool,
    /// Messages with their text that may wait for one sink.
    pub(crate) whole_messages_max: usize,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self {
            fold: FoldLimits::default(),
            deadlines: Deadlines::default(),
            budgets: Budgets::default(),
            assets: Vec::new(),
            sinks: Vec::new(),
            redact: true,
            whole_messages_max: store::WHOLE_MESSAGES_MAX,
        }
    }
}

/// Bytes that arrived, and what was rejected on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrivals {
    /// By which route, for dead letters.
    pub(crate) route: String,
    /// Each alert, as it came.
    pub(crate) alerts: Vec<Vec<u8>>,
    /// What a source could not even pass on as an alert, with the reason.
    pub(crate) rejected: Vec<(Vec<u8>, String)>,
    /// Up to where the source was read.
    pub(crate) checkpoint: Option<(String, String)>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Where the alerts went.
    pub(crate) counts: Counts,
    /// Verdicts that are wanted because of it.
    pub(crate) asks: usize,
}

/// An incident to be judged, with everything that an analyst gets to know.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) job: JobRow,
    pub(crate) incident: Incident,
    pub(crate) bounds: Bounds,
    pub(crate) context: Context,
    /// The threat level that stands, from an earlier revision.
    pub(crate) standing: Option<u8>,
    /// Who is to judge, and why.
    pub(crate) turn: Turn,
    /// How far the models are behind, where the playbook stands in for them.
    pub(crate) backlog: Option<Backlog>,
    /// What a model said of an earlier revision, where it stands because there is only more of the same.
    pub(crate) stands: Option<Box<Verdict>>,
    /// What models said of others that it is like, where that is taken over.
    pub(crate) like: Vec<Precedent>,
}

/// The triage desk.
pub(crate) struct Desk {
    pub(crate) store: Store,
    fold: Fold,
    /// What the door needs to decide. Whoever looks at alerts in front of the desk reads it here.
    gate: watch::Sender<Arc<Gate>>,
    settings: DeskSettings,
    scheduler: Scheduler,
    publisher: Publisher,
    /// What the fold knows of the usual, and the scheduler of what models said, is that of the store.
    is_recalled: bool,
}

impl Desk {
    /// Sets a desk up on a store.
    pub(crate) fn new(
        mut store: Store,
        gate: Gate,
        settings: DeskSettings,
        now: Timestamp,
    ) -> Self {
        store.bound_outbox(settings.whole_messages_max);
        let publisher = Publisher::new(gate.key.clone());
        Self {
            fold: Fold::new(settings.fold),
            scheduler: Scheduler::new(settings.budgets, now),
            store,
            gate: watch::Sender::new(Arc::new(gate)),
            settings,
            publisher,
            is_recalled: false,
        }
    }

    /// Changes how it works, without losing anything.
    pub(crate) fn reconfigure(&mut self, gate: Gate, settings: DeskSettings, now: Timestamp) {
        self.gate.send_replace(Arc::new(gate));
        self.scheduler = Scheduler::new(settings.budgets, now);
        self.settings = settings;
        self.forget();
        self.store.bound_outbox(self.settings.whole_messages_max);
    }

    /// Says, now and after each change, by what alerts are admitted.
    pub(crate) fn gate(&self) -> watch::Receiver<Arc<Gate>> {
        self.gate.subscribe()
    }

    /// Takes alerts in: all of them, durably, or none.
    ///
    /// # Errors
    /// If the store can't take them. Then nothing of it happened, and the sender keeps them.
    pub(crate) fn take_in(
        &mut self,
        arrivals: &[Arrivals],
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let gate = Arc::clone(&self.gate.borrow());
        let (mut packer, mut received) = (Packer::default(), Received::default());
        for arrivals in arrivals {
            received.extend(Received::of(&gate, &mut packer, arrivals.clone(), now));
        }
        self.take_received(received, now).map(|(taken, _)| taken)
    }

    /// Takes in what was looked at before: all of it, durably, or nothing. Gives back what is left of it, to be let go of elsewhere.
    ///
    /// # Errors
    /// As [`Desk::take_in`].
    pub(crate) fn take_received(
        &mut self,
        received: Received,
        now: Timestamp,
    ) -> Result<(Taken, Spent), StoreError> {
        let taken = self.fold_and_commit(received, now);
        if taken.is_err() {
            // The fold may hold alerts that were not committed. What was is in the store.
            self.forget();
        }
        taken
    }

    fn fold_and_commit(
        &mut self,
        mut received: Received,
        now: Timestamp,
    ) -> Result<(Taken, Spent), StoreError> {
        self.recall(now)?;
        // It came back, so Wazuh has it: the answer to a message whose sending was interrupted.
        for key in &received.returned {
            self.store.confirm_sent(crate::publish::WAZUH, key)?;
        }
        let keys: Vec<AlertKey> = received.keys().collect();
        let repeated = received.leave_out(self.store.known_keys(&keys)?);
        let mut batch = Batch {
            counts: received.counts,
            dead_letters: std::mem::take(&mut received.dead_letters),
            checkpoints: std::mem::take(&mut received.checkpoints),
            packed: std::mem::take(&mut received.packed),
            alerts: Vec::with_capacity(received.arrived.len()),
            ..Batch::default()
        };
        batch.counts.duplicate += repeated;
        let missing = self.fold.missing(received.admitted());
        let found = self.store.incidents_by_fingerprint(&missing, triage::fold::WINDOWS_MAX)?;
        self.fold.restore(&missing, found);
        for arrived in &mut received.arrived {
            let joined = self.fold.join(&arrived.admitted);
            batch.counts.folded += 1;
            batch.alerts.push(alert_row(arrived, joined.incident_id));
        }
        let memory = self.fold.take_memory();
        batch.habits = memory.kept;
        batch.habits_gone = memory.gone;
        for (incident, asks) in self.fold.take_changed() {
            if asks {
                batch.jobs.push(self.job_for(&incident, now)?);
            }
            batch.incidents.push(incident);
        }
        debug_assert!(batch.counts.are_conserved(0), "{:?}", batch.counts);
        self.store.commit_batch(&batch)?;
        self.scheduler.note_alerts(batch.counts.folded, now);
        let taken = Taken { counts: batch.counts, asks: batch.jobs.len() };
        Ok((taken, Spent { _received: received, _batch: batch }))
    }

    fn job_for(&self, incident: &Incident, now: Timestamp) -> Result<JobRow, StoreError> {
        let bounds = threat::assess(incident);
        let last = self.store.last_verdict(&incident.id)?;
        let has_verdict = last.is_some();
        // Who judged for good without a model did so for want of one, or because it was one of a crowd: what is more of that is looked at anew.
        let is_models =
            last.as_ref().is_none_or(|verdict| verdict.model_pending || is_by_model(verdict));
        let is_more = priority::is_only_more(incident) && is_models;
        let weight = self.asset(incident).map_or(ASSET_WEIGHT_DEFAULT, |asset| asset.weight);
        // What the playbook said in the meantime is no judgement yet: what comes to light since then is news on something that waits for its first.
        let is_judged = last.as_ref().is_some_and(|verdict| !verdict.model_pending);
        let priority = priority::score(incident, &bounds, weight, is_judged);
        let once_judged = (!is_judged).then(|| {
            let later = priority::score(incident, &bounds, weight, true);
            (later.score, parts_of(&later))
        });
        Ok(JobRow {
            incident_id: incident.id.clone(),
            revision: incident.revision,
            actor: incident.actor.name().to_owned(),
            kind: incident.class.as_str().to_owned(),
            severity: priority.severity.as_str().to_owned(),
            score: priority.score,
            parts: parts_of(&priority),
            once_judged,
            queued_at: now,
            deadline_at: now.after(self.settings.deadlines.of(priority.severity)),
            is_unjudged: !has_verdict,
            is_interim: false,
            playbook_only: incident.echo,
            news_revision: (!is_more).then_some(incident.revision),
            typical: bounds.typical,
            is_raised: last.is_some_and(|last| bounds.typical > last.bounds.typical),
            may_be_like_others: priority::may_be_like_others(incident, priority.severity),
            likeness: likeness::of(incident, bounds.typical),
            alert_count: incident.alert_count,
        })
    }

    fn asset(&self, incident: &Incident) -> Option<&Asset> {
        self.settings
            .assets
            .iter()
            .find(|asset| asset.agent == incident.agent.id || asset.agent == incident.agent.name)
    }

    /// Gives the incidents whose turn it is. `running` are those that models judge already.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn next_cases(
        &mut self,
        now: Timestamp,
        running: &[(IncidentId, Running)],
        capacity: Capacity,
    ) -> Result<Vec<Case>, StoreError> {
        self.recall(now)?;
        let mut rows = self.store.jobs(JOBS_MAX + running.len())?;
        rows.retain(|row| !running.iter().any(|(id, _)| *id == row.incident_id));
        let jobs: Vec<Job> = rows.iter().map(job).collect();
        let calls: Vec<Running> = running.iter().map(|(_, call)| call.clone()).collect();
        let turns = self.scheduler.pick(now, &jobs, &calls, capacity);
        let backlog = self.backlog(now, &rows, &turns, running.len())?;
        let mut cases = Vec::with_capacity(turns.len());
        for (at, turn) in turns {
            let Some(row) = rows.get(at) else { continue };
            match self.store.incident(row.incident_id.as_str())? {
                Some(incident) => {
                    let backlog = backlog.filter(|_| matches!(turn, Turn::Interim(_)));
                    cases.push(self.case(row.clone(), incident, turn, backlog, now)?);
                }
                None => self.store.drop_job(&row.incident_id)?,
            }
        }
        Ok(cases)
    }

    /// Says how far the models are behind, if the playbook has to stand in for them at one of `turns`. The oldest jobs are among `rows`.
    fn backlog(
        &self,
        now: Timestamp,
        rows: &[JobRow],
        turns: &[(usize, Turn)],
        running: usize,
    ) -> Result<Option<Backlog>, StoreError> {
        if !turns.iter().any(|(_, turn)| matches!(turn, Turn::Interim(_))) {
            return Ok(None);
        }
        let leaving: HashSet<usize> = turns
            .iter()
            .filter(|(_, turn)| !matches!(turn, Turn::Interim(_)))
            .map(|(at, _)| *at)
            .collect();
        let staying = rows.iter().enumerate().filter(|(at, _)| !leaving.contains(at));
        let oldest = staying.map(|(_, row)| now.since(row.queued_at).as_secs()).max();
        let (jobs, _) = self.store.queue_depth()?;
        let incidents = jobs.saturating_sub((running + leaving.len()) as u64);
        Ok(Some(Backlog { incidents, oldest_s: oldest.unwrap_or(0) }))
    }

    fn case(
        &self,
        job: JobRow,
        incident: Incident,
        turn: Turn,
        backlog: Option<Backlog>,
        now: Timestamp,
    ) -> Result<Case, StoreError> {
        let notes = self.store.notes(&incident.id)?;
        let context = Context {
            campaign: self.campaign(&incident)?.map(|campaign| campaign.line()),
            asset_note: self.asset(&incident).and_then(|asset| asset.note.clone()),
            notes: notes.into_iter().rev().map(|note| note.text).collect(),
            redact: self.settings.redact,
        };
        // A verdict is long, and only what is more of the same takes over its words.
        let (standing, stands) = if turn == Turn::Playbook(MORE_OF_THE_SAME) {
            let judged = self.store.judged(&incident.id)?;
            (judged.threat_level, judged.verdict.filter(is_by_model).map(Box::new))
        } else {
            (self.store.standing_level(&incident.id)?, None)
        };
        let is_like = matches!(turn, Turn::Playbook(why) if TAKEN_OVER.contains(&why));
        let like = if is_like {
            self.scheduler.precedents(&incident.id, &job.likeness, now)
        } else {
            Vec::new()
        };
        let bounds = threat::assess(&incident);
        Ok(Case { bounds, job, incident, context, standing, turn, backlog, stands, like })
    }

    /// Gives the campaign that an incident belongs to.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn campaign(&self, incident: &Incident) -> Result<Option<Campaign>, StoreError> {
        campaign_of(&self.store, incident)
    }

    /// Commits a verdict, with what the sinks are to be told. Gives whether it is the first on its revision.
    ///
    /// # Errors
    /// If the store fails; then the job still waits.
    pub(crate) fn settle(&mut self, case: &Case, verdict: &Verdict) -> Result<bool, StoreError> {
        let messages: Vec<OutboxMessage> = self
            .settings
            .sinks
            .iter()
            .filter(|sink| {
                verdict.draft.threat_level >= sink.threat_level_min
                    && (sink.takes_echoes || !case.incident.echo)
            })
            .map(|sink| OutboxMessage {
                sink: sink.name.clone(),
                key: crate::publish::event::key(verdict),
                incident_id: verdict.incident_id.clone(),
                body: self.publisher.event(
                    &case.incident,
                    verdict,
                    case.context.campaign.as_deref(),
                ),
            })
            .collect();
        let follow_up = if verdict.model_pending {
            self.ask_again(&case.job, Reason::ModelPending)?
        } else {
            None
        };
        let settled = self.store.commit_verdict(
            verdict,
            &messages,
            follow_up.as_ref().map(|(incident, job)| (incident, job)),
        );
        if case.turn == Turn::Model && verdict.analyst.is_model() {
            self.scheduler.note_call(Duration::from_millis(verdict.cost.elapsed_ms));
            if matches!(settled, Ok(true)) {
                let likeness = &case.job.likeness;
                self.scheduler.note_precedent(likeness, &precedent(verdict, likeness.success));
            }
        }
        if !matches!(settled, Ok(true)) {
            // What was asked for next was not committed, so the fold must not remember it.
            self.forget();
        }
        settled
    }

    /// Makes the next revision of an incident, with a job that keeps the urgency of `job`.
    fn ask_again(
        &mut self,
        job: &JobRow,
        reason: Reason,
    ) -> Result<Option<(Incident, JobRow)>, StoreError> {
        let incident = self.change(&job.incident_id, |incident| {
            incident.revision = incident.revision.saturating_add(1);
            incident.reasons = vec![reason.clone()];
        })?;
        Ok(incident.map(|incident| {
            let is_interim = matches!(reason, Reason::ModelPending);
            // Whoever stood in did not judge for good: the urgency is still that of a first verdict.
            let job = JobRow {
                revision: incident.revision,
                is_unjudged: false,
                is_interim,
                is_raised: false,
                once_judged: None,
                ..job.clone()
            };
            (incident, job)
        }))
    }

    /// Changes an incident, in memory if it is there. The caller commits it.
    fn change(
        &mut self,
        id: &IncidentId,
        change: impl Fn(&mut Incident),
    ) -> Result<Option<Incident>, StoreError> {
        if let Some(incident) = self.fold.update(id, &change) {
            return Ok(Some(incident));
        }
        let mut incident = self.store.incident(id.as_str())?;
        if let Some(incident) = &mut incident {
            change(incident);
        }
        Ok(incident)
    }

    /// Applies what people asked for from other processes. Gives how many requests there were.
    ///
    /// # Errors
    /// If the store fails; then the request that failed, and those behind it, still wait, and nothing of it happened.
    pub(crate) fn apply_requests(&mut self, now: Timestamp) -> anyhow::Result<usize> {
        let requests = self.store.requests(REQUESTS_MAX)?;
        for request in &requests {
            let applied = self.apply(request, now);
            if applied.is_err() {
                self.forget();
            }
            applied.with_context(|| {
                format!("could not apply the request of {} on {}", request.who, request.incident_id)
            })?;
        }
        Ok(requests.len())
    }

    fn apply(&mut self, request: &Request, now: Timestamp) -> Result<(), StoreError> {
        let id = &request.incident_id;
        let incident = match request.action.as_str() {
            "close" => self.change(id, |incident| incident.state = State::Closed)?,
            "reopen" => self.change(id, |incident| incident.state = State::Open)?,
            "judge" => self.change(id, |incident| {
                incident.revision = incident.revision.saturating_add(1);
                incident.reasons = vec![Reason::Requested];
            })?,
            _ => None,
        };
        let job = match &incident {
            Some(incident) if request.action == "judge" => Some(self.job_for(incident, now)?),
            _ => None,
        };
        self.store.apply_request(request, incident.as_ref(), job.as_ref())
    }

    /// Marks incidents as quiet whose time has come, and commits them.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn rest(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let settled = self.fold.settle(now);
        if settled > 0 {
            self.take_in(&[], now)?;
        }
        // The fold knows those in memory, and a restart starts with none. Twice the time leaves those in memory to the fold.
        let long_quiet = now.before(self.settings.fold.quiet_after.saturating_mul(2));
        self.store.settle_quiet(long_quiet)?;
        Ok(settled)
    }

    /// Counts the incidents in memory.
    pub(crate) fn incidents_in_memory(&self) -> usize {
        self.fold.len()
    }
}

/// Gives the campaign of an incident's actor, from a store.
///
/// # Errors
/// If the store fails.
pub(crate) fn campaign_of(
    store: &Store,
    incident: &Incident,
) -> Result<Option<Campaign>, StoreError> {
    if matches!(incident.actor, Actor::Host(_) | Actor::Many) {
        // A machine is not somebody who goes from one thing to the next, and a crowd is not one.
        return Ok(None);
    }
    let actor = incident.actor.name();
    let steps = store.steps_of(actor, campaign::INCIDENTS_MAX)?;
    Ok(Campaign::of(actor, steps.into_iter().map(step).collect()))
}

/// Tells whether a verdict is a model's, or one of the playbook that lets a model's stand.
fn is_by_model(verdict: &Verdict) -> bool {
    verdict.analyst.is_model() || verdict.playbook_reason.starts_with(MORE_OF_THE_SAME)
}

/// Writes out what a score is made of.
fn parts_of(priority: &priority::Priority) -> String {
    let part =
        |part: &priority::Part| format!("{} x{:.1}: {}", part.name, part.factor, part.reason);
    priority.parts.iter().map(part).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
