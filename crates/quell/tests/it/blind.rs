//! A set of requests that was written or composed without a look at the signs: attacks of each kind in the spellings that came to mind, and honest
//! requests that look alike. Rules and classification are held to what they make of it, in both directions: a change that finds less
//! or cries wolf more often fails, and so does one that does better, until the figures here say so too.
//!
//! `fixtures/blind/requests.tsv` has one request a line: its class, where the text stands (`target`, `agent`, `referer`), the text as
//! sent. Some attacks in it are not found, and some honest ones raise an alarm; they stay, for the figures would mean nothing else.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;
use triage::classify::{Request, classify};

use crate::command::{repository, run_with_input};

/// Of the 1,546 attacks, how many the rules find.
const RULES_FOUND: RangeInclusive<usize> = 1475..=1476;

/// How many of these under their own class.
const RULES_NAMED: RangeInclusive<usize> = 1392..=1393;

/// Of the 728 honest requests, at how many the rules cry wolf.
const RULES_FALSE: RangeInclusive<usize> = 27..=28;

/// The same for the classification of triage.
const TRIAGE_FOUND: RangeInclusive<usize> = 1465..=1466;
const TRIAGE_NAMED: RangeInclusive<usize> = 1416..=1417;
const TRIAGE_FALSE: RangeInclusive<usize> = 29..=30;

/// What honest requests are called.
const HARMLESS: &str = "harmless";

/// Groups of rules about attacks. A path that should not be public has only the last of them.
const ATTACK_GROUPS: [&str; 3] = ["web_attack", "scanner", "forced_browsing"];

/// One line of the set.
struct Sample {
    class: String,
    place: String,
    text: String,
}

fn samples() -> Vec<Sample> {
    let text = std::fs::read_to_string(repository("fixtures/blind/requests.tsv")).unwrap();
    let mut samples = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\t').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_else(|| panic!("three fields: {line}"));
        samples.push(Sample { class: next(), place: next(), text: next() });
    }
    samples
}

impl Sample {
    fn at(&self, place: &str, other: &'static str) -> &str {
        if self.place == place { &self.text } else { other }
    }

    /// Writes the request as Apache logs it. Each comes from another address at another half hour, so that no rule about many requests
    /// takes the place of the one that read this.
    fn line(&self, index: usize) -> String {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            "198.51.{}.{} - - [{:02}/Nov/2026:{:02}:{:02}:00 +0000] \"GET {} HTTP/1.1\" 404 512 \"{}\" \"{}\"\n",
            index / 250,
            index % 250 + 1,
            index / 48 + 1,
            index / 2 % 24,
            index % 2 * 30,
            escaped(self.at("target", "/")),
            escaped(self.at("referer", "-")),
            escaped(self.at("agent", "Mozilla/5.0"))
        )
    }
}

/// What was found of one class.
#[derive(Default)]
struct Tally {
    all: usize,
    found: usize,
    named: usize,
}

/// Counts by class, shows what was missed or wrong, and compares the sums with the bars.
fn judge(
    reader: &str,
    bars: [&RangeInclusive<usize>; 3],
    mut answer: impl FnMut(&Sample) -> Vec<String>,
) {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for sample in &samples() {
        let classes = answer(sample);
        let tally = tallies.entry(sample.class.clone()).or_default();
        tally.all += 1;
        tally.found += usize::from(!classes.is_empty());
        tally.named += usize::from(classes.contains(&sample.class));
        if classes.is_empty() != (sample.class == HARMLESS) {
            eprintln!("  {reader} {}: {} {classes:?}", sample.class, sample.text);
        }
    }
    for (class, tally) in &tallies {
        eprintln!("{reader} {class}: {} of {}, {} named", tally.found, tally.all, tally.named);
    }
    let attacks = || tallies.iter().filter(|(class, _)| *class != HARMLESS).map(|(_, tally)| tally);
    let sums = [
        attacks().map(|tally| tally.found).sum(),
        attacks().map(|tally| tally.named).sum(),
        tallies[HARMLESS].found,
    ];
    for ((what, sum), bar) in ["found", "named", "false alarms"].iter().zip(sums).zip(bars) {
        assert!(
            bar.contains(&sum),
            "{reader}: {what}: {sum}, and the bar is {bar:?}; if that is better, raise the bar"
        );
    }
}

#[test]
fn the_rules_find_of_a_blind_set_what_they_found() {
    let lines: String = samples().iter().enumerate().map(|(at, sample)| sample.line(at)).collect();
    let rules = repository("rules").display().to_string();
    let said = run_with_input(&["detect", "--ruleset", &rules, "--all", "-"], lines.as_bytes())
        .expect_code(0);
    let mut events = said.lines().into_iter();
    judge("rules", [&RULES_FOUND, &RULES_NAMED, &RULES_FALSE], |sample| {
        let event = events.next().expect("each line is an event");
        let line = event["full_log"].as_str().unwrap();
        assert!(line.len() > sample.text.len(), "another line than that of {}", sample.text);
        let groups = event["rule"]["groups"].as_array().map_or(&[][..], Vec::as_slice);
        let groups: Vec<String> =
            groups.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let is_attack = groups.iter().any(|group| ATTACK_GROUPS.contains(&group.as_str()));
        if is_attack && event["alert"] != false { groups } else { Vec::new() }
    });
    assert!(events.next().is_none(), "each event is a line");
}

#[test]
fn triage_finds_of_a_blind_set_what_it_found() {
    judge("triage", [&TRIAGE_FOUND, &TRIAGE_NAMED, &TRIAGE_FALSE], |sample| {
        let request = Request {
            method: "GET",
            target: sample.at("target", "/"),
            status: Some(404),
            user_agent: sample.at("agent", "Mozilla/5.0"),
            referer: sample.at("referer", "-"),
            extra: "",
        };
        classify(&request).iter().map(|finding| finding.class.as_str().to_owned()).collect()
    });
}
