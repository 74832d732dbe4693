//! `quell detect`: raw lines in, alerts out, with small rules of our own about doors.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, eventually, quell, repository};

/// Doors that are slammed, and three of one person within a minute.
pub(crate) const RULES: &str = r#"<group name="door,">
  <rule id="100100" level="0">
    <decoded_as>door</decoded_as>
    <description>Doors.</description>
  </rule>
  <rule id="100101" level="5">
    <if_sid>100100</if_sid>
    <action>slammed</action>
    <description>A door was slammed by $(srcuser).</description>
  </rule>
  <rule id="100102" level="10" frequency="3" timeframe="60">
    <if_matched_sid>100101</if_matched_sid>
    <same_srcuser />
    <description>Somebody slams doors.</description>
  </rule>
</group>
"#;

pub(crate) const DECODERS: &str = r#"<decoder name="door">
  <program_name>^door$</program_name>
  <regex>^(\w+) by (\w+)</regex>
  <order>action, srcuser</order>
</decoder>
"#;

/// A folder with rules, decoders and logs.
struct House {
    dir: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { dir: TempDir::new().unwrap() };
        house.write("rules/decoders/door.xml", DECODERS);
        house.write("rules/rules/door.xml", RULES);
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = quell();
        command.current_dir(self.dir.path()).env("TZ", "UTC");
        command.args(["detect", "--ruleset", "rules"]).args(arguments);
        command
    }

    fn detect(&self, arguments: &[&str]) -> Said {
        said(&self.command(arguments).output().unwrap())
    }

    fn detect_input(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).ok();
        said(&child.wait_with_output().unwrap())
    }
}

fn said(output: &std::process::Output) -> Said {
    Said {
        code: output.status.code().expect("the program was killed by a signal"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

/// Gives the rules that fired, in order.
fn rules(said: &Said) -> Vec<String> {
    said.lines().iter().map(|alert| text(alert, "/rule/id").to_owned()).collect()
}

/// A door is slammed on that day of November at that time.
fn slam(day: u8, time: &str, who: &str) -> String {
    format!("Nov {day:2} {time} hall door[7]: slammed by {who}\n")
}

#[test]
fn a_line_becomes_an_alert_as_wazuh_writes_it() {
    let house = House::new();
    let log =
        house.write("hall.log", "2024-03-05T10:00:01.250+01:00 hall door[7]: slammed by ada\n");
    let said = house.detect(&["hall.log"]).expect_code(0);
    let alerts = said.lines();
    assert_eq!(alerts.len(), 1);
    let alert = &alerts[0];
    assert_eq!(text(alert, "/timestamp"), "2024-03-05T09:00:01.250+0000");
    assert_eq!(text(alert, "/id"), "1709629201.0");
    assert_eq!(text(alert, "/rule/description"), "A door was slammed by ada.");
    assert_eq!(text(alert, "/data/srcuser"), "ada");
    assert_eq!(text(alert, "/agent/id"), "000");
    assert_eq!(text(alert, "/agent/name"), text(alert, "/manager/name"));
    assert_eq!(text(alert, "/location"), log.to_str().unwrap());
    assert!(said.err.contains("1 event = 1 alert + 0 below"), "{}", said.err);
    assert!(said.err.contains("alerts: 1 of level 5"), "{}", said.err);
}

#[test]
fn an_agent_can_be_named_in_the_location() {
    let house = House::new();
    let location = "[007] (hall) 10.0.0.7->/var/log/hall.log";
    let line = slam(24, "10:00:00", "ada");
    let alert =
        &house.detect_input(&["--location", location], line.as_bytes()).expect_code(0).lines()[0];
    assert_eq!(text(alert, "/agent/name"), "hall");
    assert_eq!(text(alert, "/location"), "/var/log/hall.log");
}

#[test]
fn packed_files_globs_and_standard_input_give_the_same_alerts() {
    let house = House::new();
    let lines = [slam(24, "10:00:00", "ada"), slam(24, "10:05:00", "bob")];
    let gzip = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    house.write("a.log", lines.concat());
    // Two packed files one after the other are one, and names say nothing.
    house.write("b.log", [gzip(&lines[0]), gzip(&lines[1])].concat());
    house.write("c.log", zstd::encode_all(lines.concat().as_bytes(), 1).unwrap());
    let plain = house.detect(&["a.log", "--location", "x"]).expect_code(0).out;
    assert_eq!(plain.lines().count(), 2);
    for name in ["b.log", "c.log"] {
        assert_eq!(house.detect(&[name, "--location", "x"]).expect_code(0).out, plain, "{name}");
        let packed = std::fs::read(house.path(name)).unwrap();
        let piped = house.detect_input(&["--location", "x", "-"], &packed).expect_code(0);
        assert_eq!(piped.out, plain, "{name}");
    }
    let all = house.detect(&["?.log"]).expect_code(0);
    assert_eq!(all.lines().len(), 6);
}

#[test]
fn with_all_every_event_is_printed_and_says_whether_it_is_an_alert() {
    let house = House::new();
    let input = format!(
        "Nov 24 10:00:00 hall door[7]: opened by ada\n{}quiet\n",
        slam(24, "10:00:01", "ada")
    );
    let events = house.detect_input(&["--all"], input.as_bytes()).expect_code(0).lines();
    let alerts: Vec<_> = events.iter().map(|event| event["alert"].as_bool().unwrap()).collect();
    assert_eq!(alerts, [false, true, false]);
    assert_eq!(events[2]["full_log"], "quiet");
}

#[test]
fn frequency_is_counted_in_the_time_that_lines_state() {
    let house = House::new();
    let quick =
        [slam(24, "10:00:00", "ada"), slam(24, "10:00:20", "ada"), slam(24, "10:00:40", "ada")];
    let slow =
        [slam(24, "10:00:00", "ada"), slam(24, "11:00:00", "ada"), slam(24, "12:00:00", "ada")];
    let run = |lines: &[String], more: &[&str]| {
        rules(&house.detect_input(more, lines.concat().as_bytes()).expect_code(0))
    };
    assert_eq!(run(&quick, &[]), ["100101", "100101", "100102"]);
    assert_eq!(run(&slow, &[]), ["100101", "100101", "100101"]);
    assert_eq!(run(&slow, &["--time", "now"]), ["100101", "100101", "100102"]);
}

#[test]
fn a_file_of_an_earlier_day_does_not_count_together_with_a_later_one() {
    let house = House::new();
    house.write("1", [slam(20, "10:00:00", "ada"), slam(20, "10:00:10", "ada")].concat());
    house.write("2", slam(10, "10:00:00", "ada"));
    let said = house.detect(&["1", "2"]).expect_code(0);
    assert_eq!(rules(&said), ["100101"; 3]);
    assert!(said.err.contains("1 time the time went back"), "{}", said.err);
}

#[test]
fn odd_bytes_pass_through_and_no_line_is_lost() {
    let house = House::new();
    let mut input = b"Nov 24 10:00:00 hall door[7]: slammed by ada \xff\xfe\r\n".to_vec();
    input.extend_from_slice(b"\n\r\nNov 24 10:05:00 hall door[7]: slammed by bob\0hidden\n");
    input.extend_from_slice(
        &[b"Nov 24 10:10:00 hall door[7]: slammed by cyd ", &[b'x'; 80_000][..]].concat(),
    );
    input.extend_from_slice(b"\nNov 24 10:15:00 hall door[7]: slammed by dan");
    for threads in ["1", "4"] {
        let output = {
            let log = house.write("odd", &input);
            house.command(&["--threads", threads]).arg(log).output().unwrap()
        };
        let lines: Vec<&[u8]> = output.stdout.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 5, "four alerts and what is behind the last line end");
        assert!(lines[0].windows(2).any(|pair| pair == b"\xff\xfe"), "raw bytes stay");
        assert!(!lines[0].windows(2).any(|pair| pair == b"\\r"), "line ends don't");
        assert!(lines[2].len() > 65_000 && lines[2].len() < 67_000, "{}", lines[2].len());
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("1 line longer than 65535 bytes"), "{err}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let house = House::new();
    let log = house.write("long.log", slam(24, "10:00:00", "ada").repeat(20_000));
    for threads in ["1", "4"] {
        let mut child = house
            .command(&["--threads", threads])
            .arg(&log)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("100101"));
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_with_its_exit_code() {
    let house = House::new();
    house.write("a.log", slam(24, "10:00:00", "ada"));
    let said = house.detect(&["a.log", "b.log"]).expect_code(3);
    assert!(said.err.contains("`b.log`") && said.out.is_empty(), "{}", said.err);
    let said = house.detect(&["*.gz"]).expect_code(3);
    assert!(said.err.contains("no file matches `*.gz`"), "{}", said.err);
    house.detect(&["rules"]).expect_code(3);
    house.write("bad.xml", "<group name=\"x,\"><rule id=\"100200\"</group>");
    let said = house.detect(&["a.log", "--ruleset", "bad.xml"]).expect_code(2);
    assert!(
        said.err.contains("Wazuh would refuse") && said.err.contains("bad.xml"),
        "{}",
        said.err
    );
    assert!(said.err.lines().last().unwrap().starts_with("hint: "), "{}", said.err);
}

#[test]
fn of_a_damaged_archive_the_sound_part_is_read_and_the_next_file_too() {
    let house = House::new();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for line in 0..20_000 {
        packer.write_all(slam(24, "10:00:00", &format!("ada{line}")).as_bytes()).unwrap();
    }
    let packed = packer.finish().unwrap();
    house.write("1.gz", &packed[..packed.len() / 2]);
    house.write("2", slam(24, "10:05:00", "bob"));
    let said = house.detect(&["1.gz", "2"]).expect_code(3);
    assert!(said.out.lines().count() > 1000, "{}", said.err);
    assert!(said.out.lines().last().unwrap().contains("bob"));
    assert!(said.err.contains("could not read `1.gz` to its end"), "{}", said.err);
    assert!(said.err.contains("events = "), "{}", said.err);
}

#[test]
fn a_followed_file_is_read_across_rotation_until_a_signal() {
    let house = House::new();
    let log = house.write("live.log", slam(23, "10:00:00", "ada"));
    let mut child = house
        .command(&["--follow", "live.log"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut alerts = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || alerts.next().unwrap().unwrap();
    assert!(next().contains("ada"));
    append(&log, &slam(23, "10:05:00", "bob"));
    assert!(next().contains("bob"));
    std::fs::rename(&log, house.path("live.log.1")).unwrap();
    append(&log, &slam(23, "10:10:00", "cyd"));
    assert!(next().contains("cyd"));
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = eventually("it ends", Duration::from_secs(10), || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.contains("3 events = 3 alerts"), "{err}");
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The same flood through Wazuh 4.14.7 and through us. The stock rules and the recording are not part of the repository.
#[test]
fn a_recorded_flood_gives_the_alerts_that_wazuh_gave() {
    let shared = repository("../shared");
    let (rules, log) = (shared.join("wazuh-4.14.7"), shared.join("data/flood14k.log.gz"));
    let recorded = shared.join("data/flood14k.alerts.json.gz");
    if ![&rules, &log, &recorded].into_iter().all(|path| path.exists()) {
        eprintln!("SKIPPED: `../shared` has no stock rules and no recorded flood");
        return;
    }
    let output = quell().args(["detect", "--ruleset"]).args([&rules, &log]).output().unwrap();
    let ours = said(&output).expect_code(0).lines();
    let theirs = flate2::read::GzDecoder::new(std::fs::File::open(recorded).unwrap());
    let theirs: Vec<Value> = BufReader::new(theirs)
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for part in [
            "/rule/id",
            "/rule/level",
            "/rule/firedtimes",
            "/data",
            "/decoder",
            "/full_log",
            "/previous_output",
            "/predecoder",
        ] {
            assert_eq!(ours.pointer(part), theirs.pointer(part), "{part}:\n{ours}\n{theirs}");
        }
    }
}
