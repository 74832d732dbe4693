//! The lab: a shop that is vulnerable on purpose, attacked by real tools, and what Quell makes of its log.
//!
//! One test attacks a live honeypot with sqlmap, dirb and the hand-written burglar, on loopback and within seconds. The other replays a
//! recording of all tools of the lab and holds their figures, so that no change of a rule or of the triage loses what is found
//! today. A third plays that recording in virtual time. All need what `make setup` installs, and say so where it is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, assert_conserved, number, quell, repository, run, run_with_input};

/// The attackers' addresses in `lab/attack/catalogue.py` and `lab/attack.py`.
const SQLMAP: &str = "203.0.113.51";
const DIRB: &str = "203.0.113.23";
const BURGLAR: &str = "203.0.113.70";

/// Addresses of ordinary visitors begin so.
const VISITORS: &str = "198.51.100.";

/// The least level of a file that was read: it may have been a harmless one.
const FILE_LEVEL: u64 = 6;

/// What worked and shows in no access log: the place that a redirect leads to. `unknown` is all that can be said of it.
const NOT_IN_THE_LOG: [&str; 1] = ["open_redirect"];

/// Above this a person is called; no ordinary visitor may be the reason.
const CALLING_LEVEL: u64 = 7;

/// Gives the first word of what is missing for an attack on a live honeypot.
fn missing() -> Option<&'static str> {
    let is_there = |path: &str| repository(path).exists();
    let dirb = Command::new("dirb").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !is_there(".venv-lab/bin/gunicorn") {
        Some("the honeypot's packages are not installed")
    } else if !is_there(".venv-attack/sqlmap/bin/sqlmap") {
        Some("sqlmap is not installed")
    } else if dirb.is_err() {
        Some("dirb is not installed")
    } else {
        None
    }
}

/// Attacks a honeypot of its own and gives the folder with logs and truth.
fn attacked(dir: &TempDir) -> PathBuf {
    let out = dir.path().join("attack");
    let done = Command::new("python3")
        .arg(repository("lab/attack.py"))
        .args(["--only", "dirb-short,sqlmap-dump,hand-burglar", "--visitors", "3", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    eprintln!("{said}");
    out
}

/// Lets the rules of this checkout read a log and gives the incidents.
fn incidents(log: &Path) -> Vec<Value> {
    let rules = repository("rules");
    let detected = run([
        "detect",
        "--ruleset",
        rules.to_str().unwrap(),
        "--location",
        "[001] (lab-shop) 127.0.0.1->access.log",
        log.to_str().unwrap(),
    ])
    .expect_code(0);
    let judged = run_with_input(
        &["triage", "-", "--analyst", "playbook", "--json", "--alert-ids"],
        detected.out.as_bytes(),
    )
    .expect_code(0);
    let mut incidents = judged.lines();
    incidents.pop().expect("a summary");
    incidents
}

fn is_of(incident: &Value, actor: &str) -> bool {
    incident["actors"].as_array().unwrap().iter().any(|one| one == actor)
}

/// Requires that what an actor did in one class has one incident, of nobody else, that says that it worked, at a level or above.
#[track_caller]
fn assert_told(incidents: &[Value], actor: &str, class: &str, level: u64) {
    let those: Vec<&Value> =
        incidents.iter().filter(|one| is_of(one, actor) && one["class"] == class).collect();
    let [incident] = those.as_slice() else {
        panic!("{} incidents of {class} by {actor}, of {incidents:#?}", those.len());
    };
    assert_eq!(incident["actors"].as_array().unwrap().len(), 1, "{incident:#}");
    assert_eq!(incident["verdict"]["outcome"], "succeeded", "{incident:#}");
    assert!(!incident["verdict"]["title"].as_str().unwrap().is_empty(), "{incident:#}");
    assert!(number(incident, "/verdict/threat_level") >= level, "{incident:#}");
}

/// Requires that no ordinary visitor is in an incident that calls a person.
#[track_caller]
fn assert_visitors_are_left_alone(incidents: &[Value]) {
    for incident in incidents {
        let is_visited = incident["actors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one.as_str().unwrap().starts_with(VISITORS));
        let level = number(incident, "/verdict/threat_level");
        assert!(!is_visited || level < CALLING_LEVEL, "{incident:#}");
    }
}

#[test]
fn real_tools_against_a_live_shop_are_told_apart_and_what_worked_is_said() {
    if let Some(what) = missing() {
        eprintln!("SKIPPED: {what}; `make setup` does that");
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = attacked(&dir);
    let truth = std::fs::read_to_string(out.join("truth.tsv")).unwrap();
    let dumped = truth
        .lines()
        .any(|row| row.contains(SQLMAP) && row.contains("\tsucceeded\t") && row.contains("CSV"));
    assert!(dumped, "sqlmap dumped no table, so there is nothing to be told:\n{truth}");
    let incidents = incidents(&out.join("data/access.log"));
    assert_told(&incidents, SQLMAP, "sql_injection", CALLING_LEVEL);
    assert_told(&incidents, BURGLAR, "sql_injection", CALLING_LEVEL);
    assert_told(&incidents, BURGLAR, "command_injection", CALLING_LEVEL);
    assert_told(&incidents, BURGLAR, "path_traversal", FILE_LEVEL);
    assert_told(&incidents, BURGLAR, "xss", 5);
    let scans: Vec<&Value> = incidents.iter().filter(|one| is_of(one, DIRB)).collect();
    assert!(scans.iter().all(|one| one["verdict"]["outcome"] != "succeeded"), "{scans:#?}");
    assert_eq!(scans.len(), 1, "{scans:#?}");
    assert!(number(scans[0], "/alert_count") > 200, "{:#}", scans[0]);
    assert_visitors_are_left_alone(&incidents);
}

/// Runs the report on the recording in `fixtures/lab/`: its access.log.gz, security.log.gz and truth.tsv.
fn report(more: &[&str]) -> Option<String> {
    let said = Command::new("python3")
        .arg(repository("lab/report.py"))
        .arg("--recording")
        .arg(repository("fixtures/lab"))
        .arg("--quell")
        .arg(quell().get_program())
        .arg("--ruleset")
        .arg(repository("rules"))
        .args(more)
        .output();
    let Ok(said) = said else {
        eprintln!("SKIPPED: there is no python3; `make setup` installs it");
        return None;
    };
    let said = Said {
        code: said.status.code().unwrap(),
        out: String::from_utf8(said.stdout).unwrap(),
        err: String::from_utf8(said.stderr).unwrap(),
    }
    .expect_code(0);
    Some(said.out)
}

/// Most incidents that may come of the recorded attack: twice as many would be noise that came apart.
const INCIDENTS_MAX: u64 = 160;

/// Most calls that it may cost: 0.2 % of the alerts.
const CALLS_MAX: u64 = 46;

#[test]
fn the_recorded_attack_hides_no_needle_and_does_not_come_apart_in_virtual_time() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().to_str().unwrap();
    let Some(said) = report(&["--needles", folder]) else { return };
    assert!(said.contains("35 needles"), "{said}");
    let (alerts, truth) = (format!("{folder}/alerts.json"), format!("{folder}/needles.tsv"));
    let arguments = ["simulate", &alerts, "--truth", &truth, "--policy", "quell", "--json"];
    let report = run(arguments).expect_code(0).lines().remove(0);
    let needles = report["quell"]["needles"].as_array().unwrap();
    assert_eq!(needles.len(), 35);
    for needle in needles {
        for wanted in ["is_own", "is_mostly_alone", "is_class_right", "is_prompt"] {
            assert_eq!(needle[wanted], Value::Bool(true), "{wanted}: {needle}");
        }
        assert!(needle["first_verdict"].as_f64().is_some_and(|age| age < 120.0), "{needle}");
    }
    let count = |name: &str| number(&report["quell"], name);
    assert!(count("/incidents") <= INCIDENTS_MAX, "{} incidents", count("/incidents"));
    assert!(count("/model_calls") <= CALLS_MAX, "{} calls", count("/model_calls"));
    assert_conserved(&report["quell"]["counts"], 0);
}

/// Gives what is worse now than in the figures that were kept. Fewer is worse for `higher`, more for the others.
fn worse(kept: &Value, now: &Value) -> Vec<String> {
    let mut worse = Vec::new();
    for part in ["tools", "classes"] {
        for (name, figures) in kept[part].as_object().unwrap() {
            for what in ["attacks", "found", "named"] {
                let (was, is) =
                    (number(figures, &format!("/{what}")), now[part][name][what].as_u64());
                if is.is_none_or(|is| is < was) {
                    worse.push(format!("{part}: {name}: {what} was {was}, is {is:?}"));
                }
            }
        }
    }
    for (name, was) in kept["scans"].as_object().unwrap() {
        let is = &now["scans"][name];
        if is.as_u64().is_none_or(|is| is > was.as_u64().unwrap()) {
            worse.push(format!("scan {name}: incidents were {was}, are {is}"));
        }
    }
    for what in ["false_alarms", "level_max", "called"] {
        let (was, is) = (number(&kept["visitors"], &format!("/{what}")), &now["visitors"][what]);
        if is.as_u64().is_none_or(|is| is > was) {
            worse.push(format!("visitors: {what} was {was}, is {is}"));
        }
    }
    for was in kept["exploits"].as_array().unwrap() {
        let is_same = |is: &&Value| is["tool"] == was["tool"] && is["class"] == was["class"];
        match now["exploits"].as_array().unwrap().iter().find(is_same) {
            Some(is) if was["told"] != true || is["told"] == true => {
                let kept = was["outcomes"].as_array().unwrap().iter().all(|outcome| {
                    is["outcomes"].as_array().unwrap().contains(outcome) || outcome == "unknown"
                });
                if !kept {
                    worse.push(format!("exploit: was {was}, is {is}"));
                }
            }
            is => worse.push(format!("exploit: was {was}, is {is:?}")),
        }
    }
    worse
}

#[test]
fn the_recorded_attack_is_found_tool_by_tool_as_it_was() {
    let Some(now) = report(&["--json"]) else { return };
    let now: Value = serde_json::from_str(&now).unwrap();
    let kept = std::fs::read_to_string(repository("fixtures/lab/figures.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let worse = worse(&kept, &now);
    assert!(
        worse.is_empty(),
        "{}\nif that is meant: python3 lab/report.py --update --quell PROGRAM",
        worse.join("\n")
    );
    for exploit in now["exploits"].as_array().unwrap() {
        if exploit["unseen"] == true {
            continue;
        }
        assert_eq!(exploit["told"], true, "{exploit}");
        let is_hidden = NOT_IN_THE_LOG.contains(&exploit["class"].as_str().unwrap());
        let outcome = if is_hidden { "unknown" } else { "succeeded" };
        assert_eq!(exploit["outcome"], outcome, "{exploit}");
    }
    assert_eq!(now["overclaimed"], serde_json::json!([]));
    for class in ["sql_injection", "xss", "command_injection", "code_injection"] {
        let figures = &now["classes"][class];
        assert_eq!(figures["named"], figures["attacks"], "every {class} is found: {figures}");
    }
    assert_eq!(number(&now, "/visitors/called"), 0);
}

#[test]
fn an_attack_on_anything_but_loopback_is_refused() {
    for target in
        ["http://192.0.2.1:80", "http://shop.example:80", "https://127.0.0.1", "127.0.0.1"]
    {
        let done = Command::new("python3")
            .arg(repository("lab/attack.py"))
            .args(["--target", target])
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(3), "{target}");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("hint: "), "{target}: {said}");
    }
}
