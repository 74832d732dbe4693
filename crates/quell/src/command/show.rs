//! How incidents and verdicts look: as a table, as a page, and as JSON.
//!
//! Everything that came from outside was cleaned before it gets here, or is cleaned here; a terminal never gets raw text.

use alert::verdict::{Check, Verdict};
use alert::{Incident, sanitize};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde_json::{Map, Value, json};
use store::{IncidentRow, Note};

use crate::standing::span;

/// Narrowest terminal that tables are made for.
const WIDTH_MIN: u16 = 80;

/// Width where nobody says how wide the terminal is.
const WIDTH_DEFAULT: u16 = 120;

/// Draws incidents as a table, the most dangerous first.
pub(super) fn table(rows: &[IncidentRow]) -> String {
    let mut table = Table::new();
    table
        .load_preset("     ──            ")
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(["LVL", "INCIDENT", "WHAT", "WHO -> WHERE", "ALERTS", "OUTCOME", "ANALYST"]);
    for row in rows {
        let incident = &row.incident;
        let verdict = row.verdict.as_ref();
        let level = verdict
            .map_or_else(|| "?".to_owned(), |verdict| verdict.draft.threat_level.to_string());
        let what = verdict.map_or(incident.class, |verdict| verdict.draft.class);
        let outcome = verdict.map_or_else(|| "not judged".to_owned(), outcome);
        let analyst = verdict.map_or_else(String::new, |verdict| {
            format!(
                "{}{}",
                sanitize::shown(&verdict.analyst.label(), 24),
                if verdict.model_pending { " (model pending)" } else { "" }
            )
        });
        table.add_row([
            Cell::new(level).set_alignment(CellAlignment::Right),
            Cell::new(incident.id.as_str()),
            Cell::new(what.as_str()),
            Cell::new(format!(
                "{} -> {}",
                sanitize::shown(incident.actor.name(), 39),
                sanitize::shown(incident.target(), 24)
            )),
            Cell::new(incident.alert_count).set_alignment(CellAlignment::Right),
            Cell::new(outcome),
            Cell::new(analyst),
        ]);
    }
    table.trim_fmt()
}

fn outcome(verdict: &Verdict) -> String {
    if verdict.draft.false_positive {
        "false positive?".to_owned()
    } else {
        verdict.draft.outcome.to_string()
    }
}

/// Gives the terminal's width, where a shell or a person says it.
fn width() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(WIDTH_DEFAULT)
        .max(WIDTH_MIN)
}

/// Writes a page about one incident.
pub(super) fn page(
    incident: &Incident,
    verdicts: &[Verdict],
    notes: &[Note],
    campaign: Option<&str>,
) -> String {
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    let verdict = verdicts.last();
    line(format!("{}  {}  revision {}", incident.id, incident.state.as_str(), incident.revision));
    if let Some(verdict) = verdict {
        let draft = &verdict.draft;
        line(format!("\n  {}", draft.title));
        line(format!(
            "  threat {} of 10, confidence {}, {}, {} (by {}{})",
            draft.threat_level,
            draft.confidence,
            draft.class,
            outcome(verdict),
            verdict.analyst.label(),
            if verdict.model_pending { ", model pending" } else { "" }
        ));
        how_judged(verdict).into_iter().for_each(&mut line);
        line(format!(
            "  by rule knowledge {}: {}",
            verdict.bounds.typical, verdict.bounds.typical_reason
        ));
        line(format!(
            "  level held between {} ({}) and {} ({})",
            verdict.bounds.floor,
            verdict.bounds.floor_reason,
            verdict.bounds.ceiling,
            verdict.bounds.ceiling_reason
        ));
        line(format!("\n  {}", draft.summary));
        for (title, list) in [
            ("evidence", &draft.evidence),
            ("what to do", &draft.recommendations),
            ("look elsewhere for", &draft.indicators),
            ("not known", &draft.unknowns),
            ("ATT&CK", &draft.mitre),
        ] {
            if !list.is_empty() {
                line(format!("\n  {title}"));
                list.iter().for_each(|text| line(format!("    - {text}")));
            }
        }
        let failed: Vec<&Check> = verdict.checks.iter().filter(|check| !check.passed).collect();
        if !failed.is_empty() {
            line("\n  checks that did not hold".to_owned());
            failed.iter().for_each(|check| line(format!("    - {}: {}", check.name, check.detail)));
        }
    } else {
        line("\n  not judged yet".to_owned());
    }
    facts(incident, campaign).into_iter().for_each(&mut line);
    if verdicts.len() > 1 {
        line("\n  earlier verdicts".to_owned());
        for verdict in verdicts.iter().rev().skip(1) {
            line(format!(
                "    {}  revision {}  threat {}  {}",
                verdict.judged_at,
                verdict.revision,
                verdict.draft.threat_level,
                verdict.analyst.label()
            ));
        }
    }
    if !notes.is_empty() {
        line("\n  notes".to_owned());
        notes.iter().for_each(|note| {
            line(format!(
                "    {}  {}: {}",
                note.at,
                sanitize::shown(&note.who, 40),
                sanitize::shown(&note.text, 400)
            ))
        });
    }
    page
}

/// Says who judged instead of a model and why, how far the models were behind, and how long the incident had waited.
fn how_judged(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    if !verdict.playbook_reason.is_empty() {
        let meanwhile = if verdict.model_pending { " in the meantime" } else { "" };
        lines.push(format!("  the playbook judged{meanwhile}: {}", verdict.playbook_reason));
    }
    if let Some(backlog) = &verdict.backlog {
        lines.push(format!("  the models were behind: {}", backlog.text()));
    }
    if let Some(asked_at) = verdict.asked_at {
        lines.push(format!(
            "  judged {}, {} after the incident asked for it",
            verdict.judged_at,
            span(verdict.judged_at.since(asked_at))
        ));
    }
    lines
}

fn facts(incident: &Incident, campaign: Option<&str>) -> Vec<String> {
    let counted = |tally: &alert::incident::Tally| {
        let names: Vec<String> = tally
            .iter()
            .take(12)
            .map(|(name, count)| format!("{} ({count})", sanitize::shown(name, 60)))
            .collect();
        let more = if tally.len() > 12 || tally.beyond > 0 { " and more" } else { "" };
        format!("{}{more}", names.join(", "))
    };
    let mut lines = vec![
        format!(
            "\n  alerts {} from {} to {}",
            incident.alert_count, incident.first_seen, incident.last_seen
        ),
        format!("  actors {}", counted(&incident.actors)),
        format!(
            "  target {} (agent {})",
            sanitize::shown(incident.target(), 60),
            sanitize::shown(&incident.agent.id, 20)
        ),
        format!("  rules {} (highest level {})", counted(&incident.rules), incident.level_max),
    ];
    if !incident.objects.is_empty() {
        lines.push(format!(
            "  touched about {} different: {}",
            incident.object_count(),
            counted(&incident.objects)
        ));
    }
    if let Some(campaign) = campaign {
        lines.push(format!("  campaign of the actor: {}", sanitize::shown(campaign, 200)));
    }
    lines.push("\n  log lines".to_owned());
    for evidence in &incident.evidence {
        lines.push(format!("    {} x  {}", evidence.count, evidence.excerpt.shown(240)));
        if let Some(decoded) = &evidence.decoded {
            lines.push(format!("         decoded: {}", decoded.shown(240)));
        }
    }
    lines
}

/// Gives an incident with its verdict in the format of `quell triage --json`.
pub(super) fn incident_json(row: &IncidentRow) -> Map<String, Value> {
    let incident = &row.incident;
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    let class = row.verdict.as_ref().map_or(incident.class, |verdict| verdict.draft.class);
    let mut actors = vec![incident.actor.name().to_owned()];
    actors.extend(
        incident.actors.names().filter(|name| *name != incident.actor.name()).map(str::to_owned),
    );
    put("incident_id", json!(incident.id));
    put("class", json!(class));
    put("actors", json!(actors));
    put("targets", json!([incident.target()]));
    put("objects", json!(incident.objects.names().take(12).collect::<Vec<_>>()));
    put("alert_count", json!(incident.alert_count));
    put("first_seen", json!(incident.first_seen.to_string()));
    put("last_seen", json!(incident.last_seen.to_string()));
    put("revision", json!(incident.revision));
    put("state", json!(incident.state));
    put("verdict", row.verdict.as_ref().map_or(Value::Null, verdict_json));
    object
}

/// Gives a verdict in the format of `quell triage --json`.
pub(super) fn verdict_json(verdict: &Verdict) -> Value {
    let draft = &verdict.draft;
    json!({
        "analyst": verdict.analyst.label(),
        "threat_level": draft.threat_level,
        "confidence": draft.confidence,
        "class": draft.class,
        "outcome": draft.outcome,
        "false_positive": draft.false_positive,
        "title": draft.title,
        "summary": draft.summary,
        "evidence": draft.evidence,
        "mitre": draft.mitre,
        "indicators": draft.indicators,
        "recommendations": draft.recommendations,
        "unknowns": draft.unknowns,
        "checks": verdict.checks,
        "bounds": verdict.bounds,
        "revision": verdict.revision,
        "asked_at": verdict.asked_at.map(|asked_at| asked_at.to_string()),
        "judged_at": verdict.judged_at.to_string(),
        "model_pending": verdict.model_pending,
        "backlog": verdict.backlog,
        "playbook_reason": verdict.playbook_reason,
        "prompt_version": verdict.prompt_version,
        "cost": verdict.cost,
    })
}
