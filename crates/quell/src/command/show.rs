//! How incidents and verdicts look: as a table, as a page, and as JSON.
//!
//! Everything that came from outside was cleaned before it gets here, or is cleaned here; a terminal never gets raw text.

use std::io::IsTerminal as _;

use alert::verdict::{Check, Verdict};
use alert::{Incident, sanitize};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table};
use serde_json::{Map, Value, json};
use store::{IncidentRow, Note};

use crate::standing::span;

/// Narrowest terminal that tables are made for.
const WIDTH_MIN: u16 = 80;

/// Width from which on there is room for wide gaps between columns.
const WIDTH_WIDE: u16 = 120;

/// Columns that are never broken over lines: a name is copied and searched for, a number read.
const WHOLE_COLUMNS: [usize; 3] = [0, 1, 4];

/// Draws incidents as a table, the most dangerous first.
pub(super) fn table(rows: &[IncidentRow]) -> String {
    table_within(rows, width())
}

/// Draws them within a width. Without one each incident has one line, whatever its length; where it is narrow each has two, and what is
/// short stands below what is long.
fn table_within(rows: &[IncidentRow], width: Option<u16>) -> String {
    let is_narrow = width.is_some_and(|width| width < WIDTH_WIDE);
    let mut table = Table::new();
    table.load_preset("     ──            ");
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let laid = |[level, name, what, who, alerts, outcome, analyst]: [String; 7]| {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        if is_narrow {
            let who = who.replacen(" -> ", "\n-> ", 1);
            return vec![
                right(level),
                Cell::new(format!("{name}\n{analyst}")),
                Cell::new(format!("{what}\n{outcome}")),
                Cell::new(who),
                right(alerts),
            ];
        }
        let [name, what, who] = [name, what, who].map(Cell::new);
        vec![right(level), name, what, who, right(alerts), Cell::new(outcome), Cell::new(analyst)]
    };
    let heading = ["LVL", "INCIDENT", "WHAT", "WHO -> WHERE", "ALERTS", "OUTCOME", "ANALYST"];
    table.set_header(laid(heading.map(str::to_owned)));
    for row in rows {
        table.add_row(laid(texts(row)));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        if WHOLE_COLUMNS.contains(&at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if is_narrow {
            column.set_padding((0, 1));
        }
    }
    table.trim_fmt()
}

/// Gives what a list says of an incident, in the order of its columns.
fn texts(row: &IncidentRow) -> [String; 7] {
    let incident = &row.incident;
    let verdict = row.verdict.as_ref();
    let level =
        verdict.map_or_else(|| "?".to_owned(), |verdict| verdict.draft.threat_level.to_string());
    let what = verdict.map_or(incident.class, |verdict| verdict.draft.class);
    let analyst = verdict.map_or_else(String::new, |verdict| {
        format!(
            "{}{}",
            sanitize::shown(&verdict.analyst.label(), 24),
            if verdict.model_pending { " (model pending)" } else { "" }
        )
    });
    let who = format!(
        "{} -> {}",
        sanitize::shown(incident.actor.name(), 39),
        sanitize::shown(incident.target(), 24)
    );
    [
        level,
        incident.id.as_str().to_owned(),
        what.as_str().to_owned(),
        who,
        incident.alert_count.to_string(),
        verdict.map_or_else(|| "not judged".to_owned(), outcome),
        analyst,
    ]
}

fn outcome(verdict: &Verdict) -> String {
    if verdict.draft.false_positive {
        "false positive?".to_owned()
    } else {
        verdict.draft.outcome.to_string()
    }
}

/// Gives the width to keep to: what a person says, else the terminal's. A file or a pipe has none, and lines that are
/// searched must not be broken.
fn width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let is_terminal = std::io::stdout().is_terminal();
    let seen = || is_terminal.then(|| crossterm::terminal::size().ok()).flatten();
    said.or_else(|| seen().map(|(columns, _)| columns)).map(|columns: u16| columns.max(WIDTH_MIN))
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
