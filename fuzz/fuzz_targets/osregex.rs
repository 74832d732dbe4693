//! Any text as a pattern of the two old languages, over any bytes: no panic, no unbounded work, and a match is the same
//! with and without its groups.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleset::pattern::{Captures, Language, Pattern};

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>)| {
    let (regex, text, subject) = input;
    let language = if regex { Language::OsRegex } else { Language::OsMatch };
    let Ok(pattern) = Pattern::compile(language, &text) else { return };
    pattern.diagnose();
    let mut captures = Captures::default();
    let end = pattern.find(&subject, &mut captures);
    assert_eq!(pattern.is_match(&subject), end.is_some());
    let end = end.unwrap_or(0);
    for (from, to) in captures.groups.iter().flatten() {
        assert!(from <= to && *to <= end && end <= subject.len(), "groups lie inside the match");
    }
});
