//! Tests of what is read, what is left out and what is declined. That a match holds what its tree requires is tested with the
//! words, over patterns put together at random.

use super::*;

fn one(bytes: &[u8]) -> Tree {
    Tree::One(Bytes::of(bytes))
}

fn tree(pattern: &str) -> Option<Tree> {
    read(pattern.as_bytes()).map(|pattern| pattern.tree)
}

#[test]
fn options_end_with_their_group() {
    assert_eq!(tree("(?:(?i)a)a"), Some(Tree::Sequence(vec![one(b"aA"), one(b"a")])));
    assert_eq!(tree("(?i:a)a"), Some(Tree::Sequence(vec![one(b"aA"), one(b"a")])));
    assert_eq!(tree("(?i)a(?-i)a"), Some(Tree::Sequence(vec![one(b"aA"), one(b"a")])));
}

#[test]
fn what_only_restricts_is_left_out() {
    assert_eq!(tree("a(?=b)(?!c(d))(?<=e)"), Some(one(b"a")));
    assert_eq!(tree(r"\b*a(?:\z)?"), Some(one(b"a")));
    assert_eq!(tree("^a"), Some(Tree::Sequence(vec![Tree::Start, one(b"a")])));
    assert_eq!(tree("(?m)^a"), Some(one(b"a")));
}

#[test]
fn branches_of_a_byte_each_are_a_set() {
    assert_eq!(tree("a|[bc]|d"), Some(one(b"abcd")));
    let Some(Tree::Either(branches)) = tree("a|bc|d") else { panic!("two branches") };
    assert_eq!(branches.len(), 2);
}

#[test]
fn a_class_is_inverted_after_its_letters_are_in_either_case() {
    let Some(Tree::One(set)) = tree("(?i)[^a]") else { panic!("a set") };
    assert_eq!(set.len(), 254);
    assert_eq!(tree(r"[]a\-]"), Some(one(b"]a-")));
    assert_eq!(tree(r"[a-c\n-]"), Some(one(b"abc\n-")));
    assert_eq!(tree("[[:digit:]]"), Some(one(b"0123456789")));
}

#[test]
fn a_brace_without_bounds_is_plain() {
    assert_eq!(tree("a{"), Some(Tree::Sequence(vec![one(b"a"), one(b"{")])));
    assert!(matches!(tree("a{2,3}"), Some(Tree::Repeated { min: 2, max: Some(3), .. })));
    assert!(matches!(tree("a{2,}+"), Some(Tree::Repeated { min: 2, max: None, .. })));
}

#[test]
fn a_group_is_counted_wherever_it_stands() {
    let pattern = read(b"(?(DEFINE)(a))(?=(b))(c)(?3)").unwrap();
    let groups: Vec<Tree> = pattern.groups.iter().map(|group| (**group).clone()).collect();
    assert_eq!(groups, [one(b"a"), one(b"b"), one(b"c")]);
    assert!(matches!(pattern.tree, Tree::Sequence(parts) if parts.last() == Some(&Tree::Call(2))));
}

#[test]
fn what_is_not_known_is_declined() {
    for pattern in [
        r"\Qa\E",
        r"\pL",
        "(?x)a",
        "(?|a)",
        "(?<n>a)",
        "(*UCP)a",
        r"a\K",
        "[[:^alpha:]]",
        "a{ 2}",
        "a)",
    ] {
        assert_eq!(tree(pattern), None, "{pattern}");
    }
}
