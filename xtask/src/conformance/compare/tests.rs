//! A recording and a result in, the names of the differences out.

use serde_json::json;

use super::*;

fn recorded(expected: Value) -> Event {
    Event { epoch_seconds: 0, location: "/var/log/x".to_owned(), log: b"line".to_vec(), expected }
}

fn names(expected: &Value, got: &Value, mode: Mode) -> String {
    let mismatches = event(&recorded(expected.clone()), got, mode);
    let name = |mismatch: &Mismatch| match mismatch.weight {
        Weight::Verdict => format!("{}!", mismatch.what),
        Weight::Detail => mismatch.what.clone(),
    };
    mismatches.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// An alert as Wazuh writes it, and the same as it is recorded.
fn pair() -> (Value, Value) {
    let rule = json!({"level": 5, "description": "d", "id": "7", "firedtimes": 1, "mail": false,
        "mitre": {"id": ["T1"], "tactic": ["A"], "technique": ["B"]}, "groups": ["g"]});
    let recorded = json!({"predecoder": {}, "decoder": {"name": "kv"}, "data": {"a": "1", "b": "2"},
        "rule": rule.clone(), "alert": true});
    let given = json!({"timestamp": "t", "rule": rule, "agent": {"id": "000", "name": "m"},
        "manager": {"name": "m"}, "id": "1.2", "full_log": "line", "decoder": {"name": "kv"},
        "data": {"b": "2", "a": "1"}, "location": "/var/log/x", "alert": true});
    (recorded, given)
}

#[test]
fn what_the_event_says_and_what_differs_from_run_to_run_is_not_compared() {
    let (recorded, given) = pair();
    assert_eq!(names(&recorded, &given, Mode::Daemon), "");
    assert_eq!(names(&recorded, &given, Mode::Logtest), "");
}

#[test]
fn the_verdict_comes_before_the_details() {
    let (recorded, mut given) = pair();
    given["rule"]["id"] = json!("8");
    given["rule"]["firedtimes"] = json!(2);
    given["data"]["c"] = json!("3");
    given["decoder"] = json!({});
    given["alert"] = json!(false);
    given["location"] = json!("y");
    given["full_log"] = Value::Null;
    given["agent"]["id"] = json!("001");
    let wanted = "alert! data! decoder! rule.id! agent full_log location rule.firedtimes";
    assert_eq!(names(&recorded, &given, Mode::Daemon), wanted);
}

#[test]
fn a_rule_where_none_was_recorded_is_another_verdict() {
    let (mut recorded, given) = pair();
    recorded["rule"] = Value::Null;
    let said = names(&recorded, &given, Mode::Daemon);
    assert!(said.starts_with("rule.id! rule.level! rule.description"), "{said}");
    let nothing = Value::Null;
    let said = names(
        &json!({"not_processed": true, "rule": null, "alert": false}),
        &nothing,
        Mode::Daemon,
    );
    assert_eq!(said, "alert! not_processed!");
}

#[test]
fn names_of_mitre_tactics_may_differ_but_not_the_ids() {
    let (recorded, mut given) = pair();
    given["rule"]["mitre"]["tactic"] = json!(["other"]);
    assert_eq!(names(&recorded, &given, Mode::Daemon), "");
    given["rule"]["mitre"]["id"] = json!(["T2"]);
    assert_eq!(names(&recorded, &given, Mode::Daemon), "rule.mitre");
}

#[test]
fn what_logtest_shows_instead_counts_for_logtest_alone() {
    let (mut recorded, mut given) = pair();
    recorded["logtest"] = json!({"alert": false, "previous_output": "a"});
    assert_eq!(names(&recorded, &given, Mode::Daemon), "");
    assert_eq!(names(&recorded, &given, Mode::Logtest), "alert! previous_output");
    given["alert"] = json!(false);
    given["previous_output"] = json!("a");
    given["location"] = json!("elsewhere");
    assert_eq!(names(&recorded, &given, Mode::Logtest), "");
}

#[test]
fn a_log_that_is_not_utf8_is_filled_in_as_it_is_recorded() {
    let (recorded_value, mut given) = pair();
    let mut recorded = recorded(recorded_value);
    recorded.log = b"\xff".to_vec();
    given["full_log"] = json!({"$b64": "/w=="});
    assert_eq!(event(&recorded, &given, Mode::Daemon), []);
}

fn message(level: &str, id: &str, text: &str) -> Message {
    Message { level: level.to_owned(), id: id.to_owned(), text: text.to_owned() }
}

#[test]
fn messages_are_compared_by_number_before_their_text() {
    let recorded = json!({"accepted": true, "rules_in_tree": 8, "messages": [
        {"level": "ERROR", "id": null, "text": "x"}, {"level": "WARNING", "id": "7616", "text": "y"}]});
    let names = |is_accepted, rules_in_tree, messages: &[Message]| {
        let mismatches = load(&recorded, is_accepted, rules_in_tree, messages);
        mismatches.into_iter().map(|mismatch| mismatch.what).collect::<Vec<_>>().join(", ")
    };
    let mut messages = vec![message("WARNING", "7616", "y"), message("ERROR", "", "x")];
    assert_eq!(names(true, 8, &messages), "");
    messages[0].text = "z".to_owned();
    assert_eq!(names(true, 8, &messages), "messages' text");
    messages.pop();
    assert_eq!(names(false, 9, &messages), "accepted, rules_in_tree, messages");
}

#[test]
fn a_recording_without_a_count_of_rules_compares_none() {
    assert_eq!(load(&json!({"accepted": false, "messages": []}), false, 0, &[]), []);
}
