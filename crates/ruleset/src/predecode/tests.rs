//! Tests of header removal: each known shape, and near misses.

use super::*;
use serde_json::Value;
use std::path::Path;

/// What a header shows, as text: time stamp, host, host shown, program, text behind.
fn parts(line: &str) -> [String; 5] {
    let header = predecode(line.as_bytes());
    let show = |span: Option<Span>| match span {
        Some(span) => String::from_utf8_lossy(span.of(line.as_bytes())).into_owned(),
        None => "-".to_owned(),
    };
    [
        show(header.timestamp),
        show(header.hostname),
        show(header.shown_hostname),
        show(header.program_name),
        show(Some(header.log)),
    ]
}

#[test]
fn a_classic_header_gives_time_host_and_program() {
    assert_eq!(
        parts("Nov  5 10:00:00 web01 sshd[12]: hello: you"),
        ["Nov  5 10:00:00", "web01", "web01", "sshd", "hello: you"]
    );
    assert_eq!(parts("Nov 5 10:00:00 web01 sshd: x")[0], "-");
}

#[test]
fn values_are_not_checked_but_the_shown_host_needs_a_proper_date() {
    assert_eq!(
        parts("Xxx 99 99:99:99 web01 app: m"),
        ["Xxx 99 99:99:99", "web01", "-", "app", "m"]
    );
    assert_eq!(parts("nov 25 10:00:00 web01 app: m")[2], "-");
    assert_eq!(parts("Nov 40 10:00:00 web01 app: m")[2], "-");
}

#[test]
fn a_host_without_program_is_taken_off_too() {
    assert_eq!(
        parts("Nov 25 10:00:00 web01 app msg"),
        ["Nov 25 10:00:00", "web01", "web01", "-", "app msg"]
    );
}

#[test]
fn a_program_needs_a_colon_and_blank_or_a_pid() {
    let program = |text: &str| {
        let [_, _, _, program, log] = parts(&format!("Nov 25 10:00:00 h {text}"));
        (program, log)
    };
    let pair = |program: &str, log: &str| (program.to_owned(), log.to_owned());
    assert_eq!(program("app[12] msg"), pair("app", "msg"));
    assert_eq!(program("app[12]:msg"), pair("app", "msg"));
    assert_eq!(program("a.b/c-d_e@f(g)[12]: msg"), pair("a.b/c-d_e@f(g)", "msg"));
    assert_eq!(program(": msg"), pair("", "msg"));
    assert_eq!(program("app : msg"), pair("-", "app : msg"));
    assert_eq!(program("app[x]: msg"), pair("-", "app[x]: msg"));
    assert_eq!(program("ap+p: msg"), pair("-", "ap+p: msg"));
}

#[test]
fn a_header_may_have_a_program_and_no_host() {
    assert_eq!(
        parts("2026 Nov 25 10:00:00 WinEvtLog: Security: x"),
        ["2026 Nov 25 10:00:00", "-", "-", "WinEvtLog", "Security: x"]
    );
}

#[test]
fn solaris_message_ids_and_aix_facilities_are_taken_off() {
    assert_eq!(parts("Nov 25 10:00:00 h app: [ID 702911 auth.info] m")[4], "m");
    assert_eq!(parts("Nov 25 10:00:00 h app: [ID abc")[4], "[ID abc");
    assert_eq!(parts("Nov 25 10:00:00 h auth|security:info sshd[1]: m")[3..], ["sshd", "m"]);
}

#[test]
fn iso_dates_need_an_offset_with_a_colon() {
    let stamp = |line: &str| parts(line)[0].clone();
    assert_eq!(stamp("2026-11-25T10:00:00+01:00 web01 app: m"), "2026-11-25T10:00:00+01:00");
    assert_eq!(
        stamp("2026-11-25T10:00:00.123+01:00 web01 app: m"),
        "2026-11-25T10:00:00.123+01:00"
    );
    assert_eq!(
        stamp("2026-11-25T10:00:00.123456+01:00 web01 app: m"),
        "2026-11-25T10:00:00.123456+01:00"
    );
    assert_eq!(stamp("2026-11-25T10:00:00+0100 web01 app: m"), "-");
    assert_eq!(stamp("2026-11-25T10:00:00Z web01 app[12]: m"), "-");
    assert_eq!(stamp("2026-11-25 10:00:00 web01 app: m"), "-");
    assert_eq!(stamp("2026-11-25 10:00:00.123 web01 app: m"), "-");
    assert_eq!(stamp("2026-11-25 10:00:00,123 web01 app: m"), "2026-11-25 10:00:00,123");
}

#[test]
fn an_unusual_iso_fraction_swallows_what_follows() {
    assert_eq!(
        parts("2026-11-25T10:00:00.123Z web01 app: msg"),
        ["2026-11-25T10:00:00.123Z web01 ", "-", "-", "pp", "msg"]
    );
}

#[test]
fn macos_time_stamps_may_be_followed_by_more_blanks() {
    assert_eq!(
        parts("2026-11-25 10:00:00.123456-0800  mac1 app: msg"),
        ["2026-11-25 10:00:00.123456-0800", "mac1", "-", "app", "msg"]
    );
}

#[test]
fn some_headers_are_only_a_time_stamp() {
    let stamp_and_log = |line: &str| {
        let [stamp, host, _, program, log] = parts(line);
        assert_eq!((host.as_str(), program.as_str()), ("-", "-"));
        (stamp, log)
    };
    let pair = |stamp: &str, log: &str| (stamp.to_owned(), log.to_owned());
    assert_eq!(
        stamp_and_log("Wed Nov 25 10:00:00 2026 1 10.0.0.1 x: y"),
        pair("Wed Nov 25 10:00:00 2026", "1 10.0.0.1 x: y")
    );
    assert_eq!(
        stamp_and_log("11/25-10:00:00.123456  [**] [1:2:3] x"),
        pair("11/25-10:00:00.123456", "[**] [1:2:3] x")
    );
    assert_eq!(
        stamp_and_log("11/25/2026-10:00:00.123456  [**] x"),
        pair("11/25/2026-10:00:00.123456", "[**] x")
    );
    assert_eq!(
        stamp_and_log("[Wed Nov 25 10:00:00 2026] [error] x"),
        pair("Wed Nov 25 10:00:00 2026", "[error] x")
    );
    assert_eq!(
        stamp_and_log("1795600000.123    781 10.0.0.1 TCP_MISS/200 m"),
        pair("1795600000.123   ", "781 10.0.0.1 TCP_MISS/200 m")
    );
}

#[test]
fn an_asl_line_gives_sender_and_message() {
    let line = "[Time 2026.11.25 10:00:00 UTC] [Facility auth] [Sender sshd] [PID 12] \
                [Message error: a] b] [Level 3] [UID -2] [Host mac1]";
    assert_eq!(parts(line), ["-", "mac1", "-", "sshd", "error: a] b"]);
}

#[test]
fn lines_without_header_are_left_alone() {
    for line in [
        "",
        "m",
        "   ",
        "Nov 25",
        "Nov 25 10:00:00",
        "Nov 25 10:00:00 ",
        "{\"a\":1}",
        "Wed Jul 27 18:32:27 2016 [pid 2] x",
    ] {
        assert_eq!(parts(line), ["-", "-", "-", "-", line]);
    }
}

#[test]
fn locations_name_the_agent_or_only_the_source() {
    let source = parse_location(b"[001] (web01) 10.0.0.5->/var/log/x->y");
    assert_eq!(source.agent_id, Some(&b"001"[..]));
    assert_eq!(source.agent_name, Some(&b"web01"[..]));
    assert_eq!(source.agent_ip, Some(&b"10.0.0.5"[..]));
    assert_eq!(source.location, b"/var/log/x->y");
    assert_eq!(parse_location(b"[002] (a) any->x").agent_ip, None);
    for of_manager in [&b"EventChannel:Security"[..], b"[x]", b"[x] (y", b"a->b", b""] {
        assert_eq!(parse_location(of_manager).location, of_manager);
        assert_eq!(parse_location(of_manager).agent_id, None);
    }
}

#[test]
fn every_recorded_predecoder_object_is_reproduced() {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/cases");
    let Ok(entries) = std::fs::read_dir(cases) else {
        println!("skipped: no recordings at {cases}");
        return;
    };
    let mut compared = 0;
    for case in entries.map(|entry| entry.unwrap().path()) {
        for (event, expected) in recorded_events(&case) {
            // Windows events, file integrity and the like pass another way; a line with NUL is the caller's to cut.
            let Some(log) = event["log"].as_str() else { continue };
            let header = predecode(log.as_bytes());
            let mut shown = serde_json::Map::new();
            for (name, span) in [
                ("program_name", header.program_name),
                ("timestamp", header.timestamp),
                ("hostname", header.shown_hostname),
            ] {
                if let Some(span) = span {
                    let text = String::from_utf8_lossy(span.of(log.as_bytes())).into_owned();
                    shown.insert(name.to_owned(), Value::String(text));
                }
            }
            if expected["not_processed"].is_null() {
                assert_eq!(
                    Value::Object(shown),
                    expected["predecoder"],
                    "{}: {log}",
                    case.display()
                );
                compared += 1;
            }
        }
    }
    println!("compared {compared} events");
    assert!(compared > 1_000);
}

fn recorded_events(case: &Path) -> Vec<(Value, Value)> {
    let read = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(case.join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    read("events.jsonl").into_iter().zip(read("expected.jsonl")).collect()
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_and_spans_lie_inside(
        start in "(Nov 25 10:00:00 |2026-11-25T10:00:00[.0-9]{0,8}|1795600000.123 {0,8}|\\[Time 2026.11.25 10:00:00 )?",
        rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
    ) {
        let line = [start.as_bytes(), &rest].concat();
        let header = predecode(&line);
        let spans = [header.timestamp, header.hostname, header.shown_hostname, header.program_name, Some(header.log)];
        for span in spans.into_iter().flatten() {
            proptest::prop_assert!(span.start <= span.end && span.end <= line.len());
        }
    }
}
