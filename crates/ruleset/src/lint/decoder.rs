//! What one `<decoder>` says by itself.

use super::catalog as lints;
use super::file::File;
use super::{Report, element, explain, pattern, words};
use crate::diagnostic::Diagnostic;
use crate::xml::Element;

/// Options that count only on the decoder that an event ends with.
const OF_FINAL: [&str; 6] =
    ["use_own_name", "type", "fts", "ftscomment", "json_null_field", "json_array_structure"];

/// Checks the elements of one file of decoders. `known` is what the engine found already.
pub(super) fn check(file: &File<'_>, known: &[Diagnostic], report: &mut Report) {
    explain::syntax(file, known, report);
    for decoder in file.roots().iter().filter(|root| root.is("decoder")) {
        let name = String::from_utf8_lossy(decoder.attribute("name").unwrap_or_default()).into_owned();
        let subject = format!("decoder {name}");
        for child in &decoder.children {
            unknown(file, child, &subject, known, report);
            if let Some(findings) = pattern::of_decoder(&child.name.to_ascii_lowercase(), child) {
                pattern::report(file, child, &subject, findings, report);
            }
        }
        unused_options(file, decoder, &subject, report);
    }
}

fn unknown(file: &File<'_>, child: &Element, subject: &str, known: &[Diagnostic], report: &mut Report) {
    let is_told = || known.iter().any(|d| d.place.file == file.name && d.place.line == child.line);
    if words::is_decoder_element(&child.name) || is_told() {
        return;
    }
    let hint = element::unknown_hint(words::nearest_decoder_element(&child.name));
    let message = format!("`{}` is no element of a decoder", child.name);
    report.add(&lints::UNKNOWN_ELEMENT, file.place(child.offset), subject, message, hint);
}

/// A child without `prematch` reads fields, but its parent stays the event's decoder.
fn unused_options(file: &File<'_>, decoder: &Element, subject: &str, report: &mut Report) {
    let has = |name: &str| decoder.children.iter().any(|child| child.is(name));
    if !has("parent") || has("prematch") {
        return;
    }
    for option in decoder.children.iter().filter(|child| OF_FINAL.iter().any(|name| child.is(name))) {
        let message = format!("`<{}>` has no effect: a child without `<prematch>` never is the event's decoder", option.name);
        let hint = "give the child a `<prematch>`, or put the option on the parent";
        report.add(&lints::DECODER_OPTION_UNUSED, file.place(option.offset), subject, message, hint);
    }
}
