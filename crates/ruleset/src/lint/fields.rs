//! Which fields the events of a decoder can have at all.

use std::collections::{HashMap, HashSet};

use super::imply::Needed;
use crate::category::Category;
use crate::decoder::{Decoders, NameId, Root, Target};
use crate::fields::StaticField;

/// What some decoders can set.
#[derive(Debug, Default, Clone)]
struct Settable {
    /// There is JSON or another plugin among them: they may set anything.
    anything: bool,
    statics: Vec<StaticField>,
    /// In lower case.
    dynamic: HashSet<Vec<u8>>,
}

/// What the decoders of a ruleset can set, by the name that events get and by kind of event.
#[derive(Debug)]
pub(super) struct FieldsOf {
    by_name: HashMap<NameId, Settable>,
    by_category: HashMap<Category, Settable>,
    categories: HashMap<NameId, Vec<Category>>,
    /// No decoder sets anything: rules are looked at without the decoders that they are for.
    is_blind: bool,
}

impl FieldsOf {
    pub(super) fn new(decoders: &Decoders) -> Self {
        let mut fields = FieldsOf {
            by_name: HashMap::new(),
            by_category: HashMap::new(),
            categories: HashMap::new(),
            is_blind: decoders.all.iter().all(|d| d.order.is_empty() && d.plugin.is_none()),
        };
        for root in decoders.with_program.iter().chain(&decoders.without_program) {
            fields.add(decoders, root);
        }
        fields
    }

    fn add(&mut self, decoders: &Decoders, root: &Root) {
        let chained = root.chains.iter().flat_map(|chain| chain.members.iter().copied());
        let members: Vec<usize> = std::iter::once(root.decoder).chain(chained).collect();
        let mut settable = Settable::default();
        for decoder in members.iter().filter_map(|index| decoders.get(*index)) {
            // What accumulates may come from other events.
            settable.anything |= decoder.plugin.is_some() || decoder.accumulate;
            for target in &decoder.order {
                match target {
                    Target::Static(field) => settable.statics.push(*field),
                    Target::Dynamic(name) => {
                        settable.dynamic.insert(name.to_ascii_lowercase());
                    }
                }
            }
        }
        for decoder in members.iter().filter_map(|index| decoders.get(*index)) {
            self.by_name.entry(decoder.reported).or_default().join(&settable);
            self.by_category.entry(decoder.category).or_default().join(&settable);
            let categories = self.categories.entry(decoder.reported).or_default();
            if !categories.contains(&decoder.category) {
                categories.push(decoder.category);
            }
        }
    }

    /// Says whether log lines get this decoder name at all: the name of a child that reports its parent's doesn't count.
    pub(super) fn is_reported(&self, decoder: NameId) -> bool {
        self.by_name.contains_key(&decoder)
    }

    /// The categories of a decoder's events.
    pub(super) fn categories(&self, decoder: NameId) -> &[Category] {
        self.categories.get(&decoder).map_or(&[], Vec::as_slice)
    }

    /// Says whether an event of this decoder, or of any of the category, may have the field.
    pub(super) fn may_have(
        &self,
        decoder: Option<NameId>,
        category: Category,
        field: Needed<'_>,
    ) -> bool {
        let settable = match decoder {
            Some(name) => self.by_name.get(&name),
            None => self.by_category.get(&category),
        };
        // A decoder inside the daemon, or a kind of event that only the daemon makes: nothing is known.
        self.is_blind || settable.is_none_or(|settable| settable.may_have(field))
    }
}

impl Settable {
    fn join(&mut self, other: &Settable) {
        self.anything |= other.anything;
        self.statics.extend_from_slice(&other.statics);
        self.dynamic.extend(other.dynamic.iter().cloned());
    }

    fn may_have(&self, field: Needed<'_>) -> bool {
        let has = |field: StaticField| self.statics.contains(&field);
        self.anything
            || match field {
                Needed::Static(field) => has(field),
                Needed::User => has(StaticField::SrcUser) || has(StaticField::DstUser),
                Needed::Dynamic(name) => self.dynamic.contains(&name.to_ascii_lowercase()),
            }
    }
}
