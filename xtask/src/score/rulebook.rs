//! Rulesets to score: files, folders of files, or a whole set of stock rules, put together as `quell detect` would.
//!
//! The program's own reader can't be linked, because a program is no library. What matters is the same: decoders before rules, an
//! earlier path before a later one, files by name, and the program's stand-ins (`base_*.xml`, the very files) first where no stock
//! root is loaded.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use ruleset::{Ruleset, Severity, Source};

use crate::checkout::Checkout;
use crate::conformance::case::{NamedFile, read, read_folder};
use crate::conformance::stock::Stock;

/// Where the program keeps its stand-ins for stock rules.
const STAND_INS: &str = "crates/quell/src/rulebook";

/// The stock root for web requests. Where a ruleset has its own, no stand-in for it may come before.
const WEB_ROOT: &[u8] = b" id=\"31100\"";

/// Problems shown when a ruleset is refused.
const PROBLEMS_MAX: usize = 5;

/// Loads the rulesets of these paths as one. Stock rules come first wherever they were named: others hang below them.
pub(crate) fn load(checkout: &Checkout, paths: &[PathBuf]) -> anyhow::Result<Arc<Ruleset>> {
    usable(&source(checkout, paths)?)
}

/// Reads the rulesets of these paths as one.
pub(crate) fn source(checkout: &Checkout, paths: &[PathBuf]) -> anyhow::Result<Source> {
    let mut source = Source::default();
    let mut files = Vec::new();
    let mut has_stock = false;
    for path in paths {
        if path.join("rules").is_dir() && path.join("decoders").is_dir() {
            add_stock(&mut source, &Stock::read(path)?);
            has_stock = true;
        } else {
            files.extend(named_files(path)?);
        }
    }
    if !has_stock && !files.iter().any(|file| has_root(&file.bytes)) {
        let own = std::mem::take(&mut files);
        files = stand_ins(checkout, &own)?;
        files.extend(own);
    }
    for NamedFile { name, bytes } in files {
        if is_of_decoders(&bytes) {
            source.add_decoders(name, bytes);
        } else {
            source.add_rules(name, bytes);
        }
    }
    Ok(source)
}

fn add_stock(source: &mut Source, stock: &Stock) {
    let material = stock.material();
    for file in material.decoders {
        source.add_decoders(file.name.clone(), file.bytes.clone());
    }
    for file in material.rules {
        source.add_rules(file.name.clone(), file.bytes.clone());
    }
    for list in material.lists {
        source.add_list(list.name.clone(), list.bytes.clone());
    }
}

/// Loads a ruleset, or says what is wrong with one that Wazuh would refuse.
pub(crate) fn usable(source: &Source) -> anyhow::Result<Arc<Ruleset>> {
    let loaded = ruleset::load(source, &ruleset::Options::default());
    let Some(ruleset) = loaded.ruleset else {
        let bad = loaded.diagnostics.iter().filter(|found| found.severity >= Severity::Error);
        let lines: Vec<String> = bad.take(PROBLEMS_MAX).map(ToString::to_string).collect();
        bail!("Wazuh would refuse to start with these rules\n  {}", lines.join("\n  "));
    };
    Ok(ruleset)
}

fn named_files(path: &Path) -> anyhow::Result<Vec<NamedFile>> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    if path.is_file() {
        return Ok(vec![NamedFile { name, bytes: read(path)? }]);
    }
    let files = read_folder(path, &name)
        .with_context(|| format!("there is no ruleset at `{}`", path.display()))?;
    ensure!(!files.is_empty(), "`{}` has no rules and no decoders", path.display());
    Ok(files)
}

/// The program's stand-ins, without one for the root of web requests where the files have their own.
fn stand_ins(checkout: &Checkout, files: &[NamedFile]) -> anyhow::Result<Vec<NamedFile>> {
    let mut stand_ins = read_folder(&checkout.path(STAND_INS), STAND_INS)?;
    if files.iter().any(|file| is_in(WEB_ROOT, &file.bytes)) {
        stand_ins.retain(|file| !is_in(WEB_ROOT, &file.bytes));
    }
    Ok(stand_ins)
}

fn is_in(needle: &[u8], text: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// Says whether a file has a rule whose id, of one digit, makes it a category's root.
fn has_root(text: &[u8]) -> bool {
    let is_root = |window: &[u8]| matches!(window, [b' ', b'i', b'd', b'=', b'"', digit, b'"'] if digit.is_ascii_digit());
    text.windows(7).any(is_root)
}

/// Tells a file of decoders from one of rules by the element that comes first, outside comments.
fn is_of_decoders(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    while let Some((_, behind)) = rest.split_once('<') {
        rest = match behind.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->").map_or("", |(_, behind)| behind),
            None if behind.starts_with("var") || behind.starts_with('/') => behind,
            None => return behind.starts_with("decoder"),
        };
    }
    false
}

/// Says whether a file is one of the program's stand-ins: not what is scored.
pub(crate) fn is_stand_in(name: &str) -> bool {
    name.starts_with(STAND_INS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_element() {
        assert!(is_of_decoders(b"<!-- <group> --><var name=\"X\">y</var>\n<decoder name=\"a\">"));
        assert!(!is_of_decoders(b"<!-- <decoder> --><group name=\"a,\"><decoder>"));
        assert!(!is_of_decoders(b"no element at all"));
    }

    #[test]
    fn a_root_has_an_id_of_one_digit() {
        assert!(has_root(b"<rule id=\"4\" level=\"0\">"));
        assert!(!has_root(b"<rule id=\"100200\" level=\"0\"><if_sid>4</if_sid>"));
    }

    #[test]
    fn stand_ins_let_a_few_rules_run_alone() {
        let checkout = Checkout::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.xml");
        let rules = "<group name=\"web_attack,\"><rule id=\"100200\" level=\"6\"><if_sid>4</if_sid>\
                     <url>union</url><description>U.</description></rule></group>";
        fs_write(&path, rules);
        let ruleset = load(&checkout, std::slice::from_ref(&path)).unwrap();
        assert_eq!(ruleset.parents(100_200), [4]);
        let files: Vec<_> = ruleset.rules().map(|rule| is_stand_in(rule.file)).collect();
        assert!(files.contains(&true) && files.contains(&false));
        fs_write(&path, "<group name=\"a,\"><rule id=\"1\" level=\"0\"><if_sid>9</if_sid>");
        assert!(load(&checkout, &[path]).unwrap_err().to_string().contains("refuse"));
    }

    #[expect(clippy::disallowed_methods, reason = "a file for one test")]
    fn fs_write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }
}
