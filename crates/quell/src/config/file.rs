//! Walks the configuration file along the table of settings.
//!
//! Every key of the file either becomes a value of the draft or a problem at its line; none is
//! skipped. After a syntax error the reading goes on, so that several errors are told at once, but
//! what the parser may have misread is not judged.
//!
//! It promises to quote only what a problem is about, and nothing that may be a secret.

use super::problem::{Quote, Report, Source, shown};
use super::read::{Raw, alternatives, is_private, read};
use super::settings::{Draft, Origin};
use super::spelling::nearest;
use super::table::{Kind, SECTIONS, Section, Setting};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most tables of one repeated section. A thousand assets are a list for another tool.
pub(crate) const TABLES_MAX: usize = 1_000;

/// Reads the file into the draft.
pub(crate) fn read_file(source: &Source, draft: &mut Draft, report: &mut Report<'_>) {
    let (document, errors) = DeTable::parse_recoverable(source.text());
    let mut walk = Walk { source, draft, report };
    walk.group(document.get_ref(), "");
    draft.is_partial = !errors.is_empty();
    // One error a line: the parser often stumbles again over the rest of it.
    let mut broken: BTreeMap<usize, &toml::de::Error> = BTreeMap::new();
    for error in &errors {
        let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        let first = broken.entry(source.line(start(error))).or_insert(error);
        if start(error) < start(first) {
            *first = error;
        }
    }
    let lost_at = errors
        .iter()
        .filter(|error| !is_contained(error.message()))
        .map(|error| source.line(error.span().map_or(0, |span| span.start)))
        .min();
    // What stands on a broken line, or after an error from which the parser may not have found
    // back, may only look wrong.
    report.retain(|offset| {
        let line = source.line(offset);
        !broken.contains_key(&line) && lost_at.is_none_or(|lost_at| line < lost_at)
    });
    for error in broken.values() {
        report_syntax(source, report, error);
    }
}

/// Says whether a syntax error spoils its own line only.
fn is_contained(message: &str) -> bool {
    message.starts_with("duplicate key") || message.starts_with("string values must be quoted")
}

/// Reports a syntax error. It quotes only the header of a section, since any other line may hold a
/// secret that lacks a quotation mark.
fn report_syntax(source: &Source, report: &mut Report<'_>, error: &toml::de::Error) {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    if message.starts_with("duplicate key") {
        let key = source.text().get(span.clone()).map(shown).unwrap_or_default();
        let what = format!("`{key}` is given twice");
        report.in_file(span.clone(), Quote::Piece(span), what, "keep one of them".to_owned());
        return;
    }
    let hint = if message.starts_with("string values must be quoted") {
        "put a text into double quotes; numbers, `true` and `false` stand alone"
    } else {
        "see https://toml.io for the syntax; `quell config reference` has an example of each key"
    };
    let before = source.text().get(..span.start).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = source.text().get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "[]._- ".contains(letter);
    let quote = match line.starts_with('[') && line.chars().all(is_bare) {
        true => Quote::Piece(line_start..line_start + line.len()),
        false => Quote::Nothing,
    };
    report.in_file(span, quote, format!("not valid TOML: {message}"), hint.to_owned());
}

struct Walk<'a, 'b, 'c> {
    source: &'a Source,
    draft: &'b mut Draft,
    report: &'b mut Report<'c>,
}

impl Walk<'_, '_, '_> {
    /// Walks a table that holds sections: the whole file, or one such as `[intake]`.
    fn group(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if let Some(section) = Section::find(&below) {
                self.section(section, key.span(), value);
            } else if Section::is_group(&below) {
                match value.get_ref() {
                    DeValue::Table(table) => self.group(table, &below),
                    _ => self.not_a_section(key.span(), &below, &format!("[{below}...]")),
                }
            } else {
                self.unknown_section(key.span(), name, &below, value.get_ref());
            }
        }
    }

    fn section(
        &mut self,
        section: &'static Section,
        key: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) {
        match (section.repeated, value.get_ref()) {
            (false, DeValue::Table(table)) => self.settings(section, 0, table),
            (true, DeValue::Array(tables)) => self.tables(section, key, tables),
            _ => self.not_a_section(key, section.path, &section.header()),
        }
    }

    fn tables(
        &mut self,
        section: &'static Section,
        key: Range<usize>,
        tables: &toml::de::DeArray<'_>,
    ) {
        if tables.len() > TABLES_MAX {
            let what = format!("there are more than {TABLES_MAX} `{}`", section.header());
            self.report.in_file(key, Quote::Nothing, what, "take some out".to_owned());
            return;
        }
        for item in tables.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                // The item is not quoted: it is anybody's guess what it was meant to be.
                self.not_a_section(key.clone(), section.path, &section.header());
                return;
            };
            let header = header_span(self.source, item.span());
            let origin = self.origin(header.clone(), header);
            let origins = self.draft.tables.entry(section.path).or_default();
            let instance = origins.len();
            origins.push(origin);
            self.settings(section, instance, table);
        }
    }

    fn settings(&mut self, section: &'static Section, instance: usize, table: &DeTable<'_>) {
        for (key, value) in table {
            match section.setting(key.get_ref()) {
                Some(setting) => self.setting(section, instance, setting, key.span(), value),
                None => self.unknown_key(section, instance, key.span(), key.get_ref()),
            }
        }
    }

    fn setting(
        &mut self,
        section: &'static Section,
        instance: usize,
        setting: &'static Setting,
        key: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let path = section.key_path(instance, setting.key);
        let quote = key.start..value.span().end.max(key.end);
        let origin = self.origin(value.span(), quote.clone());
        let read = match read(setting, &path, Raw::Toml(value.get_ref())) {
            Ok(value) => Some(value),
            Err(faults) => {
                let raw = Raw::Toml(value.get_ref());
                for fault in faults {
                    let at = fault.at.unwrap_or(value.span());
                    let quote = match is_private(setting, raw) {
                        true => Quote::Nothing,
                        false => Quote::Piece(quote.clone()),
                    };
                    self.report.in_file(at, quote, fault.what, fault.hint);
                }
                None
            }
        };
        self.draft.given.insert((section.path, instance, setting.key), (read, origin));
    }

    fn origin(&self, at: Range<usize>, quote: Range<usize>) -> Origin {
        let (line, column) = self.source.position(at.start);
        Origin::File { line, column, at, quote }
    }

    fn not_a_section(&mut self, at: Range<usize>, path: &str, header: &str) {
        let what = format!("`{path}` is a section and cannot be written like this");
        let hint = format!("write `{header}` on a line of its own and the keys below it");
        self.report.in_file(at.clone(), Quote::Piece(at), what, hint);
    }

    fn unknown_section(&mut self, at: Range<usize>, name: &str, path: &str, value: &DeValue<'_>) {
        let is_table = value.is_table() || value.is_array();
        let what = match is_table {
            true => format!("unknown section `{}`", shown(path)),
            false => format!("unknown key `{}`", shown(path)),
        };
        let paths = SECTIONS.iter().map(|section| section.path);
        let groups = ["intake", "publish"];
        let hint = if let Some(homes) = homes_of(name) {
            format!("`{name}` belongs below {homes}")
        } else if let Some(known) = nearest(path, paths.clone().chain(groups)) {
            format!("did you mean `{known}`")
        } else if let Some(known) = paths.clone().find(|known| known.ends_with(&format!(".{name}")))
        {
            format!("did you mean `{known}`")
        } else {
            let known: Vec<&str> = paths.collect();
            format!("the sections are {}", alternatives(&known))
        };
        self.report.in_file(at.clone(), Quote::Piece(at), what, hint);
    }

    fn unknown_key(
        &mut self,
        section: &'static Section,
        instance: usize,
        at: Range<usize>,
        key: &str,
    ) {
        let what = format!("unknown key `{}`", shown(&section.key_path(instance, key)));
        let keys = || section.settings.iter().map(|setting| setting.key);
        let secret_file = format!("{key}_file");
        let hint = if let Some(setting) =
            section.setting(&secret_file).filter(|found| found.kind == Kind::SecretFile)
        {
            let variable = section.environment_name(&instance.to_string(), key);
            format!(
                "secrets do not belong into this file: put it into a file of its own and name that \
                 in `{}`, or set {variable}",
                setting.key
            )
        } else if let Some(known) = nearest(key, keys()) {
            format!("did you mean `{known}`")
        } else if let Some(homes) = homes_of(key) {
            format!("`{key}` belongs below {homes}")
        } else {
            let known: Vec<&str> = keys().collect();
            format!("the keys of `{}` are {}", section.header(), alternatives(&known))
        };
        self.report.in_file(at.clone(), Quote::Piece(at), what, hint);
    }
}

/// Returns the part of a table that may be quoted: `[[model]]`, or only the brace of an inline
/// table, whose contents stand in the same piece.
fn header_span(source: &Source, span: Range<usize>) -> Range<usize> {
    match source.text().get(span.clone()) {
        Some(text) if text.starts_with('{') => span.start..span.start + 1,
        _ => span,
    }
}

/// Names the sections that have a key of this name, or `None` if none has.
fn homes_of(key: &str) -> Option<String> {
    let homes: Vec<String> = SECTIONS
        .iter()
        .filter(|section| section.setting(key).is_some())
        .map(|section| section.header())
        .collect();
    let homes: Vec<&str> = homes.iter().map(String::as_str).collect();
    (!homes.is_empty()).then(|| alternatives(&homes))
}
