//! Signs of template injection, and of lookups for Log4j.
//!
//! Documentation is full of `{{ name }}` and `${name}`, so an expression counts only if it
//! computes, calls, or reaches for the insides of the server's language. A Log4j lookup hides its
//! name in nested lookups; it is resolved as the library would do it, with every lookup that we
//! can't know taken for its default.

use super::FRAGMENT_CHARS_MAX;
use super::WebClass::{Log4shell, NosqlInjection, Ssti, Xxe};
use super::query::Part;
use super::rule::{Evidence, Sign, sign as any_sign};
use super::view::{View, fragment};

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(Ssti, View::Plain, strength, reason, anchors, pattern)
}

pub(super) const SIGNS: &[Sign] = &[
    sign(
        85,
        "computes in a template",
        &["{{", "${", "#{", "<%", "@(", "*{", "{%", "[["],
        r#"(?:\{\{=?|\$\{\{?|#\{|\*\{|<%=?|@\(|\[\[\$?\{?)\s*['"]?\d+['"]?\s*[*+/-]\s*['"]?\d+"#,
    ),
    sign(
        85,
        "reaches for the insides of the language",
        &["{{", "{%", "${", "#{", "[["],
        r#"(?:\{\{|\{%|\$\{|#\{)[^}]{0,200}(?:__\w+|\.\s*__\s*|\[['"]_|_"\s*\*\s*2|mro\b|subclasses|\bpopen|getclass|forname|getruntime|\.constructor|\bos\.|\bsystem\s*\(|_self|\bself\.|\blipsum|\bcycler\b|\bjoiner\b|request\s*[|\[.]|config\s*[.\[]|\|\s*attr\s*\(|get_user_file|settings\.secret|\.getenv\b|t\(java|runtime)"#,
    ),
    sign(
        75,
        "asks a template for its settings",
        &["{{"],
        r"^\{\{\s*(?:config|request|self|settings|session|g|app|dump\(\w*\)|_self|this)\b[^}]{0,60}\}\}",
    ),
    sign(
        75,
        "calls a function in a template",
        &["{{", "{%", "<%", "#{", "${"],
        r#"^\{\{[^}]{1,120}\([^}]*\)[^}]*\}\}|<%=?\s*(?:system|file\.|`|io\.|exec|import|require|dir\.|response|request|eval|\w+\()|\$\{\s*(?:t\(|self\.|\w+\s*\(\s*["'])|\$\{['"]"#,
    ),
    sign(
        75,
        "runs a template directive",
        &[
            "<#assign",
            "#set(",
            "{php}",
            "freemarker",
            "#evaluate",
            "<@",
            "{if ",
            "{system",
            "{{php",
            "#foreach",
            "[#assign",
        ],
        r#"<#assign\b|\[#assign|#set\s*\(\s*\$|\{php\}|freemarker\.template|#evaluate\s*\(|\?new\(\)|\{\s*(?:system|if\s+(?:phpinfo|system|exec))\s*\("#,
    ),
    sign(
        60,
        "runs a template statement",
        &["{%"],
        r"^\{%[^%]{1,120}(?:import|include|for\s+\w+\s+in|if\s|set\s|debug|load\b)[^%]{0,120}%\}",
    ),
    // XML that loads something from elsewhere.
    any_sign(
        Xxe,
        View::Plain,
        90,
        "declares an entity",
        &["<!entity", "<! entity"],
        r"<!\s*entity\s+%?\s*\w+",
    ),
    any_sign(
        Xxe,
        View::Plain,
        80,
        "declares an external document type",
        &["<!doctype"],
        r#"<!doctype\s+[\w:]+\s*(?:\[|system\b|public\s+['"][^'"]*['"]\s+['"](?:file|ftp|http))"#,
    ),
    any_sign(
        Xxe,
        View::Plain,
        70,
        "includes another document",
        &["xi:include", "xinclude", "schemalocation", "xsl:include", "xsl:import"],
        r#"<xi:include|xmlns:xi\s*=|xsi:schemalocation\s*=\s*['"]?http|<xsl:(?:include|import)"#,
    ),
    // Operators of document databases.
    any_sign(
        NosqlInjection,
        View::Plain,
        85,
        "is an operator of a document database",
        &["[$"],
        r"\[\$(?:ne|gte?|lte?|regex|where|n?in|exists|eq|n?or|and|not|elemmatch|mod|size|type|expr)\]",
    ),
    any_sign(
        NosqlInjection,
        View::Plain,
        80,
        "is an operator of a document database",
        &["$"],
        r#"['"{,\s]\$(?:ne|gte?|lte?|regex|where|n?in|exists|eq|n?or|and|not|elemmatch|expr|func|jsonschema|text|function)['"]?\s*:"#,
    ),
    any_sign(
        NosqlInjection,
        View::Plain,
        75,
        "runs script in a document database",
        &["$where", "this.", "db.", "return", "new date"],
        r#"\$where\b|\bthis\.\w+\s*(?:==|!=|\.match\()|\bdb\.\w+\.(?:find|insert|drop|remove|update|aggregate)\w*\(|;\s*return\s*\(?\s*(?:true|1)\b|new\s+date\(\)\s*;\s*do\s*\{"#,
    ),
    any_sign(
        NosqlInjection,
        View::Plain,
        65,
        "compares as script does",
        &["=='", "== '", "'=='", "==="],
        r#"^[^'"]*['"]\s*(?:\|\||&&)\s*['"\w.]+\s*={2,3}\s*['"\w]"#,
    ),
];

/// How deep lookups are resolved; published payloads nest three deep.
const LOOKUP_DEPTH_MAX: usize = 8;

/// Looks for Log4j lookups in a part.
pub(super) fn weigh_lookups(part: &Part, evidence: &mut Evidence) {
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
    } else if text.contains("${env:")
        || text.contains("${sys:")
        || text.contains("${lower:")
        || text.contains("${upper:")
        || text.contains("${::-")
        || text.contains("${java:")
    {
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
