//! What in a pattern probably does not mean what its author thinks.
//!
//! Wazuh's languages look like the regular expressions people know. Nothing here is an error: each finding says what
//! the text means to the engine, so that the author can see whether that was meant.

mod same;

use regex_syntax::ast::{self, Ast};

use super::Language;
use same::same_meaning;

/// One suspicion about a pattern's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The byte of the text that it is about.
    pub offset: usize,
    /// What the text really means.
    pub message: String,
    /// What to write instead.
    pub hint: &'static str,
}

impl Finding {
    fn new(offset: usize, message: impl Into<String>, hint: &'static str) -> Self {
        Self { offset, message: message.into(), hint }
    }
}

/// Lists the suspicions about a text in a language.
pub fn of(language: Language, text: &[u8]) -> Vec<Finding> {
    match language {
        Language::OsMatch => of_osmatch(text),
        Language::OsRegex => of_osregex(text),
        Language::Pcre2 => of_pcre2(text),
    }
}

fn of_osmatch(text: &[u8]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = text
        .windows(2)
        .enumerate()
        .filter_map(|(offset, two)| match two {
            [b'\\', b'|' | b'.' | b'(' | b')' | b'[' | b'$' | b'^' | b'd' | b's' | b'w' | b'S'] => {
                let hint = "use type=\"osregex\" or type=\"pcre2\" where escapes are needed";
                Some(Finding::new(offset, "`\\` is a plain character here", hint))
            }
            [b'.', b'*' | b'+'] => {
                let hint = "use type=\"pcre2\" for such a pattern";
                Some(Finding::new(offset, "`.*` and `.+` are plain characters here", hint))
            }
            _ => None,
        })
        .collect();
    findings.extend(above_127(text));
    findings
}

fn of_osregex(text: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut escaped = false;
    let mut after_class = false;
    for (offset, byte) in text.iter().copied().enumerate() {
        if std::mem::take(&mut escaped) {
            after_class = !matches!(byte, b'(' | b')' | b'\\' | b'$' | b'|' | b'<');
            if byte == b'.' && !matches!(text.get(offset + 1), Some(b'+' | b'*')) {
                let hint = "write `.` for a dot";
                let message = "`\\.` matches any byte, not only a dot";
                findings.push(Finding::new(offset.saturating_sub(1), message, hint));
            }
            continue;
        }
        let before = offset.checked_sub(1).and_then(|at| text.get(at)).copied();
        let is_class_repeat = std::mem::take(&mut after_class) && matches!(byte, b'+' | b'*');
        match byte {
            b'\\' => escaped = true,
            b'+' | b'*' if !is_class_repeat && before.is_some_and(could_repeat) => {
                let message = format!("`{}` is a plain character here", char::from(byte));
                let hint = "only a class such as \\w repeats; write `\\.*` for any text";
                findings.push(Finding::new(offset, message, hint));
            }
            b'?' if looks_optional(before, text.get(offset + 1).copied()) => {
                let hint = "OS_Regex has no optional part; use type=\"pcre2\"";
                findings.push(Finding::new(offset, "`?` is a plain character here", hint));
            }
            b'[' if looks_like_a_class(text.get(offset..).unwrap_or_default()) => {
                let hint = "OS_Regex has no classes of its own making; use type=\"pcre2\"";
                findings.push(Finding::new(offset, "`[…]` is plain text here", hint));
            }
            b'{' if text.get(offset + 1).is_some_and(u8::is_ascii_digit) => {
                let hint = "repeat the class, or use type=\"pcre2\"";
                findings.push(Finding::new(offset, "`{…}` is plain text here", hint));
            }
            _ => {}
        }
    }
    findings.extend(above_127(text));
    findings
}

/// Tells whether a `+` after this byte was probably meant to repeat it; after a blank or a quote it is just a plus.
fn could_repeat(before: u8) -> bool {
    before.is_ascii_alphanumeric() || matches!(before, b'.' | b')' | b']')
}

/// Tells whether a `?` stands where an optional part would end, and not where a query string would begin.
fn looks_optional(before: Option<u8>, after: Option<u8>) -> bool {
    let ends_a_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b')' | b']');
    let begins_a_query = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'\\' | b'_');
    before.is_some_and(ends_a_part) && !after.is_some_and(begins_a_query)
}

/// Tells whether bracketed text is written like a class: a range, or a sign right behind it.
fn looks_like_a_class(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| *byte == b']') else { return false };
    let inside = text.get(1..end).unwrap_or_default();
    let has_range = inside.windows(3).any(|three| {
        matches!(three, [from, b'-', to] if from.is_ascii_alphanumeric() && to.is_ascii_alphanumeric() && from < to)
    });
    has_range || matches!(text.get(end + 1), Some(b'+' | b'*' | b'?' | b'{'))
}

fn above_127(text: &[u8]) -> Option<Finding> {
    let offset = text.iter().position(|byte| !byte.is_ascii())?;
    let hint = "use type=\"pcre2\" for text that is not ASCII";
    Some(Finding::new(offset, "a character that is not ASCII never matches, not even itself", hint))
}

/// Finds repetitions of repetitions, which can be divided up in more ways than there is time to try.
fn of_pcre2(text: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Rewriting may move what follows by a few bytes, so offsets are taken only where it changed nothing.
    let Some(readable) = same_meaning(text) else { return findings };
    let Ok(tree) = ast::parse::Parser::new().parse(&readable) else { return findings };
    let offsets_hold = readable.as_bytes() == text;
    let mut unread = vec![&tree];
    while let Some(part) = unread.pop() {
        if let Ast::Repetition(repetition) = part
            && is_unbounded(repetition)
            && matches!(*repetition.ast, Ast::Group(_))
            && may_be_one_run(&repetition.ast)
        {
            let offset = if offsets_hold { repetition.span.start.offset } else { 0 };
            let message = "a repetition inside a repetition: some lines take until the match limit";
            let hint = "make the inner or the outer one possessive (`++`), or put a fixed text between them";
            findings.push(Finding::new(offset, message, hint));
        }
        match part {
            Ast::Repetition(repetition) if !is_possessive(repetition) => {
                unread.push(&repetition.ast)
            }
            Ast::Group(group) => unread.push(&group.ast),
            Ast::Alternation(alternation) => unread.extend(&alternation.asts),
            Ast::Concat(concat) => unread.extend(&concat.asts),
            _ => {}
        }
    }
    findings.sort_by_key(|finding| finding.offset);
    findings
}

/// `++` and the like, which the parser takes for a repetition of a repetition.
fn is_possessive(repetition: &ast::Repetition) -> bool {
    matches!(*repetition.ast, Ast::Repetition(_))
}

fn is_unbounded(repetition: &ast::Repetition) -> bool {
    use ast::{RepetitionKind, RepetitionRange};
    matches!(
        repetition.op.kind,
        RepetitionKind::ZeroOrMore
            | RepetitionKind::OneOrMore
            | RepetitionKind::Range(RepetitionRange::AtLeast(_))
    )
}

/// Tells whether the part can match as nothing but one unbounded run.
fn may_be_one_run(part: &Ast) -> bool {
    match part {
        Ast::Repetition(repetition) if is_possessive(repetition) => false,
        Ast::Repetition(repetition) => is_unbounded(repetition) || may_be_one_run(&repetition.ast),
        Ast::Group(group) => may_be_one_run(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().any(may_be_one_run),
        Ast::Concat(concat) => {
            let solid = concat.asts.iter().filter(|part| !may_be_empty(part)).count();
            concat
                .asts
                .iter()
                .any(|part| may_be_one_run(part) && solid <= usize::from(!may_be_empty(part)))
        }
        _ => false,
    }
}

fn may_be_empty(part: &Ast) -> bool {
    match part {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => true,
        Ast::Repetition(repetition) => {
            use ast::{RepetitionKind, RepetitionRange};
            let least = match &repetition.op.kind {
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => 0,
                RepetitionKind::OneOrMore => 1,
                RepetitionKind::Range(
                    RepetitionRange::Exactly(least)
                    | RepetitionRange::AtLeast(least)
                    | RepetitionRange::Bounded(least, _),
                ) => *least,
            };
            least == 0 || may_be_empty(&repetition.ast)
        }
        Ast::Group(group) => may_be_empty(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().any(may_be_empty),
        Ast::Concat(concat) => concat.asts.iter().all(may_be_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(language: Language, text: &str) -> Vec<usize> {
        of(language, text.as_bytes()).iter().map(|finding| finding.offset).collect()
    }

    #[test]
    fn signs_that_are_plain_in_osregex_are_pointed_out() {
        assert_eq!(offsets(Language::OsRegex, r"a+b"), [1]);
        assert_eq!(offsets(Language::OsRegex, r"id=.*"), [4]);
        assert_eq!(offsets(Language::OsRegex, r"[a-z]+"), [0, 5]);
        assert_eq!(offsets(Language::OsRegex, r"\d{3}"), [2]);
        assert_eq!(offsets(Language::OsRegex, r"https?"), [5]);
        assert_eq!(offsets(Language::OsRegex, r"v1\.2"), [2]);
        assert_eq!(offsets(Language::OsRegex, "café"), [3]);
        assert!(offsets(Language::OsRegex, r"^\S+ [\d+] \(\w*\): a.b").is_empty());
    }

    #[test]
    fn escapes_in_osmatch_are_pointed_out() {
        assert_eq!(offsets(Language::OsMatch, r"a\|b"), [1]);
        assert_eq!(offsets(Language::OsMatch, r"a.*b"), [1]);
        assert!(offsets(Language::OsMatch, r"^a b|c$").is_empty());
    }

    #[test]
    fn a_repetition_of_a_repetition_is_pointed_out() {
        assert_eq!(offsets(Language::Pcre2, r"^(a+)+$"), [1]);
        assert_eq!(offsets(Language::Pcre2, r"(?:\w*\s?)*x"), [0]);
        assert_eq!(offsets(Language::Pcre2, r"ab(?:(x|y*))+"), [2]);
        for fine in [r"(?:\w+,)+", r"a++b", r"(?:a++)+", r"(\d{1,3}\.){3}", r"(?:ab?)*"] {
            assert!(offsets(Language::Pcre2, fine).is_empty(), "{fine}");
        }
    }
}
