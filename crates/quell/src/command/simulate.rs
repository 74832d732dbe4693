//! `quell simulate`: a flood in virtual time, against a model of a given speed.
//!
//! The desk, the bench, the scheduler and the prompts are the daemon's; only the clock and the model are imagined (`simulate/world.rs`). What is
//! told: how old verdicts get by severity and by needle, what it costs, how long the queue is, whether actors are served alike,
//! and whether every alert is where it belongs. A hook that asks about one alert after the other can stand beside it on the same stream.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use super::{Failure, Talk, load, print};
use crate::cli::simulate::{Policy, Simulate};

mod chance;
mod fifo;
mod figures;
pub(crate) mod generate;
mod goals;
mod needle;
mod plot;
mod speed;
mod stream;
mod table;
mod truth;
mod world;

use figures::{OfFifo, OfQuell};
use goals::Goal;
use speed::Speed;
use stream::Stream;
use truth::Needle;
use world::Plan;

/// The model, as the report names it.
#[derive(Debug, Serialize)]
struct ModelSpeed {
    name: &'static str,
    prompt_per_second: f64,
    generation_per_second: f64,
    parallel: usize,
    load_seconds: f64,
    fixed_seconds: f64,
    failure_rate: f64,
    /// Whether a model was really asked: never.
    was_asked: bool,
}

/// Everything that is told.
#[derive(Debug, Serialize)]
struct Report {
    alerts: usize,
    needles: usize,
    /// How needles are called, in the order of all lists of their figures.
    needle_names: Vec<String>,
    /// The flood that was made, as it was asked for.
    made: Option<String>,
    /// What chance went by, in a made flood and in failures.
    seed: u64,
    /// From the first alert to the last.
    seconds: f64,
    model: ModelSpeed,
    quell: Option<OfQuell>,
    /// The hook at the level it is set to.
    baseline: Option<OfFifo>,
    /// The hook if it were told of every needle besides.
    baseline_told: Option<OfFifo>,
    sooner_than_baseline: Option<goals::Sooner>,
    goals: Vec<Goal>,
}

pub(super) fn run(file: Option<&Path>, options: &Simulate) -> Result<(), Failure> {
    let (stream, needles) = stream_of(options)?;
    if let Some(path) = &options.write {
        write_stream(path, &stream, &needles)?;
    }
    let config = load(file)?.config;
    let speed = Speed::of(&options.model);
    let plan = Plan {
        speed,
        interim: options.playbook_interim,
        verdict_tokens: options.model.verdict_tokens,
        failure_rate: options.model.failure_rate,
        seed: options.seed,
    };
    let report = report(&config, &stream, &needles, options, &plan)?;
    if let Some(path) = &options.svg {
        write(path, &plot::drawn(&report))?;
    }
    if options.json {
        print(&json!(report).to_string())?;
    } else {
        print(&table::written(&report))?;
    }
    if options.goals && report.goals.iter().any(|goal| !goal.holds) {
        return Err(Failure::no());
    }
    Ok(())
}

/// Reads or makes the stream, with its needles marked, and times it.
fn stream_of(options: &Simulate) -> Result<(Stream, Vec<Needle>), Failure> {
    let (mut stream, needles) = match &options.generate {
        Some(kind) => generate::made(kind, options.seed)?,
        None if options.files.is_empty() => {
            return Err(Failure::usage(
                "there are no alerts to play\nhint: name a file of alerts, - for standard input, or make some with --generate",
            ));
        }
        None => {
            let mut stream = Stream::read(&options.files)?;
            if stream.holds_no_alert() {
                return Err(Failure::usage(super::offline::no_alerts(stream.long_lines)));
            }
            stream.anchor();
            let late = stream.put_in_order();
            if late > 0 {
                Talk::say(&format!(
                    "{late} alerts stand more than an hour behind their time, as where a file holds several logs one behind the other: all are played in the order of their times"
                ));
            }
            let needles = match &options.truth {
                Some(path) => truth::read(path, &mut stream)?,
                None => Vec::new(),
            };
            (stream, needles)
        }
    };
    if stream.events.is_empty() {
        return Err(Failure::usage("there are no alerts to play"));
    }
    if let Some(rate) = options.rate {
        stream.retime(rate);
    }
    if let Some(rate) = options.keep_coming {
        stream.keep_coming(rate, options.keep_coming_seconds)?;
    }
    Ok((stream, needles))
}

fn report(
    config: &crate::config::Config,
    stream: &Stream,
    needles: &[Needle],
    options: &Simulate,
    plan: &Plan,
) -> Result<Report, Failure> {
    let quell = match options.policy {
        Policy::Quell | Policy::Both => {
            let run = world::play(config, stream, plan)?;
            Some(figures::of_quell(&run, stream, needles, plan.speed.parallel)?)
        }
        Policy::PerAlertFifo => None,
    };
    let hook = |with_needles: bool| {
        let played = fifo::play(stream, plan.speed, options.baseline_level_min, with_needles);
        figures::of_fifo(&played, stream, needles, options.baseline_level_min)
    };
    let baseline = (options.policy != Policy::Quell).then(|| hook(false));
    let baseline_told = baseline.as_ref().filter(|_| !needles.is_empty()).map(|_| hook(true));
    let seconds =
        stream.events.last().map_or(0.0, |it| figures::seconds(it.at, figures::start_of(stream)));
    let goals = quell.as_ref().map(|quell| goals::goals(quell, baseline_told.as_ref(), seconds));
    let both = quell.as_ref().zip(baseline_told.as_ref());
    let speed = plan.speed;
    Ok(Report {
        alerts: stream.events.len(),
        needles: needles.len(),
        needle_names: needles.iter().map(|needle| needle.name.clone()).collect(),
        made: options.generate.clone(),
        seed: options.seed,
        seconds,
        model: ModelSpeed {
            name: speed.name,
            prompt_per_second: speed.prompt_per_second,
            generation_per_second: speed.generation_per_second,
            parallel: speed.parallel,
            load_seconds: speed.load_seconds,
            fixed_seconds: speed.fixed_seconds,
            failure_rate: plan.failure_rate,
            was_asked: false,
        },
        sooner_than_baseline: both.and_then(|(quell, told)| goals::sooner(quell, told)),
        quell,
        baseline,
        baseline_told,
        goals: goals.unwrap_or_default(),
    })
}

/// Writes the stream and its truth.
fn write_stream(path: &Path, stream: &Stream, needles: &[Needle]) -> Result<(), Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::create(path).with_context(|| {
        format!("could not write the alerts to `{}`", alert::sanitize::shown(&name, 200))
    })?;
    let mut file = std::io::BufWriter::new(file);
    for event in &stream.events {
        file.write_all(&event.raw)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    let mut truth_path = path.as_os_str().to_owned();
    truth_path.push(".truth.tsv");
    write(Path::new(&truth_path), &truth::as_table(needles, stream))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let name = alert::sanitize::shown(&path.display().to_string(), 200);
    let mut file =
        std::fs::File::create(path).with_context(|| format!("could not write `{name}`"))?;
    file.write_all(text.as_bytes()).with_context(|| format!("could not write `{name}`"))?;
    Ok(())
}
