//! Alerts as JSON values, for comparing: log lines are bytes, and JSON knows only text.
//!
//! The recordings write a string that is not UTF-8 as `{"$b64": "..."}`, and a key as `$b64:...`.
//! The engine writes alerts as Wazuh does, with the raw bytes inside the quotes. Both end up in
//! the same form here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// While an alert is parsed, a byte that is not UTF-8 is the character this far behind itself. It
/// lies in a private plane of Unicode that no log line uses.
const STRAY_BYTE_BASE: u32 = 0x0010_FE00;

/// Gives the form in which the recordings write a text.
pub(crate) fn text_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => {
            let mut object = Map::new();
            object.insert("$b64".to_owned(), Value::String(STANDARD.encode(bytes)));
            Value::Object(object)
        }
    }
}

/// Reads what `text_value` writes as base64.
pub(crate) fn decode(base64: &str) -> anyhow::Result<Vec<u8>> {
    Ok(STANDARD.decode(base64)?)
}

/// Parses an alert that may hold bytes that are not UTF-8.
pub(crate) fn parse(json: &[u8]) -> Result<Value, serde_json::Error> {
    let mut text = String::with_capacity(json.len());
    for chunk in json.utf8_chunks() {
        text.push_str(chunk.valid());
        let stray = chunk.invalid().iter();
        text.extend(stray.filter_map(|byte| char::from_u32(STRAY_BYTE_BASE + u32::from(*byte))));
    }
    Ok(restore(serde_json::from_str(&text)?))
}

fn restore(value: Value) -> Value {
    match value {
        Value::String(text) => match stray_bytes_of(&text) {
            Some(bytes) => text_value(&bytes),
            None => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(restore).collect()),
        Value::Object(pairs) => Value::Object(
            pairs.into_iter().map(|(key, value)| (restore_key(key), restore(value))).collect(),
        ),
        other => other,
    }
}

fn restore_key(key: String) -> String {
    match stray_bytes_of(&key) {
        Some(bytes) => format!("$b64:{}", STANDARD.encode(bytes)),
        None => key,
    }
}

/// Gives a text's original bytes, if some of them were not UTF-8.
fn stray_bytes_of(text: &str) -> Option<Vec<u8>> {
    let stray = |character: char| {
        u32::from(character).checked_sub(STRAY_BYTE_BASE).and_then(|byte| u8::try_from(byte).ok())
    };
    if !text.chars().any(|character| stray(character).is_some()) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match stray(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_that_is_not_utf8_becomes_base64() {
        assert_eq!(text_value("hé".as_bytes()), json!("hé"));
        assert_eq!(text_value(b"h\xe9"), json!({"$b64": "aOk="}));
        assert_eq!(decode("aOk=").unwrap(), b"h\xe9");
    }

    #[test]
    fn raw_bytes_in_an_alert_become_base64_in_keys_and_values() {
        let alert = b"{\"data\":{\"h\xe9\":[\"h\xe9\",1]},\"full_log\":\"\xc3\xa9\xff\",\"x\":\"\xc3\xa9\"}";
        let wanted = json!({
            "data": {"$b64:aOk=": [{"$b64": "aOk="}, 1]},
            "full_log": {"$b64": "w6n/"},
            "x": "é",
        });
        assert_eq!(parse(alert).unwrap(), wanted);
        assert!(parse(b"{").is_err());
    }
}
