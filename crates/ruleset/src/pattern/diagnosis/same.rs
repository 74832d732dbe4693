//! Rewrites a PCRE2 pattern such that `regex-syntax`, which knows where each thing stands, reads the same from it.

/// Rewrites a PCRE2 pattern such that `regex-syntax` reads the same from it, or declines.
///
/// What only one of the two knows makes the parser fail later, which is fine; this is about what both take but
/// understand differently.
pub(super) fn same_meaning(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let mut rewritten = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(1..)?;
        let (piece, used) = match character {
            '\\' => escape(tail, in_class)?,
            '[' if in_class => bracket_in_class(tail)?,
            '[' => {
                in_class = true;
                class_start(tail)
            }
            ']' if in_class => {
                in_class = false;
                ("]", 1)
            }
            '&' if in_class => (r"\&", 1),
            '~' if in_class => (r"\~", 1),
            '-' if in_class && tail.starts_with('-') => return None,
            '(' if !in_class && tail.starts_with('?') && !is_plain_group(tail) => return None,
            '{' if tail.starts_with([' ', '\t', ',']) => return None,
            _ => (rest.get(..1)?, 1),
        };
        rewritten.push_str(piece);
        rest = rest.get(used..)?;
    }
    Some(rewritten)
}

/// An escape, by what follows the backslash. `\<` and `\>` are plain characters to PCRE2 and word ends to the other;
/// `\v` is a class to one and a character to the other; `\b{` exists in one only.
fn escape(tail: &str, in_class: bool) -> Option<(&'static str, usize)> {
    let letter = tail.chars().next()?;
    match letter {
        '<' => Some((r"\x3C", 2)),
        '>' => Some((r"\x3E", 2)),
        'v' | 'Q' | 'E' => None,
        'b' | 'B' if in_class || tail.get(1..)?.starts_with('{') => None,
        _ => ESCAPES.iter().find(|known| known.ends_with(letter)).map(|known| (*known, 2)),
    }
}

/// The escapes that mean the same to both. Any other makes the pattern one about which nothing is known.
const ESCAPES: [&str; 45] = [
    r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", r"\t", r"\n", r"\r",
    r"\f", r"\a", r"\x", r"\\", r"\.", r"\+", r"\*", r"\?", r"\(", r"\)", r"\|", r"\[", r"\]",
    r"\{", r"\}", r"\^", r"\$", r"\#", r"\&", r"\-", r"\~", r"\/", r"\:", r"\=", r"\!", r"\@",
    r"\%", r#"\""#, r"\'", r"\,", r"\;", r"\_",
];

/// A `[` inside a class starts a named class, or is a plain character, which the other parser would take for a nested
/// class.
fn bracket_in_class(tail: &str) -> Option<(&'static str, usize)> {
    if tail.starts_with(['=', '.']) || tail.starts_with(":<") || tail.starts_with(":>") {
        return None;
    }
    let Some(name) = tail.strip_prefix(':') else { return Some((r"\[", 1)) };
    let known = NAMED_CLASSES
        .iter()
        .find(|known| known.get(2..).is_some_and(|ending| name.starts_with(ending)))?;
    Some((known, known.len()))
}

const NAMED_CLASSES: [&str; 14] = [
    "[:alnum:]",
    "[:alpha:]",
    "[:ascii:]",
    "[:blank:]",
    "[:cntrl:]",
    "[:digit:]",
    "[:graph:]",
    "[:lower:]",
    "[:print:]",
    "[:punct:]",
    "[:space:]",
    "[:upper:]",
    "[:word:]",
    "[:xdigit:]",
];

/// The start of a class, together with a `]` that is its first member.
fn class_start(tail: &str) -> (&'static str, usize) {
    if tail.starts_with("^]") {
        (r"[^\]", 3)
    } else if tail.starts_with('^') {
        ("[^", 2)
    } else if tail.starts_with(']') {
        (r"[\]", 2)
    } else {
        ("[", 1)
    }
}

/// Tells whether `(?…` is a group without a name or a switch of options that mean the same to both.
fn is_plain_group(tail: &str) -> bool {
    let Some(options) = tail.strip_prefix('?') else { return false };
    let end = options.find(|letter: char| !matches!(letter, 'i' | 's' | 'm' | '-'));
    end.and_then(|end| options.get(end..)).is_some_and(|rest| rest.starts_with([':', ')']))
}
