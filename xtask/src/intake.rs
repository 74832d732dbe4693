//! `xtask bench intake`: how fast the real daemon takes alerts in, durably, and how much memory that needs.
//!
//! A file of alerts is written, `quell run` follows it from its beginning, and the clock stops when its store says that all of them are
//! folded. The same bytes copied and flushed to the same disk stand beside it, because a figure of one machine says little. With as many
//! sources as alerts it measures the memory of a flood from a botnet. It builds nothing.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::checkout::Checkout;
use crate::{Answer, Usage};

const ALERTS_USUAL: usize = 50_000;
const SOURCES_USUAL: usize = 1_000;

/// Most alerts: 10 million of 1.5 kB are 15 GB.
const ALERTS_MAX: usize = 10_000_000;

/// Where the build puts the program.
const QUELL_USUAL: &str = "target/release/quell";

/// Bytes of an alert: what a web attack alert of Wazuh has with its compliance groups.
const ALERT_BYTES: usize = 1_500;

/// How long the daemon may take per alert before the run is given up.
const PATIENCE_PER_ALERT: Duration = Duration::from_millis(2);

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    alerts: usize,
    sources: usize,
    quell: Option<PathBuf>,
}

impl Options {
    /// Reads the words after `bench intake`.
    pub(crate) fn parse(words: &[&str]) -> Result<Options, Usage> {
        let mut options = Options { alerts: ALERTS_USUAL, sources: SOURCES_USUAL, quell: None };
        let number = |name: &str, text: &str| {
            usize::from_str(text)
                .ok()
                .filter(|number| (1..=ALERTS_MAX).contains(number))
                .ok_or_else(|| Usage(format!("`{name}` takes 1 to {ALERTS_MAX}, not `{text}`")))
        };
        for pair in words.chunks(2) {
            match pair {
                ["--alerts", text] => options.alerts = number("--alerts", text)?,
                ["--sources", text] => options.sources = number("--sources", text)?,
                ["--quell", path] => options.quell = Some(PathBuf::from(path)),
                _ => return Err(Usage(format!("don't know the option `{}`", pair.join(" ")))),
            }
        }
        Ok(options)
    }
}

/// Measures and prints.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> anyhow::Result<Answer> {
    let quell = options.quell.clone().unwrap_or_else(|| checkout.path(QUELL_USUAL));
    ensure!(
        quell.is_file(),
        "`{}` is not there: build it with `cargo build --release -p quell`",
        quell.display()
    );
    let folder = std::env::temp_dir().join(format!("quell-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&quell, &folder, options);
    fs::remove_dir_all(&folder).ok();
    let (copied, folded, peak_kb) = measured?;
    let per_second = options.alerts as f64 / folded.as_secs_f64();
    println!(
        "alerts      {} of {ALERT_BYTES} bytes from {} sources",
        options.alerts, options.sources
    );
    println!("copied      {:.2} s (written and flushed, nothing else)", copied.as_secs_f64());
    println!(
        "folded      {:.2} s from the start of the daemon, durable: {per_second:.0} alerts/s",
        folded.as_secs_f64()
    );
    println!(
        "ratio       {:.1} times the time of the copy",
        folded.as_secs_f64() / copied.as_secs_f64()
    );
    println!("peak memory {:.0} MB", peak_kb as f64 / 1024.0);
    Ok(Answer::Fine)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a script that starts the daemon, writes its configuration and measures time"
)]
fn measure(
    quell: &Path,
    folder: &Path,
    options: &Options,
) -> anyhow::Result<(Duration, Duration, u64)> {
    let alerts = folder.join("alerts.json");
    write_alerts(&alerts, options)?;
    let started = Instant::now();
    fs::copy(&alerts, folder.join("copy.json"))?;
    File::open(folder.join("copy.json"))?.sync_all()?;
    let copied = started.elapsed();

    let config = folder.join("quell.toml");
    let place = folder.display();
    let text = format!(
        "[general]\ndata_dir = \"{place}/data\"\nuser_group = \"\"\n[intake.hook]\nenabled = false\n[intake.tail]\n\
         path = \"{place}/alerts.json\"\nstart_at = \"beginning\"\n[publish.wazuh]\nmode = \"off\"\n[http]\nlisten = \"\"\n"
    );
    fs::write(&config, text)?;
    let started = Instant::now();
    let mut daemon = Running(
        Command::new(quell)
            .arg("--config")
            .arg(&config)
            .arg("run")
            .stdin(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .spawn()
            .context("could not start the daemon")?,
    );
    let patience = PATIENCE_PER_ALERT * u32::try_from(options.alerts)? + Duration::from_secs(30);
    while accepted(quell, &config) < options.alerts as u64 {
        ensure!(
            daemon.0.try_wait()?.is_none(),
            "the daemon ended: {}",
            fs::read_to_string(folder.join("log"))?
        );
        ensure!(
            started.elapsed() < patience,
            "the daemon did not take the alerts within {} s",
            patience.as_secs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let folded = started.elapsed();
    let peak = peak_memory_kb(daemon.0.id())?;
    Ok((copied, folded, peak))
}

/// Ends the daemon when the measurement is over, whatever came of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "a script that asks the program")]
fn accepted(quell: &Path, config: &Path) -> u64 {
    let out = Command::new(quell)
        .arg("--config")
        .arg(config)
        .args(["status", "--json"])
        .stderr(Stdio::null())
        .output();
    out.ok()
        .and_then(|out| serde_json::from_slice::<serde_json::Value>(&out.stdout).ok())
        .and_then(|status| status.pointer("/alerts/accepted")?.as_u64())
        .unwrap_or(0)
}

fn peak_memory_kb(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
        .context("the kernel does not tell the daemon's peak memory")
}

fn write_alerts(path: &Path, options: &Options) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for n in 0..options.alerts {
        let source = n % options.sources;
        let address =
            format!("10.{}.{}.{}", (source >> 16) & 255, (source >> 8) & 255, source & 255);
        let mut line = format!(
            r#"{{"timestamp":"2026-11-24T14:26:00.{:03}+0000","rule":{{"level":5,"description":"Web server answered a request with a client error.","id":"31101","groups":["web","access_log","client_error"]}},"agent":{{"id":"001","name":"web01"}},"manager":{{"name":"m"}},"id":"1795530360.{n}","full_log":"{address} - - [24/Nov/2026:14:26:00 +0000] \"GET /page{n} HTTP/1.1\" 404 3841 \"-\" \"Mozilla/5.0\"","decoder":{{"name":"web-accesslog"}},"data":{{"protocol":"GET","srcip":"{address}","id":"404","url":"/page{n}"}},"location":"/var/log/nginx/access.log","padding":""#,
            n % 1000
        );
        let padding = ALERT_BYTES.saturating_sub(line.len() + 2);
        line.extend(std::iter::repeat_n('x', padding));
        line.push_str("\"}\n");
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    Ok(())
}
