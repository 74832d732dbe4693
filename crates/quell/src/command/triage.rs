//! `quell triage`: alerts in, incidents with verdicts out, offline.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use store::IncidentRow;

use super::offline::{Progress, Session, no_alerts};
use super::{Failure, Talk, load, print, show};
use crate::cli::{ModelOptions, Triage};
use crate::standing::count_of;

/// Alert ids in one line of JSON, past which they go to a file.
const IDS_MAX: usize = 20_000;

pub(super) fn run(file: Option<&Path>, options: &Triage) -> Result<(), Failure> {
    let config = load(file)?.config;
    let data_dir = options.data_dir.as_deref().unwrap_or(&config.general.data_dir);
    let data_dir = (options.data_dir.is_some() || file.is_some()).then_some(data_dir);
    let input: Box<dyn Read> = if options.file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let path = &options.file;
        let opened = File::open(path)
            .with_context(|| format!("could not open `{}`\nhint: give a file of alerts, one JSON object a line, or - for standard input", alert::sanitize::shown(&path.display().to_string(), 200)))?;
        Box::new(opened)
    };
    let mut session = Session::new(&config, &options.model, data_dir)?;
    let start = session.now();
    say_who_judges(&session, &options.model);
    let long_lines = session.read(input, |_| {})?;
    let counts = session.desk.store.counts()?;
    if counts.accepted > 0 && counts.accepted == counts.malformed {
        return Err(Failure::usage(no_alerts(long_lines)));
    }
    session.judge(model_progress())?;
    if options.json {
        print_json(&session, start, options.alert_ids)
    } else {
        let rows = session.incidents()?;
        print(&show::table(&rows))?;
        Talk::say(&summary_text(&summary(&session, start)?));
        Ok(())
    }
}

/// Says, before anything else, who will judge: a verdict is worth what its analyst is.
pub(super) fn say_who_judges(session: &Session, options: &ModelOptions) {
    let models = session.models();
    if !models.is_empty() {
        Talk::say(&format!("analyst: {}", models.join(", then ")));
    } else if options.analyst == crate::cli::AnalystChoice::Playbook {
        Talk::say("analyst: the playbook, as asked (rule knowledge, no language model)");
    } else {
        Talk::say("analyst: the playbook (rule knowledge, no language model: none answers here)");
        Talk::say(
            "to get a model: install Ollama, run `ollama pull qwen2.5:14b`, and start this again",
        );
    }
}

/// Models take their time: says which incident is judged, one line each where nobody watches a terminal.
pub(super) fn model_progress() -> impl FnMut(Progress) {
    let mut said = 0;
    move |progress| {
        if let Progress::Judged(judged, waiting) = progress
            && judged >= said + 10
        {
            said = judged;
            Talk::say(&format!("judged {judged} of about {waiting} incidents"));
        }
    }
}

/// Prints the lines that tools read.
pub(super) fn print_json(
    session: &Session,
    start: alert::Timestamp,
    all_ids: bool,
) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for row in session.incidents()? {
        writeln!(out, "{}", line(session, &row, all_ids)?)?;
    }
    writeln!(out, "{}", json!({ "summary": summary(session, start)? }))?;
    out.flush()?;
    Ok(())
}

fn line(session: &Session, row: &IncidentRow, all_ids: bool) -> Result<Value, Failure> {
    let ids = session.desk.store.alert_ids(&row.incident.id)?;
    let mut object = show::incident_json(row);
    let verdict = object.shift_remove("verdict").unwrap_or(Value::Null);
    if all_ids || ids.len() <= IDS_MAX {
        object.insert("alert_ids".to_owned(), json!(ids));
    } else {
        object
            .insert("alert_ids_file".to_owned(), json!(write_ids(row.incident.id.as_str(), &ids)?));
    }
    object.insert("verdict".to_owned(), verdict);
    Ok(Value::Object(object))
}

/// Writes ids to a file of their own, one a line.
fn write_ids(incident: &str, ids: &[String]) -> Result<PathBuf, Failure> {
    let path = std::env::temp_dir().join(format!("quell-{}-{incident}.ids", std::process::id()));
    let mut file = File::create_new(&path)
        .with_context(|| format!("could not write alert ids to `{}`", path.display()))?;
    file.write_all(ids.join("\n").as_bytes())
        .with_context(|| format!("could not write `{}`", path.display()))?;
    Ok(path)
}

/// Gives the counts at the end.
pub(super) fn summary(session: &Session, start: alert::Timestamp) -> Result<Value, Failure> {
    let (counts, totals) = (session.desk.store.counts()?, session.desk.store.totals()?);
    let (waiting_jobs, _) = session.desk.store.queue_depth()?;
    Ok(json!({
        "accepted": counts.accepted,
        "folded": counts.folded,
        "own_output": counts.own_output,
        "below_policy": counts.below_policy,
        "duplicate": counts.duplicate,
        "malformed": counts.malformed,
        "waiting": 0,
        "incidents": totals.incidents,
        "campaigns": totals.campaigns,
        "model_calls": totals.model_calls,
        "model_verdicts": totals.model_verdicts,
        "playbook_verdicts": totals.playbook_verdicts,
        "incidents_waiting": waiting_jobs,
        "elapsed_s": (session.seconds_since(start) * 1000.0).round() / 1000.0,
    }))
}

/// Says the counts in three lines.
pub(super) fn summary_text(summary: &Value) -> String {
    let of = |name: &str| summary.get(name).and_then(Value::as_u64).unwrap_or(0);
    // Without commas, as the other numbers beside them.
    let many = |name: &str, what: &str| count_of(of(name), what);
    format!(
        "{} = {} folded + {} own output + {} below policy + {} duplicate + {} malformed + {} waiting\n\
         {}, {}; {}, {} by a model, {} by the playbook, in {} s",
        many("accepted", "alert"),
        of("folded"),
        of("own_output"),
        of("below_policy"),
        of("duplicate"),
        of("malformed"),
        of("waiting"),
        many("incidents", "incident"),
        many("campaigns", "campaign"),
        many("model_calls", "model call"),
        many("model_verdicts", "verdict"),
        of("playbook_verdicts"),
        summary.get("elapsed_s").and_then(Value::as_f64).unwrap_or(0.0),
    )
}
