//! Reads `<decoder>` elements: from a file's text to [`Decoders`], with Wazuh's own messages about what is wrong.
//!
//! Most mistakes in a decoder file make real Wazuh refuse to start. They do so here: [`load`] then returns [`Refused`], and the
//! findings say which line it was.

use super::json::{JsonArrays, JsonNull, JsonOptions};
use super::plugin::Plugin;
use super::{BuiltIn, Chain, Decoder, Decoders, FtsPart, Offset, Root, Target};
use crate::category::Category;
use crate::diagnostic::{Findings, Severity, shown};
use crate::fields::StaticField;
use crate::pattern::{Language, Pattern};
use crate::xml::{self, Element};

/// Wazuh's limit on the text of one pattern in a decoder.
const PATTERN_BYTES_MAX: usize = 1024;

/// Wazuh's `decoder_order_size`: how many fields one `<order>` may name.
pub(crate) const ORDER_FIELDS_MAX: usize = 256;

/// Real Wazuh would not start with this file; the findings say why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

type Answer<T> = Result<T, Refused>;

/// Adds the decoders of one file.
pub(crate) fn load(
    text: &[u8],
    file: usize,
    decoders: &mut Decoders,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let answer = match xml::read(text) {
        Ok(elements) => elements.iter().try_for_each(|element| {
            let decoder = read_decoder(element, file, findings)?;
            add(decoder, element.line, decoders, findings)
        }),
        Err(error) => {
            let (code, message) = error.message(findings.file);
            findings.error(code, error.line, message);
            Err(Refused)
        }
    };
    if answer.is_err() {
        let message = format!("Configuration error at '{}'.", findings.file);
        findings.push(Severity::Critical, 1202, 0, message);
    }
    answer
}

/// A pattern whose text is still being gathered: repeated elements are joined.
#[derive(Default)]
struct Gathered {
    text: Option<Vec<u8>>,
    language: Option<Language>,
    offset: Offset,
}

/// What the elements of a decoder said, before it is checked as a whole.
#[derive(Default)]
struct Draft {
    parent: Option<String>,
    program_name: Gathered,
    prematch: Gathered,
    regex: Gathered,
    order: Vec<Target>,
    plugin: Option<BuiltIn>,
    plugin_offset: Offset,
    use_own_name: bool,
    category: Option<Category>,
    fts: Option<Vec<FtsPart>>,
    ftscomment: Option<String>,
    accumulate: bool,
    json: JsonOptions,
}

/// A decoder as read, before its name has a number.
struct Named {
    name: String,
    draft: Draft,
    program_name: Option<Pattern>,
    prematch: Option<Pattern>,
    regex: Option<Pattern>,
    place: (usize, usize),
}

fn read_decoder(element: &Element, file: usize, findings: &mut Findings<'_>) -> Answer<Named> {
    let line = element.line;
    let name = match element.attributes.as_slice() {
        [only] if element.is("decoder") && only.name.eq_ignore_ascii_case("name") => {
            String::from_utf8_lossy(&only.value).into_owned()
        }
        _ => {
            let message = format!("Invalid element in the configuration: '{}'.", element.name);
            findings.error(1230, line, message);
            return Err(Refused);
        }
    };
    let mut draft = Draft::default();
    for child in &element.children {
        read_element(child, &name, &mut draft, findings)?;
    }
    check(&name, &draft, line, findings)?;
    let mut compile = |gathered: &Gathered, default: Language| -> Answer<Option<Pattern>> {
        let Some(text) = &gathered.text else { return Ok(None) };
        Pattern::compile(gathered.language.unwrap_or(default), text).map(Some).map_err(|error| {
            findings.error(1452, line, format!("Syntax error on regex: '{}'", shown(text)));
            findings.note_hint(error.to_string());
            broken(&name, line, findings)
        })
    };
    let program_name = compile(&draft.program_name, Language::OsMatch)?;
    let prematch = compile(&draft.prematch, Language::OsRegex)?;
    let regex = compile(&draft.regex, Language::OsRegex)?;
    Ok(Named { name, draft, program_name, prematch, regex, place: (file, line) })
}

/// Says Wazuh's last word on a decoder that it can't use.
fn broken(name: &str, line: usize, findings: &mut Findings<'_>) -> Refused {
    findings.error(2107, line, format!("Decoder configuration error: '{name}'."));
    Refused
}

fn read_element(
    element: &Element,
    decoder: &str,
    draft: &mut Draft,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let text = || String::from_utf8_lossy(&element.text).into_owned();
    match element.name.to_ascii_lowercase().as_str() {
        "parent" => draft.parent = Some(text()),
        "program_name" => gather(element, decoder, &mut draft.program_name, findings),
        "prematch" => gather(element, decoder, &mut draft.prematch, findings),
        "regex" => gather(element, decoder, &mut draft.regex, findings),
        "order" => draft.order = targets(&element.text),
        "fts" => draft.fts = Some(fts_parts(&element.text)),
        "ftscomment" => draft.ftscomment = Some(text()),
        "accumulate" => draft.accumulate = true,
        "use_own_name" => draft.use_own_name = element.text == b"true",
        "plugin_decoder" => {
            draft.plugin = Some(plugin(element, findings)?);
            draft.plugin_offset = offset(element, decoder, findings).unwrap_or_default();
        }
        "type" => draft.category = Some(category(element, findings)?),
        "json_null_field" => json_null(element, decoder, &mut draft.json, findings),
        "json_array_structure" => json_array(element, decoder, &mut draft.json, findings),
        _ => {
            // Wazuh's sentence names the element where one expects the decoder.
            let message = format!("Invalid element '{}' for decoder 'decoder'", element.name);
            findings.error(None, element.line, message);
            return Err(Refused);
        }
    }
    Ok(())
}

fn gather(element: &Element, decoder: &str, into: &mut Gathered, findings: &mut Findings<'_>) {
    let line = element.line;
    if element.text.len() > PATTERN_BYTES_MAX {
        let message = format!("Maximum string size reached for: {}.", shown(&element.text));
        findings.error(1104, line, message);
        return;
    }
    let option = element.name.to_ascii_lowercase();
    if let Some(word) = element.attribute("type") {
        match (word, option.as_str()) {
            (b"osregex", _) => into.language = Some(Language::OsRegex),
            (b"pcre2", _) => into.language = Some(Language::Pcre2),
            (b"osmatch", "program_name") => into.language = Some(Language::OsMatch),
            _ => bad_attribute("type", &option, decoder, line, findings),
        }
    }
    if into.text.is_none() {
        into.offset = offset(element, decoder, findings).unwrap_or_default();
    }
    into.text.get_or_insert_default().extend_from_slice(&element.text);
}

fn bad_attribute(
    attribute: &str,
    option: &str,
    decoder: &str,
    line: usize,
    findings: &mut Findings<'_>,
) {
    let message = format!(
        "Invalid value for attribute '{attribute}' in '{option}' option (decoder `{decoder}`). \
         Default value will be used."
    );
    findings.warn(7601, line, message);
}

fn offset(element: &Element, decoder: &str, findings: &mut Findings<'_>) -> Option<Offset> {
    Some(match element.attribute("offset")? {
        b"after_parent" => Offset::AfterParent,
        b"after_prematch" => Offset::AfterPrematch,
        b"after_regex" => Offset::AfterRegex,
        _ => {
            let option = element.name.to_ascii_lowercase();
            bad_attribute("offset", &option, decoder, element.line, findings);
            return None;
        }
    })
}

fn plugin(element: &Element, findings: &mut Findings<'_>) -> Answer<BuiltIn> {
    let name = element.text.as_slice();
    let format = Plugin::from_name(name).map(BuiltIn::Format);
    format.or((name == b"JSON_Decoder").then_some(BuiltIn::Json)).ok_or_else(|| {
        let name = shown(name);
        let message = format!("Invalid decoder argument for plugin_decoder: '{name}'.");
        findings.error(2110, element.line, message);
        Refused
    })
}

fn category(element: &Element, findings: &mut Findings<'_>) -> Answer<Category> {
    Category::parse(&element.text).ok_or_else(|| {
        let message = format!("Invalid decoder type '{}'.", shown(&element.text));
        findings.error(None, element.line, message);
        Refused
    })
}

fn json_null(
    element: &Element,
    decoder: &str,
    json: &mut JsonOptions,
    findings: &mut Findings<'_>,
) {
    match element.text.as_slice() {
        b"string" => json.null = JsonNull::String,
        b"discard" => json.null = JsonNull::Discard,
        b"empty" => {
            let message = format!(
                "Deprecated value 'empty' in 'json_null_field' option (decoder `{decoder}`). \
                 Default value will be used."
            );
            findings.warn(7603, element.line, message);
        }
        other => bad_json("json_null_field", other, decoder, element.line, findings),
    }
}

fn json_array(
    element: &Element,
    decoder: &str,
    json: &mut JsonOptions,
    findings: &mut Findings<'_>,
) {
    match element.text.as_slice() {
        b"array" => json.arrays = JsonArrays::Array,
        b"csv" => json.arrays = JsonArrays::Csv,
        other => bad_json("json_array_structure", other, decoder, element.line, findings),
    }
}

fn bad_json(option: &str, value: &[u8], decoder: &str, line: usize, findings: &mut Findings<'_>) {
    let message = format!(
        "Invalid value '{}' in '{option}' option (decoder `{decoder}`). Default value will be used.",
        shown(value)
    );
    findings.warn(7602, line, message);
}

/// Splits a comma list. Blanks around a name don't count.
pub(crate) fn names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
}

/// Tells where a field of this name goes.
pub(crate) fn target(name: &[u8]) -> Target {
    match StaticField::from_order_name(name) {
        Some(field) => Target::Static(field),
        None => Target::Dynamic(name.into()),
    }
}

fn targets(text: &[u8]) -> Vec<Target> {
    names(text).map(target).take(ORDER_FIELDS_MAX).collect()
}

fn fts_parts(text: &[u8]) -> Vec<FtsPart> {
    let part = |name: &[u8]| match name {
        b"name" => FtsPart::Name,
        b"location" => FtsPart::Location,
        other => FtsPart::Field(target(other)),
    };
    names(text).map(part).take(ORDER_FIELDS_MAX).collect()
}

/// Checks what the elements say together.
fn check(name: &str, draft: &Draft, line: usize, findings: &mut Findings<'_>) -> Answer<()> {
    let has_regex = draft.regex.text.is_some();
    if draft.plugin.is_some() && (has_regex || !draft.order.is_empty()) {
        findings.error(2111, line, format!("Additional data to plugin decoder: '{name}'."));
        return Err(Refused);
    }
    let has_prematch = draft.prematch.text.is_some();
    if draft.parent.is_none() && !has_prematch && draft.program_name.text.is_none() {
        findings.error(2108, line, format!("No 'prematch' found in decoder: '{name}'."));
        return Err(broken(name, line, findings));
    }
    let offsets = [draft.prematch.offset, draft.regex.offset, draft.plugin_offset];
    let wrong = offsets.into_iter().find_map(|offset| match offset {
        Offset::AfterParent if draft.parent.is_none() => Some("after_parent"),
        Offset::AfterPrematch if !has_prematch && draft.parent.is_some() => Some("after_prematch"),
        _ => None,
    });
    if let Some(wrong) = wrong {
        findings.error(2120, line, format!("Invalid offset value: '{wrong}'"));
        return Err(broken(name, line, findings));
    }
    if has_regex == draft.order.is_empty() {
        return Err(broken(name, line, findings));
    }
    Ok(())
}

fn add(
    named: Named,
    line: usize,
    decoders: &mut Decoders,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let own = decoders.name_id(&named.name);
    let parent = named.draft.parent.clone();
    let keeps_parents_name = parent.is_some() && !named.draft.use_own_name;
    let reported = match &parent {
        Some(parent) if keeps_parents_name => decoders.name_id(parent),
        _ => own,
    };
    let after_regex = named.draft.regex.offset == Offset::AfterRegex
        || named.draft.plugin_offset == Offset::AfterRegex;
    let with_program = named.program_name.is_some();
    let name = named.name.clone();
    let index = decoders.all.len();
    decoders.all.push(build(named, reported));
    match parent {
        None => {
            let root = Root { decoder: index, chains: Vec::new() };
            let list = if with_program {
                &mut decoders.with_program
            } else {
                &mut decoders.without_program
            };
            list.push(root);
            Ok(())
        }
        Some(parent) => add_child(&name, &parent, index, after_regex, line, decoders, findings),
    }
}

fn build(named: Named, reported: super::NameId) -> Decoder {
    let draft = named.draft;
    Decoder {
        name: named.name,
        reported,
        parent: draft.parent,
        program_name: named.program_name,
        prematch: named.prematch,
        prematch_offset: draft.prematch.offset,
        regex: named.regex,
        regex_offset: draft.regex.offset,
        order: draft.order,
        plugin: draft.plugin,
        plugin_offset: draft.plugin_offset,
        category: draft.category.unwrap_or_default(),
        fts: draft.fts,
        ftscomment: draft.ftscomment,
        accumulate: draft.accumulate,
        json: draft.json,
        place: named.place,
    }
}

/// Hangs a child below every root of its parent's name that is there so far.
fn add_child(
    name: &str,
    parent: &str,
    index: usize,
    after_regex: bool,
    line: usize,
    decoders: &mut Decoders,
    findings: &mut Findings<'_>,
) -> Answer<()> {
    let Decoders { all, with_program, without_program, .. } = decoders;
    let named = |decoder: usize, name: &str| all.get(decoder).is_some_and(|d| d.name == name);
    let mut found = false;
    for root in with_program.iter_mut().chain(without_program) {
        if !named(root.decoder, parent) {
            continue;
        }
        found = true;
        let same = |chain: &Chain| chain.members.first().is_some_and(|first| named(*first, name));
        let known = root.chains.iter().any(same);
        match root.chains.last_mut().filter(|chain| same(chain)) {
            Some(chain) => chain.members.push(index),
            None if after_regex && !known => {
                findings.error(2120, line, format!("Invalid offset value: '{name}'"));
                findings.error(2105, line, "Error loading decoder options.");
                findings.error(2106, line, "Error adding decoder plugin.");
                return Err(Refused);
            }
            None => root.chains.push(Chain { members: vec![index] }),
        }
    }
    if !found {
        findings.error(2101, line, format!("Parent decoder name invalid: '{parent}'."));
        findings.error(2106, line, "Error adding decoder plugin.");
        return Err(Refused);
    }
    Ok(())
}

/// Checks that there is a root of either kind. Without one, Wazuh doesn't start.
pub(crate) fn finish(decoders: &mut Decoders, findings: &mut Findings<'_>) -> Answer<()> {
    if decoders.with_program.is_empty() || decoders.without_program.is_empty() {
        findings.error(2106, 0, "Error adding decoder plugin.");
        findings.push(Severity::Critical, 2105, 0, "Error loading decoder options.");
        findings
            .note_hint("Wazuh needs at least one root decoder with `program_name` and one without");
        return Err(Refused);
    }
    decoders.finish();
    Ok(())
}
