//! Tests of what is left out, and that both patterns say the same of subjects that encode little.

use std::path::Path;

use proptest::prelude::*;

use super::super::super::outline::tests::outline_is_in;
use super::super::super::{Form, Language, Pattern};
use super::*;

fn shorter(pattern: &str) -> Option<String> {
    match narrow(pattern.as_bytes())? {
        Narrow::Shorter(text) => Some(text),
        Narrow::Never => Some("never".to_owned()),
    }
}

#[test]
fn alternatives_that_need_an_absent_escape_are_left_out() {
    assert_eq!(shorter(r"(?i)a(?>%(?:25|u00)*2f|\\x2f|/)b").unwrap(), r"(?i)a(?>\x252f|\x2f)b");
    assert_eq!(shorter(r"%(?:25|u00)*(?:0[ad]|2[0b]|3b)x").unwrap(), r"\x25(?:2[0b]|3b)x");
    assert_eq!(shorter(r"[/\\]+").unwrap(), r"\x2f+");
    assert_eq!(shorter(r"%u0041|\\x41").unwrap(), "never");
    assert_eq!(shorter("a%2f|b"), None);
}

#[test]
fn what_is_never_there_is_always_absent() {
    assert_eq!(shorter(r"a(?!\\)b").unwrap(), "ab");
    assert_eq!(shorter(r"a(?!\\|c)b").unwrap(), "a(?!c)b");
    assert_eq!(shorter(r"a(?=\\)b").unwrap(), "never");
}

#[test]
fn a_second_time_stands_behind_something_else() {
    assert_eq!(shorter(r"%(?:2|0)+\\?").unwrap(), r"\x25[02]+");
    assert_eq!(shorter("%2(?:5|a5)*x"), None);
}

#[test]
fn groups_that_record_keep_their_numbers() {
    assert_eq!(shorter(r"(?:(\\)|a)(b)(?2)\\?").unwrap(), r"(?:(\x5c)|a)(b)(?2)");
    assert_eq!(shorter(r"(\\)"), None);
    assert_eq!(shorter(r"(a)b\1\\?2").unwrap(), r"(a)b(?:\1)2");
}

#[test]
fn neighbours_do_not_change_what_is_read() {
    assert_eq!(shorter(r"\x4(?:\\|1)").unwrap(), r"\x041");
    assert_eq!(shorter(r"a(?:\\|{)2}").unwrap(), r"a\x7b2\x7d");
    assert_eq!(shorter(r"(?:\\|a+)+").unwrap(), "(?:a+)+");
}

#[test]
fn what_is_not_understood_stays_whole() {
    for pattern in [r"\\?(?i)a", r"\\?(?i:a)", r"\\?\Qa", r"\\?(?|a)", r"\\?a\K", "(*ACCEPT)"] {
        assert_eq!(shorter(pattern), None, "{pattern}");
    }
}

/// Fails where the pattern for subjects that encode little says something else, or needs words that aren't there, or its outline is missing.
fn says_the_same(pattern: &str, subject: &[u8]) -> Result<(), String> {
    let Ok(whole) = Pattern::compile(Language::Pcre2, pattern.as_bytes()) else { return Ok(()) };
    let wanted = whole.is_match(subject);
    if wanted && outline_is_in(&whole, subject) == Some(false) {
        let shown = String::from_utf8_lossy(subject);
        return Err(format!("the outline of `{pattern}` is not in `{shown}`"));
    }
    let (text, found) = match narrow(pattern.as_bytes()) {
        None => return Ok(()),
        Some(Narrow::Never) => ("never".to_owned(), false),
        Some(Narrow::Shorter(text)) => {
            let narrow = Pattern::compile(Language::Pcre2, text.as_bytes());
            let narrow = narrow.map_err(|error| format!("`{pattern}` became `{text}`: {error}"))?;
            (text, narrow.is_match(subject))
        }
    };
    let lower = subject.to_ascii_lowercase();
    let holds = |word: &Vec<u8>| memchr::memmem::find(&lower, word).is_some();
    let lacks_words =
        wanted && whole.required_sets_of(Form::Once).iter().any(|set| !set.iter().any(holds));
    if wanted != found || lacks_words {
        let shown = String::from_utf8_lossy(subject);
        return Err(format!("`{pattern}` became `{text}`: {wanted} {found} on `{shown}`"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn both_patterns_say_the_same(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "%", "2", "5", "%2", "%25", "%0", "u", "(?:25|u00)*", "(?:25|u00)*+", r"\\", r"[/\\]", "[%2]", "[^%]", "[05]", "a", "/",
                "(", "(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?(DEFINE)(5|0))", ")", ")", ")", "|", "|", "*", "+", "?", "{2}", "{0,2}",
                "++", "*?", "?+", r"\1", r"\2", r"\d", r"\w", r"\b", ".", "^", "$", "(?1)", r"\x2", "{", "}", "(?>%(?:25|u00)*2f|/)",
                "(?>%(?:25|u00)*(?:0a|2[05])|[ a])",
            ]),
            1..12,
        ),
        start in prop::sample::select(vec!["", "(?i)", "(?is)", "(?m)"]),
        pieces in prop::collection::vec(
            prop::sample::select(vec!["%", "2", "20", "5", "0", "u", "00", "a", "A", "/", " ", "%2", "%2f", "%2F", "%20", "%3", "\n"]),
            0..8,
        ),
    ) {
        let subject = pieces.concat();
        if Form::of(subject.as_bytes()) == Form::Once {
            let pattern = format!("{start}{}", parts.concat());
            prop_assert_eq!(says_the_same(&pattern, subject.as_bytes()), Ok(()));
        }
    }
}

/// Patterns whose brackets close: look-arounds, atomic groups and repetitions within each other.
fn balanced() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "%",
        "2",
        "5",
        "0",
        "u",
        "a",
        "/",
        r"\\",
        r"[/\\]",
        "[^%]",
        "[^\u{e9}a]",
        ".",
        "^",
        "$",
        r"\b",
        "%25",
        "%2f",
        "%(?:25|u00)*2f",
        r"[05]",
        r"\w",
        r"\1",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let joined = prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat());
        let either = prop::collection::vec(inner.clone(), 1..4)
            .prop_map(|branches| format!("(?:{})", branches.join("|")));
        let opening = prop::sample::select(vec!["(", "(?:", "(?>", "(?=", "(?!", "(?(DEFINE)"]);
        let group = (opening, inner.clone()).prop_map(|(opening, of)| format!("{opening}{of})"));
        let times = prop::sample::select(vec!["*", "+", "?", "{2}", "{0,2}", "*+", "+?"]);
        let repeated = (inner, times).prop_map(|(of, times)| format!("(?:{of}){times}"));
        prop_oneof![joined, either, group, repeated]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn both_patterns_say_the_same_where_groups_stand_in_groups(
        pattern in balanced(),
        pieces in prop::collection::vec(
            prop::sample::select(vec!["%", "2", "20", "5", "a", "/", "%2", "%2f", "%20", "0", "u", "\u{e9}"]),
            0..8,
        ),
    ) {
        let subject = pieces.concat();
        if Form::of(subject.as_bytes()) == Form::Once {
            prop_assert_eq!(says_the_same(&pattern, subject.as_bytes()), Ok(()));
        }
    }
}

#[test]
fn odd_classes_and_assertions_are_written_as_they_can_be_read() {
    for (pattern, subject) in [
        (r"([^\u{e9}\x00-\xff])|qqq|\\?([a])z", "/qqq"),
        (r"(?:^|\\)?a", "/a"),
        (r"(?:\\|\b)?a", "/a"),
        (r"(?(DEFINE)(?:a|b|\\))x", "/x"),
    ] {
        assert_eq!(says_the_same(pattern, subject.as_bytes()), Ok(()), "{pattern}");
    }
}

#[test]
fn a_pattern_that_would_take_for_ever_stays_whole() {
    let deep = (0..60).fold(r"\\|a".to_owned(), |inner, _| format!("(?:%{inner})+"));
    assert_eq!(shorter(&deep), None);
}

/// Encodes one sign in so many, once.
fn encode(url: &str, one_in: usize) -> String {
    let mut signs = 0;
    let mut text = String::new();
    for letter in url.chars() {
        let is_sign = letter.is_ascii_punctuation() && !"%?&=".contains(letter);
        signs += usize::from(is_sign);
        if is_sign && signs % one_in == 0 {
            text.push_str(&format!("%{:02x}", u32::from(letter)));
        } else {
            text.push(letter);
        }
    }
    text
}

/// Each of Quell's patterns on URLs, on some of them, such that the test takes seconds: the next pattern gets others.
#[test]
fn the_rules_say_the_same_of_the_urls_in_their_own_tests() {
    /// Of so many URLs a pattern gets one.
    const ONE_IN: usize = 11;
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let text = std::fs::read_to_string(rules.join("quell_web_attacks.xml")).unwrap();
    let patterns: Vec<&str> = text
        .split(r#"<url type="pcre2">"#)
        .skip(1)
        .filter_map(|rest| rest.split_once("</url>").map(|(pattern, _)| pattern))
        .collect();
    assert!(patterns.len() > 200, "{} patterns", patterns.len());
    let mut urls = Vec::new();
    for file in std::fs::read_dir(rules.join("tests")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let words =
            text.split([' ', '"']).filter(|word| word.starts_with('/') && word.contains('?'));
        urls.extend(words.flat_map(|url| [url.to_owned(), encode(url, 1), encode(url, 3)]));
    }
    urls.retain(|url| Form::of(url.as_bytes()) == Form::Once);
    urls.sort();
    urls.dedup();
    assert!(urls.len() > 2000, "{} URLs", urls.len());
    let mut changed = 0;
    let mut matches = 0;
    for (number, pattern) in patterns.iter().enumerate() {
        let Some(shorter) = narrow(pattern.as_bytes()) else { continue };
        changed += 1;
        let whole = Pattern::compile(Language::Pcre2, pattern.as_bytes()).unwrap();
        let narrow = match &shorter {
            Narrow::Shorter(text) => {
                Some(Pattern::compile(Language::Pcre2, text.as_bytes()).unwrap())
            }
            Narrow::Never => None,
        };
        let sets = whole.required_sets_of(Form::Once);
        for url in urls.iter().skip(number % ONE_IN).step_by(ONE_IN) {
            let url = url.as_bytes();
            let wanted = whole.is_match(url);
            let found = narrow.as_ref().is_some_and(|narrow| narrow.is_match(url));
            assert_eq!(wanted, found, "{pattern}\non {}", String::from_utf8_lossy(url));
            let lower = url.to_ascii_lowercase();
            let holds = |word: &Vec<u8>| memchr::memmem::find(&lower, word).is_some();
            assert!(!wanted || sets.iter().all(|set| set.iter().any(holds)), "{pattern}");
            assert!(!wanted || outline_is_in(&whole, url) == Some(true), "{pattern}");
            matches += usize::from(wanted);
        }
    }
    assert!(changed > 200 && matches > 200, "{changed} patterns are shorter, {matches} matches");
}
