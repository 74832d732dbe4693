//! Scanners that name themselves, and calls of planted scripts.
//!
//! A tool's own name in the user agent is the plainest sign there is, and the easiest to change; it
//! is worth reporting because most attackers don't bother.

use super::WebClass::{Scanner, Webshell};
use super::rule::Evidence;
use super::sign::words;
use super::{FRAGMENT_CHARS_MAX, Field, Request, clip};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Says whether a parameter may carry the command of a planted script; elsewhere the same words are
/// a search.
pub(super) fn takes_commands(parameter: Option<&str>) -> bool {
    parameter.is_some_and(|name| {
        words(Webshell, "parameters").iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Folders into which visitors write. A script has no business there.
const VISITORS_FOLDERS: [&str; 4] = ["upload", "uploads", "aspnet_client", ".well-known"];

/// Endings of files that are no scripts, before which a second ending hides.
const ORDINARY_ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "gif", "pdf", "txt", "doc", "docx"];

/// Adds a sign if a request calls a script that is named as planted ones are, or lies where they do.
pub(super) fn shell_script(request: &Request<'_>, evidence: &mut Evidence) {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((name, extension)) = file.rsplit_once('.') else { return };
    let (name, extension) = (name.to_ascii_lowercase(), extension.to_ascii_lowercase());
    let is_odd = is_odd_ending(&extension);
    let runs = is_odd
        || matches!(
            extension.as_str(),
            "php" | "asp" | "aspx" | "ashx" | "jsp" | "jspx" | "cgi" | "pl"
        );
    if !runs || name.is_empty() {
        return;
    }
    let commanded = query
        .split('&')
        .filter_map(|piece| piece.split_once('='))
        .any(|(name, _)| takes_commands(Some(name)));
    let answered = request.status.is_some_and(|status| status == 200);
    let is_common = words(Webshell, "common_scripts").contains(&name);
    let is_known = words(Webshell, "scripts").contains(&name);
    let (strength, reason) = match (is_common || is_known, commanded, answered) {
        (true, true, true) => (90, "calls a script named as planted ones are"),
        (true, true, false) => (75, "calls a script named as planted ones are"),
        (true, false, true) if is_known => (70, "calls a script named as planted ones are"),
        (true, false, false) if is_known => (55, "calls a script named as planted ones are"),
        _ if is_test_program(folders, file) => {
            (70, "calls a test program that runs what it is sent")
        }
        _ if is_odd || is_planted(folders, &name, &extension) => {
            (55, "calls a script where or as no honest one is")
        }
        _ => return,
    };
    let shown = clip(request.target, FRAGMENT_CHARS_MAX);
    evidence.add_in(Webshell, strength, Field::Target, None, reason, shown);
}

/// Says whether a script is the one of PHPUnit that runs what is posted to it; old versions were deployed with it.
fn is_test_program(folders: &str, file: &str) -> bool {
    let is_of_tests = |folder: &str| {
        folder.eq_ignore_ascii_case("phpunit") || folder.eq_ignore_ascii_case("util")
    };
    file.eq_ignore_ascii_case("eval-stdin.php") && folders.split('/').any(is_of_tests)
}

/// Endings that servers run as PHP and that hardly anybody uses, but for passing a filter on `.php`.
fn is_odd_ending(extension: &str) -> bool {
    let is_numbered = extension
        .strip_prefix("php")
        .is_some_and(|digit| matches!(digit.as_bytes(), [b'3'..=b'9']));
    is_numbered || matches!(extension, "phtml" | "phar" | "alfa")
}

/// Says whether a script lies in a folder into which visitors write, or hides behind another ending.
fn is_planted(folders: &str, name: &str, extension: &str) -> bool {
    let is_page = matches!(extension, "php" | "asp" | "aspx" | "jsp" | "jspx");
    let is_visitors =
        |folder: &str| VISITORS_FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known));
    let is_hidden = name
        .rsplit_once('.')
        .is_some_and(|(before, ending)| !before.is_empty() && ORDINARY_ENDINGS.contains(&ending));
    is_page && (is_hidden || folders.split('/').any(is_visitors))
}

static SCANNER_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(SCANNER_LISTS.iter().flat_map(|list| words(Scanner, list)))
        .ok()
});

/// Lists of names of scanners. Those of the last are names of honest things too.
const SCANNER_LISTS: [&str; 4] = ["tools", "attackers", "surveys", SHARED_NAMES];
const SHARED_NAMES: &str = "shared_names";

/// Tells whether a name that others bear too stands as a tool calls itself: with a version, at the end, or alone in brackets.
fn stands_as_tool(after: &str) -> bool {
    let after = after.strip_prefix(' ').map_or(after, |word| {
        let word = word.strip_prefix(['v', 'V']).unwrap_or(word);
        if word.starts_with(|c: char| c.is_ascii_digit()) { word } else { after }
    });
    after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit() || "/);".contains(c))
}

/// Endings that count only right before a version, for ordinary programs have them too.
const ENDINGS_WITH_VERSION: &[&str] = &["scan", "map", "pwn"];

/// Programs with such an ending that are no scanners: map services, and scanners of paper.
const ORDINARY_PROGRAMS: &[&str] = &[
    "sitemap",
    "imap",
    "maps",
    "googlemap",
    "bitmap",
    "openstreetmap",
    "linkscan",
    "bookscan",
    "docscan",
    "qrscan",
];

/// Adds a sign if the user agent names a scanner.
pub(super) fn scanner(user_agent: &str, evidence: &mut Evidence) {
    let Some(finder) = SCANNER_FINDER.as_ref() else { return };
    let bytes = user_agent.as_bytes();
    let is_letter =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let shared = words(Scanner, SHARED_NAMES);
    let named = finder.find_iter(user_agent).any(|hit| {
        let is_shared = || {
            let name = user_agent.get(hit.start()..hit.end()).unwrap_or_default();
            shared.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        let after = || user_agent.get(hit.end()..).unwrap_or_default();
        // A name inside a longer word is another word.
        !is_letter(hit.start().checked_sub(1))
            && !is_letter(Some(hit.end()))
            && (!is_shared() || stands_as_tool(after()))
    });
    if named {
        let shown = clip(user_agent, FRAGMENT_CHARS_MAX);
        evidence.add_in(
            Scanner,
            90,
            Field::UserAgent,
            None,
            "is a tool that searches for weaknesses",
            shown,
        );
    } else if is_no_agent(user_agent)
        || user_agent
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '/')
            .any(describes_scanner)
    {
        let shown = clip(user_agent, FRAGMENT_CHARS_MAX);
        evidence.add_in(Scanner, 65, Field::UserAgent, None, "calls itself a scanner", shown);
    }
}

/// Says whether an agent holds what only a carelessly written tool sends: the name of the header once more, or a script of Nessus.
fn is_no_agent(user_agent: &str) -> bool {
    let begins = |text: &str| {
        user_agent.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
    };
    begins("user-agent:")
        || user_agent.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("nasl"))
}

fn describes_scanner(word: &str) -> bool {
    let (name, has_version) = match word.split_once('/') {
        Some((name, version)) => (name, version.starts_with(|digit: char| digit.is_ascii_digit())),
        None => (word, false),
    };
    // Most words of a browser's agent are settled by their last letter.
    if !name.ends_with(['n', 'r', 'z', 't', 'p', 'N', 'R', 'Z', 'T', 'P']) {
        return false;
    }
    let ends = |ending: &&String| {
        name.len()
            .checked_sub(ending.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    words(Scanner, "endings").iter().filter(|ending| ends(ending)).any(|ending| {
        (has_version || !ENDINGS_WITH_VERSION.contains(&ending.as_str()))
            && !ORDINARY_PROGRAMS.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}
