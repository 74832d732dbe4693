//! `quell rules coverage`: which rules and decoders a set of tests or logs touches, and which it leaves untried.
//!
//! A rule is touched when an event ends with it or passes through it. A decoder is touched when it took part in reading an event.
//! Samples of tests start from an empty memory, as in `quell rules test`; the lines of all logs are one session.
//!
//! `--prove` asks for more than a touch ([`proof`]).

mod proof;
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
use proof::Proof;

/// What was touched.
#[derive(Debug)]
struct Coverage {
    ruleset: Arc<Ruleset>,
    rules: HashSet<u32>,
    /// By position in the ruleset: children of one decoder share a name.
    decoders: HashSet<usize>,
    events: u64,
    proof: Proof,
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
    let proof = Proof::new(&ruleset, &options.prove)?;
    let mut coverage = Coverage::new(ruleset, proof);
    let is_test = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ini");
    let (tests, logs): (Vec<_>, Vec<_>) = find(&options.files)?.into_iter().partition(is_test);
    let files = read(&tests)?
        .into_iter()
        .map(|(name, file)| Ok((name, file?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let samples = coverage.run_tests(&files);
    coverage.run_logs(&logs)?;
    Talk::say(&format!(
        "files of tests: {}, samples: {samples}, logs: {}, events: {}",
        tests.len(),
        logs.len(),
        coverage.events
    ));
    coverage.proof.settle(&coverage.ruleset);
    report::print(&coverage, options.json)?;
    if coverage.proof.lacking().is_empty() { Ok(()) } else { Err(Failure::no()) }
}

impl Coverage {
    fn new(ruleset: Arc<Ruleset>, proof: Proof) -> Self {
        Self { ruleset, rules: HashSet::new(), decoders: HashSet::new(), events: 0, proof }
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
    fn run_tests(&mut self, files: &[(String, TestFile)]) -> usize {
        let ruleset = Arc::clone(&self.ruleset);
        let mut count = 0;
        let samples = files
            .iter()
            .flat_map(|(name, file)| file.samples.iter().map(move |sample| (name, sample)));
        for (name, sample) in samples {
            count += 1;
            let mut session = self.session(true, TimeZone::UTC);
            let mut time = EPOCH_SECONDS;
            let mut left = sample.events.len();
            for event in &sample.events {
                left -= 1;
                time = time.saturating_add(event.wait_secs.into());
                let location = event.location.as_deref().unwrap_or(LOCATION);
                let record = Record { time, location, log: &event.log };
                let outcome = session.process(&record);
                self.note(&outcome);
                if left == 0 {
                    self.proof.note(name, sample, &outcome, &ruleset);
                }
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
