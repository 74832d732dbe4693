//! What one condition says about another: the same, always true with it, never true with it.
//!
//! All three answers are safe to one side: "no" may be wrong, "yes" never is. A pattern is understood only where it is a list of
//! plain texts; that is what most are.

use std::borrow::Cow;

use crate::fields::StaticField;
use crate::pattern::{Language, Pattern};
use crate::rule::condition::{Condition, ListTest, Subject};

/// The text that a condition looks at.
#[derive(PartialEq, Eq)]
enum Text<'c> {
    /// `match` and `regex` look at the same.
    Log,
    Of(Subject),
    Field(&'c [u8]),
}

/// A condition on a text.
struct Ask<'c> {
    text: Text<'c>,
    pattern: &'c Pattern,
    negate: bool,
}

fn ask(condition: &Condition) -> Option<Ask<'_>> {
    match condition {
        Condition::Text { subject, pattern, negate } => {
            let text = if subject.is_log() { Text::Log } else { Text::Of(*subject) };
            Some(Ask { text, pattern, negate: *negate })
        }
        Condition::Field { name, pattern, negate } => {
            Some(Ask { text: Text::Field(name), pattern, negate: *negate })
        }
        _ => None,
    }
}

impl Ask<'_> {
    fn is_about_the_same(&self, other: &Ask<'_>) -> bool {
        match (&self.text, &other.text) {
            (Text::Field(left), Text::Field(right)) => left.eq_ignore_ascii_case(right),
            (left, right) => left == right,
        }
    }

    fn has_same_pattern(&self, other: &Ask<'_>) -> bool {
        self.pattern.text() == other.pattern.text()
            && self.pattern.language() == other.pattern.language()
    }
}

/// Says whether `then` holds for every event for which `when` does.
pub(super) fn implies(when: &Condition, then: &Condition) -> bool {
    match (when, then) {
        (Condition::DecodedAs(left), Condition::DecodedAs(right)) => left == right,
        (Condition::SizeAtLeast(left), Condition::SizeAtLeast(right)) => left >= right,
        (Condition::Time(left), Condition::Time(right)) => left == right,
        (Condition::Weekday(left), Condition::Weekday(right)) => left == right,
        (Condition::Address { of: left_of, set: left }, Condition::Address { of, set }) => {
            left_of == of && left == set
        }
        (Condition::Compiled(left), Condition::Compiled(right)) => left == right,
        (
            Condition::Action { text: left, negate: left_not },
            Condition::Action { text: right, negate: right_not },
        ) => left == right && left_not == right_not,
        (Condition::List(left), Condition::List(right)) => is_same_list(left, right),
        _ => match (ask(when), ask(then)) {
            (Some(when), Some(then)) => ask_implies(&when, &then),
            _ => false,
        },
    }
}

fn is_same_list(left: &ListTest, right: &ListTest) -> bool {
    let value = |test: &ListTest| test.check_value.as_ref().map(|pattern| pattern.text().to_vec());
    left.field == right.field
        && left.lookup == right.lookup
        && left.list == right.list
        && value(left) == value(right)
}

fn ask_implies(when: &Ask<'_>, then: &Ask<'_>) -> bool {
    if !when.is_about_the_same(then) || when.negate != then.negate {
        return false;
    }
    if when.has_same_pattern(then) {
        return true;
    }
    // With a plain text inside the other, "has no short one" says "has no long one", the other way round.
    let (narrow, wide) = if when.negate { (then, when) } else { (when, then) };
    let (Some(narrow), Some(wide)) = (words(narrow.pattern), words(wide.pattern)) else {
        return false;
    };
    narrow.iter().all(|narrow| wide.iter().any(|wide| narrow.is_within(wide)))
}

/// Says whether no event fulfils both.
pub(super) fn excludes(left: &Condition, right: &Condition) -> bool {
    if let (
        Condition::Action { text: left, negate: left_not },
        Condition::Action { text: right, negate: right_not },
    ) = (left, right)
    {
        return match (left_not, right_not) {
            (false, false) => left != right,
            (true, true) => false,
            _ => left == right,
        };
    }
    let (Some(left), Some(right)) = (ask(left), ask(right)) else { return false };
    if !left.is_about_the_same(&right) {
        return false;
    }
    if left.negate != right.negate && left.has_same_pattern(&right) {
        return true;
    }
    fails_on_all_values(&left, &right)
        || fails_on_all_values(&right, &left)
        || begin_differently(&left, &right)
}

/// Says whether `left` allows a few values only, and `right` none of them.
fn fails_on_all_values(left: &Ask<'_>, right: &Ask<'_>) -> bool {
    if left.negate {
        return false;
    }
    let Some(values) = words(left.pattern) else { return false };
    // Behind the value of an old language any spelling may stand, and PCRE2 tells spellings apart.
    let is_exact = right.pattern.language() != Language::Pcre2;
    values.iter().all(|value| {
        let has_letters = value.text.iter().any(u8::is_ascii_alphabetic);
        value.at_start
            && value.at_end
            && (is_exact || !has_letters)
            && right.pattern.is_match(&value.text) == right.negate
    })
}

fn begin_differently(left: &Ask<'_>, right: &Ask<'_>) -> bool {
    if left.negate || right.negate {
        return false;
    }
    let (Some(left), Some(right)) = (words(left.pattern), words(right.pattern)) else {
        return false;
    };
    left.iter().all(|left| {
        right.iter().all(|right| {
            left.at_start
                && right.at_start
                && !left.text.starts_with(&right.text)
                && !right.text.starts_with(&left.text)
        })
    })
}

/// One of the plain texts that a pattern is a list of, in lower case.
struct Word<'p> {
    text: Cow<'p, [u8]>,
    at_start: bool,
    at_end: bool,
}

impl Word<'_> {
    /// Says whether a subject that has this has the other one too.
    fn is_within(&self, wide: &Word<'_>) -> bool {
        match (wide.at_start, wide.at_end) {
            (false, false) => memchr::memmem::find(&self.text, &wide.text).is_some(),
            (true, false) => self.at_start && self.text.starts_with(&wide.text),
            (false, true) => self.at_end && self.text.ends_with(&wide.text),
            (true, true) => self.at_start && self.at_end && self.text == wide.text,
        }
    }
}

/// Takes a pattern for a list of plain texts, if it is one.
fn words(pattern: &Pattern) -> Option<Vec<Word<'_>>> {
    let text = pattern.text();
    let is_plain = match pattern.language() {
        Language::OsMatch => !text.starts_with(b"!"),
        // Without a backslash there is no class, so nothing repeats. A group would be plain too, but is rare.
        Language::OsRegex => !text.iter().any(|byte| matches!(byte, b'\\' | b'(' | b')')),
        Language::Pcre2 => false,
    };
    if !is_plain || !text.is_ascii() {
        return None;
    }
    let words = text.split(|byte| *byte == b'|').map(|word| {
        let (word, at_start) = match word.strip_prefix(b"^") {
            Some(word) => (word, true),
            None => (word, false),
        };
        let (word, at_end) = match word.strip_suffix(b"$") {
            Some(word) => (word, true),
            None => (word, false),
        };
        let is_odd = word.iter().any(|byte| matches!(byte, b'^' | b'$'));
        (!is_odd && !word.is_empty()).then(|| Word {
            text: word.to_ascii_lowercase().into(),
            at_start,
            at_end,
        })
    });
    words.collect()
}

/// Names the field that a condition needs to be there, if it looks at one.
pub(super) fn needed(condition: &Condition) -> Option<Needed<'_>> {
    match condition {
        Condition::Text { subject: Subject::User, .. } => Some(Needed::User),
        Condition::Text { subject: Subject::Field(field), .. } => Some(Needed::Static(*field)),
        Condition::Action { .. } => Some(Needed::Static(StaticField::Action)),
        Condition::Address { of, .. } => Some(Needed::Static(*of)),
        Condition::Field { name, .. } => Some(Needed::Dynamic(name)),
        _ => None,
    }
}

/// A field that must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed<'c> {
    Static(StaticField),
    /// Either of the two users.
    User,
    Dynamic(&'c [u8]),
}

impl Needed<'_> {
    pub(super) fn name(self) -> String {
        match self {
            Needed::Static(field) => field.name().to_owned(),
            Needed::User => "user".to_owned(),
            Needed::Dynamic(name) => String::from_utf8_lossy(name).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(language: Language, text: &str, negate: bool) -> Condition {
        let pattern = Pattern::compile(language, text.as_bytes()).unwrap();
        Condition::Text { subject: Subject::Match, pattern: pattern.into(), negate }
    }

    fn plain(text: &str) -> Condition {
        condition(Language::OsMatch, text, false)
    }

    fn not(text: &str) -> Condition {
        condition(Language::OsMatch, text, true)
    }

    #[test]
    fn a_longer_text_implies_the_shorter_one_in_it() {
        assert!(implies(&plain("login failed"), &plain("FAILED")));
        assert!(implies(&plain("a failed|b failed"), &plain("failed|refused")));
        assert!(implies(&plain("^abc"), &plain("^ab")));
        assert!(implies(&plain("^abc$"), &plain("bc$")));
        assert!(implies(&not("failed"), &not("login failed")));
        assert!(!implies(&not("login failed"), &not("failed")));
        for (when, then) in [
            ("failed", "login failed"),
            ("abc", "^abc"),
            ("abc$", "^abc$"),
            ("!a", "a"),
            ("a", "a$"),
        ] {
            assert!(!implies(&plain(when), &plain(then)), "{when} implies {then}");
        }
    }

    #[test]
    fn texts_that_exclude_each_other_are_found() {
        assert!(excludes(&plain("^a$|^b$"), &plain("^c$")));
        assert!(excludes(&plain("^abc$"), &not("b")));
        assert!(excludes(&plain("x y"), &not("x y")));
        assert!(excludes(&plain("^GET "), &plain("^POST |^PUT ")));
        assert!(excludes(&plain("^7$"), &condition(Language::Pcre2, r"^\d\d$", false)));
        for (left, right) in [("^a", "^ab"), ("a", "b"), ("^a$", "a"), ("^a$|^b$", "b")] {
            assert!(!excludes(&plain(left), &plain(right)), "{left} excludes {right}");
        }
        // A condition of an old language allows any spelling.
        assert!(!excludes(&plain("^a$"), &condition(Language::Pcre2, "^A$", false)));
    }
}
