//! Which children of a rule are worth trying on an event.
//!
//! A rule may have a thousand children. Most can be ruled out without looking at them: they want another decoder, or a text that
//! isn't in the line. What a pattern over a field needs is looked for in the line as well, because a field's letters come from
//! there: all but those that JSON writes as `\u....`, and a line with such an escape is not filtered. Rules for web requests look at
//! the URL, which is a small part of its line; where there are many, what they need is looked for in the URL alone, in full.
//!
//! A rule may hang below another and again below a child of that one. Then the search for the first tells of the second too.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::condition::{CRAWLERS, CompiledRule, Condition, Subject};
use super::{Rule, RuleIndex, Rules};
use crate::decoder::NameId;
use crate::event::Event;
use crate::fields::StaticField;
use crate::pattern::{Form, Pattern};
use crate::prefilter::{Members, Prefilter};

/// With fewer children, trying them is as quick as the scan.
const CHILDREN_MIN: usize = 16;

/// Shorter runs of letters are parts of many words.
const LETTERS_MIN: usize = 3;

/// How many URLs are looked at before patterns are made for those that encode little. Making them costs 50 to 80 ms and saves some
/// 20 us a URL, so whoever sees fewer URLs than this never pays, and whoever sees more has not lost much by waiting.
const URLS_BEFORE_NARROW: u32 = 2048;

/// What children need of the URL.
#[derive(Debug, Default)]
struct Urls {
    any: OnceLock<Prefilter>,
    /// For URLs that encode little: more is known of what such a URL must hold.
    once: OnceLock<Prefilter>,
    seen: AtomicU32,
}

/// The filter over one rule's children, by their position.
#[derive(Debug)]
pub(crate) struct Siblings {
    texts: Prefilter,
    /// What patterns over the URL need, looked for in the URL.
    urls: Option<Urls>,
    all: Members,
    /// Children that want no certain decoder.
    any_decoder: Members,
    /// In the order of decoders.
    by_decoder: Vec<(NameId, Members)>,
    /// For children, by position, that have nearly only children which hang below this rule as well: the positions of those here.
    shared: Vec<(usize, Box<[Option<u32>]>)>,
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
        let has_url = |child: &&u32| rules.get(**child).and_then(url_pattern_of).is_some();
        let looks_at_urls = rule.children.iter().filter(has_url).count() >= CHILDREN_MIN;
        // What is looked for in the URL need not be looked for in the whole line as well.
        let in_line = |condition: &&Condition| !looks_at_urls || url_pattern(condition).is_none();
        let mut any_decoder = Members::none(len);
        let mut by_decoder: BTreeMap<NameId, Members> = BTreeMap::new();
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
            required.push(most_telling(conditions.iter().filter(in_line).flat_map(sets)));
        }
        let texts = Prefilter::new(&required);
        let urls = looks_at_urls.then(Urls::default);
        let by_decoder = by_decoder.into_iter().collect();
        let shared = shared(rule, rules);
        Some(Siblings { texts, urls, all: Members::all(len), any_decoder, by_decoder, shared })
    }

    /// Tells where the children of the child at `position` are among these siblings.
    pub(crate) fn shared_with(&self, position: usize) -> Option<&[Option<u32>]> {
        let (_, positions) = self.shared.iter().find(|(of, _)| *of == position)?;
        Some(positions)
    }

    /// Whether many of them look at the URL.
    pub(crate) fn look_at_urls(&self) -> bool {
        self.urls.is_some()
    }

    /// Notes which children may match, whatever the URL.
    pub(crate) fn candidates(&self, event: &Event<'_>, candidates: &mut Members) {
        if event.hides_letters() {
            candidates.copy_from(&self.all);
        } else {
            self.texts.scan(event.log, candidates);
        }
        let of_decoder = |name: Option<NameId>| {
            let at = self.by_decoder.binary_search_by_key(&name?, |(name, _)| *name).ok()?;
            self.by_decoder.get(at).map(|(_, members)| members)
        };
        // An event with two names is rare: then the decoder decides nothing.
        if event.also_decoded_as.is_none() {
            candidates.keep_either(&self.any_decoder, of_decoder(event.decoded_as));
        }
    }

    /// Notes which children the words in a URL leave.
    pub(crate) fn left_by_url(
        &self,
        (rule, rules): (&Rule, &Rules),
        (url, form): (&[u8], Form),
        left: &mut Members,
    ) {
        let Some(urls) = &self.urls else { return left.copy_from(&self.all) };
        let form = if urls.has_seen_enough() { form } else { Form::Any };
        urls.of(form, rule, rules).scan(url, left);
    }
}

impl Urls {
    /// Counts a URL.
    fn has_seen_enough(&self) -> bool {
        let has_enough = self.seen.load(Ordering::Relaxed) >= URLS_BEFORE_NARROW;
        if !has_enough {
            self.seen.fetch_add(1, Ordering::Relaxed);
        }
        has_enough
    }

    fn of(&self, form: Form, rule: &Rule, rules: &Rules) -> &Prefilter {
        match form {
            Form::Any => self.any.get_or_init(|| of_urls(rule, rules, form)),
            Form::Once => self.once.get_or_init(|| of_urls(rule, rules, form)),
        }
    }
}

/// Prepares the filter over what the children need of URLs of a form. Half of them are read on a thread of their own: one takes 50 us and
/// more, there may be hundreds, and a line waits for it.
fn of_urls(rule: &Rule, rules: &Rules, form: Form) -> Prefilter {
    let of_child = |child: &RuleIndex| {
        let conditions = rules.get(*child).map_or(&[][..], |child| &child.conditions);
        let patterns = conditions.iter().filter_map(url_pattern);
        let sets = patterns.flat_map(|pattern| pattern.required_sets_of(form));
        most_telling(sets.filter(rules_out))
    };
    let of = |children: &[RuleIndex]| children.iter().map(of_child).collect::<Vec<Vec<Set>>>();
    let half = rule.children.len() / 2;
    let (here, there) = rule.children.split_at_checked(half).unwrap_or_default();
    let required = std::thread::scope(|scope| {
        let other = std::thread::Builder::new().spawn_scoped(scope, || of(there));
        let mut required = of(here);
        // Where no thread is to be had, there is this one.
        let others = other.ok().and_then(|thread| thread.join().ok());
        required.extend(others.unwrap_or_else(|| of(there)));
        required
    });
    Prefilter::of_field(&required)
}

/// Finds the children of `rule` whose own children are filtered together with them.
fn shared(rule: &Rule, rules: &Rules) -> Vec<(usize, Box<[Option<u32>]>)> {
    let positions: HashMap<u32, u32> = rule.children.iter().copied().zip(0..).collect();
    let positions_of = |child: &Rule| -> Box<[Option<u32>]> {
        child.children.iter().map(|grandchild| positions.get(grandchild).copied()).collect()
    };
    let children = rule.children.iter().enumerate();
    let of_child = children.filter_map(|(position, child)| {
        let child = rules.get(*child).filter(|child| child.children.len() >= CHILDREN_MIN)?;
        let known = positions_of(child);
        let unknown = known.iter().filter(|position| position.is_none()).count();
        (unknown < CHILDREN_MIN).then_some((position, known))
    });
    of_child.collect()
}

/// Texts of which one must occur.
type Set = Vec<Vec<u8>>;

/// Whether there are URLs without any of these words, other than very few.
fn rules_out(set: &Set) -> bool {
    let is_common = |word: &Vec<u8>| match word.as_slice() {
        [byte] => byte.is_ascii_alphanumeric() || b"/=?".contains(byte),
        _ => false,
    };
    !set.iter().any(is_common)
}

/// Sorts sets such that those with longer texts stand first.
fn most_telling(sets: impl Iterator<Item = Set>) -> Vec<Set> {
    let mut sets: Vec<Set> = sets.collect();
    let shortest = |set: &Set| set.iter().map(Vec::len).min().unwrap_or(0);
    sets.sort_by_key(|set| std::cmp::Reverse(shortest(set)));
    sets
}

/// The first pattern that the URL must match for a rule to.
pub(super) fn url_pattern_of(rule: &Rule) -> Option<&Pattern> {
    rule.conditions.iter().find_map(url_pattern)
}

/// The pattern that the URL must match for a condition to hold.
pub(super) fn url_pattern(condition: &Condition) -> Option<&Pattern> {
    match condition {
        Condition::Text { subject: Subject::Field(StaticField::Url), pattern, negate: false } => {
            Some(pattern)
        }
        _ => None,
    }
}

/// Sets of texts of which one each must be in the line for a condition to hold.
fn sets(condition: &Condition) -> Vec<Set> {
    match condition {
        Condition::Text { subject: Subject::Match | Subject::Regex, pattern, negate: false } => {
            pattern.required_sets()
        }
        Condition::Text { subject: Subject::Field(_) | Subject::User, pattern, negate: false }
        | Condition::Field { pattern, negate: false, .. } => {
            let letters = |set: &Set| set.iter().map(|word| longest_letters(word)).collect();
            pattern.required_sets().iter().filter_map(letters).collect()
        }
        Condition::Compiled(CompiledRule::ValidCrawler) => {
            vec![CRAWLERS.iter().map(|name| name.to_ascii_lowercase().into_bytes()).collect()]
        }
        _ => Vec::new(),
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
