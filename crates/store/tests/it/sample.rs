//! Small values to put into a store.

use alert::distinct::Distinct;
use alert::incident::{Actor, Reason, Responses, State, Success, Tally};
use alert::parse::Agent;
use alert::sanitize::Removed;
use alert::setting::Setting;
use alert::verdict::{Analyst, Bounds, Cost, Draft};
use alert::{
    AlertKey, Class, Fingerprint, Incident, IncidentId, Likeness, Outcome, Timestamp, Untrusted,
    Verdict,
};
use store::{AlertRow, Batch, Counts, JobRow, OutboxMessage};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_530_360_000 + second * 1000)
}

pub(crate) fn incident(name: &str, second: i64) -> Incident {
    Incident {
        id: IncidentId::parse(name).expect("an id"),
        fingerprint: Fingerprint::of(["of", name]),
        class: Class::SqlInjection,
        actor: Actor::Address("203.0.113.9".to_owned()),
        agent: Agent { id: "001".to_owned(), name: "web01".to_owned(), ip: None },
        anchored_at: at(second),
        first_seen: at(second),
        last_seen: at(second),
        alert_count: 1,
        level_max: 6,
        rules: Tally::default(),
        rule_description: Untrusted::new("a request"),
        groups: Tally::default(),
        actors: Tally::default(),
        objects: Tally::default(),
        objects_distinct: Distinct::default(),
        techniques: Vec::new(),
        responses: Responses::default(),
        success: Success::None,
        setting: Setting::default(),
        answers: alert::answer::Answers::default(),
        evidence: Vec::new(),
        evidence_beyond: 0,
        hidden: Removed::default(),
        injection: None,
        forged_marks: 0,
        echo: false,
        revision: 1,
        reasons: vec![Reason::New],
        returns: 0,
        growth_mark: 10,
        state: State::Open,
    }
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
    Verdict {
        incident_id: incident.id.clone(),
        revision: incident.revision,
        analyst: Analyst::Playbook,
        asked_at: None,
        judged_at: at(second),
        draft: Draft {
            title: "SQL injection".to_owned(),
            summary: "One request.".to_owned(),
            evidence: Vec::new(),
            class: Class::SqlInjection,
            outcome: Outcome::Unknown,
            threat_level,
            confidence: 80,
            false_positive: false,
            mitre: Vec::new(),
            indicators: Vec::new(),
            recommendations: Vec::new(),
            unknowns: Vec::new(),
        },
        checks: Vec::new(),
        bounds: Bounds {
            floor: 0,
            floor_reason: String::new(),
            ceiling: 10,
            ceiling_reason: String::new(),
            typical: 5,
            typical_reason: String::new(),
        },
        model_pending: false,
        backlog: None,
        playbook_reason: String::new(),
        prompt_version: "1".to_owned(),
        cost: Cost::default(),
    }
}

pub(crate) fn message(verdict: &Verdict, sink: &str) -> OutboxMessage {
    OutboxMessage {
        sink: sink.to_owned(),
        key: format!("{}:{}", verdict.incident_id, verdict.revision),
        incident_id: verdict.incident_id.clone(),
        body: "{}".to_owned(),
    }
}
