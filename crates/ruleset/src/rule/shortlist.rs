//! Finds the rules that an event may end with, as far as the event alone tells.
//!
//! Nearly all that rules ask is about the event: its fields, its text, lists. That needs no memory of other events, so it can be
//! answered on any thread, ahead of the one that knows what came before. What is found is a shortlist: rules of which nothing
//! asked so far fails, as a tree in the order in which they are tried. [`super::run`] asks the rest of them: times, first times, correlation.
//!
//! A rule of which the event alone says all ends the search; behind one that has more to ask its siblings are on the list too. What is
//! below a rule is the same on each way to it, so it is looked for and listed once: a list is no longer than the rules that hold have children,
//! in however many ways these hang below each other.

use super::condition::Surroundings;
use super::outlines::Outlines;
use super::recent::{Recent, Remembered};
use super::siblings::{Siblings, url_pattern};
use super::{Rule, RuleIndex, Rules};
use crate::event::Event;
use crate::pattern::Form;
use crate::prefilter::Members;

/// Rules that an event may end with, each before its children.
#[derive(Debug, Default)]
pub(crate) struct Shortlist {
    entries: Vec<Entry>,
}

/// A rule on the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) rule: RuleIndex,
    /// Where the next entry stands that is not below this one.
    behind: u32,
    /// The entry behind which those below this rule stand: this one, or the rule's first where it is on the list again.
    first: u32,
    /// How many of its conditions, from the first, are known to hold.
    pub(crate) held: u32,
    /// Whether the next one fails. Only where a trace wants to know.
    pub(crate) fails: bool,
}

impl Shortlist {
    /// The entries of the tree's first rank, or directly below another, each with its place.
    pub(crate) fn below(&self, place: Option<usize>) -> impl Iterator<Item = (usize, Entry)> {
        let behind = |entry: &Entry| usize::try_from(entry.behind).unwrap_or(usize::MAX);
        let below_entry = |place: usize| {
            let first = usize::try_from(self.entries.get(place)?.first).ok()?;
            Some((first + 1, behind(self.entries.get(first)?)))
        };
        let (mut next, end) = match place {
            Some(place) => below_entry(place).unwrap_or_default(),
            None => (0, self.entries.len()),
        };
        std::iter::from_fn(move || {
            let entry = self.entries.get(next).filter(|_| next < end)?;
            let place = std::mem::replace(&mut next, behind(entry));
            Some((place, *entry))
        })
    }
}

/// Memory of one reader, used again for every event: the candidates at each depth of a search, and what is known of URLs. The
/// candidates of a rule stay while its children are tried, because they may be told by the same scan.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    levels: Vec<Members>,
    /// Memory for what a URL leaves.
    left: Members,
    /// Memory for those about which outlines were asked.
    asked: Members,
    outlines: Outlines,
    recent: Recent,
    /// For each rule, where it was put on a list last.
    listed: Vec<Listed>,
    /// The number of the search under way.
    search: u64,
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

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The condition at this position fails.
    Fails(usize),
    /// It is on the list, and the event may yet end elsewhere.
    Open,
    /// An event that comes to it ends here or below, whatever came before.
    Ends,
}

/// A rule that holds and has children, on the list of a search.
#[derive(Debug, Clone, Copy)]
struct Listed {
    search: u64,
    place: usize,
    found: Found,
}

/// One search.
pub(crate) struct Search<'s, 'e> {
    pub(crate) rules: &'s Rules,
    pub(crate) event: &'s Event<'e>,
    pub(crate) around: Surroundings<'s>,
    pub(crate) filters: &'s mut Filters,
    /// Puts rules on the list that fail, for a trace.
    pub(crate) keeps_failed: bool,
}

impl Search<'_, '_> {
    /// Finds the rules.
    pub(crate) fn run(mut self) -> Shortlist {
        let rules = self.rules;
        let mut list = Shortlist::default();
        self.filters.search += 1;
        for root in &rules.roots {
            let of_category =
                rules.get(*root).is_some_and(|rule| rule.category == self.event.category);
            if of_category && self.add(*root, 0, None, &mut list) == Found::Ends {
                break;
            }
        }
        list
    }

    /// Puts a rule and those below it on the list.
    fn add(
        &mut self,
        index: RuleIndex,
        depth: usize,
        shared: Shared<'_>,
        list: &mut Shortlist,
    ) -> Found {
        let Some(rule) = self.rules.get(index) else { return Found::Open };
        let place = list.entries.len();
        let [at, next] = [place, place + 1].map(|place| u32::try_from(place).unwrap_or(u32::MAX));
        if let Some(listed) = self.listed(index)
            && let Some(first) = list.entries.get(listed.place).copied()
        {
            list.entries.push(Entry { behind: next, ..first });
            return listed.found;
        }
        let mut asked = rule.conditions.iter().take_while(|condition| !condition.waits());
        let mut held = 0;
        let fails = asked.any(|condition| {
            let holds = condition.holds(self.event, &self.around);
            held += usize::from(holds);
            !holds
        });
        if !fails || self.keeps_failed {
            let held = u32::try_from(held).unwrap_or(u32::MAX);
            list.entries.push(Entry { rule: index, behind: next, first: at, held, fails });
        }
        if fails {
            return Found::Fails(held);
        }
        let ends = self.children(index, rule, depth, shared, list);
        let behind = list.entries.len();
        if let Some(entry) = list.entries.get_mut(place) {
            entry.behind = u32::try_from(behind).unwrap_or(u32::MAX);
        }
        let waits = held < rule.conditions.len() || rule.correlation.is_some();
        let found = if !waits && (ends || !rule.noalert) { Found::Ends } else { Found::Open };
        if !rule.children.is_empty() {
            self.note_listed(index, place, found);
        }
        found
    }

    /// Where this search has put a rule already.
    fn listed(&self, index: RuleIndex) -> Option<Listed> {
        let listed = self.filters.listed.get(index as usize).copied()?;
        (listed.search == self.filters.search).then_some(listed)
    }

    fn note_listed(&mut self, index: RuleIndex, place: usize, found: Found) {
        let Filters { listed, search, .. } = &mut *self.filters;
        if listed.len() < self.rules.all.len() {
            let never = Listed { search: 0, place: 0, found: Found::Open };
            listed.resize(self.rules.all.len(), never);
        }
        if let Some(listed) = listed.get_mut(index as usize) {
            *listed = Listed { search: *search, place, found };
        }
    }

    /// Adds the children that may match, in order. Says whether the event ends with one of them, whatever came before it.
    fn children(
        &mut self,
        index: RuleIndex,
        rule: &Rule,
        depth: usize,
        shared: Shared<'_>,
        list: &mut Shortlist,
    ) -> bool {
        let below = depth + 1;
        // A trace shows what each child lacks, so none is passed over.
        let filters = !self.filters.off && !self.keeps_failed;
        if let Some(positions) = shared.filter(|_| filters) {
            return rule.children.iter().zip(positions).any(|(child, position)| {
                let above = depth.checked_sub(1).and_then(|above| self.filters.levels.get(above));
                let is_ruled_out =
                    above.zip(*position).is_some_and(|(above, at)| !above.contains(at));
                !is_ruled_out && self.add(*child, below, None, list) == Found::Ends
            });
        }
        let make = || Siblings::new(rule, self.rules).map(Box::new);
        let filter = filters.then(|| rule.siblings.get_or_init(make).as_ref()).flatten();
        let Some(filter) = filter else {
            let mut children = rule.children.iter();
            return children.any(|child| self.add(*child, below, None, list) == Found::Ends);
        };
        if self.filters.levels.len() <= depth {
            self.filters.levels.resize_with(below, Members::default);
        }
        let Some(candidates) = self.filters.levels.get_mut(depth) else { return false };
        filter.candidates(self.event, candidates);
        let remembered = match self.event.url().filter(|_| filter.look_at_urls()) {
            Some(url) => self.filters.keep_of_url(depth, filter, (index, rule, self.rules), url),
            None => None,
        };
        let mut from = 0;
        while let Some(position) = self.filters.levels.get(depth).and_then(|left| left.next(from)) {
            let Some(child) = rule.children.get(position) else { break };
            match self.add(*child, below, filter.shared_with(position), list) {
                Found::Ends => return true,
                Found::Fails(at) if let Some(remembered) = remembered => {
                    let failed = self.rules.get(*child).and_then(|child| child.conditions.get(at));
                    if failed.and_then(url_pattern).is_some() {
                        self.filters.recent.rule_out(remembered, position);
                    }
                }
                Found::Fails(_) | Found::Open => {}
            }
            from = position + 1;
        }
        false
    }
}
