//! Tests of groups: when they are made, what they rule out, and what becomes of one that doesn't pay.

use super::*;
use crate::ruleset::{Options, Ruleset, Source, load};

const DECODER: &str = r#"<decoder name="web"><prematch>^web </prematch></decoder>
<decoder name="web-url"><parent>web</parent><regex offset="after_parent">^(\.+)$</regex><order>url</order></decoder>
<decoder name="program"><program_name>^app</program_name></decoder>"#;

/// A rule with one child for each pattern.
fn rules(patterns: &[String]) -> std::sync::Arc<Ruleset> {
    let mut text = r#"<group name="t,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>r</description></rule>
        <rule id="100000" level="1"><if_sid>1</if_sid><decoded_as>web</decoded_as><description>r</description></rule>"#.to_owned();
    for (number, pattern) in patterns.iter().enumerate() {
        text.push_str(&format!(
            r#"<rule id="{}" level="5"><if_sid>100000</if_sid><url type="pcre2">{pattern}</url><description>d</description></rule>"#,
            100_001 + number
        ));
    }
    text.push_str("</group>");
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODER);
    source.add_rules("r.xml", text);
    load(&source, &Options::default()).ruleset.unwrap()
}

/// What is left of all children for a URL.
fn left(outlines: &mut Outlines, ruleset: &Ruleset, url: &str) -> Vec<usize> {
    let index = *ruleset.rules.by_id.get(&100_000).unwrap();
    let rule = ruleset.rules.get(index).unwrap();
    let mut candidates = Members::all(rule.children.len());
    outlines.rule_out((index, rule), &ruleset.rules, url.as_bytes(), &mut candidates);
    candidates.iter().collect()
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("one[+ ]{{1,9}}w{n}\\b")).collect()
}

#[test]
fn patterns_that_are_often_asked_are_ruled_out_together() {
    let ruleset = rules(&words(GROUP_LEN));
    let mut outlines = Outlines::default();
    for _ in 0..TRIES_BEFORE {
        assert_eq!(left(&mut outlines, &ruleset, "/?w0+one").len(), GROUP_LEN);
    }
    assert_eq!(left(&mut outlines, &ruleset, "/?w0+one"), [0usize; 0]);
    assert_eq!(left(&mut outlines, &ruleset, "/?one+w1").len(), GROUP_LEN);
    assert_eq!(left(&mut outlines, &ruleset, "/?one+w999"), [0usize; 0]);
}

#[test]
fn there_are_so_many_groups_and_no_more() {
    let ruleset = rules(&words(GROUP_LEN * (GROUPS_MAX + 2)));
    let mut outlines = Outlines::default();
    for _ in 0..=TRIES_BEFORE {
        left(&mut outlines, &ruleset, "/?one");
    }
    let (_, of_rule) = outlines.of_rules.first().unwrap();
    assert_eq!(of_rule.groups.len(), GROUPS_MAX);
    assert_eq!(left(&mut outlines, &ruleset, "/?one").len(), 2 * GROUP_LEN);
}

#[test]
fn a_pattern_that_is_always_there_leaves_its_group() {
    let mut patterns = words(GROUP_LEN);
    *patterns.get_mut(3).unwrap() = "(?=one)one(?!\\+)".to_owned();
    let ruleset = rules(&patterns);
    let mut outlines = Outlines::default();
    for _ in 0..u32::from(TRIES_BEFORE) + FOUND_MIN {
        left(&mut outlines, &ruleset, "/?one");
    }
    assert_eq!(left(&mut outlines, &ruleset, "/?one").len(), 1);
    assert_eq!(left(&mut outlines, &ruleset, "/?one+w1").len(), GROUP_LEN);
}

/// Each letter of such a text is one of two, at random, and a pattern has to remember the last dozen.
#[test]
fn a_machine_that_needs_ever_new_states_rests_and_nothing_is_ruled_out() {
    let patterns: Vec<String> =
        (0..GROUP_LEN).map(|n| format!("a{}{}", "[ab]".repeat(18 + n), "c")).collect();
    let ruleset = rules(&patterns);
    let mut outlines = Outlines::default();
    let mut random = 1u64;
    let mut url = || -> String {
        (0..2000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if random >> 63 == 0 { 'a' } else { 'b' }
            })
            .collect()
    };
    let rests = |outlines: &Outlines| {
        let groups = outlines.of_rules.first().map(|(_, of_rule)| &of_rule.groups);
        groups.into_iter().flatten().any(|group| group.rests_until > 0)
    };
    let mut urls = 0;
    while !rests(&outlines) && urls < 4 * u32::from(TRIES_BEFORE) {
        left(&mut outlines, &ruleset, &url());
        urls += 1;
    }
    assert!(rests(&outlines), "after {urls} URLs");
    assert_eq!(left(&mut outlines, &ruleset, "nothing").len(), GROUP_LEN);
    let (_, of_rule) = outlines.of_rules.first_mut().unwrap();
    of_rule.urls += REST_URLS;
    assert_eq!(left(&mut outlines, &ruleset, "nothing"), [0usize; 0]);
}
