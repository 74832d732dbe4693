//! `quell rules test`, `coverage` and `backtest`, on the rules of a made-up door controller.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::command::{number, repository, run};
use crate::logtest::in_gate;

/// What a person reads about the tests that fail.
const FAILURES: &str = "\
ODD  wrong.ini:31: neither a section nor a key with `=`
FAIL wrong.ini:2 [a door that is not the vault] log 1 pass
     expected  rule 200103, level 5, decoder gate
     got       no rule, decoder gate
     because   rule 200103 was tried: it fails: field door `^vault$`; it is `front`
     line      Nov 25 10:00:00 hall gated[7]: door=front opened user=bob from=192.0.2.1
FAIL wrong.ini:8 [a refusal alone is no rattling] log 1 pass
     expected  rule 200102, level 10, decoder gate
     got       rule 200101, level 3, decoder gate
     because   rule 200102 was tried: it has too few earlier events: 3 events of rule 200101 that are alike as the rule asks within 60 s
     line      Nov 25 10:00:00 hall gated[7]: door=front refused user=eve from=192.0.2.1
FAIL wrong.ini:14 [below a rule that does not match] log 1 pass
     expected  rule 200104, level 12, decoder gate
     got       no rule, decoder gate
     because   rule 200104 was never tried: rule 200103 above it fails: field door `^vault$`; it is `front`
     line      Nov 25 10:00:00 hall gated[7]: door=front opened user=bob from=198.51.100.7
FAIL wrong.ini:20 [a rule that is not there] log 1 pass
     expected  rule 200199, level 5, decoder gates
     got       rule 200103, level 5, decoder gate
     because   there is no decoder `gates` in these files
     because   there is no rule 200199 in these files
     line      Nov 25 10:00:00 hall gated[7]: door=vault opened user=bob from=192.0.2.1
FAIL wrong.ini:27 [no rule at all] log 2 pass
     expected  rule 200103, level 7, decoder gate
     got       rule 200103, level 5, decoder gate
     because   rule 200103 has level 5
     line      Nov 25 10:00:00 hall gated[7]: door=vault opened user=bob from=192.0.2.1
1 passed, 5 failed, one line not understood
";

#[test]
fn tests_that_hold_are_counted() {
    let said = in_gate(&["rules", "test", "--ruleset", ".", "tests"], "").expect_code(0);
    assert_eq!(said.out, "4 passed, 0 failed\n");
}

#[test]
fn a_test_that_fails_says_what_came_and_which_condition_stood_between() {
    let said = in_gate(&["rules", "test", "--ruleset", ".", "wrong.ini"], "").expect_code(1);
    assert_eq!(said.out, FAILURES, "{}", said.out);
    let by_logtest = in_gate(&["logtest", "--ruleset", ".", "--ini", "wrong.ini"], "");
    assert_eq!(by_logtest.expect_code(1).out, FAILURES);
}

#[test]
fn test_results_are_there_for_tools_as_json_and_as_junit() {
    let dir = tempfile::TempDir::new().unwrap();
    let junit = dir.path().join("report.xml");
    let junit_name = junit.to_str().unwrap();
    let arguments =
        ["rules", "test", "--ruleset", ".", "tests", "wrong.ini", "--json", "--junit", junit_name];
    let lines = in_gate(&arguments, "").expect_code(1).lines();
    let summary = json!({"files": 2, "samples": 10, "passed": 5, "failed": 5, "problems": 1, "unreadable": 0});
    assert_eq!(lines.last().unwrap()["summary"], summary);
    let failed: Vec<&Value> = lines.iter().filter(|line| line["ok"] == json!(false)).collect();
    assert_eq!(failed.len(), 5);
    assert_eq!(failed[0]["expected"], json!({"rule": "200103", "level": "5", "decoder": "gate"}));
    assert_eq!(failed[0]["got"], json!({"rule": null, "level": null, "decoder": "gate"}));

    let report = std::fs::read_to_string(&junit).unwrap();
    assert!(report.contains("<testsuites tests=\"10\" failures=\"5\">"), "{report}");
    assert_eq!(report.matches("<failure ").count(), 5);
    assert!(report.contains("<system-err>wrong.ini:31: neither"), "{report}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_place_without_tests_is_an_error_and_not_a_success() {
    let said = in_gate(&["rules", "test", "--ruleset", ".", "lists"], "").expect_code(3);
    assert!(
        said.err.contains("no tests in `lists`") && said.err.contains("hint: "),
        "{}",
        said.err
    );
    in_gate(&["rules", "test", "--ruleset", ".", "nowhere.ini"], "").expect_code(3);
}

#[test]
fn files_of_tests_without_a_sample_are_no_success_either() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("lost.ini");
    // Somebody put the samples into a comment, or wrote another word than `log`.
    std::fs::write(&file, "[a section]\n; log 1 pass = x\nlogs 1 pass = x\nrule = 1\n").unwrap();
    let arguments = ["rules", "test", "--ruleset", ".", file.to_str().unwrap()];
    let said = in_gate(&arguments, "").expect_code(1);
    assert!(said.err.contains("there is no sample in these tests"), "{}", said.err);
}

#[test]
fn a_file_that_cannot_be_read_fails_the_run_and_keeps_nobody_from_the_others() {
    let dir = tempfile::TempDir::new().unwrap();
    let gate = repository("fixtures/rules/gate/tests/gate.ini");
    std::os::unix::fs::symlink("/nowhere/at/all", dir.path().join("a.ini")).unwrap();
    std::fs::copy(gate, dir.path().join("b.ini")).unwrap();
    let folder = dir.path().to_str().unwrap();
    let said = in_gate(&["rules", "test", "--ruleset", ".", folder], "").expect_code(1);
    assert!(said.out.ends_with("4 passed, 0 failed, one file not read\n"), "{}", said.out);
    assert!(said.out.starts_with("BAD  could not open `"), "{}", said.out);
}

#[test]
fn coverage_names_what_no_test_touches() {
    let arguments = ["rules", "coverage", "--ruleset", ".", "tests", "--json"];
    let report = in_gate(&arguments, "").expect_code(0).lines().pop().unwrap();
    let of = |name: &str| {
        let files = report["files"].as_array().unwrap();
        files.iter().find(|file| file["file"].as_str().unwrap().ends_with(name)).unwrap().clone()
    };
    assert_eq!((number(&of("gate_rules.xml"), "/touched"), number(&report, "/events")), (5, 8));
    assert_eq!(of("gate_decoders.xml")["untouched"], json!(["gate-alarm:13"]));
    assert_eq!(of("gate_decoders.xml")["percent"], json!(66.6));
    let table = in_gate(&["rules", "coverage", "--ruleset", ".", "tests"], "").expect_code(0).out;
    assert!(
        table.contains("gate-alarm:13") && table.contains("rules     6 of 12 touched"),
        "{table}"
    );
}

#[test]
fn a_log_touches_rules_too_and_its_lines_count_together() {
    let dir = tempfile::TempDir::new().unwrap();
    let log = dir.path().join("gate.log");
    std::fs::write(&log, refusals(3)).unwrap();
    let arguments = ["rules", "coverage", "--ruleset", ".", log.to_str().unwrap(), "--json"];
    let report = in_gate(&arguments, "").expect_code(0).lines().pop().unwrap();
    let files = report["files"].as_array().unwrap();
    let rules =
        files.iter().find(|file| file["file"].as_str().unwrap().ends_with("gate_rules.xml"));
    assert_eq!(rules.unwrap()["untouched"], json!(["200103", "200104"]));
}

/// Refusals, ten seconds apart.
fn refusals(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let (minute, second) = (number / 6, number % 6 * 10);
        writeln!(
            text,
            "2026-11-24T10:{minute:02}:{second:02}+00:00 hall gated[7]: door=d{number} refused user=eve from=192.0.2.1"
        )
        .unwrap();
    }
    text
}

/// Runs a backtest of changed rules over refusals.
fn backtest(rules: &str, more: &[&str]) -> Value {
    let dir = tempfile::TempDir::new().unwrap();
    let (log, file) = (dir.path().join("gate.log"), dir.path().join("gate_rules.xml"));
    std::fs::write(&log, refusals(6)).unwrap();
    std::fs::write(&file, rules).unwrap();
    let mut arguments = vec!["rules", "backtest", "--old", ".", "--json"];
    arguments.extend([file.to_str().unwrap(), log.to_str().unwrap()]);
    arguments.extend(more);
    in_gate(&arguments, "").expect_code(0).lines().pop().unwrap()
}

fn gate_rules() -> String {
    std::fs::read_to_string(repository("fixtures/rules/gate/rules/gate_rules.xml")).unwrap()
}

/// The counts of a rule: before, after, gone, new, moved out, moved in, of another level.
fn counts(report: &Value, id: &str) -> [u64; 7] {
    let rules = report["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == id).unwrap();
    ["before", "after", "gone", "new", "moved_out", "moved_in", "level_changed"]
        .map(|name| number(rule, &format!("/{name}")))
}

#[test]
fn rules_that_are_the_same_change_nothing() {
    let report = backtest(&gate_rules(), &[]);
    assert_eq!((number(&report, "/lines"), number(&report, "/before")), (6, 6));
    assert_eq!(counts(&report, "200101"), [4, 4, 0, 0, 0, 0, 0]);
    assert_eq!(counts(&report, "200102"), [2, 2, 0, 0, 0, 0, 0]);
    assert_eq!(report["samples"], json!([]));
}

#[test]
fn a_file_takes_the_place_of_the_one_of_its_name_and_the_difference_is_shown() {
    // Four refusals instead of three, and another level.
    let rules = gate_rules()
        .replace("frequency=\"3\"", "frequency=\"4\"")
        .replace("id=\"200101\" level=\"3\"", "id=\"200101\" level=\"4\"");
    let report = backtest(&rules, &["--samples", "1"]);
    // Refused, refused, rattling, and again; now the fourth is the first that rattles.
    assert_eq!(counts(&report, "200101"), [4, 5, 0, 0, 1, 2, 3]);
    assert_eq!(counts(&report, "200102"), [2, 1, 0, 0, 2, 1, 0]);
    let kinds: Vec<_> =
        report["samples"].as_array().unwrap().iter().map(|s| s["kind"].clone()).collect();
    assert_eq!(kinds, ["level", "moved", "moved"]);
}

#[test]
fn a_file_of_another_name_is_put_behind_the_old_ones() {
    let dir = tempfile::TempDir::new().unwrap();
    let (log, file) = (dir.path().join("gate.log"), dir.path().join("local_rules.xml"));
    std::fs::write(&log, refusals(2)).unwrap();
    let rule = "<group name=\"local,\"><rule id=\"200200\" level=\"0\"><if_sid>200101</if_sid>\
                <field name=\"door\">^d1$</field><description>Known.</description></rule></group>";
    std::fs::write(&file, rule).unwrap();
    let (file, log) = (file.to_str().unwrap(), log.to_str().unwrap());
    let said = in_gate(&["rules", "backtest", "--old", ".", file, log], "").expect_code(0);
    let wanted = "alerts: 2 old, 1 new; 1 gone, 0 new, 0 from another rule, 0 of another level";
    assert!(said.out.contains(wanted), "{}", said.out);
    assert!(said.out.contains("gone  200101 level 3 -> no alert (200200)"), "{}", said.out);
}

#[test]
fn silencing_a_rule_takes_the_correlation_that_lives_on_it_too() {
    let report = backtest(&gate_rules(), &["--silence", "200101"]);
    let silence = &report["silence"];
    assert_eq!(silence["ids"], json!(["200101"]));
    assert_eq!(counts(silence, "200101"), [4, 0, 4, 0, 0, 0, 0]);
    assert_eq!(counts(silence, "200102"), [2, 0, 2, 0, 0, 0, 0]);
    assert_eq!(number(&report, "/gone"), 0, "the new rules themselves are as they were");
}

#[test]
fn a_rule_that_is_not_there_cannot_be_silenced() {
    let flood = repository("fixtures/flood14k/access.log.gz");
    let arguments =
        ["rules", "backtest", "--old", ".", "--silence", "7777", ".", flood.to_str().unwrap()];
    let said = in_gate(&arguments, "").expect_code(2);
    assert!(said.err.contains("no rule `7777`"), "{}", said.err);
}

#[test]
fn all_samples_of_wazuh_itself_hold() {
    let stock = repository("../shared/wazuh-4.14.7");
    if !stock.exists() {
        eprintln!("SKIPPED: `../shared/wazuh-4.14.7` is not there");
        return;
    }
    let (stock, more, tests) =
        (stock.clone(), stock.join("testing/ruleset"), stock.join("testing/tests"));
    let mut arguments = vec!["rules".as_ref(), "test".as_ref(), "--ruleset".as_ref()];
    arguments.extend([
        stock.as_os_str(),
        "--ruleset".as_ref(),
        more.as_os_str(),
        tests.as_os_str(),
    ]);
    let said = run(arguments).expect_code(0);
    assert!(said.out.contains("1291 passed, 0 failed"), "{}", said.out);
}

#[test]
fn a_folder_of_changed_files_is_put_over_the_old_rules() {
    let dir = tempfile::TempDir::new().unwrap();
    let (log, folder) = (dir.path().join("gate.log"), dir.path().join("etc"));
    std::fs::write(&log, refusals(1)).unwrap();
    for name in ["rules", "decoders"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    // Without the field that the rule asks for, nothing is refused any more.
    let decoders = repository("fixtures/rules/gate/decoders/gate_decoders.xml");
    let decoders = std::fs::read_to_string(decoders).unwrap().replace("door, action", "door, verb");
    std::fs::write(folder.join("decoders/gate_decoders.xml"), decoders).unwrap();
    std::fs::write(folder.join("rules/gate_rules.xml"), gate_rules()).unwrap();
    let (folder, log) = (folder.to_str().unwrap(), log.to_str().unwrap());
    let arguments = ["rules", "backtest", "--old", ".", folder, log, "--json"];
    let report = in_gate(&arguments, "").expect_code(0).lines().pop().unwrap();
    assert_eq!(counts(&report, "200101"), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(report["samples"][0]["after"], Value::Null);
}

#[test]
fn a_sign_whose_pattern_wazuh_would_drop_fails_the_build_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let signs = folder.path().join("signs");
    std::fs::create_dir(&signs).unwrap();
    for file in std::fs::read_dir(repository("rules/signs")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), signs.join(file.file_name())).unwrap();
    }
    let build = |name: &str| {
        let out = folder.path().join(name);
        std::fs::create_dir_all(out.join("tests")).unwrap();
        let signs = signs.to_str().unwrap();
        let said = run(["rules", "build", "--signs", signs, "--out", out.to_str().unwrap()]);
        (said, std::fs::read_to_string(out.join("quell_web_attacks.xml")))
    };
    let (said, made) = build("short");
    said.expect_code(0);
    assert!(made.unwrap().contains("id=\"116630\""));
    // Words until the pattern is longer than Wazuh takes.
    let path = signs.join("open_redirect.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let words: String = (0..400).map(|at| format!("|word{at}")).collect();
    let long = text.replacen("https?:'''", &format!("(?:https?{words}):'''"), 1);
    assert_ne!(long, text);
    std::fs::write(&path, long).unwrap();
    let (said, made) = build("long");
    let said = said.expect_code(2);
    assert!(
        said.err.contains("sign 116630 can't be a rule: its pattern has ")
            && said.err.contains("the rule would match everything")
            && said.err.contains("hint: make two signs of a long one"),
        "{}",
        said.err
    );
    made.unwrap_err();
}
