//! What is of one volley, and what is a copy: attacks in requests that a tool sends from one address, and that several addresses send alike.

use alert::incident::{Actor, Incident, Reason, Success};
use alert::{Class, Fingerprint};

use crate::observe::line;

/// What an incident is as a part of a volley.
pub(super) struct Shot {
    /// Attacks of one address, on whichever machine: a tool tries the same at all of them.
    pub(super) volley: Option<u64>,
    /// Nothing shows that it worked, and nothing else sets it apart.
    pub(super) may_be_part: bool,
    /// The same requests with the same answers.
    pub(super) copy: Option<u64>,
}

/// Says of which volley an incident at a `place` is. Passwords that are guessed beside attacks belong to them.
pub(super) fn of(incident: &Incident, place: &str) -> Shot {
    let class = incident.class;
    let is_exploit = class.is_web_exploit();
    let is_from_address = matches!(incident.actor, Actor::Address(_));
    let is_shot = is_from_address && (is_exploit || class == Class::BruteForce);
    let name = |parts: &[&str]| Fingerprint::of(parts.iter().copied()).as_u64();
    let is_nothing_else = incident.injection.is_none()
        && incident.forged_marks == 0
        && !incident.reasons.contains(&Reason::Requested);
    let requests = if is_shot && is_exploit { requests(incident) } else { None };
    Shot {
        volley: is_shot.then(|| name(&["volley", incident.actor.name()])),
        may_be_part: is_shot && incident.success < Success::Shown && is_nothing_else,
        copy: requests.map(|requests| name(&["copy", class.as_str(), place, &requests])),
    }
}

/// Requests of an incident that are compared one by one: more are a story of their own.
const COPIED_MAX: usize = 4;

/// Gives the requests of an incident with the answers to them, if they are few and all of them are known, byte for byte.
fn requests(incident: &Incident) -> Option<String> {
    let are_all = incident.evidence_beyond == 0 && incident.evidence.len() <= COPIED_MAX;
    let mut lines = incident
        .evidence
        .iter()
        .map(|evidence| {
            // Of requests of one shape the first is kept.
            let in_request =
                evidence.finding.as_ref().is_some_and(|found| found.parameter.is_some());
            (evidence.count == 1 && in_request)
                .then(|| line::answered(evidence.excerpt.as_raw()))?
        })
        .collect::<Option<Vec<&str>>>()
        .filter(|lines| are_all && !lines.is_empty())?;
    lines.sort_unstable();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::of;
    use super::*;
    use crate::sample::incident_of;

    fn asked(source: &str, url: &str, status: u16, size: u32) -> Incident {
        incident_of(&json!({
            "id": "1.1", "rule": {"id": "31101", "level": 6, "description": "a request", "groups": ["web", "accesslog"]},
            "agent": {"id": "001", "name": "web01"},
            "full_log": format!("{source} - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} {size} \"-\" \"a tool\""),
            "data": {"protocol": "GET", "srcip": source, "id": status.to_string(), "url": url},
        }))
    }

    #[test]
    fn the_same_request_with_the_same_answer_is_a_copy_whoever_sent_it() {
        let url = "/fetch/?url=http%3A%2F%2Flocalhost%2Fadmin";
        let like = |source, url, status, size| of(&asked(source, url, status, size), 6);
        let one = like("203.0.113.1", url, 200, 61);
        assert!(one.copy.is_some() && one.may_be_part);
        let other = like("203.0.113.2", url, 200, 61);
        assert_eq!(one.copy, other.copy);
        assert_ne!(one.volley, other.volley, "each has a volley of his own");
        assert_ne!(one.copy, like("203.0.113.2", url, 200, 62).copy, "another answer");
        assert_ne!(one.copy, like("203.0.113.2", url, 404, 61).copy, "another status");
        let elsewhere = "/fetch/?url=http%3A%2F%2Flocalhost%2Fstatus";
        assert_ne!(one.copy, like("203.0.113.2", elsewhere, 200, 61).copy);
        let disguised = format!("{url}\" 200 61 \"a");
        let disguised = of(&asked("203.0.113.2", &disguised, 200, 61), 6);
        assert_eq!(disguised.copy, None, "who writes quotes chooses nothing");
        let mut twice = asked("203.0.113.1", url, 200, 61);
        twice.evidence[0].count = 2;
        assert_eq!(of(&twice, 6).copy, None, "of the second nothing is kept");
    }

    #[test]
    fn what_worked_or_speaks_to_a_model_or_a_person_asked_for_is_no_part_of_a_volley() {
        let incident = asked("203.0.113.1", crate::sample::ATTACK, 200, 512);
        let part = |incident: &Incident| of(incident, 7).may_be_part;
        assert!(part(&incident));
        let mut worked = incident.clone();
        worked.success = Success::Shown;
        let mut wanted = incident.clone();
        wanted.reasons = vec![Reason::Requested];
        let mut forged = incident.clone();
        forged.forged_marks = 1;
        assert!(!part(&worked) && !part(&wanted) && !part(&forged));
        assert_eq!(
            of(&worked, 8).volley,
            of(&incident, 7).volley,
            "it is what the rest is less than"
        );
    }
}
