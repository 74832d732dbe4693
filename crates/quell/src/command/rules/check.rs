//! `quell rules check`: finds mistakes in rules and decoders, without running them.
//!
//! What Wazuh itself would say comes first in each file, in its words and with its numbers; then what Wazuh accepts in silence
//! and would do otherwise than meant. The files of `--base` are loaded and not judged. Results go to stdout in one of four
//! forms: [`text`] for people, [`github`] for annotations, [`sarif`] for code scanning, [`json`] for scripts.

mod excerpt;
mod github;
mod json;
mod sarif;
mod sources;
mod text;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use ruleset::testfile::TestFile;
use ruleset::{Diagnostic, Loaded, Options, Ruleset, Severity, Source, lint};

use crate::cli::{CheckFormat, RulesCheck};
use crate::command::{Failure, Talk, print};

/// With fewer finds than this a list of kinds says nothing new.
const KINDS_FROM: usize = 20;

/// Everything that there is to say.
pub(in crate::command) struct Report {
    pub(in crate::command) source: Source,
    pub(in crate::command) findings: Vec<Diagnostic>,
    /// What a manager would run; nothing if it would refuse to start.
    pub(in crate::command) ruleset: Option<Arc<Ruleset>>,
    files: usize,
    rules: usize,
    decoders: usize,
}

pub(super) fn run(options: &RulesCheck) -> Result<(), Failure> {
    let checked = sources::read(&options.base, &options.paths)?;
    let tests = sources::read_tests(&options.tests)?;
    let report = report(checked, &tests);
    let text = match options.format {
        CheckFormat::Text => text::write(&report),
        CheckFormat::Github => github::write(&report),
        CheckFormat::Sarif => sarif::write(&report),
        CheckFormat::Json => json::write(&report),
    };
    if !text.is_empty() {
        print(&text)?;
    }
    report.say_sums(options.strict);
    let worst = if options.strict { Severity::Warning } else { Severity::Error };
    let is_bad = report.is_refused() || report.findings.iter().any(|found| found.severity >= worst);
    if is_bad { Err(Failure::no()) } else { Ok(()) }
}

/// Checks what people put into an installation beside what is shipped with it.
pub(in crate::command) fn installation(home: &Path) -> anyhow::Result<Report> {
    Ok(report(sources::read_installed(home)?, &[]))
}

fn report(checked: sources::Checked, tests: &[(String, TestFile)]) -> Report {
    let sources::Checked { source, names } = checked;
    let loaded = ruleset::load(&source, &Options::default());
    let is_checked = |name: &str| names.contains(name);
    let mut findings = lint::check(&source, &loaded, &is_checked);
    if let Some(ruleset) = loaded.ruleset.as_ref().filter(|_| !tests.is_empty()) {
        findings.extend(lint::check_tests(&source, ruleset, tests, &is_checked));
    }
    let (rules, decoders) = counts(&loaded, &names);
    Report { source, findings, ruleset: loaded.ruleset, files: names.len(), rules, decoders }
}

fn counts(loaded: &Loaded, names: &HashSet<String>) -> (usize, usize) {
    let Some(ruleset) = &loaded.ruleset else { return (0, 0) };
    let rules = ruleset.rules().filter(|rule| names.contains(rule.file)).count();
    let decoders = ruleset.decoders().filter(|decoder| names.contains(decoder.file)).count();
    (rules, decoders)
}

impl Report {
    /// Wazuh would not start.
    fn is_refused(&self) -> bool {
        self.ruleset.is_none()
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|found| found.severity == severity).count()
    }

    fn errors(&self) -> usize {
        self.count(Severity::Error) + self.count(Severity::Critical)
    }

    /// Gives the text of a file.
    fn text_of(&self, name: &str) -> Option<&[u8]> {
        let mut files = self.source.decoder_files().chain(self.source.rule_files());
        files.find(|(known, _)| *known == name).map(|(_, text)| text)
    }

    fn say_sums(&self, strict: bool) {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for found in &self.findings {
            *kinds.entry(found.kind()).or_default() += 1;
        }
        if self.findings.len() >= KINDS_FROM {
            let mut kinds: Vec<_> = kinds.into_iter().collect();
            kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            for (kind, count) in kinds {
                Talk::say(&format!("{count:>6} {kind}"));
            }
        }
        let numbered = |count: usize, noun: &str| match count {
            1 => format!("1 {noun}"),
            _ => format!("{count} {noun}s"),
        };
        let loaded = match self.is_refused() {
            true => String::new(),
            false => {
                format!(
                    ", {}, {}",
                    numbered(self.rules, "rule"),
                    numbered(self.decoders, "decoder")
                )
            }
        };
        Talk::say(&format!(
            "{}{loaded}: {}, {}, {}",
            numbered(self.files, "file"),
            numbered(self.errors(), "error"),
            numbered(self.count(Severity::Warning), "warning"),
            numbered(self.count(Severity::Note), "note"),
        ));
        if self.is_refused() {
            Talk::say("Wazuh would refuse to start with these files");
        } else if strict && self.errors() == 0 && self.count(Severity::Warning) > 0 {
            Talk::say("warnings count as errors because of --strict");
        }
    }
}
