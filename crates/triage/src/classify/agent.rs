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

/// Adds a sign if a request calls a script that is named as planted ones are.
pub(super) fn shell_script(request: &Request<'_>, evidence: &mut Evidence) {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let file = path.rsplit('/').next().unwrap_or_default();
    let Some((name, extension)) = file.rsplit_once('.') else { return };
    let runs = matches!(
        extension.to_ascii_lowercase().as_str(),
        "php"
            | "php3"
            | "php4"
            | "php5"
            | "php7"
            | "phtml"
            | "phar"
            | "asp"
            | "aspx"
            | "ashx"
            | "jsp"
            | "jspx"
            | "cgi"
            | "pl"
    );
    let name = name.to_ascii_lowercase();
    let is_common = words(Webshell, "common_scripts").contains(&name);
    if !runs || !(is_common || words(Webshell, "scripts").contains(&name)) {
        return;
    }
    let commanded = query
        .split('&')
        .filter_map(|piece| piece.split_once('='))
        .any(|(name, _)| takes_commands(Some(name)));
    let answered = request.status.is_some_and(|status| status == 200);
    let strength = match (commanded, is_common, answered) {
        (true, _, true) => 90,
        (true, _, false) => 75,
        (false, false, true) => 70,
        (false, false, false) => 55,
        (false, true, _) => return,
    };
    let shown = clip(request.target, FRAGMENT_CHARS_MAX);
    evidence.add_in(
        Webshell,
        strength,
        Field::Target,
        None,
        "calls a script named as planted ones are",
        shown,
    );
}

static SCANNER_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(["tools", "attackers", "surveys"].iter().flat_map(|list| words(Scanner, list)))
        .ok()
});

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
    let named = finder.find_iter(user_agent).any(|hit| {
        // A name inside a longer word is another word.
        !is_letter(hit.start().checked_sub(1)) && !is_letter(Some(hit.end()))
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
    } else if user_agent
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '/')
        .any(describes_scanner)
    {
        let shown = clip(user_agent, FRAGMENT_CHARS_MAX);
        evidence.add_in(Scanner, 65, Field::UserAgent, None, "calls itself a scanner", shown);
    }
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
