//! What the engine saw in one event, kept after the engine went on: Wazuh's own members as JSON, the way to the rule, and the rules
//! that were tried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ruleset::{Outcome, TriedRule, TriedVerdict};
use serde_json::{Map, Value};

/// While an alert is parsed, a byte that is no UTF-8 is the character this far behind itself. It lies in a private plane of Unicode
/// that no log line uses.
const STRAY_BYTE_BASE: u32 = 0x0010_FE00;

/// One event's result.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The members that Wazuh writes, without those that only a running manager knows. `rule` is null where there is none.
    pub(crate) members: Map<String, Value>,
    pub(crate) is_alert: bool,
    /// Whether the daemon drops the event before the rules.
    pub(crate) is_dropped: bool,
    /// From the category's root to the rule.
    pub(crate) path: Vec<Step>,
    /// All that was looked at, in order, where it was asked for.
    pub(crate) tried: Vec<Step>,
}

/// A rule on the way, or beside it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) id: u32,
    pub(crate) level: u8,
    pub(crate) depth: usize,
    pub(crate) description: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) verdict: TriedVerdict,
    /// Conditions that held before one did not.
    pub(crate) held: usize,
    /// What the event has where that condition looked.
    pub(crate) finding: Option<String>,
}

/// Whether the rules that were tried are kept. Their words cost more than the search itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Path,
    Tried,
}

impl Seen {
    /// Copies a result out of the engine.
    pub(crate) fn new(outcome: &Outcome<'_>, keep: Keep) -> anyhow::Result<Self> {
        if outcome.not_processed() {
            let members = Map::from_iter([("rule".to_owned(), Value::Null)]);
            return Ok(Self { members, is_dropped: true, ..Self::default() });
        }
        let mut json = Vec::new();
        outcome.write_json(None, &mut json);
        let mut members = parse(&json)?;
        members.entry("rule").or_insert(Value::Null);
        let path = outcome.path().into_iter().enumerate().map(|(depth, rule)| {
            let verdict = TriedVerdict::Matched;
            Step::new(TriedRule { rule, depth, verdict, held: 0, finding: None })
        });
        let tried = match keep {
            Keep::Path => Vec::new(),
            Keep::Tried => outcome.tried().map(Step::new).collect(),
        };
        let path = path.collect();
        Ok(Self { members, is_alert: outcome.is_alert(), is_dropped: false, path, tried })
    }

    /// Finds a text in the members, as `/decoder/name`.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/').map_or_else(
            || (pointer.trim_start_matches('/'), String::new()),
            |(first, rest)| (first, format!("/{rest}")),
        );
        self.members.get(first)?.pointer(&rest).map(plain)
    }

    /// The id and the level of the rule.
    pub(crate) fn rule(&self) -> Option<(String, u8)> {
        let rule = self.members.get("rule")?;
        let level = rule.get("level")?.as_u64().and_then(|level| u8::try_from(level).ok())?;
        // The one rule without a shown id is numbered 0.
        let id = rule.get("id").and_then(Value::as_str).unwrap_or("0");
        Some((id.to_owned(), level))
    }
}

impl Step {
    fn new(tried: TriedRule<'_>) -> Self {
        let TriedRule { rule, depth, verdict, held, finding } = tried;
        let (file, line) = (rule.file.to_owned(), rule.line);
        let (id, level, description) = (rule.id, rule.level, rule.description.into_owned());
        Self { id, level, depth, description, file, line, verdict, held, finding }
    }
}

/// Shows a value in one line, without quotes where it is a text.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Gives a text of bytes: as it is, or as `{"$b64": …}` where it is no UTF-8.
pub(crate) fn text_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => {
            let packed = Value::String(STANDARD.encode(bytes));
            Value::Object(Map::from_iter([("$b64".to_owned(), packed)]))
        }
    }
}

/// Reads what [`text_value`] packs.
pub(crate) fn unpack(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64).ok()
}

/// Parses an alert as Wazuh writes it, with raw bytes inside the quotes.
fn parse(json: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    let mut text = String::with_capacity(json.len());
    for chunk in json.utf8_chunks() {
        text.push_str(chunk.valid());
        let stray = chunk.invalid().iter();
        text.extend(stray.filter_map(|byte| char::from_u32(STRAY_BYTE_BASE + u32::from(*byte))));
    }
    let members: Map<String, Value> = serde_json::from_str(&text)?;
    Ok(restore_members(members))
}

fn restore_members(members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (restore_key(key), restore(value))).collect()
}

fn restore(value: Value) -> Value {
    match value {
        Value::String(text) => match stray_bytes(&text) {
            Some(bytes) => text_value(&bytes),
            None => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(restore).collect()),
        Value::Object(members) => Value::Object(restore_members(members)),
        other => other,
    }
}

fn restore_key(key: String) -> String {
    match stray_bytes(&key) {
        Some(bytes) => format!("$b64:{}", STANDARD.encode(bytes)),
        None => key,
    }
}

/// Gives the bytes of a text that holds stray ones.
fn stray_bytes(text: &str) -> Option<Vec<u8>> {
    let stray = |character: char| {
        let byte = u32::from(character).checked_sub(STRAY_BYTE_BASE)?;
        u8::try_from(byte).ok().filter(|byte| *byte >= 0x80)
    };
    text.chars().find_map(stray)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        match stray(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_survive_in_base64() {
        let members =
            parse(b"{\"a\":\"caf\xe9\",\"b\":[\"\xff\xfe\"],\"c\":\"caf\xc3\xa9\"}").unwrap();
        let members = Value::Object(members);
        assert_eq!(
            members.to_string(),
            r#"{"a":{"$b64":"Y2Fm6Q=="},"b":[{"$b64":"//4="}],"c":"café"}"#
        );
        assert_eq!(unpack("Y2Fm6Q==").unwrap(), b"caf\xe9");
    }
}
