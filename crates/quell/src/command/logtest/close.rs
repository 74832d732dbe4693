//! Which rules were close: of hundreds that were tried, the few that a person who wonders "why not that one" means.
//!
//! The most telling first: rules of which all held but the count of earlier events, then those whose conditions held for the longest,
//! then those deepest in the tree. A rule right below a category's root whose first condition failed is of another program; that is
//! most of a ruleset, and not close.

use std::cmp::Reverse;
use std::collections::HashSet;

use ruleset::TriedVerdict;

use super::seen::{Seen, Step};

/// How many are shown. More than fit at a glance explain nothing.
const CLOSE_MAX: usize = 6;

/// The children of a category's root stand here.
const PROGRAMS_DEPTH: usize = 1;

/// Gives the rules that were close, the most telling first.
pub(crate) fn close(seen: &Seen) -> Vec<&Step> {
    let mut close: Vec<&Step> = seen.tried.iter().filter(|step| is_close(step)).collect();
    close.sort_by_key(|step| {
        let counts_only = step.verdict_is_correlation();
        (!counts_only, Reverse(step.held), Reverse(step.depth), Reverse(step.level), step.id)
    });
    // A rule may hang below several others, and then was tried several times.
    let mut known = HashSet::new();
    close.retain(|step| known.insert(step.id));
    close.truncate(CLOSE_MAX);
    close
}

fn is_close(step: &Step) -> bool {
    match &step.verdict {
        TriedVerdict::Matched => false,
        // Roots only group; that they did is no news.
        TriedVerdict::OnlyGroups => step.depth >= PROGRAMS_DEPTH,
        TriedVerdict::Failed(_) => step.held > 0 || step.depth > PROGRAMS_DEPTH,
    }
}

impl Step {
    fn verdict_is_correlation(&self) -> bool {
        matches!(&self.verdict, TriedVerdict::Failed(what) if what.starts_with("frequency: "))
    }

    /// Says why the rule is not the one, as the rest of a sentence about it.
    pub(crate) fn why_not(&self) -> String {
        let finding = |text: &Option<String>| {
            text.as_ref().map(|text| format!("; {text}")).unwrap_or_default()
        };
        match &self.verdict {
            TriedVerdict::Matched => "matches".to_owned(),
            TriedVerdict::OnlyGroups => {
                "matches, but only groups others, of which none matches".to_owned()
            }
            TriedVerdict::Failed(what) if self.verdict_is_correlation() => {
                format!("has too few earlier events: {}", what.trim_start_matches("frequency: "))
            }
            TriedVerdict::Failed(what) => format!("fails: {what}{}", finding(&self.finding)),
        }
    }
}
