//! From bytes to an [`Alert`]: the door where everything about an alert is settled once.
//!
//! Reads what a Wazuh 4.x manager writes to `alerts.json`, and is lenient where real alerts are odd (numbers as text, missing
//! agents, invalid UTF-8) but strict on limits. What is no alert comes back as [`Malformed`] with a reason a person can
//! act on. The bytes stay with whoever read them, either way.

use serde::{Deserialize, Serialize};

use crate::{AlertKey, Fields, Fingerprint, Timestamp, Untrusted, sanitize};

/// The limits within which an alert is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest alert, in bytes. Wazuh's own consumers stop at 64 kB; a correlation alert with eleven long logs may pass that.
    pub bytes_max: usize,
    /// Deepest nesting. Real alerts stop at 6 or 7.
    pub depth_max: usize,
    /// Most fields after flattening. Wazuh's decoder stops at 256 dynamic fields; the rest is headroom for arrays.
    pub fields_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 1024 * 1024, depth_max: 32, fields_max: 1024 }
    }
}

/// The highest level a Wazuh rule can have.
pub const RULE_LEVEL_MAX: u8 = 16;

/// Longest text taken over for an identifier (rule id, agent name, ...), in characters. The original bytes stay whole.
const NAME_CHARACTERS_MAX: usize = 256;

/// Why bytes are no alert, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// What is wrong, and where in the text if that is known.
    pub reason: String,
}

/// The rule that raised an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Wazuh's rule id; a text, as Wazuh has it.
    pub id: String,
    /// Severity as the rule states it, 0 to [`RULE_LEVEL_MAX`].
    pub level: u8,
    /// What the rule says, with fields of the event filled in: not to be trusted.
    pub description: Untrusted,
    /// The rule's groups.
    pub groups: Vec<String>,
    /// The ATT&CK technique ids that the rule names.
    pub techniques: Vec<String>,
}

impl Rule {
    /// Tells whether the rule is in a group. Wazuh leaves the blanks around the names that a rule file has.
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.trim() == name)
    }
}

/// The machine that an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Agent {
    /// Wazuh's agent id; `000` is the manager itself.
    pub id: String,
    /// The agent's name.
    pub name: String,
    /// The agent's address, where Wazuh knows one.
    pub ip: Option<String>,
}

/// What a detection engine raised from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The identity: the same for every copy of this alert.
    pub key: AlertKey,
    /// Wazuh's own id (`1795530360.0`), empty where there is none.
    pub id: String,
    /// When the manager received the event. `None` where the alert doesn't say or can't be read.
    pub time: Option<Timestamp>,
    /// The rule that fired.
    pub rule: Rule,
    /// The machine concerned.
    pub agent: Agent,
    /// The manager that raised it.
    pub manager: String,
    /// Where the event came from: a file path, an integration's name.
    pub location: String,
    /// The decoder that read the event.
    pub decoder: String,
    /// The event itself.
    pub full_log: Untrusted,
    /// Everything, flattened.
    pub fields: Fields,
    /// The bytes held invalid UTF-8, which was replaced by `U+FFFD` in the typed view.
    pub had_invalid_utf8: bool,
}

impl Alert {
    /// Reads one alert.
    ///
    /// # Errors
    /// Gives the reason where the bytes are no JSON object, are past a limit, or carry no rule.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self, Malformed> {
        if raw.len() > limits.bytes_max {
            return Err(malformed(format!(
                "{} bytes, more than the limit of {}",
                raw.len(),
                limits.bytes_max
            )));
        }
        // Checking is many times faster than replacing, and nearly always all there is to do.
        let text = std::str::from_utf8(raw)
            .map_or_else(|_| String::from_utf8_lossy(raw), std::borrow::Cow::Borrowed);
        let had_invalid_utf8 = matches!(text, std::borrow::Cow::Owned(_));
        let fields = Fields::parse(&text, limits).map_err(|error| malformed(error.to_string()))?;
        let named = |path: &str| name(fields.get(path).unwrap_or_default());
        let rule = Rule {
            id: named("rule.id"),
            level: level(fields.get("rule.level"))?,
            description: Untrusted::new(fields.get("rule.description").unwrap_or_default()),
            groups: fields.all("rule.groups").map(name).collect(),
            techniques: fields.all("rule.mitre.id").map(name).collect(),
        };
        if rule.id.is_empty() && rule.description.is_empty() {
            return Err(malformed(
                "no `rule.id` and no `rule.description`: not a Wazuh alert".to_owned(),
            ));
        }
        let id = named("id");
        let time = fields.get("timestamp").and_then(Timestamp::parse);
        let hash = identity(&fields, &id, raw);
        Ok(Self {
            key: AlertKey { time: time.unwrap_or(Timestamp::EPOCH), hash },
            time,
            agent: Agent {
                id: named("agent.id"),
                name: named("agent.name"),
                ip: fields.get("agent.ip").map(name),
            },
            manager: named("manager.name"),
            location: named("location"),
            decoder: named("decoder.name"),
            full_log: Untrusted::new(fields.get("full_log").unwrap_or_default()),
            id,
            rule,
            fields,
            had_invalid_utf8,
        })
    }

    /// Gives the text at a dotted path.
    pub fn field(&self, path: &str) -> Option<&str> {
        self.fields.get(path)
    }

    /// Gives the first non-empty text among several paths.
    pub fn first_field(&self, paths: &[&str]) -> Option<&str> {
        paths.iter().find_map(|path| self.fields.get(path))
    }
}

/// Names what makes two deliveries the same alert.
///
/// Wazuh's id is unique per manager node in practice only, so the node, the time and the rule go with it. The hook hands over
/// a re-serialised copy of the line that the tail reads, so bytes can't be compared; they stand in where there is no id.
fn identity(fields: &Fields, id: &str, raw: &[u8]) -> Fingerprint {
    if id.is_empty() {
        return Fingerprint::of_bytes(raw.trim_ascii());
    }
    let part = |path| fields.get(path).unwrap_or_default();
    Fingerprint::of([
        id,
        part("manager.name"),
        part("cluster.node"),
        part("timestamp"),
        part("rule.id"),
        part("agent.id"),
    ])
}

/// Makes a short, clean name of a text that is used as an identifier.
fn name(text: &str) -> String {
    sanitize::shown(text.trim(), NAME_CHARACTERS_MAX)
}

fn level(text: Option<&str>) -> Result<u8, Malformed> {
    // Wazuh leaves the level out where it is 0, and some forwarders turn numbers into text.
    let Some(text) = text else { return Ok(0) };
    match text.trim().parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=16 before the cast"
        )]
        Ok(number) if number.is_finite() => Ok(number.clamp(0.0, f64::from(RULE_LEVEL_MAX)) as u8),
        _ => Err(malformed(format!(
            "`rule.level` is `{}`, expected a number",
            sanitize::shown(text, 40)
        ))),
    }
}

fn malformed(reason: String) -> Malformed {
    Malformed { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Alert, Malformed> {
        Alert::parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn numbers_as_text_and_missing_agents_are_read() {
        let alert = parse(r#"{"rule":{"id":5710,"level":"7","groups":"sshd"},"id":"1.2"}"#)
            .expect("an alert");
        assert_eq!(
            (alert.rule.id.as_str(), alert.rule.level, alert.agent.id.as_str()),
            ("5710", 7, "")
        );
        assert_eq!(alert.rule.groups, ["sshd"]);
    }

    #[test]
    fn a_copy_by_another_route_has_the_same_key_and_another_alert_has_not() {
        let tail =
            parse(r#"{"timestamp":"t","rule":{"id":"1","level":3},"id":"9.1","full_log":"a"}"#)
                .expect("one");
        let hook =
            parse(r#"{"id":"9.1","full_log":"a","rule":{"level":3,"id":"1"},"timestamp":"t"}"#)
                .expect("two");
        let other =
            parse(r#"{"timestamp":"t","rule":{"id":"1","level":3},"id":"9.2","full_log":"a"}"#)
                .expect("three");
        assert_eq!(tail.key, hook.key);
        assert_ne!(tail.key, other.key);
    }

    #[test]
    fn what_is_no_alert_says_why() {
        for (text, reason) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{}", "no `rule.id` and no `rule.description`: not a Wazuh alert"),
            (r#"{"rule":{"id":"1","level":"high"}}"#, "`rule.level` is `high`, expected a number"),
            (r#"{"rule":{"id":"1"}} x"#, "trailing characters at line 1 column 21"),
        ] {
            assert_eq!(parse(text).expect_err("malformed").reason, reason);
        }
    }

    #[test]
    fn invalid_utf8_is_replaced_and_reported() {
        let alert =
            Alert::parse(b"{\"rule\":{\"id\":\"1\"},\"full_log\":\"a\xffb\"}", &Limits::default())
                .expect("an alert");
        assert!(alert.had_invalid_utf8);
        assert_eq!(alert.full_log.as_raw(), "a\u{fffd}b");
    }
}
