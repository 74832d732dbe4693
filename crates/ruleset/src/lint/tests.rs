//! Every check on the smallest rules that it speaks up for, and on neighbours that it must leave alone.

use super::*;
use crate::ruleset::{Options, load};

const DECODERS: &str = r#"<decoder name="door">
  <program_name>^door$</program_name>
</decoder>
<decoder name="door-open">
  <parent>door</parent>
  <prematch>^opened</prematch>
  <regex>by (\w+) from (\S+)$</regex>
  <order>user,srcip</order>
</decoder>
<decoder name="lift">
  <prematch>^lift: </prematch>
  <type>web-log</type>
</decoder>
"#;

const ROOTS: &str = r#"<group name="roots,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>Any.</description></rule>
  <rule id="4" level="0" noalert="1"><category>web-log</category><description>Web.</description></rule>
</group>
"#;

/// Checks rules behind two roots and three decoders, and writes what is found, a line each.
fn found(rules: &str) -> String {
    found_with("", rules)
}

fn found_with(decoders: &str, rules: &str) -> String {
    let mut source = Source::default();
    source.add_decoders("base.xml", DECODERS);
    source.add_decoders("decoders.xml", decoders);
    source.add_rules("roots.xml", ROOTS);
    source.add_rules("rules.xml", rules);
    let loaded = load(&source, &Options::default());
    let found = check(&source, &loaded, &|name| matches!(name, "rules.xml" | "decoders.xml"));
    let mut out = String::new();
    for d in &found {
        let Place { line, column, .. } = d.place;
        let hint = d.hint.as_deref().unwrap_or("-").replace('\n', " / ");
        out.push_str(&format!(
            "{line}:{column} {} {}: {} => {hint}\n",
            d.severity.as_str(),
            d.kind(),
            d.message
        ));
    }
    out
}

/// Checks rules inside of one group.
fn found_in_group(rules: &str) -> String {
    found(&format!("<group name=\"mine,\">\n{rules}\n</group>"))
}

/// Gives the names of the checks that spoke up for what stands inside of one rule.
fn names(elements: &str) -> Vec<&'static str> {
    names_of(&format!(
        r#"<rule id="100001" level="5">{elements}<description>x</description></rule>"#
    ))
}

fn names_of(rules: &str) -> Vec<&'static str> {
    let mut source = Source::default();
    source.add_decoders("base.xml", DECODERS);
    source.add_rules("roots.xml", ROOTS);
    source.add_rules("rules.xml", format!("<group name=\"mine,\">{rules}</group>"));
    let loaded = load(&source, &Options::default());
    assert!(loaded.ruleset.is_some(), "{:?}", loaded.diagnostics);
    let found = check(&source, &loaded, &|name| name == "rules.xml");
    found.iter().map(|d| d.lint.unwrap_or("wazuh")).collect()
}

#[test]
fn names_are_unique_and_can_be_found() {
    for lint in LINTS {
        assert_eq!(find(lint.name), Some(lint));
        assert!(
            lint.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        );
    }
}

#[test]
fn a_file_that_breaks_off_names_the_element_that_is_open() {
    insta::assert_snapshot!(found(
        "<group name=\"x,\">\n  <rule id=\"100001\" level=\"3\">\n    <match>a"
    ));
    insta::assert_snapshot!(found(
        "<group name=\"x,\">\n  <rule id=\"100001\" level=\"3\">\n    <match>a<b</match>\n</rule></group>"
    ));
}

#[test]
fn unknown_names_get_a_suggestion_all_of_them() {
    insta::assert_snapshot!(found_in_group(
        "<rule id=\"100001\" level=\"3\">\n  <descripton>x</descripton>\n  <mathc>y</mathc>\n</rule>"
    ));
    insta::assert_snapshot!(found_in_group(
        "<rule id=\"100001\" levle=\"3\">\n  <description>x</description>\n</rule>"
    ));
}

#[test]
fn what_wazuh_says_has_a_place_and_a_hint() {
    insta::assert_snapshot!(found_in_group(
        r#"<rule id="100001" level="3"><match>a</match><description>x</description></rule>
<rule id="100001" level="4"><match>b</match><description>x</description></rule>
<rule id="100002" level="4"><if_sid>100003</if_sid><description>x</description></rule>
<rule id="100003" level="4"><match>c</match><description>x</description></rule>
<rule id="100004" level="4"><if_group>nobody</if_group><description>x</description></rule>
<rule id="100005" level="4"><if_sid>5710</if_sid><description>x</description></rule>"#
    ));
}

#[test]
fn elements_that_wazuh_takes_otherwise_are_told() {
    insta::assert_snapshot!(found_in_group(
        r#"<rule id="100001" level="5" timeframe="1234567">
  <srcip>!192.0.2.1</srcip>
  <match negated="yes">a&lt;b</match>
  <time>22:00 - 06:00</time>
  <group>one</group>
  <group>two</group>
  <mitre><id>TA0001</id></mitre>
  <check_if_ignored>srcip</check_if_ignored>
  <description>hello $(user) &amp; $(colour)</description>
</rule>
<rule id="7" level="16" maxsize="5" accuracy="0">
  <match>this</match>
  <match>that</match>
</rule>"#
    ));
}

#[test]
fn patterns_are_explained_at_the_byte_they_are_about() {
    insta::assert_snapshot!(found_in_group(
        "<rule id=\"100001\" level=\"5\">\n  <regex>id a+b</regex>\n  <match>café</match>\n  <url type=\"pcre2\">(a+)+$</url>\n  \
         <field name=\"x\">one|\ntwo</field><description>x</description></rule>"
    ));
}

#[test]
fn rules_that_can_never_match_are_told_with_the_reason() {
    insta::assert_snapshot!(found_in_group(
        r#"<rule id="100001" level="3"><decoded_as>door</decoded_as><description>Door.</description></rule>
<rule id="100002" level="5"><if_sid>100001</if_sid><match>failed</match><description>x</description></rule>
<rule id="100003" level="4"><if_sid>100001</if_sid><match>login failed</match><description>x</description></rule>
<rule id="100004" level="4"><if_sid>100002</if_sid><match negate="yes">failed</match><description>x</description></rule>
<rule id="100005" level="4"><if_sid>100001</if_sid><decoded_as>lift</decoded_as><description>x</description></rule>
<rule id="100006" level="4"><decoded_as>lift</decoded_as><description>x</description></rule>
<rule id="100007" level="4"><decoded_as>door-open</decoded_as><description>x</description></rule>
<rule id="100008" level="9"><if_sid>100001</if_sid><url>admin</url><description>x</description></rule>
<rule id="100009" level="3"><category>web-log</category><if_sid>100001</if_sid><match>z</match><description>x</description></rule>
<rule id="100010" level="0"><if_sid>100009</if_sid><description>Quiet.</description></rule>
<rule id="100011" level="8"><if_sid>100009</if_sid><match>y</match><description>x</description></rule>"#
    ));
}

#[test]
fn frequency_rules_that_count_nothing_are_told() {
    insta::assert_snapshot!(found_in_group(
        r#"<rule id="100001" level="0"><match>a</match><description>x</description></rule>
<rule id="100002" level="5" frequency="3"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>
<rule id="100003" level="0"><match>b</match><group>silent,</group><description>x</description></rule>
<rule id="100004" level="5" frequency="3" timeframe="60"><if_matched_group>silent</if_matched_group><same_field>srcip</same_field><description>x</description></rule>
<rule id="100005" level="5" frequency="3" timeframe="60"><if_matched_regex>c d</if_matched_regex><description>x</description></rule>"#
    ));
}

#[test]
fn a_group_that_is_part_of_other_names_is_told() {
    insta::assert_snapshot!(found_in_group(
        r#"<rule id="100001" level="3"><match>a</match><group>web,</group><description>x</description></rule>
<rule id="100002" level="3"><match>b</match><group>web_scan,</group><description>x</description></rule>
<rule id="100003" level="5"><if_group>web</if_group><match>c</match><description>x</description></rule>"#
    ));
}

#[test]
fn decoders_are_checked_too() {
    insta::assert_snapshot!(found_with(
        "<decoder name=\"d\">\n  <prematch>^d [a-z]</prematch>\n</decoder>\n<decoder name=\"e\">\n  <parent>d</parent>\n  \
         <type>web-log</type>\n  <use_own_name>true</use_own_name>\n  <regex>(\\d+)</regex>\n  <order>id</order>\n</decoder>",
        "<group name=\"x,\"><rule id=\"100001\" level=\"3\"><match>a</match><description>x</description></rule></group>",
    ));
}

#[test]
fn sound_rules_are_left_alone() {
    for elements in [
        "<match>a|b</match><regex>c d</regex>",
        "<match>a|</match><match>b</match>",
        "<srcip negate=\"yes\">192.0.2.1</srcip><decoded_as>door</decoded_as>",
        "<time>9:00 - 17:00</time>",
        "<decoded_as>door</decoded_as><user>root</user>",
        "<mitre><id>T1110</id><id>T1110.001</id></mitre>",
    ] {
        assert_eq!(names(elements), Vec::<&str>::new(), "{elements}");
    }
    // Siblings that only look alike.
    let siblings = r#"<rule id="100001" level="5"><match>login failed</match><description>x</description></rule>
<rule id="100002" level="5"><match>failed</match><description>x</description></rule>
<rule id="100003" level="5" noalert="1"><match>f</match><description>x</description></rule>
<rule id="100004" level="4"><match>from</match><description>x</description></rule>"#;
    assert_eq!(names_of(siblings), Vec::<&str>::new());
}

#[test]
fn hostile_files_end_and_say_something() {
    let deep = "<group name=\"x,\">".repeat(5_000);
    let many = format!(
        "<group name=\"x,\">{}</group>",
        "<rule id=\"100001\" level=\"3\"><a/></rule>".repeat(5_000)
    );
    let cases: Vec<Vec<u8>> = vec![
        b"\0\0\0".to_vec(),
        b"\x7fELF\x02\x01\x01\0<\0\xff\xfe".to_vec(),
        deep.into_bytes(),
        many.into_bytes(),
        b"<group name=\"x,\"><rule id=\"100001\" level=\"3\"><match>\0</match><description>\xff</description></rule></group>".to_vec(),
        vec![b'<'; 100_000],
        vec![b'a'; 1 << 20],
    ];
    for text in cases {
        let mut source = Source::default();
        source.add_decoders("base.xml", DECODERS);
        source.add_decoders("d.xml", text.clone());
        source.add_rules("r.xml", text);
        let loaded = load(&source, &Options::default());
        let found = check(&source, &loaded, &|_| true);
        for d in &found {
            assert!(d.hint.is_some() || loaded.ruleset.is_none(), "{d}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_checked_without_a_panic(text: Vec<u8>, cut in 0usize..2000) {
        let whole = String::from("<group name=\"a,\"><rule id=\"100001\" level=\"3\"><match>x</match><url>y|z</url>\
            <if_sid>1</if_sid><description>$(a) b</description></rule></group>");
        let mut mixed = whole.into_bytes();
        mixed.truncate(cut);
        mixed.extend_from_slice(&text);
        for bytes in [text, mixed] {
            let mut source = Source::default();
            source.add_decoders("base.xml", DECODERS);
            source.add_rules("roots.xml", ROOTS);
            source.add_decoders("d.xml", bytes.clone());
            source.add_rules("r.xml", bytes);
            let loaded = load(&source, &Options::default());
            let found = check(&source, &loaded, &|_| true);
            proptest::prop_assert_eq!(&found, &check(&source, &loaded, &|_| true));
        }
    }
}
