//! Reads `<rule>` elements, with Wazuh's own messages about what is wrong.
//!
//! Three things can become of a rule: it is loaded; it is skipped with a warning, and the others live; or real Wazuh would refuse
//! the file and not start, and then so do we. Attributes are in [`attributes`], elements that take a pattern in [`patterns`].

mod attributes;
mod patterns;

use super::condition::{CompiledRule, Condition, ListField, ListTest};
use super::correlation::{self, Compared, Correlation, Earlier, Likeness};
use super::description::Description;
use super::options::RuleOptions;
use super::{Parents, Rule};
use crate::category::Category;
use crate::condition::address::{AddressSet, Negation};
use crate::condition::list::Lookup;
use crate::condition::time::{TimeRange, WeekdaySet};
use crate::decoder::load::Refused;
use crate::diagnostic::{Findings, Severity, shown};
use crate::fields::StaticField;
use crate::pattern::Language;
use crate::ruleset::Ruleset;
use crate::xml::{self, Element};
use attributes::Attributes;
use patterns::Patterns;
pub(crate) use patterns::Shared;

/// What became of a rule.
pub(crate) type Answer<T> = Result<T, Refused>;

/// Adds the rules of one file to the tree.
pub(crate) fn load(
    text: &[u8],
    file: usize,
    ruleset: &mut Ruleset,
    shared: &mut Shared,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let answer = match xml::read(text) {
        Ok(roots) => roots.iter().try_for_each(|root| group(root, file, ruleset, shared, findings)),
        Err(error) => {
            let (code, message) = error.message(findings.file);
            findings.error(code, error.line, message);
            Err(Refused)
        }
    };
    if answer.is_err() {
        let message = format!("Error loading the rules: '{}'.", findings.file);
        findings.push(Severity::Critical, 1220, 0, message);
    }
    answer
}

fn group(
    root: &Element,
    file: usize,
    ruleset: &mut Ruleset,
    shared: &mut Shared,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    if !root.is("group") {
        let message =
            format!("rules_op: Invalid root element \"{}\".Only \"group\" is allowed", root.name);
        return refuse(findings, root.line, message);
    }
    let [name] = root.attributes.as_slice() else {
        let message = "rules_op: Invalid root element 'group'.Only the group name is allowed";
        return refuse(findings, root.line, message);
    };
    if !name.name.eq_ignore_ascii_case("name") {
        let message = "rules_op: Invalid root element 'group'.Only the group name is allowed";
        return refuse(findings, root.line, message);
    }
    for element in &root.children {
        if !element.is("rule") {
            let message =
                format!("Invalid configuration. '{}' is not a valid element.", element.name);
            return refuse(findings, element.line, message);
        }
        rule(element, &name.value, file, ruleset, shared, findings)?;
    }
    Ok(())
}

fn refuse<T>(findings: &mut Findings<'_>, line: usize, message: impl Into<String>) -> Answer<T> {
    findings.error(None, line, message);
    Err(Refused)
}

/// A rule while its elements are read.
struct Draft<'r> {
    attributes: Attributes,
    ruleset: &'r Ruleset,
    line: usize,
    groups: Vec<u8>,
    description: Option<Description>,
    category: Option<Category>,
    parents: ParentsDraft,
    patterns: Patterns,
    conditions: Vec<Condition>,
    source: AddressSet,
    destination: AddressSet,
    matched: Matched,
    same: Vec<Compared>,
    different: Vec<Compared>,
    global: bool,
    options: RuleOptions,
    info: Vec<u8>,
    cve: Vec<u8>,
    mitre: Vec<String>,
    /// A reason, told already, for which the rule is left out.
    skipped: bool,
}

/// The texts of `if_sid` and its like: repeated elements are joined.
#[derive(Default)]
struct ParentsDraft {
    sid: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    level: Option<Vec<u8>>,
}

#[derive(Default)]
struct Matched {
    sid: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    regex: Option<Vec<u8>>,
}

fn join(into: &mut Option<Vec<u8>>, text: &[u8]) {
    into.get_or_insert_default().extend_from_slice(text);
}

fn rule(
    element: &Element,
    file_group: &[u8],
    file: usize,
    ruleset: &mut Ruleset,
    shared: &mut Shared,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let attributes = attributes::read(element, findings)?;
    if element.children.is_empty() {
        let message = format!(
            "Rule '{}' without any option. It may lead to false positives and some other problems \
             for the system. Exiting.",
            attributes.id
        );
        return refuse(findings, element.line, message);
    }
    let mut draft = Draft::new(attributes, file_group, element.line, ruleset);
    for child in &element.children {
        draft.element(child, findings)?;
    }
    if let Some(rule) = draft.finish(file, shared, findings)? {
        super::link::add(rule, ruleset, element.line, findings);
    }
    Ok(())
}

impl<'r> Draft<'r> {
    fn new(attributes: Attributes, file_group: &[u8], line: usize, ruleset: &'r Ruleset) -> Self {
        Draft {
            attributes,
            ruleset,
            line,
            groups: file_group.to_vec(),
            description: None,
            category: None,
            parents: ParentsDraft::default(),
            patterns: Patterns::default(),
            conditions: Vec::new(),
            source: AddressSet::default(),
            destination: AddressSet::default(),
            matched: Matched::default(),
            same: Vec::new(),
            different: Vec::new(),
            global: false,
            options: RuleOptions::default(),
            info: Vec::new(),
            cve: Vec::new(),
            mitre: Vec::new(),
            skipped: false,
        }
    }

    fn element(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        let name = element.name.to_ascii_lowercase();
        if patterns::is_pattern(&name) {
            return self.patterns.gather(&name, element, self.attributes.id, findings);
        }
        match name.as_str() {
            "description" => self.description(&element.text),
            "group" => self.groups.extend_from_slice(&element.text),
            "info" => self.info.extend_from_slice(&element.text),
            "cve" => self.cve.extend_from_slice(&element.text),
            "if_sid" => join(&mut self.parents.sid, &element.text),
            "if_group" => join(&mut self.parents.group, &element.text),
            "if_level" => join(&mut self.parents.level, &element.text),
            "if_matched_sid" => join(&mut self.matched.sid, &element.text),
            "if_matched_group" => join(&mut self.matched.group, &element.text),
            "if_matched_regex" => join(&mut self.matched.regex, &element.text),
            "global_frequency" => self.global = true,
            "decoded_as" => return self.decoded_as(element, findings),
            "category" => return self.category(element, findings),
            "srcip" | "dstip" => return self.address(&name, element, findings),
            "time" | "weekday" => return self.moment(&name, element, findings),
            "list" => return self.list(element, findings),
            "compiled_rule" => return self.compiled(element, findings),
            "options" => return self.option(element, findings),
            "mitre" => self.mitre(element, findings),
            "if_fts" => self.conditions.push(Condition::FirstTime),
            "check_diff" => self.conditions.push(Condition::Differs),
            // Wazuh writes the field lists of `ignore` down and never manages to read them back.
            "ignore" | "check_if_ignored" => {}
            "same_agent" | "not_same_agent" => self.deprecated(&name, element.line, findings),
            _ => return self.other(&name, element, findings),
        }
        Ok(())
    }

    fn description(&mut self, text: &[u8]) {
        self.description = Some(match &self.description {
            Some(before) => before.joined(text),
            None => Description::new(text),
        });
    }

    fn deprecated(&self, name: &str, line: usize, findings: &mut Findings<'_>) {
        let message =
            format!("Detected a deprecated field option for rule, {name} is not longer available.");
        findings.push(Severity::Warning, None, line, message);
    }

    fn other(&mut self, name: &str, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        match correlation::parse(name, &element.text) {
            Some((Likeness::Same, compared)) => self.same.push(compared),
            Some((Likeness::Different, compared)) => self.different.push(compared),
            None => return self.invalid_option(&element.name, element.line, findings),
        }
        Ok(())
    }

    fn invalid_option<T>(&self, name: &str, line: usize, findings: &mut Findings<'_>) -> Answer<T> {
        let message = format!("Invalid option '{name}' for rule '{}'.", self.attributes.id);
        refuse(findings, line, message)
    }

    fn decoded_as(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        let name = String::from_utf8_lossy(&element.text);
        match self.ruleset.decoders.names.get(name.as_ref()) {
            Some(id) => {
                self.conditions.retain(|c| !matches!(c, Condition::DecodedAs(_)));
                self.conditions.push(Condition::DecodedAs(*id));
                Ok(())
            }
            None => {
                let message = format!("Invalid decoder name: '{name}'.");
                refuse(findings, element.line, message)
            }
        }
    }

    fn category(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        self.category = Category::parse(&element.text);
        if self.category.is_none() {
            let message = format!("Invalid category '{}' chosen.", shown(&element.text));
            findings.error(1273, element.line, message);
            return Err(Refused);
        }
        Ok(())
    }

    fn address(
        &mut self,
        name: &str,
        element: &Element,
        findings: &mut Findings<'_>,
    ) -> Answer<()> {
        let negate = patterns::negate(element, self.attributes.id, findings);
        let negation = if negate { Negation::Negated } else { Negation::Plain };
        let set = if name == "srcip" { &mut self.source } else { &mut self.destination };
        set.add(&element.text, negation).map_err(|error| {
            findings.error(1237, element.line, error.to_string());
            Refused
        })
    }

    fn moment(&mut self, name: &str, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        let condition = match name {
            "time" => TimeRange::parse(&element.text).map(Condition::Time),
            _ => WeekdaySet::parse(&element.text).map(Condition::Weekday),
        };
        match condition {
            Ok(condition) => self.conditions.push(condition),
            Err(error) => {
                for (code, message) in error.messages() {
                    findings.error(code, element.line, message);
                }
                return Err(Refused);
            }
        }
        Ok(())
    }

    fn list(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        let path = String::from_utf8_lossy(element.text.trim_ascii()).into_owned();
        let Some(field) = element.attribute("field") else {
            return self.invalid_option("list", element.line, findings);
        };
        let lookup = match element.attribute("lookup") {
            None => Lookup::default(),
            Some(word) => match Lookup::parse(word) {
                Some(lookup) => lookup,
                None => return self.invalid_option("list", element.line, findings),
            },
        };
        let check_value = match element.attribute("check_value") {
            Some(text) => Some(patterns::compile(
                "list",
                Language::OsMatch,
                text,
                self.attributes.id,
                element.line,
                findings,
            )?),
            None => None,
        };
        let Some(list) = self.ruleset.list_index(&path) else {
            self.skip(7616, format!("List '{path}' could not be loaded."), element.line, findings);
            return Ok(());
        };
        let test = ListTest { field: ListField::parse(field), lookup, list, path, check_value };
        self.conditions.push(Condition::List(test));
        Ok(())
    }

    fn skip(&mut self, code: u16, why: String, line: usize, findings: &mut Findings<'_>) {
        let message = format!("{why} Rule '{}' will be ignored.", self.attributes.id);
        findings.warn(code, line, message);
        self.skipped = true;
    }

    fn compiled(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        let Some(compiled) = CompiledRule::parse(&element.text) else {
            let name = shown(&element.text);
            findings.error(None, element.line, format!("Compiled rule not found: '{name}'"));
            let message = format!("Invalid configuration. Element 'compiled_rule': {name}.");
            findings.error(1274, element.line, message);
            return Err(Refused);
        };
        self.conditions.push(Condition::Compiled(compiled));
        Ok(())
    }

    fn option(&mut self, element: &Element, findings: &mut Findings<'_>) -> Answer<()> {
        if self.options.set(&element.text) {
            return Ok(());
        }
        let message = format!("Invalid value for element 'options': {}.", shown(&element.text));
        findings.error(1235, element.line, message);
        findings.note_hint("write one word per `<options>` element");
        self.invalid_option("options", element.line, findings)
    }

    /// Takes `<id>`, and of a pair of `<tacticID>` and `<techniqueID>` the technique.
    fn mitre(&mut self, element: &Element, findings: &mut Findings<'_>) {
        for child in &element.children {
            let id = String::from_utf8_lossy(&child.text).into_owned();
            if child.is("id") || child.is("techniqueid") {
                if !self.mitre.contains(&id) {
                    self.mitre.push(id);
                }
            } else if !child.is("tacticid") {
                let rule = self.attributes.id;
                let message = format!("Invalid option '{}' for rule '{rule}'", child.name);
                findings.error(None, child.line, message);
            }
        }
    }

    fn parents(&mut self, findings: &mut Findings<'_>) -> Answer<Parents> {
        let line = self.line;
        if let Some(text) = self.parents.sid.take() {
            let sids = self.known_sids(&text, findings)?;
            if sids.is_empty() {
                self.skip(7619, "Empty 'if_sid' value.".to_owned(), line, findings);
            }
            return Ok(Parents::Sids(sids));
        }
        if let Some(text) = self.parents.level.take() {
            let word = String::from_utf8_lossy(&text).into_owned();
            return Ok(match word.trim().parse::<u32>() {
                Ok(level) if level > 0 => Parents::Level(level),
                _ => {
                    self.skip(7609, format!("Invalid 'if_level' value: '{word}'."), line, findings);
                    Parents::default()
                }
            });
        }
        let group = self.parents.group.take().or_else(|| self.matched.group.clone());
        if let Some(text) = group {
            let text = String::from_utf8_lossy(&text).into_owned();
            let words: Vec<String> = text.split('|').map(str::to_owned).collect();
            if self.ruleset.rules.groups.holding(&words).next().is_none() {
                let option =
                    if self.matched.group.is_some() { "if_matched_group" } else { "if_group" };
                let why = format!("Group '{text}' was not found. Invalid '{option}'.");
                self.skip(7610, why, line, findings);
            }
            return Ok(Parents::Groups(words));
        }
        Ok(Parents::Category)
    }

    /// Reads a list of ids between commas and blanks; those that aren't loaded are told and left out.
    fn known_sids(&mut self, text: &[u8], findings: &mut Findings<'_>) -> Answer<Vec<u32>> {
        let mut sids = Vec::new();
        let words = text.split(|byte| *byte == b',' || byte.is_ascii_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            let word = String::from_utf8_lossy(word);
            let known =
                word.parse::<u32>().ok().filter(|id| self.ruleset.rules.by_id.contains_key(id));
            match known {
                Some(id) if !sids.contains(&id) => sids.push(id),
                Some(_) => {}
                // A rule that names itself is let be: there is nothing to hang it on yet.
                None if word.parse() == Ok(self.attributes.id) => {}
                None => {
                    let message = format!(
                        "Signature ID '{word}' was not found and will be ignored in the 'if_sid' \
                         option of rule '{}'.",
                        self.attributes.id
                    );
                    findings.warn(7617, self.line, message);
                    findings.note_hint("a parent must be loaded before its child");
                }
            }
        }
        Ok(sids)
    }

    fn correlation(&mut self, findings: &mut Findings<'_>) -> Answer<Option<Correlation>> {
        let line = self.line;
        let id = self.attributes.id;
        let earlier = if let Some(text) = &self.matched.sid {
            let word = String::from_utf8_lossy(text).into_owned();
            let Ok(sid) = word.trim().parse::<u32>() else {
                self.skip(
                    7615,
                    format!("Invalid 'if_matched_sid' value: '{word}'."),
                    line,
                    findings,
                );
                return Ok(None);
            };
            if !self.ruleset.rules.by_id.contains_key(&sid) {
                // No blank behind the full stop: it is Wazuh's own text.
                let message = format!(
                    "Signature ID '{sid}' was not found. Invalid 'if_matched_sid'.Rule '{id}' will \
                     be ignored."
                );
                findings.warn(7620, line, message);
                self.skipped = true;
                return Ok(None);
            }
            Earlier::Sid(sid)
        } else if let Some(text) = &self.matched.group {
            Earlier::Group(patterns::compile(
                "if_matched_group",
                Language::OsMatch,
                text,
                id,
                line,
                findings,
            )?)
        } else if let Some(text) = &self.matched.regex {
            Earlier::Regex(patterns::compile(
                "if_matched_regex",
                Language::OsRegex,
                text,
                id,
                line,
                findings,
            )?)
        } else {
            return self.without_correlation(findings);
        };
        let attributes = &self.attributes;
        Ok(Some(Correlation {
            earlier,
            frequency: attributes.frequency.unwrap_or(2),
            timeframe_seconds: attributes
                .timeframe
                .unwrap_or(correlation::TIMEFRAME_DEFAULT_SECONDS),
            same: std::mem::take(&mut self.same),
            different: std::mem::take(&mut self.different),
            global: self.global,
            chain: 0,
        }))
    }

    fn without_correlation(&self, findings: &mut Findings<'_>) -> Answer<Option<Correlation>> {
        let wants = self.attributes.frequency.is_some()
            || !self.same.is_empty()
            || !self.different.is_empty()
            || self.global;
        if !wants {
            return Ok(None);
        }
        let message = format!(
            "Invalid use of frequency/context options. Missing if_matched on rule '{}'.",
            self.attributes.id
        );
        refuse(findings, self.line, message)
    }

    /// Puts the parts together. `None` when the rule is left out.
    fn finish(
        mut self,
        file: usize,
        shared: &mut Shared,
        findings: &mut Findings<'_>,
    ) -> Answer<Option<Rule>> {
        let correlation = self.correlation(findings)?;
        let mut parents = self.parents(findings)?;
        if let (Parents::Category, Some(Earlier::Sid(sid))) =
            (&parents, correlation.as_ref().map(|c| &c.earlier))
        {
            parents = Parents::Sids(vec![*sid]);
        }
        let mut conditions = std::mem::take(&mut self.conditions);
        std::mem::take(&mut self.patterns).compile_into(
            &mut conditions,
            self.attributes.id,
            shared,
            findings,
        )?;
        for (of, set) in [
            (StaticField::SrcIp, std::mem::take(&mut self.source)),
            (StaticField::DstIp, std::mem::take(&mut self.destination)),
        ] {
            if !set.is_empty() {
                conditions.push(Condition::Address { of, set });
            }
        }
        if self.attributes.size_min > 0 {
            conditions.push(Condition::SizeAtLeast(self.attributes.size_min));
        }
        conditions.sort_by_key(Condition::stage);
        if self.skipped {
            return Ok(None);
        }
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let category = self.category.unwrap_or_default();
        Ok(Some(Rule {
            id: self.attributes.id,
            level: self.attributes.level,
            groups: lossy(&self.groups),
            description: self.description.unwrap_or_default(),
            category,
            ignore_seconds: self.attributes.ignore,
            noalert: self.attributes.noalert,
            last: self.attributes.last,
            overwrite: self.attributes.overwrite,
            conditions,
            correlation,
            options: self.options,
            info: lossy(&self.info),
            cve: lossy(&self.cve),
            mitre: self.mitre,
            parents,
            children: Vec::new(),
            place_level: self.attributes.level,
            depth: 0,
            place: (file, self.line),
            siblings: std::sync::OnceLock::new(),
            json: crate::alert_json::RuleJson::default(),
        }))
    }
}
