//! Tests of OS_Regex: what was recorded, and a naive matcher that follows the description beside the fast one.

use proptest::prelude::*;

use super::*;

fn compile(pattern: &str) -> OsRegex {
    OsRegex::compile(pattern.as_bytes()).unwrap()
}

fn matches(pattern: &str, subject: &str) -> bool {
    compile(pattern).is_match(subject.as_bytes())
}

fn groups<'s>(pattern: &str, subject: &'s str) -> Option<Vec<&'s str>> {
    let mut captures = Captures::default();
    compile(pattern).find(subject.as_bytes(), &mut captures)?;
    Some(
        captures
            .groups
            .iter()
            .map(|span| span.map_or("-", |(from, to)| subject.get(from..to).unwrap()))
            .collect(),
    )
}

#[test]
fn letters_match_in_either_case() {
    assert!(matches(r"HeLLo \w+", "hElLo 1"));
    assert!(!matches(r"HeLLo \w+", "hallo x"));
}

#[test]
fn only_classes_repeat() {
    assert!(matches("a+b", "a+b"));
    assert!(!matches("a+b", "aab"));
    assert!(matches(r"\(+", "(+"));
    assert!(matches(r"^x\t*y$", "x\t\ty"));
    assert!(matches(r"^id=\d*;$", "id=;"));
}

#[test]
fn what_means_something_elsewhere_is_plain_text() {
    assert!(matches("a.c", "xa.cx") && !matches("a.c", "abc"));
    assert!(matches("[abc]", "x[ABC]y") && !matches("[abc]", "a"));
    assert!(matches("a{2}", "a{2}") && !matches("a{2}", "aa"));
    assert!(matches("ab?", "AB?x") && !matches("ab?", "a"));
    assert!(matches("a^b", "a^b") && matches("a$b", "a$b"));
    assert!(matches("!abc", "!abc") && !matches("!abc", "xyz"));
}

#[test]
fn the_classes_hold_what_wazuh_put_in_them() {
    assert!(matches(r"^\w\w\w$", "-@_") && !matches(r"\w", ".,/ é"));
    assert!(matches(r"^\p\p\p\p$", "!.:}") && !matches(r"\p", "/@^_`~a0"));
    assert!(matches(r"a\sb", "a b") && !matches(r"a\sb", "a\tb"));
    assert!(matches(r"a\Sb", "a\tb"));
    assert!(matches(r"1\.2", "1,2"));
}

#[test]
fn bytes_above_127_match_only_classes() {
    assert!(!matches("café", "un café"));
    assert!(!matches(r"^v=\.$", "v=é") && matches(r"^v=\.\.$", "v=é"));
    assert!(matches(r"^v=\W+$", "v=é"));
    assert_eq!(groups(r"u=(\S+) ", "u=José x"), Some(vec!["José"]));
}

#[test]
fn an_empty_alternative_matches_everything() {
    for pattern in ["", "|cat", "cat|", "^"] {
        assert!(matches(pattern, "zzz") && matches(pattern, ""), "{pattern}");
    }
}

#[test]
fn an_unknown_escape_is_refused_with_its_place() {
    let error = OsRegex::compile(br"dec\q").unwrap_err();
    assert_eq!(error.offset, Some(3));
    assert!(error.to_string().starts_with(r"unknown escape `\q` at byte 3"));
}

#[test]
fn parentheses_only_capture() {
    for wrong in ["(a|b)", r"((\w+))", "(a", "a)", "a\\"] {
        assert!(OsRegex::compile(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert_eq!(groups(r"id=(\d+) (\w+)", "id=12 ab"), Some(vec!["12", "ab"]));
    assert_eq!(groups(r"^A=(\w+)|^B=(\d+)", "B=5"), Some(vec!["5"]));
    assert_eq!(groups(r"a()b", "ab"), Some(vec![""]));
}

#[test]
fn a_class_gives_way_at_the_first_chance_and_takes_more_on_return() {
    let pattern = r"^(\S+):(\d+) (\.+) end (\w+)$";
    assert_eq!(
        groups(pattern, "1.1.1.1:80 a b c end z"),
        Some(vec!["1.1.1.1", "80", "a b c", "z"])
    );
    assert_eq!(groups(pattern, "a:b:80 x end y end z"), Some(vec!["a:b", "80", "x end y", "z"]));
    assert!(matches(r"a\.+b\.+c", "axbbc"));
    assert!(matches(r"^a\.+b$", "axbxb"));
    assert!(matches(r"^a\.*b$", "abb"));
    assert!(!matches(r"^u=\S+ x", "u=a  x"));
}

#[test]
fn a_class_that_returns_before_a_plain_byte_must_take_one_more() {
    assert!(matches(r"^\w+c$", "abc") && matches(r"^\w+c$", "cc"));
    assert!(!matches(r"^\w+c$", "abcc") && !matches(r"^\w+c$", "c"));
    assert!(matches(r"^\w+\w$", "ab") && matches(r"^\w+\w$", "abc-") && !matches(r"^\w+\w$", "a"));
}

#[test]
fn a_class_gives_way_at_once_when_nothing_more_is_needed() {
    assert_eq!(groups(r"^(\p*)(\w*)", ";x"), Some(vec!["", ""]));
    assert_eq!(groups(r"^(\w+)", "abc d"), Some(vec!["abc"]));
}

#[test]
fn five_runs_in_a_row_are_found_without_returning() {
    let pattern = r"x\d+1\d+2\d+3\d+4\d+5z";
    for subject in ["x0102030405z", "x91929394995z", "x1112131415z", "x9192939495z"] {
        assert!(matches(pattern, subject), "{subject}");
    }
    assert!(!matches(pattern, "x01020304050z"));
}

#[test]
fn a_failed_match_leaves_no_groups() {
    let mut captures = Captures::default();
    let pattern = compile(r"(\w+)=(\d+);|x");
    assert_eq!(pattern.find(b"a=1:x", &mut captures), Some(5));
    assert_eq!(captures.groups, vec![None, None]);
}

#[test]
fn a_hostile_line_is_given_up_on_and_counted() {
    let pattern = compile(r"\.+a\.+b\.+a\.+b\.+\d");
    assert!(!pattern.is_match("ab".repeat(32_000).as_bytes()));
    assert_eq!(pattern.limit_hits(), 1);
}

/// The language as the description has it, step by step and with no regard for time. Tokens are read from the text
/// anew, so that a fault in the compiler shows too.
mod naive {
    #[derive(Clone, Debug, PartialEq)]
    pub(super) enum Token {
        Plain(u8),
        Class(u8, u8),
        Open,
        Close,
    }

    fn accepts(token: &Token, byte: u8) -> bool {
        let word = byte.is_ascii_alphanumeric() || b"-@_".contains(&byte);
        match token {
            Token::Plain(plain) => byte < 128 && plain.eq_ignore_ascii_case(&byte),
            Token::Class(b'd', _) => byte.is_ascii_digit(),
            Token::Class(b'w', _) => word,
            Token::Class(b'W', _) => !word,
            Token::Class(b's', _) => byte == b' ',
            Token::Class(b'S', _) => byte != b' ',
            Token::Class(b'.', _) => true,
            _ => false,
        }
    }

    pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                b'(' => tokens.push(Token::Open),
                b')' => tokens.push(Token::Close),
                b'\\' => {
                    at += 1;
                    let sign = text.get(at + 1).copied().unwrap_or(0);
                    let repeat = if sign == b'+' || sign == b'*' { sign } else { 0 };
                    tokens.push(Token::Class(text[at], repeat));
                    at += usize::from(repeat != 0);
                }
                plain => tokens.push(Token::Plain(plain)),
            }
            at += 1;
        }
        tokens
    }

    pub(super) type Found = Option<(usize, Vec<(usize, usize)>)>;

    pub(super) fn find(text: &[u8], subject: &[u8]) -> Found {
        text.split(|byte| *byte == b'|').find_map(|alternative| {
            let at_start = alternative.first() == Some(&b'^');
            let rest = if at_start { &alternative[1..] } else { alternative };
            let at_end = rest.last() == Some(&b'$');
            let rest = if at_end { &rest[..rest.len() - 1] } else { rest };
            let tokens = tokens(rest);
            let starts = if at_start { 0..=0 } else { 0..=subject.len() };
            starts.into_iter().find_map(|start| from(&tokens, at_end, subject, start))
        })
    }

    /// Whether the tokens could go on with `byte`, or be done with nothing more.
    fn would_accept(tokens: &[Token], byte: u8, at_end: bool) -> bool {
        for token in tokens {
            match token {
                Token::Open | Token::Close => {}
                Token::Class(_, b'*') if !accepts(token, byte) => {}
                _ => return accepts(token, byte),
            }
        }
        !at_end
    }

    fn from(tokens: &[Token], at_end: bool, subject: &[u8], start: usize) -> Found {
        let solid = |token: &Token| !matches!(token, Token::Open | Token::Close);
        let (mut number, mut at, mut must_take) = (0, start, None);
        let mut fallbacks: Vec<(usize, usize)> = Vec::new();
        let mut groups: Vec<(usize, usize)> = Vec::new();
        loop {
            let opened = tokens[..number].iter().filter(|token| **token == Token::Open).count();
            let fine = match tokens.get(number) {
                None if !at_end || at == subject.len() => return Some((at, groups)),
                None => false,
                Some(Token::Open) => {
                    groups.truncate(opened);
                    groups.push((at, at));
                    true
                }
                Some(Token::Close) => {
                    groups[opened - 1].1 = at;
                    true
                }
                Some(token @ Token::Class(_, repeat @ (b'+' | b'*'))) => {
                    let rest = &tokens[number + 1..];
                    let is_last = !rest.iter().any(solid);
                    let mut needed = must_take.take().unwrap_or(*repeat == b'+');
                    loop {
                        let Some(&byte) = subject.get(at) else { break !needed };
                        if !needed && !is_last && would_accept(rest, byte, at_end) {
                            if accepts(token, byte) && fallbacks.len() < 4 {
                                fallbacks.push((number, at + 1));
                            }
                            break true;
                        }
                        if !accepts(token, byte) {
                            break !needed;
                        }
                        at += 1;
                        needed = false;
                    }
                }
                Some(token) => {
                    let fine = subject.get(at).is_some_and(|byte| accepts(token, *byte));
                    at += usize::from(fine);
                    fine
                }
            };
            if fine {
                number += 1;
                continue;
            }
            (number, at) = fallbacks.pop()?;
            let next = tokens[number + 1..].iter().find(|token| solid(token));
            let plus = matches!(tokens[number], Token::Class(_, b'+'));
            must_take = Some(plus && matches!(next, Some(Token::Plain(_))));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn it_agrees_with_the_plainest_reading(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b", " ", ":", r"\w+", r"\w*", r"\.+", r"\.*", r"\S+", r"\S*", r"\d", r"\W+", r"\s*",
                r"(\w+)", r"(\.*)", "(a", ")", "|", "^", "$", r"\.", r"\w",
            ]),
            0..9,
        ),
        subject in "[abA1: é]{0,14}",
    ) {
        let text = parts.concat();
        let Ok(pattern) = OsRegex::compile(text.as_bytes()) else { return Ok(()) };
        // Anchors in odd places are plain bytes to the compiler; the plain reading does not know that.
        prop_assume!(!text.contains("$^") && !text.contains("($") && !text.contains("$)"));
        let mut captures = Captures::default();
        let found = pattern.find(subject.as_bytes(), &mut captures);
        prop_assert_eq!(pattern.is_match(subject.as_bytes()), found.is_some());
        let expected = naive::find(text.as_bytes(), subject.as_bytes());
        prop_assert_eq!(found, expected.as_ref().map(|(end, _)| *end), "{}", text);
        if let Some((_, groups)) = expected {
            let ours: Vec<_> = captures.groups.iter().flatten().copied().collect();
            prop_assert_eq!(ours, groups, "{}", text);
        }
    }
}
