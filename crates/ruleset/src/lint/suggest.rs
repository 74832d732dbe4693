//! "Did you mean": the nearest known word.

/// Longer words are not compared: the work grows with the product of both lengths.
const WORD_BYTES_MAX: usize = 40;

/// Finds the known word that a wrong one was probably meant to be: at most one mistake for every three letters.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let mistakes_max = (word.len() / 3).max(1);
    let distances = known.into_iter().map(|known| (distance(&word, known), known));
    let (distance, best) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= mistakes_max).then_some(best)
}

/// Counts letters to add, remove, replace, or swap with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut now = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(a != b))
                .min(at(&last, column + 1) + 1)
                .min(at(&now, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(b)
                && right.get(column - 1) == Some(a);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            now.push(best);
        }
        before_last = std::mem::replace(&mut last, now);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_and_another_word_finds_nothing() {
        let known = ["description", "decoded_as", "match", "if_sid"];
        assert_eq!(nearest("descripton", known), Some("description"));
        assert_eq!(nearest("mathc", known), Some("match"));
        assert_eq!(nearest("If_Sids", known), Some("if_sid"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }
}
