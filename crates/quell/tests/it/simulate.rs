//! Floods in virtual time: two-sided gates. A needle must not be folded into the noise, and the noise must not come apart; and what is
//! told of a run must add up.

use std::path::Path;

use serde_json::Value;

use crate::command::{assert_conserved, number, repository, run};
use crate::recorded::{beside, converted};

/// Each kind of made flood: alerts to make, and most incidents that may come of them. The noise of each would be hundreds if it came apart.
const FLOODS: &[(&str, u64)] = &[
    // Up to 64 sources that scan and 64 that guess, the two crowds, the needles.
    ("botnet:300", 140),
    ("rotating-source:300", 70),
    // Thirty machines with two habits each.
    ("slow-drip:300", 96),
    ("same-rule-needle:300", 4),
    ("one-parameter:300", 5),
    // Sixteen texts of one rule, the various, the scan, the needles.
    ("evidence-exhaustion:300", 22),
    ("prompt-stuffing:200", 4),
    ("fingerprint-collision:300", 11),
    // Every source is an incident of its own with each of nine rules, so hardly two are alike: only its needles are at stake.
    ("starvation:200", 200),
    // A dozen machines with an update each, the needles.
    ("deployment:300", 15),
    // Eight machines, four users with three commands and one audited command each, the needles.
    ("commands:300", 90),
    // Three sorts of flaws on each of ninety machines; hundreds of packages.
    ("fleet:2000", 271),
    ("one-address:300", 5),
    // Twelve sources that guess, twelve that scan, the needles.
    ("hits:400", 26),
    // Sixty-four sources, the rest of them, the needles. What they ask for makes no second incident of one.
    ("wishes:300", 68),
    // Twelve sources at each of two firewalls, the virus scanner, the database, the needles.
    ("products:400", 34),
    // One for each machine, the needles.
    ("settings:600", 102),
];

fn simulated(arguments: &[&str]) -> Value {
    let mut all = vec!["simulate", "--json"];
    all.extend(arguments);
    run(all).expect_code(0).lines().remove(0)
}

fn flag(value: &Value, name: &str) -> bool {
    value[name].as_bool().unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[track_caller]
fn assert_needles_are_found(report: &Value, what: &str) {
    let needles = report["quell"]["needles"].as_array().unwrap();
    assert!(!needles.is_empty(), "{what}");
    for needle in needles {
        assert!(flag(needle, "is_own"), "{what}: {needle}");
        assert_eq!(needle["is_class_right"], Value::Bool(true), "{what}: {needle}");
        assert!(needle["first_verdict"].is_f64(), "{what}: {needle}");
        // The running call, other needles', its own: nothing else goes before it.
        assert!(flag(needle, "is_prompt"), "{what}: {needle}");
    }
}

#[test]
fn no_made_flood_hides_its_needles_or_comes_apart() {
    assert_floods("1");
}

#[test]
fn no_made_flood_of_another_seed_does() {
    assert_floods("2");
}

#[track_caller]
fn assert_floods(seed: &str) {
    for (flood, incidents_max) in FLOODS {
        let report = simulated(&["--generate", flood, "--seed", seed, "--policy", "quell"]);
        let what = format!("{flood}, seed {seed}");
        assert_needles_are_found(&report, &what);
        let quell = &report["quell"];
        assert_conserved(&quell["counts"], number(quell, "/waiting"));
        let incidents = number(quell, "/incidents");
        assert!(incidents <= *incidents_max, "{what}: {incidents} incidents");
        assert_eq!(number(quell, "/incidents_waiting"), 0, "{what}");
    }
}

#[test]
fn a_crowd_that_is_not_serious_costs_few_calls_and_hides_no_needle() {
    // More than a hundred incidents of a botnet, nearly all of them alike and harmless; ninety of habits that go on for days.
    for (flood, calls_max) in [("botnet:2000", 9), ("rotating-source:2000", 7)] {
        let report = simulated(&["--generate", flood, "--seed", "7", "--policy", "quell"]);
        assert_needles_are_found(&report, flood);
        let quell = &report["quell"];
        let (calls, incidents) = (number(quell, "/model_calls"), number(quell, "/incidents"));
        assert!(incidents > 2 * calls_max, "{flood}: {incidents} incidents are no crowd");
        assert!((3..=calls_max).contains(&calls), "{flood}: {calls} calls");
        assert_eq!(number(quell, "/incidents_waiting"), 0, "{flood}");
        for needle in quell["needles"].as_array().unwrap() {
            assert!(needle["model_verdict"].is_f64(), "{flood}: a model judges it: {needle}");
        }
    }
}

#[test]
fn a_small_flood_costs_no_more_than_its_share_and_its_needles_wait_for_nothing_else() {
    for flood in [
        "botnet:3000",
        "evidence-exhaustion:3000",
        "fingerprint-collision:3000",
        "commands:3000",
        "fleet:3000",
        "hits:3000",
        "prompt-stuffing:2000",
    ] {
        let report = simulated(&["--generate", flood, "--seed", "7", "--policy", "quell"]);
        assert_needles_are_found(&report, flood);
        let quell = &report["quell"];
        let needles = quell["needles"].as_array().unwrap();
        let calls = number(quell, "/model_calls");
        assert!(calls <= number(quell, "/calls_of_goal"), "{flood}: {calls} calls");
        // Both ways: each needle is asked about, and so is some of the noise.
        assert!(calls > needles.len() as u64, "{flood}: {calls} calls");
        for needle in needles {
            assert!(needle["model_verdict"].is_f64(), "{flood}: {needle}");
            assert!(flag(needle, "is_prompt"), "{flood}: {needle}");
        }
    }
}

#[test]
fn habits_of_many_machines_that_go_on_for_days_are_asked_about_once() {
    let report = simulated(&["--generate", "slow-drip:2000", "--seed", "7", "--policy", "quell"]);
    assert_needles_are_found(&report, "slow drip");
    let quell = &report["quell"];
    let (calls, incidents) = (number(quell, "/model_calls"), number(quell, "/incidents"));
    assert!((2..=12).contains(&calls), "{calls} calls for {incidents} incidents");
    let verdicts = calls + number(quell, "/playbook_verdicts");
    assert!(verdicts > 2 * calls, "each return has its verdict: {verdicts}");
    for needle in quell["needles"].as_array().unwrap() {
        assert!(needle["model_verdict"].is_f64(), "{needle}");
    }
}

#[test]
fn the_same_serious_news_of_ninety_machines_costs_few_calls() {
    let report = simulated(&["--generate", "fleet:5000", "--seed", "7", "--policy", "quell"]);
    assert_needles_are_found(&report, "fleet");
    let quell = &report["quell"];
    let (calls, incidents) = (number(quell, "/model_calls"), number(quell, "/incidents"));
    assert!(incidents > 150, "{incidents} incidents");
    assert!((3..=16).contains(&calls), "{calls} calls");
    assert_eq!(number(quell, "/incidents_waiting"), 0);
    for needle in quell["needles"].as_array().unwrap() {
        assert!(flag(needle, "is_prompt"), "{needle}");
        assert!(flag(needle, "is_above_noise"), "{needle}");
    }
}

#[test]
fn what_stands_out_within_a_rule_is_ranked_above_what_the_rule_says_all_day() {
    for flood in ["deployment:2000", "commands:2000"] {
        let report = simulated(&["--generate", flood, "--seed", "7", "--policy", "quell"]);
        for needle in report["quell"]["needles"].as_array().unwrap() {
            assert!(flag(needle, "is_above_noise"), "{flood}: {needle}");
            assert!(needle["model_verdict"].is_f64(), "{flood}: {needle}");
        }
    }
}

#[test]
fn serious_noise_starves_nothing_less_serious() {
    // Three hundred critical incidents are hours of work for the model.
    let report =
        simulated(&["--generate", "starvation:700", "--policy", "quell", "--verdict-tokens", "95"]);
    let queue = number(&report, "/quell/queue_max");
    assert!(queue < 64, "hundreds alike don't stand before what differs: {queue}");
    assert_needles_are_found(&report, "starvation");
    assert!(
        report["quell"]["needles"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["model_verdict"].is_f64())
    );
    // Of three kinds models see one each, and what differs; each of the hundreds has a verdict all the same.
    let quell = &report["quell"];
    let (asked, incidents) = (number(quell, "/model_calls"), number(quell, "/incidents"));
    assert!(incidents > 300, "{incidents} incidents");
    assert!((5..=6).contains(&asked), "{asked} calls");
    // What cannot be less: one for each needle.
    let on_needles = number(quell, "/needle_calls");
    assert_eq!(on_needles, quell["needles"].as_array().unwrap().len() as u64);
    assert!(number(quell, "/playbook_verdicts") + asked >= incidents);
    assert_eq!(number(quell, "/incidents_waiting"), 0);
}

#[test]
fn what_two_users_did_is_asked_about_twice() {
    let report = simulated(&["--generate", "fingerprint-collision:2000", "--policy", "quell"]);
    assert_needles_are_found(&report, "collision");
    for needle in report["quell"]["needles"].as_array().unwrap() {
        assert!(needle["model_verdict"].is_f64(), "{needle}");
    }
}

#[test]
fn the_recorded_flood_keeps_its_goals_and_a_hook_is_hours_late() {
    let flood = repository("fixtures/flood14k/alerts.json.gz");
    let truth = repository("fixtures/flood14k/truth.tsv");
    assert_flood(&flood, &truth);
}

#[track_caller]
fn assert_flood(flood: &Path, truth: &Path) {
    let report = simulated(&[flood.to_str().unwrap(), "--truth", truth.to_str().unwrap()]);
    assert_needles_are_found(&report, "the recorded flood");
    assert_eq!(report["quell"]["needles"].as_array().unwrap().len(), 8);
    assert_eq!(report["model"]["was_asked"], Value::Bool(false));
    let quell = &report["quell"];
    assert_conserved(&quell["counts"], 0);
    assert_eq!(number(quell, "/counts/accepted"), 14_067);
    assert!(number(quell, "/model_calls") <= 28, "0.2 % of the alerts: {}", quell["model_calls"]);
    let incidents = number(quell, "/incidents");
    assert!((9..=28).contains(&incidents), "{incidents} incidents");
    // Both ways: a first verdict that comes so soon may cost no model's verdict, and no more calls than incidents with news.
    assert_eq!(number(quell, "/incidents_waiting"), 0);
    assert!(number(quell, "/model_calls") <= incidents + 4, "{}", quell["model_calls"]);
    for part in ["first_median", "first_max"] {
        let times = report["sooner_than_baseline"][part].as_f64().unwrap();
        assert!(times >= 100.0, "{part}: {times} times sooner than the hook");
    }
    // The hook is asked about the scan alone, for hours, and never about a needle.
    assert_eq!(number(&report, "/baseline/calls"), 999);
    assert_eq!(number(&report, "/baseline/needles_judged"), 0);
    assert_eq!(number(&report, "/baseline_told/needles_judged"), 8);
    assert!(report["baseline"]["verdict"]["max"].as_f64().unwrap() > 2.0 * 3600.0);
    for needle in quell["needles"].as_array().unwrap() {
        assert!(needle["first_verdict"].as_f64().unwrap() < 62.0, "{needle}");
        assert!(needle["model_verdict"].as_f64().unwrap() < 600.0, "{needle}");
    }
}

#[test]
fn the_flood_beside_the_repository_keeps_its_goals_too() {
    let (Some(flood), Some(truth)) =
        (beside("data/flood14k.alerts.json.gz"), beside("data/flood14k.truth.tsv"))
    else {
        return;
    };
    assert_flood(&flood, &truth);
}

#[test]
fn ait_russellmitchell_shows_every_phase_that_left_an_alert_of_its_own() {
    // Nothing but updates of a virus scanner was reported during the scan of networks, and nothing but what comes every day during the
    // theft by DNS.
    ait("russellmitchell", &["network_scans"], &["network_scans", "dnsteal"]);
}

#[test]
fn ait_shaw_shows_every_phase_that_left_an_alert_of_its_own() {
    // Nothing but mail logins and updates was reported during the theft by DNS.
    ait("shaw", &["dnsteal"], &["dnsteal"]);
}

/// Plays a scenario of the AIT alert data set. `hidden` are the phases that may have no incident of their own, `low` those that may not be
/// ranked above nine tenths of the noise.
#[track_caller]
fn ait(scenario: &str, hidden: &[&str], low: &[&str]) {
    let dir = tempfile::TempDir::new().unwrap();
    let Some((alerts, truth)) = converted(scenario, dir.path()) else { return };
    let (alerts, truth) = (alerts.to_str().unwrap(), truth.to_str().unwrap());
    let report = simulated(&[alerts, "--truth", truth, "--policy", "quell"]);
    let quell = &report["quell"];
    assert_conserved(&quell["counts"], 0);
    let reduction = quell["reduction_percent"].as_f64().unwrap();
    assert!((99.0..99.95).contains(&reduction), "{reduction} % fewer incidents than alerts");
    let phases = quell["needles"].as_array().unwrap();
    assert_eq!(phases.len(), 10);
    for phase in phases {
        let name = phase["name"].as_str().unwrap();
        assert!(flag(phase, "is_own") || hidden.contains(&name), "{phase}");
        assert!(phase["first_verdict"].is_f64(), "{phase}");
        assert!(flag(phase, "is_above_noise") || low.contains(&name), "{phase}");
        let is_low = hidden.contains(&name) || name == "dnsteal";
        assert!(phase["model_verdict"].is_f64() || is_low, "a model judges it: {phase}");
    }
    let (calls, allowed) = (number(quell, "/model_calls"), number(quell, "/calls_of_goal"));
    assert!(calls <= allowed, "{calls} calls, 0.2 % are {allowed}");
    // The other way: whoever raises everything has raised nothing.
    let serious: u64 = quell["severities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|of| ["high", "critical"].contains(&of["severity"].as_str().unwrap()))
        .map(|of| number(of, "/incidents"))
        .sum();
    let incidents = number(quell, "/incidents");
    assert!(serious * 8 <= incidents, "{serious} of {incidents} incidents are serious");
}

#[test]
fn what_was_made_and_written_plays_again_the_same() {
    let dir = tempfile::TempDir::new().unwrap();
    let alerts = dir.path().join("alerts.json");
    let alerts = alerts.to_str().unwrap();
    let made = simulated(&["--generate", "same-rule-needle:300", "--seed", "5", "--write", alerts]);
    let truth = format!("{alerts}.truth.tsv");
    let read = simulated(&[alerts, "--truth", &truth]);
    assert_needles_are_found(&read, "read back");
    for part in ["counts", "needles", "severities", "calls", "queue"] {
        assert_eq!(made["quell"][part], read["quell"][part], "{part}");
    }
    assert_eq!(made["baseline"], read["baseline"]);
}

#[test]
fn a_hook_that_stands_alone_is_judged_by_needle_too() {
    let flood = ["simulate", "--generate", "starvation:200", "--seed", "7"];
    let alone = [&flood[..], &["--policy", "per-alert-fifo"]].concat();
    let said = run(&alone).expect_code(0).out;
    assert!(
        said.starts_with("200 alerts in ") && said.contains("starvation:200, seed 7"),
        "{said}"
    );
    let needles = said.split("\nneedles\n").nth(1).expect("a list of needles");
    assert!(needles.contains("if told of every needle"), "{needles}");
    assert_eq!(needles.matches(" behind serious noise ").count(), 2, "{needles}");
    // At its own level it is asked about neither of them.
    assert_eq!(needles.matches("never").count(), 2, "{needles}");
    let report = run([&alone[..], &["--json"]].concat()).expect_code(0).lines().remove(0);
    assert_eq!(number(&report, "/seed"), 7);
    assert_eq!(report["needle_names"].as_array().map(Vec::len), Some(2), "{report}");
    // Where no hook was played, none has a column.
    let said = run([&flood[..], &["--policy", "quell"]].concat()).expect_code(0).out;
    assert!(!said.contains("hook"), "{said}");
}

#[test]
fn a_file_that_breaks_off_is_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let broken = dir.path().join("half.json.gz");
    let whole = std::fs::read(repository("fixtures/flood14k/alerts.json.gz"));
    std::fs::write(&broken, &whole.unwrap()[..20_000]).unwrap();
    let said = run(["simulate", broken.to_str().unwrap()]).expect_code(3);
    assert!(said.err.contains("half.json.gz`: could not read the alerts"), "{}", said.err);
}

#[test]
fn a_truth_that_names_only_who_and_when_is_enough() {
    let dir = tempfile::TempDir::new().unwrap();
    let (alerts, table) = (dir.path().join("alerts.json"), dir.path().join("who.tsv"));
    let alerts = alerts.to_str().unwrap();
    for flood in ["same-rule-needle:300", "botnet:300", "slow-drip:300"] {
        simulated(&["--generate", flood, "--policy", "quell", "--write", alerts]);
        let truth = std::fs::read_to_string(format!("{alerts}.truth.tsv")).unwrap();
        let who_and_when: String = truth
            .lines()
            .map(|line| line.split('\t').skip(1).take(4).collect::<Vec<_>>().join("\t") + "\n")
            .collect();
        std::fs::write(&table, who_and_when).unwrap();
        let report = simulated(&[alerts, "--truth", table.to_str().unwrap(), "--policy", "quell"]);
        assert_needles_are_found(&report, flood);
    }
}

#[test]
fn a_model_that_fails_half_the_time_leaves_nothing_without_a_verdict() {
    let report = simulated(&[
        "--generate",
        "fingerprint-collision:300",
        "--policy",
        "quell",
        "--failure-rate",
        "0.5",
        "--seed",
        "3",
    ]);
    assert_needles_are_found(&report, "failures");
    // Each needle's call and one of the noise, and each that failed again.
    assert!(number(&report, "/quell/failed_calls") >= 2, "{}", report["quell"]["failed_calls"]);
    assert!(number(&report, "/quell/playbook_verdicts") > 0);
    assert_eq!(number(&report, "/quell/incidents_waiting"), 0);
    assert_conserved(&report["quell"]["counts"], 0);
}

#[test]
fn noise_that_keeps_coming_delays_no_needle() {
    let report = simulated(&[
        "--generate",
        "one-parameter:300",
        "--policy",
        "quell",
        "--keep-coming",
        "40",
        "--keep-coming-seconds",
        "30",
    ]);
    assert_eq!(number(&report, "/alerts"), 300 + 1200);
    assert_needles_are_found(&report, "noise goes on");
    for needle in report["quell"]["needles"].as_array().unwrap() {
        assert!(flag(needle, "is_prompt"), "{needle}");
    }
}

#[test]
fn more_noise_than_fits_is_refused_and_not_cut() {
    let flood = ["simulate", "--generate", "one-parameter:300", "--keep-coming", "50000"];
    let said = run(flood).expect_code(2);
    assert!(
        said.err.contains("are 6000000, and all alerts together may be 5000000"),
        "{}",
        said.err
    );
}

#[test]
fn the_plot_names_its_axes_and_needs_no_script() {
    let dir = tempfile::TempDir::new().unwrap();
    let plot = dir.path().join("ages.svg");
    simulated(&["--generate", "one-parameter:300", "--svg", plot.to_str().unwrap()]);
    let text = std::fs::read_to_string(plot).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    for wanted in
        ["<title>", "verdict age", "time since the start", "the hook", "needle", "critical"]
    {
        assert!(text.contains(wanted), "{wanted}");
    }
    assert!(!text.contains("<script") && !text.contains("NaN") && !text.contains("inf"));
}

#[test]
fn a_missed_goal_is_exit_code_1_and_wrong_usage_2() {
    // A sixth of the alerts are incidents of their own: far more calls than the goal allows.
    run(["simulate", "--generate", "botnet:300", "--policy", "quell", "--goals"]).expect_code(1);
    run(["simulate", "--generate", "botnet:300", "--policy", "quell"]).expect_code(0);
    run(["simulate"]).expect_code(2);
    run(["simulate", "--generate", "nonsense"]).expect_code(2);
    run(["simulate", "--generate", "botnet", "--parallel", "0"]).expect_code(2);
    run(["simulate", "no-such-file.json"]).expect_code(3);
}

#[test]
fn an_object_that_is_too_long_is_called_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.json");
    std::fs::write(&path, format!("[{}]\n", "{\"id\":\"1\"},".repeat(500_000))).unwrap();
    for command in ["simulate", "triage"] {
        let said = run([command, path.to_str().unwrap()]).expect_code(2);
        assert!(said.err.contains("no line is an alert: a line is longer than"), "{}", said.err);
        assert!(said.err.contains("each on a line of its own"), "{}", said.err);
    }
    std::fs::write(&path, "a raw log\n").unwrap();
    let said = run(["simulate", path.to_str().unwrap()]).expect_code(2);
    assert!(said.err.contains("quell detect FILE"), "{}", said.err);
}
