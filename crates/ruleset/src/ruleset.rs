//! A ruleset: decoders, rules and lists, loaded from texts that the caller has read.

mod pattern_info;

use std::sync::Arc;

use crate::condition::list::CdbList;
use crate::decoder::{self, Decoders};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::rule::{self, Rules};

pub use pattern_info::PatternInfo;

/// The texts to load, in order: all decoders, then all rules, each in the order of their file names.
#[derive(Debug, Clone, Default)]
pub struct Source {
    decoders: Vec<(String, Vec<u8>)>,
    rules: Vec<(String, Vec<u8>)>,
    lists: Vec<(String, Option<Vec<u8>>)>,
}

impl Source {
    /// Adds a file of decoders. The name appears in messages.
    pub fn add_decoders(&mut self, name: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.decoders.push((name.into(), text.into()));
    }

    /// Adds a file of rules. The name appears in messages.
    pub fn add_rules(&mut self, name: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.rules.push((name.into(), text.into()));
    }

    /// Declares a CDB list by the path that rules name (`etc/lists/x`). `None`: its file can't be read.
    pub fn add_list(&mut self, path: impl Into<String>, text: Option<Vec<u8>>) {
        self.lists.push((path.into(), text));
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.decoders.len() + self.rules.len() + self.lists.len()
    }

    /// The files of decoders, in order: name and text.
    pub fn decoder_files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.decoders.iter().map(|(name, text)| (name.as_str(), text.as_slice()))
    }

    /// The lists, in order: the path that rules name, and the text if there is one.
    pub fn lists(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.lists.iter().map(|(path, text)| (path.as_str(), text.as_deref()))
    }

    /// The names of the files of rules, in order.
    pub fn rule_files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.rules.iter().map(|(name, text)| (name.as_str(), text.as_slice()))
    }
}

/// Settings of a Wazuh manager that change what rules mean.
#[derive(Debug, Clone)]
pub struct Options {
    /// The lowest level that makes an alert: `log_alert_level`, 3 in the shipped configuration.
    pub log_alert_level: u8,
    /// The lowest level that says `mail`: `email_alert_level`.
    pub email_alert_level: u8,
    /// Rules, by id, that get level 0 when all is loaded, as a later `overwrite` would do it: they keep their places in the tree,
    /// make no alert, and support no correlation.
    pub silent: Vec<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Options { log_alert_level: 3, email_alert_level: 12, silent: Vec::new() }
    }
}

/// What loading gave.
#[derive(Debug)]
pub struct Loaded {
    /// The ruleset; nothing when real Wazuh would refuse to start with these files.
    pub ruleset: Option<Arc<Ruleset>>,
    /// All that was found wrong or odd, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// Nodes of the rule tree, a rule counted once for each way that leads to it.
    pub rules_in_tree: u64,
}

/// A loaded ruleset. Immutable; share it between sessions.
#[derive(Debug, Default)]
pub struct Ruleset {
    pub(crate) decoders: Decoders,
    pub(crate) rules: Rules,
    pub(crate) lists: Vec<CdbList>,
    list_names: Vec<String>,
    pub(crate) options: Options,
    decoder_files: Vec<String>,
    rule_files: Vec<String>,
}

/// Loads a ruleset, and says what real Wazuh would say about it.
pub fn load(source: &Source, options: &Options) -> Loaded {
    let mut ruleset = Ruleset {
        options: options.clone(),
        decoder_files: source.decoders.iter().map(|(name, _)| name.clone()).collect(),
        rule_files: source.rules.iter().map(|(name, _)| name.clone()).collect(),
        ..Ruleset::default()
    };
    let mut diagnostics = Vec::new();
    let complete = load_parts(source, &mut ruleset, &mut diagnostics).is_ok();
    if !complete {
        return Loaded { ruleset: None, diagnostics, rules_in_tree: 0 };
    }
    let rules_in_tree = ruleset.rules.nodes();
    Loaded { ruleset: Some(Arc::new(ruleset)), diagnostics, rules_in_tree }
}

fn load_parts(
    source: &Source,
    ruleset: &mut Ruleset,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), decoder::load::Refused> {
    for (file, (name, text)) in source.decoders.iter().enumerate() {
        let mut findings = Findings::new(name);
        let answer = decoder::load::load(text, file, &mut ruleset.decoders, &mut findings);
        diagnostics.append(&mut findings.list);
        answer?;
    }
    let mut findings = Findings::new("");
    let answer = decoder::load::finish(&mut ruleset.decoders, &mut findings);
    diagnostics.append(&mut findings.list);
    answer?;
    for (path, text) in &source.lists {
        let Some(text) = text else {
            let message =
                format!("Could not open file '{path}' due to [(2)-(No such file or directory)].");
            diagnostics.push(Diagnostic::new(Severity::Warning, Some(1103), message));
            continue;
        };
        ruleset.lists.push(CdbList::parse(text));
        ruleset.list_names.push(path.clone());
    }
    let mut shared = rule::load::Shared::new();
    for (file, (name, text)) in source.rules.iter().enumerate() {
        let mut findings = Findings::new(name);
        let answer = rule::load::load(text, file, ruleset, &mut shared, &mut findings);
        diagnostics.append(&mut findings.list);
        answer?;
    }
    ruleset.rules.finish();
    let silent = &ruleset.options.silent;
    for rule in ruleset.rules.all.iter_mut().filter(|rule| silent.contains(&rule.id)) {
        rule.level = 0;
    }
    crate::alert_json::prepare(&mut ruleset.rules, &ruleset.options);
    Ok(())
}

impl Ruleset {
    pub(crate) fn list_index(&self, path: &str) -> Option<usize> {
        self.list_names.iter().position(|known| known == path)
    }

    /// How many rules are loaded.
    pub fn rule_count(&self) -> usize {
        self.rules.all.len()
    }

    /// How many decoders are loaded.
    pub fn decoder_count(&self) -> usize {
        self.decoders.all.len()
    }

    /// Lists the rules in the order of loading.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        self.rules.all.iter().map(|rule| self.rule_info(rule))
    }

    /// Finds a rule by its id.
    pub fn rule(&self, id: u32) -> Option<RuleInfo<'_>> {
        let index = self.rules.by_id.get(&id)?;
        self.rules.get(*index).map(|rule| self.rule_info(rule))
    }

    /// Finds the rules that a rule hangs below: `if_sid`, `if_group`, `if_level`, or the roots of its category.
    pub fn parents(&self, id: u32) -> Vec<u32> {
        let Some(index) = self.rules.by_id.get(&id) else { return Vec::new() };
        let parents = self.rules.all.iter().filter(|rule| rule.children.contains(index));
        parents.map(|rule| rule.id).collect()
    }

    /// Says whether an event can end with this rule. It can't with one that only groups others (`noalert`), nor with one below which
    /// a rule without any condition takes what is left.
    pub fn can_be_final(&self, id: u32) -> bool {
        let rule = self.rules.by_id.get(&id).and_then(|index| self.rules.get(*index));
        let takes_all = |child: &rule::Rule| {
            child.conditions.is_empty() && child.correlation.is_none() && !child.noalert
        };
        let mut children = rule.iter().flat_map(|rule| &rule.children);
        rule.is_some_and(|rule| !rule.noalert)
            && !children.any(|child| self.rules.get(*child).is_some_and(takes_all))
    }

    /// Says whether this rule can turn away an event that comes to it: one without a condition of its own takes what its siblings left.
    pub fn can_turn_away(&self, id: u32) -> bool {
        let rule = self.rules.by_id.get(&id).and_then(|index| self.rules.get(*index));
        rule.is_some_and(|rule| !rule.conditions.is_empty() || rule.correlation.is_some())
    }

    pub(crate) fn rule_info<'r>(&'r self, rule: &'r rule::Rule) -> RuleInfo<'r> {
        let (file, line) = rule.place;
        let file = self.rule_files.get(file).map_or("", String::as_str);
        RuleInfo {
            id: rule.id,
            level: rule.level,
            groups: &rule.groups,
            file,
            line,
            description: String::from_utf8_lossy(&rule.description.text),
        }
    }

    /// Lists the decoders in the order of loading: name, file, line.
    pub fn decoders(&self) -> impl Iterator<Item = DecoderInfo<'_>> {
        self.decoders.all.iter().map(|decoder| {
            let (file, line) = decoder.place;
            let file = self.decoder_files.get(file).map_or("", String::as_str);
            DecoderInfo { name: &decoder.name, parent: decoder.parent.as_deref(), file, line }
        })
    }
}

/// What people want to know about a rule.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the rule language")]
pub struct RuleInfo<'r> {
    pub id: u32,
    pub level: u8,
    /// The names as the files have them, with commas between.
    pub groups: &'r str,
    pub file: &'r str,
    pub line: usize,
    pub description: std::borrow::Cow<'r, str>,
}

/// What people want to know about a decoder.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the rule language")]
pub struct DecoderInfo<'r> {
    pub name: &'r str,
    pub parent: Option<&'r str>,
    pub file: &'r str,
    pub line: usize,
}
