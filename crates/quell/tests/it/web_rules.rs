//! Quell's own rules for web servers: their tests hold, each rule has one, and the program carries them.
//!
//! The stock rules are not part of this repository, so what calms them is tested beside stand-ins that cry wolf as they do. With the real
//! ones at hand: `quell rules test --ruleset WAZUH --ruleset rules rules/tests rules/stock_tests`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::command::{repository, run, run_with_input};

/// What says on stderr that nobody named rules.
const CARRIED: &str = "Quell's own rules are taken";

/// Two lines of an attack that was answered, one of an ordinary search, as nginx writes them.
const LINES: &str = "\
192.0.2.1 - - [24/Nov/2026:14:16:37 +0000] \"GET /.env HTTP/1.1\" 200 66 \"-\" \"Mozilla/5.0\"
192.0.2.2 - - [24/Nov/2026:14:16:38 +0000] \"GET /search/?q=union+jack HTTP/1.1\" 200 66 \"-\" \"Mozilla/5.0\"
192.0.2.3 - - [24/Nov/2026:14:16:39 +0000] \"GET /backup.sql HTTP/1.1\" 200 66 \"-\" \"Mozilla/5.0\"
";

/// Says whether rules are found without being named because a manager is installed here. Then nothing can be said about what happens
/// without one.
fn has_wazuh() -> bool {
    let has = Path::new("/var/ossec").is_dir();
    if has {
        eprintln!("skipped: there is a Wazuh on this machine");
    }
    has
}

fn own_rules() -> String {
    repository("rules").display().to_string()
}

#[test]
fn the_tests_of_quells_own_rules_hold() {
    let tests = repository("rules/tests").display().to_string();
    let said = run(["rules", "test", "--ruleset", &own_rules(), &tests]).expect_code(0);
    assert!(said.out.contains(" passed, 0 failed"), "{}", said.out);
}

#[test]
fn quells_own_rules_load_without_a_warning() {
    let said = run(["rules", "check", "--strict", &own_rules()]).expect_code(0);
    assert!(said.err.contains(" 0 errors, 0 warnings"), "{}", said.err);
}

#[test]
fn what_calms_stock_rules_holds_beside_rules_that_cry_wolf_as_they_do() {
    let dir = tempfile::TempDir::new().unwrap();
    let stand_ins = repository("crates/quell/src/rulebook/base_web.xml");
    let mut rules = std::fs::read_to_string(stand_ins).unwrap();
    let mut cry = |id: &str, level: u8, condition: &str| {
        let never = format!(
            "<rule id=\"{id}\" level=\"0\" noalert=\"1\"><if_sid>31100</if_sid>\
             <match>quell-base-never-written</match>"
        );
        assert!(rules.contains(&never), "the stand-in for {id} is another");
        let wolf = format!(
            "<rule id=\"{id}\" level=\"{level}\"><if_sid>31100</if_sid><url>{condition}</url>"
        );
        rules = rules.replace(&never, &wolf);
    };
    cry("31103", 6, "+|%20|=1");
    cry("31105", 7, "input%20|wget%20|chmod%20");
    cry("31110", 7, "?-");
    let taken = "<rule id=\"11310\" level=\"0\" noalert=\"1\"><if_sid>31100</if_sid>\
                 <match>quell-base-never-written</match>";
    assert!(rules.contains(taken));
    let taker = "<rule id=\"11310\" level=\"0\"><decoded_as>pure-transfer</decoded_as>";
    rules = rules.replace(taken, taker);
    let decoder = "<decoder name=\"pure-transfer\">\n  \
                   <prematch type=\"pcre2\">\\] \"\\w+ \\S+\" </prematch>\n</decoder>\n";
    let named = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(named("wolf_decoders.xml"), decoder).unwrap();
    std::fs::write(named("wolf_rules.xml"), rules).unwrap();
    let base = repository("crates/quell/src/rulebook").display().to_string();
    let said = run([
        "rules",
        "test",
        "--ruleset",
        &format!("{base}/base_decoders.xml"),
        "--ruleset",
        &format!("{base}/base_rules.xml"),
        "--ruleset",
        &named("wolf_decoders.xml"),
        "--ruleset",
        &named("wolf_rules.xml"),
        "--ruleset",
        &own_rules(),
        &repository("rules/stock_tests").display().to_string(),
    ])
    .expect_code(0);
    assert!(said.out.contains(" passed, 0 failed"), "{}", said.out);
}

#[test]
fn every_web_rule_written_by_hand_is_touched_by_a_test() {
    let tests = repository("rules/tests").display().to_string();
    let arguments = ["rules", "coverage", "--json", "--ruleset", &own_rules(), &tests];
    let said = run(arguments).expect_code(0);
    let coverage: Value = serde_json::from_str(&said.out).unwrap();
    let untouched: BTreeSet<&str> = coverage["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| {
            let name = file["file"].as_str().unwrap();
            name.contains("quell_") && !name.contains("quell_web_attacks")
        })
        .flat_map(|file| file["untouched"].as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    // These want the stock rules, and have their tests in `rules/stock_tests`.
    let beside_stock = [
        "100120", "100180", "100181", "100182", "100183", "100184", "100185", "100186", "100187",
        "100188", "100189",
    ];
    assert_eq!(untouched, BTreeSet::from(beside_stock));
}

#[test]
fn without_a_ruleset_and_without_wazuh_the_rules_of_the_program_are_taken_and_that_is_said_once() {
    if has_wazuh() {
        return;
    }
    let said = run_with_input(&["detect", "-"], LINES.as_bytes()).expect_code(0);
    assert_eq!(said.err.matches(CARRIED).count(), 1, "{}", said.err);
    let ids: Vec<Value> = said.lines().iter().map(|alert| alert["rule"]["id"].clone()).collect();
    assert_eq!(ids, ["100151", "100153"]);
    let same = run_with_input(&["detect", "--ruleset", &own_rules(), "-"], LINES.as_bytes());
    assert!(!same.err.contains(CARRIED), "{}", same.err);
    assert_eq!(same.lines().len(), 2);
}

#[test]
fn every_command_about_rules_takes_those_of_the_program() {
    if has_wazuh() {
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    let log = dir.path().join("access.log").display().to_string();
    std::fs::write(&log, LINES).unwrap();
    let louder = dir.path().join("local_rules.xml").display().to_string();
    std::fs::write(
        &louder,
        "<group name=\"local,\"><rule id=\"100990\" level=\"12\"><if_sid>100151</if_sid>\
         <description>A hidden file of ours.</description></rule></group>",
    )
    .unwrap();
    for arguments in [
        &["logtest", "--json"][..],
        &["rules", "check"],
        &["rules", "coverage", &log],
        &["rules", "backtest", &louder, &log],
    ] {
        let said = run_with_input(arguments, LINES.as_bytes()).expect_code(0);
        assert_eq!(said.err.matches(CARRIED).count(), 1, "{arguments:?}: {}", said.err);
    }
    let said = run(["rules", "backtest", &louder, &log, "--json"]).expect_code(0);
    assert!(said.out.contains("100990"), "{}", said.out);
}

#[test]
fn a_scan_followed_by_answered_attacks_is_told_once_a_minute_and_each_attack_stays_an_alert() {
    let line = |second: u32, target: &str| {
        let (minute, second) = (16 + second / 60, second % 60);
        format!(
            "192.0.2.1 - - [24/Nov/2026:14:{minute}:{second:02} +0000] \"GET {target} HTTP/1.1\" 200 66 \
             \"-\" \"Mozilla/5.0\"\n"
        )
    };
    let attack = "/search/?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E";
    let lines = [line(0, "/.env"), line(10, attack), line(20, attack), line(90, attack)].concat();
    let said = run_with_input(&["detect", "--ruleset", &own_rules(), "-"], lines.as_bytes())
        .expect_code(0);
    let levels: Vec<Value> =
        said.lines().iter().map(|alert| alert["rule"]["level"].clone()).collect();
    assert_eq!(levels, [10, 14, 12, 14]);
}
