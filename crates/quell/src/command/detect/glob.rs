//! Expands a pattern of file names where no shell did: in a service, from a script, in quotes.
//!
//! `*` and `?` stand for what they stand for in a shell, within one part of the path and not for a leading dot. A name that is there as it
//! is written is taken as it is.

use std::path::{Component, Path, PathBuf};

use alert::sanitize::shown;
use anyhow::{Context as _, anyhow};

use crate::command::Failure;

/// Gives the paths that a pattern means, sorted; the path itself if it is no pattern.
pub(super) fn expand(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = pattern.to_string_lossy();
    if !text.contains(['*', '?']) || pattern.exists() {
        return Ok(vec![pattern.to_owned()]);
    }
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        found = match part {
            Component::Normal(part) if part.to_string_lossy().contains(['*', '?']) => {
                let pattern = part.to_string_lossy();
                let mut within = Vec::new();
                for folder in found {
                    within.extend(matching(&folder, pattern.as_bytes())?);
                }
                within
            }
            part => found.iter().map(|path| path.join(part)).filter(|path| path.exists()).collect(),
        };
    }
    if found.is_empty() {
        let pattern = shown(&text, 200);
        return Err(anyhow!("no file matches `{pattern}`").into());
    }
    found.sort();
    Ok(found)
}

fn matching(folder: &Path, pattern: &[u8]) -> Result<Vec<PathBuf>, Failure> {
    use std::os::unix::ffi::OsStrExt as _;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !here.is_dir() {
        return Ok(Vec::new());
    }
    let reading = || format!("could not read `{}`", shown(&here.display().to_string(), 200));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(here).with_context(reading)? {
        let name = entry.with_context(reading)?.file_name();
        if matches(pattern, name.as_bytes()) {
            found.push(folder.join(name));
        }
    }
    Ok(found)
}

/// Says whether a name is one that the pattern means.
///
/// On a mismatch it goes back to the last `*` and lets that stand for one byte more, so the time is bounded by the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while place < name.len() {
        match (pattern.get(at), name.get(place)) {
            (Some(b'*'), _) => {
                star = Some((at, place));
                at += 1;
            }
            (Some(wanted), Some(byte)) if *wanted == b'?' || wanted == byte => {
                at += 1;
                place += 1;
            }
            _ => match &mut star {
                Some((star_at, swallowed)) => {
                    *swallowed += 1;
                    at = *star_at + 1;
                    place = *swallowed;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_a_shell() {
        for (pattern, name, is_match) in [
            ("*", "access.log", true),
            ("*.log", "access.log", true),
            ("*.log", "access.log.1", false),
            ("access.log*", "access.log", true),
            ("a*s*.?og", "access.log", true),
            ("a*s*.?og", "access.og", false),
            ("*", ".hidden", false),
            (".h*", ".hidden", true),
            ("**", "x", true),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn parts_of_a_path_are_expanded_and_sorted() {
        let dir = tempfile::TempDir::new().unwrap();
        for name in ["b/x.log", "a/y.log", "a/x.log", "a/x.txt", "odd*.log"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::File::create(path).unwrap();
        }
        let found = expand(&dir.path().join("*/?.log")).unwrap();
        let expected = ["a/x.log", "a/y.log", "b/x.log"].map(|name| dir.path().join(name));
        assert_eq!(found, expected);
        let literal = dir.path().join("odd*.log");
        assert_eq!(expand(&literal).unwrap(), [literal]);
        assert!(expand(&dir.path().join("*.zip")).is_err());
    }
}
