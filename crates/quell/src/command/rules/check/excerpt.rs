//! The line that a find is about, cut and cleaned for a terminal, and the column in characters.

use alert::sanitize::shown;

/// Characters shown before the column, and behind it.
const BEFORE_MAX: usize = 60;
const BEHIND_MAX: usize = 60;

/// A line of a file, around a column.
pub(super) struct Excerpt {
    pub(super) before: String,
    pub(super) behind: String,
}

/// Gives a line of a text, counted from 1, without its end.
fn line_of(text: &[u8], line: usize) -> Option<&[u8]> {
    let line = text.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Cuts the line at the column; at its first letter where the column isn't known.
pub(super) fn around(text: &[u8], line: usize, column: usize) -> Option<Excerpt> {
    let line = line_of(text, line)?;
    let start = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let at = column.checked_sub(1).unwrap_or(start).min(line.len());
    let (before, behind) = line.split_at(at);
    // A tab is as wide as the terminal likes, and then the caret would stand elsewhere.
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\t', " ");
    // Only the end of what stands before is wanted; four bytes are the longest character.
    let from = before.len().saturating_sub(BEFORE_MAX * 4);
    let before = plain(before.get(from..).unwrap_or_default());
    let count = before.chars().count();
    let kept: String = before.chars().skip(count.saturating_sub(BEFORE_MAX)).collect();
    let mut before = shown(&kept, BEFORE_MAX);
    if from > 0 || count > BEFORE_MAX {
        before.insert(0, '…');
    }
    let upto = behind.len().min(BEHIND_MAX * 4);
    let behind = plain(behind.get(..upto).unwrap_or_default());
    Some(Excerpt { before, behind: shown(&behind, BEHIND_MAX) })
}

/// Turns a column in bytes into one in characters. Both count from 1.
pub(super) fn column_in_characters(text: &[u8], line: usize, column: usize) -> Option<usize> {
    let line = line_of(text, line)?;
    let before = line.get(..column.checked_sub(1)?.min(line.len()))?;
    Some(String::from_utf8_lossy(before).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_column_and_tabs_are_blanks() {
        let text = format!("one\n\t<a>{}<b>\n", "x".repeat(5000));
        let excerpt = around(text.as_bytes(), 2, 5005).unwrap();
        assert!(excerpt.before.starts_with("…xxx") && excerpt.before.chars().count() == 61);
        assert_eq!(excerpt.behind, "<b>");
        assert_eq!(around(text.as_bytes(), 2, 2).unwrap().before, " ");
        assert!(around(text.as_bytes(), 9, 1).is_none());
    }

    #[test]
    fn hostile_bytes_reach_no_terminal() {
        let excerpt = around(b"<a>\x1b[2J\x07\xff</a>", 1, 4).unwrap();
        assert!(!excerpt.behind.contains(['\x1b', '\x07']), "{:?}", excerpt.behind);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(column_in_characters("né<".as_bytes(), 1, 4), Some(3));
        assert_eq!(column_in_characters(b"abc", 1, 900), Some(4));
        assert_eq!(column_in_characters(b"abc", 1, 0), None);
    }
}
