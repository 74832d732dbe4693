//! Walks the rules that an event may end with, and asks what depends on more than the event.
//!
//! The event's own part is answered already, in a [`Shortlist`]. Here the rest is asked, rule by rule in the order in which they are
//! tried: times, `if_fts`, `check_diff`, correlation. Asking changes what is remembered, so the order matters.

use super::condition::{Condition, Surroundings};
use super::frequency::{History, Support};
use super::shortlist::{Entry, Shortlist};
use super::{Rule, RuleIndex, Rules};
use crate::event::Event;
use crate::state::State;

/// Which rule an event ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Final {
    pub(crate) rule: RuleIndex,
    /// The rule above it, on the way that was taken.
    pub(crate) parent: Option<RuleIndex>,
}

/// Why a rule did not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The condition at this position.
    Condition(usize),
    /// Too few earlier events.
    Correlation,
    /// All conditions hold, but it only groups others, of which none matched.
    OnlyGroups,
}

/// One rule that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) rule: RuleIndex,
    pub(crate) depth: usize,
    /// `None` = it matched.
    pub(crate) failed: Option<Failed>,
}

/// One walk.
pub(crate) struct Walk<'w, 'e> {
    pub(crate) rules: &'w Rules,
    pub(crate) event: &'w Event<'e>,
    pub(crate) around: Surroundings<'w>,
    pub(crate) shortlist: &'w Shortlist,
    pub(crate) history: &'w mut History,
    pub(crate) state: &'w mut State,
    pub(crate) support: Support,
    /// Rules looked at, where somebody wants to know.
    pub(crate) trace: Option<Vec<Tried>>,
}

impl Walk<'_, '_> {
    /// Finds the final rule.
    pub(crate) fn walk(&mut self) -> Option<Final> {
        self.first_below(None, None, 0)
    }

    /// Finds the first of the rules below a place of the shortlist with which the event ends.
    fn first_below(
        &mut self,
        place: Option<usize>,
        parent: Option<RuleIndex>,
        depth: usize,
    ) -> Option<Final> {
        let shortlist = self.shortlist;
        let mut below = shortlist.below(place);
        below.find_map(|(place, entry)| self.descend(place, entry, parent, depth))
    }

    fn descend(
        &mut self,
        place: usize,
        entry: Entry,
        parent: Option<RuleIndex>,
        depth: usize,
    ) -> Option<Final> {
        let rules = self.rules;
        let rule = rules.get(entry.rule)?;
        let failed = self.test(rule, entry);
        self.note(entry.rule, depth, failed);
        if failed.is_some() {
            return None;
        }
        if let Some(found) = self.first_below(Some(place), Some(entry.rule), depth + 1) {
            return Some(found);
        }
        if rule.noalert {
            self.note(entry.rule, depth, Some(Failed::OnlyGroups));
            return None;
        }
        Some(Final { rule: entry.rule, parent })
    }

    fn note(&mut self, rule: RuleIndex, depth: usize, failed: Option<Failed>) {
        /// A trace is for a person. A ruleset with more siblings than this says enough with the first.
        const TRACE_MAX: usize = 20_000;
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.len() < TRACE_MAX) {
            trace.push(Tried { rule, depth, failed });
        }
    }

    /// Tests what is not known yet of one rule; `None` when all holds.
    fn test(&mut self, rule: &Rule, entry: Entry) -> Option<Failed> {
        let held = usize::try_from(entry.held).unwrap_or(usize::MAX);
        if entry.fails {
            return Some(Failed::Condition(held));
        }
        for (position, condition) in rule.conditions.iter().enumerate().skip(held) {
            let holds = match condition {
                Condition::Differs => self.differs(rule),
                Condition::FirstTime => self.state.first_time(self.event),
                other => other.holds(self.event, &self.around),
            };
            if !holds {
                return Some(Failed::Condition(position));
            }
        }
        let correlation = rule.correlation.as_ref()?;
        let Walk { history, rules, event, support, .. } = self;
        let holds = history.supports(correlation, rule.level, rules, event, support);
        (!holds).then_some(Failed::Correlation)
    }

    /// Asks for a change since the last event of this rule and host, which then is what the alert shows as the previous one.
    fn differs(&mut self, rule: &Rule) -> bool {
        let Some(previous) = self.state.differs(rule.id, self.event) else { return false };
        self.support.logs = vec![b"Previous output:"[..].into(), previous.clone()];
        self.support.previous_log = Some(previous);
        true
    }
}
