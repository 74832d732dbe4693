//! Plain values for tests of the crates above: an incident, a verdict, and what they are made of. A test changes what it is about.
//!
//! Behind the feature `sample`, which only development dependencies ask for: no program that ships has it.

use crate::answer::Answers;
use crate::distinct::Distinct;
use crate::incident::{Actor, Incident, Reason, Responses, State, Success, Tally};
use crate::parse::Agent;
use crate::sanitize::Removed;
use crate::verdict::{Analyst, Bounds, Cost, Draft, Verdict};
use crate::{Class, Fingerprint, IncidentId, Outcome, Timestamp, Untrusted};

/// Makes an incident of one alert: an SQL injection by an address against `web01`, at `time`.
pub fn incident(id: IncidentId, time: Timestamp) -> Incident {
    Incident {
        fingerprint: Fingerprint::of(["of", id.as_str()]),
        id,
        class: Class::SqlInjection,
        actor: Actor::Address("203.0.113.9".to_owned()),
        agent: Agent { id: "001".to_owned(), name: "web01".to_owned(), ip: None },
        anchored_at: time,
        first_seen: time,
        last_seen: time,
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
        answers: Answers::default(),
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

/// Makes bounds that allow every level, with a typical one.
pub fn bounds(typical: u8) -> Bounds {
    Bounds {
        floor: 0,
        floor_reason: String::new(),
        ceiling: 10,
        ceiling_reason: String::new(),
        typical,
        typical_reason: String::new(),
    }
}

/// Makes a draft that says little.
pub fn draft(threat_level: u8) -> Draft {
    Draft {
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
    }
}

/// Makes a verdict of the playbook, for good.
pub fn verdict(id: IncidentId, revision: u32, threat_level: u8, judged_at: Timestamp) -> Verdict {
    Verdict {
        incident_id: id,
        revision,
        analyst: Analyst::Playbook,
        asked_at: None,
        judged_at,
        draft: draft(threat_level),
        checks: Vec::new(),
        bounds: bounds(5),
        model_pending: false,
        backlog: None,
        playbook_reason: String::new(),
        prompt_version: "1".to_owned(),
        cost: Cost::default(),
    }
}
