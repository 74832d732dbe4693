//! One recording: its files, the events that were sent, and what Wazuh did with them.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::alert;
use super::engine::Material;
use super::stock::Stock;

/// Where a recording's own files lie for the engine, as the recorded messages show.
const RULES_FOLDER: &str = "etc/rules";
const LISTS_FOLDER: &str = "etc/lists/";
const OWN_RULES: &str = "local_rules.xml";
const OWN_DECODERS: &str = "etc/decoders/local_decoder.xml";

/// A file by the name that messages show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A recording.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
    under: Under,
    decoders: Option<NamedFile>,
    rules: Vec<NamedFile>,
    lists: Vec<List>,
    pub(crate) events: Vec<Event>,
    pub(crate) load: Value,
}

/// What is loaded before the recording's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    Base,
    Stock,
}

/// A list that the configuration declares; its file may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// An event with its recorded result.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) epoch_seconds: i64,
    pub(crate) location: String,
    pub(crate) log: Vec<u8>,
    pub(crate) expected: Value,
}

/// The files without which Wazuh would not start on a small recording.
#[derive(Debug)]
pub(crate) struct Base {
    decoders: NamedFile,
    rules: NamedFile,
}

impl Base {
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Base> {
        let file = |name: &str, shown: &str| {
            anyhow::Ok(NamedFile { name: shown.to_owned(), bytes: read(&folder.join(name))? })
        };
        Ok(Base {
            decoders: file("decoders.xml", "ruleset/decoders/base_decoders.xml")?,
            rules: file("rules.xml", "ruleset/rules/base_rules.xml")?,
        })
    }
}

impl Case {
    /// Lists everything that this recording loads, in order.
    pub(crate) fn material<'a>(&'a self, base: &'a Base, stock: &'a Stock) -> Material<'a> {
        let mut material = match self.under {
            Under::Nothing => Material::default(),
            Under::Base => Material {
                decoders: vec![&base.decoders],
                rules: vec![&base.rules],
                lists: Vec::new(),
            },
            Under::Stock => stock.material(),
        };
        material.decoders.extend(&self.decoders);
        material.rules.extend(&self.rules);
        material.lists.extend(&self.lists);
        material
    }

    /// Says whether Wazuh refused the files, so that no event was sent.
    pub(crate) fn is_refused(&self) -> bool {
        self.load.get("accepted").and_then(Value::as_bool) == Some(false)
    }

    fn read(folder: &Path) -> anyhow::Result<Case> {
        let text = String::from_utf8(read(&folder.join("case.toml"))?)?;
        let table: toml::Table = text.parse()?;
        let words = |key: &str| -> Vec<String> {
            let items = table.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let word = |key: &str| table.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let under = match (word("ruleset"), table.get("base").and_then(toml::Value::as_bool)) {
            ("stock", _) => Under::Stock,
            (_, Some(false)) => Under::Nothing,
            _ => Under::Base,
        };
        let own_decoders = read_if_there(&folder.join("decoders.xml"))?;
        Ok(Case {
            name: word("name").to_owned(),
            features: words("features"),
            under,
            decoders: own_decoders.map(|bytes| NamedFile { name: OWN_DECODERS.to_owned(), bytes }),
            rules: read_rules(folder)?,
            lists: read_lists(folder, words("lists"))?,
            events: read_events(folder)?,
            load: serde_json::from_slice(&read(&folder.join("load.json"))?)?,
        })
    }
}

/// Reads all recordings, in the order of their names.
pub(crate) fn read_all(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let listing = fs::read_dir(folder);
    let listing = listing.with_context(|| format!("can't list `{}`", folder.display()))?;
    let mut cases = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.is_dir() {
            let case = Case::read(&path);
            cases.push(case.with_context(|| format!("can't read `{}`", path.display()))?);
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

/// Reads the recording's rule files, which Wazuh loads by name.
fn read_rules(folder: &Path) -> anyhow::Result<Vec<NamedFile>> {
    let mut files = Vec::new();
    if let Some(bytes) = read_if_there(&folder.join("rules.xml"))? {
        files.push(NamedFile { name: format!("{RULES_FOLDER}/{OWN_RULES}"), bytes });
    }
    let more = folder.join("rules.d");
    if more.is_dir() {
        files.extend(read_folder(&more, RULES_FOLDER)?);
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

fn read_lists(folder: &Path, names: Vec<String>) -> anyhow::Result<Vec<List>> {
    let read_list = |name: String| {
        let file = name.strip_prefix(LISTS_FOLDER).unwrap_or(&name);
        let bytes = read_if_there(&folder.join("lists").join(file))?;
        Ok(List { name, bytes })
    };
    names.into_iter().map(read_list).collect()
}

/// Pairs the events with their results. Where the files were refused there are no results, and
/// nothing to send.
fn read_events(folder: &Path) -> anyhow::Result<Vec<Event>> {
    let lines = |name: &str| {
        let text = read_if_there(&folder.join(name))?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| Ok(serde_json::from_slice(line)?)).collect::<anyhow::Result<Vec<Value>>>()
    };
    let pair = |(event, expected): (Value, Value)| {
        let log = match event.get("log_b64").and_then(Value::as_str) {
            Some(base64) => alert::decode(base64)?,
            None => text(&event, "log").as_bytes().to_vec(),
        };
        let location = text(&event, "location").to_owned();
        let epoch_seconds =
            event.get("t").and_then(Value::as_i64).context("an event lacks its time")?;
        Ok(Event { epoch_seconds, location, log, expected })
    };
    let (events, expected) = (lines("events.jsonl")?, lines("expected.jsonl")?);
    ensure!(
        expected.is_empty() || expected.len() == events.len(),
        "{} events have {} results",
        events.len(),
        expected.len()
    );
    events.into_iter().zip(expected).map(pair).collect()
}

fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reads the XML files of a folder, in the order of their names, under a folder that is shown.
pub(crate) fn read_folder(folder: &Path, shown: &str) -> anyhow::Result<Vec<NamedFile>> {
    let listing = fs::read_dir(folder);
    let listing = listing.with_context(|| format!("can't list `{}`", folder.display()))?;
    let mut files = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push(NamedFile { name: format!("{shown}/{name}"), bytes: read(&path)? });
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("can't read `{}`", path.display()))
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    if path.is_file() { read(path).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::compare;
    use crate::conformance::engine::Mode;

    impl Case {
        /// A recording without files and events.
        pub(crate) fn for_tests(name: &str, features: &[&str]) -> Case {
            Case {
                name: name.to_owned(),
                features: features.iter().map(|feature| (*feature).to_owned()).collect(),
                under: Under::Nothing,
                decoders: None,
                rules: Vec::new(),
                lists: Vec::new(),
                events: Vec::new(),
                load: Value::Null,
            }
        }
    }

    #[test]
    fn every_recording_at_hand_can_be_read_and_agrees_with_itself() {
        let shared =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance/cases"));
        if !shared.is_dir() {
            println!("skipped: no recordings at `{}`", shared.display());
            return;
        }
        let cases = read_all(shared).unwrap();
        assert!(!cases.is_empty());
        for case in &cases {
            assert!(case.is_refused() || !case.events.is_empty(), "{}", case.name);
            for event in &case.events {
                for mode in [Mode::Daemon, Mode::Logtest] {
                    let recorded = compare::whole(event, mode);
                    assert_eq!(compare::event(event, &recorded, mode), [], "{}", case.name);
                }
            }
        }
    }
}
