//! Finds base64 in a text by what comes out of it.
//!
//! Nothing marks a run of base64 as such, and identifiers, hashes and long words use the same
//! letters. What tells them apart is the result: random letters hardly ever decode to printable
//! text.

use super::{BASE64_CHARS_MAX, BASE64_CHARS_MIN, BASE64_RUNS_MAX, split_at_most};

/// How many base64 runs are tried at all, so that a line made of tokens can't cost more than one
/// made of words.
const BASE64_TRIES_MAX: usize = 16;

/// Finds the runs of base64 letters that decode to text.
pub(super) fn runs(text: &str) -> Vec<String> {
    // In a path the slash separates; in a value it is a letter of the alphabet.
    let query = match text.find('?') {
        Some(at) => at,
        None if text.starts_with('/') => text.len(),
        None => 0,
    };
    let (path, values) = split_at_most(text, query);
    // The letters are ASCII, so bytes can be looked at one by one, whatever else the text holds.
    long_runs(path.as_bytes(), |byte| byte != b'/' && is_letter(byte))
        .chain(long_runs(values.as_bytes(), is_letter))
        .filter(|run| looks_encoded(run))
        .take(BASE64_TRIES_MAX)
        .filter_map(|run| text_of(run.get(..run.len().min(BASE64_CHARS_MAX))?))
        .take(BASE64_RUNS_MAX)
        .collect()
}

/// Gives the runs of letters that are long enough to be tried. Such a run has a letter in each row of so many bytes, so most bytes need no look.
fn long_runs(text: &[u8], is_letter: impl Fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let look = from + BASE64_CHARS_MIN - 1;
            if !is_letter(*text.get(look)?) {
                from = look + 1;
                continue;
            }
            let before = text.get(from..look)?.iter().rev();
            let start = look - before.take_while(|byte| is_letter(**byte)).count();
            let behind = text.get(look..)?.iter();
            let end = look + behind.take_while(|byte| is_letter(**byte)).count();
            from = end;
            if end - start >= BASE64_CHARS_MIN {
                return text.get(start..end);
            }
        }
    })
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Tells an encoded run from a long word: text in base64 mixes upper and lower case.
fn looks_encoded(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase)
}

/// Decodes a run of either base64 alphabet, and returns it if nine in ten characters are printable
/// ASCII.
fn text_of(run: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len() / 4 * 3 + 3);
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for byte in run {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = ((bits << 6) | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap_or_default());
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let printable = text.chars().filter(|c| matches!(c, ' '..='~' | '\t' | '\n' | '\r')).count();
    (printable * 10 >= text.chars().count() * 9).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_run_is_found_whole_and_none_is_passed_by(pieces in prop::collection::vec(("[a-z+/]{0,40}", "[ .=]{0,3}"), 0..8)) {
            let text: String = pieces.into_iter().map(|(run, end)| run + &end).collect();
            let found: Vec<&[u8]> = long_runs(text.as_bytes(), is_letter).collect();
            let naive = text.as_bytes().split(|byte| !is_letter(*byte));
            let naive: Vec<&[u8]> = naive.filter(|run| run.len() >= BASE64_CHARS_MIN).collect();
            prop_assert_eq!(found, naive);
        }
    }
}
