//! `xtask bench rules`: how many events of a log the rule engine takes for each second of one core.
//!
//! The ruleset is Wazuh's own, where it lies beside the checkout; without it there is nothing to measure, and the run says so. The
//! logs are our recorded flood, in which nearly every line is an alert; the same with nine of ten requests answered; and a mixture of all
//! that the recorded alerts hold. Each is measured with the stock rules alone and with Quell's beside them, and the run says how many times as much
//! they cost together: what `docs/performance.md` has a table of. Time is the process's CPU time, so that a busy
//! machine changes little; each alert's JSON is written too, because that is part of what a detector does.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use flate2::read::GzDecoder;

use crate::checkout::Checkout;
use crate::conformance::{engine, stock::Stock};
use crate::score::rulebook;
use crate::{Answer, Usage};

/// What wazuh-analysisd 4.14.7 did on access logs with the same rules, on the machine of the recordings: events per CPU-second.
const ANALYSISD_PER_CPU_SECOND: f64 = 19_000.0;

/// How much CPU time each log gets. The kernel counts in hundredths of a second.
const SECONDS_USUAL: u64 = 4;

/// What to measure with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    wazuh: Option<PathBuf>,
    seconds: u64,
    only: Option<String>,
}

impl Options {
    /// Reads the words after `bench rules`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let mut options = Options { wazuh: None, seconds: SECONDS_USUAL, only: None };
        for pair in words.chunks(2) {
            match pair {
                ["--wazuh", path] => options.wazuh = Some(PathBuf::from(path)),
                ["--seconds", text] => {
                    let seconds = text.parse().ok().filter(|n| (1..=600).contains(n));
                    options.seconds = seconds.ok_or_else(|| {
                        Usage(format!("`--seconds` takes 1 to 600, not `{text}`"))
                    })?;
                }
                ["--only", name] => options.only = Some((*name).to_owned()),
                _ => return Err(Usage(format!("don't know the option `{}`", pair.join(" ")))),
            }
        }
        Ok(options)
    }
}

/// Measures, and prints a line for each log.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> anyhow::Result<Answer> {
    let shared = checkout.path("../shared");
    let wazuh = options.wazuh.clone().unwrap_or_else(|| shared.join("wazuh-4.14.7"));
    if !wazuh.join("rules").is_dir() {
        println!("skipped: there is no Wazuh ruleset at `{}`", wazuh.display());
        return Ok(Answer::Fine);
    }
    let stock = Stock::read(&wazuh)?;
    let before = cpu_seconds()?;
    let loaded = engine::load(&stock.material());
    let loading = cpu_seconds()? - before;
    let engine = loaded.engine.context("the stock ruleset was refused")?;
    println!("loading the stock ruleset: {:.0} ms of CPU time", loading * 1000.0);
    let own = [wazuh.clone(), checkout.path("rules")];
    let rulesets = Beside {
        stock: engine.ruleset(),
        both: rulebook::load(checkout, &own)?,
        seconds: options.seconds,
    };
    let flood = lines(&gunzip(&checkout.path("fixtures/flood14k/access.log.gz"))?);
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    if wanted("flood14k") {
        rulesets.compare("flood14k", &flood)?;
    }
    if wanted("visits") {
        rulesets.compare("visits", &visits(&flood))?;
    }
    let mixed = shared.join("data/alerts-mixed.json");
    if mixed.is_file() && wanted("mixed") {
        rulesets.compare("mixed", &full_logs(&fs::read(mixed)?))?;
    }
    Ok(Answer::Fine)
}

fn gunzip(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file =
        fs::File::open(path).with_context(|| format!("could not open `{}`", path.display()))?;
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The flood as a usual day would have it: nine of ten requests found what they asked for. analysisd's figures are of such a log.
fn visits(flood: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let found = |(number, line): (usize, &Vec<u8>)| {
        let text = String::from_utf8_lossy(line);
        let changed = if number % 10 == 0 {
            text.into_owned()
        } else {
            text.replacen("\" 404 ", "\" 200 ", 1)
        };
        changed.into_bytes()
    };
    flood.iter().enumerate().map(found).collect()
}

/// The log lines inside recorded alerts.
fn full_logs(alerts: &[u8]) -> Vec<Vec<u8>> {
    let log = |line: &[u8]| {
        let alert: serde_json::Value = serde_json::from_slice(line).ok()?;
        Some(alert.get("full_log")?.as_str()?.as_bytes().to_vec())
    };
    lines(alerts).iter().filter_map(|line| log(line)).collect()
}

/// The stock rules, and the same with Quell's beside them.
struct Beside {
    stock: Arc<ruleset::Ruleset>,
    both: Arc<ruleset::Ruleset>,
    seconds: u64,
}

impl Beside {
    /// Measures both on a log, and says how many times as much both cost as the stock rules alone.
    fn compare(&self, name: &str, log: &[Vec<u8>]) -> anyhow::Result<()> {
        let stock = measure(name, &self.stock, log, self.seconds)?;
        let both =
            measure(&format!("{name}, Quell's rules beside"), &self.both, log, self.seconds)?;
        println!("{name}: {}", ratio_text(stock, both));
        Ok(())
    }
}

/// Says what one rate costs beside another.
fn ratio_text(stock: f64, both: f64) -> String {
    format!(
        "with Quell's rules beside the stock ones {:.2} times the stock rules' time",
        stock / both
    )
}

/// Measures one ruleset on a log, and gives the events per CPU-second.
fn measure(
    name: &str,
    ruleset: &Arc<ruleset::Ruleset>,
    log: &[Vec<u8>],
    seconds: u64,
) -> anyhow::Result<f64> {
    let options = ruleset::SessionOptions::default();
    let mut session = ruleset::Session::new(Arc::clone(ruleset), options);
    let (mut events, mut alerts, mut out) = (0u64, 0u64, Vec::new());
    let before = cpu_seconds()?;
    let mut memory_after_first = 0;
    loop {
        for line in log {
            events += 1;
            // A thousand events a second, as in a flood.
            let time = 1_795_600_000 + i64::try_from(events / 1000)?;
            let record = ruleset::Record { time, location: b"/var/log/access.log", log: line };
            let outcome = session.process(&record);
            if outcome.is_alert() {
                alerts += 1;
                out.clear();
                let header = ruleset::AlertHeader {
                    timestamp: "2026-11-25T09:46:40.000+0000",
                    id: "1795600000.1",
                    manager: "manager",
                };
                outcome.write_json(Some(header), &mut out);
            }
        }
        if memory_after_first == 0 {
            memory_after_first = peak_memory_kb()?;
        }
        let spent = cpu_seconds()? - before;
        if spent >= seconds as f64 {
            let rate = events as f64 / spent;
            println!(
                "{name}: {rate:.0} events per CPU-second, {:.1} times analysisd's {ANALYSISD_PER_CPU_SECOND:.0} \
                 ({events} events, {alerts} alerts, {spent:.1} s; peak memory {} MB after the first pass, {} MB at the end)",
                rate / ANALYSISD_PER_CPU_SECOND,
                memory_after_first / 1024,
                peak_memory_kb()? / 1024,
            );
            return Ok(rate);
        }
    }
}

/// The CPU time of this process, of all its threads, in user and system mode.
fn cpu_seconds() -> anyhow::Result<f64> {
    /// Linux counts in hundredths of a second on every machine that we know.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").context("could not read `/proc/self/stat`")?;
    // The program's name may hold blanks, and ends with a bracket.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    let mut next = || ticks.next().context("`/proc/self/stat` is short")?.context("odd number");
    Ok((next()? + next()?) / TICKS_PER_SECOND)
}

fn peak_memory_kb() -> anyhow::Result<u64> {
    let status =
        fs::read_to_string("/proc/self/status").context("could not read `/proc/self/status`")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("`/proc/self/status` has no `VmHWM`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_of_time_and_not_of_speed() {
        let said = ratio_text(300_000.0, 200_000.0);
        assert!(said.ends_with("1.50 times the stock rules' time"), "{said}");
    }
}
