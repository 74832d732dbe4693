//! Line in, time out.

use super::*;

/// Noon of 2026-11-25 in UTC.
const NOW: i64 = 1_795_608_000_000;

fn read_in(zone: TimeZone, line: &str) -> String {
    match LogTime::new(zone, NOW).read(line.as_bytes()) {
        Some(millis) => jiff::Timestamp::from_millisecond(millis).unwrap().to_string(),
        None => "none".to_owned(),
    }
}

fn read(line: &str) -> String {
    read_in(TimeZone::UTC, line)
}

#[test]
fn stamps_of_the_usual_programs_are_read() {
    for (line, time) in [
        (r#"10.0.0.1 - - [25/Nov/2026:09:46:40 +0000] "GET / HTTP/1.1" 200 1"#, "2026-11-25T09:46:40Z"),
        (r#"10.0.0.1 - bob [25/Nov/2026:09:46:40 -0230] "GET /""#, "2026-11-25T12:16:40Z"),
        ("Nov 25 10:00:00 web01 sshd[1]: text", "2026-11-25T10:00:00Z"),
        ("Nov  5 10:00:00 web01 sshd[1]: text", "2026-11-05T10:00:00Z"),
        ("<34>Nov 25 10:00:00 web01 su: text", "2026-11-25T10:00:00Z"),
        ("<34>1 2026-11-25T10:00:00.003Z web01 su - - - text", "2026-11-25T10:00:00.003Z"),
        ("Nov 25 2024 10:00:00: %ASA-6-302013: text", "2024-11-25T10:00:00Z"),
        ("2026 Nov 25 10:00:00 web01 text", "2026-11-25T10:00:00Z"),
        ("2026-11-25T10:00:00+01:00 web01 text", "2026-11-25T09:00:00Z"),
        ("2026-11-25T10:00:00.123456+0100 text", "2026-11-25T09:00:00.123Z"),
        ("2026-11-25 10:00:00,250 INFO text", "2026-11-25T10:00:00.25Z"),
        ("2026/11/25 10:00:00 [error] 7#7: text", "2026-11-25T10:00:00Z"),
        ("[2026-11-25 10:00:00] app.INFO: text", "2026-11-25T10:00:00Z"),
        ("I, [2026-11-25T10:00:00.5 #1]  INFO -- : text", "2026-11-25T10:00:00.5Z"),
        ("[Wed Nov 25 10:00:00.123456 2026] [core:error] text", "2026-11-25T10:00:00.123Z"),
        ("Wed Nov 25 10:00:00 2026 1 10.0.0.1 5 /f b _ i r", "2026-11-25T10:00:00Z"),
        ("11/25-10:00:00.500000  [**] text", "2026-11-25T10:00:00.5Z"),
        ("11/25/2025-10:00:00.500000  [**] text", "2025-11-25T10:00:00.5Z"),
        ("1795600000.123    200 10.0.0.1 TCP_MISS/200", "2026-11-25T09:46:40.123Z"),
        ("1795600000123 text", "2026-11-25T09:46:40.123Z"),
        ("type=SYSCALL msg=audit(1795600000.123:4): arch=1", "2026-11-25T09:46:40.123Z"),
    ] {
        assert_eq!(read(line), time, "{line}");
    }
}

#[test]
fn json_lines_say_their_time_under_several_names() {
    for (line, time) in [
        (r#"{"timestamp":"2026-11-25T10:00:00.1+0000","x":1}"#, "2026-11-25T10:00:00.1Z"),
        (r#"{"x":1, "@timestamp" : "2026-11-25T10:00:00Z"}"#, "2026-11-25T10:00:00Z"),
        (r#"{"ts":1795600000.5}"#, "2026-11-25T09:46:40.5Z"),
        (r#"{"time":1795600000123}"#, "2026-11-25T09:46:40.123Z"),
        (r#"{"__REALTIME_TIMESTAMP":"1795600000123456"}"#, "2026-11-25T09:46:40.123Z"),
        // A text that quotes a key is no key.
        (r#"{"log":"{\"timestamp\":\"1999-01-01T00:00:00Z\"}","time":"2026-11-25T10:00:00Z"}"#, "2026-11-25T10:00:00Z"),
        (r#"{"timestamp":"soon"}"#, "none"),
        (r#"{"timestamp":{}}"#, "none"),
    ] {
        assert_eq!(read(line), time, "{line}");
    }
}

#[test]
fn a_year_that_is_missing_does_not_put_a_line_into_the_future() {
    assert_eq!(read("Nov 26 09:00:00 h p: less than a day ahead"), "2026-11-26T09:00:00Z");
    assert_eq!(read("Nov 27 10:00:00 h p: text"), "2025-11-27T10:00:00Z");
    assert_eq!(read("Feb 29 10:00:00 h p: text"), "2024-02-29T10:00:00Z");
    let new_year = "Jan  1 00:00:05 h p: another clock is ahead";
    let december = LogTime::new(TimeZone::UTC, 1_798_761_590_000).read(new_year.as_bytes());
    assert_eq!(december, Some(1_798_761_605_000));
}

#[test]
fn times_without_a_zone_are_of_the_local_one() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    assert_eq!(read_in(zone.clone(), "Nov 25 10:00:00 h p: text"), "2026-11-25T09:00:00Z");
    assert_eq!(read_in(zone.clone(), "Jul  5 10:00:00 h p: text"), "2026-07-05T08:00:00Z");
    assert_eq!(read_in(zone, "2026-07-05T10:00:00Z text"), "2026-07-05T10:00:00Z");
}

#[test]
fn a_stamp_in_the_name_of_a_user_is_not_the_time() {
    let forged = r#"10.0.0.1 - x [01/Jan/1999:00:00:00 +0000] [25/Nov/2026:09:46:40 +0000] "GET /""#;
    assert_eq!(read(forged), "2026-11-25T09:46:40Z");
    let escaped =
        r#"10.0.0.1 - x [01/Jan/1999:00:00:00 +0000] \" [25/Nov/2026:09:46:40 +0000] "GET /""#;
    assert_eq!(read(escaped), "2026-11-25T09:46:40Z");
    let in_request = r#"10.0.0.1 - - [25/Nov/2026:09:46:40 +0000] "GET /[01/Jan/1999:00:00:00 +0000] "GET""#;
    assert_eq!(read(in_request), "2026-11-25T09:46:40Z");
}

#[test]
fn what_is_no_date_is_not_read() {
    for line in [
        "",
        "<",
        "<34>",
        "[",
        "{",
        "Nov 31 10:00:00 h p: no such day",
        "2026-13-01T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-11-25T24:00:00Z",
        "12345678901 x",
        "1795600000x",
        "9999999999999999999 x",
        "Monday 10:00:00",
        "Zzz 11 10:00:00 h p: x",
        "plain text",
    ] {
        assert_eq!(read(line), "none", "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn reading_never_fails(line: Vec<u8>, now: i64) {
        LogTime::new(TimeZone::UTC, now / 1_000_000).read(&line);
    }

    #[test]
    fn what_jiff_writes_is_read_back(seconds in 0_i64..7_000_000_000) {
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        let read = LogTime::new(TimeZone::UTC, NOW).read(time.to_string().as_bytes());
        proptest::prop_assert_eq!(read, Some(seconds * 1000));
    }
}
