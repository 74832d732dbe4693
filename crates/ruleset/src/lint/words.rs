//! The words of the rule language: which elements and attributes there are.

use crate::rule::condition::Subject;
use crate::rule::correlation;
use crate::xml::Element;

/// Elements of a rule that take no pattern and compare nothing.
const RULE_PLAIN: &[&str] = &[
    "description",
    "group",
    "info",
    "cve",
    "if_sid",
    "if_group",
    "if_level",
    "if_matched_sid",
    "if_matched_group",
    "if_matched_regex",
    "global_frequency",
    "decoded_as",
    "category",
    "srcip",
    "dstip",
    "time",
    "weekday",
    "list",
    "compiled_rule",
    "options",
    "mitre",
    "if_fts",
    "check_diff",
    "ignore",
    "check_if_ignored",
    "same_agent",
    "not_same_agent",
    "field",
];

/// Elements of a rule that take a pattern, each with `type` and `negate`.
const RULE_PATTERNS: &[&str] = &[
    "match",
    "regex",
    "program_name",
    "hostname",
    "location",
    "user",
    "srcgeoip",
    "dstgeoip",
    "srcport",
    "dstport",
    "url",
    "id",
    "status",
    "protocol",
    "system_name",
    "data",
    "extra_data",
    "action",
];

/// Those that compare with earlier events, for suggestions; [`correlation::parse`] decides.
const RULE_COMPARING: &[&str] = &[
    "same_source_ip",
    "same_srcip",
    "same_dstip",
    "same_srcport",
    "same_dstport",
    "same_srcuser",
    "same_user",
    "same_location",
    "same_id",
    "same_url",
    "same_status",
    "same_field",
    "different_srcip",
    "different_dstip",
    "different_user",
    "different_srcuser",
    "different_url",
    "different_location",
    "different_field",
];

const RULE_ATTRIBUTES: &[&str] = &[
    "id",
    "level",
    "maxsize",
    "frequency",
    "timeframe",
    "ignore",
    "overwrite",
    "noalert",
    "accuracy",
];

const DECODER: &[&str] = &[
    "parent",
    "program_name",
    "prematch",
    "regex",
    "order",
    "fts",
    "ftscomment",
    "accumulate",
    "use_own_name",
    "plugin_decoder",
    "type",
    "json_null_field",
    "json_array_structure",
];

/// Says whether a rule may have an element of this name.
pub(super) fn is_rule_element(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RULE_PLAIN.contains(&name.as_str())
        || Subject::of_element(&name).is_some()
        || correlation::parse(&name, b"").is_some()
}

/// Says whether a decoder may have an element of this name.
pub(super) fn is_decoder_element(name: &str) -> bool {
    DECODER.iter().any(|known| name.eq_ignore_ascii_case(known))
}

pub(super) fn is_rule_attribute(name: &str) -> bool {
    RULE_ATTRIBUTES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

pub(super) fn nearest_rule_element(name: &str) -> Option<&'static str> {
    let known = [RULE_PLAIN, RULE_PATTERNS, RULE_COMPARING].concat();
    super::suggest::nearest(name, known)
}

pub(super) fn nearest_decoder_element(name: &str) -> Option<&'static str> {
    super::suggest::nearest(name, DECODER.iter().copied())
}

pub(super) fn nearest_rule_attribute(name: &str) -> Option<&'static str> {
    super::suggest::nearest(name, RULE_ATTRIBUTES.iter().copied())
}

/// The attributes that Wazuh reads from an element of a rule; nothing where there are none worth checking.
pub(super) fn attributes_of(element: &str) -> Option<&'static [&'static str]> {
    let name = element.to_ascii_lowercase();
    match name.as_str() {
        "field" => Some(&["name", "type", "negate"]),
        "srcip" | "dstip" => Some(&["negate"]),
        "list" => Some(&["field", "lookup", "check_value"]),
        _ if Subject::of_element(&name).is_some() => Some(&["type", "negate"]),
        _ => None,
    }
}

/// Reads the id of a `<rule>`.
pub(super) fn id_of(rule: &Element) -> Option<u32> {
    std::str::from_utf8(rule.attribute("id")?).ok()?.parse().ok()
}

/// Names a rule in messages.
pub(super) fn subject_of(rule: &Element) -> String {
    let id = rule.attribute("id").unwrap_or_default();
    format!("rule {}", String::from_utf8_lossy(id))
}
