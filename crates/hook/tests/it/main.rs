//! Runs the built program as integratord does, against every kind of daemon and argument.
//!
//! Each test has a directory of its own with a socket, a spool and an alert file, so they run side
//! by side. `Scene::run` checks on every run what must always hold: exit status 0, nothing printed.

mod scene;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use scene::{Daemon, Scene};

const JSON: &[u8] = b"{\"id\":\"1763990000.42\",\"rule\":{\"id\":\"5710\",\"level\":5}}\n";

/// The program's own deadline for the daemon.
const DEADLINE: Duration = Duration::from_millis(250);

/// What a loaded test machine may add to the deadline; the point is that it is not for ever.
const MARGIN: Duration = Duration::from_secs(3);

#[test]
fn a_daemon_that_journals_the_alert_gets_its_bytes_and_the_spool_stays_empty() {
    let scene = Scene::new("journaled", JSON);
    let daemon = Daemon::answering(&scene, b"+");
    scene.run_as_integratord();
    assert_eq!(daemon.received(), JSON);
    assert!(scene.spooled().is_empty());
    assert_eq!(scene.errors(), "");
}

#[test]
fn the_older_text_format_is_handed_over_unchanged() {
    let text = b"alertdate='2025 Nov 24 16:22:00'\nalertlocation='web->/var/log/a.log'\n\xff\n";
    let scene = Scene::new("legacy", text);
    let daemon = Daemon::answering(&scene, b"+");
    scene.run_as_integratord();
    assert_eq!(daemon.received(), text);
}

#[test]
fn the_largest_alert_that_is_allowed_passes_through_the_socket() {
    let alert = vec![b'a'; 1024 * 1024];
    let scene = Scene::new("largest", &alert);
    let daemon = Daemon::answering(&scene, b"+");
    scene.run_as_integratord();
    assert!(daemon.received() == alert);
    assert!(scene.spooled().is_empty());
}

#[test]
fn without_a_daemon_the_alert_is_spooled_for_its_group() {
    let scene = Scene::new("nobody", JSON);
    scene.run_as_integratord();
    assert_eq!(scene.spooled(), [JSON]);
    let names = scene.spool_names();
    let [name] = names.as_slice() else { panic!("one file, not {names:?}") };
    let (nanos, rest) = name.split_once('-').unwrap();
    assert!(nanos.len() == 20 && nanos.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    assert!(rest.ends_with(".alert"), "{name}");
    let mode = fs::metadata(scene.spool().join(name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(scene.errors(), "");
}

#[test]
fn a_socket_that_a_dead_daemon_left_behind_is_no_obstacle() {
    let scene = Scene::new("stale", JSON);
    drop(UnixListener::bind(scene.socket()).unwrap());
    scene.run_as_integratord();
    assert_eq!(scene.spooled(), [JSON]);
}

#[test]
fn a_daemon_that_never_accepts_costs_the_deadline_and_no_alert() {
    let scene = Scene::new("unaccepted", JSON);
    let _listener = UnixListener::bind(scene.socket()).unwrap();
    let took = scene.run_as_integratord();
    assert!(took >= DEADLINE && took < DEADLINE + MARGIN, "{took:?}");
    assert_eq!(scene.spooled(), [JSON]);
}

#[test]
fn a_daemon_that_reads_and_never_answers_costs_the_deadline_and_no_alert() {
    let scene = Scene::new("silent", JSON);
    let daemon = Daemon::silent(&scene);
    let took = scene.run_as_integratord();
    assert!(took >= DEADLINE && took < DEADLINE + MARGIN, "{took:?}");
    assert_eq!(daemon.received(), JSON);
    assert_eq!(scene.spooled(), [JSON]);
}

#[test]
fn a_large_alert_that_nobody_reads_does_not_block_in_writing() {
    let alert = vec![b'a'; 1024 * 1024];
    let scene = Scene::new("unread", &alert);
    let _listener = UnixListener::bind(scene.socket()).unwrap();
    let took = scene.run_as_integratord();
    assert!(took < DEADLINE + MARGIN, "{took:?}");
    assert!(scene.spooled() == [alert]);
}

#[test]
fn an_answer_other_than_plus_sends_the_alert_to_the_spool() {
    for (name, answer) in [("refused", &b"-"[..]), ("strange", b"\0"), ("hung-up", b"")] {
        let scene = Scene::new(name, JSON);
        let daemon = Daemon::answering(&scene, answer);
        let took = scene.run_as_integratord();
        assert!(took < MARGIN, "{name}: {took:?}");
        assert_eq!(daemon.received(), JSON, "{name}");
        assert_eq!(scene.spooled(), [JSON], "{name}");
    }
}

#[test]
fn spooled_alerts_sort_in_the_order_in_which_they_came() {
    let scene = Scene::new("order", b"first");
    for alert in ["first", "second", "third"] {
        scene.write_alert(alert.as_bytes());
        scene.run_as_integratord();
    }
    assert_eq!(scene.spooled(), [&b"first"[..], b"second", b"third"]);
}

#[test]
fn an_alert_over_the_limit_is_counted_and_not_handed_over_in_part() {
    let scene = Scene::new("oversize", &vec![b'a'; 1024 * 1024 + 1]);
    let daemon = Daemon::answering(&scene, b"+");
    scene.run_as_integratord();
    assert!(daemon.received().is_empty());
    assert!(scene.spooled().is_empty());
    let errors = scene.errors();
    assert!(errors.trim_end().ends_with("it has over 1048576 bytes"), "{errors}");
}

#[test]
fn a_file_that_is_missing_empty_or_no_file_is_counted() {
    let scene = Scene::new("missing", JSON);
    fs::remove_file(scene.alert()).unwrap();
    scene.run_as_integratord();
    scene.write_alert(b"");
    scene.run_as_integratord();
    scene.run(&[scene.spool().as_os_str().to_owned()]);
    let errors = scene.errors();
    let reasons: Vec<&str> = errors.lines().filter_map(|line| line.rsplit(": ").next()).collect();
    assert_eq!(
        reasons,
        ["No such file or directory (os error 2)", "it is empty", "it is not a regular file"]
    );
    assert!(scene.spooled().is_empty());
}

#[test]
fn an_error_line_has_a_time_and_names_the_file() {
    let scene = Scene::new("line", JSON);
    fs::remove_file(scene.alert()).unwrap();
    scene.run_as_integratord();
    let errors = scene.errors();
    let (time, rest) = errors.split_once(' ').unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{errors}");
    assert!(rest.starts_with("custom-quell["), "{errors}");
    assert!(rest.contains("can't read the alert file"), "{errors}");
    assert!(rest.contains("--42.alert"), "{errors}");
}

#[test]
fn every_shape_of_arguments_that_names_the_file_saves_the_alert() {
    let scene = Scene::new("shapes", JSON);
    let alert = scene.alert().to_str().unwrap().to_owned();
    let shapes: [&[&str]; 6] = [
        &[&alert],
        &[&alert, "", "", "", "", "10", "3"],
        &[&alert, "", "", "debug", "", "10", "3", ""],
        &[&alert, "a", "key", "of", "four", "", "https://h/x", "> /dev/null 2>&1"],
        &["a", "key", "with", "spaces", &alert, "/t/custom-quell-1--2.options"],
        &["", "", "", "", "", "", "", &alert],
    ];
    for (index, shape) in shapes.iter().enumerate() {
        let arguments: Vec<OsString> = shape.iter().map(OsString::from).collect();
        scene.run(&arguments);
        assert_eq!(scene.spooled().len(), index + 1, "{shape:?}");
    }
    assert_eq!(scene.errors(), "");
}

#[test]
fn a_file_without_the_usual_ending_is_found_as_the_first_argument() {
    let scene = Scene::new("ending", JSON);
    let other = scene.spool().with_file_name("alert.json");
    fs::rename(scene.alert(), &other).unwrap();
    scene.run(&[other.into_os_string(), "key".into()]);
    assert_eq!(scene.spooled(), [JSON]);
}

#[test]
fn arguments_that_name_no_file_are_counted() {
    let scene = Scene::new("no-file", JSON);
    let odd = OsString::from_vec(b"\xff\xfe\x1b[2J.alert".to_vec());
    let shapes: [&[OsString]; 4] =
        [&[], &["".into(), "".into()], &["> /dev/null 2>&1".into()], &[odd]];
    for (index, shape) in shapes.iter().enumerate() {
        scene.run(shape);
        assert_eq!(scene.errors().lines().count(), index + 1, "{shape:?}");
    }
    assert!(!scene.errors().contains('\x1b'));
    assert!(scene.spooled().is_empty());
}

#[test]
fn without_a_spool_directory_the_program_is_still_quiet() {
    let scene = Scene::new("no-spool", JSON);
    fs::remove_dir(scene.spool()).unwrap();
    scene.run_as_integratord();
    assert!(!scene.spool().exists());
}

#[test]
fn a_spool_where_nobody_may_write_is_survived_in_silence() {
    let scene = Scene::new("unwritable", JSON);
    fs::remove_dir(scene.spool()).unwrap();
    // The tests may run as root, who may write in any directory of a usual file system.
    symlink("/proc/self", scene.spool()).unwrap();
    scene.run_as_integratord();
}

#[test]
fn the_error_log_stops_growing() {
    let scene = Scene::new("log-limit", JSON);
    fs::remove_file(scene.alert()).unwrap();
    let log = scene.spool().join("hook-errors.log");
    fs::File::create(&log).unwrap().set_len(1024 * 1024).unwrap();
    scene.run_as_integratord();
    assert_eq!(fs::metadata(&log).unwrap().len(), 1024 * 1024);
}
