//! Walks the rule tree with one event.

use super::condition::{Condition, Surroundings};
use super::frequency::{History, Support};
use super::outlines::Outlines;
use super::recent::{Recent, Remembered};
use super::siblings::{Siblings, url_pattern};
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
    /// Memory for what a URL leaves.
    left: Members,
    /// Memory for those about which outlines were asked.
    asked: Members,
    outlines: Outlines,
    recent: Recent,
    /// Lets every rule be tried: to show that the filters change nothing.
    pub(crate) off: bool,
}

impl Filters {
    /// Keeps those candidates at a depth, children of a rule, that a URL leaves; what it ruled out may be known from the last time.
    fn keep_of_url(
        &mut self,
        depth: usize,
        filter: &Siblings,
        (index, rule, rules): (RuleIndex, &Rule, &Rules),
        url: (&[u8], Form),
    ) -> Option<Remembered> {
        let Filters { levels, left, asked, outlines, recent, .. } = self;
        let candidates = levels.get_mut(depth)?;
        if let Some((remembered, known)) = recent.find(index, url.0) {
            candidates.keep(known);
            return Some(remembered);
        }
        filter.left_by_url((rule, rules), url, left);
        candidates.keep(left);
        if url.1 == Form::Once {
            asked.copy_from(candidates);
            outlines.rule_out((index, rule), rules, url.0, candidates);
            asked.keep_not(candidates);
            left.keep_not(asked);
        }
        recent.remember(index, url.0, left)
    }
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
            of_category.then(|| self.descend(*root, None, 0, None).ok()).flatten()
        })
    }

    fn descend(
        &mut self,
        index: RuleIndex,
        parent: Option<RuleIndex>,
        depth: usize,
        shared: Shared<'_>,
    ) -> Result<Final, Failed> {
        let rule = self.rules.get(index).ok_or(Failed::OnlyGroups)?;
        let failed = self.test(rule);
        if self.trace.is_some() {
            self.note(index, depth, failed);
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        if let Some(found) = self.children(index, rule, depth, shared) {
            return Ok(found);
        }
        if rule.noalert {
            if self.trace.is_some() {
                self.note(index, depth, Some(Failed::OnlyGroups));
            }
            return Err(Failed::OnlyGroups);
        }
        Ok(Final { rule: index, parent })
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
                    .then(|| self.descend(*child, Some(index), depth + 1, None).ok())
                    .flatten()
            });
        }
        let make = || Siblings::new(rule, self.rules).map(Box::new);
        let filter = filters.then(|| rule.siblings.get_or_init(make).as_ref()).flatten();
        let Some(filter) = filter else {
            let mut children = rule.children.iter();
            let mut descend = |child| self.descend(child, Some(index), depth + 1, None).ok();
            return children.find_map(|child| descend(*child));
        };
        if self.filters.levels.len() <= depth {
            self.filters.levels.resize_with(depth + 1, Members::default);
        }
        filter.candidates(self.event, self.filters.levels.get_mut(depth)?);
        let remembered = match self.event.url().filter(|_| filter.look_at_urls()) {
            Some(url) => self.filters.keep_of_url(depth, filter, (index, rule, self.rules), url),
            None => None,
        };
        let mut from = 0;
        while let Some(position) = self.filters.levels.get(depth)?.next(from) {
            let child = rule.children.get(position)?;
            let shared = filter.shared_with(position);
            match self.descend(*child, Some(index), depth + 1, shared) {
                Ok(found) => return Some(found),
                Err(Failed::Condition(at)) if let Some(remembered) = remembered => {
                    let failed = self.rules.get(*child).and_then(|child| child.conditions.get(at));
                    if failed.and_then(url_pattern).is_some() {
                        self.filters.recent.rule_out(remembered, position);
                    }
                }
                Err(_) => {}
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
