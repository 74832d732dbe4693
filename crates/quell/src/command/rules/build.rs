//! `quell rules build`: makes Wazuh rules of the signs of attacks.
//!
//! The signs are part of the program, because its own classification reads them too; `--signs` takes others. The result goes to
//! standard output or into a folder, and `--check` only compares.

mod encode;
mod sample;
mod xml;

use std::path::Path;

use alert::sanitize::shown;
use anyhow::{Context as _, anyhow};
use triage::classify::sign::{FILES, Family, families};

use super::{Failure, write_whole};
use crate::cli::RulesBuild;
use crate::command::{Talk, print};

/// The file of rules, in a folder of rules.
const RULES_FILE: &str = "quell_web_attacks.xml";

/// The file of their tests, in the same folder.
const TESTS_FILE: &str = "tests/quell_web_attacks.ini";

/// A file of signs is 20 KB; a bigger one is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn run(options: &RulesBuild) -> Result<(), Failure> {
    let given;
    let families = match &options.signs {
        Some(folder) => {
            given = families_of(folder)?;
            given.as_slice()
        }
        None => families(),
    };
    let made = make(families);
    if !made.left_out.is_empty() {
        return Err(no_rules(&made.left_out));
    }
    let Some(folder) = &options.out else {
        print(&made.rules)?;
        return Ok(());
    };
    let files = [(RULES_FILE, &made.rules), (TESTS_FILE, &made.tests)];
    for (name, text) in files {
        let path = folder.join(name);
        if options.check {
            let is_current = std::fs::read_to_string(&path).is_ok_and(|known| known == *text);
            if !is_current {
                let shown_path = shown(&path.display().to_string(), 200);
                Talk::say(&format!(
                    "`{shown_path}` is not what the signs say\nhint: run `quell rules build --out` without --check"
                ));
                return Err(Failure::no());
            }
        } else {
            write_whole(&path, text)?;
        }
    }
    Ok(())
}

/// Says which signs can't be rules. Nothing is written then: who installs the rules must not find out by an attack which sign is missing.
fn no_rules(left_out: &[(u32, String)]) -> Failure {
    for (id, reason) in left_out {
        Talk::say(&format!("sign {id} can't be a rule: {reason}"));
    }
    let signs = match left_out.len() {
        1 => "a sign".to_owned(),
        count => format!("{count} signs"),
    };
    Failure::usage(format!(
        "{signs} can't be written as Wazuh's rules, so none are written\nhint: make two signs of a long one, each with some of its words"
    ))
}

/// What is made of signs.
struct Made {
    rules: String,
    tests: String,
    left_out: Vec<(u32, String)>,
}

fn make(families: &[Family]) -> Made {
    let written = xml::write(families);
    let tests = sample::write(families, |id| written.ids.contains(&id));
    Made { rules: written.text, tests, left_out: written.left_out }
}

/// Reads the files of a folder, in the order of the built-in ones.
fn families_of(folder: &Path) -> anyhow::Result<Vec<Family>> {
    let mut families = Vec::new();
    for (name, _) in FILES {
        let path = folder.join(name);
        let shown_path = shown(&path.display().to_string(), 200);
        let size = std::fs::metadata(&path)
            .with_context(|| format!("could not open `{shown_path}`"))?
            .len();
        if size > FILE_BYTES_MAX {
            return Err(anyhow!("`{shown_path}` is bigger than {} KB", FILE_BYTES_MAX >> 10));
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read `{shown_path}`"))?;
        let family = Family::parse(&text);
        families.push(family.with_context(|| format!("`{shown_path}` is no file of signs"))?);
    }
    Ok(families)
}

#[cfg(test)]
mod tests;
