//! Walks the rule tree with one event.

use super::condition::{Condition, Surroundings};
use super::frequency::{History, Support};
use super::outlines::Outlines;
use super::siblings::Siblings;
use super::{Rule, RuleIndex, Rules};
use crate::event::Event;
use crate::pattern::Form;
use crate::prefilter::Members;
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

/// Memory for the candidates at each depth of a walk, used again for every event. Those of a rule stay while its children are
/// tried, because they may be told by the same search.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    levels: Vec<Members>,
    spare: Members,
    outlines: Outlines,
    /// Lets every rule be tried: to show that the filters change nothing.
    pub(crate) off: bool,
}

/// For the children of a rule, where they stand among the rule's own siblings, about which is known already which may match.
type Shared<'r> = Option<&'r [Option<u32>]>;

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

impl Walk<'_, '_> {
    /// Finds the final rule.
    pub(crate) fn walk(&mut self) -> Option<Final> {
        let rules = self.rules;
        rules.roots.iter().find_map(|root| {
            let of_category =
                rules.get(*root).is_some_and(|rule| rule.category == self.event.category);
            of_category.then(|| self.descend(*root, None, 0, None)).flatten()
        })
    }

    fn descend(
        &mut self,
        index: RuleIndex,
        parent: Option<RuleIndex>,
        depth: usize,
        shared: Shared<'_>,
    ) -> Option<Final> {
        let rule = self.rules.get(index)?;
        let failed = self.test(rule);
        if self.trace.is_some() {
            self.note(index, depth, failed);
        }
        if failed.is_some() {
            return None;
        }
        if let Some(found) = self.children(index, rule, depth, shared) {
            return Some(found);
        }
        if rule.noalert {
            if self.trace.is_some() {
                self.note(index, depth, Some(Failed::OnlyGroups));
            }
            return None;
        }
        Some(Final { rule: index, parent })
    }

    /// Tries the children that may match, in order.
    fn children(
        &mut self,
        index: RuleIndex,
        rule: &Rule,
        depth: usize,
        shared: Shared<'_>,
    ) -> Option<Final> {
        // A trace shows what each child lacks, so none is passed over.
        let filters = !self.filters.off && self.trace.is_none();
        if let Some(positions) = shared.filter(|_| filters) {
            return rule.children.iter().zip(positions).find_map(|(child, position)| {
                let above = self.filters.levels.get(depth.checked_sub(1)?);
                let is_ruled_out =
                    above.zip(*position).is_some_and(|(above, at)| !above.contains(at));
                (!is_ruled_out)
                    .then(|| self.descend(*child, Some(index), depth + 1, None))
                    .flatten()
            });
        }
        let make = || Siblings::new(rule, self.rules).map(Box::new);
        let filter = filters.then(|| rule.siblings.get_or_init(make).as_ref()).flatten();
        let Some(filter) = filter else {
            let mut children = rule.children.iter();
            return children.find_map(|child| self.descend(*child, Some(index), depth + 1, None));
        };
        if self.filters.levels.len() <= depth {
            self.filters.levels.resize_with(depth + 1, Members::default);
        }
        let Filters { levels, spare, outlines, .. } = &mut *self.filters;
        let candidates = levels.get_mut(depth)?;
        filter.candidates(rule, self.rules, self.event, candidates, spare);
        if filter.look_at_urls()
            && let Some((url, Form::Once)) = self.event.url()
        {
            outlines.rule_out((index, rule), self.rules, url, candidates);
        }
        let mut from = 0;
        while let Some(position) = self.filters.levels.get(depth)?.next(from) {
            let child = rule.children.get(position)?;
            let shared = filter.shared_with(position);
            if let Some(found) = self.descend(*child, Some(index), depth + 1, shared) {
                return Some(found);
            }
            from = position + 1;
        }
        None
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
