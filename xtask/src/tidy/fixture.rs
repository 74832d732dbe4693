//! Finds fixtures that nothing uses any more.
//!
//! Recorded data is large and nobody dares to delete it, so it must be easy to see what is dead. A
//! fixture lives as long as some tracked text names it: by file name, or by the folder that is read
//! as a whole. Descriptions inside `fixtures/` don't count, since describing is not using.

use crate::checkout::{Files, TextFile};
use crate::finding::Finding;

const FOLDER: &str = "fixtures/";

/// Texts longer than this are data and not searched: a recording does not use other recordings,
/// and searching megabytes for each fixture takes longer than all other checks.
const SEARCHED_BYTES_MAX: usize = 1024 * 1024;

/// Checks every file of the folder.
pub(crate) fn check(files: &Files) -> Vec<Finding> {
    let fixtures = files.paths.iter().filter(|path| path.starts_with(FOLDER));
    fixtures
        .filter(|path| !is_description(path) && !is_used(path, &files.texts))
        .map(|path| {
            Finding::new(path, 1, "nothing names this fixture", "use it in a test or delete it")
        })
        .collect()
}

fn is_description(path: &str) -> bool {
    path.starts_with(FOLDER) && path.ends_with(".md")
}

fn is_used(fixture: &str, texts: &[TextFile]) -> bool {
    let (folder, name) = fixture.rsplit_once('/').unwrap_or(("", fixture));
    // The whole of `fixtures` is named in many places that use only some of it.
    let folder = Some(folder).filter(|folder| format!("{folder}/") != FOLDER);
    texts
        .iter()
        .filter(|file| file.path != fixture && !is_description(&file.path))
        .filter(|file| file.text.len() <= SEARCHED_BYTES_MAX)
        .any(|file| {
            file.text.contains(name) || folder.is_some_and(|folder| file.text.contains(folder))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(fixtures: &[&str], texts: &[(&str, &str)]) -> Vec<String> {
        let text = |(path, text): &(&str, &str)| TextFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        let files = Files {
            paths: fixtures.iter().map(|path| (*path).to_owned()).collect(),
            texts: texts.iter().map(text).collect(),
        };
        check(&files).iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_fixture_that_a_test_names_is_alive() {
        let texts = [("crates/a/tests/it.rs", "include_str!(\"../../../fixtures/a.log\")")];
        assert!(dead(&["fixtures/a.log"], &texts).is_empty());
    }

    #[test]
    fn a_fixture_in_a_folder_that_is_read_as_a_whole_is_alive() {
        let texts = [("crates/a/tests/it.rs", "read_dir(\"fixtures/flood\")")];
        assert!(dead(&["fixtures/flood/1.json"], &texts).is_empty());
    }

    #[test]
    fn a_fixture_that_only_itself_or_a_description_names_is_dead() {
        let texts = [
            ("fixtures/a.log", "a.log"),
            ("fixtures/README.md", "a.log is old"),
            ("crates/a/src/lib.rs", "//! See fixtures/ for data."),
        ];
        assert_eq!(
            dead(&["fixtures/a.log", "fixtures/README.md"], &texts),
            ["fixtures/a.log:1: nothing names this fixture, use it in a test or delete it"]
        );
    }
}
