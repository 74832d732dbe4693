//! The real daemon on a disk that fails it: killed at each flush in turn, on a full disk, on one that can't flush, and beside a model that hangs.
//!
//! A small library (`tests/preload/fault.c`) is loaded in front of the C library, so the program under test is the one that ships. What every
//! single operation of the disk can do to the store, and thousands of random days, are in `src/desk/tests/durability.rs`; here is what only
//! real processes, files and sockets can show.
//!
//! `QUELL_FAULT_FLUSHES` sets how many flushes a run goes through.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::command::{eventually, number};
use crate::crash::{check_alerts, check_sinks, pages};
use crate::daemon::Daemon;
use crate::fake_model::{FakeModel, Manner};
use crate::sample;

/// Flushes at which an ordinary run kills the daemon: all that one life's work makes, and a few heartbeats behind it.
const FLUSHES: u64 = 30;

/// From here on a life is long enough to have looked at the followed file and to have stored its place. What is rotated away before any
/// daemon ever looked is nobody's to find.
const ROTATED_FROM: u64 = 12;

/// How long it may take until a daemon that writes nothing counts as silent.
const SILENT_MAX: Duration = Duration::from_secs(40);

/// How long a life may take until its flush comes. The heartbeat alone flushes twice a second.
const LIFE_MAX: Duration = Duration::from_secs(40);

/// Compiles the library into the daemon's directory, and lets the daemon load it from its next start on.
fn prepare(daemon: &mut Daemon) {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/preload/fault.c");
    let library = daemon.path("libfault.so");
    // The build needs a C compiler anyway, for SQLite.
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .status()
        .expect("a C compiler");
    assert!(compiled.success());
    let path = |name: &str| daemon.path(name).display().to_string();
    daemon.environment = vec![
        ("LD_PRELOAD".to_owned(), path("libfault.so")),
        ("FAULT_DIR".to_owned(), path("")),
        ("FAULT_FULL".to_owned(), path("is-full")),
        ("FAULT_FLUSH".to_owned(), path("cannot-flush")),
    ];
}

/// Some thirty stories, so that incidents open, grow and escalate.
fn alert(route: &str, at: u64) -> (String, Value) {
    let id = format!("17955304{}.{at}", route.len());
    let source = format!("203.0.113.{}", at % 7);
    let url = "/item/?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--%20-";
    let alert = match at % 3 {
        0 => sample::login_failure(&id, &source, &format!("{route}-{}", at / 9)),
        1 => sample::request(&id, &source, url, 200, ("31106", 6 + u8::try_from(at % 7).unwrap())),
        _ => sample::request(&id, &source, &format!("/missing{at}"), 404, ("31101", 5)),
    };
    (id, alert)
}

/// Kills a daemon at its first flush, its second, and so on, each time in the middle of new work, and holds it to everything that it acknowledged.
fn killed_at_each_flush(when: &str) {
    let flushes =
        std::env::var("QUELL_FAULT_FLUSHES").map_or(FLUSHES, |text| text.parse().unwrap());
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    prepare(&mut daemon);
    let unarmed = daemon.environment.clone();
    let (mut acknowledged, mut at) = (Vec::new(), 0);
    for flush in 1..=flushes {
        eprintln!("killed {when} flush {flush}");
        daemon.environment = unarmed.clone();
        daemon.environment.push(("FAULT_AT".to_owned(), flush.to_string()));
        daemon.environment.push(("FAULT_WHEN".to_owned(), when.to_owned()));
        daemon.spawn();
        // What is in the followed file is Wazuh's to keep, so all of it counts.
        let mut lines = String::new();
        for _ in 0..2 {
            let (id, alert) = alert("files", at);
            (lines, at) = (format!("{lines}{alert}\n"), at + 1);
            acknowledged.push(id);
        }
        let live = daemon.path("alerts.json");
        let mut file = std::fs::File::options().append(true).create(true).open(&live).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        if flush % 3 == 0 && flush >= ROTATED_FROM {
            // The daemon may read this file, or die before it does; a new one takes its name meanwhile.
            std::fs::rename(&live, daemon.path(&format!("alerts.json.{flush:03}"))).unwrap();
            std::fs::write(&live, "").unwrap();
        }
        let posted: Vec<(String, Value)> = (0..3).map(|step| alert("http", at + step)).collect();
        at += 3;
        let body =
            sample::lines(&posted.iter().map(|(_, alert)| alert.clone()).collect::<Vec<_>>());
        let (mut is_posted, mut is_handed_over) = (false, false);
        let handed = alert("hook-s", at);
        at += 1;
        eventually("the flush at which it dies", LIFE_MAX, || {
            if !is_posted && daemon.post(&body).is_ok_and(|answer| answer.status == 202) {
                is_posted = true;
                acknowledged.extend(posted.iter().map(|(id, _)| id.clone()));
            }
            let socket = daemon.path("hook.sock");
            if !is_handed_over
                && Daemon::hand_over(&socket, handed.1.to_string().as_bytes()).unwrap_or(false)
            {
                is_handed_over = true;
                acknowledged.push(handed.0.clone());
            }
            (!daemon.is_alive()).then_some(())
        });
    }
    daemon.environment.clear();
    daemon.start();
    let unique: BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(unique.len(), acknowledged.len(), "the test's own ids must be unique");
    assert!(unique.len() as u64 > flushes * 2, "only {} alerts were acknowledged", unique.len());
    // A number does not say it: what was taken without an answer counts too, while the followed files may still be read.
    eventually("every acknowledged alert is folded", Duration::from_secs(60), || {
        let pages = pages(&daemon);
        let ids = pages.iter().flat_map(|page| page["alert_ids"].as_array().unwrap());
        let known: BTreeSet<&str> = ids.filter_map(Value::as_str).collect();
        acknowledged.iter().all(|id| known.contains(id.as_str())).then_some(())
    });
    daemon.settled(acknowledged.len() as u64);
    daemon.assert_conserved();
    let pages = pages(&daemon);
    check_alerts(&pages, &acknowledged);
    check_sinks(&daemon, &pages);
    eprintln!("{flushes} kills {when} a flush, {} alerts acknowledged", acknowledged.len());
}

#[test]
fn a_crash_before_each_flush_loses_no_alert_and_repeats_no_verdict() {
    killed_at_each_flush("before");
}

#[test]
fn a_crash_after_each_flush_loses_no_alert_and_repeats_no_verdict() {
    killed_at_each_flush("after");
}

/// While a file of this name exists, the disk fails: alerts are refused and not lost, the daemon goes on, and once it is over everything is taken.
fn fails_while(switch: &str, said: &[&str]) {
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    prepare(&mut daemon);
    daemon.start();
    let batch = |from: u64| {
        let alerts: Vec<(String, Value)> = (from..from + 40).map(|at| alert("http", at)).collect();
        let (ids, alerts): (Vec<String>, Vec<Value>) = alerts.into_iter().unzip();
        (ids, sample::lines(&alerts))
    };
    let (mut acknowledged, body) = batch(0);
    daemon.accept(&body);
    daemon.settled(40);

    std::fs::write(daemon.path(switch), "").unwrap();
    let (refused, body) = batch(40);
    let answer = daemon.post(&body).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.body);
    let (id, line) = alert("files", 1_000);
    std::fs::write(daemon.path("alerts.json"), format!("{line}\n")).unwrap();
    acknowledged.push(id);
    eventually("the log says what is wrong", Duration::from_secs(20), || {
        let log = daemon.log();
        let place = format!("(data directory `{}`)", daemon.path("data").display());
        let is_told = |line: &str| {
            line.contains("alerts could not be stored")
                && line.contains(&place)
                && said.iter().all(|said| line.contains(said))
        };
        log.lines().any(is_told).then_some(())
    });
    assert!(daemon.is_alive(), "{}", daemon.log());
    assert_eq!(daemon.page("/healthz").status, 200);

    std::fs::remove_file(daemon.path(switch)).unwrap();
    eventually("the refused alerts are taken", Duration::from_secs(20), || {
        daemon.post(&body).is_ok_and(|answer| answer.status == 202).then_some(())
    });
    acknowledged.extend(refused);
    daemon.settled(81);
    eventually("the status says that nothing of it is gone", Duration::from_secs(20), || {
        let said = daemon.quell(&["status"]).out;
        said.contains(" times an alert was given back because the store could not take it")
            .then_some(())
    });
    // What is on the disk, not what a process remembers.
    daemon.kill();
    daemon.environment.clear();
    daemon.start();
    daemon.settled(81);
    daemon.assert_conserved();
    let pages = pages(&daemon);
    check_alerts(&pages, &acknowledged);
    check_sinks(&daemon, &pages);
}

#[test]
fn a_full_disk_refuses_alerts_and_takes_them_once_there_is_room() {
    fails_while("is-full", &["free some space"]);
}

#[test]
fn a_disk_that_can_not_flush_refuses_alerts_and_takes_them_once_it_can() {
    fails_while("cannot-flush", &["the disk did not flush", "`dmesg`"]);
}

/// The disk of the verdicts' file, and of nothing else, fails while a file of this name exists.
fn only_the_sink(daemon: &mut Daemon) {
    prepare(daemon);
    let sink = daemon.path("verdicts.ndjson").display().to_string();
    daemon.environment.retain(|(name, _)| name != "FAULT_DIR");
    daemon.environment.push(("FAULT_DIR".to_owned(), sink));
}

fn sink_fails_while(switch: &str) {
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    only_the_sink(&mut daemon);
    daemon.start();
    std::fs::write(daemon.path(switch), "").unwrap();
    let alerts: Vec<(String, Value)> = (0..12).map(|at| alert("http", at)).collect();
    let (ids, alerts): (Vec<String>, Vec<Value>) = alerts.into_iter().unzip();
    daemon.accept(sample::lines(&alerts));
    eventually("the message was tried twice", Duration::from_secs(30), || {
        let log = daemon.log();
        let tries = log.lines().filter(|line| line.contains("a message could not be sent"));
        (tries.count() >= 2).then_some(())
    });
    std::fs::remove_file(daemon.path(switch)).unwrap();
    daemon.settled(12);
    let pages = pages(&daemon);
    check_alerts(&pages, &ids);
    check_sinks(&daemon, &pages);
}

#[test]
fn a_verdict_whose_file_is_on_a_full_disk_is_in_it_once_when_there_is_room() {
    sink_fails_while("is-full");
}

#[test]
fn a_verdict_that_was_written_and_could_not_be_flushed_is_in_its_file_once() {
    sink_fails_while("cannot-flush");
}

#[test]
fn a_verdict_counts_as_sent_once_its_file_was_flushed_and_is_flushed_again_after_a_crash() {
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    only_the_sink(&mut daemon);
    let unarmed = daemon.environment.clone();
    daemon.environment.push(("FAULT_AT".to_owned(), "1".to_owned()));
    daemon.environment.push(("FAULT_WHEN".to_owned(), "before".to_owned()));
    daemon.start();
    let (id, alert) = alert("http", 1);
    // It may die before it answers.
    daemon.post(sample::lines(&[alert])).ok();
    let dies = |daemon: &mut Daemon, when: &str| {
        eventually(when, LIFE_MAX, || (!daemon.is_alive()).then_some(()));
        std::fs::metadata(daemon.path("verdicts.ndjson")).unwrap().len()
    };
    let whole = dies(&mut daemon, "the flush behind the line");
    assert!(whole > 0, "it was flushed before it was written");
    // The whole line is there, and nobody knows whether it is on the disk.
    daemon.spawn();
    assert_eq!(dies(&mut daemon, "the flush of a line that was found"), whole);
    // Now a part of it, as a power cut leaves it.
    let file = std::fs::File::options().write(true).open(daemon.path("verdicts.ndjson")).unwrap();
    file.set_len(whole / 2).unwrap();
    daemon.spawn();
    assert_eq!(dies(&mut daemon, "the flush of a line that was completed"), whole);
    daemon.environment = unarmed;
    daemon.start();
    daemon.settled(1);
    let pages = pages(&daemon);
    check_alerts(&pages, &[id]);
    check_sinks(&daemon, &pages);
}

/// A file system of two megabytes, which only root may make.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Option<Self> {
        std::fs::create_dir(&path).unwrap();
        let made = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&path)
            .output();
        made.is_ok_and(|said| said.status.success()).then_some(Self(path))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").args(["-l"]).arg(&self.0).status().ok();
    }
}

/// Whoever looks from outside is told. The daemon lives, and can't leave a word of that in its store.
fn tells_of_a_full_disk(daemon: &Daemon) {
    // What room is left would do for some more words.
    let mut filler = std::fs::File::create(daemon.path("data/filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let said = daemon.quell(&["doctor"]).expect_code(1).out;
    assert!(said.contains("BAD   data directory"), "{said}");
    assert!(said.contains("kB left: free some space"), "{said}");
    eventually("the status tells it from a daemon that is gone", SILENT_MAX, || {
        daemon.quell(&["status"]).out.contains("is the disk full?").then_some(())
    });
    let said = daemon.quell(&["status", "--json"]).expect_code(1).lines().remove(0);
    assert_eq!(said["daemon"]["runs"], Value::Bool(false), "{said}");
    assert_eq!(said["daemon"]["is_stuck"], Value::Bool(true), "{said}");
    let top = daemon.quell(&["top", "--once"]).expect_code(1).out;
    assert!(top.contains("though it runs (is the disk full?)"), "{top}");
    let page = daemon.page("/readyz");
    assert_eq!((page.status, daemon.page("/healthz").status), (503, 200), "{}", page.body);
}

#[test]
fn a_small_disk_fills_up_and_grows_and_nothing_is_lost() {
    let mut daemon = Daemon::configured("[judge]\nenabled = false\n");
    let Some(disk) = SmallDisk::mount(daemon.path("data")) else {
        eprintln!(
            "SKIPPED: only root may mount a small disk; the full disk of the other test stands for it"
        );
        return;
    };
    daemon.start();
    let (mut acknowledged, mut at, mut refused) = (Vec::new(), 0, None);
    while refused.is_none() && at < 20_000 {
        let alerts: Vec<(String, Value)> = (at..at + 100).map(|at| alert("http", at)).collect();
        let (ids, alerts): (Vec<String>, Vec<Value>) = alerts.into_iter().unzip();
        at += 100;
        match daemon.post(sample::lines(&alerts)).unwrap() {
            answer if answer.status == 202 => acknowledged.extend(ids),
            answer => {
                assert_eq!(answer.status, 503, "{}", answer.body);
                refused = Some((ids, sample::lines(&alerts)));
            }
        }
    }
    let (ids, body) = refused.expect("two megabytes are full at some time");
    assert!(daemon.is_alive(), "{}", daemon.log());
    eventually("the log says what is wrong", Duration::from_secs(20), || {
        daemon.log().contains("free some space").then_some(())
    });
    tells_of_a_full_disk(&daemon);
    // Killed and started on the full disk, it says so, or runs; either way nothing is lost.
    daemon.kill();
    let said = daemon.quell(&["status"]).expect_code(1).out;
    assert!(said.contains("does not run"), "{said}");
    disk.grow();
    daemon.start();
    eventually("the refused alerts are taken", Duration::from_secs(20), || {
        daemon.post(&body).is_ok_and(|answer| answer.status == 202).then_some(())
    });
    acknowledged.extend(ids);
    daemon.settled(acknowledged.len() as u64);
    let pages = pages(&daemon);
    check_alerts(&pages, &acknowledged);
    check_sinks(&daemon, &pages);
    daemon.terminate();
}

#[test]
fn a_model_that_hangs_gives_its_place_back_and_the_playbook_stands_in() {
    let server = FakeModel::start(Manner::Silent);
    let model = format!(
        "[[model]]\nname = \"m\"\nkind = \"openai\"\nurl = \"http://{}\"\nmodel = \"fake\"\ntimeout = \"1s\"\nconcurrency = 1\n",
        server.address
    );
    let daemon = Daemon::started(&model);
    daemon.accept(sample::lines(&sample::login_failures(3)));
    let status = daemon.settled(3);
    assert!(number(&status, "/store/playbook_verdicts") >= 3, "{status}");
    // One at a time: the second call was made only because the first gave its place back.
    assert!(server.asked() >= 2, "{} calls", server.asked());
    assert_eq!(
        daemon.published("verdicts.ndjson").len() as u64,
        number(&status, "/store/playbook_verdicts")
    );
}
