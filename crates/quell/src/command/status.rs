//! `quell status`: how the daemon stands, from its store.

use std::path::Path;
use std::time::Duration;

use alert::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};
use store::Store;

use super::{Failure, load, print};
use crate::stage::tend::{HEARTBEAT, Heartbeat};

/// Age of the daemon's word from which on it counts as not running. It speaks twice a second.
const SILENCE_MAX: Duration = Duration::from_secs(15);

pub(super) fn run(file: Option<&Path>, as_json: bool) -> Result<(), Failure> {
    let config = load(file)?.config;
    let store = Store::open_existing(&config.general.data_dir)?;
    let now = SystemClock.now();
    let status = gather(&store, now)?;
    if as_json {
        print(&status.to_string())?;
    } else {
        print(&text(&status))?;
    }
    let runs = status.pointer("/daemon/runs").and_then(Value::as_bool) == Some(true);
    let conserved = status.get("conserved").and_then(Value::as_bool) == Some(true);
    if runs && conserved { Ok(()) } else { Err(Failure::no()) }
}

fn gather(store: &Store, now: Timestamp) -> Result<Value, Failure> {
    let (counts, totals) = (store.counts()?, store.totals()?);
    let (jobs, oldest) = store.queue_depth()?;
    let heartbeat: Option<Heartbeat> =
        store.meta(HEARTBEAT)?.and_then(|text| serde_json::from_str(&text).ok());
    let daemon = match &heartbeat {
        Some(beat) => json!({
            "runs": !beat.has_ended && now.since(beat.at) <= SILENCE_MAX,
            "pid": beat.pid,
            "version": beat.version,
            "started_at": beat.started_at.to_string(),
            "last_word": beat.at.to_string(),
            "models": beat.models,
            "incidents_in_memory": beat.incidents_in_memory,
            "deliveries_waiting": beat.deliveries_waiting,
        }),
        None => json!({ "runs": false }),
    };
    let levels: Vec<Value> = store
        .threat_levels()?
        .into_iter()
        .map(|(level, incidents)| json!({"threat_level": level, "incidents": incidents}))
        .collect();
    Ok(json!({
        "daemon": daemon,
        "alerts": counts,
        "conserved": counts.are_conserved(0),
        "store": totals,
        "queue": {"jobs": jobs, "oldest_s": oldest.map(|oldest| now.since(oldest).as_secs())},
        "threat_levels": levels,
        "outbox": store.outbox_totals()?,
    }))
}

fn text(status: &Value) -> String {
    let number = |path: &str| status.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let word = |path: &str| status.pointer(path).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut lines = Vec::new();
    if status.pointer("/daemon/runs").and_then(Value::as_bool) == Some(true) {
        lines.push(format!(
            "daemon    runs as process {} since {}",
            number("/daemon/pid"),
            word("/daemon/started_at")
        ));
    } else {
        lines.push(format!("daemon    does not run (last word: {})", word("/daemon/last_word")));
    }
    lines.push(format!(
        "alerts    {} accepted = {} folded + {} own output + {} below policy + {} duplicate + {} malformed",
        number("/alerts/accepted"),
        number("/alerts/folded"),
        number("/alerts/own_output"),
        number("/alerts/below_policy"),
        number("/alerts/duplicate"),
        number("/alerts/malformed"),
    ));
    if status.get("conserved").and_then(Value::as_bool) != Some(true) {
        lines.push("          THESE DO NOT ADD UP: please report it".to_owned());
    }
    lines.push(format!(
        "incidents {} ({} not closed), {} campaigns",
        number("/store/incidents"),
        number("/store/incidents_open"),
        number("/store/campaigns")
    ));
    lines.push(format!(
        "verdicts  {} by a model ({} calls), {} by the playbook",
        number("/store/model_verdicts"),
        number("/store/model_calls"),
        number("/store/playbook_verdicts")
    ));
    lines.push(format!(
        "queue     {} incidents wait, the oldest for {} s",
        number("/queue/jobs"),
        number("/queue/oldest_s")
    ));
    for sink in status.get("outbox").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| sink.get(name).and_then(Value::as_u64).unwrap_or(0);
        let name = sink.get("sink").and_then(Value::as_str).unwrap_or("?");
        lines.push(format!(
            "sink      {name}: {} sent, {} waiting, {} refused",
            of("sent"),
            of("waiting"),
            of("refused")
        ));
    }
    for level in status.get("threat_levels").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| level.get(name).and_then(Value::as_u64).unwrap_or(0);
        lines.push(format!("threat    {:>2}: {} incidents", of("threat_level"), of("incidents")));
    }
    lines.join("\n")
}
