//! What one `<rule>` says by itself: elements, attributes and values that Wazuh takes in another way than they look.

use super::catalog as lints;
use super::file::File;
use super::{Report, pattern, words};
use crate::condition::time::TimeRange;
use crate::diagnostic::Diagnostic;
use crate::fields::StaticField;
use crate::rule::condition::Subject;
use crate::rule::description::Description;
use crate::xml::Element;

/// Where Wazuh gives up filling in a description.
const DESCRIPTION_BYTES_MAX: usize = 1024;

/// What Wazuh leaves to its users.
const USER_IDS: std::ops::RangeInclusive<u32> = 100_000..=120_000;

/// Checks the elements of one file of rules. `known` is what the engine found already.
pub(super) fn check(file: &File<'_>, known: &[Diagnostic], report: &mut Report) {
    super::explain::syntax(file, known, report);
    for group in file.roots() {
        if !group.is("group") {
            continue;
        }
        for rule in group.children.iter().filter(|child| child.is("rule")) {
            let mut check = Check { file, rule, subject: words::subject_of(rule), report };
            check.unknown(known);
            check.attributes();
            check.groups(group);
            check.repeated();
            check.elements();
            check.description();
        }
    }
    ids(file, report);
}

/// Says whether a file is one of those that Wazuh ships: their names begin with four digits.
fn is_shipped(name: &str) -> bool {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().as_bytes();
    name.get(..4).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && name.get(4) == Some(&b'-')
}

/// Notes ids that aren't the user's to take, once for each file.
fn ids(file: &File<'_>, report: &mut Report) {
    if is_shipped(file.name) || file.name == "base_rules.xml" {
        return;
    }
    let is_own = |rule: &&Element| {
        let overwrites =
            rule.attribute("overwrite").is_some_and(|v| v.eq_ignore_ascii_case(b"yes"));
        !overwrites && words::id_of(rule).is_some_and(|id| !USER_IDS.contains(&id))
    };
    let mut outside = file.rules().filter(is_own);
    let Some(first) = outside.next() else { return };
    let more = match outside.count() {
        0 => String::new(),
        more => format!(", and {more} more in this file,"),
    };
    let subject = words::subject_of(first);
    report.add(
        &lints::ID_RANGE,
        file.place(first.offset),
        &subject,
        format!("{subject}{more} is outside of 100000 to 120000"),
        "an update of Wazuh may bring a rule with that id; to change a shipped rule write overwrite=\"yes\"",
    );
}

struct Check<'c, 'r> {
    file: &'c File<'c>,
    rule: &'c Element,
    subject: String,
    report: &'r mut Report,
}

impl Check<'_, '_> {
    fn add(
        &mut self,
        lint: &lints::Lint,
        at: &Element,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.report.add(lint, self.file.place(at.offset), &self.subject, message, hint);
    }

    fn children(&self) -> impl Iterator<Item = &Element> + use<'_> {
        self.rule.children.iter()
    }

    /// Names that Wazuh doesn't know. Of those it stops at the first; a person wants to see all.
    fn unknown(&mut self, known: &[Diagnostic]) {
        let rule = self.rule;
        for child in rule.children.iter().filter(|child| !words::is_rule_element(&child.name)) {
            let is_told =
                known.iter().any(|d| d.place.file == self.file.name && d.place.line == child.line);
            if is_told {
                continue;
            }
            let hint = unknown_hint(words::nearest_rule_element(&child.name));
            self.add(
                &lints::UNKNOWN_ELEMENT,
                child,
                format!("`{}` is no element of a rule", child.name),
                hint,
            );
        }
        for child in &rule.children {
            let Some(read) = words::attributes_of(&child.name) else { continue };
            for attribute in &child.attributes {
                if read.iter().any(|known| attribute.name.eq_ignore_ascii_case(known)) {
                    continue;
                }
                let message = format!(
                    "Wazuh doesn't read `{}` of `<{}>` and doesn't say so",
                    attribute.name, child.name
                );
                let hint = match super::suggest::nearest(&attribute.name, read.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("`<{}>` takes {}", child.name, listed(read)),
                };
                self.add(&lints::UNKNOWN_ATTRIBUTE, child, message, hint);
            }
        }
    }

    fn attributes(&mut self) {
        let rule = self.rule;
        for (name, digits_max, fallback) in
            [("timeframe", 5, "360 seconds"), ("maxsize", 4, "no size"), ("ignore", 6, "no pause")]
        {
            let Some(value) = rule.attribute(name) else { continue };
            let is_number = value.iter().all(u8::is_ascii_digit) && !value.is_empty();
            if is_number && value.len() <= digits_max {
                continue;
            }
            let value = String::from_utf8_lossy(value).into_owned();
            let message =
                format!("Wazuh can't take `{name}` of `{value}` and goes on with {fallback}");
            self.add(
                &lints::SILENT_VALUE,
                rule,
                message,
                format!("give a whole number of at most {digits_max} digits"),
            );
        }
        if rule.attribute("level") == Some(b"16") {
            self.add(
                &lints::LEVEL_16,
                rule,
                "level 16 is accepted, but the scale ends at 15",
                "write level=\"15\"; with 16 dashboards and mail rules may not count it",
            );
        }
        if is_shipped(self.file.name) {
            return;
        }
        if rule.attribute("accuracy") == Some(b"0") {
            self.add(
                &lints::LAST_OF_ALL,
                rule,
                "accuracy=\"0\" puts the rule behind all its siblings, also those of a lower level",
                "leave it out unless the rule shall be the last one",
            );
        }
        if let Some(size) = rule.attribute("maxsize") {
            let size = String::from_utf8_lossy(size);
            let message = format!(
                "maxsize=\"{size}\" asks for at least {size} bytes, whatever its name says"
            );
            let hint = "to ask for short lines, match them with type=\"pcre2\" and `^.{0,99}$`";
            self.add(&lints::MINIMUM_SIZE, rule, message, hint);
        }
    }

    /// Group lists are glued as they are: the file's, then the rule's own.
    fn groups(&mut self, file_group: &Element) {
        let rule = self.rule;
        let name = file_group.attributes.first().map(|a| a.value.as_slice()).unwrap_or_default();
        let mut before = name;
        for group in rule.children.iter().filter(|child| child.is("group")) {
            let text = group.text.as_slice();
            let is_apart =
                before.trim_ascii().ends_with(b",") || text.trim_ascii().starts_with(b",");
            if !before.trim_ascii().is_empty() && !text.trim_ascii().is_empty() && !is_apart {
                let last = before.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                let first = text.split(|byte| *byte == b',').next().unwrap_or_default();
                let plain = |name: &[u8]| String::from_utf8_lossy(name.trim_ascii()).into_owned();
                let [last, first] = [last, first].map(plain);
                let message = format!("groups `{last}` and `{first}` become one, `{last}{first}`");
                self.add(
                    &lints::GLUED_GROUPS,
                    group,
                    message,
                    "end every list of groups in a comma",
                );
            }
            before = text;
        }
    }

    /// Repeated elements: some are joined, of some the last counts.
    fn repeated(&mut self) {
        let rule = self.rule;
        for (position, child) in rule.children.iter().enumerate() {
            let name = child.name.to_ascii_lowercase();
            let earlier = rule.children.iter().take(position).rfind(|other| other.is(&name));
            let Some(earlier) = earlier else { continue };
            if Subject::of_element(&name).is_some() {
                let has_seam = earlier.text.ends_with(b"|") || child.text.starts_with(b"|");
                if has_seam || earlier.text.is_empty() || child.text.is_empty() {
                    continue;
                }
                let message = format!(
                    "two `<{name}>` are one pattern, their texts joined: `…{}{}…`",
                    tail(&earlier.text),
                    head(&child.text)
                );
                let hint = match name.as_str() {
                    "match" | "regex" => {
                        "for \"both\", use `<match>` and `<regex>`, or a child rule; for \"either\", write `|`"
                    }
                    _ => "for \"both\", use a child rule; for \"either\", write `|`",
                };
                self.add(&lints::JOINED_ELEMENTS, child, message, hint);
            } else if matches!(name.as_str(), "decoded_as" | "category") {
                let message = format!("of several `<{name}>` only the last one counts");
                self.add(&lints::REPEATED_ELEMENT, child, message, "write one rule for each");
            }
        }
    }

    fn elements(&mut self) {
        let rule = self.rule;
        for child in &rule.children {
            let name = child.name.to_ascii_lowercase();
            if let Some(findings) = pattern::of_rule(&name, child) {
                pattern::report(self.file, child, &self.subject, findings, self.report);
            }
            match name.as_str() {
                "srcip" | "dstip" if child.text.starts_with(b"!") => {
                    let address = String::from_utf8_lossy(child.text.get(1..).unwrap_or_default());
                    let message = format!(
                        "the `!` is dropped: the rule matches `{address}` and nothing else"
                    );
                    let hint = format!("write `<{name} negate=\"yes\">{address}</{name}>`");
                    self.add(&lints::ADDRESS_NEGATION, child, message, hint);
                }
                "ignore" | "check_if_ignored" => {
                    let message = format!(
                        "`<{name}>` has no effect: Wazuh never finds again what it wrote down"
                    );
                    let hint =
                        "use the attribute ignore=\"SECONDS\", or a rule of level 0 with a list";
                    self.add(&lints::NEVER_WORKS, child, message, hint);
                }
                "same_field" | "different_field" | "not_same_field" => self.compared(&name, child),
                "same_srcgeoip" | "same_dstgeoip" | "different_srcgeoip" | "different_dstgeoip"
                | "srcgeoip" | "dstgeoip" => {
                    let message =
                        format!("`<{name}>` looks at a field that no build of Wazuh 4 sets");
                    self.add(&lints::SAME_NEVER, child, message, "take it out");
                }
                "time" => self.time(child),
                "mitre" => self.mitre(child),
                _ => {}
            }
        }
    }

    /// `same_field` sees dynamic fields only.
    fn compared(&mut self, name: &str, child: &Element) {
        let Some(field) = StaticField::from_order_name(child.text.trim_ascii()) else { return };
        let field = field.name();
        let (what, stem) = match name {
            "same_field" => ("never holds", "same"),
            _ => ("always holds", "different"),
        };
        let message = format!("`<{name}>{field}</{name}>` {what}: `{field}` is a static field");
        self.add(&lints::SAME_NEVER, child, message, format!("write `<{stem}_{field} />`"));
    }

    fn time(&mut self, child: &Element) {
        let is_negated = child.text.trim_ascii().starts_with(b"!");
        let Ok(range) = TimeRange::parse(&child.text) else { return };
        if is_negated || !range.is_over_midnight() {
            return;
        }
        let message = "a range over midnight leaves out the two minutes that it names";
        self.add(
            &lints::TIME_OVER_MIDNIGHT,
            child,
            message,
            "begin a minute earlier and end a minute later",
        );
    }

    fn mitre(&mut self, child: &Element) {
        for id in child.children.iter().filter(|id| id.is("id") || id.is("techniqueid")) {
            if !is_technique(&id.text) {
                let text = String::from_utf8_lossy(&id.text).into_owned();
                let message = match text.starts_with("TA") {
                    true => format!("`{text}` is a tactic: `<id>` takes techniques"),
                    false => format!("`{text}` is not written as an ATT&CK technique"),
                };
                self.add(&lints::MITRE_ID, id, message, "write it like `T1110` or `T1110.001`");
            }
        }
    }

    fn description(&mut self) {
        let rule = self.rule;
        let texts: Vec<&[u8]> =
            self.children().filter(|c| c.is("description")).map(|c| c.text.as_slice()).collect();
        let text = texts.concat();
        let is_silent =
            rule.attribute("level").is_some_and(|level| level.iter().all(|digit| *digit == b'0'));
        if text.trim_ascii().is_empty() && !is_silent {
            self.add(
                &lints::NO_DESCRIPTION,
                rule,
                "the rule has no description, so its alerts say nothing",
                "add `<description>`; `$(srcip)` and the like show values of the event",
            );
        }
        let description = Description::new(&text);
        if !description.is_fixed() && description.fixed_bytes() > DESCRIPTION_BYTES_MAX {
            let message = "the description is longer than 1,024 bytes: its `$(…)` will be shown as they stand";
            self.add(&lints::DESCRIPTION_TOO_LONG, rule, message, "make it shorter");
        }
        let Some(element) = self.rule.children.iter().find(|c| c.is("description")) else { return };
        if let Some((_, entity, _)) = pattern::entity(&element.text) {
            let message =
                format!("alerts will show `{entity}` as it stands: Wazuh knows no entities");
            self.add(&lints::ENTITY, element, message, "say it in words");
        }
    }
}

/// What to say about a name that nobody knows.
pub(super) fn unknown_hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "take it out, or look its name up in the manual of rules and decoders".to_owned(),
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn is_technique(id: &[u8]) -> bool {
    let digits =
        |part: &[u8], count: usize| part.len() == count && part.iter().all(u8::is_ascii_digit);
    let Some(number) = id.strip_prefix(b"T") else { return false };
    match number.split_at_checked(4) {
        Some((technique, [])) => digits(technique, 4),
        Some((technique, [b'.', sub @ ..])) => digits(technique, 4) && digits(sub, 3),
        _ => false,
    }
}

/// So many characters around a seam show what became of it.
const SEAM: usize = 12;

fn tail(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(text.len().saturating_sub(SEAM)..).unwrap_or_default())
        .into_owned()
}

fn head(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..SEAM.min(text.len())).unwrap_or_default()).into_owned()
}
