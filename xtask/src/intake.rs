//! `xtask bench intake`: how fast the real daemon takes alerts in, durably, how much memory that needs, and how soon it is back.
//!
//! A file of alerts is written, `quell run` follows it from its beginning, and the clock stops when its store says that all of them are
//! accepted. So this is the way of every alert of a file: read, parsed, admitted, folded, committed. Then the daemon is killed and started
//! again on what it left, and has to answer `quell status`. The same bytes copied and flushed to the same disk stand beside it,
//! because a figure of one machine says little; the CPU time of the daemon does too, because other programs may be at work.
//! `--goals` makes the answer depend on the figures. It builds nothing.

mod stream;

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{Answer, Usage, checkout};
use stream::Shape;

const ALERTS_USUAL: usize = 200_000;
const SOURCES_USUAL: usize = 1_000;

/// Most alerts: 10 million of 1.5 kB are 15 GB.
const ALERTS_MAX: usize = 10_000_000;

/// Bytes that are copied for comparison: enough to be past every cache of a disk's controller, and no second copy of a file that fills the
/// disk.
const COPY_BYTES_MAX: u64 = 2 << 30;

/// How long the daemon may take per alert before the run is given up.
const PATIENCE_PER_ALERT: Duration = Duration::from_millis(2);

/// How long a start may take before the run is given up.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How often the daemon is asked how it stands. Each question is a process of its own, which takes time from it.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The goals of the design: alerts a second, bytes a second of a file, peak memory, and the time of a restart.
const ALERTS_PER_SECOND_MIN: f64 = 50_000.0;
const BYTES_PER_SECOND_MIN: f64 = 100e6;
const PEAK_KB_MAX: u64 = 512 * 1024;
const RESTART_MAX: Duration = Duration::from_secs(5);

/// The kernel counts a process's time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    alerts: usize,
    shape: Shape,
    quell: Option<PathBuf>,
    goals: bool,
}

impl Options {
    /// Reads the words after `bench intake`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let shape = Shape { sources: SOURCES_USUAL, agents: 1, quiet_percent: 0 };
        let mut options = Options { alerts: ALERTS_USUAL, shape, quell: None, goals: false };
        let number = |name: &str, text: &str, least: usize, most: usize| {
            let number = usize::from_str(text).ok().filter(|n| (least..=most).contains(n));
            number.ok_or_else(|| Usage(format!("`{name}` takes {least} to {most}, not `{text}`")))
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "--goals" {
                options.goals = true;
                continue;
            }
            let value = *words
                .next()
                .ok_or_else(|| Usage(format!("`{word}` is unknown or lacks a value")))?;
            match *word {
                "--alerts" => options.alerts = number(word, value, 1, ALERTS_MAX)?,
                "--sources" => options.shape.sources = number(word, value, 1, ALERTS_MAX)?,
                "--agents" => options.shape.agents = number(word, value, 1, 65_000)?,
                "--quiet" => options.shape.quiet_percent = number(word, value, 0, 100)?,
                "--quell" => options.quell = Some(PathBuf::from(value)),
                _ => return Err(Usage(format!("don't know the option `{word}`"))),
            }
        }
        Ok(options)
    }
}

/// What a run showed.
struct Measured {
    bytes: u64,
    copied_bytes: u64,
    copied: Duration,
    folded: Duration,
    cpu_seconds: f64,
    peak_kb: u64,
    store_bytes: u64,
    incidents: u64,
    restarted: Duration,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<Answer> {
    let quell = options.quell.clone().map_or_else(|| checkout::built("release/quell"), Ok)?;
    ensure!(
        quell.is_file(),
        "`{}` is not there: build it with `cargo build --release -p quell`",
        quell.display()
    );
    let folder = std::env::temp_dir().join(format!("quell-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&quell, &folder, options);
    fs::remove_dir_all(&folder).ok();
    Ok(report(&measured?, options))
}

/// Prints the figures, and says whether the goals are met.
fn report(measured: &Measured, options: &Options) -> Answer {
    let Shape { sources, agents, quiet_percent } = options.shape;
    let (alerts, bytes) = (options.alerts as f64, measured.bytes as f64);
    let (folded, copied) = (measured.folded.as_secs_f64(), measured.copied.as_secs_f64());
    println!(
        "alerts       {} of {:.0} bytes, {sources} sources, {agents} agents, {quiet_percent} % below the policy",
        options.alerts,
        bytes / alerts
    );
    println!(
        "taken in     {folded:.2} s from the daemon's start, durable: {:.0} alerts/s, {:.0} MB/s",
        alerts / folded,
        bytes / folded / 1e6
    );
    println!(
        "CPU          {:.2} s of the daemon: {:.1} us an alert, {:.2} cores at work",
        measured.cpu_seconds,
        measured.cpu_seconds * 1e6 / alerts,
        measured.cpu_seconds / folded
    );
    let copy_rate = measured.copied_bytes as f64 / copied;
    println!(
        "beside it    {:.0} MB copied and flushed at {:.0} MB/s: taking in costs {:.1} times as much",
        measured.copied_bytes as f64 / 1e6,
        copy_rate / 1e6,
        folded * copy_rate / bytes
    );
    println!("memory       {:.0} MB at the peak", measured.peak_kb as f64 / 1024.0);
    println!(
        "store        {:.0} MB, {} incidents, {:.0} bytes an alert",
        measured.store_bytes as f64 / 1e6,
        measured.incidents,
        measured.store_bytes as f64 / alerts
    );
    println!(
        "restart      {:.2} s from kill -9 and start to `quell status`",
        measured.restarted.as_secs_f64()
    );
    let goals = [
        ("50,000 alerts/s", alerts / folded >= ALERTS_PER_SECOND_MIN),
        ("100 MB/s", bytes / folded >= BYTES_PER_SECOND_MIN),
        ("512 MB", measured.peak_kb <= PEAK_KB_MAX),
        ("restart within 5 s", measured.restarted <= RESTART_MAX),
    ];
    let said: Vec<String> = goals
        .iter()
        .map(|(goal, is_met)| format!("{goal}: {}", if *is_met { "met" } else { "missed" }))
        .collect();
    println!("goals        {}", said.join("; "));
    let is_fine = !options.goals || goals.iter().all(|(_, is_met)| *is_met);
    if is_fine { Answer::Fine } else { Answer::No }
}

#[expect(clippy::disallowed_methods, reason = "a script that measures time")]
fn measure(quell: &Path, folder: &Path, options: &Options) -> anyhow::Result<Measured> {
    let bytes = write_alerts(&folder.join("alerts.json"), options)?;
    let (copied_bytes, copied) = copy(folder)?;
    let daemon = Daemon { quell, folder };
    daemon.configure()?;
    let started = Instant::now();
    let mut running = daemon.start()?;
    let patience = PATIENCE_PER_ALERT * u32::try_from(options.alerts)? + Duration::from_secs(30);
    let accepted = |status: &Value| status.pointer("/alerts/accepted").and_then(Value::as_u64);
    let status = daemon.wait(&mut running, patience, |status| {
        accepted(status).is_some_and(|accepted| accepted >= options.alerts as u64)
    })?;
    let folded = started.elapsed();
    let conserved = status.get("conserved").and_then(Value::as_bool);
    ensure!(conserved == Some(true), "the counts don't add up: {status}");
    let duplicate = status.pointer("/alerts/duplicate").and_then(Value::as_u64);
    ensure!(duplicate == Some(0), "some alerts passed for repeats: {status}");
    let (peak_kb, cpu_seconds) = (peak_memory_kb(running.0.id())?, cpu_seconds(running.0.id())?);
    drop(running);

    let started = Instant::now();
    let mut running = daemon.start()?;
    let process = u64::from(running.0.id());
    let status = daemon.wait(&mut running, START_PATIENCE, |status| {
        status.pointer("/daemon/pid").and_then(Value::as_u64) == Some(process)
    })?;
    let restarted = started.elapsed();
    ensure!(
        accepted(&status) == Some(options.alerts as u64),
        "after the restart the store says otherwise: {status}"
    );
    Ok(Measured {
        bytes,
        copied_bytes,
        copied,
        folded,
        cpu_seconds,
        peak_kb,
        store_bytes: fs::metadata(folder.join("data/quell.db"))?.len(),
        incidents: status.pointer("/store/incidents").and_then(Value::as_u64).unwrap_or(0),
        restarted,
    })
}

/// Copies the alerts, at most [`COPY_BYTES_MAX`] of them, to the same disk and flushes them. Gives the bytes and the time.
#[expect(clippy::disallowed_methods, reason = "a script that measures time")]
fn copy(folder: &Path) -> anyhow::Result<(u64, Duration)> {
    let place = folder.join("copy.json");
    let started = Instant::now();
    let mut from = File::open(folder.join("alerts.json"))?.take(COPY_BYTES_MAX);
    let mut to = File::create(&place)?;
    let bytes = std::io::copy(&mut from, &mut to)?;
    to.sync_all()?;
    let copied = started.elapsed();
    fs::remove_file(&place)?;
    Ok((bytes, copied))
}

/// The program that is measured, and the folder that it works in.
struct Daemon<'a> {
    quell: &'a Path,
    folder: &'a Path,
}

impl Daemon<'_> {
    #[expect(clippy::disallowed_methods, reason = "a script that writes a configuration")]
    fn configure(&self) -> anyhow::Result<()> {
        let place = self.folder.display();
        let text = format!(
            "[general]\ndata_dir = \"{place}/data\"\nuser_group = \"\"\n[intake.hook]\nenabled = false\n[intake.tail]\n\
             path = \"{place}/alerts.json\"\nstart_at = \"beginning\"\n[publish.wazuh]\nmode = \"off\"\n[http]\nlisten = \"\"\n"
        );
        Ok(fs::write(self.folder.join("quell.toml"), text)?)
    }

    #[expect(clippy::disallowed_methods, reason = "a script that starts the program")]
    fn command(&self) -> Command {
        let mut command = Command::new(self.quell);
        command.arg("--config").arg(self.folder.join("quell.toml")).stdin(Stdio::null());
        command
    }

    fn start(&self) -> anyhow::Result<Running> {
        let log = File::create(self.folder.join("log"))?;
        let started = self.command().arg("run").stderr(log).spawn();
        Ok(Running(started.context("could not start the daemon")?))
    }

    /// Asks the daemon how it stands until the answer is as wanted, and gives the answer.
    #[expect(clippy::disallowed_methods, reason = "a script that measures time")]
    fn wait(
        &self,
        running: &mut Running,
        patience: Duration,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let started = Instant::now();
        loop {
            let out = self.command().args(["status", "--json"]).stderr(Stdio::null()).output();
            let status = out.ok().and_then(|out| serde_json::from_slice(&out.stdout).ok());
            if let Some(status) = status.filter(|status| is_wanted(status)) {
                return Ok(status);
            }
            ensure!(
                running.0.try_wait()?.is_none(),
                "the daemon ended: {}",
                fs::read_to_string(self.folder.join("log"))?
            );
            ensure!(
                started.elapsed() < patience,
                "the daemon was not done within {} s",
                patience.as_secs()
            );
            std::thread::sleep(ASK_EVERY);
        }
    }
}

/// Kills the daemon when the measurement is over, whatever came of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn peak_memory_kb(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
        .context("the kernel does not tell the daemon's peak memory")
}

/// User and system time of a process.
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold blanks; behind it, user and system time are the 12th and 13th field.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks: f64 =
        behind.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

fn write_alerts(path: &Path, options: &Options) -> anyhow::Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut line, mut bytes) = (String::new(), 0);
    for n in 0..options.alerts {
        line.clear();
        stream::write(&mut line, n, &options.shape);
        bytes += line.len() as u64;
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_how_many_alerts_from_whom() {
        let words = ["--alerts", "7", "--agents", "3", "--goals", "--quiet", "30"];
        let options = Options::parse(&words).unwrap();
        let shape = Shape { sources: 1_000, agents: 3, quiet_percent: 30 };
        assert_eq!(options, Options { alerts: 7, shape, quell: None, goals: true });
    }

    #[test]
    fn an_option_that_cannot_be_obeyed_is_named() {
        for words in [&["--alerts", "0"][..], &["--quiet", "101"], &["--agents"], &["--x", "1"]] {
            let error = Options::parse(words).unwrap_err().to_string();
            assert!(error.contains(words[0]), "{error}");
        }
    }

    #[test]
    fn the_time_of_this_process_is_read() {
        assert!(cpu_seconds(std::process::id()).unwrap() >= 0.0);
        assert!(peak_memory_kb(std::process::id()).unwrap() > 100);
    }
}
