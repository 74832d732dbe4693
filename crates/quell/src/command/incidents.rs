//! `quell incidents`: what people do with incidents from a terminal.
//!
//! Reading goes straight to the store. What changes something is left there as a request, which the daemon applies: it alone owns
//! the incidents it holds in memory.

use std::path::Path;
use std::time::Duration;

use alert::{Clock as _, Incident, SystemClock};
use serde_json::{Value, json};
use store::{IncidentFilter, Store};

use super::{Failure, Talk, load, print, show};
use crate::cli::Incidents;
use crate::desk::campaign_of;

/// How long a command waits for the daemon to apply a request.
const APPLY_WAIT: Duration = Duration::from_secs(3);

/// How often it looks.
const APPLY_LOOK: Duration = Duration::from_millis(100);

/// Longest note, in characters.
const NOTE_CHARACTERS_MAX: usize = 2_000;

pub(super) fn run(file: Option<&Path>, command: &Incidents) -> Result<(), Failure> {
    let config = load(file)?.config;
    let store = Store::open_existing(&config.general.data_dir)?;
    match command {
        Incidents::List { level, state, actor, limit, output } => {
            let filter = IncidentFilter {
                threat_level_min: *level,
                state: state.clone(),
                actor: actor.clone(),
                limit: *limit,
            };
            list(&store, &filter, output.json)
        }
        Incidents::Show { id, output } => show_one(&store, &find(&store, id)?, output.json),
        Incidents::Close { id, note } => ask(&store, id, "close", note),
        Incidents::Reopen { id } => ask(&store, id, "reopen", ""),
        Incidents::Note { id, text } if text.trim().is_empty() => {
            Err(Failure::usage(format!("the note on `{id}` is empty")))
        }
        Incidents::Note { id, text } => ask(&store, id, "note", text),
        Incidents::Judge { id } => ask(&store, id, "judge", ""),
    }
}

fn list(store: &Store, filter: &IncidentFilter, as_json: bool) -> Result<(), Failure> {
    let rows = store.incidents(filter)?;
    if !as_json {
        return Ok(print(&show::table(&rows))?);
    }
    for row in &rows {
        print(&Value::Object(show::incident_json(row)).to_string())?;
    }
    Ok(())
}

fn find(store: &Store, id: &str) -> Result<Incident, Failure> {
    let shown = alert::sanitize::shown(id, 60);
    let is_name = alert::IncidentId::parse(id).is_some();
    let found = if is_name { store.incident(id)? } else { None };
    found.ok_or_else(|| Failure {
        code: Failure::NO,
        message: format!("no incident, or more than one, begins with `{shown}`\nhint: `quell incidents list` shows their names"),
    })
}

fn show_one(store: &Store, incident: &Incident, as_json: bool) -> Result<(), Failure> {
    let verdicts = store.verdicts(&incident.id)?;
    let notes = store.notes(&incident.id)?;
    let campaign = campaign_of(store, incident)?;
    if as_json {
        let body = json!({
            "incident": incident,
            "verdicts": verdicts.iter().map(show::verdict_json).collect::<Vec<_>>(),
            "notes": notes,
            "campaign": campaign,
            "alert_ids": store.alert_ids(&incident.id)?,
        });
        return Ok(print(&body.to_string())?);
    }
    Ok(print(&show::page(
        incident,
        &verdicts,
        &notes,
        campaign.map(|campaign| campaign.line()).as_deref(),
    ))?)
}

fn ask(store: &Store, id: &str, action: &str, text: &str) -> Result<(), Failure> {
    let incident = find(store, id)?;
    let text = alert::sanitize::shown(text, NOTE_CHARACTERS_MAX);
    let seq = store.leave_request(SystemClock.now(), &person(), action, &incident.id, &text)?;
    let mut waited = Duration::ZERO;
    while waited < APPLY_WAIT {
        if !store.request_waits(seq)? {
            Talk::say(&format!("done: {action} {}", incident.id));
            return Ok(());
        }
        std::thread::sleep(APPLY_LOOK);
        waited += APPLY_LOOK;
    }
    Talk::say(&format!(
        "noted: {action} {}; the daemon does not answer, and does it when it runs",
        incident.id
    ));
    Ok(())
}

/// Names who asks, for the audit log: the login, and who they were before `sudo`.
fn person() -> String {
    let uid = nix::unistd::Uid::current();
    let name = nix::unistd::User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| format!("uid {uid}"), |user| user.name);
    match std::env::var("SUDO_USER") {
        Ok(before) if before != name => alert::sanitize::shown(&format!("{before} as {name}"), 80),
        _ => name,
    }
}
