//! Decoders: how fields are read out of a line.
//!
//! A decoder is a root, found by a program name or by the shape of the line, or a child of a root. Of the roots the first that
//! matches is final. Of its children, in the order of loading, the first whose `prematch` matches, or that has none, reads the
//! fields; following children of the same name go on where it ended. [`load`] reads them, [`run`] runs them.

pub mod json;
pub(crate) mod load;
pub mod plugin;
pub(crate) mod run;

use std::collections::HashMap;

use crate::category::Category;
use crate::fields::StaticField;
use crate::pattern::Pattern;
use crate::prefilter::{Members, Prefilter};

/// Stands for a decoder's name, so that `decoded_as` is one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameId(pub(crate) u32);

/// Decoders of the daemon itself: for file integrity, policy checks and the like, which don't come as log lines. Rules may name
/// them, and no line has one.
const INTERNAL: [&str; 22] = [
    "rootcheck",
    "syscheck_integrity_changed",
    "syscheck_deleted",
    "syscheck_new_entry",
    "syscheck_registry_key_modified",
    "syscheck_registry_key_deleted",
    "syscheck_registry_key_added",
    "syscheck_registry_value_modified",
    "syscheck_registry_value_deleted",
    "syscheck_registry_value_added",
    "syscheck_event",
    "fim_event",
    "hostinfo_modified",
    "hostinfo_new",
    "syscollector",
    "ciscat",
    "sca",
    "windows_eventchannel",
    "dbsync",
    "dbsync_decoder",
    "upgrade_module",
    "wazuh",
];

/// Where in the line a pattern or a plugin begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Offset {
    #[default]
    Start,
    AfterParent,
    AfterPrematch,
    AfterRegex,
}

/// Where a captured text goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Static(StaticField),
    Dynamic(Box<[u8]>),
}

/// What a decoder's `plugin_decoder` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    Json,
    Format(plugin::Plugin),
}

/// One `<decoder>` element.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) name: String,
    /// The name that events get: the parent's, unless the child keeps its own.
    pub(crate) reported: NameId,
    /// The parent's name, for a child.
    pub(crate) parent: Option<String>,
    pub(crate) program_name: Option<Pattern>,
    pub(crate) prematch: Option<Pattern>,
    pub(crate) prematch_offset: Offset,
    pub(crate) regex: Option<Pattern>,
    pub(crate) regex_offset: Offset,
    pub(crate) order: Vec<Target>,
    pub(crate) plugin: Option<BuiltIn>,
    pub(crate) plugin_offset: Offset,
    pub(crate) category: Category,
    pub(crate) fts: Option<Vec<FtsPart>>,
    pub(crate) ftscomment: Option<String>,
    pub(crate) accumulate: bool,
    pub(crate) json: json::JsonOptions,
    /// Where it was read: a file by its number in the source, and a line.
    pub(crate) place: (usize, usize),
}

/// One part of the combination that `fts` remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FtsPart {
    Name,
    Location,
    Field(Target),
}

/// Children that are tried together: the first decides, the others go on where it ended.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) members: Vec<usize>,
}

/// A root decoder and its children.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) decoder: usize,
    pub(crate) chains: Vec<Chain>,
}

/// All decoders of a ruleset.
#[derive(Debug, Default)]
pub(crate) struct Decoders {
    pub(crate) all: Vec<Decoder>,
    /// Roots for events with a program name, in order.
    pub(crate) with_program: Vec<Root>,
    /// Roots for events without, in order.
    pub(crate) without_program: Vec<Root>,
    pub(crate) names: HashMap<String, NameId>,
    /// The names by their number.
    pub(crate) name_list: Vec<String>,
    /// Which of `without_program` a line can match at all, by the texts in it.
    pub(crate) prefilter: Prefilter,
    /// The same by its first byte: most prematches say how a line begins.
    pub(crate) by_first_byte: Vec<Members>,
    /// The bytes that each of `without_program` needs to be somewhere in the line.
    pub(crate) required_bytes: Vec<u128>,
    /// The daemon's decoder of Windows event channels.
    pub(crate) windows: Option<NameId>,
}

impl Decoders {
    pub(crate) fn get(&self, index: usize) -> Option<&Decoder> {
        self.all.get(index)
    }

    /// Says whether the daemon has a decoder of this name inside.
    pub(crate) fn is_internal(&self, id: NameId) -> bool {
        INTERNAL.contains(&self.name(id))
    }

    pub(crate) fn name(&self, id: NameId) -> &str {
        self.name_list.get(id.0 as usize).map_or("", String::as_str)
    }

    pub(crate) fn name_id(&mut self, name: &str) -> NameId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = NameId(u32::try_from(self.name_list.len()).unwrap_or(u32::MAX));
        self.names.insert(name.to_owned(), id);
        self.name_list.push(name.to_owned());
        id
    }

    /// Prepares what makes looking for a root fast. Called once, when all are loaded.
    pub(crate) fn finish(&mut self) {
        for name in INTERNAL {
            self.name_id(name);
        }
        self.windows = self.names.get("windows_eventchannel").copied();
        let prematches: Vec<_> = (self.without_program.iter())
            .map(|root| self.all.get(root.decoder).and_then(|d| d.prematch.as_ref()))
            .collect();
        let literals: Vec<_> = prematches
            .iter()
            .map(|prematch| prematch.map(Pattern::required_sets).unwrap_or_default())
            .collect();
        self.prefilter = Prefilter::new(&literals);
        let needed = |prematch: &Option<&Pattern>| prematch.map_or(0, Pattern::required_bytes);
        self.required_bytes = prematches.iter().map(needed).collect();
        self.by_first_byte = vec![Members::none(prematches.len()); 256];
        for (byte, members) in (0..=u8::MAX).zip(&mut self.by_first_byte) {
            for (member, prematch) in (0u32..).zip(&prematches) {
                if prematch.is_none_or(|prematch| prematch.may_begin_with(byte)) {
                    members.insert(member);
                }
            }
        }
    }
}
