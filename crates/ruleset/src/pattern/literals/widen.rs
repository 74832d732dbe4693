//! Rewrites a PCRE2 pattern as one that matches more and uses less of the language.
//!
//! What a wider pattern requires, the narrower one requires too. So a look-ahead may be left out, a call of a group (`(?1)`) may be
//! replaced by the group's text, and a reference back by anything at all. Whatever is not understood makes the answer "nothing is
//! known".

/// The longest result that is worth reading. A pattern of Wazuh has 2,048 bytes, and calls of groups lengthen it some tens of times.
const WIDENED_BYTES_MAX: usize = 64 * 1024;

/// The longest group whose text takes the place of its calls. A longer one is something like "a blank in any form", which requires no
/// word worth looking for, and reading it once for each call is most of what reading a pattern costs.
const CALLED_BYTES_MAX: usize = 64;

/// How deep groups may call groups. A group that calls itself never ends.
const CALLS_MAX: usize = 4;

/// Widens a pattern, or declines.
pub(super) fn widened(text: &str) -> Option<String> {
    if !needs_widening(text) {
        return Some(text.to_owned());
    }
    let groups = groups(text)?;
    let mut out = String::with_capacity(text.len() * 2);
    widen(text, &groups, 0, &mut out)?;
    Some(out)
}

fn needs_widening(text: &str) -> bool {
    let digit_behind = |mark: &str| {
        text.match_indices(mark).any(|(at, _)| {
            text.as_bytes().get(at + mark.len()).is_some_and(|byte| (b'1'..=b'9').contains(byte))
        })
    };
    ["(?=", "(?!", "(?>", "(?(DEFINE)"].iter().any(|mark| text.contains(mark))
        || digit_behind("(?")
        || digit_behind("\\")
}

/// Returns what stands between the brackets of each numbered group, in order.
fn groups(text: &str) -> Option<Vec<&str>> {
    let mut open: Vec<Option<(usize, usize)>> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for (at, letter) in structure(text) {
        match letter {
            '(' => {
                // The second bracket of `(?(DEFINE)` is no group.
                let is_numbered = !text.get(at + 1..)?.starts_with(['?', '*'])
                    && !text.get(..at)?.ends_with("(?");
                open.push(is_numbered.then_some((groups.len(), at + 1)));
                if is_numbered {
                    groups.push("");
                }
            }
            ')' => {
                if let Some((number, start)) = open.pop()? {
                    *groups.get_mut(number)? = text.get(start..at)?;
                }
            }
            _ => {}
        }
    }
    Some(groups)
}

/// The brackets and backslashes of a pattern with their places, without those that are plain characters.
fn structure(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut in_class = false;
    let mut first_of_class = false;
    let mut letters = text.char_indices();
    std::iter::from_fn(move || {
        loop {
            let (at, letter) = letters.next()?;
            match letter {
                '\\' => {
                    letters.next();
                    first_of_class = false;
                    if !in_class {
                        return Some((at, letter));
                    }
                }
                ']' if in_class && !first_of_class => in_class = false,
                '^' if first_of_class => {}
                '[' if !in_class => {
                    in_class = true;
                    first_of_class = true;
                }
                '(' | ')' if !in_class => return Some((at, letter)),
                _ => first_of_class = false,
            }
        }
    })
}

/// Returns where the bracket at the start of a text closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in structure(text) {
        match letter {
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn widen(text: &str, groups: &[&str], calls: usize, out: &mut String) -> Option<()> {
    let mut rest = text;
    loop {
        if out.len() > WIDENED_BYTES_MAX {
            return None;
        }
        let Some((at, letter)) = structure(rest).find(|(_, letter)| *letter != ')') else {
            out.push_str(rest);
            return Some(());
        };
        out.push_str(rest.get(..at)?);
        let found = rest.get(at..)?;
        let used =
            if letter == '\\' { escape(found, out)? } else { group(found, groups, calls, out)? };
        rest = found.get(used..)?;
    }
}

/// Copies an escape, or puts anything in the place of a reference back; returns its length.
fn escape(text: &str, out: &mut String) -> Option<usize> {
    let letter = text.chars().nth(1)?;
    match letter {
        '1'..='9' => {
            out.push_str("(?s:.)*");
            let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
            Some(1 + digits)
        }
        'g' | 'k' => None,
        _ => {
            let length = 1 + letter.len_utf8();
            out.push_str(text.get(..length)?);
            Some(length)
        }
    }
}

/// Writes what opens at the start of a text; returns how much of it was read.
fn group(text: &str, groups: &[&str], calls: usize, out: &mut String) -> Option<usize> {
    if text.starts_with("(?=") || text.starts_with("(?!") || text.starts_with("(?(DEFINE)") {
        out.push_str("(?:)");
        return Some(closing(text)? + 1);
    }
    if text.starts_with("(?>") {
        out.push_str("(?:");
        return Some(3);
    }
    let after = text.strip_prefix("(?").unwrap_or_default();
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        out.push('(');
        return Some(1);
    }
    if calls >= CALLS_MAX || !after.get(digits..)?.starts_with(')') {
        return None;
    }
    let number: usize = after.get(..digits)?.parse().ok()?;
    let called = groups.get(number.checked_sub(1)?)?;
    if called.len() > CALLED_BYTES_MAX {
        out.push_str("(?:(?s:.)*)");
    } else {
        out.push_str("(?:");
        widen(called, groups, calls + 1, out)?;
        out.push(')');
    }
    Some("(?".len() + digits + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_restricts_is_left_out() {
        assert_eq!(widened("ab(?=c)d(?!e[)])f").as_deref(), Some("ab(?:)d(?:)f"));
        assert_eq!(widened(r"(?>a)\(?=").as_deref(), Some(r"(?:a)\(?="));
        assert_eq!(widened(r"(a|b)x\1y").as_deref(), Some(r"(a|b)x(?s:.)*y"));
    }

    #[test]
    fn a_call_becomes_the_text_of_its_group() {
        assert_eq!(
            widened("(?(DEFINE)([+ ]|%20)(b(?1)))x(?1)*(?2)y").as_deref(),
            Some("(?:)x(?:[+ ]|%20)*(?:b(?:[+ ]|%20))y")
        );
        assert_eq!(widened("(a)(?1)").as_deref(), Some("(a)(?:a)"));
    }

    #[test]
    fn a_call_of_a_long_group_is_anything() {
        let group = format!("({})", "[ab]|".repeat(20));
        assert_eq!(widened(&format!("{group}x(?1)+y")), Some(format!("{group}x(?:(?s:.)*)+y")));
    }

    #[test]
    fn what_has_no_end_or_no_sense_is_declined() {
        for pattern in ["(a(?1))", "(?7)", "a(?=b", r"(?=a)\g{1}", r"(?1)"] {
            assert_eq!(widened(pattern), None, "{pattern}");
        }
    }
}
