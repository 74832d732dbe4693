//! `quell rules backtest`: the rules as they are and as they would be, over the same old logs, and what differs.
//!
//! The new rules are the old ones with files put in: one of the same name takes the old one's place, any other comes behind. So
//! `quell rules backtest local_rules.xml LOG` asks the usual question about an installation. With `--silence` a third set of rules
//! runs along, in which some rules are silent: what would be missing then, also of correlation that lives on them.
//!
//! Engines of all sets run side by side over each line, so that memory does not grow with the logs.

mod comparison;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use alert::sanitize::shown;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use ruleset::{Options, Record, Ruleset, Session, SessionOptions};

use self::comparison::{Comparison, Ending};
use super::timeline::Timeline;
use crate::cli::RulesBacktest;
use crate::command::{Failure, Talk};
use crate::logfile::{LogFile, find};
use crate::rulebook;

/// The bar moves after so many lines: more often costs more than it tells.
const LINES_PER_STEP: u64 = 4096;

/// What a run over the logs gave.
#[derive(Debug)]
struct Backtest {
    old: Arc<Ruleset>,
    new: Arc<Ruleset>,
    lines: u64,
    /// Hours that the logs span, where lines state their times.
    hours: Option<f64>,
    change: Comparison,
    /// The new rules with some silenced, and the new rules against them.
    silence: Option<(Arc<Ruleset>, Comparison)>,
}

pub(super) fn run(options: &RulesBacktest) -> Result<(), Failure> {
    let old = load(options, "the old rules", false, &[])?;
    let new = load(options, "the new rules", true, &[])?;
    let silent = match options.silence.as_slice() {
        [] => None,
        ids => {
            for id in ids {
                if new.rule(*id).is_none() {
                    return Err(Failure::usage(format!(
                        "there is no rule `{id}` to silence in the new rules"
                    )));
                }
            }
            Some(load(options, "the new rules, some of them silent", true, ids)?)
        }
    };
    let logs = find(&options.logs)?;
    let backtest = compare(&old, &new, silent.as_ref(), &logs, options.samples)?;
    report::tell(&backtest, options)
}

fn load(
    options: &RulesBacktest,
    name: &str,
    is_new: bool,
    silent: &[u32],
) -> Result<Arc<Ruleset>, Failure> {
    let source = match is_new {
        true => rulebook::read_with(&options.old, &options.rules)?,
        false => rulebook::read(&options.old)?,
    };
    let settings = Options { silent: silent.to_vec(), ..Options::default() };
    let book = rulebook::load_source(&source, &settings);
    let ruleset = book.usable().map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    Talk::say(&format!(
        "{name}: {} rules, {} decoders",
        ruleset.rule_count(),
        ruleset.decoder_count()
    ));
    Ok(ruleset)
}

fn compare(
    old: &Arc<Ruleset>,
    new: &Arc<Ruleset>,
    silent: Option<&Arc<Ruleset>>,
    logs: &[PathBuf],
    samples_max: usize,
) -> anyhow::Result<Backtest> {
    let session = |ruleset: &Arc<Ruleset>| {
        let options = SessionOptions { zone: TimeZone::system(), ..SessionOptions::default() };
        Session::new(Arc::clone(ruleset), options)
    };
    let (mut with_old, mut with_new) = (session(old), session(new));
    let mut with_silent = silent.map(session);
    let mut change = Comparison::new(samples_max);
    let mut silence = Comparison::new(samples_max);
    let mut timeline = Timeline::new();
    let mut lines = 0;
    let mut line = Vec::new();
    let bar = bar(logs);
    let mut bytes_before = 0;
    for path in logs {
        let mut file = LogFile::open(path)?;
        let location = path.display().to_string();
        bar.set_message(shown(&location, 40));
        timeline.begin_file();
        while file.read_line(&mut line)? {
            let time = timeline.of(&line);
            let record = Record { time, location: location.as_bytes(), log: &line };
            let before = Ending::of(&with_old.process(&record));
            let after = Ending::of(&with_new.process(&record));
            change.add(before, after, &record);
            if let Some(session) = &mut with_silent {
                silence.add(after, Ending::of(&session.process(&record)), &record);
            }
            lines += 1;
            if lines % LINES_PER_STEP == 0 {
                bar.set_position(bytes_before + file.bytes_read());
            }
        }
        bytes_before += file.bytes_read();
        if file.lines_cut() > 0 {
            Talk::say(&format!(
                "lines of `{}` longer than 64 KB, which were cut: {}",
                shown(&location, 200),
                file.lines_cut()
            ));
        }
    }
    bar.finish_and_clear();
    let silence = silent.map(|ruleset| (Arc::clone(ruleset), silence));
    let hours = timeline.hours();
    Ok(Backtest { old: Arc::clone(old), new: Arc::clone(new), lines, hours, change, silence })
}

/// A bar over the bytes of all files. It hides itself where nobody watches.
fn bar(logs: &[PathBuf]) -> ProgressBar {
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
    let bar = ProgressBar::new(logs.iter().map(size).sum());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {percent} % {wide_bar} {msg} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
