//! `quell detect`: raw log lines in, alerts out, one a line as `alerts.json` has them.
//!
//! A reader cuts the input into batches of lines, the rules take them in order, a writer hands the alerts on. With more than one thread
//! each has its own; batches keep their order, and few are under way, so memory stays flat however large the logs are. A batch holds what
//! one read brought, so a line that comes alone is answered at once.
//!
//! Alert ids are the time and the place in the output, as Wazuh's are in its file: the same logs give the same alerts.

mod batches;
mod follow;
mod glob;
mod input;
mod tally;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use alert::{Clock as _, SystemClock};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use ruleset::{LogTime, Severity};

use self::batches::Batch;
use self::input::{Feed, Log};
use self::tally::Tally;
use super::{Failure, Talk};
use crate::cli::{Detect, EventTime};
use crate::detector::{self, Detector, EventClock, Pace, Written};
use crate::rulebook;

/// Batches between two threads: enough that neither waits for the other's longest batch, and 2 MB at most.
const UNDER_WAY_MAX: usize = 8;

/// More threads than this mostly wait for the one that decides, and each may remember 21 MB.
const THREADS_MAX: usize = 32;

pub(super) fn run(options: &Detect) -> Result<(), Failure> {
    let logs = input::logs(&options.files, options.location.as_deref())?;
    let mut work = Work::start(options)?;
    let ended =
        if options.follow { follow::run(&mut work, &logs) } else { read(&mut work, logs, options) };
    work.tally.end(work.detector.fields_dropped(), work.since_start());
    ended
}

/// The rules at work, and what they said so far.
struct Work {
    detector: Detector,
    tally: Tally,
    /// Bytes written, which number the alerts.
    written: u64,
    /// Bytes of the last batch's alerts.
    room: usize,
    start: alert::Timestamp,
}

impl Work {
    fn start(options: &Detect) -> Result<Self, Failure> {
        let rulebook = rulebook::load(&options.ruleset.ruleset)?;
        let ruleset = rulebook.usable().map_err(|error| Failure::usage(error.to_string()))?;
        let warnings =
            rulebook.diagnostics.iter().filter(|found| found.severity >= Severity::Warning).count();
        let warned = match warnings {
            0 => String::new(),
            count => format!(" ({count} warnings, which `quell rules check` tells)"),
        };
        Talk::say(&format!(
            "{} rules and {} decoders{warned}",
            ruleset.rule_count(),
            ruleset.decoder_count()
        ));
        let (zone, now) = (TimeZone::system(), SystemClock.now());
        let pace = if options.follow { Pace::Live } else { Pace::Recorded };
        let clock = match options.time {
            EventTime::Line => {
                EventClock::of_lines(LogTime::new(zone.clone(), now.as_millis()), pace)
            }
            EventTime::Now => EventClock::of_arrival(),
        };
        // A line at a time there is nothing to read ahead.
        let threads = if options.follow { 1 } else { threads(options) };
        let written = if options.all { Written::All } else { Written::Alerts };
        let detector = Detector::new(ruleset, clock, detector::host_name(), zone, written, threads);
        Ok(Self { detector, tally: Tally::default(), written: 0, room: 0, start: now })
    }

    fn since_start(&self) -> std::time::Duration {
        SystemClock.now().since(self.start)
    }

    /// Runs lines through the rules and gives what is to be written.
    fn take<'l>(&mut self, location: &[u8], lines: impl Iterator<Item = &'l [u8]>) -> Vec<u8> {
        // Batches are much alike, so the last one tells how much room this one wants.
        let mut out = Vec::with_capacity(self.room);
        self.detector.set_now(SystemClock.now());
        let lines: Vec<&[u8]> = lines.collect();
        let Self { detector, tally, written, .. } = self;
        let number = |bytes: usize| written.saturating_add(bytes as u64);
        detector.take(location, &lines, &mut out, number, |seen, _| tally.add(seen));
        self.written = self.written.saturating_add(out.len() as u64);
        self.room = out.len();
        out
    }
}

/// How many threads read lines ahead.
fn threads(options: &Detect) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    options.threads.unwrap_or(cores).clamp(1, THREADS_MAX)
}

/// Reads all logs to their ends.
fn read(work: &mut Work, logs: Vec<Log>, options: &Detect) -> Result<(), Failure> {
    let feed = Feed::new(logs);
    let bar = bar(&feed);
    let is_shared = threads(options) > 1;
    let (mut batches, mut out) = if is_shared {
        (Batches::elsewhere(feed)?, Out::elsewhere()?)
    } else {
        (Batches::Here(feed), Out::Here)
    };
    let mut failed = Vec::new();
    while let Some(batch) = batches.next() {
        match batch {
            Ok(batch) => {
                work.tally.cut(batch.cut);
                let alerts = work.take(&batch.location, batch.lines());
                if let Some(bar) = &bar {
                    bar.set_position(batch.read);
                }
                out.write(alerts)?;
            }
            // A damaged archive is no reason to leave the others unread.
            Err(failure) => failed.push(failure),
        }
    }
    out.finish()?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let last = failed.pop();
    failed.iter().for_each(Talk::error);
    last.map_or(Ok(()), Err)
}

/// Draws a bar where a person watches, the size is known, and alerts don't run through it.
fn bar(feed: &Feed) -> Option<ProgressBar> {
    use std::io::IsTerminal as _;
    let size = feed.size()?;
    if !Talk::is_watched() || std::io::stdout().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(size);
    let template = "{spinner} {bytes}/{total_bytes} {wide_bar} {bytes_per_sec}, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    Some(bar)
}

/// Where batches come from.
enum Batches {
    Here(Feed),
    /// From the thread that reads. It is waited for only at its own end: it may hang on a terminal where nobody types.
    Elsewhere {
        receive: Receiver<Result<Batch, Failure>>,
        reader: Option<JoinHandle<()>>,
    },
}

impl Batches {
    fn elsewhere(mut feed: Feed) -> Result<Self, Failure> {
        let (send, receive) = sync_channel(UNDER_WAY_MAX);
        let reader = std::thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || {
                while let Some(batch) = feed.next() {
                    if send.send(batch).is_err() {
                        return;
                    }
                }
            })
            .context("could not start a thread to read with")?;
        Ok(Self::Elsewhere { receive, reader: Some(reader) })
    }

    fn next(&mut self) -> Option<Result<Batch, Failure>> {
        match self {
            Self::Here(feed) => feed.next(),
            Self::Elsewhere { receive, reader } => receive.recv().ok().or_else(|| {
                // No more batches come. A reader that died must not pass for one that has read all.
                let died = reader.take()?.join().is_err();
                died.then(|| Err(anyhow::anyhow!("the thread that reads died").into()))
            }),
        }
    }
}

/// Where alerts go.
enum Out {
    Here,
    Elsewhere {
        send: SyncSender<Vec<u8>>,
        writer: JoinHandle<std::io::Result<()>>,
    },
    /// The writer failed, and that was said.
    Gone,
}

impl Out {
    fn elsewhere() -> Result<Self, Failure> {
        let (send, receive) = sync_channel::<Vec<u8>>(UNDER_WAY_MAX);
        let writer = std::thread::Builder::new()
            .name("write".to_owned())
            .spawn(move || receive.iter().try_for_each(|alerts| write(&alerts)))
            .context("could not start a thread to write with")?;
        Ok(Self::Elsewhere { send, writer })
    }

    fn write(&mut self, alerts: Vec<u8>) -> Result<(), Failure> {
        if alerts.is_empty() {
            return Ok(());
        }
        match self {
            Self::Here => Ok(write(&alerts)?),
            Self::Elsewhere { send, .. } => match send.send(alerts) {
                Ok(()) => Ok(()),
                Err(_) => std::mem::replace(self, Self::Gone).finish(),
            },
            Self::Gone => Err(Failure { code: Failure::ENVIRONMENT, message: String::new() }),
        }
    }

    /// Waits until all is written.
    fn finish(self) -> Result<(), Failure> {
        let Self::Elsewhere { send, writer } = self else { return Ok(()) };
        drop(send);
        match writer.join() {
            Ok(written) => Ok(written?),
            Err(_) => Err(anyhow::anyhow!("the thread that writes died").into()),
        }
    }
}

/// Writes lines to stdout, through to whoever reads them.
fn write(lines: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

/// Names where lines come from, for every batch of a log.
type Location = Arc<[u8]>;
