//! `quell logtest`: log lines in; decoder, fields, rule and the reasons out.
//!
//! Lines of a run are one session: frequency rules count over them. Lines that a person types, or a pipe brings, are taken as Wazuh's
//! own logtest takes them. Recorded events with their times (`--events`) are taken as the daemon takes them; what logtest would show
//! differently is added as `logtest`, which is how Wazuh's recordings are written. Their hours are those of UTC, so that a replay comes
//! out the same on every machine; else the machine's own zone counts.

pub(super) mod close;
mod events;
mod page;
pub(super) mod seen;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use alert::clock::{Clock as _, SystemClock};
use alert::sanitize::shown;
use jiff::tz::TimeZone;
use ruleset::{Record, Ruleset, Session, SessionOptions, TriedVerdict};
use serde_json::{Map, Value, json};

use self::events::RecordedEvent;
use self::page::{Detail, page};
use self::seen::{Keep, Seen, Step, text_value};
use super::{Failure, Talk, rules};
use crate::cli::Logtest;
use crate::logfile::LogFile;
use crate::rulebook;

pub(super) fn run(options: &Logtest) -> Result<(), Failure> {
    if let Some(file) = &options.ini {
        return rules::test_file(&options.ruleset.ruleset, file, options.json);
    }
    let ruleset = load_rules(&options.ruleset.ruleset)?;
    let mut desk = Desk::new(&ruleset, options);
    match &options.events {
        Some(file) => events::read(file, &options.location, |event| desk.replay(&event))?,
        None => read_lines(&mut desk, &options.location)?,
    }
    desk.out.flush()?;
    Ok(())
}

/// Loads rules and says how many; refused rules are a matter of usage.
pub(super) fn load_rules(paths: &[PathBuf]) -> Result<Arc<Ruleset>, Failure> {
    let book = rulebook::load(paths)?;
    let ruleset = book.usable().map_err(|error| Failure::usage(error.to_string()))?;
    let warnings =
        book.diagnostics.iter().filter(|d| d.severity >= ruleset::Severity::Warning).count();
    let said = match warnings {
        0 => String::new(),
        1 => "; one warning: `quell rules check` shows it".to_owned(),
        _ => format!("; {warnings} warnings: `quell rules check` shows them"),
    };
    Talk::say(&format!(
        "{} rules, {} decoders{said}",
        ruleset.rule_count(),
        ruleset.decoder_count()
    ));
    Ok(ruleset)
}

/// Makes a session that notes exactly which condition failed, which the filters would blur.
pub(super) fn session(ruleset: &Arc<Ruleset>, logtest: bool, zone: TimeZone) -> Session {
    let options = SessionOptions {
        logtest,
        zone,
        trace: true,
        without_prefilter: true,
        ..SessionOptions::default()
    };
    Session::new(Arc::clone(ruleset), options)
}

fn read_lines(desk: &mut Desk, location: &str) -> Result<(), Failure> {
    let is_typed = std::io::stdin().is_terminal();
    if is_typed {
        Talk::say("type a log line and press Enter; Ctrl-D ends");
    }
    let mut file = LogFile::open("-".as_ref())?;
    let mut line = Vec::new();
    loop {
        if is_typed {
            // Nobody misses a prompt that can't be written.
            std::io::stderr().write_all(b"\n> ").ok();
        }
        if !file.read_line(&mut line)? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let time = SystemClock.now().as_millis().div_euclid(1000);
        let location = location.as_bytes().to_vec();
        desk.take(&RecordedEvent { time, location, log: line.clone() })?;
        desk.out.flush()?;
    }
    if file.lines_cut() > 0 {
        Talk::say(&format!("lines longer than 64 KB, which were cut: {}", file.lines_cut()));
    }
    Ok(())
}

/// Where lines are tried and results printed.
struct Desk {
    logtest: Session,
    /// For recorded events: what the daemon makes of them.
    daemon: Session,
    keep: Keep,
    is_json: bool,
    detail: Detail,
    count: u64,
    out: std::io::BufWriter<std::io::Stdout>,
}

impl Desk {
    fn new(ruleset: &Arc<Ruleset>, options: &Logtest) -> Self {
        let detail = if options.verbose { Detail::All } else { Detail::Close };
        let zone = if options.events.is_some() { TimeZone::UTC } else { TimeZone::system() };
        let keep = if options.json && !options.verbose { Keep::Path } else { Keep::Tried };
        Self {
            logtest: session(ruleset, true, zone.clone()),
            daemon: session(ruleset, false, zone),
            keep,
            is_json: options.json,
            detail,
            count: 0,
            out: std::io::BufWriter::new(std::io::stdout()),
        }
    }

    /// Takes a line as Wazuh's logtest does.
    fn take(&mut self, event: &RecordedEvent) -> anyhow::Result<()> {
        let seen = process(&mut self.logtest, event, self.keep)?;
        self.print(event, &seen, None)
    }

    /// Takes an event as the daemon does, and notes what logtest would say.
    fn replay(&mut self, event: &RecordedEvent) -> anyhow::Result<()> {
        let seen = process(&mut self.daemon, event, self.keep)?;
        let as_logtest = process(&mut self.logtest, event, Keep::Path)?;
        let different = if seen.is_dropped { None } else { differences(&seen, &as_logtest) };
        self.print(event, &seen, different)
    }

    fn print(
        &mut self,
        event: &RecordedEvent,
        seen: &Seen,
        as_logtest: Option<Map<String, Value>>,
    ) -> anyhow::Result<()> {
        self.count += 1;
        if self.is_json {
            let mut object = line_json(event, seen);
            if let Some(different) = as_logtest {
                object.insert("logtest".to_owned(), Value::Object(different));
            }
            if self.detail == Detail::All {
                let tried: Vec<Value> = seen.tried.iter().map(step_json).collect();
                object.insert("tried".to_owned(), Value::Array(tried));
            }
            writeln!(self.out, "{}", Value::Object(object))?;
            return Ok(());
        }
        let log = shown(&String::from_utf8_lossy(&event.log), 2000);
        let gap = if self.count > 1 { "\n" } else { "" };
        write!(self.out, "{gap}line {}: {log}\n{}", self.count, page(seen, self.detail))?;
        Ok(())
    }
}

fn process(session: &mut Session, event: &RecordedEvent, keep: Keep) -> anyhow::Result<Seen> {
    let record = Record { time: event.time, location: &event.location, log: &event.log };
    Seen::new(&session.process(&record), keep)
}

/// Gives a result in the format of `quell logtest --json`: Wazuh's members, with the line and the location only where they differ
/// from what came in.
fn line_json(event: &RecordedEvent, seen: &Seen) -> Map<String, Value> {
    let mut object = Map::from_iter([("line".to_owned(), text_value(&event.log))]);
    let first = ["predecoder", "decoder", "data", "rule"];
    for name in first {
        if let Some(value) = seen.members.get(name) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    object.insert("alert".to_owned(), Value::Bool(seen.is_alert));
    if seen.is_dropped {
        object.insert("not_processed".to_owned(), Value::Bool(true));
        return object;
    }
    let sent = [("full_log", &event.log), ("location", &event.location)];
    for (name, value) in &seen.members {
        let is_as_sent =
            sent.iter().any(|(sent, bytes)| sent == name && *value == text_value(bytes));
        if !is_as_sent && !object.contains_key(name) {
            object.insert(name.clone(), value.clone());
        }
    }
    if !seen.members.contains_key("full_log") {
        object.insert("full_log".to_owned(), Value::Null);
    }
    let path: Vec<u32> = seen.path.iter().map(|step| step.id).collect();
    object.insert("path".to_owned(), json!(path));
    object
}

fn step_json(step: &Step) -> Value {
    let (verdict, condition) = match &step.verdict {
        TriedVerdict::Matched => ("matched", None),
        TriedVerdict::OnlyGroups => ("only_groups", None),
        TriedVerdict::Failed(condition) => ("failed", Some(condition)),
    };
    json!({
        "id": step.id.to_string(),
        "level": step.level,
        "depth": step.depth,
        "verdict": verdict,
        "condition": condition,
        "finding": step.finding,
    })
}

/// Gives the members that logtest shows differently.
fn differences(daemon: &Seen, logtest: &Seen) -> Option<Map<String, Value>> {
    let mut different = Map::new();
    for (name, value) in &logtest.members {
        if daemon.members.get(name) != Some(value) {
            different.insert(name.clone(), value.clone());
        }
    }
    for name in daemon.members.keys().filter(|name| !logtest.members.contains_key(*name)) {
        different.insert(name.clone(), Value::Null);
    }
    if daemon.is_alert != logtest.is_alert {
        different.insert("alert".to_owned(), Value::Bool(logtest.is_alert));
    }
    (!different.is_empty()).then_some(different)
}
