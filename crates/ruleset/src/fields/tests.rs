//! Tests of the fields of one event, and of the `data` object made of them.

use super::*;

fn data(fields: &Fields<'_>) -> String {
    let mut out = Vec::new();
    fields.write_data(&mut out);
    String::from_utf8(out).unwrap()
}

fn with_dynamic<'a>(dynamic: &[(&'a str, &'a str)]) -> Fields<'a> {
    let mut fields = Fields::new();
    for (name, value) in dynamic {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    fields
}

#[test]
fn static_fields_come_first_in_their_own_order() {
    let mut fields = with_dynamic(&[("x", "1")]);
    for field in StaticField::ALL.into_iter().rev() {
        fields.set(field, field.name().as_bytes());
    }
    fields.set(StaticField::Url, &b""[..]);
    assert_eq!(
        data(&fields),
        "{\"protocol\":\"protocol\",\"action\":\"action\",\"srcip\":\"srcip\",\"srcport\":\"srcport\",\
         \"srcuser\":\"srcuser\",\"dstip\":\"dstip\",\"dstport\":\"dstport\",\"dstuser\":\"dstuser\",\"id\":\"id\",\
         \"status\":\"status\",\"url\":\"\",\"data\":\"data\",\"extra_data\":\"extra_data\",\
         \"system_name\":\"system_name\",\"x\":\"1\"}"
    );
}

#[test]
fn dots_make_objects_and_the_first_of_a_name_wins() {
    let shown = |dynamic: &[(&str, &str)]| data(&with_dynamic(dynamic));
    assert_eq!(
        shown(&[("a.b", "1"), ("d", "2"), ("a.c", "3")]),
        r#"{"a":{"b":"1","c":"3"},"d":"2"}"#
    );
    assert_eq!(shown(&[("a", "1"), ("a", "2"), ("A", "3")]), r#"{"a":"1"}"#);
    assert_eq!(shown(&[("c", "1"), ("c.d", "2")]), r#"{"c":"1"}"#);
    assert_eq!(shown(&[("c.d", "2"), ("c", "1")]), r#"{"c":{"d":"2"}}"#);
    assert_eq!(shown(&[("A.b", "1"), ("a.c", "2"), ("a.B", "3")]), r#"{"A":{"b":"1","c":"2"}}"#);
}

#[test]
fn a_static_field_wins_over_a_dynamic_one_of_its_name() {
    let mut fields = with_dynamic(&[("SrcIP", "2"), ("srcip.x", "3")]);
    fields.set(StaticField::SrcIp, &b"1"[..]);
    assert_eq!(data(&fields), r#"{"srcip":"1"}"#);
}

#[test]
fn empty_dynamic_fields_are_found_but_not_shown() {
    let fields = with_dynamic(&[("a.b", "")]);
    assert_eq!(fields.dynamic(b"A.B"), Some(&b""[..]));
    let mut out = b"before".to_vec();
    assert!(!fields.write_data(&mut out));
    assert_eq!(out, b"before");
}

#[test]
fn text_that_is_a_json_array_becomes_one() {
    let fields =
        with_dynamic(&[("a", "[1, \"x\"]"), ("b", "[1] x"), ("c", "[error] y"), ("d", " [1]")]);
    assert_eq!(data(&fields), r#"{"a":[1,"x"],"b":"[1] x","c":"[error] y","d":" [1]"}"#);
}

#[test]
fn strings_escape_what_they_must_and_pass_other_bytes_through() {
    let mut out = Vec::new();
    write_json_string(&mut out, b"\x1b[31m\"a\\b/\n\r\t\x08\x0c\x7f\xff\xc3\xa9");
    assert_eq!(out, b"\"\\u001b[31m\\\"a\\\\b/\\n\\r\\t\\b\\f\x7f\xff\xc3\xa9\"");
}

#[test]
fn dynamic_fields_are_bounded_and_counted() {
    let mut fields = Fields::new();
    for _ in 0..DYNAMIC_FIELDS_MAX + 3 {
        fields.push(&b"a"[..], &b"1"[..]);
    }
    assert_eq!((fields.dynamics().count(), fields.dropped()), (DYNAMIC_FIELDS_MAX, 3));
    fields.clear();
    assert!(fields.is_empty() && fields.has_room() && fields.dropped() == 0);
}

#[test]
fn a_name_of_many_dots_is_written_without_recursion() {
    let name = "a.".repeat(30_000);
    let shown = data(&with_dynamic(&[(&name, "1")]));
    assert_eq!(shown.matches('{').count(), 1_000);
    assert_eq!(shown.matches('}').count(), 1_000);
}

#[test]
fn recycled_fields_keep_their_memory() {
    let fields = with_dynamic(&[("a", "1"), ("b", "2")]);
    let capacity = fields.dynamic.capacity();
    let recycled: Fields<'static> = fields.recycle();
    assert!(recycled.is_empty());
    assert_eq!(recycled.dynamic.capacity(), capacity);
}

#[test]
fn names_differ_between_decoders_and_json() {
    assert_eq!(StaticField::from_order_name(b"user"), Some(StaticField::DstUser));
    assert_eq!(StaticField::from_order_name(b"system_name"), Some(StaticField::SystemName));
    assert_eq!(StaticField::from_json_name(b"systemname"), Some(StaticField::SystemName));
    assert_eq!(StaticField::from_json_name(b"system_name"), None);
    assert_eq!(StaticField::from_json_name(b"SrcIP"), None);
}

proptest::proptest! {
    #[test]
    fn whatever_the_names_and_values_the_data_is_json(
        dynamic in proptest::collection::vec(("[aAb.\"]{0,6}", "(\\[[1,\" ]{0,4}\\]|[^x]{0,3})"), 0..20),
    ) {
        let mut fields = Fields::new();
        for (name, value) in &dynamic {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        let mut out = Vec::new();
        if fields.write_data(&mut out) {
            let read: Result<serde_json::Value, _> = serde_json::from_slice(&out);
            proptest::prop_assert!(read.is_ok(), "{}", String::from_utf8_lossy(&out));
        }
    }
}
