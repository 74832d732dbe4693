//! One way down the tree of rules: all that an event fulfils which gets there.

use super::fields::FieldsOf;
use super::imply::{self, Needed};
use crate::category::Category;
use crate::decoder::NameId;
use crate::fields::StaticField;
use crate::rule::condition::Condition;
use crate::rule::correlation::Compared;
use crate::rule::{Rule, RuleIndex, Rules};

/// Why a rule can't match on some way.
#[derive(Debug, Clone)]
pub(super) enum Dead {
    /// Two conditions exclude each other; the second belongs to this rule.
    Contradiction { above: RuleIndex, first: usize, second: usize },
    /// The conditions ask for two decoders.
    Decoders { above: RuleIndex, first: NameId, second: NameId },
    /// No event has this decoder name.
    NotReported(NameId),
    /// The decoder's events are of other kinds than the way's.
    Category { decoder: NameId, root: Category },
    /// No decoder sets this field.
    Field { name: String, decoder: Option<NameId> },
    /// A sibling is tried before and takes all.
    Shadowed { by: RuleIndex, always: bool },
}

/// The rules from a root down.
pub(super) struct Chain<'r> {
    pub(super) rules: &'r Rules,
    pub(super) fields: &'r FieldsOf,
    /// Decoders that the daemon has inside: they are compared with nothing.
    pub(super) is_internal: &'r dyn Fn(NameId) -> bool,
    pub(super) category: Category,
    pub(super) way: Vec<RuleIndex>,
}

impl<'r> Chain<'r> {
    fn above(&self) -> impl Iterator<Item = (RuleIndex, &'r Rule)> {
        let rules = self.rules;
        self.way.iter().filter_map(move |index| Some((*index, rules.get(*index)?)))
    }

    /// The decoder that the way asks for so far.
    pub(super) fn decoder(&self) -> Option<NameId> {
        self.above().filter_map(|(_, rule)| decoded_as(rule)).last()
    }

    /// Says why a rule can't match at the end of the way, as far as its own conditions tell.
    pub(super) fn dead(&self, index: RuleIndex, rule: &'r Rule) -> Option<Dead> {
        if let Some(own) = decoded_as(rule) {
            let other = self.above().find_map(|(above, other)| {
                let first = decoded_as(other).filter(|first| *first != own)?;
                Some(Dead::Decoders { above, first, second: own })
            });
            let is_internal = |id: NameId| (self.is_internal)(id);
            match other {
                Some(Dead::Decoders { first, .. }) if is_internal(first) || is_internal(own) => {}
                Some(dead) => return Some(dead),
                None => {}
            }
            if !is_internal(own) {
                if !self.fields.is_reported(own) {
                    return Some(Dead::NotReported(own));
                }
                if !self.fields.categories(own).contains(&self.category) {
                    return Some(Dead::Category { decoder: own, root: self.category });
                }
            }
        }
        self.contradiction(index, rule).or_else(|| self.missing(rule))
    }

    fn contradiction(&self, index: RuleIndex, rule: &'r Rule) -> Option<Dead> {
        for (second, condition) in rule.conditions.iter().enumerate() {
            let before = rule.conditions.get(..second).unwrap_or_default();
            let own = before.iter().position(|first| imply::excludes(first, condition));
            if let Some(first) = own {
                return Some(Dead::Contradiction { above: index, first, second });
            }
            for (above, other) in self.above() {
                let found =
                    other.conditions.iter().position(|first| imply::excludes(first, condition));
                if let Some(first) = found {
                    return Some(Dead::Contradiction { above, first, second });
                }
            }
        }
        None
    }

    /// Finds a field that the rule needs and that no event on this way can have.
    fn missing(&self, rule: &Rule) -> Option<Dead> {
        let decoder = decoded_as(rule).or_else(|| self.decoder());
        let compared = rule.correlation.iter().flat_map(|correlation| &correlation.same);
        let compared = compared.filter_map(|compared| match compared {
            Compared::Field(field) => Some(Needed::Static(*field)),
            // A static field asked for as a dynamic one is told elsewhere.
            Compared::Dynamic(name) => {
                StaticField::from_order_name(name).is_none().then_some(Needed::Dynamic(name))
            }
            Compared::Location | Compared::Never => None,
        });
        let mut needed = rule.conditions.iter().filter_map(imply::needed).chain(compared);
        let missing = needed.find(|field| !self.fields.may_have(decoder, self.category, *field))?;
        Some(Dead::Field { name: missing.name(), decoder })
    }

    /// Says whether a sibling takes every event that the rule would match, at the end of the way.
    pub(super) fn is_shadowed(&self, rule: &Rule, sibling: &Rule) -> bool {
        if sibling.noalert || sibling.correlation.is_some() {
            return false;
        }
        sibling.conditions.iter().all(|wanted| {
            let implied = |condition: &Condition| imply::implies(condition, wanted);
            rule.conditions.iter().any(implied)
                || self.above().any(|(_, above)| above.conditions.iter().any(implied))
        })
    }
}

/// The decoder that a rule asks for.
pub(super) fn decoded_as(rule: &Rule) -> Option<NameId> {
    rule.conditions.iter().find_map(|condition| match condition {
        Condition::DecodedAs(name) => Some(*name),
        _ => None,
    })
}
