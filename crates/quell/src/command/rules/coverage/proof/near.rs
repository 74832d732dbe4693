//! How near a line that must not end with a rule is to the lines that must.
//!
//! Lines of one server have most in common whatever they are about: dates, versions, the name of the browser. So what counts is a word
//! or a mark of punctuation that a line shares with one of the rule's own beyond what most lines of the tests have; or that the
//! two lines differ in two words at most, as an attack that was answered does from one that was refused.

use std::collections::{BTreeSet, HashMap};

use alert::decode::decode;

/// Two words exchanged: each stands once on either side.
const DIFFERENT_MAX: usize = 4;

/// A shorter word is a letter of anything.
const WORD_BYTES_MIN: usize = 2;

/// The words and marks of a line, decoded and in lower case.
pub(super) type Pieces = BTreeSet<String>;

/// Takes a line apart.
pub(super) fn pieces(line: &[u8]) -> Pieces {
    let text = decode(&String::from_utf8_lossy(line)).text.to_lowercase();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_word(letter)).filter(|word| word.len() >= WORD_BYTES_MIN);
    let marks = text.chars().filter(|letter| !is_word(*letter) && !letter.is_whitespace());
    words.map(str::to_owned).chain(marks.map(String::from)).collect()
}

/// What more than half of the lines have.
pub(super) fn common(lines: &[Pieces]) -> Pieces {
    let mut counts: HashMap<&String, usize> = HashMap::new();
    for piece in lines.iter().flatten() {
        *counts.entry(piece).or_default() += 1;
    }
    counts.retain(|_, count| *count * 2 > lines.len());
    counts.into_keys().cloned().collect()
}

/// Says whether two lines have something to do with each other.
pub(super) fn is_near(one: &Pieces, other: &Pieces, common: &Pieces) -> bool {
    one.intersection(other).any(|piece| !common.contains(piece))
        || one.symmetric_difference(other).count() <= DIFFERENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common_of(lines: &[&str]) -> Pieces {
        let lines: Vec<Pieces> = lines.iter().map(|line| pieces(line.as_bytes())).collect();
        common(&lines)
    }

    #[test]
    fn a_word_or_a_mark_of_the_attack_makes_a_line_near_and_what_all_lines_have_does_not() {
        let lines = ["GET /list?item=1%27+or+1=1", "GET /list?item=tea", "GET /list?item=a"];
        let common = common_of(&lines);
        let is_near =
            |other: &str| is_near(&pieces(lines[0].as_bytes()), &pieces(other.as_bytes()), &common);
        assert!(is_near("GET /list?item=coffee+or+tea+with+milk"));
        assert!(is_near("GET /list?item=o%2527neil+comes+from+cork"));
        assert!(!is_near("GET /list?item=coffee+with+milk+and+more"));
    }

    #[test]
    fn the_same_line_with_another_answer_is_near() {
        let (refused, answered) = (pieces(b"GET /a 404 12"), pieces(b"GET /a 200 12"));
        assert!(is_near(&refused, &answered, &common(&[refused.clone(), answered.clone()])));
    }
}
