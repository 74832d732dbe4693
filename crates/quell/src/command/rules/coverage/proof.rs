//! Which rules a set of tests proves: each has a sample that must end with it, and a near one that must not.
//!
//! A `fail` sample is right as soon as anything else comes of it. So a line that has nothing to do with the rule is right too, and
//! shows nothing. One counts here only if it comes to the rule's own door: a rule above it matches, and the rule's own conditions turn the
//! line away, or would where a sibling is asked first and takes it. The former holds these conditions in place: without them, the
//! sample would fail.
//!
//! And it must be near: share a word or a mark with a line of the rule's own ([`near`]).
//!
//! Two kinds of rules are special. With some no event can end: they group others, or a rule below takes all that is left. They are
//! shown by what they let through, which may be anything, so nothing is near or far of it. And a rule without a condition turns nothing away: what counts is that a sibling takes a line.

mod near;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alert::sanitize::shown;
use anyhow::bail;
use ruleset::testfile::{Sample, Should};
use ruleset::{Outcome, Ruleset, TriedVerdict};
use serde_json::{Value, json};

use near::Pieces;

/// The rules that are to be proven, by id.
#[derive(Debug, Default)]
pub(super) struct Proof {
    rules: BTreeMap<u32, Evidence>,
    /// The last lines of all samples.
    lines: Vec<Pieces>,
}

/// What the tests say about a rule.
#[derive(Debug, Default)]
struct Evidence {
    /// The file and the line of the rule.
    place: String,
    description: String,
    /// Lines that must end with the rule, or pass through it, and did; by their place among all lines.
    own: Vec<usize>,
    /// Lines that must not, and that the rule turned away.
    turned_away: Vec<usize>,
    /// Whether one of the latter is near one of the former.
    is_held_back: bool,
    /// Why a `fail` sample that names the rule doesn't count, with its place; the first of them.
    far: Option<String>,
}

impl Evidence {
    fn is_shown(&self) -> bool {
        !self.own.is_empty()
    }
}

impl Proof {
    /// Expects a proof of the rules in these files and folders.
    pub(super) fn new(ruleset: &Ruleset, paths: &[PathBuf]) -> anyhow::Result<Proof> {
        let mut rules = BTreeMap::new();
        for path in paths {
            let before = rules.len();
            let of_path = |file: &str| {
                let (Ok(file), Ok(path)) = (Path::new(file).canonicalize(), path.canonicalize())
                else {
                    return false;
                };
                file.starts_with(path)
            };
            for rule in ruleset.rules().filter(|rule| of_path(rule.file)) {
                let place = format!("{}:{}", rule.file, rule.line);
                let description = rule.description.into_owned();
                rules.insert(rule.id, Evidence { place, description, ..Evidence::default() });
            }
            if rules.len() == before {
                bail!(
                    "no rule of `{}` is loaded\nhint: name its folder with --ruleset too",
                    shown(&path.display().to_string(), 200)
                );
            }
        }
        Ok(Proof { rules, lines: Vec::new() })
    }

    /// Notes what came of the last line of a sample.
    pub(super) fn note(
        &mut self,
        file: &str,
        sample: &Sample,
        outcome: &Outcome<'_>,
        ruleset: &Ruleset,
    ) {
        if self.rules.is_empty() {
            return;
        }
        let named = sample.expected.rule.trim().parse::<u32>().ok();
        let line = self.lines.len();
        self.lines.extend(sample.events.last().map(|event| near::pieces(&event.log)));
        match sample.should {
            Should::Pass => {
                let last = outcome.rule().map(|rule| rule.id);
                for rule in outcome.path() {
                    let is_shown =
                        named == Some(rule.id) && last == named || !ruleset.can_be_final(rule.id);
                    if let Some(evidence) = self.rules.get_mut(&rule.id).filter(|_| is_shown) {
                        evidence.own.push(line);
                    }
                }
            }
            Should::Fail => {
                let Some(id) = named else { return };
                let Some(evidence) = self.rules.get_mut(&id) else { return };
                match why_far(id, outcome, ruleset) {
                    None => evidence.turned_away.push(line),
                    Some(why) => {
                        let place = format!("{file}:{}", sample.line);
                        evidence.far.get_or_insert_with(|| format!("{place}: {why}"));
                    }
                }
            }
        }
    }

    /// Compares the lines, when all are there.
    pub(super) fn settle(&mut self, ruleset: &Ruleset) {
        let common = near::common(&self.lines);
        let lines = &self.lines;
        for (id, evidence) in &mut self.rules {
            let is_near = |other: &usize| {
                let other = lines.get(*other)?;
                let mut own = evidence.own.iter().filter_map(|line| lines.get(*line));
                own.any(|own| near::is_near(own, other, &common)).then_some(())
            };
            let mut turned_away = evidence.turned_away.iter();
            evidence.is_held_back = match ruleset.can_be_final(*id) {
                true => turned_away.any(|line| is_near(line).is_some()),
                false => !evidence.turned_away.is_empty(),
            };
        }
    }

    /// How many rules are to be proven.
    pub(super) fn count(&self) -> usize {
        self.rules.len()
    }

    /// The rules that lack something.
    pub(super) fn lacking(&self) -> Vec<Lack<'_>> {
        let is_open = |lack: &Lack<'_>| !(lack.evidence.is_shown() && lack.evidence.is_held_back);
        self.rules.iter().map(|(id, evidence)| Lack { id: *id, evidence }).filter(is_open).collect()
    }
}

/// A rule that the tests don't prove.
pub(super) struct Lack<'p> {
    id: u32,
    evidence: &'p Evidence,
}

impl Lack<'_> {
    /// Says what is missing and what to add, in lines.
    pub(super) fn text(&self) -> String {
        let Evidence { place, description, .. } = self.evidence;
        let mut text =
            format!("LACK {} rule {}: {}", shown(place, 200), self.id, shown(description, 200));
        for (what, hint) in self.parts() {
            text.push_str(&format!("\n     no {what}\n     hint      {}", shown(&hint, 300)));
        }
        text
    }

    /// The same for tools.
    pub(super) fn json(&self) -> Value {
        let lacks: Vec<Value> = self
            .parts()
            .into_iter()
            .map(|(what, hint)| json!({ "lacks": what, "hint": hint }))
            .collect();
        json!({ "rule": self.id.to_string(), "place": self.evidence.place, "parts": lacks })
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts = Vec::new();
        if !self.evidence.is_shown() {
            let hint = format!(
                "add a line that must end with it: `log 1 pass = ...`, `rule = {}`",
                self.id
            );
            parts.push(("`pass` sample ends with it", hint));
        }
        if !self.evidence.is_held_back {
            let hint = match &self.evidence.far {
                _ if !self.evidence.turned_away.is_empty() => {
                    "the lines that it turns away have no word and no mark in common with its own"
                        .to_owned()
                }
                Some(far) => format!("a `fail` sample shows nothing here: {far}"),
                None => format!(
                    "add a line much like one of its own that must not end with it: `log 1 fail = ...`, `rule = {}`",
                    self.id
                ),
            };
            parts.push(("`fail` sample comes to it and is turned away", hint));
        }
        parts
    }
}

/// Says why a sample that must not end with a rule says nothing about it; nothing if it does.
fn why_far(id: u32, outcome: &Outcome<'_>, ruleset: &Ruleset) -> Option<String> {
    let path = outcome.path();
    if !ruleset.can_turn_away(id) {
        let parents = ruleset.parents(id);
        let is_beside = path.iter().any(|rule| parents.contains(&rule.id))
            && !path.iter().any(|rule| rule.id == id);
        return (!is_beside).then(|| "no sibling of the rule takes the line".to_owned());
    }
    let mut is_turned_away = false;
    for tried in outcome.tried().filter(|tried| tried.rule.id == id) {
        match tried.verdict {
            TriedVerdict::Failed(_) => is_turned_away = true,
            TriedVerdict::Matched | TriedVerdict::OnlyGroups => {
                return Some("the rule lets the line through".to_owned());
            }
        }
    }
    // Where siblings take whatever the rule would turn away, no line is turned away by it; but it would be.
    let parents = ruleset.parents(id);
    let is_at_door = path.iter().any(|rule| parents.contains(&rule.id));
    if is_turned_away || is_at_door && outcome.fails_condition_of(id) {
        return None;
    }
    Some(match path.last() {
        Some(rule) => format!("the line never comes to the rule, {} takes it before", rule.id),
        None => "the line never comes to the rule".to_owned(),
    })
}
