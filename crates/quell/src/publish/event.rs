//! The event that carries a verdict to Wazuh and to every other sink.
//!
//! One JSON object, `{"integration":"quell","quell":{...}}`; the list of fields is in `docs/wazuh.md`. Every value is a text, because Wazuh's JSON
//! decoder prints numbers as it likes. Texts are kept from the forms that it rewrites: none is empty, and none can be
//! read as a JSON array. The keyed tag covers all of them, so the event is known when it comes back.

use alert::tag::TagKey;
use alert::verdict::{Backlog, Check, TITLE_MAX, Verdict};
use alert::{Incident, redact, sanitize};
use serde_json::{Map, Value};

/// Longest text in an event, in characters. With the lists below an event stays near 6 kB: an alert carries it twice, and stays far
/// under the 65,535 bytes at which Wazuh's consumers stop.
const TEXT_MAX: usize = 900;

/// Most entries of a list in an event.
const LIST_MAX: usize = 6;

/// Gives the idempotency key of a verdict.
pub(crate) fn key(verdict: &Verdict) -> String {
    format!("{}:{}", verdict.incident_id, verdict.revision)
}

/// Writes events with the mark of this installation.
pub(crate) struct Publisher {
    key: TagKey,
}

impl Publisher {
    pub(crate) fn new(key: TagKey) -> Self {
        Self { key }
    }

    /// Writes the event for a verdict, on one line.
    pub(crate) fn event(
        &self,
        incident: &Incident,
        verdict: &Verdict,
        campaign: Option<&str>,
    ) -> String {
        let mut object = Map::new();
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        let free = free_texts(verdict);
        for (name, value) in facts(incident, verdict, campaign).into_iter().chain(free) {
            let text = safe(&value);
            if !text.is_empty() {
                object.insert(name.to_owned(), Value::String(text.clone()));
                pairs.push((name, text));
            }
        }
        for (name, list) in lists(verdict) {
            let list: Vec<String> = list
                .iter()
                .take(LIST_MAX)
                .map(|text| safe(&redact::mask(text)))
                .filter(|text| !text.is_empty())
                .collect();
            if list.is_empty() {
                continue;
            }
            pairs.extend(list.iter().map(|text| (name, text.clone())));
            object.insert(
                name.to_owned(),
                Value::Array(list.into_iter().map(Value::String).collect()),
            );
        }
        let tag = self.key.sign(pairs.iter().map(|(name, text)| (*name, text.as_str())));
        object.insert("tag".to_owned(), Value::String(tag));
        let mut event = Map::new();
        event
            .insert("integration".to_owned(), Value::String(triage::guard::INTEGRATION.to_owned()));
        event.insert(triage::guard::INTEGRATION.to_owned(), Value::Object(object));
        Value::Object(event).to_string()
    }
}

/// What an analyst wrote. It may quote a log line, so secrets in it are masked.
fn free_texts(verdict: &Verdict) -> Vec<(&'static str, String)> {
    // A mask is longer than most secrets, so the title is cut behind it.
    let title = sanitize::cut(&redact::mask(&verdict.draft.title), TITLE_MAX, false);
    vec![("title", title), ("summary", redact::mask(&verdict.draft.summary))]
}

/// What code knows. Names and numbers that look like a card number by chance must stay what they are.
fn facts(
    incident: &Incident,
    verdict: &Verdict,
    campaign: Option<&str>,
) -> Vec<(&'static str, String)> {
    let draft = &verdict.draft;
    let backlog = |field: fn(&Backlog) -> u64| {
        verdict.backlog.map(|backlog| field(&backlog).to_string()).unwrap_or_default()
    };
    let waited = verdict.asked_at.map(|asked| verdict.judged_at.since(asked));
    vec![
        ("kind", "verdict".to_owned()),
        ("key", key(verdict)),
        ("incident_id", verdict.incident_id.to_string()),
        ("revision", verdict.revision.to_string()),
        ("class", draft.class.to_string()),
        ("threat_level", draft.threat_level.to_string()),
        ("confidence", draft.confidence.to_string()),
        ("outcome", draft.outcome.to_string()),
        ("false_positive", draft.false_positive.to_string()),
        ("analyst", verdict.analyst.label()),
        ("prompt_version", verdict.prompt_version.clone()),
        ("pending", verdict.model_pending.to_string()),
        ("pending_reason", pending_reason(verdict)),
        ("backlog_incidents", backlog(|backlog| backlog.incidents)),
        ("backlog_s", backlog(|backlog| backlog.oldest_s)),
        ("waited_s", waited.map(|waited| waited.as_secs().to_string()).unwrap_or_default()),
        ("injection_suspected", incident.injection.is_some().to_string()),
        ("level_floor", verdict.bounds.floor.to_string()),
        ("level_ceiling", verdict.bounds.ceiling.to_string()),
        ("actor", incident.actor.name().to_owned()),
        ("target", incident.target().to_owned()),
        ("agent_id", incident.agent.id.clone()),
        ("agent_ip", incident.agent.ip.clone().unwrap_or_default()),
        ("alert_count", incident.alert_count.to_string()),
        ("rule_level", incident.level_max.to_string()),
        ("first_seen", incident.first_seen.to_string()),
        ("last_seen", incident.last_seen.to_string()),
        ("judged_at", verdict.judged_at.to_string()),
        ("campaign", campaign.unwrap_or_default().to_owned()),
    ]
}

/// Says why a model is still to be asked.
fn pending_reason(verdict: &Verdict) -> String {
    if verdict.model_pending { verdict.playbook_reason.clone() } else { String::new() }
}

fn lists(verdict: &Verdict) -> Vec<(&'static str, Vec<String>)> {
    let draft = &verdict.draft;
    let failed: Vec<String> =
        verdict.checks.iter().filter(|check| !check.passed).map(check_text).collect();
    vec![
        ("evidence", draft.evidence.clone()),
        ("mitre", draft.mitre.clone()),
        ("indicators", draft.indicators.clone()),
        ("recommendations", draft.recommendations.clone()),
        ("unknowns", draft.unknowns.clone()),
        ("checks", failed),
    ]
}

fn check_text(check: &Check) -> String {
    format!("{}: {}", check.name, check.detail)
}

/// Makes a text that a manager hands back as it was.
fn safe(text: &str) -> String {
    let shown = sanitize::shown(text.trim(), TEXT_MAX);
    let shown = shown.trim();
    // A string that reads as a JSON array comes back as an array.
    if shown.starts_with('[') { format!("'{shown}") } else { shown.to_owned() }
}

#[cfg(test)]
mod tests;
