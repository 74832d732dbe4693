//! Which crate may use which: the arrows of ARCHITECTURE.md as a table that fails the build.
//!
//! Several of our promises are about what code can't reach: the triage core has no clock and no
//! network, so it can be simulated; the hook links nothing, so it starts in a millisecond. A crate
//! boundary keeps such a promise for free as long as nobody adds an edge without thinking.
//!
//! It looks at what a manifest asks for, for building and for running. What tests need is free,
//! except for the hook, where even a test dependency would invite a real one. Crates that come in
//! through others are left to `xtask deny`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checkout::{Checkout, Files};
use crate::finding::Finding;

/// For each crate of the workspace, the other crates of the workspace that it may use.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("alert", &[]),
    ("ruleset", &["alert"]),
    ("triage", &["alert"]),
    ("store", &["alert"]),
    ("model", &["alert"]),
    ("wazuh", &["alert"]),
    ("console", &["alert", "store", "ruleset"]),
    ("quell", &["alert", "triage", "store", "model", "wazuh", "ruleset", "console"]),
    ("hook", &[]),
    ("faultdisk", &[]),
    ("xtask", &["alert", "ruleset"]),
];

/// The crates without input, output and clock.
const PURE: [&str; 3] = ["alert", "triage", "ruleset"];

/// What a pure crate would need in order to stop being one.
const IMPURE: [&str; 5] = ["tokio", "reqwest", "rusqlite", "axum", "nix"];

/// The crate that may use nothing at all.
const BARE: &str = "hook";

/// A crate of the workspace and what its manifest asks for.
#[derive(Debug)]
pub(crate) struct OwnCrate {
    name: String,
    manifest: String,
    needs: Vec<Need>,
}

/// One entry under dependencies.
#[derive(Debug)]
struct Need {
    name: String,
    line: usize,
    only_for_tests: bool,
}

/// Reads cargo's answer; lines come from the manifests' texts.
pub(crate) fn own_crates(checkout: &Checkout, files: &Files, metadata: &Value) -> Vec<OwnCrate> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let own_crate = |package: &Value| {
        let manifest = checkout.relative(&text(package, "manifest_path"));
        let manifest_text =
            files.texts.iter().find(|file| file.path == manifest).map_or("", |file| &file.text);
        let needs = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        let need = |need: &Value| Need {
            name: text(need, "name"),
            line: line_of(manifest_text, &text(need, "name")),
            only_for_tests: need["kind"] == "dev",
        };
        OwnCrate { name: text(package, "name"), needs: needs.iter().map(need).collect(), manifest }
    };
    packages.iter().map(own_crate).collect()
}

/// Finds the line that asks for a crate: it begins with its name, or names it as the package.
fn line_of(manifest: &str, name: &str) -> usize {
    let asks = |line: &str| {
        let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
        key == name || line.contains(&format!("package = \"{name}\""))
    };
    // After the section's header, because `name = "..."` and the like come before it.
    let from = manifest.lines().position(|line| line.contains("dependencies")).unwrap_or(0);
    manifest.lines().skip(from).position(asks).map_or(1, |line| from + line + 1)
}

/// Compares the edges with the table.
pub(crate) fn check(crates: &[OwnCrate]) -> Vec<Finding> {
    let own: BTreeSet<&str> = crates.iter().map(|own_crate| own_crate.name.as_str()).collect();
    let mut findings = Vec::new();
    for OwnCrate { name, manifest, needs } in crates {
        let Some((_, may_use)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            findings.push(Finding::new(
                manifest,
                1,
                format!("crate `{name}` is not in the table of layers"),
                "add it to xtask/src/tidy/layering.rs with what it may use, and to ARCHITECTURE.md",
            ));
            continue;
        };
        for need in needs {
            let wrong = |what: String, hint: &str| Finding::new(manifest, need.line, what, hint);
            let used = need.name.as_str();
            if name == BARE {
                findings.push(wrong(
                    format!("`{name}` depends on `{used}`"),
                    "it may depend on nothing, not even in tests: use the standard library",
                ));
            } else if need.only_for_tests {
                continue;
            } else if own.contains(used) && !may_use.contains(&used) {
                findings.push(wrong(
                    format!("`{name}` may not use `{used}`"),
                    "move the shared part down, or wire the two together in `quell`",
                ));
            } else if PURE.contains(&name.as_str()) && IMPURE.contains(&used) {
                findings.push(wrong(
                    format!("`{name}` is pure and may not use `{used}`"),
                    "take values and the time as arguments and do the work at the edge",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_crate(name: &str, needs: &[&str]) -> OwnCrate {
        let need = |name: &&str| Need { name: (*name).to_owned(), line: 5, only_for_tests: false };
        OwnCrate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            needs: needs.iter().map(need).collect(),
        }
    }

    fn found(crates: &[OwnCrate]) -> Vec<String> {
        check(crates).iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn the_arrows_that_point_down_are_fine() {
        let crates = [
            own_crate("alert", &["serde"]),
            own_crate("store", &["alert", "rusqlite"]),
            own_crate("quell", &["alert", "store", "tokio"]),
            own_crate("hook", &[]),
        ];
        assert!(found(&crates).is_empty());
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_found() {
        let crates = [
            own_crate("store", &["triage"]),
            own_crate("triage", &["store"]),
            own_crate("xtask", &["store"]),
        ];
        assert_eq!(
            found(&crates)[0],
            "crates/store/Cargo.toml:5: `store` may not use `triage`, move the shared part down, \
             or wire the two together in `quell`"
        );
        assert_eq!(found(&crates).len(), 3);
    }

    #[test]
    fn a_pure_crate_may_not_bring_in_a_runtime() {
        let lines = found(&[own_crate("triage", &["tokio"]), own_crate("model", &["tokio"])]);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("`triage` is pure and may not use `tokio`"), "{lines:?}");
    }

    #[test]
    fn test_dependencies_are_free_except_for_the_hook() {
        let mut triage = own_crate("triage", &["store"]);
        let mut hook = own_crate("hook", &["tempfile"]);
        triage.needs[0].only_for_tests = true;
        hook.needs[0].only_for_tests = true;
        let lines = found(&[triage, hook, own_crate("store", &[])]);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("`hook` depends on `tempfile`"), "{lines:?}");
    }

    #[test]
    fn a_crate_that_nobody_placed_is_found() {
        assert!(found(&[own_crate("cluster", &[])])[0].contains("not in the table of layers"));
    }

    #[test]
    fn the_line_of_an_entry_is_found_in_its_section() {
        let manifest = "[package]\nname = \"q\"\n\n[dependencies]\nserde.workspace = true\n\
                        other = { package = \"store\" }\nname = \"1\"\n";
        assert_eq!(line_of(manifest, "serde"), 5);
        assert_eq!(line_of(manifest, "store"), 6);
        assert_eq!(line_of(manifest, "name"), 7);
        assert_eq!(line_of(manifest, "absent"), 1);
    }
}
