//! Virtual time: the daemon's own desk, bench and scheduler, with a clock that jumps from one event to the next.
//!
//! Three things happen: a batch of alerts is taken in (gathered as intake does it: 256 alerts or 5 ms), a call to the model ends, or it is
//! time to look at the queue again. After each, turns are taken exactly as the judge stage takes them. Folding and committing take no
//! virtual time. The model is imagined: its verdict is the playbook's draft under the model's name, through the real checks, and
//! class and level bounds are code's anyway. Failed calls go through the real breaker; the one repair is modelled, because the real one
//! talks to a server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alert::tag::TagKey;
use alert::verdict::{Analyst, Cost};
use alert::{Clock as _, IncidentId, ManualClock, Timestamp};
use model::backend::DEFAULT_TIMEOUT;
use model::{
    Backend, BackendConfig, DEFAULT_NUM_CTX, Egress, Kind, estimate_tokens, playbook, prompt,
};
use store::Store;
use triage::priority::Severity;
use triage::schedule::{Capacity, Turn, patience};

use super::super::Failure;
use super::chance::Chance;
use super::speed::{Server, Speed};
use super::stream::Stream;
use crate::cli::simulate::Interim;
use crate::config::Config;
use crate::desk::{Arrivals, Case, Desk};
use crate::panel::{self, Opinion, Seat};
use crate::setup;
use crate::stage::judge::Bench;

/// Alerts folded at once, as in `stage/intake.rs`.
const BATCH_ALERTS_MAX: usize = 256;

/// How long a batch waits for more, as in `stage/intake.rs`.
const BATCH_WAIT: Duration = Duration::from_millis(5);

/// How soon the queue is looked at again when a model is free and budgets hold it back, as in `stage/judge.rs`.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest that this pause grows when looking changes nothing: days of waiting for a budget need not be played second by second.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(16);

/// How often incidents are let rest: the daemon does it twice a second, but what it decides has a grain of half an hour.
const REST_EVERY: Duration = Duration::from_secs(30);

/// How long is played on behind the last alert while verdicts are wanted.
const AFTERMATH_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Tokens of an answer at most, as configured by default.
const ANSWER_TOKENS_MAX: u32 = 700;

/// Characters of a verdict's JSON for one token: its sentences have about four, its names and quotes less than two.
const ANSWER_CHARACTERS_PER_TOKEN: usize = 3;

/// Seats the model without its server: nothing is ever sent there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A verdict that was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) incident: IncidentId,
    /// When its case was picked: it knows what was folded until then.
    pub(super) picked_at: Timestamp,
    pub(super) at: Timestamp,
    pub(super) is_by_model: bool,
    pub(super) severity: Severity,
    pub(super) class: alert::Class,
    pub(super) threat_level: u8,
    /// Calls to the model for it.
    pub(super) calls: u32,
    pub(super) prompt_tokens: u32,
    pub(super) answer_tokens: u32,
}

/// What a run left behind.
pub(super) struct Run {
    pub(super) desk: Desk,
    pub(super) given: Vec<Given>,
    /// How many incidents waited, whenever that changed.
    pub(super) depth: Vec<(Timestamp, u64)>,
    /// For each alert of the stream when it was committed.
    pub(super) committed: Vec<Timestamp>,
    /// Calls of cases: from when to when the model was busy with one.
    pub(super) busy: Vec<(Timestamp, Timestamp)>,
    pub(super) ended_at: Timestamp,
    pub(super) failed_calls: u32,
}

/// How a simulation is set up.
pub(super) struct Plan {
    pub(super) speed: Speed,
    pub(super) interim: Interim,
    pub(super) verdict_tokens: Option<u32>,
    pub(super) failure_rate: f64,
    pub(super) seed: u64,
}

/// A case that the model is busy with, and what will come of it.
struct UnderWay {
    case: Case,
    began: Timestamp,
    cost: Cost,
    end: End,
}

/// How a case ends.
enum End {
    Verdict,
    /// No answer came.
    Silence(String),
    /// Two answers could not be used.
    Nonsense(String),
}

/// Plays a stream.
pub(super) fn play(config: &Config, stream: &Stream, plan: &Plan) -> Result<Run, Failure> {
    let start = stream.events.first().map_or(Timestamp::EPOCH, |event| event.at);
    let mut world = World::new(config, plan, start)?;
    world.run(stream)?;
    Ok(Run {
        desk: world.desk,
        given: world.given,
        depth: world.depth,
        committed: world.committed,
        busy: world.busy,
        ended_at: world.clock.now(),
        failed_calls: world.failed_calls,
    })
}

struct World<'a> {
    plan: &'a Plan,
    desk: Desk,
    bench: Bench,
    clock: ManualClock,
    server: Server,
    chance: Chance,
    under_way: HashMap<usize, UnderWay>,
    cases: usize,
    look_at: Option<Timestamp>,
    look_pause: Duration,
    rested_at: Timestamp,
    given: Vec<Given>,
    depth: Vec<(Timestamp, u64)>,
    committed: Vec<Timestamp>,
    busy: Vec<(Timestamp, Timestamp)>,
    failed_calls: u32,
}

impl<'a> World<'a> {
    fn new(config: &Config, plan: &'a Plan, start: Timestamp) -> Result<Self, Failure> {
        let mut settings = setup::desk(config);
        settings.sinks.clear();
        let gate = setup::gate(config, TagKey::new([0; 32]));
        let backend = BackendConfig {
            model: Some(plan.speed.name.to_owned()),
            concurrency: plan.speed.parallel,
            ..BackendConfig::new("simulated", Kind::Ollama, NOWHERE)
        };
        let backend = Backend::new(backend, &Egress::default())
            .map_err(|error| Failure::usage(format!("could not seat the model: {error}")))?;
        let seat = Arc::new(Seat { backend, max_tokens: ANSWER_TOKENS_MAX });
        Ok(Self {
            plan,
            desk: Desk::new(Store::open_in_memory()?, gate, settings, start),
            bench: Bench::new(vec![seat], String::new()),
            clock: ManualClock::at(start),
            server: Server::new(plan.speed, start),
            chance: Chance::new(plan.seed),
            under_way: HashMap::new(),
            cases: 0,
            look_at: None,
            look_pause: LOOK_EVERY,
            rested_at: start,
            given: Vec::new(),
            depth: Vec::new(),
            committed: Vec::new(),
            busy: Vec::new(),
            failed_calls: 0,
        })
    }

    fn run(&mut self, stream: &Stream) -> Result<(), Failure> {
        let mut next = 0;
        let last = stream.events.last().map_or(Timestamp::EPOCH, |event| event.at);
        loop {
            let batch = batch_of(stream, next);
            let moments =
                [batch.map(|(_, at)| at), self.server.next_end(), self.look_at].into_iter();
            let Some(now) = moments.flatten().min() else { return Ok(()) };
            if now > last.after(AFTERMATH_MAX) {
                return Ok(());
            }
            let now = now.max(self.clock.now());
            self.clock.set(now);
            let mut is_news = self.look_at.is_some_and(|at| at <= now);
            let was_looking = is_news;
            if let Some((end, at)) = batch
                && at <= now
            {
                is_news |= self.take_in(stream, next, end, now)?;
                next = end;
            }
            for number in self.server.ended(now) {
                self.end(number, now)?;
                is_news = true;
            }
            if now.since(self.rested_at) >= REST_EVERY {
                self.desk.rest(now)?;
                self.rested_at = now;
            }
            if is_news {
                let changed = self.take_turns(now)?;
                self.look_pause = if changed || !was_looking {
                    LOOK_EVERY
                } else {
                    (self.look_pause * 2).min(LOOK_PAUSE_MAX)
                };
                self.look_at = self.next_look(now)?;
            }
            self.note_depth(now)?;
        }
    }

    fn take_in(
        &mut self,
        stream: &Stream,
        from: usize,
        to: usize,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let alerts =
            stream.events.get(from..to).unwrap_or_default().iter().map(|event| event.raw.clone());
        let arrivals = Arrivals {
            route: "simulation".to_owned(),
            alerts: alerts.collect(),
            ..Arrivals::default()
        };
        let taken = self.desk.take_in(&[arrivals], now)?;
        self.committed.resize(to, now);
        Ok(taken.asks > 0)
    }

    /// Takes turns as the judge stage does. Gives whether anything began or was judged.
    fn take_turns(&mut self, now: Timestamp) -> Result<bool, Failure> {
        let mut has_changed = false;
        loop {
            let capacity = self.bench.capacity(now);
            let cases = self.desk.next_cases(now, &self.bench.running(), capacity)?;
            let mut judged_here = 0;
            for case in cases {
                match case.turn {
                    Turn::Model => {
                        self.begin(case, now);
                        has_changed = true;
                    }
                    Turn::Interim(_) if self.plan.interim == Interim::Never => {}
                    Turn::Interim(_) | Turn::Playbook(_) => {
                        let why = self.bench.why_not(&case, capacity, now);
                        let opinion = panel::by_playbook(&case, why, &self.clock);
                        self.settle(&case, &opinion, now, now)?;
                        judged_here += 1;
                    }
                }
            }
            if judged_here == 0 {
                return Ok(has_changed);
            }
            has_changed = true;
        }
    }

    /// Gives a case to the model.
    fn begin(&mut self, case: Case, now: Timestamp) {
        self.bench.seat(&case, now);
        let question = prompt::incident(
            &case.incident,
            &case.bounds,
            &case.context,
            "000000000000000000000000",
            DEFAULT_NUM_CTX,
            ANSWER_TOKENS_MAX,
        );
        let whole = estimate_tokens(&question);
        let prefix = estimate_tokens(&model::Prompt { user: String::new(), ..question });
        let (fresh, load) = self.server.begin(now, whole, prefix);
        let written = self.plan.verdict_tokens.unwrap_or_else(|| answer_tokens(&case));
        let mut cost =
            Cost { calls: 1, prompt_tokens: whole, completion_tokens: written, ..Cost::default() };
        let speed = self.server.speed;
        let mut seconds = load + speed.call_seconds(fresh, whole, written);
        let mut end = End::Verdict;
        let silence = || End::Silence(format!("no answer within {} s", DEFAULT_TIMEOUT.as_secs()));
        match self.fails() {
            Some(Fault::Silence) => {
                seconds = DEFAULT_TIMEOUT.as_secs_f64();
                cost.completion_tokens = 0;
                end = silence();
            }
            Some(Fault::Nonsense) => {
                // The same question with the answer's head and the complaint behind it: some 600 characters are new.
                let again = speed.call_seconds(350, whole + 350, written);
                cost.calls = 2;
                cost.prompt_tokens += whole + 350;
                cost.completion_tokens += written;
                match self.fails() {
                    Some(Fault::Silence) => {
                        seconds += DEFAULT_TIMEOUT.as_secs_f64();
                        end = silence();
                    }
                    Some(Fault::Nonsense) => {
                        seconds += again;
                        end = End::Nonsense("its repaired answer could not be used".to_owned());
                    }
                    None => seconds += again,
                }
            }
            None => {}
        }
        let number = self.cases;
        self.cases += 1;
        self.server.work(now, number, seconds);
        self.under_way.insert(number, UnderWay { case, began: now, cost, end });
    }

    fn fails(&mut self) -> Option<Fault> {
        if !self.chance.happens(self.plan.failure_rate) {
            return None;
        }
        self.failed_calls += 1;
        Some(if self.chance.happens(0.5) { Fault::Silence } else { Fault::Nonsense })
    }

    /// Ends a case, as the panel would.
    fn end(&mut self, number: usize, now: Timestamp) -> Result<(), Failure> {
        let Some(UnderWay { case, began, mut cost, end }) = self.under_way.remove(&number) else {
            return Ok(());
        };
        cost.elapsed_ms = u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX);
        let (failure, is_servers) = match end {
            End::Verdict => (None, false),
            End::Silence(why) => (Some(why), true),
            End::Nonsense(why) => (Some(why), false),
        };
        let opinion = match &failure {
            None => {
                let campaign = case.context.campaign.as_deref();
                let draft = playbook::judge(&case.incident, &case.bounds, campaign);
                let analyst = Analyst::Model {
                    backend: "simulated".to_owned(),
                    model: self.plan.speed.name.to_owned(),
                };
                let verdict = panel::assemble(&case, draft, analyst, cost, &self.clock);
                Opinion { verdict, health: vec![(0, None)], uses: Vec::new() }
            }
            Some(why) => {
                let why = format!("simulated: {why}");
                cost.failures.push(why.clone());
                let mut opinion = panel::by_playbook(&case, why.clone(), &self.clock);
                opinion.verdict.cost = cost;
                Opinion { health: vec![(0, is_servers.then_some(why))], ..opinion }
            }
        };
        self.bench.finished(&case.incident.id, &opinion.health, now);
        self.busy.push((began, now));
        self.settle(&case, &opinion, began, now)
    }

    fn settle(
        &mut self,
        case: &Case,
        opinion: &Opinion,
        picked_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let verdict = &opinion.verdict;
        self.desk.settle(case, verdict)?;
        self.given.push(Given {
            incident: case.incident.id.clone(),
            picked_at,
            at: now,
            is_by_model: verdict.analyst.is_model(),
            severity: Severity::of(case.bounds.typical),
            class: verdict.draft.class,
            threat_level: verdict.draft.threat_level,
            calls: verdict.cost.calls,
            prompt_tokens: verdict.cost.prompt_tokens,
            answer_tokens: verdict.cost.completion_tokens,
        });
        Ok(())
    }

    /// Says when the queue must be looked at again: when somebody's patience ends, or soon if budgets or a breaker hold the model back.
    fn next_look(&self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let running = self.bench.running();
        let waiting = self.desk.store.jobs(BATCH_ALERTS_MAX)?;
        let waiting =
            waiting.iter().filter(|job| running.iter().all(|(id, _)| *id != job.incident_id));
        let is_free = self.bench.capacity(now) != Capacity::Slots(0);
        let mut next: Option<Timestamp> = None;
        for job in waiting {
            let severity = Severity::ALL.into_iter().find(|it| it.as_str() == job.severity);
            let due = severity.map(|severity| job.queued_at.after(patience(severity)));
            let patience_ends = due.filter(|due| {
                job.is_unjudged && self.plan.interim == Interim::Patience && *due > now
            });
            let soon = is_free.then(|| now.after(self.look_pause));
            next = [next, patience_ends, soon].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn note_depth(&mut self, now: Timestamp) -> Result<(), Failure> {
        let (jobs, _) = self.desk.store.queue_depth()?;
        let waiting = jobs.saturating_sub(self.under_way.len() as u64);
        if self.depth.last().is_none_or(|(_, last)| *last != waiting) {
            self.depth.push((now, waiting));
        }
        Ok(())
    }
}

/// How a call fails.
enum Fault {
    Silence,
    Nonsense,
}

/// Finds the next batch: where it ends in the stream, and when intake closes it.
fn batch_of(stream: &Stream, from: usize) -> Option<(usize, Timestamp)> {
    let first = stream.events.get(from)?;
    let closes = first.at.after(BATCH_WAIT);
    let most = stream.events.get(from..)?.iter().take(BATCH_ALERTS_MAX);
    let count = most.take_while(|event| event.at <= closes).count();
    let end = from + count;
    let is_full = count == BATCH_ALERTS_MAX;
    let last = stream.events.get(end - 1).map_or(closes, |event| event.at);
    Some((end, if is_full { last } else { closes }))
}

/// Estimates what a model writes: as much as the playbook's draft of the same fields.
fn answer_tokens(case: &Case) -> u32 {
    let draft = playbook::judge(&case.incident, &case.bounds, case.context.campaign.as_deref());
    let characters = serde_json::to_string(&draft).map_or(0, |text| text.chars().count());
    u32::try_from(characters / ANSWER_CHARACTERS_PER_TOKEN)
        .unwrap_or(ANSWER_TOKENS_MAX)
        .clamp(1, ANSWER_TOKENS_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stream(count: usize, apart_ms: u64) -> Stream {
        let start = super::super::stream::START;
        Stream::of((0..count).map(|number| {
            let at = start.after(Duration::from_millis(number as u64 * apart_ms));
            json!({
                "timestamp": at.to_string(), "id": number.to_string(),
                "rule": {"id": "1002", "level": 5, "description": "x", "groups": ["syslog"]},
                "agent": {"id": "1", "name": "a"}, "full_log": format!("something happened {number}"),
                "data": {"srcip": "203.0.113.9"},
            })
        }))
        .expect("a stream")
    }

    fn speed() -> Speed {
        Speed {
            name: "test",
            prompt_per_second: 1e9,
            generation_per_second: 10.0,
            parallel: 1,
            load_seconds: 5.0,
            fixed_seconds: 0.0,
        }
    }

    fn plan(failure_rate: f64) -> Plan {
        let (interim, verdict_tokens) = (Interim::Never, Some(100));
        Plan { speed: speed(), interim, verdict_tokens, failure_rate, seed: 1 }
    }

    fn config() -> Config {
        Config::load(crate::config::ConfigFile::Usual(std::path::Path::new("/nowhere")), [], |_| {
            Err(std::io::ErrorKind::NotFound.into())
        })
        .expect("the defaults")
        .config
    }

    #[test]
    fn a_batch_waits_5_ms_for_more_and_is_full_at_256() {
        let start = super::super::stream::START;
        let after = |millis: u64| start.after(Duration::from_millis(millis));
        assert_eq!(batch_of(&stream(3, 4), 0), Some((2, after(5))));
        assert_eq!(batch_of(&stream(3, 4), 2), Some((3, after(13))));
        assert_eq!(batch_of(&stream(300, 0), 0), Some((256, start)));
        assert_eq!(batch_of(&stream(3, 4), 3), None);
    }

    #[test]
    fn the_first_verdict_comes_after_batch_load_and_writing_and_growth_asks_no_model() {
        let run = play(&config(), &stream(12, 1000), &plan(0.0)).expect("a run");
        let start = super::super::stream::START;
        let ages: Vec<u64> = run
            .given
            .iter()
            .map(|given| u64::try_from(given.at.since(start).as_millis()).expect("small"))
            .collect();
        // 5 ms of gathering, 5 s of loading, 10 s of writing; then the tenth alert has come.
        let slower = 1.0..1.2;
        let first = ages[0] as f64 / 15_005.0;
        assert!(slower.contains(&first), "{ages:?}");
        assert_eq!(run.given.len(), 2, "{ages:?}");
        let by_model: Vec<bool> = run.given.iter().map(|given| given.is_by_model).collect();
        assert_eq!(by_model, [true, false]);
        assert_eq!(run.given[1].picked_at, run.given[0].at);
    }

    #[test]
    fn a_model_that_never_answers_rests_and_the_playbook_judges() {
        let run = play(&config(), &stream(3, 1000), &plan(1.0)).expect("a run");
        assert!(run.failed_calls > 0);
        assert!(!run.given.is_empty() && run.given.iter().all(|given| !given.is_by_model));
        assert_eq!(run.desk.store.queue_depth().expect("a depth").0, 0);
    }
}
