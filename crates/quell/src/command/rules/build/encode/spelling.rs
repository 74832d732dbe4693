//! Spells characters and sets of them such that PCRE2 and Wazuh's XML take them as they are meant.

use super::FIRST_GROUP_CALL;

/// Writes one byte of a window between two parts of a pattern. PCRE2 writes out what is repeated a bounded number of times, so a
/// window is a plain class: the escapes of what it leaves out may stand in it.
pub(super) fn window(excluded: &[u8]) -> String {
    let mut excluded = excluded.to_vec();
    if excluded.contains(&b' ') {
        excluded.push(b'+');
    }
    excluded.retain(|byte| *byte != b'%');
    if excluded.is_empty() { ".".to_owned() } else { literal_class(&excluded, true) }
}

/// Puts a group round what a quantifier shall apply to as a whole.
pub(super) fn grouped(body: &str) -> String {
    let is_one = body.len() == 1
        || body == FIRST_GROUP_CALL
        || (body.starts_with('[') && body.find(']') == Some(body.len() - 1))
        || (body.starts_with("(?") && closes_at_end(body))
        || (body.len() == 2 && body.starts_with('\\'));
    if is_one { body.to_owned() } else { format!("(?:{body})") }
}

/// Tells whether the bracket that opens a text closes at its end.
fn closes_at_end(body: &str) -> bool {
    let mut depth = 0_usize;
    let mut escaped = false;
    let mut in_class = false;
    for (at, letter) in body.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' if in_class => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1 == body.len();
                }
            }
            _ => {}
        }
    }
    false
}

/// Writes characters as a class, or as one character.
pub(super) fn literal_class(members: &[u8], negated: bool) -> String {
    let mut members = members.to_vec();
    // The pattern doesn't look at case.
    members.iter_mut().for_each(|byte| *byte = byte.to_ascii_lowercase());
    members.sort_unstable();
    members.dedup();
    if let ([one], false) = (members.as_slice(), negated) {
        return escaped(*one);
    }
    let mut out = String::from(if negated { "[^" } else { "[" });
    let mut rest = members.as_slice();
    while let Some((&first, after)) = rest.split_first() {
        let run = after
            .iter()
            .zip((first..=u8::MAX).skip(1))
            .take_while(|(byte, next)| {
                *byte == next && byte.is_ascii_alphanumeric() && first.is_ascii_alphanumeric()
            })
            .count();
        out.push_str(&escaped(first));
        if run >= 2 {
            out.push('-');
            if let Some(last) = after.get(run - 1) {
                out.push_str(&escaped(*last));
            }
            rest = after.get(run..).unwrap_or_default();
        } else {
            rest = after;
        }
    }
    out.push(']');
    out
}

/// Writes a byte such that PCRE2 takes it as it is, in a class or out of it, and Wazuh's XML does so too.
pub(super) fn escaped(byte: u8) -> String {
    match byte {
        b'<' | b'>' | b'&' | b'$' | b'\x7f' => format!("\\x{byte:02X}"),
        b'\\' | b'^' | b'.' | b'|' | b'?' | b'*' | b'+' | b'(' | b')' | b'[' | b']' | b'{'
        | b'}' | b'-' => {
            format!("\\{}", char::from(byte))
        }
        0x20..=0x7e => char::from(byte).to_string(),
        other => format!("\\x{other:02X}"),
    }
}

/// Writes a set of two hexadecimal digits: those with the same second half of codes share their first digits.
pub(super) fn hex_set(codes: &[u8]) -> String {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    let mut rows: Vec<(u8, Vec<u8>)> = Vec::new();
    for code in codes {
        let (high, low) = (code >> 4, code & 15);
        match rows.last_mut() {
            Some((known, lows)) if *known == high => lows.push(low),
            _ => rows.push((high, vec![low])),
        }
    }
    let row = |(high, lows): &(u8, Vec<u8>)| {
        let lows: String = match lows.as_slice() {
            [one] => format!("{one:x}"),
            all if all.len() == 16 => "[0-9a-f]".to_owned(),
            some => format!("[{}]", some.iter().map(|low| format!("{low:x}")).collect::<String>()),
        };
        format!("{high:x}{lows}")
    };
    match rows.as_slice() {
        [one] => row(one),
        several => format!("(?:{})", several.iter().map(row).collect::<Vec<_>>().join("|")),
    }
}
