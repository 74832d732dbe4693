//! The sinks: datagrams to a queue socket, and lines in a file.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;

use tempfile::tempdir;
use wazuh::output::json_file::Found;
use wazuh::output::json_file::JSON_LINE_BYTES_MAX;
use wazuh::output::json_file::JsonFile;
use wazuh::output::json_file::Settled;
use wazuh::output::json_file::find_after;
use wazuh::output::queue_socket::AgentRef;
use wazuh::output::queue_socket::DATAGRAM_BYTES_MAX;
use wazuh::output::queue_socket::QueueSocket;
use wazuh::output::queue_socket::SendError;
use wazuh::output::queue_socket::frame;

use crate::fixture::append;
use crate::fixture::write;

/// A line with its key.
const KEY: &str = "verdict-7";
const LINE: &str = r#"{"quell":{"key":"verdict-7","level":9}}"#;

#[test]
fn a_framed_event_arrives_as_one_datagram() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("queue");
    let analysisd = UnixDatagram::bind(&path).unwrap();
    let agent =
        AgentRef { id: "001".to_owned(), name: "web01".to_owned(), ip: Some("::1".to_owned()) };
    let mut socket = QueueSocket::new(&path);
    socket.send(&frame(Some(&agent), "quell", r#"{"integration":"quell"}"#).unwrap()).unwrap();
    let mut buffer = vec![0; 65_536];
    let length = analysisd.recv(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    assert_eq!(text, r#"1:[001] (web01) |:|:1->quell:{"integration":"quell"}"#);
}

#[test]
fn the_largest_datagram_passes() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("queue");
    let analysisd = UnixDatagram::bind(&path).unwrap();
    let overhead = "1:quell:".len() + r#"{"a":""}"#.len();
    let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(DATAGRAM_BYTES_MAX - overhead));
    let framed = frame(None, "quell", &json).unwrap();
    assert_eq!(framed.len(), DATAGRAM_BYTES_MAX);
    QueueSocket::new(&path).send(&framed).unwrap();
    let mut buffer = vec![0; 65_536];
    assert_eq!(analysisd.recv(&mut buffer).unwrap(), DATAGRAM_BYTES_MAX);
}

#[test]
fn a_restart_of_analysisd_is_not_noticed() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("queue");
    let analysisd = UnixDatagram::bind(&path).unwrap();
    let mut socket = QueueSocket::new(&path);
    socket.send(b"1:quell:{\"a\":1}").unwrap();
    drop(analysisd);
    std::fs::remove_file(&path).unwrap();
    let analysisd = UnixDatagram::bind(&path).unwrap();
    socket.send(b"1:quell:{\"b\":2}").unwrap();
    let mut buffer = [0; 64];
    let length = analysisd.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"1:quell:{\"b\":2}");
}

#[test]
fn a_missing_or_dead_socket_is_told_apart_from_a_full_one() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("queue");
    let mut socket = QueueSocket::new(&path);
    let missing = socket.send(b"1:quell:{\"a\":1}").unwrap_err();
    assert!(matches!(missing, SendError::Absent { .. }) && missing.is_passing());
    assert!(missing.to_string().contains("hint: is wazuh-analysisd running"), "{missing}");
    drop(UnixDatagram::bind(&path).unwrap());
    let dead = socket.send(b"1:quell:{\"a\":1}").unwrap_err();
    assert!(matches!(dead, SendError::Absent { .. }), "{dead}");
}

#[test]
fn a_reader_that_stopped_reading_is_busy_and_not_waited_for_without_end() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("queue");
    let _analysisd = UnixDatagram::bind(&path).unwrap();
    let mut socket = QueueSocket::new(&path);
    let full = std::iter::repeat_with(|| socket.send(&vec![b'x'; 60_000]))
        .take(10_000)
        .find_map(Result::err)
        .unwrap();
    assert!(matches!(full, SendError::Busy { .. }) && full.is_passing(), "{full}");
}

#[test]
fn a_line_is_planned_appended_and_found() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("quell.json");
    let mut file = JsonFile::new(&path);
    file.append("first", "{\"first\":1}", None).unwrap();
    let planned = file.plan().unwrap();
    assert_eq!(planned.offset_before, 12);
    assert_eq!(find_after(&path, planned.offset_before, KEY).unwrap(), Found::Absent);
    assert_eq!(file.append(KEY, LINE, Some(planned.offset_before)).unwrap(), planned);
    assert_eq!(find_after(&path, planned.offset_before, KEY).unwrap(), Found::Whole);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{{\"first\":1}}\n{LINE}\n"));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & !0o640, 0, "mode {mode:o}");
}

#[test]
fn a_crash_at_any_byte_ends_in_exactly_one_line() {
    let whole = format!("{LINE}\n");
    for written in 0..=whole.len() {
        let directory = tempdir().unwrap();
        let path = directory.path().join("quell.json");
        let mut file = JsonFile::new(&path);
        file.append("first", "{\"first\":1}", None).unwrap();
        let planned = file.plan().unwrap();
        append(&path, &whole.as_bytes()[..written]);
        // The daemon starts again, and once more before it could mark the line as sent.
        let settled = JsonFile::new(&path).settle(&planned, KEY, LINE).unwrap();
        let expected = match written {
            0 => Settled::Appended,
            n if n == whole.len() => Settled::AlreadyThere,
            _ => Settled::Completed,
        };
        assert_eq!(settled, expected, "after {written} bytes");
        let again = JsonFile::new(&path).settle(&planned, KEY, LINE).unwrap();
        assert_eq!(again, Settled::AlreadyThere);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{{\"first\":1}}\n{whole}"));
    }
}

#[test]
fn a_line_is_found_and_completed_in_the_file_that_was_rotated_away() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("quell.json");
    let rotated = directory.path().join("quell.json.1");
    let mut file = JsonFile::new(&path);
    let planned = file.plan().unwrap();
    append(&path, &LINE.as_bytes()[..10]);
    std::fs::rename(&path, &rotated).unwrap();
    assert_eq!(JsonFile::new(&path).settle(&planned, KEY, LINE).unwrap(), Settled::Completed);
    assert_eq!(std::fs::read_to_string(&rotated).unwrap(), format!("{LINE}\n"));
    assert_eq!(JsonFile::new(&path).settle(&planned, KEY, LINE).unwrap(), Settled::AlreadyThere);
}

#[test]
fn a_place_that_is_gone_has_to_be_planned_again() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("quell.json");
    let mut file = JsonFile::new(&path);
    file.append("first", "{\"first\":1}", None).unwrap();
    let planned = file.plan().unwrap();
    // Truncated.
    write(&path, "");
    assert_eq!(file.settle(&planned, KEY, LINE).unwrap(), Settled::PlanAgain);
    // Written to by somebody else, who even left half a line.
    write(&path, "{\"first\":1}\n{\"other\":");
    assert_eq!(file.settle(&planned, KEY, LINE).unwrap(), Settled::PlanAgain);
    // Deleted.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(file.settle(&planned, KEY, LINE).unwrap(), Settled::PlanAgain);
}

#[test]
fn a_half_line_of_somebody_else_does_not_swallow_ours() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("quell.json");
    write(&path, "{\"half\":");
    let mut file = JsonFile::new(&path);
    let planned = file.plan().unwrap();
    file.append(KEY, LINE, Some(planned.offset_before)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{{\"half\":\n{LINE}\n"));
    assert_eq!(file.settle(&planned, KEY, LINE).unwrap(), Settled::AlreadyThere);
}

#[test]
fn a_file_that_was_rotated_is_opened_anew() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("quell.json");
    let mut file = JsonFile::new(&path);
    file.append("first", "{\"first\":1}", None).unwrap();
    std::fs::rename(&path, directory.path().join("quell.json.1")).unwrap();
    let planned = file.plan().unwrap();
    assert_eq!(planned.offset_before, 0);
    file.append(KEY, LINE, Some(0)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{LINE}\n"));
}

#[test]
fn a_line_that_could_not_be_read_or_found_again_is_refused() {
    let directory = tempdir().unwrap();
    let mut file = JsonFile::new(directory.path().join("quell.json"));
    let refused = |result: anyhow::Result<_>| result.map(|_| ()).unwrap_err().to_string();
    let long = format!("{{\"{KEY}\":\"{}\"}}", "x".repeat(JSON_LINE_BYTES_MAX));
    assert!(refused(file.append(KEY, &long, None)).contains("the limit is 65278"));
    assert!(refused(file.append(KEY, "{\"a\":\n1}", None)).contains("line end"));
    assert!(refused(file.append("absent", LINE, None)).contains("its own key"));
    assert!(refused(file.append("", LINE, None)).contains("its own key"));
    file.append(KEY, LINE, None).unwrap();
    assert!(refused(file.append(KEY, LINE, Some(0))).contains("planned at 0"));
}

#[test]
fn a_missing_directory_is_an_error_with_a_hint() {
    let directory = tempdir().unwrap();
    let mut file = JsonFile::new(directory.path().join("missing/quell.json"));
    let error = file.plan().unwrap_err().to_string();
    assert!(error.contains("hint: its directory must exist"), "{error}");
}
