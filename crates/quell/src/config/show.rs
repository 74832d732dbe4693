//! Shows a loaded configuration: every value, and where it came from.
//!
//! The text is itself a configuration file, so that an operator may copy from it. It promises
//! never to contain a secret, nor the part of a webhook's address that may be one.

use super::Loaded;
use super::duration::duration_text;
use super::private::Url;
use super::problem::shown;
use super::settings::{Entry, Origin, SecretSource, Value};
use super::table::{Kind, Privacy, Setting};
use serde_json::{Map, json};

/// How far to the right the origins are lined up at most. Longer lines push theirs out.
const COLUMN_MAX: usize = 60;

/// Shows every setting as a line of a configuration file, with its origin.
pub(crate) fn show(loaded: &Loaded) -> String {
    let mut lines: Vec<(String, Option<String>)> = Vec::new();
    let mut current = None;
    for (section, instance, setting, entry) in loaded.settings.in_order() {
        if current != Some((section.path, instance)) {
            if current.is_some() {
                lines.push((String::new(), None));
            }
            lines.push((section.header(), None));
            current = Some((section.path, instance));
        }
        let line = format!("{} = {}", setting.key, toml_text(setting, &entry.value));
        lines.push((line, Some(format!("# {}", note(loaded, entry)))));
    }
    let width = lines
        .iter()
        .filter(|(_, origin)| origin.is_some())
        .map(|(line, _)| line.chars().count())
        .filter(|width| *width <= COLUMN_MAX)
        .max()
        .unwrap_or(0);
    let mut text = format!("# {}\n\n", file_text(loaded));
    for (line, origin) in lines {
        match origin {
            Some(origin) => text.push_str(&format!("{line:<width$}  {origin}\n")),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Shows the same for a program.
pub(crate) fn show_json(loaded: &Loaded) -> serde_json::Value {
    let mut settings = Map::new();
    for (section, instance, setting, entry) in loaded.settings.in_order() {
        let from = match &entry.origin {
            Origin::Standard => json!({"kind": "default"}),
            Origin::File { line, column, .. } => {
                json!({"kind": "file", "file": loaded.file, "line": line, "column": column})
            }
            Origin::Environment(name) => json!({"kind": "environment", "name": name}),
        };
        let value = json_value(setting, &entry.value);
        let path = section.key_path(instance, setting.key);
        settings.insert(path, json!({"value": value, "from": from}));
    }
    let warnings: Vec<serde_json::Value> =
        loaded.warnings.iter().map(super::Problem::to_json).collect();
    json!({"file": loaded.file, "settings": settings, "warnings": warnings})
}

fn file_text(loaded: &Loaded) -> String {
    match &loaded.file {
        Some(file) => format!("read from {}", shown(file)),
        None => "no configuration file: these are the defaults and the environment".to_owned(),
    }
}

/// Says where a value came from, and of a secret whether there is one.
fn note(loaded: &Loaded, entry: &Entry) -> String {
    let from = format!("from {}", origin_text(loaded, &entry.origin));
    match &entry.value {
        Value::Secret(source) => match (secret_note(source), &source.variable) {
            (Some(secret), Some(_)) => secret,
            (Some(secret), None) => format!("{secret}; {from}"),
            (None, _) => from,
        },
        _ => from,
    }
}

fn origin_text(loaded: &Loaded, origin: &Origin) -> String {
    match origin {
        Origin::Standard => "default".to_owned(),
        Origin::File { line, .. } => {
            format!("{}:{line}", loaded.file.as_deref().map(shown).unwrap_or_default())
        }
        Origin::Environment(name) => format!("environment {name}"),
    }
}

/// Says that a secret is there and where it is, or `None` if there is none.
fn secret_note(source: &SecretSource) -> Option<String> {
    source.secret.as_ref()?;
    match (&source.variable, &source.file) {
        (Some(variable), _) => Some(format!("(set, from environment {variable})")),
        (None, Some(file)) => Some(format!("(set, from file {})", shown(&file.to_string_lossy()))),
        (None, None) => None,
    }
}

fn shown_url(setting: &Setting, url: &Url) -> String {
    match setting.kind {
        Kind::Url(Privacy::Masked) => url.masked(),
        _ => url.as_str().to_owned(),
    }
}

/// Writes a value as TOML.
fn toml_text(setting: &Setting, value: &Value) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match value {
        Value::Text(text) => quoted(text),
        Value::Path(path) | Value::Secret(SecretSource { file: path, .. }) => {
            quoted(&path.as_deref().map(std::path::Path::to_string_lossy).unwrap_or_default())
        }
        Value::Integer(number) => number.to_string(),
        Value::Duration(duration) => quoted(&duration_text(*duration)),
        Value::Switch(position) => position.to_string(),
        Value::Texts(texts) => list(texts.iter().map(|text| quoted(text)).collect()),
        Value::Rules(rules) => list(
            rules
                .iter()
                .map(|range| match range.first == range.last {
                    true => range.to_string(),
                    false => quoted(&range.to_string()),
                })
                .collect(),
        ),
        Value::Choice(word) => quoted(word),
        Value::Address(address) => {
            quoted(&address.map(|address| address.to_string()).unwrap_or_default())
        }
        Value::Url(url) => quoted(&shown_url(setting, url)),
    }
}

fn json_value(setting: &Setting, value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text),
        Value::Path(path) => json!(path.as_deref().map(std::path::Path::to_string_lossy)),
        Value::Integer(number) => json!(number),
        Value::Duration(duration) => json!(duration_text(*duration)),
        Value::Switch(position) => json!(position),
        Value::Texts(texts) => json!(texts),
        Value::Rules(rules) => {
            json!(rules.iter().map(ToString::to_string).collect::<Vec<String>>())
        }
        Value::Choice(word) => json!(word),
        Value::Address(address) => json!(address.map(|address| address.to_string())),
        Value::Url(url) => json!(shown_url(setting, url)),
        Value::Secret(source) => json!(secret_note(source)),
    }
}

/// Writes a text in TOML's double quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\'' => quoted.push(letter),
            // What Rust would escape cannot be seen, so it is written as a number here too.
            _ if letter.escape_debug().count() > 1 => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quoted_text_is_read_back_as_it_was() {
        for text in ["", "a\"b\\c'd", "tab\tbell\u{7}", "\u{202e}\u{e4}\u{1f600}", "e\u{301}"] {
            let line = format!("x = {}", quoted(text));
            let table = toml::de::DeTable::parse(&line).unwrap();
            assert_eq!(table.get_ref().get("x").unwrap().get_ref().as_str(), Some(text), "{line}");
        }
    }
}
