//! Finds signs of attacks with many patterns at little cost.
//!
//! A sign is a pattern with a few short strings, one of which must occur where the pattern can
//! match. One string finder looks for the strings of all signs in one pass; only the signs whose
//! string it saw are compared. An ordinary request has hardly any, so that most patterns are never
//! even built.
//!
//! Signs add up: two weak ones of the same kind in the same field are as good as one strong one.

use super::agent::takes_commands;
use super::query::{Kind, Part};
use super::sign::{Check, Family, Place, Sign, ascii_classes, families};
use super::view::{View, fragment};
use super::{FRAGMENT_CHARS_MAX, Field, Finding, STRENGTH_MIN, WebClass};
use aho_corasick::AhoCorasick;
use regex::{Captures, Regex, RegexBuilder};
use std::sync::{LazyLock, OnceLock};

/// The most memory that one built pattern may take. The largest of ours needs a tenth of it.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many signs there can be: the bits of `Marks`. A test tells when there are more.
const SIGNS_MAX: usize = 384;

impl Place {
    /// Tells whether the sign counts in a part of a request.
    fn holds(self, part: &Part) -> bool {
        match self {
            Place::Any => true,
            Place::Input => part.field != Field::UserAgent,
            Place::Value => is_value(part),
            Place::Command => is_value(part) && takes_commands(part.parameter.as_deref()),
            Place::Header => matches!(part.field, Field::Referer | Field::UserAgent),
            Place::Agent | Place::Target => false,
        }
    }
}

impl Check {
    fn holds(self, captures: &Captures<'_>) -> bool {
        match self {
            Check::Same => match (captures.get(1), captures.get(2)) {
                (Some(left), Some(right)) => left.as_str() == right.as_str(),
                _ => false,
            },
        }
    }
}

fn is_value(part: &Part) -> bool {
    matches!(part.field, Field::Target | Field::Extra) && part.kind == Kind::Value
}

/// Remembers which signs can match.
#[derive(Clone, Copy, Default)]
struct Marks([u64; SIGNS_MAX / 64]);

impl Marks {
    fn set(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    fn keep(&mut self, other: &Marks) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine &= theirs;
        }
    }

    /// Returns the marked signs, a word at a time, for most words are empty.
    fn indices(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok()?;
                word &= word.checked_sub(1)?;
                Some(at * 64 + bit)
            })
        })
    }

    fn add(&mut self, other: &Marks) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }
}

/// Holds all signs, the finder of their strings, and the patterns that were needed so far.
struct Engine {
    signs: Vec<(WebClass, &'static Sign)>,
    built: Vec<OnceLock<Option<Regex>>>,
    finder: Option<AhoCorasick>,
    /// The signs that a string belongs to, by the number that the finder gives it.
    marks: Vec<Marks>,
    /// The signs that look at each of `VIEWS`.
    of_view: Vec<Marks>,
    /// The signs that count in each of `PLACES`.
    of_place: Vec<Marks>,
}

const VIEWS: [View; 5] = [View::Plain, View::Sql, View::Shell, View::Path, View::Tight];

const PLACES: [Place; 5] = [Place::Any, Place::Input, Place::Value, Place::Command, Place::Header];

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);

/// Returns the signs that are compared with values, each with the kind of attack that it is a sign of.
fn signs() -> impl Iterator<Item = (WebClass, &'static Sign)> {
    let of_values = |sign: &&Sign| sign.reader.reads_values();
    let of = move |family: &'static Family| {
        family.signs.iter().filter(of_values).map(|sign| (family.class, sign))
    };
    families().iter().flat_map(of)
}

impl Engine {
    fn new() -> Engine {
        let signs: Vec<(WebClass, &'static Sign)> = signs().take(SIGNS_MAX).collect();
        let mut anchors: Vec<&'static str> = Vec::new();
        let mut marks: Vec<Marks> = Vec::new();
        for (index, (_, sign)) in signs.iter().enumerate() {
            for anchor in &sign.near {
                let at = anchors.iter().position(|known| known == anchor).unwrap_or_else(|| {
                    anchors.push(anchor);
                    marks.push(Marks::default());
                    anchors.len() - 1
                });
                if let Some(mark) = marks.get_mut(at) {
                    mark.set(index);
                }
            }
        }
        let finder = AhoCorasick::builder()
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(&anchors)
            .ok();
        let built = signs.iter().map(|_| OnceLock::new()).collect();
        let chosen = |wanted: &dyn Fn(&Sign) -> bool| {
            let mut marks = Marks::default();
            signs
                .iter()
                .enumerate()
                .filter(|(_, (_, sign))| wanted(sign))
                .for_each(|(index, _)| marks.set(index));
            marks
        };
        let of_view = VIEWS.iter().map(|view| chosen(&|sign| sign.view == *view)).collect();
        let of_place = PLACES.iter().map(|place| chosen(&|sign| sign.place == *place)).collect();
        Engine { signs, built, finder, marks, of_view, of_place }
    }

    /// Returns the signs that count in a part.
    fn allowed_in(&self, part: &Part) -> Marks {
        let mut allowed = Marks::default();
        for (place, marks) in PLACES.iter().zip(&self.of_place) {
            if place.holds(part) {
                allowed.add(marks);
            }
        }
        allowed
    }

    fn marks_in(&self, text: &str) -> Marks {
        let mut found = Marks::default();
        if let Some(finder) = &self.finder {
            for hit in finder.find_overlapping_iter(text) {
                if let Some(marks) = self.marks.get(hit.pattern().as_usize()) {
                    found.add(marks);
                }
            }
        }
        found
    }

    fn pattern(&self, index: usize) -> Option<&Regex> {
        let (_, sign) = self.signs.get(index)?;
        self.built.get(index)?.get_or_init(|| build(&sign.pattern).ok()).as_ref()
    }
}

/// Builds a pattern of a sign. Its classes are those of ASCII: the languages of the payloads know
/// no other letters, and the classes of Unicode would make each automaton many times larger and
/// slower to build.
fn build(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&ascii_classes(pattern))
        .size_limit(PATTERN_BYTES_MAX)
        .dot_matches_new_line(true)
        .build()
}

/// Compares one part of a request with all signs.
pub(super) fn weigh(part: &Part, evidence: &mut Evidence) {
    let engine = &*ENGINE;
    let allowed = engine.allowed_in(part);
    let plain = engine.marks_in(part.views.text(View::Plain));
    for (view, of_view) in VIEWS.iter().zip(&engine.of_view) {
        let mut marks = match part.views.own(*view) {
            Some(text) => engine.marks_in(text),
            None => plain,
        };
        marks.keep(of_view);
        marks.keep(&allowed);
        let text = part.views.text(*view);
        for index in marks.indices() {
            if let Some((class, sign)) = engine.signs.get(index)
                && let Some(start) = matching(engine, index, sign, text)
            {
                evidence.add(*class, sign.strength, part, &sign.reason, shown(part, *view, start));
            }
        }
    }
}

/// Returns where a sign matches.
fn matching(engine: &Engine, index: usize, sign: &Sign, text: &str) -> Option<usize> {
    let pattern = engine.pattern(index)?;
    match sign.check {
        None => pattern.find(text).map(|found| found.start()),
        Some(check) => pattern
            .captures_iter(text)
            .take(CHECKS_MAX)
            .find(|captures| check.holds(captures))
            .and_then(|captures| captures.get(0).map(|found| found.start())),
    }
}

/// How many matches of one pattern are checked in one value; a real one is among the first.
const CHECKS_MAX: usize = 16;

/// Returns the text of a match in its own case where the view has kept the positions.
fn shown(part: &Part, view: View, start: usize) -> String {
    let text = part.views.text(view);
    let kept = part.views.own(view).is_none() && part.text.len() == text.len();
    let source = if kept && part.text.is_char_boundary(start) { part.text.as_str() } else { text };
    fragment(source, start, FRAGMENT_CHARS_MAX).into_owned()
}

/// Gathers signs per class and field.
#[derive(Default)]
pub(super) struct Evidence {
    seen: Vec<Seen>,
}

struct Seen {
    finding: Finding,
    /// What speaks against an attack, in percent of a percent: all signs' doubts multiplied.
    doubt: u32,
}

impl Evidence {
    /// Adds a sign.
    pub(super) fn add(
        &mut self,
        class: WebClass,
        strength: u8,
        part: &Part,
        reason: &'static str,
        fragment: String,
    ) {
        self.add_in(class, strength, part.field, part.parameter.clone(), reason, fragment);
    }

    /// Adds a sign that belongs to no part.
    pub(super) fn add_in(
        &mut self,
        class: WebClass,
        strength: u8,
        field: Field,
        parameter: Option<String>,
        reason: &'static str,
        fragment: String,
    ) {
        let doubt = u32::from(100 - strength.min(99));
        let finding = Finding { class, strength, field, parameter, fragment, reason };
        let known = self
            .seen
            .iter_mut()
            .find(|seen| seen.finding.class == class && seen.finding.field == field);
        match known {
            None => self.seen.push(Seen { finding, doubt: doubt * 100 }),
            Some(seen) => {
                seen.doubt = seen.doubt * doubt / 100;
                if strength > seen.finding.strength {
                    seen.finding = finding;
                }
            }
        }
    }

    /// Says whether a field has a sign, be it ever so weak.
    pub(super) fn is_in(&self, field: Field) -> bool {
        self.seen.iter().any(|seen| seen.finding.field == field)
    }

    /// Returns what was seen often or clearly enough, best first.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .seen
            .into_iter()
            .map(|seen| {
                let strength = u8::try_from(100 - seen.doubt.div_ceil(100).min(99)).unwrap_or(1);
                Finding { strength, ..seen.finding }
            })
            .filter(|finding| finding.strength >= STRENGTH_MIN)
            .collect();
        let outer: Vec<(WebClass, Field, u8)> =
            findings.iter().map(|found| (found.class, found.field, found.strength)).collect();
        let is_only_argument = |finding: &Finding| {
            outer.iter().any(|(class, field, strength)| {
                *field == finding.field && carries(*class, *strength, finding.class)
            })
        };
        findings.sort_by(|a, b| {
            is_only_argument(a)
                .cmp(&is_only_argument(b))
                .then(b.strength.cmp(&a.strength))
                .then(a.class.cmp(&b.class))
        });
        findings
    }
}

/// How sure it must be that a script was planted, for a command in its request to be what it is told to run.
const SHELL_STRENGTH_MIN: u8 = 90;

/// Says whether an attack of one kind usually carries the other inside: a command names a file, a
/// lookup a command. What a planted script is told to run is its own, where it is hardly anything but one.
fn carries(outer: WebClass, strength: u8, inner: WebClass) -> bool {
    use WebClass::{
        CodeInjection, CommandInjection, FileInclusion, Log4shell, PathTraversal, SqlInjection,
        Ssti, Webshell,
    };
    let is_shell = outer == Webshell && strength >= SHELL_STRENGTH_MIN;
    match inner {
        PathTraversal | CommandInjection if is_shell => true,
        PathTraversal => {
            matches!(outer, CommandInjection | CodeInjection | Ssti | SqlInjection | Log4shell)
        }
        CommandInjection => matches!(outer, Log4shell),
        // What a wrapper such as `data:` makes a file of is code.
        CodeInjection => matches!(outer, FileInclusion),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_can_be_built_and_found() {
        let mut count = 0;
        for (_, sign) in signs() {
            count += 1;
            assert!(build(&sign.pattern).is_ok(), "{}", sign.pattern);
            assert!(!sign.near.is_empty(), "{}", sign.pattern);
            assert!(sign.near.iter().all(|a| *a == a.to_lowercase()), "{:?}", sign.near);
        }
        assert!(count <= SIGNS_MAX, "{count} signs");
        assert!(ENGINE.finder.is_some());
    }

    #[test]
    fn weak_signs_add_up() {
        let mut evidence = Evidence::default();
        for reason in ["one", "two"] {
            evidence.add_in(WebClass::Xss, 30, Field::Target, None, reason, String::new());
        }
        evidence.add_in(WebClass::Ssti, 30, Field::Target, None, "alone", String::new());
        let findings = evidence.into_findings();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].strength, 51);
    }
}
