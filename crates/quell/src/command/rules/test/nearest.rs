//! Why an expected rule is not the one that applies: which condition of it failed, or which rule above it kept the event away.

use std::collections::{HashSet, VecDeque};

use ruleset::testfile::{Sample, Should};
use ruleset::{Ruleset, TriedVerdict};

use crate::command::logtest::seen::{Seen, Step};

/// Rules above a rule that are looked at before the search gives up: a rule of `if_group` may hang below hundreds.
const ANCESTORS_MAX: usize = 1000;

/// Says why a sample is not right, in a few sentences.
pub(super) fn reasons(sample: &Sample, seen: &Seen, ruleset: &Ruleset) -> Vec<String> {
    if sample.should == Should::Fail {
        return vec!["the outcome is the one that should not come".to_owned()];
    }
    let mut reasons = Vec::new();
    if seen.is_dropped {
        reasons.push("the event is dropped before the rules".to_owned());
        return reasons;
    }
    let expected = &sample.expected;
    let decoder = seen.text("/decoder/name").unwrap_or_default();
    if expected.decoder != decoder {
        let wanted = &expected.decoder;
        let is_there = wanted.is_empty() || ruleset.decoders().any(|known| known.name == wanted);
        reasons.push(match (is_there, decoder.as_str()) {
            (false, _) => format!("there is no decoder `{wanted}` in these files"),
            (true, "") => format!("no decoder knows the line, `{wanted}` among them"),
            (true, decoder) => format!("decoder `{decoder}` took the line"),
        });
    }
    let got = seen.rule();
    let got_id = got.as_ref().map_or("", |(id, _)| id.as_str());
    if expected.rule == got_id {
        if let Some((id, level)) = got
            && expected.level != level.to_string()
        {
            reasons.push(format!("rule {id} has level {level}"));
        }
    } else {
        reasons.push(why_not(&expected.rule, seen, ruleset));
    }
    reasons
}

fn why_not(expected: &str, seen: &Seen, ruleset: &Ruleset) -> String {
    let way = || {
        let ids: Vec<String> = seen.path.iter().map(|step| step.id.to_string()).collect();
        ids.join(" > ")
    };
    if expected.is_empty() {
        return format!("a rule applies, by this way: {}", way());
    }
    let known = expected.parse().ok().filter(|id| ruleset.rule(*id).is_some());
    let Some(id) = known else { return format!("there is no rule {expected} in these files") };
    if let Some(step) = tried(id, seen) {
        return match &step.verdict {
            TriedVerdict::Matched if seen.path.iter().any(|step| step.id == id) => {
                format!("rule {id} matches, and so does a rule below it: {}", way())
            }
            _ => format!("rule {id} was tried: it {}", step.why_not()),
        };
    }
    above(id, seen, ruleset)
}

/// Explains a rule that was not even tried, by the nearest rule above it that was.
fn above(id: u32, seen: &Seen, ruleset: &Ruleset) -> String {
    let mut known = HashSet::from([id]);
    let mut waiting = VecDeque::from([id]);
    let mut nearest: Option<&Step> = None;
    while let Some(below) = waiting.pop_front() {
        if known.len() > ANCESTORS_MAX {
            break;
        }
        for parent in ruleset.parents(below) {
            if !known.insert(parent) {
                continue;
            }
            match tried(parent, seen) {
                Some(step) if step.verdict == TriedVerdict::Matched => {
                    let taken = seen.path.iter().find(|taken| taken.depth > step.depth);
                    let before = taken.map_or_else(
                        || "nothing below it was reached".to_owned(),
                        |taken| {
                            format!(
                                "rule {} (level {}) was tried before and took the event",
                                taken.id, taken.level
                            )
                        },
                    );
                    return format!(
                        "rule {id} was never tried: rule {parent} above it matches, but {before}"
                    );
                }
                // The one that got furthest is the one that the author had in mind.
                Some(step) if nearest.is_none_or(|nearest| step.held > nearest.held) => {
                    nearest = Some(step);
                }
                Some(_) => {}
                None => waiting.push_back(parent),
            }
        }
    }
    match nearest {
        Some(step) => {
            format!("rule {id} was never tried: rule {} above it {}", step.id, step.why_not())
        }
        None => format!(
            "rule {id} was never tried: the event is of another category, or was taken before"
        ),
    }
}

/// Finds a rule among those tried: a rule with several parents where it got furthest.
fn tried(id: u32, seen: &Seen) -> Option<&Step> {
    let steps = seen.tried.iter().filter(|step| step.id == id);
    steps.max_by_key(|step| {
        let rank = match &step.verdict {
            TriedVerdict::Matched => 1,
            TriedVerdict::OnlyGroups => 2,
            TriedVerdict::Failed(_) => 0,
        };
        (rank, step.held)
    })
}
