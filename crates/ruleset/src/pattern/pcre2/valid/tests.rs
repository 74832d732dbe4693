//! Tests that PCRE2 takes what is said to be valid, and that this is said of what rules are made of.

use ::pcre2::bytes::RegexBuilder;
use proptest::prelude::*;

use super::*;

/// What PCRE2 says: how many groups there are.
fn by_the_library(pattern: &str) -> Option<usize> {
    RegexBuilder::new().build(pattern).ok().map(|regex| regex.captures_len() - 1)
}

#[test]
fn what_rules_are_made_of_is_known_to_be_valid() {
    for (pattern, groups) in [
        (r"(?is)^(?=(?:[a-z1-9~]++|/(?!/|(?1))|-(?!-))*+.)(?!.{800})(?(DEFINE)(xp_|sp_|aced))", 1),
        (r#"(?i)(\+|%20|%2B){0}^(?!.*(?:union(?1)+(?:all(?1){1,9})?select))"#, 1),
        (r#""POST [^" ?]{0,200}/(?:log-?in|token)(?:/|\.\w{2,5})?(?:\?[^" ]{0,500})? HTTP/"#, 0),
        (r"(?>%(?:25|u00)*2f|\\x2f|/)[\x26\w.%\[\]-]{1,40}=(['`]?)a\1\b", 1),
        (r"[]a][^]b][a-][-a][\d-]{x}", 0),
        ("", 0),
        ("a||b", 0),
    ] {
        assert_eq!(groups_of_valid(pattern.as_bytes()), Some(groups), "{pattern}");
        assert_eq!(by_the_library(pattern), Some(groups), "{pattern}");
    }
}

#[test]
fn of_what_the_library_refuses_nothing_is_said() {
    let too_large = "(?:(?:[ab]x){500}){500}";
    for pattern in [
        "a(b",
        "a)b",
        "*a",
        "a|+",
        "(?:*)",
        "[b-a]",
        "[a",
        r"[\w-z]",
        r"[a-\d]",
        r"a\2(b)",
        "(?2)(a)",
        "a{5,2}",
        "a{70000}",
        "a**",
        r"a\",
        "(?(DEFINE)a|b)",
        "(?<x)",
        r"\p{Nope}",
        "[[:nope:]]",
        "(?'n'",
        "(?=",
        r"\c",
        too_large,
    ] {
        assert_eq!(by_the_library(pattern), None, "{pattern}");
        assert_eq!(groups_of_valid(pattern.as_bytes()), None, "{pattern}");
    }
}

#[test]
fn the_library_takes_the_largest_that_are_said_to_be_valid() {
    let repeated = |times: u32| format!("(?:[a-c]x|[d-f]y){{{times}}}");
    let largest = (1..1_000).rev().find(|n| groups_of_valid(repeated(*n).as_bytes()).is_some());
    let largest = largest.expect("a small one is valid");
    assert!(largest > 50 && by_the_library(&repeated(largest)).is_some(), "{largest}");
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")+".repeat(depth));
    assert_eq!(groups_of_valid(nested(DEPTH_MAX + 1).as_bytes()), None);
    let deepest = (1..=DEPTH_MAX).rev().find(|n| groups_of_valid(nested(*n).as_bytes()).is_some());
    assert!(deepest.is_some_and(|depth| depth > 5 && by_the_library(&nested(depth)).is_some()));
    let many = vec!["(a)"; 200].join("|");
    assert_eq!(groups_of_valid(many.as_bytes()), by_the_library(&many));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32_768))]
    #[test]
    fn what_is_said_to_be_valid_the_library_takes_with_as_many_groups(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b", "z", "9", " ", "-", "]", "[", "^", "$", ".", "|", "(", ")", "(?:", "(?>", "(?=", "(?!",
                "(?(DEFINE)", "(?i)", "(?is)", "(?-i)", "(?1)", "(?2)", "(?0)", "(?", "*", "+", "?", "{", "}", "{2}",
                "{0}", "{3,}", "{2,5}", "{5,2}", "{,2}", "{ 2}", ",", "\\", r"\1", r"\2", r"\12", r"\b", r"\B", r"\A",
                r"\d", r"\W", r"\n", r"\x", r"\x2", r"\x2f", r"\xff", r"\x{2f}", r"\-", r"\]", r"\/", r"\Q", r"\E",
                r"\p", r"\c", r"\o", r"\g", r"\k", r"\K", r"\G", r"\R", r"\X", r"\N", r"\h", "[a", "[^", "[]", "a-z]",
                "z-a]", "[:alpha:]", "[.a.]", "(?#", "(*", "(?<", "(?<=", "(?P", "(?'n'", "é",
            ]),
            0..14,
        ),
    ) {
        let pattern = parts.concat();
        if let Some(groups) = groups_of_valid(pattern.as_bytes()) {
            prop_assert_eq!(Some(groups), by_the_library(&pattern), "{}", pattern);
        }
    }
}
