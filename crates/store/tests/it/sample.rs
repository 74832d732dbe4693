//! Small values to put into a store.

use alert::{AlertKey, Fingerprint, Incident, IncidentId, Likeness, Timestamp, Verdict};
use store::{AlertRow, Batch, Counts, JobRow, OutboxMessage};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_530_360_000 + second * 1000)
}

pub(crate) fn incident(name: &str, second: i64) -> Incident {
    alert::sample::incident(IncidentId::parse(name).expect("an id"), at(second))
}

pub(crate) fn alert(name: &str, incident: &Incident) -> AlertRow {
    AlertRow {
        key: AlertKey { time: at(0), hash: Fingerprint::of(["alert", name]) },
        incident_id: incident.id.clone(),
        alert_id: name.to_owned(),
        time: incident.last_seen,
        rule_id: "31106".to_owned(),
        level: 6,
        raw: format!("{{\"id\":\"{name}\"}}").into_bytes(),
    }
}

pub(crate) fn job(incident: &Incident, score: f64, second: i64) -> JobRow {
    JobRow {
        incident_id: incident.id.clone(),
        revision: incident.revision,
        actor: incident.actor.name().to_owned(),
        kind: incident.class.as_str().to_owned(),
        severity: "high".to_owned(),
        score,
        parts: String::new(),
        once_judged: None,
        queued_at: at(second),
        deadline_at: at(second + 600),
        is_unjudged: true,
        is_interim: false,
        playbook_only: false,
        news_revision: Some(incident.revision),
        typical: 5,
        is_raised: false,
        may_be_like_others: false,
        likeness: Likeness::default(),
        alert_count: 1,
    }
}

/// A batch of one alert that opened an incident and asks for a verdict.
pub(crate) fn batch(incident: &Incident, alert_name: &str, second: i64) -> Batch {
    Batch {
        alerts: vec![alert(alert_name, incident)],
        incidents: vec![incident.clone()],
        jobs: vec![job(incident, 10.0, second)],
        counts: Counts { accepted: 1, folded: 1, ..Counts::default() },
        ..Batch::default()
    }
}

pub(crate) fn verdict(incident: &Incident, threat_level: u8, second: i64) -> Verdict {
    let (id, revision) = (incident.id.clone(), incident.revision);
    alert::sample::verdict(id, revision, threat_level, at(second))
}

pub(crate) fn message(verdict: &Verdict, sink: &str) -> OutboxMessage {
    OutboxMessage {
        sink: sink.to_owned(),
        key: format!("{}:{}", verdict.incident_id, verdict.revision),
        incident_id: verdict.incident_id.clone(),
        body: "{}".to_owned(),
    }
}
