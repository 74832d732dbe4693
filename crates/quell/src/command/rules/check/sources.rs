//! Reads what to check and what it builds on, and remembers which is which.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use alert::sanitize::shown;
use anyhow::{Context as _, bail};
use ruleset::Source;
use ruleset::testfile::TestFile;

use crate::rulebook;

/// Wazuh ships 90 files of tests. This is for a folder that was named by mistake.
const TEST_FILES_MAX: usize = 10_000;

/// A file of tests has a few hundred log lines.
const TEST_BYTES_MAX: u64 = 16 << 20;

/// The texts, and the names of those to judge.
pub(super) struct Checked {
    pub(super) source: Source,
    pub(super) names: HashSet<String>,
}

/// Reads both. A file that is part of the base as well is loaded once, at its place there.
pub(super) fn read(base: &[PathBuf], paths: &[PathBuf]) -> anyhow::Result<Checked> {
    let own = rulebook::read(paths)?;
    let is_built_in = |name: &str| rulebook::BUILT_IN.contains(&name);
    let own_names = own.decoder_files().chain(own.rule_files()).map(|(name, _)| name.to_owned());
    let names: HashSet<String> = own_names.filter(|name| !is_built_in(name)).collect();
    if base.is_empty() {
        return Ok(Checked { source: own, names });
    }
    let base = rulebook::read(base)?;
    // Built-in roots are for when neither side has any.
    let has_roots = |source: &Source| !source.rule_files().any(|(name, _)| is_built_in(name));
    let wants_built_in = !has_roots(&own) && !has_roots(&base);
    let mut seen = HashSet::new();
    let mut source = Source::default();
    let mut is_new = |kind: &'static str, name: &str| {
        (wants_built_in || !is_built_in(name)) && seen.insert((kind, identity(name)))
    };
    for (name, text) in base.decoder_files().chain(own.decoder_files()) {
        if is_new("decoders", name) {
            source.add_decoders(spelled(name, &names), text);
        }
    }
    for (name, text) in base.rule_files().chain(own.rule_files()) {
        if is_new("rules", name) {
            source.add_rules(spelled(name, &names), text);
        }
    }
    // Of a list that both have, the one beside the checked rules counts.
    for (path, text) in own.lists().chain(base.lists()) {
        if is_new("list", path) {
            source.add_list(path, text.map(<[u8]>::to_vec));
        }
    }
    Ok(Checked { source, names })
}

/// Reads a whole installation, of which the files in `etc` are to be judged.
pub(super) fn read_installed(home: &Path) -> anyhow::Result<Checked> {
    let source = rulebook::read(&[home.to_owned()])?;
    let own = home.join("etc");
    let all = source.decoder_files().chain(source.rule_files());
    let is_own = |name: &&str| Path::new(name).starts_with(&own);
    let names = all.map(|(name, _)| name).filter(is_own).map(ToOwned::to_owned).collect();
    Ok(Checked { source, names })
}

/// Tells a file by where it really is, so that two spellings of a path are one file.
fn identity(name: &str) -> PathBuf {
    std::fs::canonicalize(name).unwrap_or_else(|_| PathBuf::from(name))
}

/// Gives a file of the base the name under which it is to be checked, if it is.
fn spelled(name: &str, names: &HashSet<String>) -> String {
    if names.contains(name) {
        return name.to_owned();
    }
    let file_name = Path::new(name).file_name();
    let same_end = |other: &&String| Path::new(other.as_str()).file_name() == file_name;
    let known = names.iter().filter(same_end).find(|other| identity(other) == identity(name));
    known.cloned().unwrap_or_else(|| name.to_owned())
}

/// Reads files of tests, and those in folders, each with its name.
pub(super) fn read_tests(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, TestFile)>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            add_folder(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    let mut tests = Vec::new();
    for path in files {
        let name = shown(&path.display().to_string(), 200);
        let size = std::fs::metadata(&path)
            .with_context(|| format!("could not open the tests `{name}`"))?
            .len();
        if size > TEST_BYTES_MAX {
            bail!("`{name}` is bigger than {} MB: it is no file of tests", TEST_BYTES_MAX >> 20);
        }
        let text = std::fs::read(&path).with_context(|| format!("could not read `{name}`"))?;
        tests.push((path.display().to_string(), TestFile::parse(&text)));
    }
    Ok(tests)
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let reading = || format!("could not read `{}`", shown(&folder.display().to_string(), 200));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        entries.push(entry.with_context(reading)?.path());
    }
    entries.sort();
    for path in entries {
        if files.len() >= TEST_FILES_MAX {
            bail!(
                "there are more than {TEST_FILES_MAX} files of tests\nhint: name a smaller folder"
            );
        }
        // A link to a folder above would lead round and round.
        if path.is_dir() && !path.is_symlink() {
            add_folder(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ini") {
            files.push(path);
        }
    }
    Ok(())
}
