//! `xtask bench hook`: how long Wazuh waits for our hook, beside a usual Python hook.
//!
//! integratord runs hooks one at a time and waits for each, so the time from starting a hook to its
//! end is what every alert behind it pays. The two programs take turns within one run, each first
//! in every second pair, so that a machine that is busy for a moment slows both alike and the ratio
//! can be trusted where the milliseconds can't.
//!
//! It promises to have measured the good path: the stand-in for the daemon counts the alerts that
//! it took, and a hook that went to the spool instead fails the run. It builds nothing.

mod alert;
mod stand_in;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::checkout::{self, Checkout};
use crate::{Answer, Usage};
use stand_in::StandIn;

const RUNS_USUAL: usize = 200;

/// Most runs of each program: at a tenth of a second per pair this is a quarter of an hour, and
/// the percentiles have long stopped moving.
const RUNS_MAX: usize = 10_000;

/// Runs of each program before the measured ones, to bring both into the page cache.
const WARM_UP_RUNS: usize = 3;

/// The promise of ARCHITECTURE.md about the hook's own time.
const HOOK_MEDIAN_MAX: Duration = Duration::from_millis(2);

/// The promise of ARCHITECTURE.md about the hook and the Python hook.
const RATIO_MIN: f64 = 60.0;

/// Where the build puts the static hook, below its own folder, and where the development set-up puts Python.
const HOOK_USUAL: &str = "x86_64-unknown-linux-gnu/hook/custom-quell";
const PYTHON_USUAL: &str = ".venv/bin/python";

/// The least that the usual Python hook does before it can send anything anywhere.
const PYTHON_HOOK: &str = "import requests, json, sys; json.load(open(sys.argv[1]))\n";

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    runs: usize,
    hook: Option<PathBuf>,
    python: Option<PathBuf>,
}

impl Options {
    /// Reads the words after `bench hook`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let mut options = Options { runs: RUNS_USUAL, hook: None, python: None };
        for pair in words.chunks(2) {
            match pair {
                ["--runs", text] => {
                    options.runs = usize::from_str(text)
                        .ok()
                        .filter(|runs| (1..=RUNS_MAX).contains(runs))
                        .ok_or_else(|| {
                            Usage(format!("`--runs` takes 1 to {RUNS_MAX}, not `{text}`"))
                        })?;
                }
                ["--hook", path] => options.hook = Some(PathBuf::from(path)),
                ["--python", path] => options.python = Some(PathBuf::from(path)),
                [word] => return Err(Usage(format!("`{word}` is unknown or lacks a value"))),
                _ => return Err(Usage(format!("don't know the option `{}`", pair.join(" ")))),
            }
        }
        Ok(options)
    }
}

/// Measures both programs and compares them with the promise.
pub(crate) fn hook(checkout: &Checkout, options: &Options) -> anyhow::Result<Answer> {
    let here = std::env::current_dir().context("can't tell the current folder")?;
    let place = |given: &Option<PathBuf>, usual: PathBuf| match given {
        Some(path) if path.components().count() == 1 => path.clone(),
        Some(path) => here.join(path),
        None => usual,
    };
    let hook = place(&options.hook, checkout::built(HOOK_USUAL)?);
    let python = place(&options.python, checkout.path(PYTHON_USUAL));
    ensure!(
        hook.is_file(),
        "no hook at `{}`\nhint: RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build -p hook \
         --profile hook --target x86_64-unknown-linux-gnu, or name one with --hook",
        hook.display()
    );
    let folder = Folder::make()?;
    let alert = folder.write("custom-quell-1763990000--42.alert", alert::TEXT.as_bytes())?;
    let script = folder.write("hook.py", PYTHON_HOOK.as_bytes())?;
    check_python(&python, &folder.0)?;

    let stand_in = StandIn::listen(&folder.0.join("hook.sock"))?;
    let mut ours = checkout::command(&hook, &folder.0);
    ours.arg(&alert).args(["", "", "", "", "10", "3", "> /dev/null 2>&1"]);
    ours.env("QUELL_HOOK_SOCKET", stand_in.socket()).env("QUELL_SPOOL_DIR", &folder.0);
    let mut theirs = checkout::command(&python, &folder.0);
    theirs.arg(&script).arg(&alert);
    let [ours, theirs] = take_turns([&mut ours, &mut theirs], options.runs)?;

    let (taken, expected) = (stand_in.stop(), options.runs + WARM_UP_RUNS);
    ensure!(
        taken == expected,
        "the stand-in took {taken} of {expected} alerts, so this is no figure"
    );
    println!("{} pairs, an alert of {} bytes, through the socket", options.runs, alert::TEXT.len());
    Ok(report(ours, theirs))
}

/// Runs the two in turns, the first one first in every second pair, and gives the times of each.
fn take_turns(programs: [&mut Command; 2], runs: usize) -> anyhow::Result<[Vec<Duration>; 2]> {
    let [first, second] = programs;
    let mut times = [Vec::with_capacity(runs), Vec::with_capacity(runs)];
    for run in 0..WARM_UP_RUNS + runs {
        let (one, two) = if run % 2 == 0 {
            let one = time_of(first)?;
            (one, time_of(second)?)
        } else {
            let two = time_of(second)?;
            (time_of(first)?, two)
        };
        if run >= WARM_UP_RUNS {
            let [ones, twos] = &mut times;
            ones.push(one);
            twos.push(two);
        }
    }
    Ok(times)
}

/// Runs a program once, as integratord does: start it, wait for its end.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
fn time_of(command: &mut Command) -> anyhow::Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status();
    let took = start.elapsed();
    let program = command.get_program().display();
    let status = status.with_context(|| format!("can't run `{program}`"))?;
    ensure!(status.success(), "`{program}` failed with {status}");
    Ok(took)
}

/// Prints both and says whether the promise holds.
fn report(ours: Vec<Duration>, theirs: Vec<Duration>) -> Answer {
    let (ours, theirs) = (Spread::of(ours), Spread::of(theirs));
    println!("              median       p90       min");
    println!("custom-quell  {ours}");
    println!("python hook   {theirs}");
    let ratio = theirs.median.as_secs_f64() / ours.median.as_secs_f64().max(f64::MIN_POSITIVE);
    let is_kept = ours.median <= HOOK_MEDIAN_MAX && ratio >= RATIO_MIN;
    println!(
        "ratio of medians {ratio:.1}; promised: median up to {} ms and {RATIO_MIN} times faster: {}",
        HOOK_MEDIAN_MAX.as_millis(),
        if is_kept { "kept" } else { "not kept" }
    );
    if is_kept { Answer::Fine } else { Answer::No }
}

/// Three numbers that tell how a series of times is spread.
#[derive(Debug, PartialEq, Eq)]
struct Spread {
    median: Duration,
    p90: Duration,
    min: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Spread {
        times.sort();
        let at = |share_percent: usize| {
            let index = times.len().saturating_sub(1) * share_percent / 100;
            times.get(index).copied().unwrap_or_default()
        };
        Spread { median: at(50), p90: at(90), min: at(0) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let (median, p90, min) = (ms(self.median), ms(self.p90), ms(self.min));
        write!(formatter, "{median:6.2} ms {p90:6.2} ms {min:6.2} ms")
    }
}

/// Tries the import alone first, because "failed with 1" in the middle of a run explains nothing.
fn check_python(python: &Path, folder: &Path) -> anyhow::Result<()> {
    let output = checkout::command(python, folder)
        .args(["-c", "import requests"])
        .output()
        .with_context(|| format!("can't run `{}`, name another with --python", python.display()))?;
    if !output.status.success() {
        bail!(
            "`{}` can't import `requests`, which the hook it stands for needs\nhint: install it \
             with `{} -m pip install requests`, or name another Python with --python",
            python.display(),
            python.display()
        );
    }
    Ok(())
}

/// A folder of our own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("can't make `{}`", path.display()))?;
        Ok(Folder(path))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        let written = File::create(&path).and_then(|mut file| file.write_all(bytes));
        written.with_context(|| format!("can't write `{}`", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_options_the_usual_places_are_measured_two_hundred_times() {
        let usual = Options { runs: 200, hook: None, python: None };
        assert_eq!(Options::parse(&[]).unwrap(), usual);
    }

    #[test]
    fn options_name_the_programs_and_the_runs() {
        let options = Options::parse(&["--python", "python3", "--runs", "7", "--hook", "a/b"]);
        let (hook, python) = (Some("a/b".into()), Some("python3".into()));
        assert_eq!(options.unwrap(), Options { runs: 7, hook, python });
    }

    #[test]
    fn an_option_that_cannot_be_obeyed_is_named() {
        for words in [&["--runs", "0"][..], &["--runs", "x"], &["--runs"], &["--x", "1"]] {
            let error = Options::parse(words).unwrap_err().to_string();
            assert!(error.contains(words[0]), "{error}");
        }
    }

    #[test]
    fn the_spread_is_taken_from_the_sorted_times() {
        let times: Vec<Duration> = (1..=11).rev().map(Duration::from_millis).collect();
        let ms = Duration::from_millis;
        assert_eq!(Spread::of(times), Spread { median: ms(6), p90: ms(10), min: ms(1) });
        assert_eq!(Spread::of(Vec::new()).median, Duration::ZERO);
    }

    #[test]
    fn the_alert_has_the_usual_size_and_is_json_on_one_line() {
        assert!((2_600..=2_800).contains(&alert::TEXT.len()), "{}", alert::TEXT.len());
        assert_eq!(alert::TEXT.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(alert::TEXT).unwrap();
        assert_eq!(value["rule"]["id"], "31103");
    }
}
