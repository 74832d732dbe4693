//! `xtask deny`: the part of cargo-deny that needs no network and no extra tool.
//!
//! It reads the whole graph of the lock file and checks where crates come from, under which licence,
//! and that none of those is among them that we decided against. `deny.toml` says the same for the
//! real cargo-deny, which also knows advisories; a test here compares the two lists of licences and
//! of banned crates, so that they can't drift apart.
//!
//! Two versions of one crate are told and not refused: they cost size, and the cure is upstream's.

mod licence;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Answer;
use crate::checkout::Checkout;
use crate::finding::{self, Finding};
use licence::Standing;

/// What may not be in the graph at all, and why.
const BANNED: [(&str, &str); 7] = [
    ("openssl", "we speak TLS with rustls, so that a static binary is possible"),
    ("openssl-sys", "we speak TLS with rustls, so that a static binary is possible"),
    ("native-tls", "we speak TLS with rustls, so that a static binary is possible"),
    ("aws-lc-sys", "it needs cmake and a C compiler per target, use rustls with ring"),
    ("serde_yaml", "it is unmaintained, our files are TOML and JSON"),
    ("serde_yml", "it is unsound, our files are TOML and JSON"),
    ("async-std", "it is unmaintained, the program runs on tokio"),
];

/// What our own crates may not ask for; others may, since we can't stop them.
const BANNED_DIRECTLY: [(&str, &str); 3] = [
    ("lazy_static", "use `std::sync::LazyLock`"),
    ("once_cell", "use `std::sync::OnceLock` or `LazyLock`"),
    ("chrono", "use `jiff`, one library for time is enough"),
];

/// Where findings about crates that are not ours point to.
const LOCK_FILE: &str = "Cargo.lock";

/// One crate of the graph.
#[derive(Debug, Default)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// None for a crate of the workspace.
    source: Option<String>,
    manifest: String,
    asks_for: Vec<Asked>,
}

/// One entry under dependencies.
#[derive(Debug)]
struct Asked {
    name: String,
    requirement: String,
    is_path: bool,
}

/// Runs all checks over the graph.
pub(crate) fn deny(checkout: &Checkout) -> anyhow::Result<Answer> {
    let packages = packages(checkout, &checkout.whole_graph()?);
    let lock = std::fs::read_to_string(checkout.path(LOCK_FILE)).unwrap_or_default();
    let (findings, notes) = check(&packages, &lock);
    for note in notes {
        println!("note: {note}");
    }
    Ok(finding::report("deny", &format!("{} packages", packages.len()), findings))
}

/// Takes from cargo's answer the packages that are really in the graph of our platforms.
fn packages(checkout: &Checkout, metadata: &Value) -> Vec<Package> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nodes = metadata.pointer("/resolve/nodes").map(list).unwrap_or_default();
    let used: BTreeSet<String> = nodes.iter().filter_map(|node| text(&node["id"])).collect();
    let asked = |entry: &Value| Asked {
        name: text(&entry["name"]).unwrap_or_default(),
        requirement: text(&entry["req"]).unwrap_or_default(),
        is_path: entry["path"].is_string(),
    };
    list(&metadata["packages"])
        .iter()
        .filter(|package| text(&package["id"]).is_some_and(|id| used.contains(&id)))
        .map(|package| Package {
            name: text(&package["name"]).unwrap_or_default(),
            version: text(&package["version"]).unwrap_or_default(),
            licence: text(&package["license"]),
            source: text(&package["source"]),
            manifest: checkout.relative(&text(&package["manifest_path"]).unwrap_or_default()),
            asks_for: list(&package["dependencies"]).iter().map(asked).collect(),
        })
        .collect()
}

/// Gives what is wrong, and what is worth knowing.
fn check(packages: &[Package], lock: &str) -> (Vec<Finding>, Vec<String>) {
    let (mut findings, mut notes) = (Vec::new(), Vec::new());
    for package in packages {
        match &package.source {
            Some(source) => {
                let line = lock_line(lock, &package.name, &package.version);
                let mut wrong = |(what, hint): (String, String)| {
                    let what = format!("`{} {}` {what}", package.name, package.version);
                    findings.push(Finding::new(LOCK_FILE, line, what, hint));
                };
                foreign_source(source).into_iter().for_each(&mut wrong);
                banned(&package.name).into_iter().for_each(&mut wrong);
                match standing(package) {
                    Ok(Standing::Allowed) => {}
                    Ok(Standing::Flagged) => notes.push(format!(
                        "`{} {}` is under a licence that covers its own files ({}): publish \
                         changes to them, if any",
                        package.name,
                        package.version,
                        package.licence.as_deref().unwrap_or_default()
                    )),
                    Ok(Standing::Refused) => wrong((
                        format!("is under `{}`", package.licence.as_deref().unwrap_or_default()),
                        "no choice in it is on the list of licences, choose another crate".into(),
                    )),
                    Err(why) => wrong((why, "read its licence and choose another crate".into())),
                }
            }
            None => findings.extend(own_manifest(package)),
        }
    }
    notes.extend(duplicates(packages));
    (findings, notes)
}

fn foreign_source(source: &str) -> Option<(String, String)> {
    // There is one registry: no other can be configured without its own `registry+` address, and
    // cargo writes the usual one into the lock file by the address of its index.
    let is_usual_registry = source.starts_with("registry+") && source.ends_with("/crates.io-index");
    (!is_usual_registry).then(|| {
        (format!("comes from `{source}`"), "take it from the usual registry or write it".into())
    })
}

fn banned(name: &str) -> Option<(String, String)> {
    let (_, why) = BANNED.iter().find(|(banned, _)| *banned == name)?;
    let hint = format!("{why}; `cargo tree -i {name}` shows who wants it");
    Some(("is banned".to_owned(), hint))
}

fn standing(package: &Package) -> Result<Standing, String> {
    let Some(licence) = &package.licence else {
        return Err("states no licence".to_owned());
    };
    licence::standing(licence).map_err(|why| format!("has the licence `{licence}`: {why}"))
}

fn own_manifest(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for asked in &package.asks_for {
        let mut wrong = |what: String, hint: &str| {
            findings.push(Finding::new(&package.manifest, 1, what, hint))
        };
        if asked.requirement == "*" && !asked.is_path {
            let what = format!("`{}` is asked for in any version", asked.name);
            wrong(what, "name the version that was tested");
        }
        let directly = BANNED_DIRECTLY.iter().find(|(banned, _)| *banned == asked.name);
        if let Some((_, hint)) = directly {
            wrong(format!("`{}` is banned in our own crates", asked.name), hint);
        }
    }
    findings
}

fn duplicates(packages: &[Package]) -> Option<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let several: Vec<String> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} {}", versions.join(" and ")))
        .collect();
    (!several.is_empty()).then(|| format!("in several versions: {}", several.join("; ")))
}

/// Finds the entry of a package in the lock file, where the name and the version are two lines.
fn lock_line(lock: &str, name: &str, version: &str) -> usize {
    let (name, version) = (format!("name = \"{name}\""), format!("version = \"{version}\""));
    let pairs = lock.lines().zip(lock.lines().skip(1));
    let found = pairs.into_iter().position(|(first, second)| first == name && second == version);
    found.map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, licence: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: Some(licence.to_owned()),
            source: Some("registry+https://example.org/crates.io-index".to_owned()),
            ..Package::default()
        }
    }

    fn own(name: &str, requirement: &str) -> Package {
        let asked =
            Asked { name: name.to_owned(), requirement: requirement.to_owned(), is_path: false };
        Package {
            manifest: "crates/a/Cargo.toml".into(),
            asks_for: vec![asked],
            ..Package::default()
        }
    }

    fn found(packages: &[Package]) -> Vec<String> {
        let lock = "version = 4\n\n[[package]]\nname = \"openssl\"\nversion = \"1.0.0\"\n";
        check(packages, lock).0.iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_usual_crate_is_fine() {
        assert!(found(&[package("serde", "MIT OR Apache-2.0"), own("serde", "^1")]).is_empty());
    }

    #[test]
    fn a_banned_crate_is_found_at_its_place_in_the_lock_file() {
        let lines = found(&[package("openssl", "Apache-2.0")]);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("Cargo.lock:4: `openssl 1.0.0` is banned, "), "{lines:?}");
    }

    #[test]
    fn a_crate_from_a_repository_or_another_registry_is_found() {
        for source in ["git+https://example.org/a", "registry+https://example.org/index"] {
            let foreign = Package { source: Some(source.into()), ..package("a", "MIT") };
            assert_eq!(found(&[foreign]).len(), 1, "{source}");
        }
    }

    #[test]
    fn a_licence_outside_the_list_or_none_at_all_is_found() {
        let none = Package { licence: None, ..package("b", "") };
        let lines = found(&[package("a", "GPL-3.0-only"), none]);
        assert!(lines[0].contains("`a 1.0.0` is under `GPL-3.0-only`"), "{lines:?}");
        assert!(lines[1].contains("`b 1.0.0` states no licence"), "{lines:?}");
    }

    #[test]
    fn a_wildcard_and_a_direct_ban_are_found_in_our_manifests_only() {
        assert_eq!(found(&[own("serde", "*")]).len(), 1);
        assert_eq!(found(&[own("chrono", "^0.4")]).len(), 1);
        assert!(found(&[package("chrono", "MIT")]).is_empty());
        let mut path = own("alert", "*");
        path.asks_for[0].is_path = true;
        assert!(found(&[path]).is_empty());
    }

    #[test]
    fn weak_copyleft_and_two_versions_are_told_and_not_refused() {
        let second = Package { version: "2.0.0".into(), ..package("a", "MIT") };
        let (findings, notes) = check(&[package("a", "MIT"), second, package("m", "MPL-2.0")], "");
        assert!(findings.is_empty());
        assert!(notes[0].contains("`m 1.0.0` is under a licence that covers"), "{notes:?}");
        assert_eq!(notes[1], "in several versions: a 1.0.0 and 2.0.0");
    }

    #[test]
    fn deny_toml_has_the_same_lists() {
        let file = include_str!("../../deny.toml");
        for name in licence::ALLOWED.iter().chain(&licence::FLAGGED) {
            assert!(file.contains(&format!("    \"{name}\",\n")), "`{name}` is not in deny.toml");
        }
        for (name, _) in BANNED {
            let entry = format!("{{ crate = \"{name}\",");
            assert!(file.contains(&entry), "`{name}` is not in deny.toml");
        }
        assert_eq!(file.matches("{ crate = ").count(), BANNED.len());
        let allow = file.split("allow = [\n").nth(1).unwrap().split("]\n").next().unwrap();
        let listed = allow.lines().filter(|line| line.trim_start().starts_with('"')).count();
        assert_eq!(listed, licence::ALLOWED.len() + licence::FLAGGED.len());
    }
}
