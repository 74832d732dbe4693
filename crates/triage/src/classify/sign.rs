//! What attacks look like, read from `rules/signs/*.toml`.
//!
//! A sign is a pattern over the decoded value of a parameter, a path or a header, in lower case. The same files are the source of
//! two things: the classification here, which takes a request apart and compares each value with the signs, and the Wazuh rules in
//! `rules/`, which `quell rules build` makes of the signs by writing each character of a pattern in all the ways in which a log line
//! may hold it. So there is one place to add what a new attack looks like, and each sign brings its own examples for the tests of
//! both.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::WebClass;
use super::view::View;

/// The files with their names, in the order in which Wazuh tries the rules made of them: what carries another attack inside stands before it.
pub const FILES: [(&str, &str); 14] = [
    ("log4shell.toml", include_str!("../../../../rules/signs/log4shell.toml")),
    ("xxe.toml", include_str!("../../../../rules/signs/xxe.toml")),
    ("ssti.toml", include_str!("../../../../rules/signs/ssti.toml")),
    ("nosql_injection.toml", include_str!("../../../../rules/signs/nosql_injection.toml")),
    ("webshell.toml", include_str!("../../../../rules/signs/webshell.toml")),
    ("code_injection.toml", include_str!("../../../../rules/signs/code_injection.toml")),
    ("sql_injection.toml", include_str!("../../../../rules/signs/sql_injection.toml")),
    ("command_injection.toml", include_str!("../../../../rules/signs/command_injection.toml")),
    ("xss.toml", include_str!("../../../../rules/signs/xss.toml")),
    ("file_inclusion.toml", include_str!("../../../../rules/signs/file_inclusion.toml")),
    ("path_traversal.toml", include_str!("../../../../rules/signs/path_traversal.toml")),
    ("ssrf.toml", include_str!("../../../../rules/signs/ssrf.toml")),
    ("open_redirect.toml", include_str!("../../../../rules/signs/open_redirect.toml")),
    ("scanner.toml", include_str!("../../../../rules/signs/scanner.toml")),
];

/// The signs of one kind of attack: one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// What they are signs of, which is also the group of the rules.
    pub class: WebClass,
    /// The kind of attack in words, for descriptions.
    pub title: String,
    /// ATT&CK techniques.
    pub mitre: Vec<String>,
    /// The level of each rule, where strength doesn't decide: a probe does nothing yet.
    #[serde(default)]
    pub level: Option<u8>,
    /// The rule for an attempt that was answered with success.
    #[serde(default)]
    pub answered: Option<u32>,
    /// Lists of words. A pattern names one as `<<name>>`; the classification's code asks for one with [`words`].
    #[serde(default)]
    pub words: BTreeMap<String, Vec<String>>,
    /// The signs, in the order in which they are tried.
    #[serde(default, rename = "sign")]
    pub signs: Vec<Sign>,
}

/// One sign of an attack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The id of the rule that is made of it.
    pub id: u32,
    /// What it says of a value, as the end of a sentence.
    pub reason: String,
    /// How sure it makes us, from 1 to 100.
    pub strength: u8,
    /// How the value is written for the pattern.
    #[serde(default)]
    pub view: View,
    /// Where it counts.
    #[serde(default)]
    pub place: Place,
    /// What reads it.
    #[serde(default, rename = "for")]
    pub reader: Reader,
    /// Short strings, one of which occurs wherever the pattern matches a value.
    #[serde(default)]
    pub near: Vec<String>,
    /// The pattern, as the crate `regex` reads it, over lower-case text; `\w`, `\s`, `\d` and `\b` are those of ASCII.
    pub pattern: String,
    /// Another pattern for lines, where they need one: what only code can decide in a value.
    #[serde(default)]
    pub line_pattern: Option<String>,
    /// What the pattern can't decide.
    #[serde(default)]
    pub check: Option<Check>,
    /// Values that have the sign, decoded.
    #[serde(default)]
    pub attack: Vec<String>,
    /// Values that look alike and are harmless, decoded.
    #[serde(default)]
    pub harmless: Vec<String>,
}

/// Says in which parts of a request a sign counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Anywhere.
    #[default]
    Any,
    /// In the values of parameters, in paths and in bodies, but not in the user agent.
    Input,
    /// In the values of parameters of the target or a body.
    Value,
    /// In the values of parameters through which planted scripts take their command.
    Command,
    /// In the user agent.
    Agent,
    /// In the referer and the user agent.
    Header,
    /// In the whole target, from the slash on.
    Target,
}

/// Says who reads a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// The classification and the rules.
    #[default]
    Both,
    /// Only the classification, which takes a request apart.
    Values,
    /// Only the rules, which see lines: here the classification has code.
    Lines,
    /// Only the rules, for requests in which letters are escapes that need none: here the classification decodes.
    EscapedLetters,
}

impl Reader {
    /// Tells whether the classification reads it, in values that are decoded.
    pub const fn reads_values(self) -> bool {
        matches!(self, Self::Both | Self::Values)
    }

    /// Tells whether rules are made of it.
    pub const fn reads_lines(self) -> bool {
        !matches!(self, Self::Values)
    }
}

/// Names a question about what a pattern captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The first two groups hold the same text.
    Same,
}

static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    // The files are part of the program, and a test reads each; so none is left out here.
    FILES.iter().filter_map(|(_, text)| Family::parse(text).ok()).collect()
});

/// Returns all signs, by kind of attack.
pub fn families() -> &'static [Family] {
    &FAMILIES
}

/// Returns a list of words of one kind of attack; empty if there is none of that name.
pub(super) fn words(class: WebClass, list: &str) -> &'static [String] {
    let family = families().iter().find(|family| family.class == class);
    family.and_then(|family| family.words.get(list)).map_or(&[], Vec::as_slice)
}

impl Family {
    /// Reads a file of signs.
    ///
    /// # Errors
    /// Says where the text is not what a file of signs looks like.
    pub fn parse(text: &str) -> Result<Family, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Replaces the classes that would mean all of Unicode. Sets may be nested, so this is right inside
/// a set too.
pub fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('w') => out.push_str("[0-9a-z_]"),
            Some('W') => out.push_str("[^0-9a-z_]"),
            Some('s') => out.push_str(r"[\t-\r ]"),
            Some('S') => out.push_str(r"[^\t-\r ]"),
            Some('d') => out.push_str("[0-9]"),
            Some('b') => out.push_str(r"(?-u:\b)"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read() {
        for (name, text) in FILES {
            let family = Family::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(Some(family.class.as_str()), name.strip_suffix(".toml"));
        }
    }
}
