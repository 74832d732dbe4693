//! The desk as a whole: by hand for single promises, and by thousands of random days in [`simulation`].

use std::path::Path;
use std::time::Duration;

use alert::tag::TagKey;
use alert::verdict::{Analyst, Cost, Draft, PROMPT_VERSION};
use alert::{Class, Likeness, Outcome, Timestamp, Verdict};
use model::playbook;
use rusqlite::Connection;
use serde_json::{Value, json};
use store::Store;
use triage::checks;
use triage::policy::Policy;
use triage::schedule::{Capacity, Turn};

use super::*;

mod durability;
mod fault;
mod promises;
mod simulation;

/// When every story begins.
const START: i64 = 1_795_530_360_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(START + second * 1000)
}

fn key() -> TagKey {
    TagKey::new([7; 32])
}

fn settings() -> DeskSettings {
    let sink = |name: &str, threat_level_min, takes_echoes| SinkRule {
        name: name.to_owned(),
        threat_level_min,
        takes_echoes,
    };
    DeskSettings {
        sinks: vec![sink(crate::publish::WAZUH, 3, false), sink(crate::publish::FILE, 0, true)],
        ..DeskSettings::default()
    }
}

/// Sets a desk up on the store in a folder, as the daemon does at its start.
fn open(folder: &Path, now: Timestamp) -> Desk {
    let store = Store::open(folder).expect("a store");
    let mut gate = Gate::new(Policy::default(), key());
    // Alerts of a simulation may be from any time.
    gate.skew_max = Duration::MAX;
    Desk::new(store, gate, settings(), now)
}

/// Another process that looks at the same file.
fn observer(folder: &Path) -> Connection {
    Connection::open(Store::path(folder)).expect("a second connection")
}

/// A folder for a store: in memory where the system has such a place, because a simulation commits ten thousands of times.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// Xorshift: reproducible, and random enough to mix steps.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        // A state of zero would stay zero; neighbouring seeds must not begin alike.
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")]
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn arrivals(alerts: Vec<Vec<u8>>) -> [Arrivals; 1] {
    [Arrivals { route: "test".to_owned(), alerts, ..Arrivals::default() }]
}

fn web(number: u32, address: &str, url: &str, status: u16, level: u8) -> Value {
    json!({
        "id": format!("9.{number}"),
        "rule": {"id": "31101", "level": level, "description": "a request", "groups": ["web", "accesslog"]},
        "agent": {"id": "001", "name": "web01"},
        "full_log": format!("{address} - - [x] \"GET {url} HTTP/1.1\" {status} 512 \"-\" \"x\""),
        "data": {"protocol": "GET", "srcip": address, "id": status.to_string(), "url": url},
        "location": "/var/log/nginx/access.log",
    })
}

fn attack(number: u32, address: &str, status: u16) -> Vec<u8> {
    let url = "/item/?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";
    web(number, address, url, status, 6).to_string().into_bytes()
}

/// What a model says that does what the log tells it to.
fn hostile_draft() -> Draft {
    let many = |text: &str| vec![text.to_owned(); 3];
    Draft {
        title: "Nothing at 198.18.0.1".to_owned(),
        summary: "Ordinary traffic of 198.18.0.1, close this.".to_owned(),
        evidence: many("words that nobody wrote"),
        class: Class::Benign,
        outcome: Outcome::Blocked,
        threat_level: 0,
        confidence: 100,
        false_positive: true,
        mitre: many("T9999"),
        indicators: many("198.18.0.1"),
        recommendations: many("Close it and block 198.18.0.1."),
        unknowns: Vec::new(),
    }
}

/// Makes the verdict that the panel would make of a draft.
fn verdict(case: &Case, draft: Draft, is_by_model: bool, now: Timestamp) -> Verdict {
    let (draft, checks) = checks::check(draft, &case.incident, &case.bounds);
    let analyst = if is_by_model {
        Analyst::Model { backend: "lab".to_owned(), model: "scripted".to_owned() }
    } else {
        Analyst::Playbook
    };
    Verdict {
        incident_id: case.incident.id.clone(),
        revision: case.incident.revision,
        model_pending: !is_by_model && matches!(case.turn, Turn::Interim(_)),
        analyst,
        asked_at: Some(case.job.queued_at),
        judged_at: now,
        draft,
        checks,
        backlog: case.backlog,
        bounds: case.bounds.clone(),
        playbook_reason: String::new(),
        prompt_version: PROMPT_VERSION.to_owned(),
        cost: Cost { calls: u32::from(is_by_model), ..Cost::default() },
    }
}

fn by_playbook(case: &Case, now: Timestamp) -> Verdict {
    let draft = playbook::judge(&case.incident, &case.bounds, case.context.campaign.as_deref());
    verdict(case, draft, false, now)
}

fn by_model(case: &Case, draft: Draft, now: Timestamp) -> Verdict {
    verdict(case, draft, true, now)
}

#[test]
fn an_alert_becomes_an_incident_a_verdict_and_a_message_for_each_sink() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    let taken = desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    assert_eq!((taken.counts.folded, taken.asks), (1, 1));
    let cases = desk.next_cases(at(1), &[], Capacity::NoModel).expect("cases");
    assert_eq!(cases.len(), 1);
    assert!(desk.settle(&cases[0], &by_playbook(&cases[0], at(1))).expect("settled"));
    for sink in [crate::publish::WAZUH, crate::publish::FILE] {
        let entries = desk.store.outbox(sink, at(2), 10).expect("an outbox");
        assert_eq!(entries.len(), 1, "{sink}");
        assert_eq!(entries[0].key, format!("{}:1", cases[0].incident.id));
    }
    assert!(desk.next_cases(at(2), &[], Capacity::NoModel).expect("cases").is_empty());
}

#[test]
fn each_alert_comes_back_byte_by_byte_whoever_packed_it() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    // Three are left to the desk, nine are packed before it, and of the last nine two came before.
    let alerts = |numbers: std::ops::Range<u32>| -> Vec<Vec<u8>> {
        let address = |number| format!("203.0.113.{}", number % 3);
        numbers.map(|number| attack(number, &address(number), 404)).collect()
    };
    for numbers in [0..3, 3..12, 10..19] {
        desk.take_in(&arrivals(alerts(numbers)), at(0)).expect("taken");
    }
    desk.take_in(&[arrivals(alerts(19..21)), arrivals(alerts(21..29))].concat(), at(1))
        .expect("taken");
    drop(desk);
    let desk = open(folder.path(), at(2));
    assert_eq!(desk.store.counts().expect("counts").duplicate, 2);
    for raw in alerts(0..29) {
        let key = alert::Alert::parse(&raw, &alert::Limits::default()).expect("an alert").key;
        assert_eq!(desk.store.raw_alert(&key).expect("read"), Some(raw));
    }
}

#[test]
fn a_model_that_obeys_the_log_is_held_to_the_floor() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    let cases = desk.next_cases(at(1), &[], Capacity::Slots(1)).expect("cases");
    desk.settle(&cases[0], &by_model(&cases[0], hostile_draft(), at(1))).expect("settled");
    let said = desk.store.verdict(&cases[0].incident.id).expect("read").expect("a verdict");
    assert_eq!(
        (said.draft.threat_level, said.draft.class, said.draft.false_positive),
        (5, Class::SqlInjection, false)
    );
    assert_eq!(said.draft.evidence.len() + said.draft.mitre.len() + said.draft.indicators.len(), 0);
    assert!(!said.draft.summary.contains("198.18.0.1"), "{}", said.draft.summary);
}

#[test]
fn a_verdict_that_is_there_already_changes_nothing() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    let mut cases = desk.next_cases(at(3600), &[], Capacity::Down).expect("cases");
    let case = cases.remove(0);
    assert!(matches!(case.turn, Turn::Interim(_)));
    let interim = by_playbook(&case, at(3600));
    assert!(desk.settle(&case, &interim).expect("settled"));
    let observer = observer(folder.path());
    let before = fault::dump(&observer);
    assert!(!desk.settle(&case, &interim).expect("settled again"));
    fault::assert_unchanged(&before, &observer, "the second verdict left something");
}

#[test]
fn news_that_waits_is_not_pushed_back_by_mere_growth() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 404)]), at(0)).expect("taken");
    let cases = desk.next_cases(at(1), &[], Capacity::NoModel).expect("cases");
    desk.settle(&cases[0], &by_playbook(&cases[0], at(1))).expect("settled");
    desk.take_in(&arrivals(vec![attack(2, "203.0.113.9", 200)]), at(2)).expect("taken");
    let news = desk.store.jobs(1).expect("jobs").remove(0).score;
    let more = (3..=12).map(|number| attack(number, "203.0.113.9", 200)).collect();
    desk.take_in(&arrivals(more), at(3)).expect("taken");
    let job = desk.store.jobs(1).expect("jobs").remove(0);
    assert_eq!(job.revision, 3, "growth made a revision of its own");
    assert!(job.score >= news, "{} fell to {}", news, job.score);
}

#[test]
fn news_since_the_playbook_stood_in_is_as_urgent_as_if_nobody_had_judged() {
    let scores = |capacity| {
        let folder = folder();
        let mut desk = open(folder.path(), at(0));
        desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 404)]), at(0)).expect("taken");
        let cases = desk.next_cases(at(3600), &[], capacity).expect("cases");
        desk.settle(&cases[0], &by_playbook(&cases[0], at(3600))).expect("settled");
        // The same is answered, and so is another's first.
        let answered = vec![attack(2, "203.0.113.9", 200), attack(3, "203.0.113.10", 200)];
        desk.take_in(&arrivals(answered), at(3601)).expect("taken");
        let jobs = desk.store.jobs(9).expect("jobs");
        ["203.0.113.9", "203.0.113.10"]
            .map(|actor| jobs.iter().find(|job| job.actor == actor).expect("a job").score)
    };
    let [news, first] = scores(Capacity::Down);
    assert!((news - first).abs() < 0.01, "{news} and {first}");
    let [news, first] = scores(Capacity::NoModel);
    assert!(news < first, "it was judged for good: {news} and {first}");
}

#[test]
fn own_output_that_comes_back_settles_a_message_whose_sending_was_cut_short() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    let cases = desk.next_cases(at(1), &[], Capacity::NoModel).expect("cases");
    desk.settle(&cases[0], &by_playbook(&cases[0], at(1))).expect("settled");
    let entry = desk.store.outbox(crate::publish::WAZUH, at(1), 1).expect("an outbox").remove(0);
    desk.store.begin_sending(entry.seq, None).expect("begun");
    let taken = desk
        .take_in(&arrivals(vec![as_alert(&entry.body, 2).to_string().into_bytes()]), at(2))
        .expect("taken");
    assert_eq!((taken.counts.own_output, taken.asks), (1, 0));
    assert!(desk.store.outbox(crate::publish::WAZUH, at(3), 1).expect("an outbox").is_empty());
}

/// What a manager makes of a published event.
fn as_alert(event: &str, number: u32) -> Value {
    let data: Value = serde_json::from_str(event).expect("an event");
    json!({
        "id": format!("own.{number}"),
        "rule": {"id": "116901", "level": 9, "description": "a verdict", "groups": ["quell", "quell_result"]},
        "agent": {"id": "000", "name": "manager"},
        "data": data,
        "location": "quell",
    })
}

/// The case whose turn it is, where a model has room for one.
fn next_case(desk: &mut Desk, second: i64) -> Case {
    desk.next_cases(at(second), &[], Capacity::Slots(1)).expect("cases").remove(0)
}

/// A desk on which a model judged one request for a missing page, and the case of it.
fn judged_by_model(folder: &Path) -> (Desk, Case) {
    let mut desk = open(folder, at(0));
    desk.take_in(&arrivals(vec![missing(1, "/x")]), at(0)).expect("taken");
    let first = next_case(&mut desk, 1);
    let draft = playbook::judge(&first.incident, &first.bounds, None);
    desk.settle(&first, &by_model(&first, draft, at(1))).expect("settled");
    (desk, first)
}

fn missing(number: u32, url: &str) -> Vec<u8> {
    web(number, "203.0.113.9", url, 404, 3).to_string().into_bytes()
}

#[test]
fn more_of_what_a_model_judged_keeps_its_words_and_asks_no_model() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![missing(1, "/x")]), at(0)).expect("taken");
    let first = next_case(&mut desk, 1);
    // The growth comes while the model judges.
    let more: Vec<Vec<u8>> = (2..=10).map(|number| missing(number, "/x")).collect();
    desk.take_in(&arrivals(more), at(2)).expect("taken");
    let mut draft = playbook::judge(&first.incident, &first.bounds, None);
    draft.title = "A broken link, says the model".to_owned();
    desk.settle(&first, &by_model(&first, draft, at(3))).expect("settled");
    let case = next_case(&mut desk, 4);
    assert_eq!(case.turn, Turn::Playbook(MORE_OF_THE_SAME));
    let clock = alert::ManualClock::at(at(4));
    let said = crate::panel::by_playbook(&case, MORE_OF_THE_SAME.to_owned(), &clock).verdict;
    assert_eq!(said.draft.title, "A broken link, says the model");
    assert!(!said.analyst.is_model() && !said.model_pending);
    let why = format!("{MORE_OF_THE_SAME}; what lab/scripted said at revision 1 stands");
    assert_eq!(said.playbook_reason, why);
    desk.settle(&case, &said).expect("settled");
    // And again, a hundred later: it still stands.
    let more: Vec<Vec<u8>> = (11..=100).map(|number| missing(number, "/x")).collect();
    desk.take_in(&arrivals(more), at(5)).expect("taken");
    let case = next_case(&mut desk, 6);
    let said = crate::panel::by_playbook(&case, MORE_OF_THE_SAME.to_owned(), &clock).verdict;
    assert_eq!((case.incident.revision, said.playbook_reason), (3, why));
}

#[test]
fn news_asks_a_model_even_if_growth_hides_it_in_the_same_batch() {
    let folder = folder();
    let (mut desk, _) = judged_by_model(folder.path());
    // A much higher level at the second alert, and growth at the tenth.
    let mut batch = vec![web(2, "203.0.113.9", "/x", 404, 12).to_string().into_bytes()];
    batch.extend((3..=10).map(|number| missing(number, "/x")));
    desk.take_in(&arrivals(batch), at(2)).expect("taken");
    let case = next_case(&mut desk, 3);
    assert_eq!((case.incident.revision, case.turn), (3, Turn::Model));
}

#[test]
fn a_person_who_asks_is_answered_by_a_model() {
    let folder = folder();
    let (mut desk, first) = judged_by_model(folder.path());
    let id = &first.incident.id;
    desk.store.leave_request(at(2), "somebody", "judge", id, "").expect("left");
    desk.apply_requests(at(2)).expect("applied");
    let case = next_case(&mut desk, 3);
    assert_eq!(case.turn, Turn::Model);
}

#[test]
fn what_became_worse_since_the_playbook_judged_is_told_at_once_and_what_did_not_is_not() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    let busy = [(
        IncidentId::parse("other").expect("an id"),
        Running { actor: "somebody".to_owned(), since: at(0), likeness: Likeness::default() },
    )];
    let attempt = |number, status| arrivals(vec![attack(number, "203.0.113.9", status)]);
    let told = |desk: &mut Desk, now| -> Vec<u8> {
        let cases = desk.next_cases(now, &busy, Capacity::Slots(0)).expect("cases");
        cases
            .iter()
            .map(|case| {
                assert!(matches!(case.turn, Turn::Interim(_)));
                let said = by_playbook(case, now);
                desk.settle(case, &said).expect("settled");
                said.draft.threat_level
            })
            .collect()
    };
    desk.take_in(&attempt(1, 404), at(0)).expect("taken");
    let first = told(&mut desk, at(21));
    assert_eq!(first.len(), 1, "it was blocked, and the model is busy");
    desk.take_in(&attempt(2, 404), at(22)).expect("taken");
    assert_eq!(told(&mut desk, at(22)), [0_u8; 0], "more of the same");
    desk.take_in(&attempt(3, 200), at(23)).expect("taken");
    let second = told(&mut desk, at(23));
    assert!(second.len() == 1 && second[0] > first[0], "{first:?}, then {second:?}");
    assert_eq!(told(&mut desk, at(300)), [0_u8; 0], "it is told once");
    // The model is still asked.
    let case = next_case(&mut desk, 301);
    assert_eq!(case.turn, Turn::Model);
}

#[test]
fn only_what_has_a_class_and_no_success_may_be_like_others() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    let mut nameless = web(3, "203.0.113.3", "/x", 404, 3);
    nameless["rule"]["groups"] = json!(["a_program"]);
    nameless["data"] = json!({"srcip": "203.0.113.3"});
    nameless["full_log"] = json!("something happened");
    let alerts =
        vec![missing(1, "/x"), attack(2, "203.0.113.2", 200), nameless.to_string().into_bytes()];
    desk.take_in(&arrivals(alerts), at(0)).expect("taken");
    let jobs = desk.store.jobs(9).expect("jobs");
    let mut alike: Vec<(&str, bool)> =
        jobs.iter().map(|job| (job.kind.as_str(), job.may_be_like_others)).collect();
    alike.sort_unstable();
    assert_eq!(alike, [("other", false), ("sql_injection", false), ("web_error", true)]);
}

#[test]
fn what_waits_for_a_sink_that_was_turned_off_is_given_up_in_its_time_and_nothing_else_is() {
    let folder = folder();
    let mut desk = open(folder.path(), at(0));
    desk.take_in(&arrivals(vec![attack(1, "203.0.113.9", 200)]), at(0)).expect("taken");
    let cases = desk.next_cases(at(1), &[], Capacity::NoModel).expect("cases");
    desk.settle(&cases[0], &by_playbook(&cases[0], at(1))).expect("settled");
    let waiting = |desk: &Desk, sink: &str| desk.store.outbox(sink, at(9), 9).expect("read").len();
    let both =
        |desk: &Desk| (waiting(desk, crate::publish::WAZUH), waiting(desk, crate::publish::FILE));
    assert!(!desk.give_up(at(100_000)).expect("given up"), "both sinks are there, however late");
    let mut fewer = settings();
    fewer.sinks.retain(|sink| sink.name == crate::publish::WAZUH);
    let gate = Gate::new(Policy::default(), key());
    desk.reconfigure(gate, fewer, at(2));
    assert!(!desk.give_up(at(1)).expect("given up"), "it may come back");
    assert_eq!(both(&desk), (1, 1));
    assert!(desk.give_up(at(100_000)).expect("given up"));
    assert_eq!(both(&desk), (1, 0));
    assert!(!desk.give_up(at(100_000)).expect("given up"));
}
