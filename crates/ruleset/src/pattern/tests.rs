//! What the real engine was seen to do with patterns, where its recordings are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// The recorded cases, or none where they are not installed.
fn cases() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/cases");
    let Ok(entries) = fs::read_dir(folder) else {
        eprintln!("skipped: no recordings in {folder}");
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// One element of a rule or decoder file: its attributes and its text, as they stand there.
fn elements(xml: &str, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some((_, tail)) = rest.split_once(&format!("<{name}")) {
        rest = tail;
        if !tail.starts_with([' ', '>']) {
            continue;
        }
        let Some((attributes, tail)) = tail.split_once('>') else { break };
        let Some((text, tail)) = tail.split_once(&format!("</{name}>")) else { break };
        found.push((attributes.to_owned(), text.to_owned()));
        rest = tail;
    }
    found
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn compile(attributes: &str, text: &str, default: Language) -> Option<Pattern> {
    let language = if attributes.contains("pcre2") {
        Language::Pcre2
    } else if attributes.contains("osmatch") {
        Language::OsMatch
    } else if attributes.contains("osregex") {
        Language::OsRegex
    } else {
        default
    };
    Pattern::compile(language, text.as_bytes()).ok()
}

/// The pattern of a case with one rule that tests nothing else, and whether it is negated.
fn only_pattern(xml: &str) -> Option<(Pattern, bool)> {
    let tested = |name| elements(xml, name);
    let (matches, regexes) = (tested("match"), tested("regex"));
    let others = [
        "field",
        "if_sid",
        "decoded_as",
        "list",
        "time",
        "srcip",
        "category",
        "if_fts",
        "hostname",
    ];
    if tested("rule").len() != 1 || others.iter().any(|name| xml.contains(&format!("<{name}"))) {
        return None;
    }
    let (attributes, text, default) = match (matches.as_slice(), regexes.as_slice()) {
        ([(attributes, text)], []) => (attributes, text, Language::OsMatch),
        ([], [(attributes, text)]) => (attributes, text, Language::OsRegex),
        _ => return None,
    };
    Some((compile(attributes, text, default)?, attributes.contains(r#"negate="yes""#)))
}

#[test]
fn patterns_in_rules_match_as_recorded() {
    let mut compared = 0;
    for case in cases() {
        let about = fs::read_to_string(case.join("case.toml")).unwrap();
        let features = about.lines().find(|line| line.starts_with("features")).unwrap_or_default();
        if !["osregex", "osmatch", "pcre2", "match", "regex"]
            .iter()
            .any(|word| features.contains(&format!("[\"{word}\"")))
        {
            continue;
        }
        let Some((pattern, negated)) =
            only_pattern(&fs::read_to_string(case.join("rules.xml")).unwrap())
        else {
            continue;
        };
        let events = lines(&case.join("events.jsonl"));
        for (event, expected) in events.iter().zip(lines(&case.join("expected.jsonl"))) {
            let bare = expected["predecoder"] == serde_json::json!({});
            let (true, Some(log)) = (bare, event["log"].as_str()) else { continue };
            let matched = pattern.is_match(log.as_bytes()) != negated;
            assert_eq!(matched, !expected["rule"].is_null(), "{} on {log:?}", case.display());
            compared += 1;
        }
    }
    eprintln!("{compared} events compared");
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(object) => object.values().for_each(|value| texts(value, into)),
        Value::String(text) => into.push(text.clone()),
        _ => {}
    }
}

#[test]
fn groups_in_decoders_are_captured_as_recorded() {
    let mut compared = 0;
    for case in cases() {
        let xml = fs::read_to_string(case.join("decoders.xml")).unwrap_or_default();
        let (prematch, regex) = (elements(&xml, "prematch"), elements(&xml, "regex"));
        let one_of_each =
            elements(&xml, "decoder").len() == 1 && prematch.len() == 1 && regex.len() == 1;
        if !one_of_each
            || xml.contains("plugin_decoder")
            || xml.contains("<accumulate")
            || xml.contains('$')
        {
            continue;
        }
        let order =
            elements(&xml, "order").first().map(|order| order.1.clone()).unwrap_or_default();
        let names: Vec<&str> = order.split(',').map(str::trim).collect();
        let (Some(prematch), Some(pattern)) = (
            compile(&prematch[0].0, &prematch[0].1, Language::OsRegex),
            compile(&regex[0].0, &regex[0].1, Language::OsRegex),
        ) else {
            continue;
        };
        // Two fields of one name, or one inside the other, are the business of the event, not of the pattern.
        if names.iter().any(|name| names.iter().filter(|other| other.starts_with(name)).count() > 1)
        {
            continue;
        }
        let mut captures = Captures::default();
        for (event, expected) in
            lines(&case.join("events.jsonl")).iter().zip(lines(&case.join("expected.jsonl")))
        {
            let bare = expected["predecoder"] == serde_json::json!({});
            let (true, Some(log)) = (bare, event["log"].as_str()) else { continue };
            let Some(end) = prematch.find(log.as_bytes(), &mut captures) else { continue };
            let from = if regex[0].0.contains("after_prematch") { end } else { 0 };
            let mut ours = Vec::new();
            if pattern.find(&log.as_bytes()[from..], &mut captures).is_some() {
                let spans = captures.groups.iter().take(names.len()).flatten();
                ours.extend(
                    spans.map(|(start, end)| log.get(from + start..from + end).unwrap().to_owned()),
                );
            }
            ours.retain(|text| !text.is_empty());
            let mut theirs = Vec::new();
            texts(&expected["data"], &mut theirs);
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs, "{} on {log:?}", case.display());
            compared += 1;
        }
    }
    eprintln!("{compared} events compared");
}

#[test]
fn a_text_too_long_is_refused() {
    let error =
        Pattern::compile(Language::OsMatch, &vec![b'a'; PATTERN_BYTES_MAX + 1]).unwrap_err();
    assert!(error.to_string().starts_with("pattern of 20481 bytes is too long"));
}

#[test]
fn captures_are_reused_and_hold_no_earlier_groups() {
    let mut captures = Captures::default();
    let two = Pattern::compile(Language::Pcre2, br"(a)(b)?").unwrap();
    assert_eq!(two.find(b"ab", &mut captures), Some(2));
    assert_eq!(captures.groups, [Some((0, 1)), Some((1, 2))]);
    assert_eq!(two.find(b"a", &mut captures), Some(1));
    assert_eq!(captures.groups, [Some((0, 1)), None]);
    let one = Pattern::compile(Language::OsRegex, br"=(\d+)").unwrap();
    assert_eq!(one.find(b"x=12", &mut captures), Some(4));
    assert_eq!(captures.groups, [Some((2, 4))]);
    assert_eq!(one.find(b"x", &mut captures), None);
    assert_eq!(captures.groups, [None]);
}

#[test]
fn required_literals_are_known_for_each_language() {
    let of = |language, text: &[u8]| Pattern::compile(language, text).unwrap().required_literals();
    assert_eq!(of(Language::OsMatch, b"^Cat|dog"), Some(vec![b"cat".to_vec(), b"dog".to_vec()]));
    assert_eq!(of(Language::OsMatch, b"!cat"), None);
    assert_eq!(of(Language::OsMatch, b"cat|"), None);
    assert_eq!(
        of(Language::OsRegex, br"\d+ From \S+ to|x"),
        Some(vec![b" from ".to_vec(), b"x".to_vec()])
    );
    assert_eq!(of(Language::Pcre2, br"(?:a|b)\d+ end"), Some(vec![b" end".to_vec()]));
    assert_eq!(of(Language::OsMatch, "é".as_bytes()), Some(vec![]));
}
