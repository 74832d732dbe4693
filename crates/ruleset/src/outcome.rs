//! What became of one event.

use crate::event::Event;
use crate::fields::StaticField;
use crate::rule::condition::{Condition, Subject, Surroundings};
use crate::rule::correlation::Earlier;
use crate::rule::frequency::Support;
use crate::rule::run::{Failed, Tried};
use crate::rule::{Rule, RuleIndex};
use crate::ruleset::{RuleInfo, Ruleset};

/// The result of [`crate::Session::process`].
#[derive(Debug)]
pub struct Outcome<'s> {
    pub(crate) ruleset: &'s Ruleset,
    pub(crate) event: Event<'s>,
    pub(crate) fired: Option<Fired>,
    pub(crate) not_processed: bool,
    pub(crate) tried: Vec<Tried>,
    pub(crate) touched: &'s [usize],
}

/// The rule that an event ended with.
#[derive(Debug)]
pub(crate) struct Fired {
    pub(crate) rule: RuleIndex,
    pub(crate) fired_times: u32,
    pub(crate) alert: bool,
    pub(crate) support: Support,
}

impl Outcome<'_> {
    pub(crate) fn rule_inner(&self) -> Option<&Rule> {
        self.ruleset.rules.get(self.fired.as_ref()?.rule)
    }

    /// Whether the daemon drops the event before the rules: a packet filter's event with a field missing.
    pub fn not_processed(&self) -> bool {
        self.not_processed
    }

    /// Whether the event becomes an alert.
    pub fn is_alert(&self) -> bool {
        self.fired.as_ref().is_some_and(|fired| fired.alert)
    }

    /// The rule that applies.
    pub fn rule(&self) -> Option<RuleInfo<'_>> {
        self.rule_inner().map(|rule| self.ruleset.rule_info(rule))
    }

    /// The decoder's name, as rules see it.
    pub fn decoder_name(&self) -> Option<&str> {
        self.event.decoded_as.map(|name| self.ruleset.decoders.name(name))
    }

    /// The rules that were looked at, in order, with what came of each. Empty unless the session traces.
    pub fn tried(&self) -> impl Iterator<Item = TriedRule<'_>> {
        self.tried.iter().filter_map(|tried| {
            let rule = self.ruleset.rules.get(tried.rule)?;
            let failed = match tried.failed {
                Some(Failed::Condition(position)) => rule.conditions.get(position),
                _ => None,
            };
            let held = match tried.failed {
                Some(Failed::Condition(position)) => position,
                _ => rule.conditions.len(),
            };
            let finding = failed.and_then(|condition| self.describe_finding(condition));
            let verdict = match tried.failed {
                None => TriedVerdict::Matched,
                Some(Failed::OnlyGroups) => TriedVerdict::OnlyGroups,
                Some(Failed::Correlation) => TriedVerdict::Failed(describe_correlation(rule)),
                Some(Failed::Condition(position)) => {
                    let condition = rule.conditions.get(position)?;
                    let name = |id| self.ruleset.decoders.name(id).to_owned();
                    TriedVerdict::Failed(condition.describe(name))
                }
            };
            let depth = tried.depth;
            Some(TriedRule { rule: self.ruleset.rule_info(rule), depth, verdict, held, finding })
        })
    }

    /// The way to the rule that applies: the category's root first, the rule itself last. Empty when there is none, and unless the
    /// session traces.
    pub fn path(&self) -> Vec<RuleInfo<'_>> {
        let mut path = Vec::new();
        if self.fired.is_some() {
            for tried in &self.tried {
                path.truncate(tried.depth);
                if tried.failed.is_none() {
                    path.push(tried.rule);
                }
            }
        }
        let rules = path.into_iter().filter_map(|index| self.ruleset.rules.get(index));
        rules.map(|rule| self.ruleset.rule_info(rule)).collect()
    }

    /// Says whether a condition of this rule does not hold for the event, wherever the search ended. Conditions that need a memory of
    /// earlier events are not asked.
    pub fn fails_condition_of(&self, id: u32) -> bool {
        let index = self.ruleset.rules.by_id.get(&id);
        let rule = index.and_then(|index| self.ruleset.rules.get(*index));
        let around = Surroundings { lists: &self.ruleset.lists };
        rule.into_iter().flat_map(|rule| &rule.conditions).any(|condition| {
            !matches!(condition, Condition::Differs | Condition::FirstTime)
                && !condition.holds(&self.event, &around)
        })
    }

    /// Says what the event has where a condition looked; nothing where that is the line itself, or no single value.
    fn describe_finding(&self, condition: &Condition) -> Option<String> {
        let event = &self.event;
        let value = match condition {
            Condition::DecodedAs(_) => self.decoder_name().map(str::as_bytes),
            Condition::Text { subject, .. } => match subject {
                Subject::Match | Subject::Regex | Subject::Geo => return None,
                Subject::ProgramName => event.program_name,
                Subject::Hostname => event.hostname(),
                Subject::Location => Some(event.source.location),
                Subject::User => {
                    let user = event.fields.get(StaticField::DstUser);
                    user.or_else(|| event.fields.get(StaticField::SrcUser))
                }
                Subject::Field(field) => event.fields.get(*field),
            },
            Condition::Action { .. } => event.fields.get(StaticField::Action),
            Condition::Field { name, .. } => event.fields.dynamic(name),
            Condition::Address { of, .. } => event.fields.get(*of),
            _ => return None,
        };
        Some(match value {
            Some(value) => format!("it is `{}`", String::from_utf8_lossy(value)),
            None => "the event has none".to_owned(),
        })
    }

    /// The decoders that took part, by their position in [`Ruleset::decoders`]: the root first.
    pub fn decoders_touched(&self) -> &[usize] {
        self.touched
    }
}

/// A rule that was looked at.
#[derive(Debug, Clone)]
pub struct TriedRule<'o> {
    /// The rule.
    pub rule: RuleInfo<'o>,
    /// How many rules stand above it on the way that was taken.
    pub depth: usize,
    /// What came of it.
    pub verdict: TriedVerdict,
    /// How many of its conditions held before one did not.
    pub held: usize,
    /// What the event has where the condition that failed looked, in words. The line itself is not repeated.
    pub finding: Option<String>,
}

/// What came of looking at a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriedVerdict {
    /// All conditions hold. Its children were tried next.
    Matched,
    /// All conditions hold, but it only groups others, of which none matched.
    OnlyGroups,
    /// This condition, in the words of the rule, doesn't hold.
    Failed(String),
}

fn describe_correlation(rule: &Rule) -> String {
    let Some(correlation) = &rule.correlation else { return String::new() };
    let what = match &correlation.earlier {
        Earlier::Sid(sid) => format!("events of rule {sid}"),
        Earlier::Group(pattern) => {
            format!("events of group `{}`", String::from_utf8_lossy(pattern.text()))
        }
        Earlier::Regex(pattern) => {
            format!("events matching `{}`", String::from_utf8_lossy(pattern.text()))
        }
    };
    let alike = if correlation.same.is_empty() && correlation.different.is_empty() {
        ""
    } else {
        " that are alike as the rule asks"
    };
    format!(
        "frequency: {} {what}{alike} within {} s",
        correlation.frequency, correlation.timeframe_seconds
    )
}
