//! Completes a draft: fills in the defaults, reads the files of secrets, and tells what is missing.
//!
//! What was given and could not be read stays absent, so that the same mistake is not told twice
//! in two ways.

use super::private::Secret;
use super::problem::{Report, Severity, shown};
use super::read::{Raw, read};
use super::settings::{Draft, Entry, Origin, SecretSource, Settings, Slot, Value};
use super::table::{SECTIONS, Section, Setting, Standard};
use std::io;
use std::path::Path;

/// Turns a draft into settings.
pub(crate) fn complete(
    mut draft: Draft,
    report: &mut Report<'_>,
    reader: &impl Fn(&Path) -> io::Result<String>,
) -> Settings {
    let mut settings = Settings::default();
    for section in SECTIONS.iter().copied() {
        let count = draft.count(section);
        settings.set_count(section.path, count);
        for instance in 0..count {
            for setting in section.settings {
                let slot = (section.path, instance, setting.key);
                let given = draft.given.remove(&slot);
                let entry = match given {
                    Some((value, origin)) => value.map(|value| Entry { value, origin }),
                    None => standard(section, instance, setting, &draft, report),
                };
                let entry = entry.and_then(|entry| {
                    with_secret(entry, slot, section, &mut draft, report, reader)
                });
                if let Some(entry) = entry {
                    settings.insert(slot, entry);
                }
            }
        }
    }
    settings
}

/// Returns the default of a setting, or tells that there is none.
fn standard(
    section: &Section,
    instance: usize,
    setting: &Setting,
    draft: &Draft,
    report: &mut Report<'_>,
) -> Option<Entry> {
    let path = section.key_path(instance, setting.key);
    let value = match setting.standard {
        Standard::Required(_) => {
            report_missing(section, instance, setting, draft, report);
            return None;
        }
        Standard::Text(text) => read(setting, &path, Raw::Word(text)).ok(),
        Standard::Integer(number) => Some(Value::Integer(number)),
        Standard::Switch(position) => Some(Value::Switch(position)),
        Standard::Nothing => setting.kind.empty_list(),
    };
    // A default that does not read by its own rules would be a fault of the table; a test reads
    // each of them. The absent value is then told when the structs are built.
    value.map(|value| Entry { value, origin: Origin::Standard })
}

fn report_missing(
    section: &Section,
    instance: usize,
    setting: &Setting,
    draft: &Draft,
    report: &mut Report<'_>,
) {
    if draft.is_partial {
        return;
    }
    let tables = draft.tables.get(section.path);
    let origin = tables.and_then(|tables| tables.get(instance)).unwrap_or(&Origin::Standard);
    let what = format!("`{}` is missing", section.key_path(instance, setting.key));
    let hint = match (origin, setting.standard) {
        (Origin::Environment(_), _) => {
            let name = section.environment_name(&instance.to_string(), setting.key);
            format!("set {name} too")
        }
        (_, Standard::Required(example)) => {
            format!("add a line such as `{} = \"{example}\"`", setting.key)
        }
        _ => format!("add `{}`", setting.key),
    };
    report.at_origin(Severity::Error, origin, section.path, what, &hint);
}

/// Adds the secret itself to a value that names where it is. The environment wins.
fn with_secret(
    entry: Entry,
    slot: Slot,
    section: &Section,
    draft: &mut Draft,
    report: &mut Report<'_>,
    reader: &impl Fn(&Path) -> io::Result<String>,
) -> Option<Entry> {
    let Value::Secret(source) = entry.value else { return Some(entry) };
    if let Some((secret, variable)) = draft.secrets.remove(&slot) {
        // A secret that could not be used has been told already.
        let secret = Some(secret?);
        let source = SecretSource { variable: Some(variable.clone()), secret, ..source };
        return Some(Entry { value: Value::Secret(source), origin: Origin::Environment(variable) });
    }
    let Some(file) = &source.file else {
        return Some(Entry { value: Value::Secret(source), origin: entry.origin });
    };
    let secret = match reader(file) {
        Ok(text) => Secret::parse(&text).map_err(|why| {
            let hint = "write the secret alone, on one line";
            (format!("the secret in `{}` {why}", shown(&file.to_string_lossy())), hint)
        }),
        Err(error) => {
            let file = shown(&file.to_string_lossy());
            let hint = "check that the file is there and that Quell's user may read it";
            Err((format!("cannot read the secret in `{file}`: {error}"), hint))
        }
    };
    match secret {
        Ok(secret) => {
            let source = SecretSource { secret: Some(secret), ..source };
            Some(Entry { value: Value::Secret(source), origin: entry.origin })
        }
        Err((what, hint)) => {
            let path = section.key_path(slot.1, slot.2);
            report.at_origin(
                Severity::Error,
                &entry.origin,
                &path,
                format!("`{path}`: {what}"),
                hint,
            );
            None
        }
    }
}
