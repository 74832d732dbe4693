//! Wazuh's own rule tests, run on its own ruleset plus the rules that only the tests use.
//!
//! The ruleset is loaded once, and every sample starts from an empty state.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use ruleset::testfile::{Sample, TestFile};
use serde_json::Value;

use super::case::{read, read_folder};
use super::engine::{self, Engine, Mode};
use super::runner::on_threads;
use super::stock::Stock;

/// When the samples happen: a Wednesday morning, like the recordings. No rule of the tests asks.
const EPOCH_SECONDS: i64 = 1_795_600_000;

/// Where log lines come from when a test doesn't say, which is what wazuh-logtest says.
const LOCATION: &[u8] = b"stdin";

/// How a sample went.
#[derive(Debug)]
pub(crate) struct SampleResult {
    pub(crate) file: String,
    pub(crate) sample: Sample,
    /// The rule's id and level, where one applied.
    pub(crate) rule: Option<(String, u8)>,
    pub(crate) decoder: String,
    pub(crate) is_right: bool,
}

/// Runs all samples of all test files below a folder, in the order of the files.
pub(crate) fn run_all(folder: &Path, stock: &Stock) -> anyhow::Result<Vec<SampleResult>> {
    let samples = read_samples(&folder.join("tests"))?;
    let more = read_folder(&folder.join("ruleset"), "etc/tests")?;
    let mut material = stock.material();
    material.decoders.extend(more.iter().filter(|file| file.name.ends_with("_decoders.xml")));
    material.rules.extend(more.iter().filter(|file| file.name.ends_with("_rules.xml")));
    let Some(engine) = engine::load(&material).engine else {
        println!("the stock ruleset with the rules of the tests was refused");
        let nothing = |(file, sample)| SampleResult::of(file, sample, &Value::Null, false);
        return Ok(samples.into_iter().map(nothing).collect());
    };
    let ran = on_threads(&samples, |(_, sample)| run_sample(sample, &engine));
    let result = |((file, sample), alert): ((String, Sample), Result<Value, String>)| match alert {
        Ok(alert) => SampleResult::of(file, sample, &alert, true),
        Err(panic) => SampleResult::of(file, sample, &Value::String(panic), false),
    };
    Ok(samples.into_iter().zip(ran).map(result).collect())
}

/// Sends a sample's log lines and gives the result of the last.
fn run_sample(sample: &Sample, engine: &Engine) -> Value {
    let mut session = engine.session(Mode::Logtest);
    let mut now = EPOCH_SECONDS;
    let mut last = Value::Null;
    for event in &sample.events {
        now = now.saturating_add(event.wait_secs.into());
        last = session.process(now, event.location.as_deref().unwrap_or(LOCATION), &event.log);
    }
    last
}

impl SampleResult {
    fn of(file: String, sample: Sample, alert: &Value, has_run: bool) -> SampleResult {
        let level = alert
            .pointer("/rule/level")
            .and_then(Value::as_u64)
            .and_then(|level| u8::try_from(level).ok());
        let id = alert.pointer("/rule/id").and_then(Value::as_str).map(str::to_owned);
        let rule = id.map(|id| (id, level.unwrap_or(0)));
        let decoder =
            alert.pointer("/decoder/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let given = rule.as_ref().map(|(id, level)| (id.as_str(), *level));
        let is_right = has_run && sample.is_right(given, &decoder);
        SampleResult { file, sample, rule, decoder, is_right }
    }
}

fn read_samples(folder: &Path) -> anyhow::Result<Vec<(String, Sample)>> {
    let listing = fs::read_dir(folder);
    let listing = listing.with_context(|| format!("can't list `{}`", folder.display()))?;
    let mut paths = listing.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ini"));
    paths.sort();
    let mut samples = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = TestFile::parse(&read(&path)?);
        samples.extend(file.samples.into_iter().map(|sample| (name.clone(), sample)));
    }
    ensure!(!samples.is_empty(), "no samples in `{}`", folder.display());
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sample_takes_rule_level_and_decoder_from_the_alert() {
        let text = b"[s]\nlog 1 pass = x\nrule = 7\nalert = 0\ndecoder = d\n";
        let sample = TestFile::parse(text).samples.remove(0);
        let of = |alert: &Value| SampleResult::of("f".to_owned(), sample.clone(), alert, true);
        let right = json!({"rule": {"id": "7", "level": 0}, "decoder": {"name": "d"}});
        assert!(of(&right).is_right);
        assert!(!of(&json!({"rule": null, "decoder": {"name": "d"}})).is_right);
        assert!(!SampleResult::of("f".to_owned(), sample.clone(), &right, false).is_right);
    }
}
