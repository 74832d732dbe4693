//! Takes a request apart into the values that an application would get.
//!
//! A pattern that may say "the value begins with" is far more exact than one that searches a whole
//! line, so the target is cut into its path and its parameters before it is decoded, as a server
//! does. An ampersand that an attacker left unescaped cuts a payload in two; a piece that can't be
//! a parameter of its own is put back where it came from.

use super::view::Views;
use super::{Field, PARAMETER_CHARS_MAX, Request, clip};
use alert::decode::{Layer, Plus, decode_with};

/// How many parameters of one field are looked at, which is more than forms have; the rest is
/// looked at as one value.
const PARAMETERS_MAX: usize = 64;

/// How much of one field is looked at. Servers refuse longer request lines, and a longer body is
/// data.
const FIELD_BYTES_MAX: usize = 16 * 1024;

/// Says what a part is within its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The path of a target.
    Path,
    /// The end of a path, from the first segment on that has signs in it that paths don't have.
    Segment,
    /// The value of a parameter, or a whole header.
    Value,
    /// A whole parameter with its name, where the name itself is strange.
    Name,
}

/// Holds one decoded part of a request.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) field: Field,
    pub(super) kind: Kind,
    pub(super) parameter: Option<String>,
    pub(super) views: Views,
    /// The decoded text, in its own case.
    pub(super) text: String,
}

/// Returns the parts of a request.
pub(super) fn parts(request: &Request<'_>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(8);
    target_parts(request.target, Field::Target, &mut parts);
    header_part(request.user_agent, Field::UserAgent, &mut parts);
    let referer = request.referer;
    match referer.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let local = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..));
            target_parts(local.unwrap_or_default(), Field::Referer, &mut parts);
        }
        _ if referer.contains('?') => target_parts(referer, Field::Referer, &mut parts),
        _ => header_part(referer, Field::Referer, &mut parts),
    }
    extra_parts(request.extra, &mut parts);
    parts
}

fn is_scheme(text: &str) -> bool {
    matches!(text, "http" | "https" | "android-app")
}

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(FIELD_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

fn header_part(text: &str, field: Field, parts: &mut Vec<Part>) {
    let text = bounded(text);
    if !text.is_empty() && text != "-" {
        push(parts, field, Kind::Value, None, text, Plus::Nowhere);
    }
}

fn target_parts(target: &str, field: Field, parts: &mut Vec<Part>) {
    let target = bounded(target);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let is_link = || query.is_none() && is_script_link(path);
    if !path.is_empty() && path != "/" && !is_link() {
        path_parts(path, field, parts);
    }
    if let Some(query) = query {
        query_parts(query, field, Plus::Everywhere, parts);
    }
}

/// Tells whether a path is a link of a page for script (`<a href="javascript:void(0)">`) that a browser or a crawler took for an address. It
/// carries no code: what it calls is what such links call. The rules' gate for targets knows the same.
fn is_script_link(path: &str) -> bool {
    // Nearly every path ends here.
    if !path.to_ascii_lowercase().contains("/javascript") {
        return false;
    }
    let text = decode_with(path, Plus::Everywhere).text.to_ascii_lowercase();
    let Some((folders, code)) = text.split_once("/javascript:") else { return false };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.~-".contains(c);
    if folders.contains("..") || !folders.chars().all(is_plain) {
        return false;
    }
    let code = code.strip_suffix(';').unwrap_or(code);
    let call = ["window.", "self."].iter().find_map(|owner| code.strip_prefix(owner));
    match call.unwrap_or(code).trim_end_matches(')') {
        "" | "void(0" | "void 0" | "return false" | "return true" => true,
        call => {
            let (name, argument) = call.split_once('(').unwrap_or((call, "?"));
            let is_number =
                argument.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
            is_number
                && matches!(
                    name,
                    "history.back" | "history.forward" | "history.go" | "print" | "close"
                )
        }
    }
}

/// Adds a path, and its end from where it stops looking like a path.
fn path_parts(path: &str, field: Field, parts: &mut Vec<Part>) {
    push(parts, field, Kind::Path, None, path, Plus::Nowhere);
    let Some(decoded) = parts.last().map(|part| part.text.clone()) else { return };
    let strange = |letter: char| {
        letter.is_control()
            || matches!(
                letter,
                '\'' | '"' | '<' | '>' | '(' | ')' | '{' | '}' | '|' | ';' | '$' | '`' | ' '
            )
    };
    if let Some(at) = decoded.find(strange) {
        let start =
            decoded.get(..at).and_then(|clean| clean.rfind('/')).map_or(0, |slash| slash + 1);
        let segment = decoded.get(start..).unwrap_or_default();
        push_decoded(parts, field, Kind::Segment, None, segment.to_owned());
    }
}

/// Cuts a query into its parameters.
fn query_parts(query: &str, field: Field, plus: Plus, parts: &mut Vec<Part>) {
    for piece in pieces(query) {
        match piece.split_once('=') {
            Some((name, value)) if is_name(name) => {
                if name.contains(['[', '$', '_', '%']) && is_strange_name(name) {
                    push(parts, field, Kind::Name, Some(name), piece, plus);
                }
                if !value.is_empty() {
                    push(parts, field, Kind::Value, Some(name), value, plus);
                }
            }
            _ if !piece.is_empty() => push(parts, field, Kind::Value, None, piece, plus),
            _ => {}
        }
    }
}

/// Splits at ampersands, but keeps together what an unescaped ampersand of a payload split.
fn pieces(query: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    let mut start = 0;
    let mut position = 0;
    for piece in query.split('&') {
        let end = position + piece.len();
        let stands_alone = position == 0
            || (pieces.len() < PARAMETERS_MAX
                && !query.get(..position).is_some_and(|before| before.ends_with("&&"))
                && is_parameter(piece));
        if stands_alone {
            start = position;
            pieces.push(piece);
        } else if let (Some(last), Some(joined)) = (pieces.last_mut(), query.get(start..end)) {
            *last = joined;
        }
        position = end + 1;
    }
    pieces
}

/// Says whether a piece of a query can be a parameter: a name, alone or with a value.
fn is_parameter(piece: &str) -> bool {
    match piece.split_once('=') {
        Some((name, _)) => is_name(name),
        None => {
            !piece.is_empty()
                && piece.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        }
    }
}

/// Says whether a text can be the name of a parameter: no blanks, quotes or brackets of code,
/// escaped or not.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !["%20", "%3c", "%3C", "%27", "%22", "%28", "%3b", "%3B", "%7c", "%7C", "%26", "%60"]
            .iter()
            .any(|code| name.contains(code))
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || b"_-.[]%$:*@~/".contains(&byte) || byte >= 0x80
        })
}

/// Says whether a name has signs that only few honest parameters have, so that it is looked at too.
fn is_strange_name(name: &str) -> bool {
    name.contains('$')
        || name.contains("__")
        || name.contains("%24")
        || name.contains("prototype")
        || name.to_ascii_lowercase().contains("%5b%24")
}

/// Adds a body: whole, and as the fields of a form if it is one.
fn extra_parts(extra: &str, parts: &mut Vec<Part>) {
    let extra = bounded(extra);
    if extra.is_empty() || extra == "-" {
        return;
    }
    let form = extra.split('&').take(PARAMETERS_MAX).all(is_parameter) && extra.contains('=');
    if form {
        query_parts(extra, Field::Extra, Plus::Everywhere, parts);
    } else {
        push(parts, Field::Extra, Kind::Value, None, extra, Plus::Nowhere);
    }
}

fn push(
    parts: &mut Vec<Part>,
    field: Field,
    kind: Kind,
    name: Option<&str>,
    raw: &str,
    plus: Plus,
) {
    let decoded = decode_with(raw, plus);
    let name =
        name.map(|name| clip(&decode_with(name, Plus::Everywhere).text, PARAMETER_CHARS_MAX));
    if decoded.layers.contains(&Layer::Base64) {
        let (text, runs) = decoded.split_base64();
        for run in runs {
            push_decoded(parts, field, kind, name.clone(), run.to_owned());
        }
        push_decoded(parts, field, kind, name, text.to_owned());
    } else {
        push_decoded(parts, field, kind, name, decoded.text);
    }
}

fn push_decoded(
    parts: &mut Vec<Part>,
    field: Field,
    kind: Kind,
    parameter: Option<String>,
    text: String,
) {
    let views = Views::of(&text);
    parts.push(Part { field, kind, parameter, views, text });
}
