//! Gives a pattern a shape of the same meaning that PCRE2 reads faster, and tells what may follow what.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::{Before, WIDE_MIN};

/// Puts words that begin with the same letters together, so that PCRE2, which tries one after the other, is done with all of them at
/// the first letter. Their order changes, which no rule sees: it asks whether there is a match, not which.
pub(super) fn by_first_letters(branches: &[Hir]) -> Vec<Hir> {
    let mut groups: Vec<(Option<u8>, Vec<&Hir>)> = Vec::new();
    for branch in branches {
        let first = word(branch).and_then(|word| word.first()).copied();
        match groups.iter_mut().find(|(letter, _)| letter.is_some() && *letter == first) {
            Some((_, group)) => group.push(branch),
            None => groups.push((first, vec![branch])),
        }
    }
    groups.into_iter().flat_map(|(_, group)| joined(&group)).collect()
}

/// Writes words as their common beginning and the ways to go on, where that is shorter.
fn joined(group: &[&Hir]) -> Vec<Hir> {
    let words: Vec<&[u8]> = group.iter().filter_map(|branch| word(branch)).collect();
    let common = words.iter().copied().reduce(common_beginning).unwrap_or_default();
    let saved = common.len() * (words.len().max(1) - 1);
    if saved <= "(?:)".len() {
        return group.iter().map(|branch| (*branch).clone()).collect();
    }
    let rest = |word: &&[u8]| Hir::literal(word.get(common.len()..).unwrap_or_default());
    let rests = Hir::alternation(words.iter().map(rest).collect());
    vec![Hir::concat(vec![Hir::literal(common), rests])]
}

fn common_beginning<'w>(one: &'w [u8], other: &[u8]) -> &'w [u8] {
    let length = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    one.get(..length).unwrap_or_default()
}

/// The letters of an expression that is a word and nothing more.
fn word(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.iter().all(u8::is_ascii_lowercase) => {
            Some(&literal.0)
        }
        _ => None,
    }
}

/// Writes `a*b?a*` as `a*(?:ba*)?`, which means the same: else a row of `a` could be split between both runs anywhere.
pub(super) fn without_choice_of_runs(parts: &[Hir]) -> Vec<Hir> {
    let is_run = |hir: &Hir| match hir.kind() {
        HirKind::Repetition(run) => (run.min, run.max) == (0, None) && is_class(&run.sub),
        _ => false,
    };
    let mut out: Vec<Hir> = Vec::with_capacity(parts.len());
    // The run that what was written ends with.
    let mut run: Option<&Hir> = None;
    let mut rest = parts;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if let (HirKind::Repetition(choice), Some((next, behind))) =
            (first.kind(), after.split_first())
            && (choice.min, choice.max) == (0, Some(1))
            && run == Some(next)
        {
            let sub = Hir::concat(vec![(*choice.sub).clone(), next.clone()]);
            out.push(Hir::repetition(Repetition { sub: Box::new(sub), ..choice.clone() }));
            rest = behind;
        } else {
            run = Some(first).filter(|first| is_run(first));
            out.push(first.clone());
        }
    }
    out
}

/// What an expression may begin with.
pub(super) struct First {
    /// Nothing where it isn't known.
    pub(super) bytes: Option<Vec<u8>>,
    /// It may also be empty.
    pub(super) is_optional: bool,
}

fn first_of(hir: &Hir) -> First {
    match hir.kind() {
        HirKind::Empty => First { bytes: Some(Vec::new()), is_optional: true },
        // The end of a value is what follows it, and the beginning of a word may be an escape that is taken for the end of what stands before.
        HirKind::Look(_) => First { bytes: None, is_optional: false },
        HirKind::Literal(literal) => {
            First { bytes: literal.0.first().map(|byte| vec![*byte]), is_optional: false }
        }
        HirKind::Class(class) => First { bytes: Some(ascii_members(class)), is_optional: false },
        HirKind::Repetition(repetition) => {
            let first = first_of(&repetition.sub);
            First { is_optional: first.is_optional || repetition.min == 0, ..first }
        }
        HirKind::Capture(capture) => first_of(&capture.sub),
        HirKind::Concat(parts) => first_of_all(parts),
        HirKind::Alternation(branches) => {
            let none = First { bytes: Some(Vec::new()), is_optional: false };
            branches.iter().map(first_of).fold(none, |one, other| First {
                bytes: one.bytes.zip(other.bytes).map(|(one, other)| [one, other].concat()),
                is_optional: one.is_optional || other.is_optional,
            })
        }
    }
}

pub(super) fn first_of_all(parts: &[Hir]) -> First {
    let mut all = First { bytes: Some(Vec::new()), is_optional: true };
    for part in parts {
        let first = first_of(part);
        all.bytes = all.bytes.zip(first.bytes).map(|(one, other)| [one, other].concat());
        if !first.is_optional {
            all.is_optional = false;
            break;
        }
    }
    all
}

/// Tells whether expressions begin with a run, without end, of anything but signs that ordinary requests don't have.
pub(super) fn begins_with_anything(parts: &[Hir]) -> bool {
    let Some(HirKind::Repetition(run)) = parts.first().map(Hir::kind) else { return false };
    match run.sub.kind() {
        HirKind::Class(class) => {
            run.max.is_none()
                && excluded_if_wide(class).is_some_and(|excluded| {
                    !excluded
                        .iter()
                        .any(|byte| b"&=?/.-".contains(byte) || byte.is_ascii_alphanumeric())
                })
        }
        _ => false,
    }
}

/// The branches of a choice that begin with anything, and the others; nothing where it isn't a choice, or none does.
pub(super) fn by_beginning(hir: &Hir) -> Option<(Vec<Hir>, Vec<Hir>)> {
    let HirKind::Alternation(branches) = hir.kind() else { return None };
    let with_anything = |branch: &Hir| match branch.kind() {
        HirKind::Concat(parts) => begins_with_anything(parts),
        _ => begins_with_anything(std::slice::from_ref(branch)),
    };
    if !branches.iter().any(with_anything) {
        return None;
    }
    Some(branches.iter().cloned().partition(with_anything))
}

/// The characters that a class leaves out, if it is one of "anything but".
pub(super) fn excluded_if_wide(class: &Class) -> Option<Vec<u8>> {
    let members = ascii_members(class);
    let excluded = || (0..128).filter(|byte| is_lower(*byte) && !members.contains(byte)).collect();
    (members.len() >= WIDE_MIN).then(excluded)
}

/// The members of a class that are ASCII: of the others a line has only escapes, which are ASCII again.
pub(super) fn ascii_members(class: &Class) -> Vec<u8> {
    let is_member = |byte: u8| match class {
        Class::Bytes(bytes) => {
            bytes.iter().any(|range| (range.start()..=range.end()).contains(&byte))
        }
        Class::Unicode(letters) => {
            letters.iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
        }
    };
    (0..128).filter(|byte| is_lower(*byte) && is_member(*byte)).collect()
}

/// Tells what the text of a sign may hold, which is in lower case: a class of anything but letters holds the capitals only by accident.
fn is_lower(byte: u8) -> bool {
    !byte.is_ascii_uppercase()
}

/// Tells whether an expression may match nothing by being repeated no time.
pub(super) fn is_optional(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Repetition(repetition) if repetition.min == 0)
}

/// Tells whether an expression is one character of a set.
pub(super) fn is_class(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Class(_))
}

/// Tells whether an expression is the edge of a word.
pub(super) fn is_word_boundary(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Look(Look::WordAscii))
}

/// Tells what an expression ends with; nothing where it matches no character.
pub(super) fn last_letter(hir: &Hir) -> Option<Before> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let of = |is_word: bool| if is_word { Before::Word } else { Before::Other };
    let both = |one: Before, other: Before| if one == other { one } else { Before::Any };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => literal.0.last().map(|byte| of(is_word(*byte))),
        HirKind::Class(class) => {
            ascii_members(class).into_iter().map(|byte| of(is_word(byte))).reduce(both)
        }
        HirKind::Repetition(repetition) if repetition.min == 0 => Some(Before::Any),
        HirKind::Repetition(repetition) => last_letter(&repetition.sub),
        HirKind::Capture(capture) => last_letter(&capture.sub),
        HirKind::Concat(parts) => parts.iter().rev().find_map(last_letter),
        HirKind::Alternation(branches) => branches.iter().filter_map(last_letter).reduce(both),
    }
}
