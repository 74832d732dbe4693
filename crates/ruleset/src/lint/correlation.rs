//! Rules that build on others: frequency rules that count nothing, and groups that mean more than they say.

use super::catalog as lints;
use super::{Places, Report, named};
use crate::rule::correlation::{Correlation, Earlier};
use crate::rule::{Parents, Rule, Rules};
use crate::ruleset::Ruleset;

pub(super) fn check(ruleset: &Ruleset, places: &Places<'_>, report: &mut Report) {
    for (index, rule) in ruleset.rules.all.iter().enumerate() {
        if places.element(rule).is_none() {
            continue;
        }
        if let Some(correlation) = &rule.correlation {
            counted(ruleset, places, rule, correlation, report);
        }
        if let Parents::Groups(words) = &rule.parents {
            let earlier = ruleset.rules.all.get(..index).unwrap_or_default();
            words.iter().for_each(|word| part_of_a_name(earlier, word, places, rule, report));
        }
    }
}

fn counted(
    ruleset: &Ruleset,
    places: &Places<'_>,
    rule: &Rule,
    correlation: &Correlation,
    report: &mut Report,
) {
    let subject = format!("rule {}", rule.id);
    let rules = &ruleset.rules;
    match &correlation.earlier {
        Earlier::Sid(sid) => {
            let Some(base) = rules.by_id.get(sid).and_then(|index| rules.get(*index)) else {
                return;
            };
            let why = if base.level == 0 {
                "has level 0, and Wazuh remembers no events of level 0"
            } else if base.noalert {
                "is never the last word on an event (noalert)"
            } else {
                return;
            };
            let Some(place) = places.of_child(rule, &["if_matched_sid"]) else { return };
            let message = format!("never fires: {} {why}", named(ruleset, base));
            report.add(
                &lints::COUNTS_SILENT,
                place,
                subject,
                message,
                "count a rule of level 1 or more",
            );
        }
        Earlier::Group(pattern) => {
            let counts =
                |other: &&Rule| other.id != rule.id && pattern.is_match(other.groups.as_bytes());
            if is_any_remembered(rules, counts) {
                return;
            }
            let Some(place) = places.of_child(rule, &["if_matched_group"]) else { return };
            let group = String::from_utf8_lossy(pattern.text());
            let message =
                format!("never fires: no other rule of level 1 or more is in the group `{group}`");
            report.add(
                &lints::COUNTS_NOTHING,
                place,
                subject,
                message,
                "check the name of the group",
            );
        }
        Earlier::Regex(_) if !correlation.global => {
            let Some(place) = places.of_child(rule, &["if_matched_regex"]) else { return };
            let message =
                "Wazuh 4 hangs on this rule when the event before came from another agent";
            let hint = "add `<global_frequency />`, or give the text a rule of its own and use if_matched_sid";
            report.add(&lints::HANGS_WAZUH, place, subject, message, hint);
        }
        Earlier::Regex(_) => {}
    }
    let Some(element) = places.element(rule) else { return };
    if element.attribute("timeframe").is_none()
        && let Some(place) = places.of(rule)
    {
        let message = "counts over 360 seconds, Wazuh's default, for want of a time frame";
        let hint = "say it: timeframe=\"360\"";
        report.add(&lints::NO_TIMEFRAME, place, format!("rule {}", rule.id), message, hint);
    }
}

fn is_any_remembered(rules: &Rules, counts: impl Fn(&&Rule) -> bool) -> bool {
    rules.all.iter().filter(counts).any(|rule| rule.level > 0 && !rule.noalert)
}

/// `if_group` finds a word inside of other names.
fn part_of_a_name(
    earlier: &[Rule],
    word: &str,
    places: &Places<'_>,
    rule: &Rule,
    report: &mut Report,
) {
    if word.is_empty() {
        return;
    }
    let mut others: Vec<&str> = Vec::new();
    let mut whole = false;
    for parent in earlier.iter().filter(|parent| parent.groups.contains(word)) {
        let mut names = parent.groups.split(',').map(str::trim);
        if names.any(|name| name == word) || word.contains(',') {
            whole = true;
            continue;
        }
        let name = parent.groups.split(',').map(str::trim).find(|name| name.contains(word));
        others.extend(name.filter(|name| !others.contains(name)));
    }
    if others.is_empty() {
        return;
    }
    /// A few names are enough to see what is meant.
    const NAMES_MAX: usize = 3;
    let names: Vec<String> =
        others.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = others.len().saturating_sub(NAMES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = format!("{}{more}", names.join(", "));
    let message = match whole {
        true => format!("group `{word}` also means rules of {names}"),
        false => format!("no rule is in the group `{word}`; it is found inside of {names}"),
    };
    let Some(place) = places.of_child(rule, &["if_group", "if_matched_group"]) else { return };
    let hint = format!("if only `{word}` is meant, name the rules with if_sid");
    report.add(&lints::IF_GROUP_SUBSTRING, place, format!("rule {}", rule.id), message, hint);
}
