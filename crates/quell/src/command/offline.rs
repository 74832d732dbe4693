//! The main job without a daemon: the same desk and the same panel, on a store in memory.
//!
//! `quell triage` and `quell demo` are made of this. Time is the alerts' own: a recording of last year folds as it would have then.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alert::tag::TagKey;
use alert::{Clock, Limits, SystemClock};
use anyhow::Context as _;
use model::{Backend, BackendConfig, Kind};
use store::{IncidentFilter, IncidentRow, Store};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use triage::schedule::{Budgets, Capacity, Turn};

use super::{Failure, Talk};
use crate::cli::{AnalystChoice, ModelOptions};
use crate::config::Config;
use crate::desk::{Arrivals, Case, Desk};
use crate::panel::{self, Opinion, Seat};
use crate::stage::judge::{Bench, nonce};
use crate::{home, setup};

/// Alerts folded at once.
const BATCH_ALERTS: usize = 256;

/// The longest that a local Ollama may take to answer a question about itself.
const PROBE_MAX: Duration = Duration::from_secs(180);

/// What is said of an input in which no line is an alert, and `long` lines are longer than an alert may be.
pub(super) fn no_alerts(long: u64) -> String {
    if long == 0 {
        return "no line is an alert\nhint: alerts are JSON, one object a line, as in Wazuh's alerts.json; \
                `quell detect FILE` makes alerts of a raw log"
            .to_owned();
    }
    let line_max = Limits::default().bytes_max;
    let lines = if long == 1 { "a line is".to_owned() } else { format!("{long} lines are") };
    format!(
        "no line is an alert: {lines} longer than the {line_max} bytes that an alert may have\n\
         hint: alerts are one object a line; of a list of them (`[...]`) write each on a line of its own, as `jq -c .[]` does"
    )
}

/// The main job, offline.
pub(super) struct Session {
    pub(super) desk: Desk,
    bench: Bench,
    clock: Arc<dyn Clock>,
    runtime: Runtime,
}

/// What a session is doing, for progress.
#[derive(Debug, Clone, Copy)]
pub(super) enum Progress {
    /// So many alerts were read.
    Read(u64),
    /// So many incidents are judged, of so many known to wait.
    Judged(u64, u64),
}

impl Session {
    /// Sets a session up: the policy and settings of the configuration, the models that `options` choose.
    pub(super) fn new(
        config: &Config,
        options: &ModelOptions,
        data_dir: Option<&Path>,
    ) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("could not start the runtime")?;
        let key = match data_dir.map(home::read_key).transpose()?.flatten() {
            Some(key) => key,
            None => TagKey::new(home::draw_key()?),
        };
        let mut gate = setup::gate(config, key);
        // A recording may be from any time, and says itself when its alerts were.
        gate.skew_max = Duration::MAX;
        let mut settings = setup::desk(config);
        settings.sinks.clear();
        // Nobody waits behind another here: every incident is judged as the models get to it.
        settings.budgets = Budgets { calls_per_minute: 1_000_000, calls_per_actor_hour: 1_000_000 };
        let now = clock.now();
        let (panel, absence) = choose_panel(config, options, &runtime)?;
        Ok(Self {
            desk: Desk::new(Store::open_in_memory()?, gate, settings, now),
            bench: Bench::new(panel, absence),
            clock,
            runtime,
        })
    }

    /// Takes every line of an input in, and gives how many were longer than an alert may be.
    pub(super) fn read(
        &mut self,
        input: impl Read,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, Failure> {
        let mut lines = Lines::new(input)?;
        let mut long = 0;
        loop {
            let mut arrivals = Arrivals { route: "file".to_owned(), ..Arrivals::default() };
            while arrivals.alerts.len() + arrivals.rejected.len() < BATCH_ALERTS {
                match lines.next_line()? {
                    Some(Ok(line)) => arrivals.alerts.push(line),
                    Some(Err(rejected)) => {
                        long += 1;
                        arrivals.rejected.push(rejected);
                    }
                    None => break,
                }
            }
            if arrivals.alerts.is_empty() && arrivals.rejected.is_empty() {
                return Ok(long);
            }
            self.desk.take_in(&[arrivals], self.clock.now())?;
            progress(Progress::Read(self.desk.store.counts()?.accepted));
        }
    }

    /// Judges every incident that asks for it.
    pub(super) fn judge(&mut self, mut progress: impl FnMut(Progress)) -> Result<(), Failure> {
        let (waiting, _) = self.desk.store.queue_depth()?;
        let mut judged = 0;
        let mut calls: JoinSet<(Case, Opinion)> = JoinSet::new();
        loop {
            let now = self.clock.now();
            let capacity = self.bench.capacity(now);
            let cases = self.desk.next_cases(now, &self.bench.running(), capacity)?;
            let mut started = 0;
            for mut case in cases {
                match (case.turn, capacity) {
                    (Turn::Interim(why), Capacity::Down) => case.turn = Turn::Playbook(why),
                    (Turn::Interim(_), _) => continue,
                    _ => {}
                }
                started += 1;
                if case.turn == Turn::Model {
                    let seats = self.bench.seat(&case, now);
                    let (panel, clock) = (self.bench.panel(), Arc::clone(&self.clock));
                    calls.spawn_on(
                        async move {
                            let opinion =
                                panel::judge(&panel, &seats, &case, &nonce(), clock.as_ref()).await;
                            (case, opinion)
                        },
                        self.runtime.handle(),
                    );
                } else {
                    let why = self.bench.why_not(&case, capacity, now);
                    let opinion = panel::by_playbook(&case, why, self.clock.as_ref());
                    self.desk.settle(&case, &opinion.verdict)?;
                    judged += 1;
                    progress(Progress::Judged(judged, waiting));
                }
            }
            if let Some(done) = self.runtime.block_on(calls.join_next()) {
                let (case, opinion) = done.context("a case could not be judged")?;
                self.bench.finished(&case.incident.id, &opinion.health, self.clock.now());
                self.desk.settle(&case, &opinion.verdict)?;
                judged += 1;
                progress(Progress::Judged(judged, waiting));
            } else if started == 0 {
                return Ok(());
            }
        }
    }

    /// Gives all incidents with their verdicts, the most dangerous first.
    pub(super) fn incidents(&self) -> Result<Vec<IncidentRow>, Failure> {
        Ok(self.desk.store.incidents(&IncidentFilter::default())?)
    }

    /// Names the models that judge.
    pub(super) fn models(&self) -> Vec<String> {
        self.bench
            .panel()
            .iter()
            .map(|seat| {
                let config = seat.backend.config();
                format!("{} at {}", config.model.as_deref().unwrap_or("its own choice"), config.url)
            })
            .collect()
    }

    /// Tells the time since `start`, in seconds.
    pub(super) fn seconds_since(&self, start: alert::Timestamp) -> f64 {
        self.clock.now().since(start).as_secs_f64()
    }

    /// Reads the clock.
    pub(super) fn now(&self) -> alert::Timestamp {
        self.clock.now()
    }
}

/// Chooses who judges, says on stderr who could not, and gives the words for why nobody can if so.
fn choose_panel(
    config: &Config,
    options: &ModelOptions,
    runtime: &Runtime,
) -> Result<(Vec<Arc<Seat>>, String), Failure> {
    if options.analyst == AnalystChoice::Playbook {
        return Ok((Vec::new(), "the playbook was asked for (`--analyst playbook`)".to_owned()));
    }
    let mut absence = setup::no_model(config);
    let panel = if let Some(url) = &options.model_url {
        vec![named(config, options, url)?]
    } else {
        let configured = setup::panel(config)?;
        if configured.is_empty() {
            let found = local_ollama(config, runtime);
            found.map_err(|why| absence.push_str(&format!(", and {why}"))).into_iter().collect()
        } else {
            configured
        }
    };
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    for seat in panel {
        let probe = runtime
            .block_on(async { tokio::time::timeout(PROBE_MAX, model::probe(&seat.backend)).await });
        match probe {
            Ok(probe) if probe.error.is_none() => usable.push(seat),
            Ok(probe) => {
                let (error, hint) = probe.error.map_or_else(Default::default, |error| {
                    (error.to_string(), format!("\nhint: {}", error.hint()))
                });
                let why = format!("the model `{}` can't be used: {error}", seat.name());
                Talk::say(&format!("{why}{hint}"));
                unusable.push(why);
            }
            Err(_) => {
                let seconds = PROBE_MAX.as_secs();
                let name = seat.name();
                let why =
                    format!("the model `{name}` did not answer a question within {seconds} s");
                Talk::say(&why);
                unusable.push(why);
            }
        }
    }
    if !unusable.is_empty() {
        absence = alert::sanitize::shown(&unusable.join("; "), panel::REASON_CHARACTERS_MAX);
    }
    if usable.is_empty() && options.analyst == AnalystChoice::Model {
        return Err(Failure {
            code: Failure::ENVIRONMENT,
            message: "no model answers\nhint: start Ollama and run `ollama pull qwen2.5:14b`, or name a server with --model-url".to_owned(),
        });
    }
    Ok((usable, absence))
}

/// Takes the server that the command line names. Ollama is known by its own port.
fn named(config: &Config, options: &ModelOptions, url: &str) -> Result<Arc<Seat>, Failure> {
    let kind = if url.contains(":11434") { Kind::Ollama } else { Kind::OpenAi };
    let backend = BackendConfig {
        model: options.model.clone(),
        num_ctx: options.context_tokens,
        ..BackendConfig::new("named", kind, url)
    };
    let backend = Backend::new(backend, &setup::egress(config)).map_err(|error| {
        Failure::usage(format!("could not use the model server at `{url}`: {error}"))
    })?;
    Ok(Arc::new(Seat { backend, max_tokens: 700 }))
}

/// Finds an Ollama on this machine, or says why there is none to ask.
fn local_ollama(config: &Config, runtime: &Runtime) -> Result<Arc<Seat>, String> {
    let url = model::LOCAL_OLLAMA_URL;
    let found = runtime
        .block_on(model::find_local_ollama(url))
        .ok_or_else(|| format!("no Ollama answers at `{url}`"))?;
    let Some(model) = found.model else {
        let has = found.models.join(", ");
        let why = format!("the Ollama at `{}` has no usable model (it has: {has})", found.url);
        Talk::say(&why);
        return Err(why);
    };
    let backend = BackendConfig {
        model: Some(model),
        ..BackendConfig::new("ollama", Kind::Ollama, found.url)
    };
    Backend::new(backend, &setup::egress(config))
        .map(|backend| Arc::new(Seat { backend, max_tokens: 700 }))
        .map_err(|error| format!("the Ollama at `{url}` can't be used: {error}"))
}

/// A line of an input, or what is left of one that is no alert, with the reason.
pub(super) type Line = Result<Vec<u8>, (Vec<u8>, String)>;

/// Lines of an input that may be packed with gzip, with a bound on their length.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: impl Read + 'a) -> Result<Self, Failure> {
        let mut input = BufReader::with_capacity(256 * 1024, input);
        let is_packed =
            input.fill_buf().context("could not read the alerts")?.starts_with(&[0x1f, 0x8b]);
        let input: Box<dyn BufRead + 'a> = if is_packed {
            Box::new(BufReader::with_capacity(
                256 * 1024,
                flate2::bufread::MultiGzDecoder::new(input),
            ))
        } else {
            Box::new(input)
        };
        Ok(Self { input })
    }

    pub(super) fn next_line(&mut self) -> Result<Option<Line>, Failure> {
        let line_max = Limits::default().bytes_max as u64;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.input)
                .take(line_max + 1)
                .read_until(b'\n', &mut line)
                .context("could not read the alerts")?;
            if read == 0 {
                return Ok(None);
            }
            if line.last() != Some(&b'\n') && line.len() as u64 > line_max {
                line.truncate(4096);
                self.skip_line()?;
                return Ok(Some(Err((line, format!("a line of more than {line_max} bytes")))));
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                return Ok(Some(Ok(text.to_vec())));
            }
        }
    }

    fn skip_line(&mut self) -> Result<(), Failure> {
        loop {
            let buffer = self.input.fill_buf().context("could not read the alerts")?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.input.consume(used);
            if ends {
                return Ok(());
            }
        }
    }
}
