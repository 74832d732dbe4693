//! Tests of the JSON decoder: what becomes of each kind of value, and hostile documents.

use super::*;
use serde_json::{Value, json};
use std::path::Path;

/// Decodes with the standard options and shows the outcome as the alert's `data`.
fn data(text: &str) -> Value {
    data_with(text.as_bytes(), JsonOptions::default())
}

fn data_with(text: &[u8], options: JsonOptions) -> Value {
    let mut fields = Fields::new();
    decode(text, options, &mut fields);
    let mut out = Vec::new();
    if !fields.write_data(&mut out) {
        return Value::Null;
    }
    serde_json::from_slice(&out).unwrap()
}

fn is_broken(text: &str) -> bool {
    let mut fields = Fields::new();
    let outcome = decode(text.as_bytes(), JsonOptions::default(), &mut fields);
    assert!(outcome != JsonOutcome::Broken || fields.is_empty());
    outcome == JsonOutcome::Broken
}

#[test]
fn objects_are_flattened_with_dots() {
    let mut fields = Fields::new();
    decode(br#"{"a":{"b":"1","c":{"d":"2"}},"e":"3"}"#, JsonOptions::default(), &mut fields);
    let seen: Vec<_> = fields.dynamics().collect();
    assert_eq!(seen, [(&b"a.b"[..], &b"1"[..]), (b"a.c.d", b"2"), (b"e", b"3")]);
}

#[test]
fn numbers_print_as_c_prints_them() {
    for (number, printed) in [
        ("5", "5"),
        ("5.0", "5"),
        ("1e3", "1000"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("00012", "12"),
        ("-7", "-7"),
        ("0.1", "0.100000"),
        ("1E-7", "0.000000"),
        ("2147483647", "2147483647"),
        ("2147483648", "2147483648.000000"),
        ("-2147483648", "-2147483648"),
        ("-2147483649", "-2147483649.000000"),
        ("123456789.123456789", "123456789.123457"),
        ("1e300", "100000000000000005250476025520442024870446858110815915491585411"),
        ("1e999", "inf"),
    ] {
        assert_eq!(data(&format!("{{\"n\":{number}}}")), json!({ "n": printed }), "{number}");
    }
}

#[test]
fn arrays_keep_their_types_and_are_laid_out_as_rules_expect() {
    assert_eq!(
        data(r#"{"a":[1,"x",null,true,2.5,{"k":1},[2]]}"#),
        json!({"a":[1,"x",null,true,2.5,{"k":1},[2]]})
    );
    let mut fields = Fields::new();
    let text = br#"{"a": [ 1 , "x\u00e9\/" , {"k" : [ ] }, 3e0 , 1e300, 1234567890123456, 0.1 ] }"#;
    decode(text, JsonOptions::default(), &mut fields);
    let printed = "[1, \"x\u{e9}/\", {\n\t\t\"k\":\t[]\n\t}, 3, 1e+300, 1234567890123456, 0.1]";
    assert_eq!(fields.dynamic(b"a"), Some(printed.as_bytes()));
}

#[test]
fn csv_keeps_only_the_scalars_of_an_array() {
    let options = JsonOptions { null: JsonNull::Discard, arrays: JsonArrays::Csv };
    let text = br#"{"a":[1,"x","y z",null,2.5],"n":null,"c":[{"k":1}],"d":[],"e":[[1],[2]],"f":[true,false]}"#;
    assert_eq!(data_with(text, options), json!({"a":"1,x,y z,null,2.500000","f":"true,false"}));
}

#[test]
fn known_names_at_the_top_go_to_static_fields() {
    let mut fields = Fields::new();
    let text = br#"{"srcip":"1.1.1.1","srcip":"2.2.2.2","o":{"srcip":"3"},"SrcIP":"4","url":{"id":"5"},"systemname":6}"#;
    decode(text, JsonOptions::default(), &mut fields);
    assert_eq!(fields.get(StaticField::SrcIp), Some(&b"2.2.2.2"[..]));
    assert_eq!(fields.get(StaticField::SystemName), Some(&b"6"[..]));
    assert_eq!(fields.get(StaticField::Url), None);
    let names: Vec<_> = fields.dynamics().map(|(name, _)| name).collect();
    assert_eq!(names, [&b"o.srcip"[..], b"SrcIP", b"url.id"]);
}

#[test]
fn user_stands_in_for_a_missing_dstuser() {
    assert_eq!(data(r#"{"user":"u"}"#), json!({"dstuser":"u"}));
    assert_eq!(data(r#"{"user":"u","dstuser":"d"}"#), json!({"dstuser":"d"}));
    assert_eq!(data(r#"{"dstuser":"d","user":"u"}"#), json!({"dstuser":"d","user":"u"}));
}

#[test]
fn text_behind_the_object_is_ignored_and_broken_objects_give_nothing() {
    assert_eq!(data(r#"{"a":1}{"b":2}"#), json!({"a":"1"}));
    for text in [
        "",
        "{",
        "[1]",
        r#"{"a":1"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a" 1}"#,
        r#"{"a":tru}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.2.3}"#,
        r#"{"a":-}"#,
        r#"{"a":[1}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\ud83d"}"#,
        r#"{"a":"\ude00"}"#,
        r#"{"a":"\ud83d\u0041"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\"#,
    ] {
        assert!(is_broken(text), "{text}");
    }
}

#[test]
fn fields_found_before_survive_a_broken_object() {
    let mut fields = Fields::new();
    fields.set(StaticField::SrcIp, &b"1"[..]);
    fields.push(&b"x"[..], &b"y"[..]);
    let before = fields.clone();
    assert_eq!(
        decode(br#"{"srcip":"2","a":1"#, JsonOptions::default(), &mut fields),
        JsonOutcome::Broken
    );
    assert_eq!(fields, before);
}

#[test]
fn escapes_are_resolved_and_a_nul_cuts_the_string() {
    assert_eq!(
        data(r#"{"a":"\u00e9\ud83d\ude00\n\/\\\""}"#),
        json!({"a":"\u{e9}\u{1f600}\n/\\\""})
    );
    assert_eq!(data(r#"{"a":"x\u0000y","b":"z"}"#), json!({"a":"x","b":"z"}));
    assert_eq!(data("{\"a\":\"tab\there\"}"), json!({"a":"tab\there"}));
}

#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(!is_broken(&nested(DEPTH_MAX)));
    assert!(is_broken(&nested(DEPTH_MAX + 1)));
    let arrays = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(!is_broken(&arrays(DEPTH_MAX - 1)));
    assert!(is_broken(&arrays(DEPTH_MAX)));
    assert!(is_broken(&"{\"a\":".repeat(13_000)));
}

#[test]
fn fields_beyond_the_limit_are_counted_but_static_ones_still_fit() {
    let many: Vec<String> = (0..260).map(|n| format!("\"f{n}\":{n}")).collect();
    let text = format!("{{{},\"srcip\":\"1\"}}", many.join(","));
    let mut fields = Fields::new();
    let outcome = decode(text.as_bytes(), JsonOptions::default(), &mut fields);
    assert_eq!(outcome, JsonOutcome::Decoded { dropped: 4 });
    assert_eq!(fields.dynamics().count(), 256);
    assert_eq!(fields.get(StaticField::SrcIp), Some(&b"1"[..]));
}

#[test]
fn long_outer_names_do_not_multiply() {
    let inner: Vec<String> = (0..256).map(|n| format!("\"{n}\":1")).collect();
    let text = format!("{{\"{}\":{{{}}}}}", "n".repeat(30_000), inner.join(","));
    let mut fields = Fields::new();
    let outcome = decode(text.as_bytes(), JsonOptions::default(), &mut fields);
    assert_eq!(outcome, JsonOutcome::Decoded { dropped: 254 });
    assert_eq!(fields.dynamics().count(), 2);
}

/// The options in force in the cases that set them where they have an effect.
fn options_of(case: &str) -> JsonOptions {
    match case {
        "json-root-array-csv" => JsonOptions { arrays: JsonArrays::Csv, ..JsonOptions::default() },
        "json-child-prematch-options" => {
            JsonOptions { null: JsonNull::Discard, arrays: JsonArrays::Csv }
        }
        _ => JsonOptions::default(),
    }
}

#[test]
fn every_recorded_json_event_has_the_same_data() {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/cases");
    let Ok(entries) = std::fs::read_dir(cases) else {
        println!("skipped: no recordings at {cases}");
        return;
    };
    let mut compared = 0;
    for case in entries.map(|entry| entry.unwrap().path()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        // Here a regex adds a field.
        if name == "json-mixed-regex-child" {
            continue;
        }
        for (event, expected) in recorded_events(&case) {
            let (Some(log), Some("json")) =
                (event["log"].as_str(), expected["decoder"]["name"].as_str())
            else {
                continue;
            };
            let text = crate::predecode::predecode(log.as_bytes()).log.of(log.as_bytes());
            let ours = data_with(text, options_of(&name));
            assert_eq!(ours.to_string(), expected["data"].to_string(), "{name}: {log}");
            compared += 1;
        }
    }
    println!("compared {compared} events");
    assert!(compared > 150);
}

fn recorded_events(case: &Path) -> Vec<(Value, Value)> {
    let read = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(case.join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    read("events.jsonl").into_iter().zip(read("expected.jsonl")).collect()
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\{?(\"a\":|[\\[\\]{}:,\"\\\\u0-9e.\\-]|null|[^a]){0,60}") {
        data(&text);
    }
}
