//! Rules out, in one pass over a URL, children that the words in it left.
//!
//! A sentence in a URL has the words of many signs of attacks, in another order. To try twenty patterns on it takes twenty passes. So
//! patterns that are asked again and again are put into groups, and each group gets a state machine for the
//! [outlines](crate::pattern::Pattern::outline) of its patterns. If that finds none in a URL, the whole group is ruled out.
//!
//! A machine's states are made when they are first needed, so it belongs to one session and learns what its logs are like. Among attacks,
//! no two of which are alike, that doesn't pay, and somebody may write log lines that need ever new states. So each machine keeps
//! a balance; one that doesn't pay rests, and more machines are made only while others pay.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Input, MatchKind};

use super::siblings::url_pattern_of;
use super::{Rule, RuleIndex, Rules};
use crate::prefilter::Members;

/// How often a child is left by the words before it is put into a group: what its share of a machine costs to make, some 600 us, is
/// what a few hundred tries cost.
const TRIES_BEFORE: u16 = 512;

/// How many patterns share a machine. More need ever more states, which are the combinations of what each of them has seen.
const GROUP_LEN: usize = 8;

/// Machines of one rule. All together hold the patterns that are asked most.
const GROUPS_MAX: usize = 16;

/// Memory for the states of one machine, in bytes. A machine for prose takes 150 to 500 KB.
const CACHE_BYTES: usize = 1 << 20;

/// What a machine may cost before it has to pay. Costs are counted in bytes of states: one of some 300 bytes takes 8 us to make.
const CREDIT: i64 = 192 << 10;

/// The best balance. What paid for long may not cost for long.
const BALANCE_MAX: i64 = 3 * CREDIT;

/// What a pattern saves that needn't be tried: a microsecond.
const TRY_SAVES: i64 = 40;

/// What a pass over a URL costs.
const SEARCH_COSTS: i64 = 16;

/// How often a machine is used before it counts as one that pays. By then it has made most of its states.
const SEARCHES_MIN: u32 = 256;

/// For how many URLs a machine rests at first that doesn't pay. It is twice as long each time.
const REST_URLS_MIN: u64 = 2048;

/// The longest rest.
const REST_URLS_MAX: u64 = 1 << 20;

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
    balance: i64,
    /// Bytes of states that it has paid for.
    bytes_made: usize,
    rests_until: u64,
    next_rest: u64,
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
        for (position, child) in (0u32..).zip(&rule.children) {
            if rules.get(*child).and_then(url_pattern_of).is_some() {
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
            if group.rests_until <= self.urls {
                group.rule_out(url, candidates, self.urls);
                group.expel(rule, rules);
            }
        }
        if self.groups.len() < GROUPS_MAX {
            self.count(candidates);
        }
        if self.waiting.len() >= GROUP_LEN && self.groups.len() < self.groups_allowed() {
            let next = self.waiting.drain(..GROUP_LEN).collect();
            self.groups.extend(Group::new(next, rule, rules));
        }
    }

    /// Two machines at first, and two more for each that pays.
    fn groups_allowed(&self) -> usize {
        let pays = |group: &&Group| group.searches >= SEARCHES_MIN && group.rests_until == 0;
        let paying = self.groups.iter().filter(pays).count();
        GROUPS_MAX.min(2 + 2 * paying)
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
            let outline = child.and_then(url_pattern_of).and_then(|pattern| pattern.outline());
            let is_drawn = outline.is_some();
            outlines.extend(outline);
            is_drawn
        });
        let nfa = thompson::Compiler::new()
            .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES_MAX)))
            .build_many_from_hir(&outlines)
            .ok()?;
        let options = DFA::config().match_kind(MatchKind::All).cache_capacity(CACHE_BYTES);
        let machine = DFA::builder().configure(options).build_from_nfa(nfa).ok()?;
        let states = machine.create_cache();
        let mut members = Members::none(rule.children.len());
        order.iter().for_each(|position| members.insert(*position));
        let found = vec![0; order.len()];
        let bytes_made = states.memory_usage();
        Some(Group {
            members,
            order,
            machine,
            states,
            searches: 0,
            found,
            balance: CREDIT,
            bytes_made,
            rests_until: 0,
            next_rest: REST_URLS_MIN,
        })
    }

    /// Takes the members out of the candidates if the URL has none of their outlines in it.
    fn rule_out(&mut self, url: &[u8], candidates: &mut Members, now: u64) {
        let asked = self.members.common(candidates);
        if asked == 0 {
            return;
        }
        self.balance -= SEARCH_COSTS;
        if !self.may_match(url) {
            candidates.keep_not(&self.members);
            self.balance += TRY_SAVES * i64::from(asked);
        }
        let bytes = self.states.clear_count() * CACHE_BYTES + self.states.memory_usage();
        let new = bytes.saturating_sub(self.bytes_made);
        self.bytes_made = bytes.max(self.bytes_made);
        self.balance -= i64::try_from(new).unwrap_or(i64::MAX);
        if self.balance < 0 {
            self.balance = CREDIT / 4;
            self.rests_until = now + self.next_rest;
            self.next_rest = REST_URLS_MAX.min(2 * self.next_rest);
        }
        self.balance = self.balance.min(BALANCE_MAX);
    }

    /// Whether the URL has an outline in it, or that isn't known.
    fn may_match(&mut self, url: &[u8]) -> bool {
        self.searches = self.searches.saturating_add(1);
        let search = Input::new(url).earliest(true);
        let Ok(end) = self.machine.try_search_fwd(&mut self.states, &search) else { return true };
        let Some(end) = end else { return false };
        if let Some(found) = self.found.get_mut(end.pattern().as_usize()) {
            *found = found.saturating_add(1);
        }
        true
    }

    /// Makes the group anew without patterns whose outlines are found too often.
    fn expel(&mut self, rule: &Rule, rules: &Rules) {
        let spoils = |found: &u32| *found >= FOUND_MIN && *found > self.searches / SPOILS_ONE_OF;
        if !self.found.iter().any(spoils) {
            return;
        }
        let kept = self.order.iter().zip(&self.found).filter(|(_, found)| !spoils(found));
        let kept = kept.map(|(position, _)| *position).collect();
        match Group::new(kept, rule, rules) {
            Some(group) => {
                *self = Group { balance: self.balance, next_rest: self.next_rest, ..group }
            }
            None => self.members = Members::default(),
        }
    }
}

#[cfg(test)]
mod tests;
