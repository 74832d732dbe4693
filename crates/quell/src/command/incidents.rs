//! `quell incidents`: what people do with incidents from a terminal.
//!
//! Reading goes straight to the store. What changes something is left there as a request, which the daemon applies: it alone owns
//! the incidents it holds in memory.

use std::io::{IsTerminal as _, Write as _};
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
        Incidents::Show { id, alerts: true, limit, .. } => {
            raw_alerts(&store, &find(&store, id)?, *limit)
        }
        Incidents::Show { id, output, .. } => show_one(&store, &find(&store, id)?, output.json),
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
    // One more than is shown tells whether there are more.
    let limit = filter.limit;
    let more = limit.saturating_add(usize::from(limit > 0));
    let mut rows = store.incidents(&IncidentFilter { limit: more, ..filter.clone() })?;
    let is_cut = limit > 0 && rows.len() > limit;
    if is_cut {
        rows.truncate(limit);
    }
    if as_json {
        for row in &rows {
            print(&Value::Object(show::incident_json(row)).to_string())?;
        }
    } else {
        print(&show::table(&rows))?;
    }
    if is_cut {
        Talk::say(&format!("there are more than these {limit}; --limit 0 gives all of them"));
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

/// Prints the alerts of an incident as they came, the newest `limit` of them (0: all), in the order of their arrival.
///
/// The store is held for a block at a time and no longer: whoever pages through them must not keep the daemon from tidying its log.
fn raw_alerts(store: &Store, incident: &Incident, limit: u64) -> Result<(), Failure> {
    let kept = store.alerts_kept(&incident.id)?;
    let mut place = if limit == 0 { 0 } else { store.place_before_newest(&incident.id, limit)? };
    let is_terminal = std::io::stdout().is_terminal();
    let mut out = std::io::stdout().lock();
    let mut printed = 0_u64;
    loop {
        let step = store.raw_alerts(&incident.id, place)?;
        let Some((last, _)) = step.last() else { break };
        place = *last;
        for (_, raw) in &step {
            out.write_all(&raw_line(raw, is_terminal))?;
            printed += 1;
        }
    }
    out.flush()?;
    if printed < kept {
        Talk::say(&format!("the newest {printed} of {kept} alerts; --limit 0 gives all of them"));
    }
    if kept < incident.alert_count {
        let gone = incident.alert_count - kept;
        Talk::say(&format!("{gone} of its alerts are not kept any more (general.retention)"));
    }
    Ok(())
}

/// Makes a line of an alert as it came. A line break can only stand between the parts of one that was sent as a document of several lines,
/// where a blank means the same.
fn raw_line(raw: &[u8], is_terminal: bool) -> Vec<u8> {
    let mut line = if is_terminal {
        alert::sanitize::clean(&String::from_utf8_lossy(raw)).0.into_bytes()
    } else {
        let inline = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        raw.iter().map(inline).collect()
    };
    line.push(b'\n');
    line
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_printed_as_it_came_and_made_harmless_where_somebody_reads_along() {
        let raw = b"{\"full_log\":\"\xff\x1b[2J \xe2\x80\xae x\"}";
        assert_eq!(raw_line(raw, false), [raw.as_slice(), b"\n"].concat());
        let shown = String::from_utf8(raw_line(raw, true)).expect("text");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']) && shown.ends_with("x\"}\n"), "{shown:?}");
        assert_eq!(raw_line(b"{\n  \"a\": 1\r\n}", false), b"{   \"a\": 1  }\n");
    }
}
