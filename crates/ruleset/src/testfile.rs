//! Reads rule tests in the `.ini` format of Wazuh's own, so that old tests go on working.
//!
//! A section is one test:
//!
//! ```text
//! [a login as root]
//! log 1 pass = Nov 25 10:00:00 web01 sshd[1]: Accepted password for root from 192.0.2.1
//! log 1 pass = Nov 25 10:00:09 web01 sshd[1]: Accepted password for root from 192.0.2.2
//! log 2 fail = Nov 25 10:00:00 web01 sshd[1]: Connection closed
//! rule = 100010
//! alert = 8
//! decoder = sshd
//! ```
//!
//! Lines with the same key belong to one sample: they are sent in order to a fresh engine, and the
//! outcome of the last one counts. A `pass` sample is right when rule, level and decoder are all as
//! expected, where nothing is expected of nothing; a `fail` sample is right when they are not.
//!
//! Two keys are Quell's own. `time = +30` advances the clock by 30 seconds before the next log line
//! of its section; lines without it arrive within one second. `location = /var/log/x` names the
//! source of the section's log lines from there on. Wazuh's files have neither.
//!
//! Reading never fails: what can't be understood is a [`Problem`] with its line, and the rest is
//! read all the same.

use std::collections::HashMap;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestFile {
    /// The samples, in the order of their first lines.
    pub samples: Vec<Sample>,
    /// What could not be understood, in the order of the lines.
    pub problems: Vec<Problem>,
}

/// A few log lines and the outcome that the last of them should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of its section.
    pub section: String,
    /// The number in its key: 2 for `log 2 pass`.
    pub number: u32,
    /// The line of its first log line, counted from 1.
    pub line: usize,
    /// Whether the expected outcome should come, or anything but that.
    pub should: Should,
    /// The log lines; never empty.
    pub events: Vec<SampleEvent>,
    /// What its section expects.
    pub expected: Expected,
}

/// Whether a sample names the outcome that should come, or the one that should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Should {
    /// `log 1 pass`
    Pass,
    /// `log 1 fail`
    Fail,
}

/// One log line of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleEvent {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// The log line, which may be any bytes.
    pub log: Vec<u8>,
    /// Seconds that the clock advances before it, since the log line above it in the section.
    pub wait_secs: u32,
    /// Where it comes from, if the section says so.
    pub location: Option<Vec<u8>>,
}

/// What a section expects of its samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The id of the rule, empty for none.
    pub rule: String,
    /// The level, empty when there is no rule.
    pub level: String,
    /// The name of the decoder, empty for none.
    pub decoder: String,
}

/// A line that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl Sample {
    /// Says whether an outcome is the right one. Pass the rule's id and level only if there was a
    /// rule, and an empty decoder if there was none.
    #[must_use]
    pub fn is_right(&self, rule: Option<(&str, u8)>, decoder: &str) -> bool {
        let (id, level) = rule.map_or(("", String::new()), |(id, level)| (id, level.to_string()));
        let expected = &self.expected;
        let is_as_expected =
            expected.rule == id && expected.level == level && expected.decoder == decoder;
        match self.should {
            Should::Pass => is_as_expected,
            // In Wazuh's own runner an empty value here agrees with nothing, not even with a missing result.
            Should::Fail => !is_as_expected || expected.has_empty_value(),
        }
    }
}

impl Expected {
    fn has_empty_value(&self) -> bool {
        self.rule.is_empty() || self.level.is_empty() || self.decoder.is_empty()
    }
}

impl TestFile {
    /// Reads the text of a file.
    #[must_use]
    pub fn parse(source: &[u8]) -> TestFile {
        let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
        let mut reader = Reader::default();
        for (index, line) in source.split(|byte| *byte == b'\n').enumerate() {
            reader.read(index + 1, line.trim_ascii());
        }
        reader.finish_section();
        // A `time` that no log line follows is noticed late.
        reader.file.problems.sort_by_key(|problem| problem.line);
        reader.file
    }
}

/// What has been read of the file, with the open section.
#[derive(Default)]
struct Reader {
    file: TestFile,
    /// Samples of the file that belong to sections before the open one.
    finished: usize,
    /// The name of the open section.
    section: Option<String>,
    /// Where the samples of the open section are.
    open: HashMap<(u32, Should), usize>,
    expected: Expected,
    /// Seconds to wait before the next log line, if a `time` line said so, and where it said it.
    wait: Option<(usize, u32)>,
    location: Option<Vec<u8>>,
}

/// A key that has a meaning.
enum Key {
    Log(u32, Should),
    Rule,
    Level,
    Decoder,
    Time,
    Location,
}

impl Reader {
    fn read(&mut self, line: usize, text: &[u8]) {
        match text {
            [] | [b';' | b'#', ..] => {}
            [b'[', name @ .., b']'] => {
                self.finish_section();
                self.section = Some(shown(name));
            }
            _ => self.read_pair(line, text),
        }
    }

    fn read_pair(&mut self, line: usize, text: &[u8]) {
        let Some((key, value)) = split_pair(text) else {
            return self.complain(line, "neither a section nor a key with `=`".to_owned());
        };
        let Some(meaning) = parse_key(key) else {
            return self.complain(line, format!("unknown key `{}`", shown(key)));
        };
        if self.section.is_none() {
            return self.complain(line, "stands before the first section".to_owned());
        }
        match meaning {
            Key::Log(number, should) => self.add_log(line, number, should, value),
            Key::Rule => self.expected.rule = shown(value),
            Key::Level => self.expected.level = shown(value),
            Key::Decoder => self.expected.decoder = shown(value),
            Key::Location => self.location = Some(value.to_vec()),
            Key::Time => match parse_wait(value) {
                Some(secs) => {
                    let before = self.wait.map_or(0, |(_, secs)| secs);
                    self.wait = Some((line, secs.saturating_add(before)));
                }
                None => self.complain(
                    line,
                    format!("`time` takes a plus sign and seconds, not `{}`", shown(value)),
                ),
            },
        }
    }

    fn add_log(&mut self, line: usize, number: u32, should: Should, log: &[u8]) {
        let wait_secs = self.wait.take().map_or(0, |(_, secs)| secs);
        let location = self.location.clone();
        let event = SampleEvent { line, log: log.to_vec(), wait_secs, location };
        let samples = &mut self.file.samples;
        let index = *self.open.entry((number, should)).or_insert(samples.len());
        match samples.get_mut(index) {
            Some(sample) => sample.events.push(event),
            None => samples.push(Sample {
                section: self.section.clone().unwrap_or_default(),
                number,
                line,
                should,
                events: vec![event],
                expected: Expected::default(),
            }),
        }
    }

    /// Hands what the section expects to its samples, which may stand before it.
    fn finish_section(&mut self) {
        let expected = std::mem::take(&mut self.expected);
        for sample in self.file.samples.iter_mut().skip(self.finished) {
            sample.expected.clone_from(&expected);
        }
        self.finished = self.file.samples.len();
        self.open.clear();
        self.location = None;
        if let Some((line, _)) = self.wait.take() {
            self.complain(line, "no log line follows this `time`".to_owned());
        }
    }

    fn complain(&mut self, line: usize, message: String) {
        self.file.problems.push(Problem { line, message });
    }
}

/// Splits a line at its first `=`.
fn split_pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = text.split_at_checked(memchr::memchr(b'=', text)?)?;
    Some((key.trim_ascii(), value.strip_prefix(b"=")?.trim_ascii()))
}

fn parse_key(key: &[u8]) -> Option<Key> {
    let key = std::str::from_utf8(key).ok()?;
    let mut words = key.split_ascii_whitespace();
    let key = match (words.next()?, words.next(), words.next(), words.next()) {
        ("log", Some(number), Some("pass"), None) => Key::Log(number.parse().ok()?, Should::Pass),
        ("log", Some(number), Some("fail"), None) => Key::Log(number.parse().ok()?, Should::Fail),
        ("rule", None, None, None) => Key::Rule,
        ("alert", None, None, None) => Key::Level,
        ("decoder", None, None, None) => Key::Decoder,
        ("time", None, None, None) => Key::Time,
        ("location", None, None, None) => Key::Location,
        _ => return None,
    };
    Some(key)
}

fn parse_wait(value: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(value).ok()?.strip_prefix('+')?.trim_ascii_start();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Shows names and expectations, which are text in any sane file.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests;
