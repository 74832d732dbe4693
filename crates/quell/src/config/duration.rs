//! Durations as people write them: a number and a unit, such as `30s`, `5m`, `2h` or `7d`.
//!
//! It promises that what it writes, it reads back as the same duration. It takes whole seconds
//! and one unit only, because `1h30m` and `1.5h` invite misreading. Ranges are left to the reader.

use std::time::Duration;

/// The units of a duration, longest first, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads a duration, or returns `None` if it is not one.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    let (_, unit_secs) = UNITS.iter().find(|(letter, _)| *letter == unit)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(*unit_secs).map(Duration::from_secs)
}

/// Writes a duration as the file would have it, in the longest unit that fits twice or exactly.
pub(crate) fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs();
    // One of a unit reads better as many of the next: people say 24 hours and 60 seconds, so
    // only a single hour or minute is written as one.
    let fits = |letter: char, unit: u64| {
        secs.is_multiple_of(unit) && (secs / unit > 1 || (secs / unit == 1 && letter != 'd'))
    };
    match UNITS.iter().find(|(letter, unit)| fits(*letter, *unit)) {
        Some((letter, unit)) => format!("{}{letter}", secs / unit),
        None => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration_text, parse_duration};

    #[test]
    fn durations_are_written_as_people_say_them() {
        for (read, written) in [
            ("30s", "30s"),
            ("60s", "1m"),
            ("120s", "2m"),
            ("90m", "90m"),
            ("24h", "24h"),
            ("48h", "2d"),
            ("1d", "24h"),
            ("0s", "0s"),
            (" 7d ", "7d"),
        ] {
            let duration = parse_duration(read).unwrap();
            assert_eq!(duration_text(duration), written);
            assert_eq!(parse_duration(written), Some(duration));
        }
    }

    #[test]
    fn other_texts_are_not_durations() {
        for text in ["", "5", "s", "-5s", "+5s", "1.5h", "1h30m", "5 m", "5\u{b5}", "5M"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(parse_duration("99999999999999999999d"), None);
        assert_eq!(parse_duration("9999999999999999999d"), None);
    }
}
