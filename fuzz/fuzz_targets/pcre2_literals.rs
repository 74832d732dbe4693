//! Any text as a PCRE2 pattern, over any bytes: what matches holds one of the words that are said to be required.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleset::pattern::{Language, Pattern};

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (text, subject) = input;
    let Ok(pattern) = Pattern::compile(Language::Pcre2, &text) else { return };
    pattern.diagnose();
    let Some(words) = pattern.required_literals() else { return };
    if pattern.is_match(&subject) {
        let subject = subject.to_ascii_lowercase();
        let holds = |word: &Vec<u8>| subject.windows(word.len()).any(|window| window == word);
        assert!(words.iter().any(holds), "a match without any of {words:?}");
    }
});
