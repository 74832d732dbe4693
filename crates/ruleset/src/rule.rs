//! Rules: what is worth an alert, and how bad it is.
//!
//! Rules form a tree: a category's root, its children, their children. An event goes down from the roots of its category; of the
//! children of a rule that matches, the highest level is tried first, and the first leaf that is reached is the one result.
//! [`load`] reads rules, [`link`] puts them into the tree, [`shortlist`] finds those whose conditions an event meets, [`run`] walks
//! them, [`frequency`] is the memory that correlation needs.

pub(crate) mod condition;
pub(crate) mod correlation;
pub(crate) mod description;
pub(crate) mod frequency;
pub(crate) mod groups;
pub(crate) mod link;
pub(crate) mod load;
pub(crate) mod options;
pub(crate) mod outlines;
pub(crate) mod recent;
pub(crate) mod run;
pub(crate) mod shortlist;
pub(crate) mod siblings;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::category::Category;
use condition::Condition;
use correlation::Correlation;
use description::Description;

/// A rule by its position in [`Rules::all`].
pub(crate) type RuleIndex = u32;

/// Stock rules nest a dozen deep. The walk recurses, so its depth has a bound.
pub(crate) const DEPTH_MAX: usize = 200;

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: u32,
    pub(crate) level: u8,
    /// The texts of the file's group and of the rule's `<group>` elements, glued together as Wazuh does.
    pub(crate) groups: String,
    pub(crate) description: Description,
    /// Given for roots, and as the kind of event that a rule without a parent is for.
    pub(crate) category: Category,
    /// Seconds for which the rule is mute after it fired; 0 = never.
    pub(crate) ignore_seconds: i64,
    /// Lets the search go on with the next rule when no child matched.
    pub(crate) noalert: bool,
    /// Puts the rule behind all its siblings.
    pub(crate) last: bool,
    /// Replaces a rule of the same id.
    pub(crate) overwrite: bool,
    /// In the order in which they are tested.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) options: options::RuleOptions,
    pub(crate) info: String,
    pub(crate) cve: String,
    pub(crate) mitre: Vec<String>,
    pub(crate) parents: Parents,
    /// Highest level first.
    pub(crate) children: Vec<RuleIndex>,
    /// The level that decided the rule's place among its siblings: an overwritten rule keeps its old one.
    pub(crate) place_level: u8,
    /// How many rules stand above it, on the longest way.
    pub(crate) depth: usize,
    /// Where it was read: a file by its number in the source, and a line.
    pub(crate) place: (usize, usize),
    /// Which children are worth trying, where there are many. Made when first asked for: most rules of a big ruleset never are.
    pub(crate) siblings: OnceLock<Option<Box<siblings::Siblings>>>,
    /// The rule's part of an alert, written once.
    pub(crate) json: crate::alert_json::RuleJson,
}

/// Where a rule wants to hang.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Parents {
    /// Below the roots of its category.
    #[default]
    Category,
    /// Below these rules: `if_sid`.
    Sids(Vec<u32>),
    /// Below all rules whose group text holds one of these: `if_group`.
    Groups(Vec<String>),
    /// Below all rules of at least this level: `if_level`.
    Level(u32),
}

impl Rule {
    /// Below 10 an id makes a root.
    pub(crate) fn is_root(&self) -> bool {
        self.id < 10
    }

    /// The level by which siblings are ordered: 0 counts as the highest, so that an ignoring rule beats all others.
    pub(crate) fn rank(&self) -> u8 {
        /// Above every level that can be written.
        const IGNORING: u8 = 99;
        if self.place_level == 0 { IGNORING } else { self.place_level }
    }
}

/// All rules of a ruleset.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Rule>,
    pub(crate) by_id: HashMap<u32, RuleIndex>,
    /// In order of loading.
    pub(crate) roots: Vec<RuleIndex>,
    pub(crate) groups: groups::Groups,
    /// Groups of rules with the same memory for correlation.
    pub(crate) chains: Vec<frequency::ChainSpec>,
    /// For each rule, the chains that its events join.
    pub(crate) feeds: Vec<Box<[u32]>>,
}

impl Rules {
    pub(crate) fn get(&self, index: RuleIndex) -> Option<&Rule> {
        self.all.get(index as usize)
    }
}
