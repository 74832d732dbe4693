//! Makes the engine's own findings easier to act on: columns, whom they are about, and what to do.
//!
//! The first line stays in Wazuh's words, because people search the web for them.

use std::collections::HashMap;

use super::catalog as lints;
use super::file::File;
use super::{Report, element, words};
use crate::diagnostic::{Diagnostic, Severity};
use crate::ruleset::Loaded;
use crate::xml::{Element, XmlError, XmlErrorKind};

/// Gives what loading said about the checked files, with hints.
pub(super) fn engine_findings(
    decoders: &[File<'_>],
    rules: &[File<'_>],
    loaded: &Loaded,
    is_checked: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let all = || decoders.iter().chain(rules);
    let ids = ids_of(rules);
    // A base that Wazuh refuses is the reason for everything else, so it is told although it isn't checked.
    let is_wanted = |d: &&Diagnostic| {
        is_checked(&d.place.file)
            || (d.place.file.is_empty() && d.severity != Severity::Warning)
            || (d.severity >= Severity::Error && loaded.ruleset.is_none())
    };
    let mut found = Vec::new();
    for diagnostic in loaded.diagnostics.iter().filter(is_wanted) {
        let mut diagnostic = diagnostic.clone();
        if let Some(file) = all().find(|file| file.name == diagnostic.place.file) {
            locate(&mut diagnostic, file);
        }
        // Where the parent is, is known better here than while loading.
        if diagnostic.hint.is_none() || diagnostic.code == Some(7617) {
            diagnostic.hint =
                hint(&diagnostic, &ids).or_else(|| decoder_hint(&diagnostic, decoders));
        }
        found.push(diagnostic);
    }
    found
}

/// Where each id stands: file and line, in the order of loading.
type Ids = HashMap<u32, Vec<(String, usize)>>;

fn ids_of(rules: &[File<'_>]) -> Ids {
    let mut ids = Ids::new();
    for file in rules {
        let short = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
        for rule in file.rules() {
            if let Some(id) = words::id_of(rule) {
                ids.entry(id).or_default().push((short.to_owned(), rule.line));
            }
        }
    }
    ids
}

/// Reports that a file can't be read, unless the engine has.
pub(super) fn syntax(file: &File<'_>, known: &[Diagnostic], report: &mut Report) {
    let Err(error) = &file.elements else { return };
    let is_told =
        known.iter().any(|d| d.place.file == file.name && matches!(d.code, Some(1226 | 1227)));
    if is_told {
        return;
    }
    let (_, message) = error.message(file.name);
    report.add(&lints::SYNTAX, file.place(error.offset), "", message, syntax_hint(error));
}

/// Finds column and subject of a finding.
fn locate(diagnostic: &mut Diagnostic, file: &File<'_>) {
    let line = diagnostic.place.line;
    let roots = match &file.elements {
        Ok(roots) => roots,
        Err(error) => {
            if matches!(diagnostic.code, Some(1226 | 1227)) {
                diagnostic.place = file.place(error.offset);
                diagnostic.hint = Some(syntax_hint(error));
            }
            return;
        }
    };
    if line == 0 {
        return;
    }
    let mut innermost: Option<&Element> = None;
    let mut owner: Option<&Element> = None;
    for root in roots {
        for element in std::iter::once(root).chain(&root.children) {
            if element.line <= line && (element.is("rule") || element.is("decoder")) {
                owner = Some(element);
            }
            let on_line =
                std::iter::once(element).chain(&element.children).find(|e| e.line == line);
            innermost = innermost.or(on_line);
        }
    }
    if let Some(element) = innermost {
        diagnostic.place = file.place(element.offset);
    }
    if diagnostic.subject.is_none() {
        diagnostic.subject = owner.map(|owner| match owner.is("rule") {
            true => words::subject_of(owner),
            false => {
                let name = owner.attribute("name").unwrap_or_default();
                format!("decoder {}", String::from_utf8_lossy(name))
            }
        });
    }
    if diagnostic.hint.is_none() {
        diagnostic.hint = owner.and_then(|owner| name_hint(owner, line));
    }
}

/// What to write instead of a name that Wazuh doesn't know.
fn name_hint(owner: &Element, line: usize) -> Option<String> {
    let is_rule = owner.is("rule");
    if is_rule && owner.line == line {
        let unknown = owner.attributes.iter().find(|a| !words::is_rule_attribute(&a.name));
        if let Some(unknown) = unknown {
            return Some(element::unknown_hint(words::nearest_rule_attribute(&unknown.name)));
        }
    }
    let child = owner.children.iter().find(|child| child.line == line)?;
    let (is_known, nearest) = match is_rule {
        true => (words::is_rule_element(&child.name), words::nearest_rule_element(&child.name)),
        false => {
            (words::is_decoder_element(&child.name), words::nearest_decoder_element(&child.name))
        }
    };
    (!is_known).then(|| element::unknown_hint(nearest))
}

fn syntax_hint(error: &XmlError) -> String {
    let inside = match &error.inside {
        Some((name, line)) => format!(", in `<{name}>` of line {line}"),
        None => String::new(),
    };
    match &error.kind {
        XmlErrorKind::Variable(name) => format!(
            "a file with a `<var>` must define every `$word` that it uses before it; a name ends only at a blank, `.`, `|`, `,` \
             or the end, so `{name}` was read as one"
        ),
        XmlErrorKind::Syntax(what) if what.starts_with("End of file") => {
            format!(
                "something is not closed{inside}: add its end, or write `\\<` for a `<` in a text"
            )
        }
        XmlErrorKind::Syntax(what) if what.starts_with("Element") => {
            format!(
                "tags must be closed in the order in which they were opened{inside}; write `\\<` for a `<` in a text"
            )
        }
        XmlErrorKind::Syntax(what) if what.starts_with("Comment") => {
            "a comment ends in `-->`".to_owned()
        }
        XmlErrorKind::Syntax(what) if what.starts_with("String") => {
            "a text or a name may have 20,480 bytes; is this a file of rules?".to_owned()
        }
        XmlErrorKind::Syntax(_) => format!(
            "attributes are written `name=\"value\"`{inside}; a `<` in a text must be written `\\<`, and `<?xml …?>` or CDATA are \
             not known"
        ),
    }
}

/// What to do about a message of Wazuh's.
fn hint(diagnostic: &Diagnostic, ids: &Ids) -> Option<String> {
    let code = diagnostic.code?;
    Some(match code {
        7612 => {
            let first = quoted_ids(&diagnostic.message).find_map(|id| ids.get(&id)?.first());
            match first {
                Some((file, line)) => format!(
                    "the first one is in {file}:{line}; give this one another id, or overwrite=\"yes\" to replace it"
                ),
                None => "give it another id, or overwrite=\"yes\" to replace the first".to_owned(),
            }
        }
        7619 => "none of its parents is there".to_owned(),
        7617 | 7620 => {
            let later = quoted_ids(&diagnostic.message).find_map(|id| ids.get(&id)?.first());
            match later {
                Some((file, line)) => format!(
                    "it is in {file}:{line}, which loads later or was left out: a parent must come before its child"
                ),
                None => "no file has it: if it is one of Wazuh's, name its rules with --base".to_owned(),
            }
        }
        7610 => "a group must be there before it is asked for; rules of Wazuh's can be named with --base".to_owned(),
        7611 => "no root has this category: name rules with roots (Wazuh's own) with --base".to_owned(),
        7613 => "the rule to overwrite must load before it; Wazuh's own can be named with --base".to_owned(),
        7605 => "an overwrite changes what a rule says, never where it hangs: make it a new rule".to_owned(),
        7616 => "declare the list in ossec.conf and put its file into `lists`".to_owned(),
        1273 => "it is one of `syslog`, `firewall`, `ids`, `web-log`, `squid`, `windows`, `ossec`".to_owned(),
        2101 => "a parent must be a root decoder, and come before its child".to_owned(),
        2108 => "a root decoder needs a `<prematch>` or a `<program_name>`".to_owned(),
        2107 => "`<regex>` and `<order>` come together, and a root needs a `<prematch>` or a `<program_name>`".to_owned(),
        2111 => "a decoder with a plugin has no `<regex>` and no `<order>` of its own".to_owned(),
        2120 => "`after_parent` needs a parent, `after_prematch` a prematch, `after_regex` an earlier decoder of this name".to_owned(),
        1220 | 1202 => "mend the errors above; Wazuh reads no file after the first that it refuses".to_owned(),
        _ => return None,
    })
}

/// What to do about the name of a decoder that isn't there.
fn decoder_hint(diagnostic: &Diagnostic, decoders: &[File<'_>]) -> Option<String> {
    let name = diagnostic.message.strip_prefix("Invalid decoder name: '")?.strip_suffix("'.")?;
    let names: Vec<String> = decoders
        .iter()
        .flat_map(File::roots)
        .filter_map(|decoder| {
            Some(String::from_utf8_lossy(decoder.attribute("name")?).into_owned())
        })
        .collect();
    Some(match super::suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no file has it: if it is one of Wazuh's, name its decoders with --base".to_owned(),
    })
}

/// Finds numbers between quotes in a message.
fn quoted_ids(message: &str) -> impl Iterator<Item = u32> {
    message.split('\'').filter_map(|part| part.parse().ok())
}
