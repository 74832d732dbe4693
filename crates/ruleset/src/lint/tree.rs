//! Rules that can never match, because of where they hang and of what stands around them.
//!
//! All ways from the roots are walked. A rule is dead when it is dead on each of them. What hangs below a dead rule is not
//! reported: mending the upper one mends it.

use super::catalog::{self as lints, Lint};
use super::chain::{Chain, Dead, decoded_as};
use super::fields::FieldsOf;
use super::imply::Needed;
use super::{Places, Report, named};
use crate::category::Category;
use crate::decoder::NameId;
use crate::fields::StaticField;
use crate::rule::{Rule, RuleIndex, Rules};
use crate::ruleset::Ruleset;

/// Stock rules make 8,451 nodes. A tree with more than this isn't judged: `if_level` can make ways without end.
const NODES_MAX: usize = 500_000;

/// Comparisons of siblings. Stock rules need a few hundred thousand; a file of ten thousand siblings shall not take minutes.
const COMPARISONS_MAX: usize = 20_000_000;

/// Ways by which a rule is reached, of those that differ in what its events are.
const WAYS_MAX: usize = 64;

/// What is known of one rule.
#[derive(Debug, Default, Clone)]
struct Fate {
    alive: bool,
    dead: Option<Dead>,
    /// The decoder that its events have, and their kind.
    ways: Vec<(Option<NameId>, Category)>,
}

struct Walk<'r> {
    chain: Chain<'r>,
    fates: Vec<Fate>,
    nodes: usize,
    comparisons: usize,
}

/// Reports rules that never match, and descriptions that show fields that are never there.
pub(super) fn check(ruleset: &Ruleset, places: &Places<'_>, report: &mut Report) {
    let rules = &ruleset.rules;
    let decoders = &ruleset.decoders;
    let fields = FieldsOf::new(decoders);
    let is_internal = |id: NameId| decoders.is_internal(id) && !fields.is_reported(id);
    let mut walk = Walk {
        chain: Chain {
            rules,
            fields: &fields,
            is_internal: &is_internal,
            category: Category::Syslog,
            way: Vec::new(),
        },
        fates: vec![Fate::default(); rules.all.len()],
        nodes: 0,
        comparisons: 0,
    };
    for root in &rules.roots {
        if let Some(rule) = rules.get(*root) {
            walk.chain.category = rule.category;
            walk.descend(*root, rule);
        }
    }
    let Walk { fates, nodes, .. } = walk;
    let is_complete = nodes <= NODES_MAX;
    for (fate, rule) in fates.iter().zip(&rules.all) {
        match &fate.dead {
            Some(dead) if !fate.alive && is_complete => {
                tell(ruleset, places, rule, dead, report);
            }
            _ if fate.alive => told_of_the_living(&fields, places, rule, fate, report),
            _ => {}
        }
    }
}

impl<'r> Walk<'r> {
    fn descend(&mut self, index: RuleIndex, rule: &'r Rule) {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return;
        }
        let dead = self.chain.dead(index, rule);
        let way = (decoded_as(rule).or_else(|| self.chain.decoder()), self.chain.category);
        let Some(fate) = self.fates.get_mut(index as usize) else { return };
        if dead.is_some() {
            fate.dead = fate.dead.take().or(dead);
            return;
        }
        fate.alive = true;
        if fate.ways.len() < WAYS_MAX && !fate.ways.contains(&way) {
            fate.ways.push(way);
        }
        self.chain.way.push(index);
        for (position, child) in rule.children.iter().enumerate() {
            let rules: &'r Rules = self.chain.rules;
            let Some(child_rule) = rules.get(*child) else { continue };
            let before = rule.children.get(..position).unwrap_or_default();
            match self.shadow(child_rule, before) {
                Some(dead) => {
                    if let Some(fate) = self.fates.get_mut(*child as usize) {
                        fate.dead = fate.dead.take().or(Some(dead));
                    }
                }
                None => self.descend(*child, child_rule),
            }
        }
        self.chain.way.pop();
    }

    fn shadow(&mut self, rule: &Rule, before: &[RuleIndex]) -> Option<Dead> {
        self.comparisons += before.len();
        if self.comparisons > COMPARISONS_MAX {
            return None;
        }
        before.iter().find_map(|index| {
            let sibling = self.chain.rules.get(*index)?;
            let dead = Dead::Shadowed { by: *index, always: sibling.conditions.is_empty() };
            self.chain.is_shadowed(rule, sibling).then_some(dead)
        })
    }
}

fn tell(ruleset: &Ruleset, places: &Places<'_>, rule: &Rule, dead: &Dead, report: &mut Report) {
    let decoder = |id: NameId| ruleset.decoders.name(id).to_owned();
    let other = |index: RuleIndex| match ruleset.rules.get(index) {
        Some(above) if above.id == rule.id => "itself".to_owned(),
        Some(above) => named(ruleset, above),
        None => String::new(),
    };
    let condition = |index: RuleIndex, position: usize| {
        let condition = ruleset.rules.get(index).and_then(|rule| rule.conditions.get(position));
        short(&condition.map(|condition| condition.describe(decoder)).unwrap_or_default())
    };
    let (lint, at, message, hint): (&Lint, &[&str], String, String) = match dead {
        Dead::Contradiction { above, first, second } => {
            let own = ruleset.rules.by_id.get(&rule.id).copied().unwrap_or_default();
            let (first, second) = (condition(*above, *first), condition(own, *second));
            let message = if *above == own {
                format!("never matches: {first} and {second} exclude each other")
            } else {
                format!("never matches: {second} excludes {first} of {} above it", other(*above))
            };
            (
                &lints::CONTRADICTION,
                &[],
                message,
                "all conditions on the way down must hold at once".to_owned(),
            )
        }
        Dead::Decoders { above, first, second } => (
            &lints::CONTRADICTION,
            &["decoded_as"],
            format!(
                "never matches: it asks for decoder `{}`, {} above it for `{}`",
                decoder(*second),
                other(*above),
                decoder(*first)
            ),
            "hang it below a rule of its own decoder".to_owned(),
        ),
        Dead::NotReported(name) => (
            &lints::WRONG_CATEGORY,
            &["decoded_as"],
            format!("never matches: no event has the decoder name `{}`", decoder(*name)),
            not_reported_hint(ruleset, *name),
        ),
        Dead::Category { decoder: name, root } => (
            &lints::WRONG_CATEGORY,
            &["decoded_as"],
            format!(
                "never matches: it hangs below the root of `{}`, and events of decoder `{}` are of another kind",
                root.as_str(),
                decoder(*name)
            ),
            "write the `<type>` of the decoder as the rule's `<category>`, or use if_sid"
                .to_owned(),
        ),
        Dead::Field { name, decoder: of } => {
            let whose = match of {
                Some(of) => format!("decoder `{}`", decoder(*of)),
                None => "no decoder of its events".to_owned(),
            };
            let sets = if of.is_some() { "never sets" } else { "sets" };
            (
                &lints::FIELD_NEVER_SET,
                &[],
                format!("never matches: {whose} {sets} the field `{name}`"),
                "look at the `<order>` of the decoder; spelling counts, case doesn't".to_owned(),
            )
        }
        Dead::Shadowed { by, always } => {
            let (message, hint) = shadowed(ruleset, rule, *by, *always, &other(*by));
            (&lints::SHADOWED, &[], message, hint)
        }
    };
    let Some(place) = places.of_child(rule, at) else { return };
    report.add(lint, place, format!("rule {}", rule.id), message, hint);
}

/// Says who takes the events of a rule, and why that one is tried first.
fn shadowed(
    ruleset: &Ruleset,
    rule: &Rule,
    by: RuleIndex,
    always: bool,
    name: &str,
) -> (String, String) {
    let what =
        if always { "has no conditions and takes all events" } else { "takes all its events" };
    let first = match ruleset.rules.get(by).map_or(0, |by| by.level) {
        0 => "level 0 is tried first",
        level if level > rule.level => "the higher level is tried first",
        _ => "of equal levels the first one loaded is tried first",
    };
    (
        format!("never matches: {name} {what} before"),
        format!("{first}; make it a child of that rule, or give it a higher level"),
    )
}

/// Shows enough of a condition to find it. Patterns may have thousands of bytes, and line breaks.
fn short(condition: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let line = condition.lines().next().unwrap_or_default();
    if line.len() == condition.len() && line.chars().count() <= CHARACTERS_MAX {
        return condition.to_owned();
    }
    let kept: String = line.chars().take(CHARACTERS_MAX).collect();
    format!("{kept}…`")
}

fn not_reported_hint(ruleset: &Ruleset, name: NameId) -> String {
    let decoders = &ruleset.decoders;
    let child = decoders.all.iter().find(|d| d.name == decoders.name(name) && d.parent.is_some());
    match child.and_then(|child| child.parent.as_deref()) {
        Some(parent) => format!(
            "a child decoder's events have the name of its parent, `{parent}`, unless it has a prematch and `use_own_name`"
        ),
        None => "check the name against the decoders that are loaded".to_owned(),
    }
}

/// What is odd about a rule that can match.
fn told_of_the_living(
    fields: &FieldsOf,
    places: &Places<'_>,
    rule: &Rule,
    fate: &Fate,
    report: &mut Report,
) {
    let Some(element) = places.element(rule) else { return };
    let subject = format!("rule {}", rule.id);
    let categories: Vec<Category> = fate.ways.iter().map(|(_, category)| *category).collect();
    let says_category = element.children.iter().any(|child| child.is("category"));
    if says_category && !rule.is_root() && !categories.contains(&rule.category) {
        let Some(place) = places.of_child(rule, &["category"]) else { return };
        let kind = categories.first().map_or("", |category| category.as_str());
        let message = format!(
            "category `{}` means nothing here: its parent's events are `{kind}`",
            rule.category.as_str()
        );
        report.add(
            &lints::CATEGORY_IGNORED,
            place,
            &subject,
            message,
            "take it out, or take the parent out",
        );
    }
    if rule.level == 0 {
        return;
    }
    for name in rule.description.fields() {
        let field = match StaticField::from_name(name) {
            Some(field) => Needed::Static(field),
            None => Needed::Dynamic(name),
        };
        let is_there = |(decoder, category): &(Option<NameId>, Category)| {
            fields.may_have(*decoder, *category, field)
        };
        if fate.ways.iter().any(is_there) {
            continue;
        }
        let Some(place) = places.of_child(rule, &["description"]) else { return };
        let name = String::from_utf8_lossy(name);
        let hint = match &*name {
            "user" => {
                "write `$(dstuser)` or `$(srcuser)`: `user` is a word of decoders only".to_owned()
            }
            _ => "an empty text will stand there; look at the `<order>` of the decoder".to_owned(),
        };
        let message = format!("no decoder of its events sets `$({name})`");
        report.add(&lints::DESCRIPTION_FIELD, place, &subject, message, hint);
    }
}
