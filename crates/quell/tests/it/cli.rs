//! What a person reads at the command line, with no daemon anywhere.

use std::io::Read as _;
use std::process::Stdio;

use crate::command::{assert_conserved, number, quell, repository, run, run_with_input};

const COMMANDS: [&str; 9] =
    ["run", "demo", "triage", "status", "incidents", "config", "doctor", "completions", "man"];

#[test]
fn help_lists_every_command_and_each_explains_itself() {
    let all = run(["--help"]).expect_code(0);
    assert!(all.err.is_empty(), "{}", all.err);
    for command in COMMANDS {
        assert!(
            all.out.lines().any(|line| line.trim_start().starts_with(command)),
            "{command} is not in the help"
        );
        let own = run([command, "--help"]).expect_code(0);
        assert!(own.out.contains("Usage: quell ") && own.out.lines().count() > 5, "{}", own.out);
    }
    for (command, under) in [
        ("incidents", "list show close reopen note judge"),
        ("config", "check show reference example"),
    ] {
        let own = run([command, "--help"]).expect_code(0).out;
        for under in under.split(' ') {
            assert!(own.contains(under), "{command} {under} is not in the help");
            run([command, under, "--help"]).expect_code(0);
        }
    }
    assert!(
        all.out.contains(
            "Exit codes: 0 fine, 1 the answer is no, 2 usage or configuration, 3 environment"
        ),
        "{}",
        all.out
    );
}

#[test]
fn a_word_that_is_no_command_ends_with_code_2_and_a_suggestion() {
    let said = run(["triag"]).expect_code(2);
    assert!(said.err.contains("'triag'") && said.err.contains("triage"), "{}", said.err);
    assert!(said.out.is_empty());
    run(Vec::<&str>::new()).expect_code(2);
    run(["triage", "--level"]).expect_code(2);
}

#[test]
fn the_version_is_printed() {
    let said = run(["--version"]).expect_code(0);
    assert_eq!(said.out, format!("quell {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_configuration_is_told_by_file_and_line_all_mistakes_at_once() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("quell.toml");
    std::fs::write(&file, "[general]\ndata_dir = 7\n[policy]\nmin_level = 99\nmin_levle = 3\n")
        .unwrap();
    let said = run(["config", "check", "--config", file.to_str().unwrap()]).expect_code(2);
    let at = |line: &str| format!("{}:{line}:", file.display());
    for (line, what) in [("2", "general.data_dir"), ("4", "policy.min_level"), ("5", "min_levle")] {
        assert!(
            said.err.contains(&at(line)) && said.err.contains(what),
            "line {line}: {}",
            said.err
        );
    }
    assert!(said.err.contains("3 errors"), "{}", said.err);
    // Every command that reads it says the same.
    run(["status", "--config", file.to_str().unwrap()]).expect_code(2);
}

#[test]
fn a_right_configuration_is_shown_with_where_each_value_comes_from() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("quell.toml");
    std::fs::write(&file, "[policy]\nmin_level = 5\n").unwrap();
    run(["config", "check", "--config", file.to_str().unwrap()]).expect_code(0);
    let shown = quell()
        .args(["config", "show", "--config", file.to_str().unwrap()])
        .env("QUELL_JUDGE__CALLS_PER_MINUTE", "7")
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = |name: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name} in {shown}"))
    };
    assert!(
        line("min_level = 5").contains(&format!("{}:2", file.display())),
        "{}",
        line("min_level")
    );
    assert!(
        line("calls_per_minute = 7").contains("QUELL_JUDGE__CALLS_PER_MINUTE"),
        "{}",
        line("calls_per_minute")
    );
    assert!(line("log_format").contains("default"), "{}", line("log_format"));
}

#[test]
fn the_example_configuration_is_valid_and_the_reference_explains_it() {
    let example = run(["config", "example"]).expect_code(0).out;
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("quell.toml");
    std::fs::write(&file, &example).unwrap();
    let said = run(["config", "check", "--config", file.to_str().unwrap()]).expect_code(0);
    assert!(said.err.contains("0 warnings"), "{}", said.err);
    let reference = run(["config", "reference"]).expect_code(0).out;
    assert!(
        reference.contains("`general.data_dir`") && reference.contains("`egress.allowed_hosts`")
    );
}

#[test]
fn completions_and_manual_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(["completions", shell]).expect_code(0);
        assert!(said.out.contains("quell") && said.out.len() > 500, "{shell}: {}", said.out);
    }
    let manual = run(["man"]).expect_code(0).out;
    assert!(manual.contains(".TH quell"), "{}", manual.lines().take(5).collect::<String>());
}

#[test]
fn a_missing_alert_file_is_named_with_the_reason_and_then_a_hint() {
    let said = run(["triage", "nowhere.json", "--analyst", "playbook"]).expect_code(3);
    let error = said.err.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(
        error.contains("nowhere.json") && error.contains("No such file"),
        "the reason is not in the error:\n{}",
        said.err
    );
    assert!(said.err.lines().last().unwrap().starts_with("hint: "), "{}", said.err);
}

#[test]
fn an_empty_input_gives_a_summary_of_zeros() {
    let said =
        run_with_input(&["triage", "-", "--analyst", "playbook", "--json"], b"").expect_code(0);
    let lines = said.lines();
    assert_eq!(lines.len(), 1);
    for name in [
        "accepted",
        "folded",
        "own_output",
        "below_policy",
        "duplicate",
        "malformed",
        "waiting",
        "incidents",
        "campaigns",
        "model_calls",
    ] {
        assert_eq!(number(&lines[0], &format!("/summary/{name}")), 0, "{name}");
    }
}

#[test]
fn lines_that_are_no_alerts_are_counted_and_not_fatal() {
    let input = b"not json\n{}\n[1]\n\xff\xfe\n\n{\"rule\":{\"id\":\"5710\",\"level\":5}}\n";
    let said =
        run_with_input(&["triage", "-", "--analyst", "playbook", "--json"], input).expect_code(0);
    let summary = &said.lines().pop().unwrap()["summary"];
    assert_eq!(
        (number(summary, "/accepted"), number(summary, "/malformed"), number(summary, "/folded")),
        (5, 4, 1)
    );
    assert_conserved(summary, 0);
}

#[test]
fn a_reader_that_has_seen_enough_is_left_in_peace() {
    let flood = repository("fixtures/flood14k/alerts.json.gz");
    let long = [
        vec!["config", "reference"],
        vec!["man"],
        vec!["triage", flood.to_str().unwrap(), "--analyst", "playbook", "--json"],
    ];
    for arguments in long {
        let mut child =
            quell().args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
    }
}

#[test]
fn an_output_that_takes_nothing_is_named() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = quell().arg("man").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("could not write to standard output: No space left"), "{said}");
}

#[test]
fn nothing_is_coloured_whether_or_not_no_color_is_set() {
    let alerts = crate::sample::flood()[..50].join("\n");
    for value in [None, Some("1")] {
        let mut command = quell();
        command
            .args(["triage", "-", "--analyst", "playbook"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match value {
            Some(value) => command.env("NO_COLOR", value),
            None => command.env_remove("NO_COLOR"),
        };
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), alerts.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    }
}

#[test]
fn the_name_of_an_incident_is_never_broken_and_a_pipe_gets_one_line_for_each() {
    let dir = tempfile::TempDir::new().unwrap();
    let alerts = dir.path().join("alerts.json");
    std::fs::write(&alerts, crate::sample::flood().join("\n")).unwrap();
    for (columns, is_broken) in [(None, false), (Some("80"), true)] {
        let mut command = quell();
        command.arg("triage").arg(&alerts).args(["--analyst", "playbook"]).env_remove("COLUMNS");
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        let table = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let names: Vec<&str> =
            table.split_whitespace().filter(|word| word.starts_with("Q-2026")).collect();
        assert_eq!(names.len(), 12, "{table}");
        let length = "Q-20261124-142643-1e1fe020ee".len();
        assert!(names.iter().all(|name| name.len() == length), "{table}");
        // A heading, a line below it, the incidents: twice as many only where somebody looks at 80 columns.
        assert_eq!(table.lines().count(), if is_broken { 27 } else { 14 }, "{table}");
        if columns.is_some() {
            assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        }
    }
}

#[test]
fn a_raw_log_in_place_of_alerts_is_named_as_such() {
    let log = b"192.0.2.1 - - [24/Nov/2026:14:16:37 +0000] \"GET / HTTP/1.1\" 200 66\n";
    for command in ["triage", "simulate"] {
        let said = run_with_input(&[command, "-"], log).expect_code(2);
        assert!(said.err.contains("error: no line is an alert"), "{}", said.err);
        assert!(said.err.contains("hint: ") && said.err.contains("quell detect"), "{}", said.err);
        assert_eq!(said.out, "");
    }
    // Nothing at all is an empty list, and one alert among other lines is taken.
    run_with_input(&["triage", "-", "--analyst", "playbook"], b"").expect_code(0);
    let mixed = format!("no alert\n{}\n", crate::sample::flood()[0]);
    let said = run_with_input(&["triage", "-", "--analyst", "playbook"], mixed.as_bytes());
    assert!(said.expect_code(0).err.contains("2 alerts = 1 folded"));
}

#[test]
fn the_demo_shows_the_flood_as_a_handful_of_incidents() {
    let said = run(["demo", "--analyst", "playbook"]).expect_code(0);
    assert!(
        said.out.contains("sql_injection") && said.out.contains("command_injection"),
        "{}",
        said.out
    );
    assert!(said.err.contains("14067 alerts = 14067 folded"), "{}", said.err);
}

#[test]
fn an_analyst_that_must_be_a_model_and_is_not_there_is_an_error() {
    let said = run_with_input(
        &["triage", "-", "--analyst", "model", "--model-url", "http://127.0.0.1:9"],
        b"",
    )
    .expect_code(3);
    assert!(said.err.contains("no model answers") && said.err.contains("hint: "), "{}", said.err);
}

#[test]
fn a_verdict_of_the_playbook_says_which_model_could_not_be_used_and_why() {
    let alert = br#"{"id":"1.1","rule":{"id":"5710","level":5,"description":"sshd: bad user"},"agent":{"id":"001","name":"a"},"data":{"srcip":"203.0.113.9"}}"#;
    let reason = |arguments: &[&str]| {
        let said = run_with_input(arguments, alert).expect_code(0);
        said.lines()[0]["verdict"]["playbook_reason"].as_str().unwrap().to_owned()
    };
    let unreachable = reason(&["triage", "-", "--json", "--model-url", "http://127.0.0.1:9"]);
    assert!(unreachable.starts_with("the model `named` can't be used: "), "{unreachable}");
    assert!(unreachable.contains("http://127.0.0.1:9"), "{unreachable}");
    let chosen = reason(&["triage", "-", "--json", "--analyst", "playbook"]);
    assert_eq!(chosen, "the playbook was asked for (`--analyst playbook`)");
}
