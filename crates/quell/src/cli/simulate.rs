//! The options of `quell simulate`: the stream, the model's speed, what stands beside it, and what comes out.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The alerts: files, plain or gzip, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Make the alerts instead of reading them: a kind of adversarial flood, with how many alerts; needles and truth come with it
    #[arg(long, value_name = "KIND[:N]", conflicts_with_all = ["files", "truth"], long_help = super::super::command::simulate::generate::HELP)]
    pub(crate) generate: Option<String>,
    /// Where the needles are: a table with the columns actor, class, first, last (and, if known, name and alerts: their ids, commas between), such a list in JSON, or what `--write` writes
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: SimulatedModel,
    /// Who judges: Quell, or as a hook does that asks a model about one alert after the other, or each in turn
    #[arg(long, value_enum, default_value = "both", value_name = "WHO")]
    pub(crate) policy: Policy,
    /// The lowest rule level that the hook asks about
    #[arg(long, default_value_t = 10, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=16))]
    pub(crate) baseline_level_min: u8,
    /// When the playbook stands in for a busy model
    #[arg(long, value_enum, default_value = "patience", value_name = "WHEN")]
    pub(crate) playbook_interim: Interim,
    /// Let alerts come evenly, this many a second, in their order [default: when their own time stamps say]
    #[arg(long, value_name = "ALERTS_PER_SECOND", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// Let noise like the stream's go on behind it, this many alerts a second
    #[arg(long, value_name = "ALERTS_PER_SECOND", value_parser = positive)]
    pub(crate) keep_coming: Option<f64>,
    /// For how long noise goes on, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, requires = "keep_coming")]
    pub(crate) keep_coming_seconds: u32,
    /// What chance does, of failures and generators: the same seed, the same run
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw verdict ages and the queue over time into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the alerts, one a line, to FILE, and their truth to FILE.truth.tsv
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Exit with 1 if a goal is missed
    #[arg(long)]
    pub(crate) goals: bool,
}

/// How fast the model is that is simulated.
#[derive(Debug, Args)]
pub(crate) struct SimulatedModel {
    /// A machine and a model whose speeds are known
    #[arg(long, value_enum, default_value = "m4-qwen2.5-14b", value_name = "NAME")]
    pub(crate) preset: Preset,
    /// Tokens of a prompt that are read in a second [default: the preset's]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) prompt_tokens_per_second: Option<f64>,
    /// Tokens of an answer that are written in a second [default: the preset's]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) generation_tokens_per_second: Option<f64>,
    /// Calls at once; two together get 1.14 times the speed of one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) parallel: u8,
    /// Seconds that loading the model takes: at the first call, and after half an hour without one
    #[arg(long, value_name = "SECONDS", default_value_t = 6.5, value_parser = not_negative)]
    pub(crate) load_seconds: f64,
    /// Seconds that a call takes beside its tokens
    #[arg(long, value_name = "SECONDS", default_value_t = 0.15, value_parser = not_negative)]
    pub(crate) fixed_seconds: f64,
    /// Tokens of an answer to Quell [default: estimated for each verdict]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) verdict_tokens: Option<u32>,
    /// The share of calls that fail, half of them by no answer, half by one that can't be used
    #[arg(long, value_name = "0..1", default_value_t = 0.0, value_parser = share)]
    pub(crate) failure_rate: f64,
}

/// Machines and models whose speeds are known: published measurements, or derived from them by size and number of cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// Mac mini M4, qwen2.5:14b: reads 120 tokens a second, writes 11.3
    #[value(name = "m4-qwen2.5-14b")]
    M4Qwen14b,
    /// Mac mini M4, llama3.1:8b: reads 225, writes 20.9
    #[value(name = "m4-llama3.1-8b")]
    M4Llama8b,
    /// M4 Pro with 16 cores, qwen2.5:14b: reads 200, writes 25.7
    #[value(name = "m4pro-qwen2.5-14b")]
    M4ProQwen14b,
    /// M4 Pro with 16 cores, llama3.1:8b: reads 370, writes 47
    #[value(name = "m4pro-llama3.1-8b")]
    M4ProLlama8b,
    /// M4 Pro with 20 cores, qwen2.5:14b: reads 240, writes 25.7
    #[value(name = "m4pro20-qwen2.5-14b")]
    M4Pro20Qwen14b,
    /// M4 Pro with 20 cores, llama3.1:8b: reads 440, writes 47
    #[value(name = "m4pro20-llama3.1-8b")]
    M4Pro20Llama8b,
}

/// Which judge is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// Quell: the same desk as the daemon's
    Quell,
    /// A hook that asks about each alert, one after the other
    PerAlertFifo,
    /// Each of them on the same stream
    Both,
}

/// When the playbook stands in for a busy model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Interim {
    /// When an incident has waited as long as its severity may, as the daemon does it
    Patience,
    /// Never: only a model's verdict counts
    Never,
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| "a number is wanted".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if number > 0.0 { Ok(number) } else { Err("it must be more than 0".to_owned()) }
    })
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if number >= 0.0 { Ok(number) } else { Err("it can't be less than 0".to_owned()) }
    })
}

fn share(text: &str) -> Result<f64, String> {
    number(text).and_then(|number| {
        if (0.0..=1.0).contains(&number) {
            Ok(number)
        } else {
            Err("it must be from 0 to 1".to_owned())
        }
    })
}
