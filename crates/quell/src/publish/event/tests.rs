//! The event on its way to Wazuh and back: what a manager does to it must change neither its texts nor its mark.

use std::time::Duration;

use alert::incident::Actor;
use alert::verdict::{Analyst, Cost, Draft, PROMPT_VERSION};
use alert::{Alert, Class, Fields, Limits, Outcome, Timestamp, Untrusted};
use serde_json::json;
use triage::admit::{Admission, Gate, admit};
use triage::guard::{self, Origin};
use triage::policy::Policy;
use triage::{Fold, FoldLimits, threat};

use super::*;

/// The most that an event may take: an alert carries it twice, and Wazuh's consumers stop at 65,535 bytes.
const EVENT_BYTES_MAX: usize = 30_000;

fn tag_key() -> TagKey {
    TagKey::new([3; 32])
}

fn incident() -> Incident {
    let alert = json!({
        "id": "1.1",
        "rule": {"id": "31106", "level": 6, "description": "a request", "groups": ["web", "attack"]},
        "agent": {"id": "001", "name": "web01", "ip": "10.0.0.21"},
        "full_log": "203.0.113.9 - - [x] \"GET /item/?id=1%27 HTTP/1.1\" 200 5 \"-\" \"x\"",
        "data": {"protocol": "GET", "srcip": "203.0.113.9", "id": "200", "url": "/item/?id=1%27"},
    });
    let mut gate = Gate::new(Policy::default(), tag_key());
    gate.skew_max = Duration::MAX;
    let now = Timestamp::from_millis(1_795_530_360_000);
    let Admission::Admitted(admitted) = admit(&gate, alert.to_string().as_bytes(), now) else {
        panic!("not admitted")
    };
    let mut fold = Fold::new(FoldLimits::default());
    fold.join(&admitted);
    fold.take_changed().remove(0).0
}

fn verdict(incident: &Incident, change: impl FnOnce(&mut Draft)) -> Verdict {
    let mut draft = Draft {
        title: "SQL injection".to_owned(),
        summary: "One request.".to_owned(),
        evidence: vec!["GET /item/?id=1%27".to_owned(), "id=1'".to_owned()],
        class: Class::SqlInjection,
        outcome: Outcome::Unknown,
        threat_level: 7,
        confidence: 80,
        false_positive: false,
        mitre: vec!["T1190".to_owned()],
        indicators: vec!["203.0.113.9".to_owned()],
        recommendations: vec!["Look at /item/.".to_owned()],
        unknowns: Vec::new(),
    };
    change(&mut draft);
    Verdict {
        incident_id: incident.id.clone(),
        revision: incident.revision,
        analyst: Analyst::Model { backend: "lab".to_owned(), model: "small".to_owned() },
        asked_at: Some(Timestamp::from_millis(1_795_530_349_000)),
        judged_at: Timestamp::from_millis(1_795_530_361_000),
        draft,
        checks: vec![Check {
            name: "level_in_bounds".to_owned(),
            passed: false,
            detail: "raised".to_owned(),
        }],
        bounds: threat::assess(incident),
        model_pending: false,
        backlog: None,
        playbook_reason: String::new(),
        prompt_version: PROMPT_VERSION.to_owned(),
        cost: Cost::default(),
    }
}

fn event(change: impl FnOnce(&mut Draft)) -> Value {
    let incident = incident();
    let text = Publisher::new(tag_key()).event(&incident, &verdict(&incident, change), None);
    assert!(!text.contains('\n'), "an event is one line");
    serde_json::from_str(&text).expect("an event is JSON")
}

/// Texts of every kind that Wazuh's decoder rewrites, or that a log might smuggle in.
const ODD: &[&str] = &[
    "[1,2]",
    "[]",
    " [\"a\"] ",
    "",
    "   ",
    "null",
    "17",
    "{\"a\":1}",
    "\u{202e}x\u{1b}[2J",
    "a\nb",
    "\u{0}",
];

fn odd_lists() -> Vec<String> {
    ODD.iter().map(|text| (*text).to_owned()).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        other => panic!("neither a text nor a list of texts: {other}"),
    }
}

/// Turns the keys of every object round, as a manager may.
fn mangled(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().rev().map(|(key, value)| (key.clone(), mangled(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// What a manager makes of an event.
fn alert_of(event: &Value, location: &str) -> Alert {
    let alert = json!({
        "timestamp": "2026-11-24T14:26:05.000+0000",
        "rule": {"id": "116901", "level": 9, "description": "a verdict", "groups": ["quell", "quell_result"]},
        "agent": {"id": "001", "name": "web01"},
        "id": "1795530365.1",
        "full_log": event.to_string(),
        "data": mangled(event),
        "location": location,
    });
    Alert::parse(alert.to_string().as_bytes(), &Limits::default()).expect("an alert")
}

#[test]
fn every_value_is_a_text_that_a_manager_hands_back_as_it_was() {
    for odd in ODD {
        let event = event(|draft| {
            draft.title = (*odd).to_owned();
            draft.summary = (*odd).to_owned();
            draft.evidence = odd_lists();
            draft.indicators = odd_lists();
            draft.unknowns = vec![(*odd).to_owned()];
        });
        assert_eq!(event["integration"], "quell");
        let object = event["quell"].as_object().expect("an object");
        for (name, value) in object {
            for text in texts(value) {
                assert!(!text.trim().is_empty(), "{name} is empty for {odd:?}");
                assert!(
                    serde_json::from_str::<Vec<Value>>(&text).is_err(),
                    "{name} reads as a list: {text}"
                );
                assert!(text.chars().all(|character| !character.is_control()), "{name}: {text:?}");
            }
        }
        assert!(!object.contains_key("unknowns") || !texts(&object["unknowns"]).is_empty());
    }
}

#[test]
fn a_title_that_looks_like_a_list_survives() {
    let event = event(|draft| draft.title = "[1,2]".to_owned());
    assert_eq!(event["quell"]["title"], "'[1,2]");
    assert_eq!(alert_of(&event, "quell").field("data.quell.title"), Some("'[1,2]"));
}

#[test]
fn the_mark_holds_after_a_manager_moved_and_reordered_everything() {
    let event = event(|draft| draft.evidence = odd_lists());
    let alert = alert_of(&event, "quell");
    assert!(guard::is_genuine(&alert.fields, "data.", &tag_key()));
    assert_eq!(guard::origin(&alert, &tag_key(), &[]), Origin::Own);
    assert_eq!(alert.field("data.quell.key"), Some(format!("{}:1", incident().id).as_str()));
    // Bare, as a file sink writes it and a tail may read it.
    let bare = Fields::parse(&event.to_string(), &Limits::default()).expect("fields");
    assert!(guard::is_genuine(&bare, "", &tag_key()));
}

#[test]
fn any_change_of_any_text_breaks_the_mark() {
    let event = event(|_| ());
    let names: Vec<String> =
        event["quell"].as_object().expect("an object").keys().cloned().collect();
    for name in names {
        let mut changed = event.clone();
        changed["quell"][&name] = json!("something else");
        let origin = guard::origin(&alert_of(&changed, "/var/log/app.json"), &tag_key(), &[]);
        // Whether it is an echo or forged is the guard's to say: own output it is not.
        assert_ne!(origin, Origin::Own, "{name} may be changed");
    }
}

#[test]
fn a_secret_in_a_text_is_masked_and_a_name_is_never_taken_for_one() {
    let event = event(|draft| draft.summary = "login with password=hunter2 worked".to_owned());
    assert!(!event.to_string().contains("hunter2"), "{event}");
    let incident = incident();
    assert_eq!(event["quell"]["incident_id"], incident.id.as_str());
    assert_eq!(event["quell"]["first_seen"], incident.first_seen.to_string());
}

#[test]
fn a_title_full_of_secrets_keeps_its_limit_when_they_are_masked() {
    let event = event(|draft| draft.title = "pw=x ".repeat(24));
    let title = event["quell"]["title"].as_str().expect("a title");
    assert!(title.starts_with("pw=[secret:password]"), "{title}");
    assert_eq!(title.chars().count(), TITLE_MAX);
}

#[test]
fn the_largest_event_stays_within_what_wazuh_reads() {
    // Four bytes a character, and as many as there may be of everything.
    let wide = |characters: usize| "\u{1d518}".repeat(characters);
    let mut incident = incident();
    incident.actor = Actor::User(wide(300));
    incident.agent.name = wide(256);
    incident.rule_description = Untrusted::new(wide(5000));
    let mut verdict = verdict(&incident, |draft| {
        draft.title = wide(5000);
        draft.summary = wide(5000);
        for list in [
            &mut draft.evidence,
            &mut draft.indicators,
            &mut draft.recommendations,
            &mut draft.unknowns,
            &mut draft.mitre,
        ] {
            *list = vec![wide(alert::verdict::TEXT_MAX); 40];
        }
    });
    verdict.checks =
        vec![
            Check { name: "x".to_owned(), passed: false, detail: wide(alert::verdict::TEXT_MAX) };
            40
        ];
    let event = Publisher::new(tag_key()).event(&incident, &verdict, Some(&wide(900)));
    let (bytes, characters) = (event.len(), event.chars().count());
    // Real texts are ASCII for the most part; the worst that a hostile one can do is four times that.
    assert!(characters < EVENT_BYTES_MAX, "{characters} characters");
    assert!(bytes < 65_535, "{bytes} bytes");
}

#[test]
fn the_largest_ascii_event_is_small() {
    let long = |characters: usize| "a ".repeat(characters / 2);
    let incident = incident();
    let verdict = verdict(&incident, |draft| {
        (draft.title, draft.summary) = (long(5000), long(5000));
        for list in [
            &mut draft.evidence,
            &mut draft.indicators,
            &mut draft.recommendations,
            &mut draft.unknowns,
        ] {
            *list = vec![long(alert::verdict::TEXT_MAX); 40];
        }
    });
    let event = Publisher::new(tag_key()).event(&incident, &verdict, Some(&long(900)));
    assert!(event.len() < EVENT_BYTES_MAX, "{} bytes", event.len());
}
