//! Settings as values: what each one is, and where it came from.
//!
//! While a configuration is read this is a [`Draft`], in which the environment replaces the file.
//! When it is complete it is [`Settings`], with exactly one value for each setting that could be
//! read. The typed structs, the rules between settings and `quell config show` all read from it.

use super::private::{Secret, Url};
use super::table::{Kind, SECTIONS, Section, Setting};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A rule id, or a range of them with both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleRange {
    /// The lowest id.
    pub(crate) first: u32,
    /// The highest id.
    pub(crate) last: u32,
}

impl RuleRange {
    /// Reads `5710` or `100000-100100`.
    pub(crate) fn parse(text: &str, id_max: u32) -> Option<RuleRange> {
        let id = |digits: &str| -> Option<u32> {
            let digits = digits.trim();
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|id| is_number && (1..=id_max).contains(id))
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = RuleRange { first: id(first)?, last: id(last)? };
        (range.first <= range.last).then_some(range)
    }

    /// Says whether the rule is in the range.
    pub(crate) fn contains(&self, rule: u32) -> bool {
        (self.first..=self.last).contains(&rule)
    }
}

impl std::fmt::Display for RuleRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}-{}", self.first, self.last)
        }
    }
}

/// Where a secret comes from, and the secret itself once it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecretSource {
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
    /// The environment variable that gave it, which wins over the file.
    pub(crate) variable: Option<String>,
    /// The secret.
    pub(crate) secret: Option<Secret>,
}

impl SecretSource {
    /// Names a file that has not been read yet.
    pub(crate) fn file(file: Option<PathBuf>) -> SecretSource {
        SecretSource { file, variable: None, secret: None }
    }
}

/// One checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Path(Option<PathBuf>),
    Integer(u32),
    Duration(Duration),
    Switch(bool),
    Texts(Vec<String>),
    Rules(Vec<RuleRange>),
    Choice(&'static str),
    Address(Option<SocketAddr>),
    Url(Url),
    Secret(SecretSource),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody gave it.
    Standard,
    /// The file gave it: the value stands at `at`, and `quote` may be shown with it.
    File { line: usize, column: usize, at: Range<usize>, quote: Range<usize> },
    /// This environment variable gave it.
    Environment(String),
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The place of one setting: section path, number of the table, key.
pub(crate) type Slot = (&'static str, usize, &'static str);

/// What was given so far. `None` marks a value that was given and could not be read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) given: BTreeMap<Slot, (Option<Value>, Origin)>,
    /// Secrets that the environment gave, with the names of the variables. `None` marks one that
    /// could not be used.
    pub(crate) secrets: BTreeMap<Slot, (Option<Secret>, String)>,
    /// Where each table of a repeated section begins.
    pub(crate) tables: BTreeMap<&'static str, Vec<Origin>>,
    /// Is true after a syntax error, when something that was given may be missing here.
    pub(crate) is_partial: bool,
}

impl Draft {
    /// Counts the tables of a section. A section that is not repeated is always there once.
    pub(crate) fn count(&self, section: &Section) -> usize {
        match section.repeated {
            true => self.tables.get(section.path).map_or(0, Vec::len),
            false => 1,
        }
    }
}

/// Every setting that could be read, with its value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    entries: BTreeMap<Slot, Entry>,
    counts: BTreeMap<&'static str, usize>,
}

impl Settings {
    /// Says how many tables a section has.
    pub(crate) fn set_count(&mut self, section: &'static str, count: usize) {
        self.counts.insert(section, count);
    }

    /// Adds a value.
    pub(crate) fn insert(&mut self, slot: Slot, entry: Entry) {
        self.entries.insert(slot, entry);
    }

    /// Returns one table of a section.
    pub(crate) fn view<'a>(&'a self, section: &'static str, instance: usize) -> View<'a> {
        View { settings: self, section, instance }
    }

    /// Returns every table of a section, in order.
    pub(crate) fn views<'a>(&'a self, section: &'static str) -> impl Iterator<Item = View<'a>> {
        let count = self.counts.get(section).copied().unwrap_or(0);
        (0..count).map(move |instance| self.view(section, instance))
    }

    /// Returns every value in the order of the table, section by section.
    pub(crate) fn in_order(
        &self,
    ) -> impl Iterator<Item = (&'static Section, usize, &'static Setting, &Entry)> {
        SECTIONS.iter().copied().flat_map(move |section| {
            self.views(section.path).flat_map(move |view| {
                section.settings.iter().filter_map(move |setting| {
                    Some((section, view.instance, setting, view.entry(setting.key)?))
                })
            })
        })
    }
}

/// One table of a section. Each getter returns `None` for a value that could not be read, or
/// whose kind in the table is another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    settings: &'a Settings,
    pub(crate) section: &'static str,
    pub(crate) instance: usize,
}

impl<'a> View<'a> {
    /// Returns a value with its origin.
    pub(crate) fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        self.settings.entries.get(&(self.section, self.instance, key))
    }

    fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<&'a str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a path that may be empty.
    pub(crate) fn optional_path(&self, key: &'static str) -> Option<Option<&'a Path>> {
        match self.value(key)? {
            Value::Path(path) => Some(path.as_deref()),
            _ => None,
        }
    }

    /// Returns a path that may not be empty.
    pub(crate) fn path(&self, key: &'static str) -> Option<&'a Path> {
        self.optional_path(key)?
    }

    pub(crate) fn integer(&self, key: &'static str) -> Option<u32> {
        match self.value(key)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a number whose range in the table fits a byte, such as a level or a weight.
    pub(crate) fn small(&self, key: &'static str) -> Option<u8> {
        u8::try_from(self.integer(key)?).ok()
    }

    pub(crate) fn duration(&self, key: &'static str) -> Option<Duration> {
        match self.value(key)? {
            Value::Duration(duration) => Some(*duration),
            _ => None,
        }
    }

    pub(crate) fn switch(&self, key: &'static str) -> Option<bool> {
        match self.value(key)? {
            Value::Switch(position) => Some(*position),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, key: &'static str) -> Option<&'a [String]> {
        match self.value(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    pub(crate) fn rules(&self, key: &'static str) -> Option<&'a [RuleRange]> {
        match self.value(key)? {
            Value::Rules(rules) => Some(rules),
            _ => None,
        }
    }

    pub(crate) fn choice(&self, key: &'static str) -> Option<&'static str> {
        match self.value(key)? {
            Value::Choice(word) => Some(word),
            _ => None,
        }
    }

    /// Returns an address that may be empty.
    pub(crate) fn optional_address(&self, key: &'static str) -> Option<Option<SocketAddr>> {
        match self.value(key)? {
            Value::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// Returns an address that may not be empty.
    pub(crate) fn address(&self, key: &'static str) -> Option<SocketAddr> {
        self.optional_address(key)?
    }

    pub(crate) fn url(&self, key: &'static str) -> Option<&'a Url> {
        match self.value(key)? {
            Value::Url(url) => Some(url),
            _ => None,
        }
    }

    pub(crate) fn secret(&self, key: &'static str) -> Option<&'a SecretSource> {
        match self.value(key)? {
            Value::Secret(source) => Some(source),
            _ => None,
        }
    }
}

impl Kind {
    /// Returns the empty list of a list kind.
    pub(crate) fn empty_list(self) -> Option<Value> {
        match self {
            Kind::Texts => Some(Value::Texts(Vec::new())),
            Kind::Rules => Some(Value::Rules(Vec::new())),
            _ => None,
        }
    }
}
