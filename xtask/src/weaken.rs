//! `xtask weaken-rules`: whether the tests of the rules notice when a rule gets weaker.
//!
//! Each rule is changed in one way at a time ([`mutant`]): it never matches, lacks a condition, counts to another number. Then the samples
//! that name it are run, and if none fails, all others. What nobody notices is told: there a test is missing, or the condition says
//! nothing. `--words` also takes away each word that a pattern offers, and runs the rule's own samples alone; there many go unnoticed,
//! because no list of examples names each command of a shell.
//!
//! Rules that hang below stock ones (`quell_web_calm.xml`) are noticed where `--stock` names the stock rules.
//!
//! It is for the hand and not for CI: it loads the rules a few thousand times.

mod mutant;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use ruleset::testfile::{Sample, Should, TestFile};
use ruleset::{Record, Ruleset, Session, SessionOptions, Source, TriedVerdict};

use crate::checkout::Checkout;
use crate::conformance::runner::on_threads;
use crate::score::rulebook;
use crate::{Answer, Usage};
use mutant::Mutant;

/// When the samples happen, as in `quell rules test`.
const EPOCH_SECONDS: i64 = 1_795_600_000;

/// Where log lines come from when a test doesn't say.
const LOCATION: &[u8] = b"stdin";

/// How the names of the files begin whose rules are weakened.
const OWN_FILES: &str = "rules/quell_";

/// Words that go unnoticed are shown for each rule up to here; the count is of all.
const WORDS_SHOWN_MAX: usize = 6;

/// What to weaken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Only rules of these ids.
    only: Vec<u32>,
    /// Stock rules to load before, with which more tests have a meaning.
    stock: Option<PathBuf>,
    with_words: bool,
}

impl Options {
    /// Reads the words after `weaken-rules`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--words" => options.with_words = true,
                "--stock" => match words.next() {
                    Some(path) => options.stock = Some(PathBuf::from(path)),
                    None => return Err(Usage("`--stock` lacks a folder".to_owned())),
                },
                "--only" => {
                    let ids = words.next().map(|ids| ids.split(',').map(str::parse).collect());
                    let Some(Ok(ids)) = ids else {
                        return Err(Usage("`--only` takes ids with commas between".to_owned()));
                    };
                    options.only = ids;
                }
                other => return Err(Usage(format!("don't know the option `{other}`"))),
            }
        }
        Ok(options)
    }
}

/// Weakens the rules one by one and says what no test notices.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> anyhow::Result<Answer> {
    let own = checkout.path("rules");
    let mut tests = read_tests(&own.join("tests"))?;
    let mut paths = vec![own.clone()];
    if let Some(stock) = &options.stock {
        tests.extend(read_tests(&own.join("stock_tests"))?);
        paths.push(stock.clone());
    }
    let source = rulebook::source(checkout, &paths)?;
    let whole = rulebook::usable(&source)?;
    let wrong = tests.iter().filter(|sample| !is_right(sample, &whole)).count();
    ensure!(wrong == 0, "{wrong} samples fail with the rules as they are: mend them first");
    let mut forms = Vec::new();
    for (name, text) in source.rule_files().filter(|(name, _)| name.starts_with(OWN_FILES)) {
        let text = std::str::from_utf8(text).with_context(|| format!("`{name}` is no text"))?;
        let mut of_file = mutant::of_file(text, options.with_words);
        of_file.retain(|form| options.only.is_empty() || options.only.contains(&form.rule));
        forms.extend(of_file.into_iter().map(|form| (name.to_owned(), text, form)));
    }
    let judged =
        on_threads(&forms, |(name, text, form)| notices(&source, name, text, form, &tests));
    let mut tally = Tally::default();
    for ((_, _, form), finding) in forms.iter().zip(judged) {
        match finding {
            Ok(finding) => tally.add(form, &finding),
            Err(panic) => println!("{}: {} could not be tried: {panic}", form.rule, form.what),
        }
    }
    Ok(tally.tell())
}

/// What became of a weaker form.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Noticed,
    /// No sample fails.
    Unnoticed,
    /// Wazuh would refuse these rules, which somebody notices.
    Refused,
}

fn notices(source: &Source, file: &str, text: &str, form: &Mutant, tests: &[Sample]) -> Finding {
    let weak = form.apply(text);
    let mut changed = Source::default();
    for (name, text) in source.decoder_files() {
        changed.add_decoders(name, text);
    }
    for (path, text) in source.lists() {
        changed.add_list(path, text.map(<[u8]>::to_vec));
    }
    for (name, text) in source.rule_files() {
        let text = if name == file { weak.as_bytes() } else { text };
        changed.add_rules(name, text);
    }
    let Ok(ruleset) = rulebook::usable(&changed) else { return Finding::Refused };
    let named = form.rule.to_string();
    let is_named = |sample: &&Sample| sample.expected.rule == named;
    let is_noticed = tests.iter().filter(is_named).any(|sample| !is_right(sample, &ruleset))
        || !form.is_of_word
            && tests
                .iter()
                .filter(|sample| !is_named(sample))
                .any(|sample| !is_right(sample, &ruleset));
    if is_noticed { Finding::Noticed } else { Finding::Unnoticed }
}

/// Runs a sample as `quell rules test` does: one that must not end with a rule with which no event can end must not get past it.
fn is_right(sample: &Sample, ruleset: &Arc<Ruleset>) -> bool {
    let id = sample.expected.rule.parse().unwrap_or_default();
    let is_closed = sample.should == Should::Fail && !ruleset.can_be_final(id);
    let options = SessionOptions { logtest: true, trace: is_closed, ..SessionOptions::default() };
    let mut session = Session::new(Arc::clone(ruleset), options);
    let mut time = EPOCH_SECONDS;
    let mut is_right = false;
    for event in &sample.events {
        time = time.saturating_add(event.wait_secs.into());
        let location = event.location.as_deref().unwrap_or(LOCATION);
        let outcome = session.process(&Record { time, location, log: &event.log });
        let rule = outcome.rule().map(|rule| (rule.id.to_string(), rule.level));
        let given = rule.as_ref().map(|(id, level)| (id.as_str(), *level));
        is_right = sample.is_right(given, outcome.decoder_name().unwrap_or_default());
        if is_closed {
            let mut tried = outcome.tried().filter(|tried| tried.rule.id == id);
            is_right &= tried.all(|tried| matches!(tried.verdict, TriedVerdict::Failed(_)));
        }
    }
    is_right
}

fn read_tests(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("could not read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ini") {
            let text = std::fs::read(&path)
                .with_context(|| format!("could not read `{}`", path.display()))?;
            samples.extend(TestFile::parse(&text).samples);
        }
    }
    Ok(samples)
}

/// What was tried and what nobody noticed.
#[derive(Default)]
struct Tally {
    forms: usize,
    refused: usize,
    unnoticed: Vec<(u32, String)>,
    words: usize,
    words_unnoticed: BTreeMap<u32, Vec<String>>,
}

impl Tally {
    fn add(&mut self, form: &Mutant, finding: &Finding) {
        let is_unnoticed = *finding == Finding::Unnoticed;
        if *finding == Finding::Refused {
            self.refused += 1;
        }
        if form.is_of_word {
            self.words += 1;
            if is_unnoticed {
                self.words_unnoticed.entry(form.rule).or_default().push(form.what.clone());
            }
        } else {
            self.forms += 1;
            if is_unnoticed {
                self.unnoticed.push((form.rule, form.what.clone()));
            }
        }
    }

    fn tell(&self) -> Answer {
        for (rule, words) in &self.words_unnoticed {
            let shown = words.iter().take(WORDS_SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
            println!("{rule}: {} words: {shown}", words.len());
        }
        for (rule, what) in &self.unnoticed {
            println!("{rule}: {what}: no test notices");
        }
        if self.words > 0 {
            let unnoticed: usize = self.words_unnoticed.values().map(Vec::len).sum();
            println!("{} words taken away, {unnoticed} unnoticed", self.words);
        }
        println!(
            "{} weaker rules, {} unnoticed, {} refused by the loader",
            self.forms,
            self.unnoticed.len(),
            self.refused
        );
        if self.unnoticed.is_empty() { Answer::Fine } else { Answer::No }
    }
}
