//! The daemon dies at any instant, again and again, while alerts come in by every route: nothing that was acknowledged is lost, and no verdict
//! is told of twice.
//!
//! `QUELL_CRASH_KILLS` sets how often it dies, `QUELL_CRASH_SEED` repeats a run's choices (not its timing).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::command::{eventually, number};
use crate::daemon::{Daemon, TOKEN};
use crate::http;
use crate::sample;

/// Deaths in an ordinary run: a minute on two slow cores.
const KILLS: u32 = 12;

/// Alerts in one request.
const BATCH: usize = 40;

/// A sender's pause between knocks at a closed door, and between deliveries: some thousand alerts a run are enough.
const PAUSE: Duration = Duration::from_millis(4);

/// How long the daemon may take for what the senders left behind.
const FOLD_MAX: Duration = Duration::from_secs(60);

/// Marsaglia's xorshift: the choices of a run can be repeated from its seed.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Makes alert number `at` of a route: some thirty stories, so that incidents open, grow and escalate all through the run.
fn alert(route: &str, at: usize) -> (String, Value) {
    let id = format!("17955304{}.{at}", route.len());
    let source = format!("203.0.113.{}", at % 7);
    let alert = match at % 5 {
        0 => sample::login_failure(&id, &source, route),
        1 => sample::request(
            &id,
            &source,
            &format!("/item/?id={at}%27%20OR%20%271%27=%271"),
            500,
            ("31106", 6),
        ),
        2 => sample::request(&id, &source, &format!("/missing{at}"), 404, ("31101", 5)),
        3 => sample::request(
            &id,
            &source,
            "/search/?q=%3Cscript%3Ealert(1)%3C/script%3E",
            200,
            ("31106", 6 + u8::try_from(at / 100 % 5).unwrap()),
        ),
        // A machine after the other, so that there is always something new to judge and to publish.
        _ => sample::login_failure(&id, "198.51.100.9", &format!("{route}-{}", at / 50)),
    };
    (id, alert)
}

/// Where senders deliver to, and when they stop.
#[derive(Clone)]
struct Target {
    alerts: SocketAddr,
    socket: PathBuf,
    file: PathBuf,
    ends: Arc<AtomicBool>,
}

impl Target {
    fn goes_on(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }
}

/// Posts batches, each again and again until it is acknowledged. Gives the ids that were.
fn post_all(target: &Target) -> Vec<String> {
    let (mut acknowledged, mut at) = (Vec::new(), 0);
    while target.goes_on() {
        let (ids, alerts): (Vec<String>, Vec<Value>) =
            (at..at + BATCH).map(|at| alert("http", at)).unzip();
        at += BATCH;
        let body = sample::lines(&alerts);
        // A batch that was begun is finished: some of it may be stored already.
        loop {
            match http::send(target.alerts, "POST", "/api/v1/alerts", Some(TOKEN), body.as_bytes())
            {
                Ok(answer) if answer.status == 202 => break,
                Ok(answer) => assert!(
                    matches!(answer.status, 429 | 503),
                    "{}: {}",
                    answer.status,
                    answer.body
                ),
                Err(_) => {}
            }
            std::thread::sleep(PAUSE);
        }
        acknowledged.extend(ids);
        std::thread::sleep(PAUSE);
    }
    acknowledged
}

/// Appends to the file that the daemon follows. What is in the file is Wazuh's to keep, so all of it counts.
fn append_all(target: &Target) -> Vec<String> {
    let mut file = File::options().append(true).open(&target.file).unwrap();
    let (mut written, mut at) = (Vec::new(), 0);
    while target.goes_on() {
        for _ in 0..10 {
            let (id, alert) = alert("files", at);
            at += 1;
            file.write_all(format!("{alert}\n").as_bytes()).unwrap();
            written.push(id);
        }
        std::thread::sleep(PAUSE * 2);
    }
    written
}

/// Hands alerts over as the hook does. Gives the ids that the daemon answered for; the hook would spool the others.
fn hand_over_all(target: &Target) -> Vec<String> {
    let (mut acknowledged, mut at) = (Vec::new(), 0);
    while target.goes_on() {
        let (id, alert) = alert("hook-s", at);
        at += 1;
        if Daemon::hand_over(&target.socket, alert.to_string().as_bytes()).unwrap_or(false) {
            acknowledged.push(id);
        }
        std::thread::sleep(PAUSE * 2);
    }
    acknowledged
}

#[test]
fn a_crash_at_any_instant_loses_no_alert_and_repeats_no_verdict() {
    let kills = setting("QUELL_CRASH_KILLS").map_or(KILLS, |kills| u32::try_from(kills).unwrap());
    let seed = setting("QUELL_CRASH_SEED")
        .unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9 + 1);
    eprintln!("QUELL_CRASH_KILLS={kills} QUELL_CRASH_SEED={seed}");
    let mut choices = Choices(seed.max(1));
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    let ends = Arc::new(AtomicBool::new(false));
    let target = Target {
        alerts: daemon.alerts,
        socket: daemon.path("hook.sock"),
        file: daemon.path("alerts.json"),
        ends: Arc::clone(&ends),
    };
    let senders = [post_all as fn(&Target) -> Vec<String>, append_all, hand_over_all].map(|send| {
        let target = target.clone();
        std::thread::spawn(move || send(&target))
    });
    for kill in 0..kills {
        // Every third time in the middle of starting, where leftovers are taken up; else in full work.
        if kill % 3 == 2 {
            daemon.spawn();
            std::thread::sleep(Duration::from_millis(choices.below(120)));
        } else {
            daemon.start();
            std::thread::sleep(Duration::from_millis(choices.below(400)));
        }
        daemon.kill();
    }
    daemon.start();
    ends.store(true, Ordering::Relaxed);
    let acknowledged: Vec<String> =
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    assert!(acknowledged.len() > 100, "only {} alerts were acknowledged", acknowledged.len());
    let unique: BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(unique.len(), acknowledged.len(), "the test's own ids must be unique");
    // Counted by what was folded: what was sent twice because its answer was lost is accepted twice.
    eventually("every acknowledged alert is folded", FOLD_MAX, || {
        let folded = number(&daemon.status(), "/alerts/folded");
        (folded >= acknowledged.len() as u64).then_some(())
    });
    let status = daemon.settled(acknowledged.len() as u64);
    let drained = daemon.terminate();
    assert!(drained.0.success(), "{}\n{}", drained.0, daemon.log());
    daemon.assert_conserved();
    assert_eq!(number(&status, "/alerts/malformed"), 0);
    let pages = pages(&daemon);
    check_alerts(&pages, &acknowledged);
    check_sinks(&daemon, &pages);
    eprintln!(
        "{kills} kills, {} alerts acknowledged, {} accepted, {} duplicates, {} incidents, {} verdicts published",
        acknowledged.len(),
        number(&status, "/alerts/accepted"),
        number(&status, "/alerts/duplicate"),
        number(&status, "/store/incidents"),
        daemon.published("verdicts.ndjson").len()
    );
}

/// Everything about every incident.
pub(crate) fn pages(daemon: &Daemon) -> Vec<Value> {
    let listed = daemon.incidents();
    listed
        .iter()
        .map(|incident| daemon.incident(incident["incident_id"].as_str().unwrap()))
        .collect()
}

/// Requires every acknowledged alert in exactly one incident.
pub(crate) fn check_alerts(pages: &[Value], acknowledged: &[String]) {
    let mut holders: BTreeMap<&str, u32> = BTreeMap::new();
    for page in pages {
        let ids = page["alert_ids"].as_array().unwrap();
        assert_eq!(number(page, "/incident/alert_count"), ids.len() as u64, "{}", page["incident"]);
        for id in ids {
            *holders.entry(id.as_str().unwrap()).or_default() += 1;
        }
    }
    let lost: Vec<&String> =
        acknowledged.iter().filter(|id| !holders.contains_key(id.as_str())).collect();
    let (all, first) = (acknowledged.len(), lost.first());
    assert!(lost.is_empty(), "{} of {all} acknowledged alerts are lost, as {first:?}", lost.len());
    let twice: Vec<_> = holders.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "alerts that are in more than one incident: {twice:?}");
}

/// Requires every stored verdict in each sink exactly once.
pub(crate) fn check_sinks(daemon: &Daemon, pages: &[Value]) {
    let mut stored = BTreeSet::new();
    for page in pages {
        let id = page["incident"]["id"].as_str().unwrap();
        for verdict in page["verdicts"].as_array().unwrap() {
            stored.insert(format!("{id}:{}", number(verdict, "/revision")));
        }
    }
    for sink in ["verdicts.ndjson", "wazuh.json"] {
        let events = daemon.published(sink);
        let keys: Vec<&str> =
            events.iter().map(|event| event["quell"]["key"].as_str().unwrap()).collect();
        let told: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(told.len(), keys.len(), "{sink} holds a verdict twice");
        assert_eq!(told, stored, "{sink} does not hold what the store holds");
    }
}
