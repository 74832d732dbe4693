//! What became of one event.

use crate::event::Event;
use crate::rule::frequency::Support;
use crate::rule::run::Tried;
use crate::rule::{Rule, RuleIndex};
use crate::ruleset::{RuleInfo, Ruleset};

/// The result of [`crate::Session::process`].
#[derive(Debug)]
pub struct Outcome<'s> {
    pub(crate) ruleset: &'s Ruleset,
    pub(crate) event: Event<'s>,
    pub(crate) fired: Option<Fired>,
    pub(crate) not_processed: bool,
    pub(crate) tried: Vec<Tried>,
    pub(crate) touched: &'s [usize],
}

/// The rule that an event ended with.
#[derive(Debug)]
pub(crate) struct Fired {
    pub(crate) rule: RuleIndex,
    pub(crate) fired_times: u32,
    pub(crate) alert: bool,
    pub(crate) support: Support,
}

impl Outcome<'_> {
    pub(crate) fn rule_inner(&self) -> Option<&Rule> {
        self.ruleset.rules.get(self.fired.as_ref()?.rule)
    }

    /// Whether the daemon drops the event before the rules: a packet filter's event with a field missing.
    pub fn not_processed(&self) -> bool {
        self.not_processed
    }

    /// Whether the event becomes an alert.
    pub fn is_alert(&self) -> bool {
        self.fired.as_ref().is_some_and(|fired| fired.alert)
    }

    /// The rule that applies.
    pub fn rule(&self) -> Option<RuleInfo<'_>> {
        self.rule_inner().and_then(|rule| self.ruleset.rule(rule.id))
    }

    /// The decoder's name, as rules see it.
    pub fn decoder_name(&self) -> Option<&str> {
        self.event.decoded_as.map(|name| self.ruleset.decoders.name(name))
    }
}
