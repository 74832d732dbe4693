//! Any text on its way to a reader: nothing that acts or hides is left, cleaning twice changes nothing, and limits hold.
#![no_main]

use alert::{redact, sanitize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (clean, _) = sanitize::clean(text);
    let (again, removed) = sanitize::clean(&clean);
    assert_eq!(clean, again);
    assert!(!removed.is_suspicious(), "{removed:?} was left in {clean:?}");
    assert!(!clean.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{9b}']), "{clean:?}");
    let shown = sanitize::shown(text, 80);
    assert!(shown.chars().count() <= 80, "{shown:?}");
    assert!(!shown.contains(char::is_control), "{shown:?}");
    let masked = redact::mask(text);
    assert_eq!(redact::mask(&masked), masked, "masking twice changes something");
});
