//! `quell logtest`: what a person who writes rules reads about a line, and what tools read.

use serde_json::{Value, json};

use crate::command::{Said, quell, repository, run_with_input};

const REFUSED: &str = "Nov 25 10:00:00 hall gated[7]: door=back refused user=eve from=192.0.2.1\n";

/// The page about [`REFUSED`].
const REFUSED_PAGE: &str = "\
line 1: Nov 25 10:00:00 hall gated[7]: door=back refused user=eve from=192.0.2.1
phase 1: header
    timestamp     Nov 25 10:00:00
    hostname      hall
    program       gated
phase 2: decoding
    decoder       gate
    action        refused
    srcip         192.0.2.1
    srcuser       eve
    door          back
phase 3: rules
    rule          200101, level 3: Door back stayed shut.
    from          ./rules/gate_rules.xml:8
    MITRE ATT&CK  T1110 (Brute Force)
    groups        gate, refused
    fired         once so far
    alert         yes
why this rule
    1 level 0: Events of no other kind.
      200100 level 0: The door controller speaks.
        200101 level 3: Door $(door) stayed shut.
close, but not it
    200102 level 10: Somebody rattles at the doors.
        has too few earlier events: 3 events of rule 200101 that are alike as the rule asks within 60 s
    200103 level 5: The vault was opened.
        fails: action `opened`; it is `refused`
";

/// Runs in the folder of the made-up door controller, so that paths are the same everywhere.
pub(crate) fn in_gate(arguments: &[&str], input: &str) -> Said {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child = quell()
        .args(arguments)
        .current_dir(repository("fixtures/rules/gate"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_line_is_shown_with_decoder_fields_rule_and_reasons() {
    let said = in_gate(&["logtest", "--ruleset", "."], REFUSED).expect_code(0);
    assert_eq!(said.out, REFUSED_PAGE, "{}", said.out);
    assert_eq!(said.err, "12 rules, 5 decoders\n");
}

#[test]
fn a_rule_that_was_close_says_which_condition_failed_and_what_the_event_has() {
    let line = "Nov 25 10:00:00 hall gated[7]: door=front opened user=bob from=192.0.2.1\n";
    let said = in_gate(&["logtest", "--ruleset", "."], line).expect_code(0);
    assert!(said.out.contains("    no rule applies, so there is no alert\n"), "{}", said.out);
    let first = "close, but not it\n    200103 level 5: The vault was opened.\n        \
                 fails: field door `^vault$`; it is `front`\n";
    assert!(said.out.contains(first), "{}", said.out);
    let all = in_gate(&["logtest", "--ruleset", ".", "--verbose"], line).expect_code(0);
    assert!(
        all.out.contains("    200101 level 3: fails: action `refused`; it is `opened`"),
        "{}",
        all.out
    );
}

#[test]
fn lines_of_a_session_count_together() {
    let said = in_gate(&["logtest", "--ruleset", ".", "--json"], &REFUSED.repeat(3)).expect_code(0);
    let ids: Vec<_> = said.lines().iter().map(|line| line["rule"]["id"].clone()).collect();
    assert_eq!(ids, ["200101", "200101", "200102"]);
    let last = said.lines().pop().unwrap();
    assert_eq!(last["path"], json!([1, 200100, 200101, 200102]));
    assert_eq!(last["previous_output"].as_str().unwrap().lines().count(), 2);
}

#[test]
fn each_line_is_one_json_object_with_what_wazuh_writes() {
    let input = format!("{REFUSED}\nsomething else\n");
    let lines = in_gate(&["logtest", "--ruleset", ".", "--json"], &input).expect_code(0).lines();
    let wanted = json!({
        "line": REFUSED.trim_end(),
        "predecoder": {"program_name": "gated", "timestamp": "Nov 25 10:00:00", "hostname": "hall"},
        "decoder": {"parent": "gate", "name": "gate"},
        "data": {"action": "refused", "srcip": "192.0.2.1", "srcuser": "eve", "door": "back"},
        "rule": {
            "level": 3, "description": "Door back stayed shut.", "id": "200101",
            "mitre": {
                "id": ["T1110"], "tactic": ["Credential Access"], "technique": ["Brute Force"],
            },
            "firedtimes": 1, "mail": false, "groups": ["gate", "refused"],
        },
        "alert": true,
        "path": [1, 200100, 200101],
    });
    assert_eq!(lines[0], wanted);
    assert_eq!(lines[1]["rule"], Value::Null);
    assert_eq!((&lines[1]["alert"], &lines[1]["decoder"]), (&json!(false), &json!({})));
    assert_eq!(lines.len(), 2, "blank lines are passed over");
}

#[test]
fn recorded_events_bring_their_own_time_and_place() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("events.jsonl");
    let event = |time: u32, location: &str| {
        json!({"t": time, "location": location, "log": REFUSED.trim_end()}).to_string()
    };
    let agent = "[007] (door) 192.0.2.9->/var/log/x";
    let packed = r#"{"t": 1795600062, "location": "x", "log_b64": "Y2Fm6Q=="}"#;
    let events = [
        event(1_795_600_000, agent),
        event(1_795_600_030, agent),
        event(1_795_600_061, agent),
        packed.to_owned(),
    ];
    std::fs::write(&file, events.join("\n")).unwrap();
    let arguments = ["logtest", "--ruleset", ".", "--json", "--events", file.to_str().unwrap()];
    let lines = in_gate(&arguments, "").expect_code(0).lines();
    let ids: Vec<_> = lines.iter().map(|line| line["rule"]["id"].clone()).collect();
    assert_eq!(ids, [json!("200101"), json!("200101"), json!("200101"), Value::Null]);
    assert_eq!(lines[0]["agent"], json!({"id": "007", "name": "door", "ip": "192.0.2.9"}));
    assert_eq!(lines[0]["location"], "/var/log/x");
    assert_eq!(lines[3]["line"], json!({"$b64": "Y2Fm6Q=="}));

    std::fs::write(&file, "{\"t\": 1}\n").unwrap();
    let said = in_gate(&arguments, "").expect_code(3);
    assert!(said.err.contains("line 1 is no event: neither `log` nor `log_b64`"), "{}", said.err);
}

#[test]
fn a_terminal_gets_no_escape_sequence_of_a_log_line() {
    let line =
        "Nov 25 10:00:00 hall gated[7]: door=\u{1b}[31mred refused user=eve from=192.0.2.1\n";
    let said = in_gate(&["logtest", "--ruleset", "."], line).expect_code(0);
    assert!(!said.out.contains('\u{1b}') && said.out.contains("red"), "{}", said.out);
}

#[test]
fn rules_that_wazuh_refuses_are_a_matter_of_usage() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("bad_rules.xml");
    std::fs::write(&file, "<group name=\"a,\"><rule id=\"x\" level=\"3\"></rule></group>").unwrap();
    let said = run_with_input(&["logtest", "--ruleset", file.to_str().unwrap()], b"a\n");
    let said = said.expect_code(2);
    assert!(said.err.contains("Wazuh would refuse") && said.err.contains("hint: "), "{}", said.err);
}
