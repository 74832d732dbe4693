//! Rules by the text of their groups.
//!
//! Rules and correlation look for words in these texts. Thousands of rules share some hundred texts, so each is looked at once.

use std::collections::HashMap;

use memchr::memmem::Finder;

use super::RuleIndex;

/// The texts of groups, each with the rules that have it.
#[derive(Debug, Default)]
pub(crate) struct Groups(HashMap<Box<str>, Vec<RuleIndex>>);

impl Groups {
    /// Notes a rule.
    pub(super) fn insert(&mut self, text: &str, rule: RuleIndex) {
        match self.0.get_mut(text) {
            Some(rules) => rules.push(rule),
            None => {
                self.0.insert(text.into(), vec![rule]);
            }
        }
    }

    /// Forgets a rule that gets another text.
    pub(super) fn remove(&mut self, text: &str, rule: RuleIndex) {
        if let Some(rules) = self.0.get_mut(text) {
            rules.retain(|other| *other != rule);
        }
    }

    /// The texts, in no order, each with its rules.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[RuleIndex])> {
        self.0.iter().map(|(text, rules)| (&**text, rules.as_slice()))
    }

    /// The rules whose text holds one of these words, in no order. It is a search for a substring, as in Wazuh.
    pub(super) fn holding(&self, words: &[String]) -> impl Iterator<Item = RuleIndex> {
        let finders: Vec<Finder<'_>> =
            words.iter().map(|word| Finder::new(word.as_bytes())).collect();
        let holds =
            move |text: &str| finders.iter().any(|word| word.find(text.as_bytes()).is_some());
        self.iter().filter(move |(text, _)| holds(text)).flat_map(|(_, rules)| rules).copied()
    }
}
