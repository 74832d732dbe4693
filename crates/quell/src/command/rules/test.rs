//! `quell rules test`: runs rule tests and says of each failure what was expected, what came, and which condition stood between.
//!
//! Every sample starts from an empty memory, as in Wazuh's own runner, so that tests can't lean on each other. The clock starts on a
//! fixed day: the outcome is the same today and next year.
//!
//! With some rules no event can end: they group others. A `fail` sample that names such a rule would be right whatever came of it, so
//! here it means that the line must not get past the rule. Wazuh's own runner, which doesn't look there, finds it right too.

mod junit;
mod nearest;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alert::clock::{Clock as _, SystemClock};
use alert::sanitize::shown;
use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use jiff::tz::TimeZone;
use ruleset::testfile::{Problem, Sample, Should, TestFile};
use ruleset::{Record, Ruleset, Session, SessionOptions, TriedVerdict};

use crate::cli::RulesTest;
use crate::command::logtest::seen::{Keep, Seen};
use crate::command::logtest::{load_rules, session};
use crate::command::{Failure, Talk};

/// When samples happen: a Wednesday morning.
pub(super) const EPOCH_SECONDS: i64 = 1_795_600_000;

/// Where log lines come from when a test doesn't say; so says wazuh-logtest.
pub(super) const LOCATION: &[u8] = b"stdin";

/// Wazuh's own largest file of tests is 150 KB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Folders of tests are shallow. Links that lead in circles end here.
const DEPTH_MAX: usize = 8;

/// What came of a file of tests.
#[derive(Debug)]
pub(super) struct FileResult {
    pub(super) name: String,
    /// Why the file could not be read at all.
    pub(super) unreadable: Option<String>,
    /// Lines that could not be understood: such a test tests something else than its author thinks.
    pub(super) problems: Vec<Problem>,
    pub(super) samples: Vec<SampleResult>,
}

/// How a sample went.
#[derive(Debug)]
pub(super) struct SampleResult {
    pub(super) sample: Sample,
    /// The rule's id and level, where one applies.
    pub(super) rule: Option<(String, u8)>,
    pub(super) decoder: String,
    pub(super) is_right: bool,
    /// Why it is not right, in sentences.
    pub(super) reasons: Vec<String>,
}

pub(super) fn run(options: &RulesTest) -> Result<(), Failure> {
    let ruleset = load_rules(&options.ruleset.ruleset)?;
    let results = run_files(&ruleset, &options.files)?;
    if let Some(path) = &options.junit {
        junit::write(path, &results)?;
    }
    report::tell(&results, options.json)
}

/// Runs one file, for `quell logtest --ini`.
pub(super) fn run_file(rules: &[PathBuf], file: &Path, is_json: bool) -> Result<(), Failure> {
    let ruleset = load_rules(rules)?;
    report::tell(&run_files(&ruleset, &[file.to_owned()])?, is_json)
}

fn run_files(ruleset: &Arc<Ruleset>, paths: &[PathBuf]) -> anyhow::Result<Vec<FileResult>> {
    let files = read(paths)?;
    let total: usize = files.iter().flat_map(|(_, file)| file).map(|file| file.samples.len()).sum();
    // It hides itself where nobody watches.
    let bar = ProgressBar::new(total as u64);
    let start = SystemClock.now();
    let mut results = Vec::new();
    for (name, file) in files {
        let unreadable = file.as_ref().err().map(|error| format!("{error:#}"));
        let file = file.unwrap_or_default();
        let mut samples = Vec::new();
        for sample in file.samples {
            samples.push(run_sample(ruleset, sample)?);
            bar.inc(1);
        }
        results.push(FileResult { name, unreadable, problems: file.problems, samples });
    }
    bar.finish_and_clear();
    let millis = SystemClock.now().since(start).as_millis();
    Talk::say(&format!("samples: {total}, files: {}, {millis} ms", results.len()));
    Ok(results)
}

/// Reads files of tests; of a folder all that end in `.ini`, by name. That one can't be read keeps nobody from the others.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, anyhow::Result<TestFile>)>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.exists() {
            bail!("there is no `{}`", shown(&path.display().to_string(), 200));
        }
        let before = found.len();
        find(path, 0, &mut found)?;
        if found.len() == before {
            bail!(
                "there are no tests in `{}`\nhint: files of tests end in `.ini`",
                shown(&path.display().to_string(), 200)
            );
        }
    }
    let mut files = Vec::new();
    for path in found {
        let name = path.display().to_string();
        files.push((name, read_file(&path).map(|text| TestFile::parse(&text))));
    }
    Ok(files)
}

fn find(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let reading = || format!("could not read `{}`", shown(&path.display().to_string(), 200));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).with_context(reading)? {
        entries.push(entry.with_context(reading)?.path());
    }
    entries.sort();
    for entry in entries {
        let is_test = entry.extension().is_some_and(|extension| extension == "ini");
        if is_test || (entry.is_dir() && depth < DEPTH_MAX) {
            find(&entry, depth + 1, found)?;
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || shown(&path.display().to_string(), 200);
    let size =
        std::fs::metadata(path).with_context(|| format!("could not open `{}`", name()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("`{}` is bigger than {} MB: it is no file of tests", name(), FILE_BYTES_MAX >> 20);
    }
    std::fs::read(path).with_context(|| format!("could not read `{}`", name()))
}

/// Runs a sample; a wrong one again, with every step noted.
fn run_sample(ruleset: &Arc<Ruleset>, sample: Sample) -> anyhow::Result<SampleResult> {
    let quick = SessionOptions { logtest: true, ..SessionOptions::default() };
    let mut quick = Session::new(Arc::clone(ruleset), quick);
    let seen = send(&mut quick, &sample, Keep::Path)?;
    let given = seen.rule();
    let given = given.as_ref().map(|(id, level)| (id.as_str(), *level));
    let mut is_right = sample.is_right(given, &seen.text("/decoder/name").unwrap_or_default());
    let mut reasons = Vec::new();
    let closed = closed_to(&sample, ruleset);
    if !is_right || closed.is_some() {
        let seen = send(&mut session(ruleset, true, TimeZone::UTC), &sample, Keep::Tried)?;
        if let Some(id) = closed.filter(|id| gets_past(*id, &seen)) {
            is_right = false;
            reasons.push(format!("the line gets past rule {id}, with which no event ends"));
        } else if !is_right {
            reasons = nearest::reasons(&sample, &seen, ruleset);
        }
    }
    let decoder = seen.text("/decoder/name").unwrap_or_default();
    Ok(SampleResult { rule: seen.rule(), decoder, is_right, reasons, sample })
}

/// Gives the rule that a sample must not get past, if with the rule that it names no event can end.
fn closed_to(sample: &Sample, ruleset: &Ruleset) -> Option<u32> {
    let id = sample.expected.rule.trim().parse().ok()?;
    let is_closed =
        sample.should == Should::Fail && ruleset.rule(id).is_some() && !ruleset.can_be_final(id);
    is_closed.then_some(id)
}

fn gets_past(id: u32, seen: &Seen) -> bool {
    let mut steps = seen.tried.iter().filter(|step| step.id == id);
    steps.any(|step| !matches!(step.verdict, TriedVerdict::Failed(_)))
}

/// Sends a sample's lines and gives what came of the last.
fn send(session: &mut Session, sample: &Sample, keep: Keep) -> anyhow::Result<Seen> {
    let mut time = EPOCH_SECONDS;
    let mut events = sample.events.iter().peekable();
    while let Some(event) = events.next() {
        time = time.saturating_add(event.wait_secs.into());
        let location = event.location.as_deref().unwrap_or(LOCATION);
        let outcome = session.process(&Record { time, location, log: &event.log });
        if events.peek().is_none() {
            return Seen::new(&outcome, keep);
        }
    }
    bail!("a sample without log lines")
}
