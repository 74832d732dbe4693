//! Puts rules into the tree, in the order of loading.
//!
//! A rule may hang below several parents; it is kept once, and its children are the same below each. Siblings are ordered by
//! level when they are added, equal levels by the order of loading.

use std::collections::HashMap;

use super::correlation::{Compared, Correlation, Earlier};
use super::frequency::{ChainSource, ChainSpec};
use super::{DEPTH_MAX, Parents, Rule, RuleIndex, Rules};
use crate::diagnostic::{Findings, Severity};
use crate::pattern::Pattern;
use crate::prefilter::bytes_of;
use crate::ruleset::Ruleset;

/// Adds a rule, or lets it take the place of one with the same id.
pub(crate) fn add(rule: Rule, ruleset: &mut Ruleset, line: usize, findings: &mut Findings<'_>) {
    let rules = &mut ruleset.rules;
    let id = rule.id;
    match rules.by_id.get(&id).copied() {
        Some(index) if rule.overwrite => overwrite(rule, index, rules, line, findings),
        Some(_) => {
            let message = format!(
                "Rule ID '{id}' is duplicated. Only the first occurrence will be considered."
            );
            findings.warn(7612, line, message);
        }
        None => {
            if rule.overwrite {
                let message = format!(
                    "Rule ID '{id}' does not exist but 'overwrite' is set to 'yes'. Still, the rule \
                     will be loaded."
                );
                findings.warn(7613, line, message);
            }
            insert(rule, rules, line, findings);
        }
    }
}

fn insert(rule: Rule, rules: &mut Rules, line: usize, findings: &mut Findings<'_>) {
    let Ok(index) = RuleIndex::try_from(rules.all.len()) else { return };
    let parents = rules.parents_of(&rule);
    if parents.is_empty() && !rule.is_root() {
        let message = format!(
            "Category was not found. Invalid 'category'. Rule '{}' will be ignored.",
            rule.id
        );
        findings.warn(7611, line, message);
        return;
    }
    let depth = parents.iter().filter_map(|p| rules.get(*p)).map(|p| p.depth + 1).max();
    let depth = depth.unwrap_or(0);
    if depth > DEPTH_MAX {
        let message = format!(
            "Rule '{}' hangs below {depth} others, more than {DEPTH_MAX}: it is left out",
            rule.id
        );
        findings.push(Severity::Error, None, line, message);
        return;
    }
    for parent in parents {
        rules.hang(index, &rule, parent);
    }
    if rule.is_root() {
        rules.roots.push(index);
    }
    rules.by_id.insert(rule.id, index);
    rules.groups.insert(&rule.groups, index);
    rules.all.push(Rule { depth, ..rule });
}

/// Replaces what a rule says. Where it hangs, and in which order, stays as it was.
fn overwrite(
    rule: Rule,
    index: RuleIndex,
    rules: &mut Rules,
    line: usize,
    findings: &mut Findings<'_>,
) {
    let Some(old) = rules.all.get_mut(index as usize) else { return };
    let matched = rule.correlation.as_ref().map(|correlation| &correlation.earlier);
    let option = match (&rule.parents, matched) {
        (_, Some(Earlier::Sid(_))) => "if_matched_sid",
        (_, Some(Earlier::Group(_))) => "if_matched_group",
        (Parents::Sids(_), _) => "if_sid",
        (Parents::Groups(_), _) => "if_group",
        (Parents::Level(_), _) => "if_level",
        (Parents::Category, _) => "",
    };
    if !option.is_empty() && rule.parents != old.parents {
        let message = format!(
            "It is not possible to overwrite '{option}' value in rule '{}'. The original value is \
             retained.",
            rule.id
        );
        findings.warn(7605, line, message);
    }
    let correlation = match (rule.correlation, old.correlation.take()) {
        (Some(new), Some(old)) => Some(Correlation { earlier: old.earlier, ..new }),
        (new, _) => new,
    };
    rules.groups.remove(&old.groups, index);
    rules.groups.insert(&rule.groups, index);
    *old = Rule {
        correlation,
        parents: std::mem::take(&mut old.parents),
        children: std::mem::take(&mut old.children),
        place_level: old.place_level,
        last: old.last,
        depth: old.depth,
        ..rule
    };
}

impl Rules {
    fn parents_of(&self, rule: &Rule) -> Vec<RuleIndex> {
        if rule.is_root() {
            return Vec::new();
        }
        let all = (0..).zip(&self.all);
        match &rule.parents {
            Parents::Sids(sids) => {
                sids.iter().filter_map(|sid| self.by_id.get(sid)).copied().collect()
            }
            Parents::Groups(words) => {
                let mut parents: Vec<RuleIndex> = self.groups.holding(words).collect();
                parents.sort_unstable();
                parents
            }
            Parents::Level(level) => all
                .filter(|(_, other)| u32::from(other.rank()) >= *level)
                .map(|(index, _)| index)
                .collect(),
            Parents::Category => {
                let of_category = |index: &&RuleIndex| {
                    self.get(**index).is_some_and(|root| root.category == rule.category)
                };
                self.roots.iter().filter(of_category).copied().collect()
            }
        }
    }

    /// Puts a child among its siblings.
    fn hang(&mut self, index: RuleIndex, rule: &Rule, parent: RuleIndex) {
        let Some(siblings) = self.get(parent).map(|parent| parent.children.as_slice()) else {
            return;
        };
        let before = |sibling: &RuleIndex| {
            self.get(*sibling)
                .is_some_and(|other| rule.last || (!other.last && other.rank() >= rule.rank()))
        };
        let position = siblings.iter().position(|sibling| !before(sibling));
        if let Some(parent) = self.all.get_mut(parent as usize) {
            parent.children.insert(position.unwrap_or(parent.children.len()), index);
        }
    }

    /// Counts the nodes of the tree: a rule once for each way that leads to it.
    pub(crate) fn nodes(&self) -> u64 {
        let mut ways = vec![0u64; self.all.len()];
        for root in &self.roots {
            if let Some(way) = ways.get_mut(*root as usize) {
                *way += 1;
            }
        }
        // A parent always stands before its children.
        for (index, rule) in self.all.iter().enumerate() {
            let own = ways.get(index).copied().unwrap_or(0);
            for child in &rule.children {
                if let Some(way) = ways.get_mut(*child as usize) {
                    *way = way.saturating_add(own);
                }
            }
        }
        ways.into_iter().fold(0, u64::saturating_add)
    }

    /// Prepares what needs all rules to be there: the memories for correlation.
    pub(crate) fn finish(&mut self) {
        let mut chains: Vec<ChainSpec> = Vec::new();
        for index in 0..self.all.len() {
            let Some(rule) = self.all.get_mut(index) else { break };
            let Some(correlation) = &mut rule.correlation else { continue };
            let sorted = |list: &[Compared]| {
                let mut list = list.to_vec();
                list.sort();
                list.dedup();
                list
            };
            let spec = ChainSpec {
                source: match &correlation.earlier {
                    Earlier::Sid(sid) => ChainSource::Sid(*sid),
                    Earlier::Group(pattern) => ChainSource::Group(pattern.text().to_vec()),
                    Earlier::Regex(_) => {
                        ChainSource::Regex(RuleIndex::try_from(index).unwrap_or(0))
                    }
                },
                same: sorted(&correlation.same),
                different: sorted(&correlation.different),
                global: correlation.global,
                keying: 0,
            };
            let known = chains.iter().position(|other| *other == spec);
            let chain = known.unwrap_or_else(|| {
                chains.push(spec);
                chains.len() - 1
            });
            correlation.chain = u32::try_from(chain).unwrap_or(u32::MAX);
        }
        for index in 0..chains.len() {
            let (before, rest) = chains.split_at_mut(index);
            let Some(chain) = rest.first_mut() else { break };
            let is_alike =
                |other: &ChainSpec| other.same == chain.same && other.global == chain.global;
            let first = before.iter().position(is_alike).unwrap_or(index);
            chain.keying = u32::try_from(first).unwrap_or(u32::MAX);
        }
        self.feeds = self.chains_fed(&chains);
        self.chains = chains;
    }

    /// For each rule, the chains that its events join.
    fn chains_fed(&self, chains: &[ChainSpec]) -> Vec<Box<[u32]>> {
        let by_text = self.group_patterns();
        let mut of_pattern: HashMap<&[u8], Vec<u32>> = HashMap::new();
        let mut of_rule: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut of_all = Vec::new();
        for (chain, spec) in (0u32..).zip(chains) {
            match &spec.source {
                ChainSource::Sid(sid) => of_rule.entry(*sid).or_default().push(chain),
                ChainSource::Group(text) => of_pattern.entry(text).or_default().push(chain),
                ChainSource::Regex(_) => of_all.push(chain),
            }
        }
        let patterns = of_pattern.into_iter();
        let patterns: Vec<((&Pattern, u128), Vec<u32>)> =
            patterns.filter_map(|(text, chains)| Some((*by_text.get(text)?, chains))).collect();
        // One key after the other.
        let order = |chain: &u32| (chains.get(*chain as usize).map(|spec| spec.keying), *chain);
        let mut fed = vec![Box::default(); self.all.len()];
        for (groups, rules) in self.groups.iter() {
            let bytes = bytes_of(groups.as_bytes());
            let matches = |(pattern, required): &(&Pattern, u128)| {
                required & !bytes == 0 && pattern.is_match(groups.as_bytes())
            };
            let matching = patterns.iter().filter(|(pattern, _)| matches(pattern));
            let of_group: Vec<u32> =
                matching.flat_map(|(_, chains)| chains).chain(&of_all).copied().collect();
            for index in rules {
                let own = self.get(*index).and_then(|rule| of_rule.get(&rule.id));
                let mut joined: Vec<u32> =
                    of_group.iter().chain(own.into_iter().flatten()).copied().collect();
                joined.sort_by_key(order);
                if let Some(fed) = fed.get_mut(*index as usize) {
                    *fed = joined.into_boxed_slice();
                }
            }
        }
        fed
    }

    /// The patterns over groups that correlation looks at, by their text, each with the bytes that it needs.
    fn group_patterns(&self) -> HashMap<&[u8], (&Pattern, u128)> {
        let correlations = self.all.iter().filter_map(|rule| rule.correlation.as_ref());
        let patterns = correlations.filter_map(|correlation| match &correlation.earlier {
            Earlier::Group(pattern) => Some((pattern.text(), (pattern, pattern.required_bytes()))),
            _ => None,
        });
        patterns.collect()
    }
}
