//! `quell rules check`: what a person, a workflow and a code scanner read about rules with mistakes.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, run};

const BASE_DECODERS: &str = r#"<decoder name="gate">
  <program_name>^gate$</program_name>
</decoder>
<decoder name="gate-open">
  <parent>gate</parent>
  <regex>user (\w+) from (\S+)</regex>
  <order>user,srcip</order>
</decoder>
<decoder name="other">
  <prematch>^other: </prematch>
</decoder>
"#;

const BASE_RULES: &str = r#"<group name="gate,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>Any.</description></rule>
  <rule id="900" level="3"><decoded_as>gate</decoded_as><description>The gate.</description></rule>
  <rule id="901" level="3"><if_sid>900</if_sid><regex>a+</regex><description>Not judged.</description></rule>
</group>
"#;

/// A folder with a base and one file of rules.
fn folder(rules: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in [
        ("base/decoders/gate.xml", BASE_DECODERS),
        ("base/rules/gate.xml", BASE_RULES),
        ("local_rules.xml", rules),
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn check(dir: &Path, more: &[&str]) -> Said {
    let base = dir.join("base");
    let file = dir.join("local_rules.xml");
    let mut arguments =
        vec!["rules", "check", file.to_str().unwrap(), "--base", base.to_str().unwrap()];
    arguments.extend_from_slice(more);
    let mut said = run(arguments);
    // Places differ from run to run.
    let root = format!("{}/", dir.display());
    said.out = said.out.replace(&root, "");
    said
}

const LOCAL: &str = r#"<group name="local,">
  <rule id="100100" level="5">
    <if_sid>900</if_sid>
    <srcip>!192.0.2.1</srcip>
    <description>$(user) came in.</description>
  </rule>
</group>
"#;

#[test]
fn a_person_reads_line_caret_and_hint() {
    let dir = folder(LOCAL);
    let said = check(dir.path(), &[]).expect_code(0);
    insta::assert_snapshot!(said.out, @r#"
    warning[quell/address-negation]: rule 100100: the `!` is dropped: the rule matches `192.0.2.1` and nothing else
      --> local_rules.xml:4:5
      |
    4 |     <srcip>!192.0.2.1</srcip>
      |     ^
      hint: write `<srcip negate="yes">192.0.2.1</srcip>`

    note[quell/description-field]: rule 100100: no decoder of its events sets `$(user)`
      --> local_rules.xml:5:5
      |
    5 |     <description>$(user) came in.</description>
      |     ^
      hint: write `$(dstuser)` or `$(srcuser)`: `user` is a word of decoders only
    "#);
    assert_eq!(said.err, "1 file, 1 rule, 0 decoders: 0 errors, 1 warning, 1 note\n");
}

#[test]
fn warnings_end_with_code_1_only_when_strict_and_errors_always() {
    let dir = folder(LOCAL);
    let said = check(dir.path(), &["--strict"]).expect_code(1);
    assert!(said.err.contains("--strict"), "{}", said.err);
    let broken = folder(
        "<group name=\"local,\">\n  <rule id=\"100100\" level=\"5\">\n    <mathc>x</mathc>\n  </rule>\n</group>",
    );
    let said = check(broken.path(), &[]).expect_code(1);
    insta::assert_snapshot!(said.out, @r#"
    note[quell/no-description]: rule 100100: the rule has no description, so its alerts say nothing
      --> local_rules.xml:2:3
      |
    2 |   <rule id="100100" level="5">
      |   ^
      hint: add `<description>`; `$(srcip)` and the like show values of the event

    error[wazuh/refused]: rule 100100: Invalid option 'mathc' for rule '100100'.
      --> local_rules.xml:3:5
      |
    3 |     <mathc>x</mathc>
      |     ^
      hint: did you mean `match`?

    error[wazuh/1220]: Error loading the rules: 'local_rules.xml'.
      --> local_rules.xml
      hint: mend the errors above; Wazuh reads no file after the first that it refuses

    Wazuh would refuse to start with these files.
    "#);
    assert!(said.err.contains("Wazuh would refuse to start"), "{}", said.err);
}

#[test]
fn sound_rules_say_nothing_and_end_with_code_0() {
    let dir = folder(
        "<group name=\"local,\"><rule id=\"100100\" level=\"5\"><if_sid>900</if_sid><match>x</match>\
         <description>$(srcip)</description></rule></group>",
    );
    let said = check(dir.path(), &["--strict"]).expect_code(0);
    assert_eq!(said.out, "");
}

#[test]
fn a_file_that_the_base_has_as_well_is_loaded_once_and_judged() {
    let dir = folder(LOCAL);
    let base = dir.path().join("base");
    let file = base.join("rules/../rules/gate.xml");
    let said = run(["rules", "check", file.to_str().unwrap(), "--base", base.to_str().unwrap()]);
    let said = said.expect_code(0);
    assert!(said.out.contains("quell/pattern") && !said.out.contains("7612"), "{}", said.out);
}

#[test]
fn rules_without_a_test_and_tests_without_a_rule_are_told() {
    let dir = folder(LOCAL);
    let tests = dir.path().join("tests");
    std::fs::create_dir(&tests).unwrap();
    let ini = "[one]\nlog 1 pass = gate: x\nrule = 100999\nalert = 5\ndecoder = gate\n";
    std::fs::write(tests.join("one.ini"), ini).unwrap();
    let said = check(dir.path(), &["--tests", tests.to_str().unwrap()]).expect_code(0);
    assert!(said.out.contains("quell/no-test]: rule 100100"), "{}", said.out);
    assert!(said.out.contains("quell/test-of-no-rule]: rule 100999"), "{}", said.out);
    assert!(said.out.contains("--> tests/one.ini:2\n"), "{}", said.out);
}

#[test]
fn a_workflow_reads_one_command_a_line_and_no_text_breaks_out_of_it() {
    let dir = folder(
        "<group name=\"local,\"><rule id=\"100100\" level=\"5\"><if_sid>900</if_sid><match a,b:c=\"1\">50%\n::error::x</match>\
         <description>d</description></rule></group>",
    );
    let said = check(dir.path(), &["--format", "github"]).expect_code(0);
    for line in said.out.lines() {
        assert!(
            line.starts_with("::warning file=local_rules.xml,line=")
                || line.starts_with("::warning file="),
            "{line}"
        );
    }
    assert!(said.out.contains(",title=quell/unknown-attribute::rule 100100: "), "{}", said.out);
    assert!(said.out.contains("%0Ahint: "), "{}", said.out);
}

#[test]
fn a_code_scanner_reads_sarif() {
    let dir = folder(LOCAL);
    let said = check(dir.path(), &["--format", "sarif"]).expect_code(0);
    let log: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(
            region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1)
        );
    }
    assert_eq!(results[0]["ruleId"], "quell/address-negation");
}

#[test]
fn a_script_reads_json_lines_with_sums_at_the_end() {
    let dir = folder(LOCAL);
    let lines = check(dir.path(), &["--format", "json"]).expect_code(0).lines();
    assert_eq!(lines[0]["kind"], "quell/address-negation");
    assert_eq!((lines[0]["line"].as_u64(), lines[0]["column"].as_u64()), (Some(4), Some(5)));
    let sums = &lines.last().unwrap()["summary"];
    assert_eq!((sums["warnings"].as_u64(), sums["refused"].as_bool()), (Some(1), Some(false)));
}

#[test]
fn malformed_files_are_named_with_line_and_what_to_do_and_reach_no_terminal_raw() {
    let cases: [(&str, Vec<u8>); 6] = [
        ("cut off", b"<group name=\"a,\">\n<rule id=\"100100\" level=\"3\">\n<match>x".to_vec()),
        ("binary", b"\x7fELF\0\x01<\x1b[2J\0\xff\xfe".to_vec()),
        ("nested", "<group name=\"a,\">\n".repeat(10_000).into_bytes()),
        ("nul", b"<group name=\"a,\">\n\0<rule\0 id=\"1\">\0".to_vec()),
        ("escape", b"<group name=\"a,\">\n<rule id=\"100100\" level=\"3\"><\x1b]0;x\x07>y</\x1b]0;x\x07></rule></group>".to_vec()),
        ("long", vec![b'a'; (16 << 20) - 1]),
    ];
    for (what, text) in cases {
        let dir = folder("");
        std::fs::write(dir.path().join("local_rules.xml"), &text).unwrap();
        let said = check(dir.path(), &[]);
        assert!(!said.out.contains(['\x1b', '\x07', '\0']), "{what}: {:?}", said.out);
        if what == "long" {
            // Text without any element holds no rules, and Wazuh says nothing either.
            said.expect_code(0);
            continue;
        }
        let said = said.expect_code(1);
        assert!(said.out.contains("local_rules.xml:"), "{what}: {}", said.out);
        assert!(said.out.contains("hint: "), "{what}: {}", said.out);
    }
    let dir = folder("");
    std::fs::write(dir.path().join("local_rules.xml"), vec![b' '; (16 << 20) + 1]).unwrap();
    let said = check(dir.path(), &[]).expect_code(3);
    assert!(said.err.contains("local_rules.xml") && said.err.contains("16 MB"), "{}", said.err);
}

#[test]
fn a_path_that_is_not_there_ends_with_code_3_and_a_hint() {
    let said = run(["rules", "check", "nowhere.xml"]).expect_code(3);
    assert!(said.err.contains("`nowhere.xml`") && said.err.contains("hint: "), "{}", said.err);
}

#[test]
fn the_shipped_rules_have_no_errors() {
    let stock = crate::command::repository("../shared/wazuh-4.14.7");
    if !stock.is_dir() {
        eprintln!("skipped: there are no shipped rules beside the project");
        return;
    }
    let said = run(["rules", "check", stock.to_str().unwrap(), "--format", "json"]).expect_code(0);
    let lines = said.lines();
    let sums = &lines.last().unwrap()["summary"];
    assert_eq!(sums["errors"], 0);
    let findings = lines.len() - 1;
    assert!((50..250).contains(&findings), "{findings} finds: were they looked at?");
}

#[test]
fn without_any_decoders_nothing_is_said_about_fields() {
    let dir = folder(
        "<group name=\"local,\"><rule id=\"100100\" level=\"5\"><url>admin</url><description>$(srcip)</description></rule></group>",
    );
    let file = dir.path().join("local_rules.xml");
    let said = run(["rules", "check", file.to_str().unwrap()]).expect_code(0);
    assert_eq!(said.out, "");
}
