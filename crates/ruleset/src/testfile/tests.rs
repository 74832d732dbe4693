//! Text in, samples out; and Wazuh's own files where they are at hand.

use std::path::Path;

use super::*;

/// One line per log line and one per problem, as a reader of the file would sum it up.
fn summary(source: &[u8]) -> String {
    let file = TestFile::parse(source);
    let mut lines = Vec::new();
    for sample in &file.samples {
        let Expected { rule, level, decoder } = &sample.expected;
        let expected = format!("rule `{rule}` level `{level}` decoder `{decoder}`");
        let (section, number, should) = (&sample.section, sample.number, sample.should);
        lines.push(format!("{}: [{section}] {number} {should:?}: {expected}", sample.line));
        for event in &sample.events {
            let log = String::from_utf8_lossy(&event.log);
            let location = event.location.as_deref().map(String::from_utf8_lossy);
            let location = location.map_or(String::new(), |name| format!(" from {name}"));
            lines.push(format!("  {}: +{} `{log}`{location}", event.line, event.wait_secs));
        }
    }
    lines.extend(file.problems.iter().map(|p| format!("{}: problem: {}", p.line, p.message)));
    lines.join("\n")
}

#[test]
fn a_section_gives_its_expectations_to_all_of_its_samples() {
    let source = b"; comment\n[one]\nlog 1 pass = a = b\nlog 2 fail =  c \nrule =7\nalert= 3\n\
                   decoder = d\n\n[two]\nlog 1 pass = e\nrule =\nalert = \ndecoder =\n";
    insta::assert_snapshot!(summary(source), @"
    3: [one] 1 Pass: rule `7` level `3` decoder `d`
      3: +0 `a = b`
    4: [one] 2 Fail: rule `7` level `3` decoder `d`
      4: +0 `c`
    10: [two] 1 Pass: rule `` level `` decoder ``
      10: +0 `e`
    ");
}

#[test]
fn a_repeated_key_adds_a_line_to_its_sample() {
    let source = b"[s]\nlog 1 pass = a\nlog 1 fail = b\nlog 1 pass = c\n[s]\nlog 1 pass = d\n";
    insta::assert_snapshot!(summary(source), @"
    2: [s] 1 Pass: rule `` level `` decoder ``
      2: +0 `a`
      4: +0 `c`
    3: [s] 1 Fail: rule `` level `` decoder ``
      3: +0 `b`
    6: [s] 1 Pass: rule `` level `` decoder ``
      6: +0 `d`
    ");
}

#[test]
fn steps_of_the_clock_and_locations_are_for_the_lines_after_them() {
    let source = b"[s]\nlocation = /var/log/a\nlog 1 pass = a\ntime = +30\nlog 1 pass = b\n\
                   log 1 pass = c\ntime = + 5\ntime = +5\nlocation = b\nlog 1 pass = d\n[t]\n\
                   log 1 pass = e\n";
    insta::assert_snapshot!(summary(source), @"
    3: [s] 1 Pass: rule `` level `` decoder ``
      3: +0 `a` from /var/log/a
      5: +30 `b` from /var/log/a
      6: +0 `c` from /var/log/a
      10: +10 `d` from b
    12: [t] 1 Pass: rule `` level `` decoder ``
      12: +0 `e`
    ");
}

#[test]
fn what_is_not_understood_is_told_with_its_line_and_the_rest_is_read() {
    let source =
        b"rule = 1\n[s]\ntime = -5\nlog 1 maybe = x\nlog 1 pass = a\njunk\n[t\ntime = +1\n\
                   [u]\n\xff\n";
    insta::assert_snapshot!(summary(source), @"
    5: [s] 1 Pass: rule `` level `` decoder ``
      5: +0 `a`
    1: problem: stands before the first section
    3: problem: `time` takes a plus sign and seconds, not `-5`
    4: problem: unknown key `log 1 maybe`
    6: problem: neither a section nor a key with `=`
    7: problem: neither a section nor a key with `=`
    8: problem: no log line follows this `time`
    10: problem: neither a section nor a key with `=`
    ");
}

#[test]
fn files_from_windows_read_the_same() {
    let source =
        b"\xef\xbb\xbf[s]\r\nlog 1 pass = \xffx\r\nrule = 1\r\nalert = 2\r\ndecoder = d\r\n";
    let file = TestFile::parse(source);
    assert_eq!(file.problems, []);
    assert_eq!(file.samples[0].events[0].log, b"\xffx");
    assert_eq!(file.samples[0].expected.decoder, "d");
}

#[test]
fn a_sample_is_right_when_all_three_agree() {
    let sample = |key: &str, rest: &str| {
        TestFile::parse(format!("[s]\nlog 1 {key} = x\n{rest}").as_bytes()).samples.remove(0)
    };
    let full = "rule = 7\nalert = 3\ndecoder = d\n";
    for (rule, decoder, is_right) in [
        (Some(("7", 3)), "d", true),
        (Some(("8", 3)), "d", false),
        (Some(("7", 4)), "d", false),
        (Some(("7", 3)), "", false),
        (None, "d", false),
    ] {
        assert_eq!(sample("pass", full).is_right(rule, decoder), is_right, "{rule:?} {decoder}");
        assert_eq!(sample("fail", full).is_right(rule, decoder), !is_right, "{rule:?} {decoder}");
    }
    assert!(sample("pass", "rule =\nalert =\ndecoder =\n").is_right(None, ""));
    assert!(!sample("pass", "rule =\nalert =\ndecoder =\n").is_right(Some(("1", 0)), ""));
}

#[test]
fn wazuhs_own_files_give_all_of_their_samples() {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/wazuh-4.14.7/testing/tests");
    let Ok(folder) = Path::new(shared).read_dir() else {
        println!("skipped: no test files of Wazuh at `{shared}`");
        return;
    };
    let (mut files, mut samples, mut lines, mut problems) = (0, 0, 0, 0);
    for entry in folder {
        let file = TestFile::parse(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
        samples += file.samples.len();
        lines += file.samples.iter().map(|sample| sample.events.len()).sum::<usize>();
        problems += file.problems.len();
    }
    // The two problems are log lines without a key, which Wazuh's own runner passes over.
    assert_eq!((files, samples, lines, problems), (66, 1291, 1369, 2));
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_read(source: Vec<u8>) {
        drop(TestFile::parse(&source));
    }
}
