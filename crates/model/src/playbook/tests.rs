//! What the playbook says about every class: something, within limits, and nothing that the checks of a model's words would refuse.

use alert::distinct::Distinct;
use alert::incident::{Finding, Responses, State, Tally};
use alert::sanitize::Removed;
use alert::verdict::{LIST_MAX, SUMMARY_MAX, TEXT_MAX, TITLE_MAX};
use alert::{Fingerprint, IncidentId, Timestamp, Untrusted, mitre, parse::Agent};

use super::*;

const ACTORS: [fn() -> Actor; 4] = [
    || Actor::Address("203.0.113.9".to_owned()),
    || Actor::User("deploy".to_owned()),
    || Actor::Host("web01".to_owned()),
    || Actor::Many,
];

const SUCCESSES: [Success; 4] =
    [Success::None, Success::Reaction, Success::Answered, Success::Confirmed];

fn incident(class: Class, actor: Actor, success: Success) -> Incident {
    let time = Timestamp::from_millis(1_795_530_360_000);
    let fingerprint = Fingerprint::of(["x"]);
    let mut incident = Incident {
        id: IncidentId::parse("Q-1").expect("an id"),
        fingerprint,
        class,
        actor,
        agent: Agent { id: "001".to_owned(), name: "web01".to_owned(), ip: None },
        anchored_at: time,
        first_seen: time,
        last_seen: time,
        alert_count: 3,
        level_max: 7,
        rules: Tally::default(),
        rule_description: Untrusted::new("Something happened."),
        groups: Tally::default(),
        actors: Tally::default(),
        objects: Tally::default(),
        objects_distinct: Distinct::default(),
        techniques: vec!["T1078".to_owned()],
        responses: Responses { ok: 1, ..Responses::default() },
        success,
        evidence: Vec::new(),
        evidence_beyond: 0,
        hidden: Removed::default(),
        injection: None,
        forged_marks: 0,
        echo: false,
        revision: 1,
        reasons: Vec::new(),
        returns: 0,
        growth_mark: 10,
        state: State::Open,
    };
    incident.rules.count("31106");
    incident.objects.count("/item/");
    incident.evidence.push(Evidence {
        shape: 1,
        count: 3,
        level: 7,
        first_seen: time,
        last_seen: time,
        alert_id: "1.1".to_owned(),
        rule_id: "31106".to_owned(),
        excerpt: Untrusted::new(
            "203.0.113.9 - - [x] \"GET /item/?id=1' HTTP/1.1\" 200 5 \"-\" \"x\"",
        ),
        decoded: None,
        status: Some(200),
        finding: class.is_web_exploit().then(|| Finding {
            class,
            strength: 80,
            parameter: Some("id".to_owned()),
            fragment: Untrusted::new("1' or '1'='1"),
            reason: "closes a string".to_owned(),
        }),
        success,
    });
    incident
}

fn bounds(typical: u8) -> Bounds {
    Bounds {
        floor: 0,
        floor_reason: String::new(),
        ceiling: 10,
        ceiling_reason: String::new(),
        typical,
        typical_reason: String::new(),
    }
}

fn assert_within_limits(draft: &Draft, what: &str) {
    let length = |text: &str| text.chars().count();
    for (name, text, most) in
        [("title", &draft.title, TITLE_MAX), ("summary", &draft.summary, SUMMARY_MAX)]
    {
        assert!(!text.trim().is_empty(), "{what}: no {name}");
        assert!(length(text) <= most, "{what}: {name} has {} characters", length(text));
    }
    assert!(!draft.recommendations.is_empty(), "{what}: nothing to do");
    for list in
        [&draft.evidence, &draft.mitre, &draft.indicators, &draft.recommendations, &draft.unknowns]
    {
        assert!(list.len() <= LIST_MAX, "{what}: {list:?}");
        for text in list {
            assert!(!text.trim().is_empty() && length(text) <= TEXT_MAX, "{what}: {text:?}");
            assert!(text.chars().all(|character| !character.is_control()), "{what}: {text:?}");
        }
    }
    assert!(draft.mitre.iter().all(|id| mitre::exists(id)), "{what}: {:?}", draft.mitre);
    assert!(draft.confidence <= 100 && draft.threat_level <= 10, "{what}");
}

#[test]
fn every_class_actor_and_ending_gets_a_verdict_within_limits() {
    for class in Class::ALL {
        for actor in ACTORS {
            for success in SUCCESSES {
                let incident = incident(*class, actor(), success);
                let draft =
                    judge(&incident, &bounds(5), Some("exploit (2 incidents on 1 targets)"));
                let what = format!("{class} by {} {success:?}", incident.actor.kind());
                assert_within_limits(&draft, &what);
                assert_eq!((draft.class, draft.threat_level), (*class, 5), "{what}");
            }
        }
    }
}

#[test]
fn names_of_any_length_and_kind_stay_within_limits() {
    for name in
        ["x".repeat(4000), "\u{202e}\u{1b}[2J".repeat(500), "\u{1d518}".repeat(1000), String::new()]
    {
        for class in Class::ALL {
            let mut incident = incident(*class, Actor::User(name.clone()), Success::Answered);
            incident.agent.name.clone_from(&name);
            incident.rule_description = Untrusted::new(name.clone());
            incident.objects = Tally::default();
            incident.objects.count(&name);
            if let Some(evidence) = incident.evidence.first_mut() {
                evidence.excerpt = Untrusted::new(format!("GET {name} \"{name}\" {name}"));
                if let Some(finding) = &mut evidence.finding {
                    finding.parameter = Some(name.clone());
                    finding.fragment = Untrusted::new(name.clone());
                }
            }
            let draft = judge(&incident, &bounds(3), Some(&name));
            let length = |text: &String| text.chars().count();
            assert!(
                length(&draft.title) <= TITLE_MAX && length(&draft.summary) <= SUMMARY_MAX,
                "{class}"
            );
            for text in draft
                .evidence
                .iter()
                .chain(&draft.indicators)
                .chain(&draft.recommendations)
                .chain(&draft.unknowns)
            {
                assert!(
                    length(text) <= TEXT_MAX,
                    "{class}: {} characters: {text:.80}",
                    length(text)
                );
                assert!(text.chars().all(|character| !character.is_control()), "{class}: {text:?}");
            }
        }
    }
}

#[test]
fn a_login_after_guessing_is_said_in_plain_words() {
    let incident =
        incident(Class::BruteForce, Actor::Address("203.0.113.9".to_owned()), Success::Confirmed);
    let draft = judge(&incident, &bounds(9), None);
    assert_eq!(draft.outcome, Outcome::Succeeded);
    assert!(draft.summary.contains("treat the account as taken over"), "{}", draft.summary);
}

#[test]
fn steps_name_the_actual_things() {
    let incident =
        incident(Class::SqlInjection, Actor::Address("203.0.113.9".to_owned()), Success::Answered);
    let draft = judge(&incident, &bounds(7), None);
    let steps = draft.recommendations.join(" ");
    for name in ["web01", "/item/", "`id`"] {
        assert!(steps.contains(name), "{name} is not in: {steps}");
    }
    assert!(
        draft.evidence.iter().all(|quote| !quote.contains("203.0.113.9 - -")),
        "a quote is the request: {:?}",
        draft.evidence
    );
}

#[test]
fn secrets_in_a_log_line_are_not_quoted() {
    let mut incident =
        incident(Class::WebAttack, Actor::Address("203.0.113.9".to_owned()), Success::None);
    if let Some(evidence) = incident.evidence.first_mut() {
        evidence.excerpt = Untrusted::new("x \"GET /login?user=a&password=hunter2 HTTP/1.1\" 200");
    }
    let draft = judge(&incident, &bounds(2), None);
    assert!(!format!("{draft:?}").contains("hunter2"), "{draft:?}");
    assert!(draft.false_positive);
}

#[test]
fn hidden_forged_and_talking_texts_are_mentioned() {
    let mut incident =
        incident(Class::WebError, Actor::Address("203.0.113.9".to_owned()), Success::None);
    incident.injection = Some(Untrusted::new("ignore"));
    incident.forged_marks = 1;
    incident.hidden = alert::sanitize::clean("a\u{202e}b").1;
    let summary = judge(&incident, &bounds(5), None).summary;
    for words in ["instruct a language model", "output of Quell itself", "hide text"] {
        assert!(summary.contains(words), "{words} is not in: {summary}");
    }
}
