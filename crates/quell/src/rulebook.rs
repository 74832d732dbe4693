//! Rulesets on disk: which files a path means, in which order they load.
//!
//! A path is a file of rules or decoders, a folder of them, a folder with `rules`, `decoders` and `lists` in it (as Wazuh's
//! `ruleset` and `etc` have), or a whole Wazuh installation. All decoders load before all rules, those of an earlier path before
//! those of a later one, and within a folder by file name. Where no rule of the files is a category's root, seven plain roots are
//! put before them, so that a single file of local rules can be run alone; and where rules hang below the stock ones for web servers,
//! which are not there either, plain stand-ins for those. Where no path is given and no Wazuh is installed, Quell's own rules are
//! taken, which the program carries in itself.

mod carried;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use alert::sanitize::shown;
use anyhow::{Context as _, bail};
use ruleset::{Diagnostic, Options, Ruleset, Severity, Source};

use crate::command::Talk;

/// Stock rules are 168 files of at most 300 KB. A bigger file is not one of rules.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Files that one ruleset may have.
const FILES_MAX: usize = 10_000;

/// Wazuh's shipped configuration leaves this file out, and so does a load without it being named.
const EXCLUDED: &str = "0215-policy_rules.xml";

/// What is put before rulesets that lack it: roots of the categories, and the stock rules below which web rules hang.
pub(crate) const BUILT_IN: [&str; 3] = ["base_decoders.xml", "base_rules.xml", "base_web.xml"];

/// Where a manager lives.
pub(crate) const WAZUH_HOME: &str = "/var/ossec";

/// A ruleset with what was said while loading it.
#[derive(Debug)]
pub(crate) struct Rulebook {
    /// Nothing when Wazuh would refuse to start with it.
    pub(crate) ruleset: Option<Arc<Ruleset>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Default)]
struct Files {
    decoders: Vec<PathBuf>,
    rules: Vec<PathBuf>,
    /// The path as rules name it, and the file.
    lists: Vec<(String, PathBuf)>,
}

/// Reads and loads the rulesets of these paths; where none is given, of a Wazuh installation on this machine, or else Quell's own.
pub(crate) fn load(paths: &[PathBuf]) -> anyhow::Result<Rulebook> {
    Ok(load_source(&read(paths)?, &Options::default()))
}

/// Loads files that were read.
pub(crate) fn load_source(source: &Source, options: &Options) -> Rulebook {
    let loaded = ruleset::load(source, options);
    Rulebook { ruleset: loaded.ruleset, diagnostics: loaded.diagnostics }
}

impl Rulebook {
    /// Gives the ruleset, or says why Wazuh, and so we, won't run it.
    pub(crate) fn usable(&self) -> anyhow::Result<Arc<Ruleset>> {
        let Some(ruleset) = &self.ruleset else {
            let mut text = "Wazuh would refuse to start with these rules".to_owned();
            let bad = self.diagnostics.iter().filter(|d| d.severity >= Severity::Error);
            for diagnostic in bad.take(10) {
                text.push_str("\n  ");
                text.push_str(&shown(&diagnostic.to_string(), 400));
            }
            text.push_str("\nhint: `quell rules check` shows each problem with its line");
            bail!(text);
        };
        Ok(Arc::clone(ruleset))
    }
}

/// Reads the files of these paths into memory; where none is given and no Wazuh is installed, gives the rules that the program carries.
pub(crate) fn read(paths: &[PathBuf]) -> anyhow::Result<Source> {
    if takes_carried(paths) {
        return Ok(Texts::carried().into_source());
    }
    Ok(Files::of(paths)?.into_texts()?.into_source())
}

/// Says whether Quell's own rules are meant, and tells so once: alerts of rules that nobody named would puzzle.
fn takes_carried(paths: &[PathBuf]) -> bool {
    static TOLD: Once = Once::new();
    let is_carried = paths.is_empty() && !Path::new(WAZUH_HOME).is_dir();
    if is_carried {
        TOLD.call_once(|| {
            Talk::say(&format!(
                "no ruleset was given and there is no Wazuh in `{WAZUH_HOME}`: Quell's own rules are \
                 taken (name others with --ruleset)"
            ));
        });
    }
    is_carried
}

/// Says whether a manager keeps its rules there.
pub(crate) fn is_home(path: &Path) -> bool {
    path.join("ruleset/rules").is_dir() && path.join("etc").is_dir()
}

/// Gives the files that the program carries, each by its name alone: decoders, then rules.
pub(crate) fn carried_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = carried::DECODERS.iter().chain(carried::RULES);
    files.map(|(path, text)| (path.rsplit('/').next().unwrap_or(path), *text))
}

/// Reads the files of these paths, and those of `new` in their place where they have the same name, or behind them.
pub(crate) fn read_with(paths: &[PathBuf], new: &Path) -> anyhow::Result<Source> {
    let mut added = Files::default();
    added.add(new)?;
    let added = added.into_texts()?;
    let mut texts = match takes_carried(paths) {
        true => Texts::carried(),
        false => Files::of(paths)?.into_texts()?,
    };
    let put = |list: &mut Vec<Text>, added: Vec<Text>| {
        for text in added {
            let file_name = |name: &str| Path::new(name).file_name().map(ToOwned::to_owned);
            match list.iter_mut().find(|old| file_name(&old.0) == file_name(&text.0)) {
                Some(old) => *old = text,
                None => list.push(text),
            }
        }
    };
    put(&mut texts.decoders, added.decoders);
    put(&mut texts.rules, added.rules);
    for (declared, text) in added.lists {
        texts.lists.retain(|(known, _)| *known != declared);
        texts.lists.push((declared, text));
    }
    Ok(texts.into_source())
}

/// A file's name, and what is in it.
type Text = (String, Vec<u8>);

/// The texts of a ruleset, in the order of loading.
#[derive(Debug, Default)]
struct Texts {
    decoders: Vec<Text>,
    rules: Vec<Text>,
    /// The path as rules name it, and the file's text.
    lists: Vec<Text>,
}

impl Texts {
    /// Quell's own rules.
    fn carried() -> Texts {
        let texts = |files: &[(&str, &str)]| {
            files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
                .collect()
        };
        Texts {
            decoders: texts(carried::DECODERS),
            rules: texts(carried::RULES),
            lists: Vec::new(),
        }
    }

    /// Puts what the rules lack before them.
    fn into_source(self) -> Source {
        let mut source = Source::default();
        if !self.rules.iter().any(|(_, text)| has_root(text)) {
            source.add_decoders("base_decoders.xml", include_str!("rulebook/base_decoders.xml"));
            source.add_rules("base_rules.xml", include_str!("rulebook/base_rules.xml"));
            if self.hangs_below_stock_web_rules() {
                source.add_rules("base_web.xml", include_str!("rulebook/base_web.xml"));
            }
        }
        for (name, text) in self.decoders {
            source.add_decoders(name, text);
        }
        for (name, text) in self.rules {
            source.add_rules(name, text);
        }
        for (declared, text) in self.lists {
            source.add_list(declared, Some(text));
        }
        source
    }

    /// Says whether rules name the stock rule for web lines, and none is it.
    fn hangs_below_stock_web_rules(&self) -> bool {
        let has = |word: &str| {
            let finder = memchr::memmem::Finder::new(word);
            self.rules.iter().any(|(_, text)| finder.find(text).is_some())
        };
        has("31100") && !has("id=\"31100\"")
    }
}

impl Files {
    /// Finds the files of these paths; of a Wazuh installation on this machine where none is given.
    fn of(paths: &[PathBuf]) -> anyhow::Result<Files> {
        let mut files = Files::default();
        if paths.is_empty() {
            files.add(Path::new(WAZUH_HOME))?;
        }
        for path in paths {
            files.add(path)?;
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = || shown(&path.display().to_string(), 200);
        if path.is_file() {
            return self.add_file(path);
        }
        if !path.is_dir() {
            bail!("there is no ruleset at `{}`\nhint: give a file or a folder of rules", name());
        }
        let before = self.count();
        // A manager keeps what is shipped and what is the user's apart.
        if is_home(path) {
            self.add(&path.join("ruleset"))?;
            return self.add(&path.join("etc"));
        }
        if path.join("rules").is_dir() || path.join("decoders").is_dir() {
            for folder in ["decoders", "rules"] {
                let folder = path.join(folder);
                if folder.is_dir() {
                    self.add_folder(&folder)?;
                }
            }
        } else {
            self.add_folder(path)?;
        }
        let lists = path.join("lists");
        if lists.is_dir() {
            self.add_lists(&lists, "etc/lists")?;
        }
        if self.count() == before {
            bail!("`{}` has no rules and no decoders\nhint: files must end in `.xml`", name());
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.decoders.len() + self.rules.len() + self.lists.len()
    }

    fn add_folder(&mut self, folder: &Path) -> anyhow::Result<()> {
        for path in sorted(folder)? {
            let is_xml = path.extension().is_some_and(|extension| extension == "xml");
            let is_excluded = path.file_name().is_some_and(|name| name == EXCLUDED);
            if is_xml && !is_excluded && path.is_file() {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> anyhow::Result<()> {
        if self.count() >= FILES_MAX {
            bail!("the ruleset has more than {FILES_MAX} files\nhint: name a smaller folder");
        }
        let text = read_file(path)?;
        // The first element tells: `<decoder` or `<group`. Comments may hold either, so they are passed over.
        let kind = first_element(&text);
        let list = if kind == Some(b"decoder") { &mut self.decoders } else { &mut self.rules };
        list.push(path.to_owned());
        Ok(())
    }

    fn add_lists(&mut self, folder: &Path, prefix: &str) -> anyhow::Result<()> {
        for path in sorted(folder)? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let declared = format!("{prefix}/{name}");
            if path.is_dir() {
                self.add_lists(&path, &declared)?;
            } else if !name.ends_with(".cdb") && self.count() < FILES_MAX {
                self.lists.push((declared, path));
            }
        }
        Ok(())
    }

    fn into_texts(self) -> anyhow::Result<Texts> {
        let read = |paths: Vec<PathBuf>| -> anyhow::Result<Vec<Text>> {
            paths.iter().map(|path| Ok((path.display().to_string(), read_file(path)?))).collect()
        };
        let lists = self.lists.into_iter().map(|(name, path)| Ok((name, read_file(&path)?)));
        Ok(Texts {
            decoders: read(self.decoders)?,
            rules: read(self.rules)?,
            lists: lists.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("could not read `{}`", shown(&folder.display().to_string(), 200));
    let entries = std::fs::read_dir(folder).with_context(reading)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(reading)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || shown(&path.display().to_string(), 200);
    let size =
        std::fs::metadata(path).with_context(|| format!("could not open `{}`", name()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("`{}` is bigger than {} MB: it is no file of rules", name(), FILE_BYTES_MAX >> 20);
    }
    std::fs::read(path).with_context(|| format!("could not read `{}`", name()))
}

/// Finds the name of the first element that is not a variable, behind comments.
fn first_element(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let at = rest.iter().position(|byte| *byte == b'<')?;
        rest = rest.get(at + 1..)?;
        if rest.starts_with(b"!--") {
            let end = rest.windows(3).position(|window| window == b"-->")?;
            rest = rest.get(end + 3..)?;
            continue;
        }
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
        let name = rest.get(..end)?;
        if !name.is_empty() && name != b"var" {
            return Some(name);
        }
    }
}

/// Says whether a file has a rule whose id makes it a category's root.
fn has_root(text: &[u8]) -> bool {
    text.windows(6).enumerate().any(|(at, window)| {
        window.starts_with(b" id=\"")
            && window.get(5).is_some_and(u8::is_ascii_digit)
            && text.get(at + 6) == Some(&b'"')
    })
}
