//! Tests of the words that must occur: which are chosen, and that a match never lacks them.

use proptest::prelude::*;

use super::super::{Language, Pattern};
use super::*;

fn words(pattern: &str) -> Option<Vec<String>> {
    let set = of_pcre2(pattern.as_bytes()).into_iter().next()?;
    Some(set.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
}

fn some(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn the_longest_run_is_chosen() {
    assert_eq!(words(r"^(?i)ab\d+Failed login\S"), some(&["failed login"]));
    assert_eq!(words(r"id=(\d+) user=(\w+)"), some(&[" user="]));
}

#[test]
fn alternatives_need_a_word_each() {
    assert_eq!(words("cat|dog$"), some(&["cat", "dog"]));
    assert_eq!(words("cat|\\d+"), None);
    assert_eq!(words("cat|"), None);
}

#[test]
fn a_blank_of_any_kind_is_spelt_out() {
    let blanks = ["\t", "\n", "\u{b}", "\u{c}", "\r", " "].map(|blank| format!(":{blank}"));
    assert_eq!(words(r"\w:\s\w"), Some(blanks.to_vec()));
}

#[test]
fn neighbours_are_joined() {
    assert_eq!(words("(?:union|all) select"), some(&["all select", "union select"]));
    assert_eq!(words("[Pp]ass[wW]ord"), some(&["password"]));
    assert_eq!(words("x[ab]y"), some(&["xay", "xby"]));
}

#[test]
fn a_word_is_required_at_each_place() {
    let sets = of_pcre2(br"(?i)(?:or|and)\s+'(?:sleep|benchmark)\(\d+,(\w+)x");
    let sets: Vec<String> =
        sets.iter().map(|set| String::from_utf8(set.join(&b'|')).unwrap()).collect();
    assert_eq!(
        sets,
        [
            "\t'benchmark(|\t'sleep(|\n'benchmark(|\n'sleep(|\u{b}'benchmark(|\u{b}'sleep(|\u{c}'benchmark(|\u{c}'sleep(|\r'benchmark(|\r'sleep(| 'benchmark(| 'sleep(",
            "and\t|and\n|and\u{b}|and\u{c}|and\r|and |or\t|or\n|or\u{b}|or\u{c}|or\r|or ",
            ","
        ]
    );
}

#[test]
fn what_may_be_left_out_is_not_required() {
    assert_eq!(words("(?:abc)?d"), some(&["d"]));
    assert_eq!(words("(?:abc)*"), None);
    assert_eq!(words("(?:abc)+d"), some(&["abcd"]));
    assert_eq!(words("a{0,3}b"), some(&["b"]));
}

#[test]
fn an_escaped_angle_bracket_is_a_plain_character() {
    assert_eq!(words(r"\<script"), some(&["<script"]));
}

#[test]
fn brackets_within_a_class_are_plain_or_a_named_class() {
    assert_eq!(words(r"ab[[:alpha:]]+c"), some(&["ab"]));
    assert_eq!(words(r"[[a]xy"), some(&["[xy", "axy"]));
    assert_eq!(words(r"[]a]xy"), some(&["]xy", "axy"]));
}

#[test]
fn what_is_not_understood_is_declined() {
    for pattern in [
        r"\Qa.b\E",
        r"ab\vc",
        r"(?x) a b",
        r"(?U)ab",
        r"(*ANYCRLF)ab",
        r"ab\Kc",
        r"(?'n'ab)",
        r"a{,3}b",
    ] {
        assert_eq!(words(pattern), None, "{pattern}");
    }
}

fn holds_a_word(subject: &[u8], set: &Words) -> bool {
    let subject = subject.to_ascii_lowercase();
    set.iter().any(|word| memchr::memmem::find(&subject, word).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]
    #[test]
    fn a_subject_that_matches_holds_a_word(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b", "Ab", "<", "[", "]", r"\<", r"\[", "[ab]", "[[a]", "[]b]", "[^a]", "[a&&b]", "[a~~b]",
                "[[:alpha:]]", "(", "(?:", "(?i)", "(?-i)", "(?i:", ")", "|", "*", "+", "?", "{2}", "{0,2}", "++",
                "*+", "?+", r"\d", r"\w", r"\b", ".", "^", "$", r"\v", r"\h", "-", r"\x61", r"\x3c", "{", "}", ",",
                "(?=", "(?!", "(?>", "(?(DEFINE)(a)(b+))", "(?1)", "(?2)", r"\1", r"\2",
            ]),
            1..10,
        ),
        subject in "[aAbB<1\\[\\]&~|{},2-]{0,10}",
        language in prop::sample::select(vec![Language::Pcre2, Language::OsRegex, Language::OsMatch]),
    ) {
        let text = parts.concat();
        let Ok(pattern) = Pattern::compile(language, text.as_bytes()) else { return Ok(()) };
        if pattern.is_match(subject.as_bytes()) {
            for set in pattern.required_sets() {
                prop_assert!(holds_a_word(subject.as_bytes(), &set), "{} {:?}", text, set);
            }
            if let Some(first) = pattern.first_bytes() {
                let begins = |byte: &u8| first.contains(byte);
                prop_assert!(subject.as_bytes().iter().any(begins), "{} {:?}", text, first);
            }
        }
    }
}

#[test]
fn hostile_patterns_neither_fill_the_memory_nor_take_for_ever() {
    // Each group is four times the one before: the last would be 4^24 bytes long.
    let grown = (1..25).fold("(a)".to_owned(), |text, group| format!("{text}((?{group}){{4}})"));
    let many = format!("([ab][ab][ab][ab][ab][ab][ab][ab])(?:{})", vec!["(?1)."; 6_000].join("|"));
    let long = "[ab][cd].".repeat(2_000);
    for pattern in [grown, many, long] {
        for set in of_pcre2(pattern.as_bytes()) {
            assert!(set.len() <= WORDS_MAX && set.iter().all(|word| word.len() <= WORD_BYTES_MAX));
        }
    }
}
