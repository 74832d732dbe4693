//! What an incident takes over from an alert that joins it. Everything only grows or rises.

use std::time::Duration;

use alert::answer::{Answer, Answers};
use alert::distinct::Distinct;
use alert::incident::{
    Actor, EVIDENCE_MAX, Evidence, Incident, Reason, Responses, State, Success, TECHNIQUES_MAX,
    Tally,
};
use alert::sanitize::Removed;
use alert::setting::Setting;
use alert::{Class, Fingerprint, IncidentId, mitre};

use crate::admit::Admitted;
use crate::effect::{self, Known};
use crate::guard::Origin;
use crate::threat::SCAN_OBJECTS_MIN;

/// Growth asks for a verdict each time an incident is this many times larger.
const GROWTH_FACTOR: u64 = 10;

/// Makes an incident without alerts.
pub(super) fn blank(
    id: IncidentId,
    fingerprint: Fingerprint,
    actor: Actor,
    first: &Admitted,
) -> Incident {
    Incident {
        id,
        fingerprint,
        class: first.observation.class,
        actor,
        agent: first.alert.agent.clone(),
        anchored_at: first.time,
        first_seen: first.time,
        last_seen: first.time,
        alert_count: 0,
        level_max: 0,
        rules: Tally::default(),
        rule_description: first.alert.rule.description.clone(),
        groups: Tally::default(),
        actors: Tally::default(),
        objects: Tally::default(),
        objects_distinct: Distinct::default(),
        techniques: Vec::new(),
        responses: Responses::default(),
        success: Success::None,
        setting: Setting::default(),
        answers: Answers::default(),
        evidence: Vec::new(),
        evidence_beyond: 0,
        hidden: Removed::default(),
        injection: None,
        forged_marks: 0,
        echo: first.origin == Origin::Echo,
        revision: 1,
        reasons: Vec::new(),
        returns: 0,
        growth_mark: GROWTH_FACTOR,
        state: State::Open,
    }
}

/// Takes an alert over, and says what about it asks for a new verdict.
pub(super) fn absorb(
    incident: &mut Incident,
    admitted: &Admitted,
    success: Success,
    known: &Known,
    quiet_after: Duration,
) -> Vec<Reason> {
    let (alert, seen) = (&admitted.alert, &admitted.observation);
    let mut reasons = Vec::new();

    if admitted.time.since(incident.last_seen) > quiet_after {
        incident.returns = incident.returns.saturating_add(1);
        if incident.returns.is_power_of_two() {
            reasons.push(Reason::Returned);
        }
        if incident.state == State::Quiet {
            incident.state = State::Open;
        }
    }
    incident.first_seen = incident.first_seen.min(admitted.time);
    incident.last_seen = incident.last_seen.max(admitted.time);
    incident.alert_count = incident.alert_count.saturating_add(1);

    incident.rules.count(&alert.rule.id);
    for group in &alert.rule.groups {
        incident.groups.count(group);
    }
    incident.actors.count(seen.actor.name());
    for other in &seen.others {
        incident.actors.count(other);
    }
    for object in &seen.objects {
        let is_listed = incident.objects.count(object);
        let is_news = is_listed
            | incident.objects_distinct.insert(Fingerprint::of([object.as_str()]).as_u64());
        if is_news
            && incident.class == Class::WebError
            && incident.object_count() >= SCAN_OBJECTS_MIN
        {
            // One page may be missing. Twenty different ones are being guessed.
            reasons.push(Reason::Class { from: incident.class, to: Class::ForcedBrowsing });
            incident.class = Class::ForcedBrowsing;
        }
    }
    if let Some(status) = seen.status {
        incident.responses.count(status);
    }
    incident.hidden.add(seen.hidden);
    if admitted.origin != Origin::Foreign {
        incident.forged_marks = incident.forged_marks.saturating_add(1);
    }
    let success = success.max(compare(incident, admitted, known));
    reasons.extend(raise(incident, admitted, success));
    keep_evidence(incident, admitted, success);

    if incident.alert_count >= incident.growth_mark {
        incident.growth_mark = incident.growth_mark.saturating_mul(GROWTH_FACTOR);
        reasons.push(Reason::Growth(incident.alert_count));
    }
    reasons
}

/// Compares the answer with those before, until they give away that it worked. Once said it stays: what comes later can't take it back.
fn compare(incident: &mut Incident, admitted: &Admitted, known: &Known) -> Success {
    let seen = &admitted.observation;
    let Some(asked) = seen.asked.as_ref().filter(|_| seen.class.is_web_exploit()) else {
        return Success::None;
    };
    if incident.answers.effect.is_some() {
        return Success::None;
    }
    let is_crowd = incident.actor == Actor::Many;
    let answer = Answer { seen: admitted.time, ..asked.answer.clone() };
    incident.answers.note(asked.place, &asked.name, &answer);
    incident.answers.effect = effect::of(seen.class, &incident.answers, asked, known, is_crowd);
    incident.answers.are_alike =
        incident.answers.effect.is_none() && effect::are_alike(seen.class, &incident.answers);
    if incident.answers.effect.is_some() { Success::Shown } else { Success::None }
}

/// Raises what an alert is more serious in, and says so.
fn raise(incident: &mut Incident, admitted: &Admitted, success: Success) -> Vec<Reason> {
    let (alert, seen) = (&admitted.alert, &admitted.observation);
    let mut reasons = Vec::new();
    if alert.rule.level > incident.level_max {
        reasons.push(Reason::Level { from: incident.level_max, to: alert.rule.level });
        incident.level_max = alert.rule.level;
        incident.rule_description = alert.rule.description.clone();
    }
    if seen.class.rank() > incident.class.rank() {
        reasons.push(Reason::Class { from: incident.class, to: seen.class });
        incident.class = seen.class;
    }
    if success > incident.success {
        reasons.push(Reason::Success(success));
        incident.success = success;
    }
    for id in &alert.rule.techniques {
        // Under its present id: a rule that carries a retired one says nothing new beside a rule that carries its successor.
        let Some(technique) = mitre::technique(id) else { continue };
        let is_new = incident.techniques.iter().all(|known| known != technique.id);
        if is_new && incident.techniques.len() < TECHNIQUES_MAX {
            reasons.push(Reason::Technique(technique.id.to_owned()));
            incident.techniques.push(technique.id.to_owned());
        }
    }
    if incident.injection.is_none()
        && let Some(text) = &seen.injection
    {
        reasons.push(Reason::Injection);
        incident.injection = Some(text.clone());
    }
    reasons
}

/// Keeps an alert as evidence if its shape is known or it is more telling than what is kept.
fn keep_evidence(incident: &mut Incident, admitted: &Admitted, success: Success) {
    let seen = &admitted.observation;
    let strength = seen.finding.as_ref().map_or(0, |finding| finding.strength);
    let telling_now = (success, strength, admitted.alert.rule.level);
    // Most alerts are counted only, and copying their texts would be the larger part of the work.
    let fresh = || Evidence {
        shape: seen.shape,
        count: 1,
        level: admitted.alert.rule.level,
        first_seen: admitted.time,
        last_seen: admitted.time,
        alert_id: admitted.alert.id.clone(),
        rule_id: admitted.alert.rule.id.clone(),
        excerpt: seen.excerpt.clone(),
        decoded: seen.decoded.clone(),
        status: seen.status,
        finding: seen.finding.clone(),
        success,
    };
    if let Some(known) = incident.evidence.iter_mut().find(|evidence| evidence.shape == seen.shape)
    {
        let count = known.count.saturating_add(1);
        let (first_seen, last_seen) =
            (known.first_seen.min(admitted.time), known.last_seen.max(admitted.time));
        if telling_now > telling(known) {
            // The more telling of two alike is what a person should read.
            *known = fresh();
        }
        known.count = count;
        known.first_seen = first_seen;
        known.last_seen = last_seen;
        return;
    }
    if incident.evidence.len() < EVIDENCE_MAX {
        incident.evidence.push(fresh());
        return;
    }
    // The first alert stays whatever comes: it says how it began.
    let weakest = incident
        .evidence
        .iter_mut()
        .skip(1)
        .min_by_key(|evidence| (telling(evidence), std::cmp::Reverse(evidence.count)));
    match weakest {
        Some(weakest) if telling_now > telling(weakest) => {
            incident.evidence_beyond = incident.evidence_beyond.saturating_add(weakest.count);
            *weakest = fresh();
        }
        _ => incident.evidence_beyond = incident.evidence_beyond.saturating_add(1),
    }
}

/// Orders evidence: what speaks for success, then what the classifier is sure of, then what the rule takes seriously.
fn telling(evidence: &Evidence) -> (Success, u8, u8) {
    (
        evidence.success,
        evidence.finding.as_ref().map_or(0, |finding| finding.strength),
        evidence.level,
    )
}
