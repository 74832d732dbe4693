//! Rules for a single text file: its length, its header, and what must not be written in it.
//!
//! A long file is two stories; a file without a header makes the next reader guess; a path of one
//! machine works on no other; a character that can't be seen can make code read otherwise than it
//! runs. Recorded logs are another matter: an attack that was recorded keeps its bytes.

use crate::finding::Finding;

/// Longest Rust file; a good one has 100 to 300 lines, and past this it is two stories.
const LINES_MAX: usize = 600;

/// A file that is one long table says so in its header and may be as long as the table is.
const TABLE_HEADER: &str = "//! Table:";

/// Folders of recorded or deliberately hostile data, where bytes and paths are what they were.
const RECORDED: [&str; 4] = ["fixtures/", "rules/", "lab/", "crates/triage/src/classify/"];

/// Endings of files that people or machines read as source. Others are data.
const SOURCE_ENDINGS: [&str; 19] = [
    ".rs", ".toml", ".md", ".sh", ".py", ".html", ".css", ".js", ".sql", ".yml", ".yaml", ".xml",
    ".json", ".conf", ".service", ".lock", ".txt", ".ini", "Makefile",
];

/// Folders of the machines that this is developed on, in pieces so that this file is clean itself,
/// and whether such a path also occurs in real logs.
const MACHINE_PATHS: [(&str, InLogs); 3] = [
    (concat!("/wo", "rk/"), InLogs::Never),
    (concat!("/tmp/bash", "_jobs"), InLogs::Never),
    (concat!("/ro", "ot/"), InLogs::Often),
];

/// Whether a path can be part of an honest recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InLogs {
    Never,
    Often,
}

/// Runs all rules over one file.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if path.ends_with(".rs") {
        findings.extend(length(path, text));
        findings.extend(header(path, text));
    }
    for (index, line) in text.lines().enumerate() {
        findings.extend(machine_path(path, index + 1, line));
        findings.extend(unseen_character(path, index + 1, line));
    }
    findings
}

fn length(path: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let is_test = path.split('/').any(|part| part == "tests");
    if lines <= LINES_MAX || is_test || text.starts_with(TABLE_HEADER) {
        return None;
    }
    let what = format!("{lines} lines are more than {LINES_MAX}");
    Some(Finding::new(path, LINES_MAX + 1, what, "split it where a second story begins"))
}

fn header(path: &str, text: &str) -> Option<Finding> {
    let folders: Vec<&str> = path.split('/').collect();
    let is_own_source =
        matches!(folders.as_slice(), ["crates", _, "src", ..] | ["xtask", "src", ..]);
    if !is_own_source || text.starts_with("//!") {
        return None;
    }
    let hint =
        "begin with what it is, why it exists, what it promises and what it leaves to others";
    Some(Finding::new(path, 1, "the file has no `//!` header", hint))
}

fn machine_path(path: &str, line_number: usize, line: &str) -> Option<Finding> {
    let is_recorded = is_recorded(path) || path.split('/').any(|part| part == "tests");
    let found = MACHINE_PATHS
        .iter()
        .filter(|(_, in_logs)| !(is_recorded && *in_logs == InLogs::Often))
        .find(|(folder, _)| line.match_indices(folder).any(|(at, _)| begins_path(line, at)))?;
    let what = format!("the path `{}` exists on one machine only", found.0);
    Some(Finding::new(path, line_number, what, "use a relative or temporary path"))
}

/// Tells whether a path begins here, as opposed to going on: `a/b/` inside `x/a/b/` does not.
fn begins_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|character| character.is_alphanumeric() || "._-~$}*%".contains(character))
}

fn unseen_character(path: &str, line_number: usize, line: &str) -> Option<Finding> {
    if path.starts_with("fixtures/") || !SOURCE_ENDINGS.iter().any(|end| path.ends_with(end)) {
        return None;
    }
    let found = line.chars().find(|character| is_unseen(*character))?;
    let what = format!("the character U+{:04X} can't be seen", u32::from(found));
    Some(Finding::new(path, line_number, what, "write it as an escape"))
}

/// Controls, and the characters that change how text is shown without being shown: direction
/// overrides and isolates, zero-width characters, the byte order mark, and tags.
fn is_unseen(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(
            character,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn is_recorded(path: &str) -> bool {
    RECORDED.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(path, text).iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_file_with_a_header_and_few_lines_is_fine() {
        assert!(found("crates/a/src/lib.rs", "//! What.\n\nfn f() {}\n").is_empty());
    }

    #[test]
    fn a_file_without_a_header_is_found_only_in_our_sources() {
        assert_eq!(found("crates/a/src/b/c.rs", "fn f() {}\n").len(), 1);
        assert_eq!(found("xtask/src/b.rs", "").len(), 1);
        assert!(found("crates/a/benches/b.rs", "fn f() {}\n").is_empty());
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_a_test_or_a_table() {
        let long = format!("//! What.\n{}", "\n".repeat(600));
        assert_eq!(
            found("crates/a/src/b.rs", &long),
            ["crates/a/src/b.rs:601: 601 lines are more than 600, split it where a second story \
              begins"]
        );
        assert!(found("crates/a/tests/it/b.rs", &long).is_empty());
        assert!(found("crates/a/src/b.rs", &long.replace("What", "Table: what")).is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found_where_it_begins() {
        let folder = MACHINE_PATHS[0].0;
        assert_eq!(found("README.md", &format!("ok\nsee `{folder}main`\n")).len(), 1);
        assert_eq!(found("README.md", &format!("{folder}\n")).len(), 1);
        assert!(found("README.md", &format!("see lab{folder}x and ..{folder}\n")).is_empty());
    }

    #[test]
    fn a_recording_may_speak_of_the_superusers_folder_but_not_of_ours() {
        let (ours, theirs) = (MACHINE_PATHS[0].0, MACHINE_PATHS[2].0);
        assert!(found("fixtures/sudo.log", &format!("PWD={theirs}x\n")).is_empty());
        assert_eq!(found("fixtures/sudo.log", &format!("PWD={ours}x\n")).len(), 1);
        assert_eq!(found("docs/a.md", &format!("cd {theirs}x\n")).len(), 1);
    }

    #[test]
    fn a_character_that_cannot_be_seen_is_found_in_source_and_left_in_recordings() {
        for hidden in ["\u{1b}[2J", "\u{202e}", "\u{200b}", "\u{9b}", "\u{feff}", "a\rb"] {
            let lines = found("crates/a/tests/it.rs", &format!("// a\n// {hidden}\n"));
            assert!(lines.len() == 1 && lines[0].contains(":2: the character U+"), "{lines:?}");
        }
        assert!(found("fixtures/ansi.log", "\u{1b}[2J\n").is_empty());
        assert!(found("docs/a.md", "tab\there, dash \u{2013}, umlaut \u{fc}\r\n").is_empty());
    }
}
