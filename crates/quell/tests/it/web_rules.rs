//! Quell's own rules: their tests hold, each rule has a line that must end with it and a near one that must not, and the program carries
//! the rules.
//!
//! The stock rules are not part of this repository, so what calms them is tested beside stand-ins that cry wolf as they do. With the real
//! ones at hand: `quell rules test --ruleset WAZUH --ruleset rules rules/tests rules/stock_tests`.

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

/// Writes stand-ins for stock rules that cry wolf as the real ones do into a folder, and gives the arguments that load them with Quell's.
fn beside_wolves(dir: &Path) -> Vec<String> {
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
    let unused = "<rule id=\"31508\" level=\"0\" noalert=\"1\"><if_sid>31100</if_sid>\
                  <match>quell-base-never-written</match>";
    assert!(rules.contains(unused));
    let tool =
        "<rule id=\"31508\" level=\"6\"><if_sid>31100</if_sid><match> \"libwww-perl/</match>";
    rules = rules.replace(unused, tool);
    let taken = "<rule id=\"11310\" level=\"0\" noalert=\"1\"><if_sid>31100</if_sid>\
                 <match>quell-base-never-written</match>";
    assert!(rules.contains(taken));
    let taker = "<rule id=\"11310\" level=\"0\"><decoded_as>pure-transfer</decoded_as>";
    rules = rules.replace(taken, taker);
    let decoder = "<decoder name=\"pure-transfer\">\n  \
                   <prematch type=\"pcre2\">\\] \"\\w+ \\S+\" </prematch>\n</decoder>\n";
    let named = |name: &str| dir.join(name).display().to_string();
    std::fs::write(named("wolf_decoders.xml"), decoder).unwrap();
    std::fs::write(named("wolf_rules.xml"), rules).unwrap();
    let base = repository("crates/quell/src/rulebook").display().to_string();
    let files = [
        format!("{base}/base_decoders.xml"),
        format!("{base}/base_rules.xml"),
        named("wolf_decoders.xml"),
        named("wolf_rules.xml"),
        own_rules(),
    ];
    files.into_iter().flat_map(|file| ["--ruleset".to_owned(), file]).collect()
}

#[test]
fn what_calms_stock_rules_holds_beside_rules_that_cry_wolf_as_they_do() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut arguments = vec!["rules".to_owned(), "test".to_owned()];
    arguments.extend(beside_wolves(dir.path()));
    arguments.push(repository("rules/stock_tests").display().to_string());
    let said = run(arguments).expect_code(0);
    assert!(said.out.contains(" passed, 0 failed"), "{}", said.out);
}

/// What a proof of rules lacks: each rule with what is missing.
fn lacking(ruleset: &[String], prove: &str, tests: &str) -> Vec<(u32, String)> {
    let mut arguments: Vec<String> =
        ["rules", "coverage", "--json", "--prove", prove].map(str::to_owned).into();
    arguments.extend_from_slice(ruleset);
    arguments.push(tests.to_owned());
    let said = run(arguments);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let lacking: Vec<(u32, String)> = report["proof"]["lacking"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap().parse().unwrap(), rule["parts"].to_string()))
        .collect();
    assert_eq!(said.code, i32::from(!lacking.is_empty()), "{}", said.err);
    lacking
}

/// These hang below stock rules that the program has no working stand-ins for, and have their tests in `rules/stock_tests`.
const BESIDE_STOCK: [u32; 12] = [
    116_202, 116_120, 116_180, 116_181, 116_182, 116_183, 116_184, 116_185, 116_186, 116_187,
    116_188, 116_189,
];

/// Each rule has a line that must end with it, and a near one that comes to it and must not. A rule that is named here needs another
/// sample: in a sign of `rules/signs` (`attack`, `harmless`; for its rule about headers, id + 1000, one with a mark that the gate for
/// headers lets through), or by hand in `rules/tests`.
#[test]
fn each_rule_has_a_line_that_must_end_with_it_and_a_near_one_that_must_not() {
    let tests = repository("rules/tests").display().to_string();
    let alone = ["--ruleset".to_owned(), own_rules()];
    let mut open = lacking(&alone, &own_rules(), &tests);
    open.retain(|(id, _)| !BESIDE_STOCK.contains(id));
    let dir = tempfile::TempDir::new().unwrap();
    let tests = repository("rules/stock_tests").display().to_string();
    let beside = lacking(&beside_wolves(dir.path()), &own_rules(), &tests);
    open.extend(beside.into_iter().filter(|(id, _)| BESIDE_STOCK.contains(id)));
    assert!(open.is_empty(), "{open:#?}");
}

/// The classes that a rule about an attack may have.
const CLASSES: [&str; 16] = [
    "sql_injection",
    "xss",
    "command_injection",
    "path_traversal",
    "file_inclusion",
    "ssti",
    "ssrf",
    "log4shell",
    "code_injection",
    "open_redirect",
    "xxe",
    "nosql_injection",
    "scanner",
    "forced_browsing",
    "brute_force",
    "webshell",
];

/// What a rule says of itself, as its file has it.
struct Said {
    id: u32,
    level: u8,
    groups: Vec<String>,
    mitre: Vec<String>,
}

/// Reads all rules of one file. The files are this repository's own, with an element a line.
fn said_in(file: &Path) -> Vec<Said> {
    let text = std::fs::read_to_string(file).unwrap();
    let names = |list: &str| list.split_terminator(',').map(str::to_owned).collect::<Vec<_>>();
    let mut around = Vec::new();
    let mut said: Vec<Said> = Vec::new();
    for line in text.lines() {
        let attribute = |name: &str| {
            let value = line.split(&format!(" {name}=\"")).nth(1)?;
            value.split('"').next()
        };
        let within = |name: &str| {
            line.trim().strip_prefix(&format!("<{name}>"))?.strip_suffix(&format!("</{name}>"))
        };
        if line.starts_with("<group ") {
            around = names(attribute("name").unwrap());
        } else if line.trim_start().starts_with("<rule ") {
            let [id, level] = ["id", "level"].map(|name| attribute(name).unwrap());
            let (id, level) = (id.parse().unwrap(), level.parse().unwrap());
            said.push(Said { id, level, groups: around.clone(), mitre: Vec::new() });
        } else if let Some(list) = within("group") {
            said.last_mut().unwrap().groups.extend(names(list));
        } else if let Some(id) = within("id")
            && id.starts_with('T')
        {
            said.last_mut().unwrap().mitre.push(id.to_owned());
        }
    }
    said
}

/// Whoever reads on (a dashboard, Quell's triage, the score) goes by the class. "Template Injection" of the framework is about documents
/// of an office, whatever its name seems to say of web pages.
#[test]
fn each_rule_about_an_attack_has_one_class_and_a_technique() {
    let (mut attacks, mut wrong) = (0, Vec::new());
    for kind in ["base", "attacks", "correlation", "calm"] {
        for rule in said_in(&repository("rules").join(format!("quell_web_{kind}.xml"))) {
            let has = |name: &str| rule.groups.iter().any(|group| group == name);
            let classes = CLASSES.iter().filter(|class| has(class)).count();
            let is_attack = has("web_attack") && rule.level > 0;
            attacks += usize::from(is_attack);
            let is_right = match is_attack {
                true => classes == 1 && !rule.mitre.is_empty(),
                false => classes == 0,
            };
            if !is_right || rule.mitre.iter().any(|id| id == "T1221") {
                wrong.push((rule.id, rule.groups, rule.mitre));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(attacks > 500, "{attacks}");
}

/// Runs a proof of the rules for results with changed tests, and says what one rule lacks.
fn lacks_with(change: impl Fn(&str) -> String, rule: u32) -> String {
    let tests = std::fs::read_to_string(repository("rules/tests/quell_results.ini")).unwrap();
    let changed = change(&tests);
    assert_ne!(changed, tests);
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("changed.ini").display().to_string();
    std::fs::write(&file, changed).unwrap();
    let rules = repository("rules/quell_results.xml").display().to_string();
    let found = lacking(&["--ruleset".to_owned(), own_rules()], &rules, &file);
    assert!(found.iter().all(|(id, _)| *id == rule), "{found:#?}");
    found.into_iter().map(|(_, parts)| parts).collect()
}

/// Changes the samples of one kind in the sections about one rule.
fn each_sample(
    tests: &str,
    rule: u32,
    kind: &str,
    change: impl Fn(&str) -> Option<String>,
) -> String {
    let is_about = |section: &&str| section.contains(&format!("rule = {rule}\n"));
    let of_kind = |line: &str| line.starts_with("log ") && line.contains(&format!(" {kind} = "));
    let mut text = String::new();
    for section in tests.split_inclusive("decoder = json\n") {
        for line in section.split_inclusive('\n') {
            match is_about(&section) && of_kind(line) {
                true => text.extend(change(line)),
                false => text.push_str(line),
            }
        }
    }
    text
}

#[test]
fn a_rule_without_its_samples_is_named() {
    let without =
        |kind: &'static str| move |tests: &str| each_sample(tests, 116_931, kind, |_| None);
    assert!(lacks_with(without("pass"), 116_931).contains("`pass` sample ends with it"));
    assert!(lacks_with(without("fail"), 116_931).contains("`fail` sample comes to it"));
}

#[test]
fn a_line_that_never_comes_to_the_rule_shows_nothing() {
    let elsewhere =
        |line: &str| Some(line.replace("\"integration\":\"quell\"", "\"integration\":\"x\""));
    let lacks = lacks_with(|tests| each_sample(tests, 116_931, "fail", elsewhere), 116_931);
    assert!(lacks.contains("never comes to the rule"), "{lacks}");
}

#[test]
fn a_line_that_has_nothing_to_do_with_the_rule_shows_nothing() {
    let bare = |_: &str| Some("log 9 fail = {\"integration\":\"quell\",\"quell\":{}}\n".to_owned());
    let lacks = lacks_with(|tests| each_sample(tests, 116_907, "fail", bare), 116_907);
    assert!(lacks.contains("no word and no mark in common"), "{lacks}");
}

#[test]
fn what_must_not_get_past_a_gate_fails_where_it_does() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("gate.ini").display().to_string();
    let sample = |target: &str| {
        format!(
            "[a gate]\nlog 1 fail = 192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] \"GET {target} HTTP/1.1\" 404 5 \"-\" \"-\"\n\
             rule = 116200\nalert = 0\ndecoder = web-accesslog\n"
        )
    };
    std::fs::write(&file, sample("/shop/list?item=tea")).unwrap();
    run(["rules", "test", "--ruleset", &own_rules(), &file]).expect_code(0);
    std::fs::write(&file, sample("/shop/list?item=tea;")).unwrap();
    let said = run(["rules", "test", "--ruleset", &own_rules(), &file]).expect_code(1);
    assert!(said.out.contains("gets past rule 116200"), "{}", said.out);
}

#[test]
fn without_a_ruleset_and_without_wazuh_the_rules_of_the_program_are_taken_and_that_is_said_once() {
    if has_wazuh() {
        return;
    }
    let said = run_with_input(&["detect", "-"], LINES.as_bytes()).expect_code(0);
    assert_eq!(said.err.matches(CARRIED).count(), 1, "{}", said.err);
    let ids: Vec<Value> = said.lines().iter().map(|alert| alert["rule"]["id"].clone()).collect();
    assert_eq!(ids, ["116151", "116153"]);
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
        "<group name=\"local,\"><rule id=\"116990\" level=\"12\"><if_sid>116151</if_sid>\
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
    assert!(said.out.contains("116990"), "{}", said.out);
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
    assert_eq!(levels(&lines), [10, 14, 12, 14]);
}

/// Runs lines through the rules as the manager would and gives the level of each alert.
fn levels(lines: &str) -> Vec<Value> {
    let said = run_with_input(&["detect", "--ruleset", &own_rules(), "-"], lines.as_bytes())
        .expect_code(0);
    said.lines().iter().map(|alert| alert["rule"]["level"].clone()).collect()
}

#[test]
fn an_answered_attack_after_a_scan_of_djangos_server_is_told_once_a_minute() {
    let line = |second: u32, target: &str, status: u32| {
        let (minute, second) = (16 + second / 60, second % 60);
        format!("[24/Nov/2026 14:{minute}:{second:02}] \"GET {target} HTTP/1.1\" {status} 96\n")
    };
    let attack = "/search/?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E";
    let mut lines: String = (0..60).map(|word| line(word, &format!("/word{word}"), 404)).collect();
    lines.extend([70, 80, 140].map(|second| line(second, attack, 200)));
    let levels = levels(&lines);
    assert_eq!(levels[59..], [11, 13, 12, 13]);
}

#[test]
fn whoever_is_let_in_by_http_after_guessing_is_told_once_a_minute() {
    let line = |second: u32, status: u32| {
        let (minute, second) = (16 + second / 60, second % 60);
        format!(
            "192.0.2.1 - admin [24/Nov/2026:14:{minute}:{second:02} +0000] \"GET /private/ HTTP/1.1\" \
             {status} 66 \"-\" \"Mozilla/5.0\"\n"
        )
    };
    let mut lines: String = (0..8).map(|second| line(second, 401)).collect();
    // What follows within the minute is the ordinary page that it is.
    lines.extend([20, 30, 40, 90].map(|second| line(second, 200)));
    let levels = levels(&lines);
    assert_eq!(levels[7..], [10, 13, 13]);
}

/// The figures are kept by hand, and one of three was old.
#[test]
fn the_readme_of_the_rules_says_how_many_rules_and_samples_there_are() {
    let readme = std::fs::read_to_string(repository("rules/README.md")).unwrap();
    let rules: usize = ["base", "attacks", "correlation", "calm"]
        .map(|kind| format!("quell_web_{kind}.xml"))
        .iter()
        .chain([&"quell_results.xml".to_owned()])
        .map(|file| said_in(&repository("rules").join(file)).len())
        .sum();
    let passed = |said: &str| -> usize {
        let before = said.split(" passed, 0 failed").next().unwrap();
        before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let tests = repository("rules/tests").display().to_string();
    let alone = passed(&run(["rules", "test", "--ruleset", &own_rules(), &tests]).out);
    let dir = tempfile::TempDir::new().unwrap();
    let mut beside: Vec<String> = ["rules", "test"].map(str::to_owned).into();
    beside.extend(beside_wolves(dir.path()));
    beside.push(repository("rules/stock_tests").display().to_string());
    let all = alone + passed(&run(beside).out);
    let grouped = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    for told in [
        format!("Each of the {rules} rules"),
        format!("In all {} samples, {} of them", grouped(all), grouped(alone)),
        format!("# {} samples in", grouped(alone)),
    ] {
        assert!(readme.contains(&told), "rules/README.md does not say `{told}`");
    }
}

/// Wazuh's own guide and what people made of it number from 100001 on, 116200 among them, and `local_rules.xml` is read before Quell's
/// files: of two rules with a number the first stays, and whatever hangs below the second would hang below a stranger's.
#[test]
fn rules_with_the_numbers_that_everybody_takes_do_not_switch_the_detection_off() {
    let dir = tempfile::TempDir::new().unwrap();
    let local: String = (100_001..102_000)
        .map(|id| {
            format!(
                "<rule id=\"{id}\" level=\"7\"><match>never seen here</match>\
                 <description>File modified in a folder.</description></rule>\n"
            )
        })
        .collect();
    let file = dir.path().join("local_rules.xml").display().to_string();
    std::fs::write(&file, format!("<group name=\"local,\">\n{local}</group>\n")).unwrap();
    let rules = own_rules();
    run(["rules", "check", &file, &rules]).expect_code(0);
    let lines = "192.0.2.1 - - [24/Nov/2026:14:16:37 +0000] \
                 \"GET /product/?id=1'+union+select+1,2 HTTP/1.1\" 200 66 \"-\" \"Mozilla/5.0\"\n";
    let said =
        run_with_input(&["detect", "--ruleset", &file, "--ruleset", &rules, "-"], lines.as_bytes())
            .expect_code(0);
    let alerts = said.lines();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["rule"]["level"], 12);
    // The README names the numbers, and no rule has another.
    for kind in ["base", "attacks", "correlation", "calm"] {
        for rule in said_in(&repository("rules").join(format!("quell_web_{kind}.xml"))) {
            assert!((116_100..117_700).contains(&rule.id), "{}", rule.id);
        }
    }
}
