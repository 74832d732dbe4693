//! Which children of a rule are worth trying on an event.
//!
//! A rule may have a thousand children. Most can be ruled out without looking at them: they want another decoder, or a text that
//! isn't in the line. What a pattern over a field needs is looked for in the line as well, because a field's letters come from
//! there: all but those that JSON writes as `\u....`, and a line with such an escape is not filtered. Rules for web requests look at
//! the URL, which is a small part of its line; where there are many, what they need is looked for in the URL alone, in full.

use std::collections::HashMap;

use super::condition::{CRAWLERS, CompiledRule, Condition, Subject};
use super::{Rule, Rules};
use crate::decoder::NameId;
use crate::event::Event;
use crate::fields::StaticField;
use crate::prefilter::{Members, Prefilter};

/// With fewer children, trying them is as quick as the scan.
const CHILDREN_MIN: usize = 16;

/// Shorter runs of letters are parts of many words.
const LETTERS_MIN: usize = 3;

/// The filter over one rule's children, by their position.
#[derive(Debug)]
pub(crate) struct Siblings {
    texts: Prefilter,
    /// What patterns over the URL need, looked for in the URL.
    urls: Option<Prefilter>,
    all: Members,
    /// Children that want no certain decoder.
    any_decoder: Members,
    by_decoder: HashMap<NameId, Members>,
}

impl Siblings {
    /// Prepares the filter; nothing where it isn't worth it.
    pub(crate) fn new(rule: &Rule, rules: &Rules) -> Option<Siblings> {
        if rule.children.len() < CHILDREN_MIN {
            return None;
        }
        let len = rule.children.len();
        let conditions_of =
            |child: &u32| rules.get(*child).map_or(&[][..], |child| &child.conditions);
        let of_url = |child| conditions_of(child).iter().find_map(url_literals);
        let required_of_url: Vec<_> = rule.children.iter().map(of_url).collect();
        let looks_at_urls = required_of_url.iter().flatten().count() >= CHILDREN_MIN;
        // What is looked for in the URL need not be looked for in the whole line as well.
        let in_line = |condition: &&Condition| !looks_at_urls || url_literals(condition).is_none();
        let mut any_decoder = Members::none(len);
        let mut by_decoder: HashMap<NameId, Members> = HashMap::new();
        let mut required = Vec::with_capacity(len);
        for (position, child) in (0u32..).zip(&rule.children) {
            let conditions = conditions_of(child);
            let wanted = conditions.iter().find_map(|condition| match condition {
                Condition::DecodedAs(name) => Some(*name),
                _ => None,
            });
            match wanted {
                Some(name) => {
                    by_decoder.entry(name).or_insert_with(|| Members::none(len)).insert(position);
                }
                None => any_decoder.insert(position),
            }
            let of_line = conditions.iter().filter(in_line).filter_map(literals);
            required.push(of_line.max_by_key(|l| shortest(l)));
        }
        let texts = Prefilter::new(&required);
        let urls = looks_at_urls.then(|| Prefilter::of_field(&required_of_url));
        Some(Siblings { texts, urls, all: Members::all(len), any_decoder, by_decoder })
    }

    /// Notes which children may match.
    pub(crate) fn candidates(&self, event: &Event<'_>, candidates: &mut Members) {
        if event.hides_letters() {
            candidates.copy_from(&self.all);
        } else {
            self.texts.scan(event.log, candidates);
        }
        if let (Some(urls), Some(url)) = (&self.urls, event.fields.get(StaticField::Url)) {
            let mut worth_trying = Members::none(0);
            urls.scan(url, &mut worth_trying);
            candidates.keep(&worth_trying);
        }
        let of_decoder = |name: Option<NameId>| name.and_then(|name| self.by_decoder.get(&name));
        // An event with two names is rare: then the decoder decides nothing.
        if event.also_decoded_as.is_none() {
            candidates.keep_either(&self.any_decoder, of_decoder(event.decoded_as));
        }
    }
}

/// The texts of which one must be in the URL for a condition to hold; nothing where that isn't known.
fn url_literals(condition: &Condition) -> Option<Vec<Vec<u8>>> {
    match condition {
        Condition::Text { subject: Subject::Field(StaticField::Url), pattern, negate: false } => {
            pattern.required_literals()
        }
        _ => None,
    }
}

fn shortest(literals: &[Vec<u8>]) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or(0)
}

/// The texts of which one must be in the line for a condition to hold; nothing where that isn't known.
fn literals(condition: &Condition) -> Option<Vec<Vec<u8>>> {
    match condition {
        Condition::Text { subject: Subject::Match | Subject::Regex, pattern, negate: false } => {
            pattern.required_literals()
        }
        Condition::Text { subject: Subject::Field(_) | Subject::User, pattern, negate: false }
        | Condition::Field { pattern, negate: false, .. } => {
            let words = pattern.required_literals()?;
            words.iter().map(|word| longest_letters(word)).collect()
        }
        Condition::Compiled(CompiledRule::ValidCrawler) => {
            Some(CRAWLERS.iter().map(|name| name.to_ascii_lowercase().into_bytes()).collect())
        }
        _ => None,
    }
}

/// The longest run of letters in a literal, if it is long enough to look for. Digits and signs won't do: JSON's numbers are
/// written anew, and some signs are escaped. A run needs another letter than `e`, which a number may have.
fn longest_letters(literal: &[u8]) -> Option<Vec<u8>> {
    let runs = literal.split(|byte| !byte.is_ascii_alphabetic());
    let run = runs.max_by_key(|run| run.len())?;
    let is_word = run.len() >= LETTERS_MIN && run.iter().any(|byte| !b"eE".contains(byte));
    is_word.then(|| run.to_vec())
}
