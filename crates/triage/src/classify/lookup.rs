//! Lookups for Log4j.
//!
//! A lookup hides its name in nested lookups; it is resolved as the library would do it, with every
//! lookup that we can't know taken for its default.

use super::FRAGMENT_CHARS_MAX;
use super::WebClass::Log4shell;
use super::query::Part;
use super::rule::Evidence;
use super::view::{View, fragment};

/// How deep lookups are resolved; published payloads nest three deep.
const LOOKUP_DEPTH_MAX: usize = 8;

/// How a lookup begins that nobody but Log4j would resolve.
const LOOKUPS: [&str; 21] = [
    "${env:",
    "${sys:",
    "${lower:",
    "${upper:",
    "${::-",
    "${java:",
    "${base64:",
    "${ctx:",
    "${bundle:",
    "${k8s:",
    "${web:",
    "${spring:",
    "${docker:",
    "${script:",
    "${dns:",
    "${url:utf-8:",
    "${urldecoder:",
    "${urlencoder:",
    "${base64decoder:",
    "${base64encoder:",
    "${main:",
];

/// Looks for Log4j lookups in a part.
pub(super) fn weigh(part: &Part, evidence: &mut Evidence) {
    let text = part.views.text(View::Plain);
    let Some(start) = text.find("${") else {
        if text.contains("jndi:") {
            let at = text.find("jndi:").unwrap_or_default();
            evidence.add(
                Log4shell,
                60,
                part,
                "names a JNDI lookup",
                fragment(&part.text, at, FRAGMENT_CHARS_MAX).into_owned(),
            );
        }
        return;
    };
    let shown = || {
        let source = if part.text.len() == text.len() { part.text.as_str() } else { text };
        fragment(source, start, FRAGMENT_CHARS_MAX).into_owned()
    };
    let resolved = resolve(text);
    if resolved.contains("jndi:") || resolved.contains("jnd1:") {
        evidence.add(Log4shell, 95, part, "is a JNDI lookup for Log4j", shown());
    } else if LOOKUPS.iter().any(|lookup| text.contains(lookup)) {
        evidence.add(Log4shell, 75, part, "is a lookup for Log4j", shown());
    }
}

/// Replaces the innermost lookups by what they stand for, again and again.
fn resolve(text: &str) -> String {
    let mut current = text.to_owned();
    for _ in 0..LOOKUP_DEPTH_MAX {
        let Some(next) = resolve_innermost(&current) else { break };
        current = next;
    }
    current
}

fn resolve_innermost(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    // The innermost lookup ends at the first closing brace and begins at the last opening before
    // it.
    while let Some(end) = rest.find('}') {
        let (before, after) = rest.split_at_checked(end)?;
        match before.rfind("${") {
            Some(start) => {
                let (text_before, lookup) = before.split_at_checked(start)?;
                let body = lookup.get(2..)?;
                // The lookup that we look for must stay in sight.
                if body.contains("jndi:") || body.contains("jnd1:") {
                    return None;
                }
                out.push_str(text_before);
                out.push_str(stands_for(body));
                changed = true;
            }
            None => {
                out.push_str(before);
                out.push('}');
            }
        }
        rest = after.get(1..)?;
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Returns what a lookup without nested ones stands for: its default, or the text whose case it
/// changes.
fn stands_for(body: &str) -> &str {
    if let Some((_, default)) = body.rsplit_once(":-") {
        return default;
    }
    match body.split_once(':') {
        Some(("lower" | "upper", letters)) => letters,
        _ => "",
    }
}
