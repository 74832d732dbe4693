//! Rights that are given away for good: a shell that makes root of whoever starts it, a second root.
//!
//! Whoever became root once likes to become it again. Programs with the bit that lends rights are part of each system, and packages set
//! it on their own; a shell, an interpreter, or a file in a folder that anybody may write has no honest reason to have it.

use super::{place, shell};
use crate::template;

/// Most of a command that is read from its name on, in bytes.
const COMMAND_BYTES_MAX: usize = 1024;

/// Folders that anybody may write.
const OPEN_FOLDERS: &[&str] = &["/tmp/", "/var/tmp/", "/dev/shm/"];

/// Programs that make accounts or change them.
const ACCOUNT_PROGRAMS: &[&str] = &["useradd ", "usermod ", "adduser "];

const LENDS_RIGHTS: &str = "the command makes root of whoever starts a shell";
const ANOTHER_ROOT: &str = "the command makes a second root";

/// Finds a command that gives rights away, and where it begins.
pub(super) fn given_away(line: &str) -> Option<(usize, &'static str)> {
    lent(line).or_else(|| another_root(line))
}

/// Finds a program that can run others being given the rights of its owner.
fn lent(line: &str) -> Option<(usize, &'static str)> {
    let lends = |name: &str, is_right: fn(&str) -> bool| {
        let at = place(line, name)?;
        let mut is_lent = false;
        let to = shell::own_words(behind(line, at + name.len())).find(|word| {
            is_lent |= is_right(word);
            is_lent && runs_anything(word)
        });
        to.map(|_| (at, LENDS_RIGHTS))
    };
    lends("chmod ", is_lending_mode)
        .or_else(|| lends("setcap ", |word| word.contains("cap_setuid")))
}

/// Tells whether a mode has the bit by which a program runs as its owner: `u+s`, `+s`, `ug=rxs`, `4755`, `06755`.
fn is_lending_mode(word: &str) -> bool {
    let digits = word.trim_start_matches('0');
    if digits.len() == 4 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7')) {
        return digits.starts_with(['4', '5', '6', '7']);
    }
    word.split(',').any(|part| {
        let Some((who, rights)) = part.split_once(['+', '=']) else { return false };
        let is_owner = who.is_empty() || who.contains(['u', 'a']);
        is_owner && who.chars().all(|c| "ugoa".contains(c)) && rights.contains('s')
    })
}

/// Tells whether a path is that of a program which runs what it is told, or of a file that anybody may have put there.
fn runs_anything(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    shell::runs_text(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
        || OPEN_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// Finds an account being made that has the user id of root.
fn another_root(line: &str) -> Option<(usize, &'static str)> {
    let made = ACCOUNT_PROGRAMS.iter().find_map(|name| {
        let at = place(line, name)?;
        let mut before = "";
        let is_root = shell::own_words(behind(line, at + name.len())).any(|word| {
            let is_id = word == "0" && (before == "--uid" || is_short(before));
            before = word;
            is_id || word == "--uid=0" || word.strip_suffix('0').is_some_and(is_short)
        });
        is_root.then_some(at)
    });
    let written = || {
        let at = line.find(":0:0:")?;
        let rest = line.get(at..)?;
        let adds = [">> /etc/passwd", ">>/etc/passwd", "tee -a /etc/passwd"];
        adds.iter().any(|add| rest.contains(add)).then_some(at)
    };
    made.or_else(written).map(|at| (at, ANOTHER_ROOT))
}

/// Gives so much of a command as is read from a place in it on.
fn behind(line: &str, at: usize) -> &str {
    template::head(line.get(at..).unwrap_or_default(), COMMAND_BYTES_MAX)
}

/// Tells whether a word is the short option for a user id, maybe behind others: `-u`, `-ou`.
fn is_short(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| !letters.starts_with('-') && letters.ends_with('u'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_for_whoever_asks_are_found() {
        for line in [
            "/usr/bin/chmod u+s /bin/bash",
            "chmod +s /usr/bin/dash",
            "cp /bin/sh /tmp/.x; chmod 4755 /tmp/.x",
            "sh -c 'chmod 06755 /dev/shm/a'",
            "chmod -v ug=rxs /usr/bin/python3.11",
            "chmod u+x,u+s /var/tmp/a",
            "setcap cap_setuid+ep /usr/bin/perl",
            "setcap cap_net_raw,cap_setuid=ep /usr/bin/python3",
        ] {
            assert_eq!(given_away(line).map(|(_, why)| why), Some(LENDS_RIGHTS), "{line}");
        }
        for line in [
            "/usr/sbin/useradd -o -u 0 -g 0 toor",
            "useradd -ou 0 toor",
            "useradd -o -u0 toor",
            "usermod --non-unique --uid=0 bob",
            "adduser --uid 0 toor",
            "sh -c 'echo toor:x:0:0::/root:/bin/bash >> /etc/passwd'",
            "echo toor::0:0:::/bin/sh | sudo tee -a /etc/passwd",
        ] {
            assert_eq!(given_away(line).map(|(_, why)| why), Some(ANOTHER_ROOT), "{line}");
        }
    }

    #[test]
    fn what_packages_and_administrators_do_is_not() {
        for line in [
            "/usr/bin/chmod u+s /usr/bin/ping",
            "chmod 4755 /usr/bin/sudo",
            "chmod 755 /bin/bash",
            "chmod 0755 /tmp/a",
            "chmod 1777 /tmp/",
            "chmod 2755 /tmp/shared",
            "chmod g+s /tmp/shared",
            "chmod o+s /tmp/a",
            "chmod u-s /bin/bash",
            "chmod +x /tmp/install.sh",
            "chmod u+s /usr/bin/fusermount3; ls /bin/bash",
            "setcap cap_net_bind_service=+ep /usr/bin/node",
            "setcap cap_setuid+ep /usr/bin/newuidmap",
            "useradd -u 1000 -g 0 bob",
            "useradd -m -s /bin/bash bob",
            "usermod -l 0 bob",
            "useradd --system --uid 110 svc",
            "grep :0:0: /etc/passwd",
            "awk -f: '/:0:0:/' /etc/passwd >> /tmp/roots",
        ] {
            assert_eq!(given_away(line), None, "{line}");
        }
    }
}
