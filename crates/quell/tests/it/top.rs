//! `quell top` in a real terminal: it takes it, shows, obeys, and gives it back whatever ends it. Its screens are tested beside its code.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::command::{number, quell, run};
use crate::daemon::Daemon;
use crate::sample;
use crate::terminal::Terminal;

/// What a terminal is told when its screen from before is to come back.
const LEAVES: &str = "\u{1b}[?1049l";

/// A daemon with one judged incident, and a view of it.
fn watched() -> (Daemon, Terminal) {
    let daemon = Daemon::started("");
    daemon.accept(sample::login_failure("1795530360.1", "203.0.113.7", "db01").to_string());
    daemon.settled(1);
    let config = daemon.config();
    let terminal = Terminal::with(&["--config", config.to_str().unwrap(), "top"]);
    terminal.expect("FUNNEL");
    terminal.expect("203.0.113.7");
    assert!(terminal.is_taken());
    (daemon, terminal)
}

#[track_caller]
fn is_given_back(terminal: &Terminal) {
    terminal.expect(LEAVES);
    assert!(!terminal.is_taken(), "keys are not echoed any more");
}

#[test]
fn keys_open_an_incident_and_quit_gives_the_terminal_back() {
    let (_daemon, mut terminal) = watched();
    terminal.press("\u{1b}[B\r");
    // Only what changes is written, so these are words of which every letter is new at its place.
    terminal.expect("PgUp/PgDn");
    terminal.expect("confidence");
    terminal.press("q");
    terminal.press("?");
    terminal.expect("dangerous");
    terminal.press("\u{1b}");
    terminal.press("q");
    assert_eq!(terminal.ended().code(), Some(0), "{}", terminal.written());
    is_given_back(&terminal);
}

#[test]
fn ctrl_c_and_sigterm_give_the_terminal_back() {
    let (_daemon, mut terminal) = watched();
    terminal.press("\u{3}");
    assert_eq!(terminal.ended().code(), Some(0));
    is_given_back(&terminal);
    let (_daemon, mut terminal) = watched();
    terminal.signal("TERM");
    assert_eq!(terminal.ended().code(), Some(0));
    is_given_back(&terminal);
}

#[test]
fn a_terminal_that_hung_up_leaves_no_program_behind() {
    let (_daemon, mut terminal) = watched();
    terminal.hang_up();
    terminal.ended();
    let (_daemon, mut terminal) = watched();
    terminal.signal("HUP");
    assert_eq!(terminal.ended().code(), Some(0));
}

#[test]
fn a_daemon_that_ends_is_said_to_have_and_its_return_too() {
    let (mut daemon, terminal) = watched();
    daemon.terminate();
    terminal.expect("ENDED");
    let told = terminal.written().matches("ON TIME").count();
    daemon.start();
    crate::command::eventually("it is back", std::time::Duration::from_secs(20), || {
        (terminal.written().matches("ON TIME").count() > told).then_some(())
    });
}

#[test]
fn without_a_terminal_or_a_daemon_one_frame_is_printed_and_the_exit_code_says_how_it_stands() {
    let mut daemon = Daemon::started("");
    let said = daemon.quell(&["top"]).expect_code(0);
    assert!(said.out.contains("ON TIME  nothing waits for a verdict"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}') && !said.out.contains("q quit"), "{}", said.out);
    daemon.terminate();
    let said = daemon.quell(&["top", "--once"]).expect_code(1);
    assert!(said.out.contains("ENDED    the daemon ended "), "{}", said.out);
    let empty = tempfile::tempdir().unwrap();
    let output = quell()
        .args(["top", "--once"])
        .env("QUELL_GENERAL__DATA_DIR", empty.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(run(["top", "--interval", "0"]).code, 2);
}

#[test]
fn a_script_gets_one_look_or_one_after_the_other_as_lines_of_json() {
    let mut daemon = Daemon::started("");
    daemon.accept(sample::login_failure("1795530360.1", "203.0.113.7", "db01").to_string());
    daemon.settled(1);
    let said = daemon.quell(&["top", "--json"]).expect_code(0).lines();
    let [look] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(look["standing"]["word"], "ON TIME", "{look}");
    assert_eq!((number(look, "/alerts/folded"), number(look, "/funnel/3/count")), (1, 1));
    assert!(look["funnel"][0]["per_second"].is_number(), "{look}");
    assert_eq!(look["newest"][0]["actor"], "203.0.113.7");
    let mut following = quell()
        .arg("--config")
        .arg(daemon.config())
        .args(["top", "--json", "--follow", "--interval", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["standing"]["word"], "ON TIME");
    daemon.terminate();
    while next()["standing"]["word"] != "ENDED" {}
    // A reader that is gone is no failure.
    drop(lines);
    assert_eq!(following.wait().unwrap().code(), Some(0));
    let said = daemon.quell(&["top", "--json"]).expect_code(1).lines();
    assert_eq!(said[0]["daemon"]["runs"], false);
    assert_eq!(run(["top", "--follow"]).code, 2);
    assert_eq!(run(["top", "--json", "--follow", "--once"]).code, 2);
}
