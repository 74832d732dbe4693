//! The command lines that an alert reports, as texts that can be searched: decoded, on one line, cut.
//!
//! The same command comes in several forms. The audit log writes an argument with a blank or a quote in it as bare hexadecimal digits, and
//! a whole command line as such digits with zeros between the arguments. Whoever wants to hide a command pads it, so runs of blanks are one
//! blank before anything is cut, and both ends are kept.

use alert::Alert;

use crate::template;

/// Most of a field that is read, in bytes. Wazuh's own programs stop at 64 kB for a whole alert.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Longest end of a command line that is searched, in bytes, at the front as well as at the back. What is longer is a script written out,
/// and says what it is at its head, unless somebody put something before it.
const END_BYTES_MAX: usize = 4096;

/// Most arguments of an audited command that are put together: an alert has no more fields.
const ARGUMENTS_MAX: usize = 1024;

/// Fewest hexadecimal digits that are taken for a text. Shorter ones are numbers as often, and hold no command.
const DIGITS_MIN: usize = 8;

/// Where command lines are, as one text.
const LINES: &[&str] = &["data.command", "data.win.eventdata.commandLine", "data.cmd"];

/// Where a database has the query that it ran, and Docker what was started in a container (`exec_create: sh -c ls`).
const OTHER_LINES: &[&str] = &["data.audit_record.sqltext", "data.docker.Action"];

/// Where the audit log has a command line as one text.
const TITLE: &str = "data.audit.proctitle";

/// Gives all command lines of an alert: one field may be cut or empty where another is whole.
pub(super) fn all(alert: &Alert) -> Vec<String> {
    let plain = LINES.iter().chain(OTHER_LINES);
    let plain = plain.filter_map(|path| alert.field(path)).map(searchable);
    let title = alert.field(TITLE).map(|title| searchable(&decoded(title)));
    plain.chain(title).chain(arguments(alert)).filter(|line| !line.is_empty()).collect()
}

/// Puts the arguments of an audited command together.
fn arguments(alert: &Alert) -> Option<String> {
    let mut line = String::new();
    for number in 0..ARGUMENTS_MAX {
        let Some(argument) = alert.field(&format!("data.audit.execve.a{number}")) else { break };
        line.push_str(&decoded(argument));
        line.push(' ');
        if line.len() > READ_BYTES_MAX {
            break;
        }
    }
    (!line.is_empty()).then(|| searchable(&line))
}

/// Reads what the kernel wrote as bare hexadecimal digits. A number that only looks so becomes a few odd characters, in which nothing is found.
fn decoded(text: &str) -> String {
    let text = template::head(text, READ_BYTES_MAX);
    let is_text = text.len() >= DIGITS_MIN
        && text.len().is_multiple_of(2)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_text {
        return text.to_owned();
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Vec<u8> = pairs.filter_map(byte).collect();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// Reads two hexadecimal digits.
fn byte(pair: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
}

/// Makes lower case of a command line, and one blank of many, and keeps both its ends.
fn searchable(text: &str) -> String {
    let mut line = String::new();
    for word in template::head(text, READ_BYTES_MAX).split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word.to_lowercase());
    }
    if line.len() <= 2 * END_BYTES_MAX {
        return line;
    }
    let head = template::head(&line, END_BYTES_MAX);
    let from = line.len() - END_BYTES_MAX;
    let tail = (from..line.len()).find_map(|at| line.get(at..)).unwrap_or_default();
    format!("{head} {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_as_digits_is_read_and_nothing_else() {
        assert_eq!(decoded("62617368202D69"), "bash -i");
        assert_eq!(decoded("636174002F6574632F686F737473"), "cat /etc/hosts");
        for text in ["/usr/bin/cat", "deadbeef1", "ab12", ""] {
            assert_eq!(decoded(text), text);
        }
    }

    #[test]
    fn padding_is_dropped_and_both_ends_are_kept() {
        assert_eq!(searchable("A \t\n  b"), "a b");
        let long = format!("first {} last", "\u{e9}x".repeat(READ_BYTES_MAX / 6));
        let line = searchable(&long);
        assert!(line.starts_with("first ") && line.ends_with(" last"), "{}", line.len());
        assert!(line.len() <= 2 * END_BYTES_MAX + 1);
    }
}
