//! Typed reading: turns one raw value, from the file or the environment, into a checked one.
//!
//! It exists so that the same rules hold wherever a value comes from. A value that breaks a rule
//! becomes faults that name the setting, the value and what to write instead; never a guess. It
//! leaves places to the caller, which knows where the value stood.

use super::duration::{duration_text, parse_duration};
use super::private::Url;
use super::problem::shown;
use super::settings::{RuleRange, SecretSource, Value};
use super::spelling::nearest;
use super::table::{Kind, Privacy, Setting};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// The longest text of one value, in bytes: the longest path that Linux takes.
const TEXT_BYTES_MAX: usize = 4_096;

/// The longest list. A policy with more entries belongs into Wazuh's rules.
const ITEMS_MAX: usize = 10_000;

/// The highest rule id. Wazuh takes at most six digits.
const RULE_ID_MAX: u32 = 999_999;

/// A value as it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'a> {
    /// A value of the file, which has a type already.
    Toml(&'a DeValue<'a>),
    /// A word of the environment or of the table, whose type the setting decides.
    Word(&'a str),
}

/// One thing that is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) hint: String,
    /// Where it stands in the file, if that is more precise than the whole value.
    pub(crate) at: Option<Range<usize>>,
}

/// Reads a value by the rules of its setting. `path` names the setting in messages.
pub(crate) fn read(setting: &Setting, path: &str, raw: Raw<'_>) -> Result<Value, Vec<Fault>> {
    let reading = Reading { setting, path, raw };
    match setting.kind {
        Kind::Texts => reading.items("a text", Reading::item_text).map(Value::Texts),
        Kind::Rules => reading.items("a rule id or a range", Reading::item_rule).map(Value::Rules),
        _ => reading.single().map_err(|fault| vec![fault]),
    }
}

/// Says whether a value must not be shown. What stands where the file of a secret should be named
/// may be the secret, and a web address may contain a password or a key.
pub(crate) fn is_private(setting: &Setting, raw: Raw<'_>) -> bool {
    match (setting.kind, raw) {
        (Kind::SecretFile | Kind::Url(Privacy::Masked), _) => true,
        (Kind::Url(Privacy::Open), Raw::Word(text)) => text.contains(['@', '?', '#']),
        (Kind::Url(Privacy::Open), Raw::Toml(DeValue::String(text))) => {
            text.contains(['@', '?', '#'])
        }
        _ => false,
    }
}

struct Reading<'a> {
    setting: &'a Setting,
    path: &'a str,
    raw: Raw<'a>,
}

impl Reading<'_> {
    fn single(&self) -> Result<Value, Fault> {
        match self.setting.kind {
            Kind::Integer { min, max } => self.integer(min, max).map(Value::Integer),
            Kind::Switch => self.switch().map(Value::Switch),
            Kind::Duration { min, max } => self.duration(min, max).map(Value::Duration),
            Kind::Choice(words) => self.choice(words).map(Value::Choice),
            Kind::Text => self.text("a text").map(|text| Value::Text(text.into_owned())),
            Kind::Path => self.path("a path").map(Value::Path),
            Kind::SecretFile => {
                self.path("the path of a file").map(|file| Value::Secret(SecretSource::file(file)))
            }
            Kind::Address => self.address().map(Value::Address),
            Kind::Url(privacy) => self.url(privacy).map(Value::Url),
            // Lists are read by the caller. Saying so as a fault is better than stopping.
            Kind::Texts | Kind::Rules => Err(self.fault("which is not a list", "write a list")),
        }
    }

    fn fault(&self, why: &str, hint: impl Into<String>) -> Fault {
        let what = format!("`{}` is {}, {why}", self.path, self.value());
        Fault { what, hint: hint.into(), at: None }
    }

    fn value(&self) -> String {
        if is_private(self.setting, self.raw) {
            "`(not shown)`".to_owned()
        } else {
            described(self.raw)
        }
    }

    fn text(&self, wanted: &str) -> Result<Cow<'_, str>, Fault> {
        let text = match self.raw {
            Raw::Word(word) => Cow::Borrowed(word),
            Raw::Toml(DeValue::String(text)) => Cow::Borrowed(text.as_ref()),
            Raw::Toml(_) => {
                return Err(self.fault(&format!("not {wanted}"), "write it in double quotes"));
            }
        };
        if text.trim().is_empty() && (self.setting.empty.is_none() || !text.is_empty()) {
            return Err(self.fault("which is empty", format!("write {wanted}")));
        }
        if let Some((why, hint)) = broken_text(&text) {
            return Err(self.fault(why, hint));
        }
        Ok(text)
    }

    fn integer(&self, min: u32, max: u32) -> Result<u32, Fault> {
        let number: Option<i64> = match self.raw {
            Raw::Word(word) => word.trim().parse().ok(),
            Raw::Toml(DeValue::Integer(digits)) => {
                i64::from_str_radix(digits.as_str(), digits.radix()).ok()
            }
            Raw::Toml(_) => None,
        };
        let Some(number) = number else {
            let why = format!("not a whole number from {min} to {max}");
            return Err(self.fault(&why, "write the number alone, without quotes or a unit"));
        };
        u32::try_from(number).ok().filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            let hint = format!("choose a number from {min} to {max}");
            self.fault(&format!("which is outside {min} to {max}"), hint)
        })
    }

    fn switch(&self) -> Result<bool, Fault> {
        match self.raw {
            Raw::Toml(DeValue::Boolean(position)) => Ok(*position),
            Raw::Word("true") => Ok(true),
            Raw::Word("false") => Ok(false),
            _ => {
                Err(self.fault("not `true` or `false`", "write `true` or `false`, without quotes"))
            }
        }
    }

    fn duration(&self, min: Duration, max: Duration) -> Result<Duration, Fault> {
        let hint = "write a number and a unit in double quotes: `30s`, `5m`, `2h` or `7d`";
        let text = match self.raw {
            Raw::Word(word) => word,
            Raw::Toml(DeValue::String(text)) => text.as_ref(),
            Raw::Toml(_) => return Err(self.fault("not a duration", hint)),
        };
        let Some(duration) = parse_duration(text) else {
            return Err(self.fault("not a duration", hint));
        };
        if duration < min || duration > max {
            let range = format!("{} to {}", duration_text(min), duration_text(max));
            let hint = format!("choose a duration from {range}");
            return Err(self.fault(&format!("which is outside {range}"), hint));
        }
        Ok(duration)
    }

    fn choice(&self, words: &'static [&'static str]) -> Result<&'static str, Fault> {
        let text = self.text("a text")?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Ok(word);
        }
        let list = alternatives(words);
        let hint = match nearest(&text.to_lowercase(), words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`"),
            None => format!("write {list}"),
        };
        Err(self.fault(&format!("not {list}"), hint))
    }

    fn path(&self, wanted: &str) -> Result<Option<PathBuf>, Fault> {
        let text = self.text(wanted)?;
        if text.is_empty() {
            return Ok(None);
        }
        let path = Path::new(text.as_ref());
        if !path.is_absolute() {
            let hint = "begin the path with `/`: a service has no folder of its own to start from";
            return Err(self.fault("which is not an absolute path", hint));
        }
        Ok(Some(path.to_owned()))
    }

    fn address(&self) -> Result<Option<SocketAddr>, Fault> {
        let text = self.text("an address and a port")?;
        if text.is_empty() {
            return Ok(None);
        }
        text.trim().parse().map(Some).map_err(|_| {
            let hint = "write an IP address and a port, such as `127.0.0.1:9480` or `[::1]:9480`; \
                        names such as `localhost` are not looked up";
            self.fault("not an IP address and a port", hint)
        })
    }

    fn url(&self, privacy: Privacy) -> Result<Url, Fault> {
        let text = self.text("an address")?;
        let hint = "write an address such as `http://127.0.0.1:11434`";
        let url = Url::parse(&text).map_err(|why| self.fault(why, hint))?;
        // An address that is shown in full must not be able to hold a key.
        if privacy == Privacy::Open && text.contains(['?', '#']) {
            return Err(self.fault("which has more than a path behind the host", hint));
        }
        Ok(url)
    }

    /// Reads each item of a list and keeps every fault, not only the first.
    fn items<T>(
        &self,
        wanted: &str,
        read_item: impl Fn(&Self, Raw<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Vec<Fault>> {
        let found: Vec<(Raw<'_>, Option<Range<usize>>)> = match self.raw {
            Raw::Toml(DeValue::Array(items)) => {
                items.iter().map(|item| (Raw::Toml(item.get_ref()), Some(item.span()))).collect()
            }
            Raw::Word(word) if word.trim().is_empty() => Vec::new(),
            Raw::Word(word) => word.split(',').map(|item| (Raw::Word(item.trim()), None)).collect(),
            Raw::Toml(_) => {
                let hint = format!("write a list in square brackets, each item {wanted}");
                return Err(vec![self.fault("not a list", hint)]);
            }
        };
        if found.len() > ITEMS_MAX {
            let what = format!("`{}` has more than {ITEMS_MAX} items", self.path);
            let hint = "use ranges, groups, or a rule in Wazuh instead".to_owned();
            return Err(vec![Fault { what, hint, at: None }]);
        }
        let mut items = Vec::with_capacity(found.len());
        let mut faults = Vec::new();
        for (raw, at) in found {
            match read_item(self, raw) {
                Ok(item) => items.push(item),
                Err(fault) => faults.push(Fault { at, ..fault }),
            }
        }
        if faults.is_empty() { Ok(items) } else { Err(faults) }
    }

    fn item_fault(&self, raw: Raw<'_>, why: &str, hint: &str) -> Fault {
        let what = format!("`{}` contains {}, {why}", self.path, described(raw));
        Fault { what, hint: hint.to_owned(), at: None }
    }

    fn item_text(&self, raw: Raw<'_>) -> Result<String, Fault> {
        let text = match raw {
            Raw::Word(word) => word,
            Raw::Toml(DeValue::String(text)) => text.as_ref(),
            Raw::Toml(_) => {
                return Err(self.item_fault(raw, "not a text", "write each item in double quotes"));
            }
        };
        if text.trim().is_empty() {
            return Err(self.item_fault(raw, "which is empty", "take the item out"));
        }
        match broken_text(text) {
            Some((why, hint)) => Err(self.item_fault(raw, why, hint)),
            None => Ok(text.to_owned()),
        }
    }

    fn item_rule(&self, raw: Raw<'_>) -> Result<RuleRange, Fault> {
        let range = match raw {
            Raw::Word(word) => RuleRange::parse(word, RULE_ID_MAX),
            Raw::Toml(DeValue::String(text)) => RuleRange::parse(text, RULE_ID_MAX),
            Raw::Toml(DeValue::Integer(digits)) if digits.radix() == 10 => {
                RuleRange::parse(digits.as_str(), RULE_ID_MAX)
            }
            Raw::Toml(_) => None,
        };
        range.ok_or_else(|| {
            let hint = "write ids from 1 to 999999 as `5710` and ranges as `\"100000-100100\"`, \
                        the lower id first";
            self.item_fault(raw, "not a rule id or a range of them", hint)
        })
    }
}

/// Says what no text of any setting may be.
fn broken_text(text: &str) -> Option<(&'static str, &'static str)> {
    if text.len() > TEXT_BYTES_MAX {
        return Some(("which is longer than 4,096 bytes", "shorten it"));
    }
    if text.chars().any(hides) {
        return Some((
            "which contains a control or invisible character",
            "type the value again instead of pasting it",
        ));
    }
    None
}

/// Says whether a letter cannot be seen: controls, zero-width and direction marks, tag letters.
/// Combining marks, which can be seen, are left alone.
fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Describes a raw value in a few words.
fn described(raw: Raw<'_>) -> String {
    match raw {
        Raw::Word(word) => format!("`{}`", shown(word)),
        Raw::Toml(DeValue::String(text)) => format!("`\"{}\"`", shown(text)),
        Raw::Toml(DeValue::Integer(digits)) => format!("`{}`", shown(digits.as_str())),
        Raw::Toml(DeValue::Float(digits)) => format!("`{}`", shown(digits.as_str())),
        Raw::Toml(DeValue::Boolean(position)) => format!("`{position}`"),
        Raw::Toml(DeValue::Datetime(_)) => "a date or time".to_owned(),
        Raw::Toml(DeValue::Array(_)) => "a list".to_owned(),
        Raw::Toml(DeValue::Table(_)) => "a table".to_owned(),
    }
}

/// Writes a list of words as `a`, `b` or `c`.
pub(crate) fn alternatives(words: &[&str]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        let joint = match (index, words.len() - index) {
            (0, _) => "",
            (_, 1) => " or ",
            _ => ", ",
        };
        text.push_str(&format!("{joint}`{word}`"));
    }
    text
}
