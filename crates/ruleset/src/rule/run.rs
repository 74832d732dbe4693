//! Walks the rule tree with one event.

use super::condition::{Condition, Surroundings};
use super::frequency::{History, Support};
use super::{Rule, RuleIndex, Rules};
use crate::event::Event;
use crate::prefilter::Candidates;
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

/// What the last event's text can match at all, found when first asked for.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    log: Candidates,
    url: Candidates,
    log_scanned: bool,
    url_scanned: bool,
    /// Lets every rule be tried: to show that the filter changes nothing.
    pub(crate) off: bool,
}

/// One walk.
pub(crate) struct Walk<'w, 'e> {
    pub(crate) rules: &'w Rules,
    pub(crate) event: &'w Event<'e>,
    pub(crate) around: Surroundings<'w>,
    pub(crate) history: &'w mut History,
    pub(crate) state: &'w mut State,
    pub(crate) filters: &'w mut Filters,
    pub(crate) support: Support,
    /// Rules looked at, where somebody wants to know.
    pub(crate) trace: Option<Vec<Tried>>,
}

impl Filters {
    /// Forgets the last event.
    pub(crate) fn reset(&mut self) {
        self.log_scanned = false;
        self.url_scanned = false;
    }

    fn allow(&mut self, rule: &Rule, rules: &Rules, event: &Event<'_>) -> bool {
        if self.off {
            return true;
        }
        if let Some(member) = rule.url_member {
            if !self.url_scanned {
                let url = event.fields.get(crate::fields::StaticField::Url);
                rules.url_filter.scan(url.unwrap_or_default(), &mut self.url);
                self.url_scanned = true;
            }
            if !self.url.contains(member) {
                return false;
            }
        }
        if let Some(member) = rule.log_member {
            if !self.log_scanned {
                rules.log_filter.scan(event.log, &mut self.log);
                self.log_scanned = true;
            }
            return self.log.contains(member);
        }
        true
    }
}

impl Walk<'_, '_> {
    /// Finds the final rule.
    pub(crate) fn walk(&mut self) -> Option<Final> {
        let rules = self.rules;
        rules.roots.iter().find_map(|root| {
            let of_category =
                rules.get(*root).is_some_and(|rule| rule.category == self.event.category);
            of_category.then(|| self.descend(*root, None, 0)).flatten()
        })
    }

    fn descend(
        &mut self,
        index: RuleIndex,
        parent: Option<RuleIndex>,
        depth: usize,
    ) -> Option<Final> {
        let rule = self.rules.get(index)?;
        let failed = self.test(rule);
        if self.trace.is_some() {
            self.note(index, depth, failed);
        }
        if failed.is_some() {
            return None;
        }
        for child in &rule.children {
            if let Some(found) = self.descend(*child, Some(index), depth + 1) {
                return Some(found);
            }
        }
        if rule.noalert {
            if self.trace.is_some() {
                self.note(index, depth, Some(Failed::OnlyGroups));
            }
            return None;
        }
        Some(Final { rule: index, parent })
    }

    fn note(&mut self, rule: RuleIndex, depth: usize, failed: Option<Failed>) {
        /// A trace is for a person. A ruleset with more siblings than this says enough with the first.
        const TRACE_MAX: usize = 20_000;
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.len() < TRACE_MAX) {
            trace.push(Tried { rule, depth, failed });
        }
    }

    /// Tests one rule; `None` when all holds.
    fn test(&mut self, rule: &Rule) -> Option<Failed> {
        if !self.filters.allow(rule, self.rules, self.event) {
            let is_text = |c: &Condition| matches!(c, Condition::Text { .. });
            return Some(Failed::Condition(rule.conditions.iter().position(is_text).unwrap_or(0)));
        }
        for (position, condition) in rule.conditions.iter().enumerate() {
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
