//! `quell rules coverage`: which rules and decoders a set of tests or logs touches, and which it leaves untried.
//!
//! A rule is touched when an event ends with it or passes through it. A decoder is touched when it took part in reading an event.
//! Samples of tests start from an empty memory, as in `quell rules test`; the lines of all logs are one session.

mod report;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ruleset::testfile::TestFile;
use ruleset::{Outcome, Record, Ruleset, Session, SessionOptions};

use super::test::{EPOCH_SECONDS, LOCATION, read};
use super::timeline::Timeline;
use crate::cli::RulesCoverage;
use crate::command::logtest::load_rules;
use crate::command::{Failure, Talk};
use crate::logfile::{LogFile, find};

/// What was touched.
#[derive(Debug)]
struct Coverage {
    ruleset: Arc<Ruleset>,
    rules: HashSet<u32>,
    /// By position in the ruleset: children of one decoder share a name.
    decoders: HashSet<usize>,
    events: u64,
}

/// One file of rules or decoders.
#[derive(Debug, Default)]
struct FileCoverage {
    touched: usize,
    /// Rules by id, decoders by name and line.
    untouched: Vec<String>,
}

type Files = BTreeMap<String, FileCoverage>;

pub(super) fn run(options: &RulesCoverage) -> Result<(), Failure> {
    let ruleset = load_rules(&options.ruleset.ruleset)?;
    let mut coverage = Coverage::new(ruleset);
    let is_test = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ini");
    let (tests, logs): (Vec<_>, Vec<_>) = find(&options.files)?.into_iter().partition(is_test);
    let files = read(&tests)?.into_iter().map(|(_, file)| file).collect::<Result<_, _>>()?;
    let samples = coverage.run_tests(files);
    coverage.run_logs(&logs)?;
    Talk::say(&format!(
        "files of tests: {}, samples: {samples}, logs: {}, events: {}",
        tests.len(),
        logs.len(),
        coverage.events
    ));
    report::print(&coverage, options.json)
}

impl Coverage {
    fn new(ruleset: Arc<Ruleset>) -> Self {
        Self { ruleset, rules: HashSet::new(), decoders: HashSet::new(), events: 0 }
    }

    fn session(&self, logtest: bool, zone: TimeZone) -> Session {
        let options = SessionOptions { logtest, trace: true, zone, ..SessionOptions::default() };
        Session::new(Arc::clone(&self.ruleset), options)
    }

    fn note(&mut self, outcome: &Outcome<'_>) {
        self.events += 1;
        self.rules.extend(outcome.path().iter().map(|rule| rule.id));
        self.decoders.extend(outcome.decoders_touched());
    }

    /// Runs the samples of tests and says how many there were.
    fn run_tests(&mut self, files: Vec<TestFile>) -> usize {
        let mut count = 0;
        for sample in files.into_iter().flat_map(|file| file.samples) {
            count += 1;
            let mut session = self.session(true, TimeZone::UTC);
            let mut time = EPOCH_SECONDS;
            for event in &sample.events {
                time = time.saturating_add(event.wait_secs.into());
                let location = event.location.as_deref().unwrap_or(LOCATION);
                let record = Record { time, location, log: &event.log };
                self.note(&session.process(&record));
            }
        }
        count
    }

    fn run_logs(&mut self, logs: &[PathBuf]) -> anyhow::Result<()> {
        let mut session = self.session(false, TimeZone::system());
        let mut timeline = Timeline::new();
        let mut line = Vec::new();
        for path in logs {
            let mut file = LogFile::open(path)?;
            let location = path.display().to_string().into_bytes();
            timeline.begin_file();
            while file.read_line(&mut line)? {
                let time = timeline.of(&line);
                let record = Record { time, location: &location, log: &line };
                self.note(&session.process(&record));
            }
        }
        Ok(())
    }

    fn rule_files(&self) -> Files {
        let mut files = Files::new();
        for rule in self.ruleset.rules() {
            let file = files.entry(rule.file.to_owned()).or_default();
            if self.rules.contains(&rule.id) {
                file.touched += 1;
            } else {
                file.untouched.push(rule.id.to_string());
            }
        }
        files
    }

    fn decoder_files(&self) -> Files {
        let mut files = Files::new();
        for (position, decoder) in self.ruleset.decoders().enumerate() {
            let file = files.entry(decoder.file.to_owned()).or_default();
            if self.decoders.contains(&position) {
                file.touched += 1;
            } else {
                file.untouched.push(format!("{}:{}", decoder.name, decoder.line));
            }
        }
        files
    }
}
