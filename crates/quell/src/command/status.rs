//! `quell status`: how the daemon stands, from its store.

use std::path::Path;

use alert::{Clock as _, SystemClock, Timestamp, sanitize};
use serde_json::{Value, json};
use store::{OutboxTotals, Store};

use super::look::Look;
use super::{Failure, load, print};
use crate::config::Config;
use crate::setup;
use crate::standing::{Delay, ModelStanding, by_severity, counted, grouped, span};

pub(super) fn run(file: Option<&Path>, as_json: bool) -> Result<(), Failure> {
    let config = load(file)?.config;
    let store = Store::open_existing(&config.general.data_dir)?;
    let now = SystemClock.now();
    let look = Look::take(&store, 0, now)?.with_lock_of(&config.general.data_dir);
    let delay = look.delay(config.judge.calls_per_minute);
    let status = gather(&store, &look, &delay, &config)?;
    if as_json {
        print(&status.to_string())?;
    } else {
        print(&text(&status, &look, &delay, &config))?;
    }
    if look.runs() && look.counts.are_conserved(0) { Ok(()) } else { Err(Failure::no()) }
}

fn gather(store: &Store, look: &Look, delay: &Delay, config: &Config) -> Result<Value, Failure> {
    let levels: Vec<Value> = store
        .threat_levels()?
        .into_iter()
        .map(|(level, incidents)| json!({"threat_level": level, "incidents": incidents}))
        .collect();
    Ok(json!({
        "daemon": look.daemon_json(),
        "alerts": look.counts,
        "conserved": look.counts.are_conserved(0),
        "store": store.totals()?,
        "queue": look.queue_json(setup::desk(config).deadlines),
        "overload": delay.json(),
        "models": look.models_json(),
        "sources": look.sources_json(),
        "files": look.files,
        "threat_levels": levels,
        "outbox": look.outbox,
    }))
}

fn text(status: &Value, look: &Look, delay: &Delay, config: &Config) -> String {
    let number = |path: &str| status.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let word = |path: &str| status.pointer(path).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut lines = Vec::new();
    if status.pointer("/daemon/runs").and_then(Value::as_bool) == Some(true) {
        lines.push(format!(
            "daemon    runs as process {} since {}",
            number("/daemon/pid"),
            word("/daemon/started_at")
        ));
    } else if look.is_stuck() {
        lines.push(format!(
            "daemon    process {} holds the data directory and has written nothing since {}: is the disk full? Its log and `quell doctor` say more",
            number("/daemon/pid"),
            word("/daemon/last_word")
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
        "incidents {} ({} not closed), {}",
        number("/store/incidents"),
        number("/store/incidents_open"),
        counted(number("/store/campaigns"), "campaign")
    ));
    lines.push(format!(
        "verdicts  {} by a model ({}), {} by the playbook ({} of them in the meantime)",
        number("/store/model_verdicts"),
        counted(number("/store/model_calls"), "call"),
        number("/store/playbook_verdicts"),
        number("/store/interim_verdicts")
    ));
    lines.extend(standing(look, delay));
    let configured: Vec<String> =
        setup::desk(config).sinks.into_iter().map(|sink| sink.name).collect();
    look.outbox.iter().for_each(|sink| lines.extend(sink_lines(sink, &configured)));
    for level in status.get("threat_levels").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| level.get(name).and_then(Value::as_u64).unwrap_or(0);
        let incidents = counted(of("incidents"), "incident");
        lines.push(format!("threat    {:>2}: {incidents}", of("threat_level")));
    }
    lines.join("\n")
}

/// Says what waits and how long, what the models do, and what came from where.
fn standing(look: &Look, delay: &Delay) -> Vec<String> {
    let mut lines = Vec::new();
    let heading = if delay.is_felt() { "delayed" } else { "queue" };
    lines.push(format!("{heading:<9} {}", delay.text()));
    for (severity, row) in by_severity(&look.queue) {
        if let Some(row) = row {
            lines.push(format!(
                "          {:<8} {}, {} past deadline, {} judged by the playbook meanwhile, the oldest asked {} ago",
                severity.as_str(),
                grouped(row.jobs),
                grouped(row.overdue),
                grouped(row.interim),
                span(look.at.since(row.oldest))
            ));
        }
    }
    lines.extend(look.models().iter().map(|model| model_line(model, look.at)));
    for source in look.sources() {
        lines.push(format!(
            "source    {}: {}, the last {} ago",
            source.route,
            counted(source.alerts, "alert"),
            span(look.at.since(source.last_at))
        ));
        // A file is read again until the store takes it, so one alert may be counted many times.
        if source.refused > 0 {
            lines.push(format!(
                "          {} times an alert was given back because the store could not take it; senders keep it and offer it again",
                grouped(source.refused)
            ));
        }
    }
    for file in look.files.iter().filter(|file| file.behind_bytes != Some(0)) {
        let behind = file.behind_bytes.map_or_else(
            || "the place that was read last is in another file".to_owned(),
            |bytes| format!("{} bytes not read yet", grouped(bytes)),
        );
        lines.push(format!("file      {}: {behind}", sanitize::shown(&file.path, 200)));
    }
    lines
}

/// Says how the messages of a sink stand, and what to do where they don't get on.
fn sink_lines(sink: &OutboxTotals, configured: &[String]) -> Vec<String> {
    let (sent, waiting) = (grouped(sink.sent), grouped(sink.waiting));
    let mut line = format!("sink      {}: {sent} sent, {waiting} waiting", sink.sink);
    if sink.by_name > 0 {
        line.push_str(&format!(" ({} of them by their name alone)", grouped(sink.by_name)));
    }
    line.push_str(&format!(", {} refused", grouped(sink.refused)));
    if sink.given_up > 0 {
        line.push_str(&format!(", {} given up", grouped(sink.given_up)));
    }
    let mut lines = vec![line];
    if !configured.contains(&sink.sink) && sink.waiting > 0 {
        lines.push(
            "          it is not configured any more: what waits is given up after `general.retention`; `quell config reference` says how to turn it on"
                .to_owned(),
        );
    } else if sink.by_name > 0 || sink.given_up > 0 {
        lines.push(
            "          `quell doctor` says what keeps it from taking them; `quell incidents list` has the verdicts meanwhile"
                .to_owned(),
        );
    }
    lines
}

/// Says what a model does.
fn model_line(model: &ModelStanding, now: Timestamp) -> String {
    let mut line = format!("model     {}: {}", model.name, model.state(now));
    if let Some(first) = model.running.first() {
        line.push_str(&format!(
            " {} of {} at a time, the longest for {}",
            model.running.len(),
            model.slots,
            span(now.since(first.since))
        ));
    }
    if let Some(time) = model.case_time() {
        line.push_str(&format!(", {:.1} s a case", time.as_secs_f64()));
    }
    if let Some(speed) = model.tokens_per_second() {
        line.push_str(&format!(", {speed:.1} tokens/s"));
    }
    line.push_str(&format!(", {} of {} cases failed", model.failures, model.cases));
    if let Some(until) = model.rests_until.filter(|until| *until > now) {
        line.push_str(&format!(", for {} more", span(until.since(now))));
    }
    if model.failures > 0 {
        line.push_str(&format!(", the last of: {}", sanitize::shown(&model.last_failure, 200)));
    }
    line
}
