//! Tests of what outlines keep and what they leave out. That none misses a match is tested with the shorter patterns, in
//! [`narrow`](super::super::tree::narrow).

use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson;
use regex_automata::{Input, MatchKind};

use super::super::{Language, Pattern};

/// Whether a subject has the outline of a pattern in it; nothing where there is no outline.
pub(in super::super) fn outline_is_in(pattern: &Pattern, subject: &[u8]) -> Option<bool> {
    let outline = pattern.outline()?;
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false))
        .build_from_hir(&outline)
        .unwrap();
    let machine = DFA::builder()
        .configure(DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true))
        .build_from_nfa(nfa)
        .unwrap();
    let search = Input::new(subject).earliest(true);
    Some(machine.try_search_fwd(&mut machine.create_cache(), &search).unwrap().is_some())
}

fn is_in(pattern: &str, subject: &str) -> Option<bool> {
    let pattern = Pattern::compile(Language::Pcre2, pattern.as_bytes()).unwrap();
    outline_is_in(&pattern, subject.as_bytes())
}

#[test]
fn words_count_in_their_order_and_with_their_signs() {
    let pattern = r"(?i)\bunion[+ ]{1,20}select\b[^&]*\bfrom\b";
    assert_eq!(is_in(pattern, "/?q=1+UNION++select+a+from+b"), Some(true));
    assert_eq!(is_in(pattern, "/?q=select+from+the+union"), Some(false));
    assert_eq!(is_in(pattern, "/?q=union+select&b=from"), Some(false));
    assert_eq!(is_in(pattern, "/?q=reunion+select+from"), Some(false));
}

#[test]
fn ends_are_kept() {
    assert_eq!(is_in("^/a", "/a"), Some(true));
    assert_eq!(is_in("^/a", "//a"), Some(false));
    assert_eq!(is_in("'$", "it's"), Some(false));
    assert_eq!(is_in("'$", "it'"), Some(true));
    assert_eq!(is_in("'$", "it'\n"), Some(true));
    assert_eq!(is_in(r"'\z", "it'"), Some(true));
}

#[test]
fn what_only_restricts_a_match_is_left_out() {
    assert_eq!(is_in("a(?!b)(?=c).", "ab"), Some(true));
    assert_eq!(is_in("a(?<!a)b", "ab"), Some(true));
    assert_eq!(is_in("a{5,9}b", "aaab"), Some(true));
    assert_eq!(is_in("a{5,9}b", "aab"), Some(false));
    assert_eq!(is_in(r"(a)b\1c", "abXc"), Some(true));
}

#[test]
fn groups_are_called_so_deep_and_then_stand_for_anything() {
    assert_eq!(is_in("(a)(?1)b", "aab"), Some(true));
    assert_eq!(is_in("(a)(?1)b", "ab"), Some(false));
    assert_eq!(is_in(r"(\((?1)?\))", "((((((()))))))"), Some(true));
    assert_eq!(is_in(r"(\((?1)?\))", "((((((("), Some(false));
}

#[test]
fn what_grows_without_end_has_no_outline() {
    let doubled = (1..40).fold("(a)".to_owned(), |text, n| format!("{text}((?{n})(?{n}))"));
    let pattern = Pattern::compile(Language::Pcre2, format!("(?:{doubled}|b)+").as_bytes());
    assert!(pattern.unwrap().outline().is_some());
    let wide = (0..40).fold("[ab]".to_owned(), |text, _| format!("(?:{text}|c)?"));
    let calls = format!("({})", wide.repeat(20)) + &"(?1)".repeat(40);
    assert_eq!(is_in(&calls, "a"), None);
}
