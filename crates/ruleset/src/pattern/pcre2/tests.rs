//! Tests of PCRE2 patterns: options, limits, and matching from several threads.

use super::*;

fn compile(pattern: &str) -> Pcre2 {
    Pcre2::compile(pattern.as_bytes()).unwrap()
}

type Groups = Vec<Option<(usize, usize)>>;

fn find(pattern: &str, subject: &[u8]) -> Option<(usize, Groups)> {
    let pattern = compile(pattern);
    let mut captures = Captures { groups: vec![None; pattern.groups()] };
    pattern.find(subject, &mut captures).map(|end| (end, captures.groups))
}

#[test]
fn case_matters_and_characters_are_bytes() {
    assert!(compile("Hello").is_match(b"Hello") && !compile("Hello").is_match(b"hello"));
    assert!(compile("^v=..$").is_match("v=é".as_bytes()));
    assert!(compile("café").is_match("un café".as_bytes()));
    assert!(Pcre2::compile(b"^\xff[\xfe]").unwrap().is_match(b"\xff\xfe"));
}

#[test]
fn groups_that_took_no_part_are_none() {
    let found = find(r"^(\w+)(?: n=(\d+))?(?: z=(\w+))?", b"a z=q");
    assert_eq!(found, Some((5, vec![Some((0, 1)), None, Some((4, 5))])));
    assert_eq!(find("(x)", b"y"), None);
    assert_eq!(find("(?:x|y)", b"zy"), Some((2, vec![])));
}

#[test]
fn an_escaped_angle_bracket_is_a_plain_one() {
    assert!(compile(r"\<script").is_match(b"a <script"));
    let error = Pcre2::compile(br"(?\<=id=)\d+").unwrap_err();
    assert!(error.hint.contains("look-behind"));
}

#[test]
fn an_error_tells_the_place_in_the_authors_text() {
    assert_eq!(Pcre2::compile(b"a(b").unwrap_err().offset, Some(3));
    assert_eq!(Pcre2::compile(b"*a").unwrap_err().offset, Some(0));
}

#[test]
fn a_hostile_line_is_given_up_on_and_counted() {
    let pattern = compile("^(a+)+$");
    assert!(pattern.is_match(&[b'a'; 20]));
    assert!(!pattern.is_match(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
    assert_eq!(pattern.limit_hits(), 1);
    assert_eq!(find("^(a+)+$", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), None);
}

#[test]
fn a_group_repeated_over_a_long_line_still_matches() {
    let line = "ab".repeat(32_000) + "z";
    let pattern = compile("^(?:a|b|cd)*z$");
    assert!(pattern.is_match(line.as_bytes()));
    assert_eq!(find("^(a|b|cd)*z$", line.as_bytes()).map(|found| found.0), Some(64_001));
    assert_eq!(pattern.limit_hits(), 0);
}
