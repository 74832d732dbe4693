//! Rules out, in one pass over a URL, children that the words in it left.
//!
//! A sentence in a URL has the words of many signs of attacks, in another order. To try twenty patterns on it takes twenty passes. So
//! patterns that are asked again and again are put into groups, and each group gets a state machine for the
//! [outlines](crate::pattern::Pattern::outline) of its patterns. If that finds none in a URL, the whole group is ruled out. A machine's states are
//! made when they are first needed, so it belongs to one session and learns what its logs are like. Who writes log lines can make it need ever
//! new states; then it rests, and the patterns are tried one by one.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Input, MatchKind};

use super::siblings::url_pattern;
use super::{Rule, RuleIndex, Rules};
use crate::prefilter::Members;

/// How often a child is left by the words before it is put into a group: what its share of a machine costs to make, some 600 us, is
/// about what so many tries cost.
const TRIES_BEFORE: u16 = 512;

/// How many patterns share a machine. More need ever more states, which are the combinations of what each of them has seen.
const GROUP_LEN: usize = 8;

/// Machines of one rule. All together hold the patterns that are asked most.
const GROUPS_MAX: usize = 16;

/// Memory for the states of one machine, in bytes. A machine for prose takes 150 to 500 KB.
const CACHE_BYTES: usize = 1 << 20;

/// How often a machine may throw its states away before it has to show that each served for [`BYTES_PER_STATE_MIN`] bytes.
const CLEARS_MIN: usize = 2;

/// Making a state costs as much as reading some hundred bytes.
const BYTES_PER_STATE_MIN: usize = 200;

/// For how many URLs a machine rests that needed too many states.
const REST_URLS: u64 = 65_536;

/// A pattern whose outline is found in more than one of so many URLs spoils its group.
const SPOILS_ONE_OF: u32 = 8;

/// How often an outline is found before that is judged.
const FOUND_MIN: u32 = 64;

/// Bytes of memory for putting a group's outlines together. What needs more is tried one by one.
const NFA_BYTES_MAX: usize = 8 << 20;

/// The machines of a session, by rule.
#[derive(Debug, Default)]
pub(crate) struct Outlines {
    of_rules: Vec<(RuleIndex, OfRule)>,
}

/// The machines for one rule's children.
#[derive(Debug)]
struct OfRule {
    urls: u64,
    /// How often each child was left by the words, until it came into a group.
    tries: Box<[u16]>,
    /// Children that wait for others to make a group with.
    waiting: Vec<u32>,
    /// Children that the words may leave and that are in no group.
    alone: Members,
    /// Memory for those of them that a URL leaves.
    left: Members,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    members: Members,
    /// The same by the number of their outline.
    order: Vec<u32>,
    machine: DFA,
    states: Cache,
    searches: u32,
    /// How often each outline was found first.
    found: Vec<u32>,
    rests_until: u64,
}

impl Outlines {
    /// Takes those children of a rule out of the candidates that a URL certainly doesn't match, if the URL encodes little.
    pub(crate) fn rule_out(
        &mut self,
        (index, rule): (RuleIndex, &Rule),
        rules: &Rules,
        url: &[u8],
        candidates: &mut Members,
    ) {
        let position = self.of_rules.iter().position(|(other, _)| *other == index);
        let position = position.unwrap_or_else(|| {
            self.of_rules.push((index, OfRule::new(rule, rules)));
            self.of_rules.len() - 1
        });
        if let Some((_, machines)) = self.of_rules.get_mut(position) {
            machines.rule_out(rule, rules, url, candidates);
        }
    }
}

impl OfRule {
    fn new(rule: &Rule, rules: &Rules) -> OfRule {
        let mut alone = Members::none(rule.children.len());
        let looks_at_url = |child: &Rule| child.conditions.iter().any(|c| url_pattern(c).is_some());
        for (position, child) in (0u32..).zip(&rule.children) {
            if rules.get(*child).is_some_and(looks_at_url) {
                alone.insert(position);
            }
        }
        OfRule {
            urls: 0,
            tries: vec![0; rule.children.len()].into(),
            waiting: Vec::new(),
            alone,
            left: Members::default(),
            groups: Vec::new(),
        }
    }

    fn rule_out(&mut self, rule: &Rule, rules: &Rules, url: &[u8], candidates: &mut Members) {
        self.urls += 1;
        for group in &mut self.groups {
            if group.rests_until <= self.urls
                && group.members.meets(candidates)
                && !group.may_match(url, self.urls)
            {
                candidates.keep_not(&group.members);
            }
        }
        if self.groups.len() < GROUPS_MAX {
            self.count(candidates);
        }
        while self.groups.len() < GROUPS_MAX && self.waiting.len() >= GROUP_LEN {
            let next = self.waiting.drain(..GROUP_LEN).collect();
            self.groups.extend(Group::new(next, rule, rules));
        }
        self.groups.iter_mut().for_each(|group| group.expel(rule, rules));
    }

    /// Counts the children that were left and are in no group.
    fn count(&mut self, candidates: &Members) {
        let OfRule { tries, waiting, alone, left, .. } = self;
        left.copy_from(candidates);
        left.keep(alone);
        for position in left.iter() {
            let Some(tries) = tries.get_mut(position) else { continue };
            *tries += 1;
            if *tries >= TRIES_BEFORE
                && let Ok(position) = u32::try_from(position)
            {
                alone.remove(position);
                waiting.push(position);
            }
        }
    }
}

impl Group {
    fn new(mut order: Vec<u32>, rule: &Rule, rules: &Rules) -> Option<Group> {
        let mut outlines = Vec::with_capacity(order.len());
        order.retain(|position| {
            let child = rule.children.get(*position as usize).and_then(|child| rules.get(*child));
            let pattern = child.and_then(|child| child.conditions.iter().find_map(url_pattern));
            let outline = pattern.and_then(|pattern| pattern.outline());
            let is_drawn = outline.is_some();
            outlines.extend(outline);
            is_drawn
        });
        let nfa = thompson::Compiler::new()
            .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES_MAX)))
            .build_many_from_hir(&outlines)
            .ok()?;
        let options = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .minimum_cache_clear_count(Some(CLEARS_MIN))
            .minimum_bytes_per_state(Some(BYTES_PER_STATE_MIN));
        let machine = DFA::builder().configure(options).build_from_nfa(nfa).ok()?;
        let states = machine.create_cache();
        let mut members = Members::none(rule.children.len());
        order.iter().for_each(|position| members.insert(*position));
        let found = vec![0; order.len()];
        Some(Group { members, order, machine, states, searches: 0, found, rests_until: 0 })
    }

    /// Whether the URL has an outline in it, or that isn't known.
    fn may_match(&mut self, url: &[u8], now: u64) -> bool {
        self.searches = self.searches.saturating_add(1);
        let search = Input::new(url).earliest(true);
        match self.machine.try_search_fwd(&mut self.states, &search) {
            Ok(None) => false,
            Ok(Some(end)) => {
                if let Some(found) = self.found.get_mut(end.pattern().as_usize()) {
                    *found = found.saturating_add(1);
                }
                true
            }
            // It threw away what it had made again and again.
            Err(_) => {
                self.rests_until = now + REST_URLS;
                self.states = self.machine.create_cache();
                true
            }
        }
    }

    /// Makes the group anew without a pattern whose outline is found too often.
    fn expel(&mut self, rule: &Rule, rules: &Rules) {
        let spoils = |found: &u32| *found >= FOUND_MIN && *found > self.searches / SPOILS_ONE_OF;
        let Some(number) = self.found.iter().position(spoils) else { return };
        let mut order = std::mem::take(&mut self.order);
        order.remove(number);
        match Group::new(order, rule, rules) {
            Some(group) => *self = group,
            None => self.members = Members::default(),
        }
    }
}

#[cfg(test)]
mod tests;
