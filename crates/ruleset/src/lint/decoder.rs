//! What one `<decoder>` says by itself, and what it says in vain.

use std::collections::HashMap;

use super::catalog as lints;
use super::file::File;
use super::{Report, element, explain, pattern, words};
use crate::diagnostic::Diagnostic;
use crate::xml::Element;

/// Options that count only on the decoder that an event ends with.
const OF_FINAL: [&str; 6] =
    ["use_own_name", "type", "fts", "ftscomment", "json_null_field", "json_array_structure"];

/// The types of root decoders, by name.
pub(super) struct Types(HashMap<Vec<u8>, Vec<u8>>);

impl Types {
    pub(super) fn of(files: &[File<'_>]) -> Self {
        let roots = files.iter().flat_map(File::roots).filter(|decoder| {
            decoder.is("decoder") && !decoder.children.iter().any(|child| child.is("parent"))
        });
        let mut types = HashMap::new();
        for root in roots {
            let name = root.attribute("name").unwrap_or_default().to_vec();
            let category = root.children.iter().find(|child| child.is("type"));
            let category = category.map_or(b"syslog".as_slice(), |category| &category.text);
            types.insert(name, category.to_vec());
        }
        Types(types)
    }
}

/// Checks the elements of one file of decoders. `known` is what the engine found already.
pub(super) fn check(file: &File<'_>, types: &Types, known: &[Diagnostic], report: &mut Report) {
    explain::syntax(file, known, report);
    let mut before: Option<&Element> = None;
    for decoder in file.roots().iter().filter(|root| root.is("decoder")) {
        let name =
            String::from_utf8_lossy(decoder.attribute("name").unwrap_or_default()).into_owned();
        let subject = format!("decoder {name}");
        for child in &decoder.children {
            unknown(file, child, &subject, known, report);
            if let Some(findings) = pattern::of_decoder(&child.name.to_ascii_lowercase(), child) {
                pattern::report(file, child, &subject, findings, report);
            }
        }
        // Of decoders of one name in a row, the first one decides, and the others may repeat what it says.
        let goes_on =
            before.is_some_and(|before| before.attribute("name") == decoder.attribute("name"));
        if !goes_on {
            unused_options(file, decoder, types, &subject, report);
        }
        before = Some(decoder);
    }
}

fn unknown(
    file: &File<'_>,
    child: &Element,
    subject: &str,
    known: &[Diagnostic],
    report: &mut Report,
) {
    let is_told = || known.iter().any(|d| d.place.file == file.name && d.place.line == child.line);
    if words::is_decoder_element(&child.name) || is_told() {
        return;
    }
    let hint = element::unknown_hint(words::nearest_decoder_element(&child.name));
    let message = format!("`{}` is no element of a decoder", child.name);
    report.add(&lints::UNKNOWN_ELEMENT, file.place(child.offset), subject, message, hint);
}

/// A child without `prematch` reads fields, but its parent stays the event's decoder.
fn unused_options(
    file: &File<'_>,
    decoder: &Element,
    types: &Types,
    subject: &str,
    report: &mut Report,
) {
    let child = |name: &str| decoder.children.iter().find(|child| child.is(name));
    let Some(parent) = child("parent") else { return };
    if child("prematch").is_some() {
        return;
    }
    for option in decoder.children.iter().filter(|child| OF_FINAL.iter().any(|name| child.is(name)))
    {
        // Saying what the parent says does no harm.
        let is_parents = option.is("type") && types.0.get(&parent.text) == Some(&option.text);
        if is_parents || (option.is("use_own_name") && option.text != b"true") {
            continue;
        }
        let message = format!(
            "`<{}>` has no effect: a child without `<prematch>` never is the event's decoder",
            option.name
        );
        let hint = "give the child a `<prematch>`, or put the option on the parent";
        report.add(
            &lints::DECODER_OPTION_UNUSED,
            file.place(option.offset),
            subject,
            message,
            hint,
        );
    }
}
