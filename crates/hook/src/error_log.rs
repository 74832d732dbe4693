//! The file that says which alerts were lost, and why.
//!
//! This program may not print: integratord would copy each line into its own log, and in a flood
//! that log would be the next thing to break. So a loss is one line in `hook-errors.log` in the
//! spool directory, where `quell doctor` and the daemon look and count.
//!
//! It promises one short line per call, free of control characters, in a file of bounded size. It
//! can't promise that the line is written, since a full disk is among the reasons to write one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The name of the file, which must not end in `.alert`.
const FILE_NAME: &str = "hook-errors.log";

/// Size from which no more lines are added: about 5,000 losses. The first ones tell the cause; the
/// rest only fill the disk that other alerts need.
const LOG_BYTES_MAX: u64 = 1024 * 1024;

/// Longest reason in a line. Two paths and two system errors fit; a longer path than that is cut.
const REASON_CHARS_MAX: usize = 600;

/// Adds a line if there is room, and gives up in silence otherwise.
pub(crate) fn append(directory: &Path, since_1970: Duration, reason: &str) {
    let file =
        OpenOptions::new().append(true).create(true).mode(0o660).open(directory.join(FILE_NAME));
    let Ok(mut file) = file else { return };
    let has_room = file.metadata().is_ok_and(|metadata| metadata.len() < LOG_BYTES_MAX);
    if has_room {
        // One write, so that the lines of two processes do not mix.
        drop(file.write_all(line(since_1970, std::process::id(), reason).as_bytes()));
    }
}

/// Makes the line; a reason may contain a file name, which anyone may have chosen.
fn line(since_1970: Duration, process: u32, reason: &str) -> String {
    let shown: String = reason
        .chars()
        .take(REASON_CHARS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    format!("{} custom-quell[{process}]: {shown}\n", utc(since_1970.as_secs()))
}

/// Writes seconds since 1970 as `2025-11-24T16:22:00Z`.
///
/// The calendar repeats after 400 years, so whole repeats are skipped first; what is left is
/// counted off year by year and month by month, in at most 400 and 12 steps.
fn utc(seconds: u64) -> String {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let mut day = seconds / 86_400;
    let mut year = 1970 + day / DAYS_IN_400_YEARS * 400;
    day %= DAYS_IN_400_YEARS;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_for_people() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(utc(1_764_001_320), "2025-11-24T16:22:00Z");
        assert_eq!(utc(1_767_225_599), "2025-12-31T23:59:59Z");
        assert_eq!(utc(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(utc(12_622_780_800), "2370-01-01T00:00:00Z");
    }

    #[test]
    fn a_line_is_one_line_whatever_the_reason_holds() {
        let reason = "can't read \u{1b}[2J\n\r\u{9b}a";
        assert_eq!(
            line(Duration::ZERO, 9, reason),
            "1970-01-01T00:00:00Z custom-quell[9]: can't read  [2J   a\n"
        );
    }

    #[test]
    fn a_long_reason_is_cut() {
        let length = line(Duration::ZERO, 9, &"x".repeat(5_000)).len();
        assert_eq!(length, "1970-01-01T00:00:00Z custom-quell[9]: \n".len() + REASON_CHARS_MAX);
    }
}
