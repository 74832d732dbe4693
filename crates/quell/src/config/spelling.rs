//! Did-you-mean: finds the known word that a mistyped one was probably meant to be.
//!
//! It exists because a typing error in a configuration is the commonest one, and a good guess
//! saves a look into the manual. It promises bounded work on words of any length. It leaves
//! saying something about the guess to the caller.

/// How many edits apart two words may be. Past three, guesses are more often wrong than right.
const DISTANCE_MAX: usize = 3;

/// A guess may differ from what was typed in one letter out of this many, so that short words
/// are not turned into quite different ones.
const LETTERS_PER_EDIT: usize = 3;

/// Returns the candidate that is nearest to `word`, if one is near enough. The first one wins
/// among equals.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(distance) = distance_within(word, candidate) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns how many edits lie between two words, or `None` past the limit for words of this
/// length.
fn distance_within(word: &str, candidate: &str) -> Option<usize> {
    let allowed = (candidate.len() / LETTERS_PER_EDIT).clamp(1, DISTANCE_MAX);
    // The difference in length is a lower bound of the distance. Asking for it first keeps a
    // hostile key of a megabyte from costing anything.
    if word.len().abs_diff(candidate.len()) > allowed {
        return None;
    }
    let distance = distance(word.as_bytes(), candidate.as_bytes());
    (distance <= allowed).then_some(distance)
}

/// Counts the insertions, deletions, replacements and swaps of neighbours between two words.
///
/// Only three rows of the usual table are kept, since a swap looks back no further than two.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut left_previous = None;
    for (row, &left_letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut right_previous = None;
        for (column, &right_letter) in right.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&last, column) + usize::from(left_letter != right_letter);
            let deleted = at(&last, column + 1) + 1;
            let inserted = at(&current, column) + 1;
            let mut cost = replaced.min(deleted).min(inserted);
            if left_previous == Some(right_letter) && right_previous == Some(left_letter) {
                cost = cost.min(at(&before_last, column.saturating_sub(1)) + 1);
            }
            current.push(cost);
            right_previous = Some(right_letter);
        }
        before_last = std::mem::replace(&mut last, current);
        left_previous = Some(left_letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn edits_and_swaps_are_counted() {
        for (left, right, expected) in [
            ("", "abc", 3),
            ("policy", "policy", 0),
            ("polcy", "policy", 1),
            ("min_levle", "min_level", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left.as_bytes(), right.as_bytes()), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["min_level", "include_rules", "url", "kind"];
        assert_eq!(nearest("min_levle", known), Some("min_level"));
        assert_eq!(nearest("include_rule", known), Some("include_rules"));
        assert_eq!(nearest("ulr", known), Some("url"));
        assert_eq!(nearest("abc", known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}
