//! The attributes of `<rule>`.

use crate::decoder::load::Refused;
use crate::diagnostic::{Findings, Severity, shown};
use crate::xml::Element;

/// The highest level that means something.
const LEVEL_MAX: u8 = 16;

/// What the attributes say.
pub(super) struct Attributes {
    pub(super) id: u32,
    pub(super) level: u8,
    /// Bytes that an event must have: `maxsize`.
    pub(super) size_min: usize,
    pub(super) frequency: Option<u32>,
    pub(super) timeframe: Option<i64>,
    /// Seconds.
    pub(super) ignore: i64,
    pub(super) overwrite: bool,
    pub(super) noalert: bool,
    pub(super) last: bool,
}

/// Reads a number of at most so many digits and nothing else.
fn number(text: &[u8], digits_max: usize) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= digits_max && text.iter().all(u8::is_ascii_digit);
    plain.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

pub(super) fn read(element: &Element, findings: &mut Findings<'_>) -> Result<Attributes, Refused> {
    let line = element.line;
    let mut attributes = Attributes {
        id: 0,
        level: 0,
        size_min: 0,
        frequency: None,
        timeframe: None,
        ignore: 0,
        overwrite: false,
        noalert: false,
        last: false,
    };
    let (mut id, mut level) = (None, None);
    for attribute in &element.attributes {
        let value = attribute.value.as_slice();
        let wrong = match attribute.name.to_ascii_lowercase().as_str() {
            "id" => {
                id = number(value, 6);
                let bad = id.is_none() && !value.is_empty();
                bad.then(|| {
                    let value = shown(value);
                    format!("rules_op: Invalid rule id: {value}. Must be integer (max 6 digits)")
                })
            }
            "level" => {
                level = number(value, 3).and_then(|n| u8::try_from(n).ok());
                level = level.filter(|level| *level <= LEVEL_MAX);
                None
            }
            "maxsize" => {
                attributes.size_min = number(value, 4).map_or(0, |n| n as usize);
                None
            }
            "frequency" => frequency(value, &mut attributes),
            "timeframe" => {
                attributes.timeframe = number(value, 5).map(i64::from);
                None
            }
            "ignore" => {
                attributes.ignore = number(value, 6).map_or(0, i64::from);
                None
            }
            "overwrite" => overwrite(value, &mut attributes),
            "noalert" => {
                attributes.noalert = value == b"1";
                if !matches!(value, b"0" | b"1") {
                    let message = "Invalid value for attribute 'noalert'";
                    findings.push(Severity::Warning, None, line, message);
                }
                None
            }
            "accuracy" => {
                attributes.last = number(value, 9) == Some(0);
                None
            }
            _ => Some(format!(
                "rules_op: Invalid attribute \"{}\". Only id, level, maxsize, accuracy, noalert, \
                 ignore, frequency and timeframe are allowed.",
                attribute.name
            )),
        };
        if let Some(message) = wrong {
            findings.error(None, line, message);
            findings.error(None, line, "Invalid attribute for rule.");
            return Err(Refused);
        }
    }
    let (Some(id), Some(level)) = (id, level) else {
        // Wazuh has thrown the id away by then, and says 0.
        findings.error(None, line, "No rule id or level specified for rule '0'.");
        findings.note_hint("give `id` (1 to 6 digits) and `level` (0 to 16)");
        return Err(Refused);
    };
    Ok(Attributes { id, level, ..attributes })
}

fn frequency(value: &[u8], attributes: &mut Attributes) -> Option<String> {
    attributes.frequency = number(value, 4).filter(|n| *n > 1);
    let bad = attributes.frequency.is_none();
    bad.then(|| {
        format!(
            "rules_op: Invalid frequency: {}. Must be higher than 1 and lower than 10000.",
            shown(value)
        )
    })
}

fn overwrite(value: &[u8], attributes: &mut Attributes) -> Option<String> {
    attributes.overwrite = value.eq_ignore_ascii_case(b"yes");
    let known = attributes.overwrite || value.eq_ignore_ascii_case(b"no");
    (!known).then(|| {
        format!("rules_op: Invalid overwrite: {}. Can only by 'yes' or 'no'.", shown(value))
    })
}
