//! Accounts of services that become root and go on by hand: `su` by a web server's account, an interactive shell that a monitoring's account gets by sudo.
//!
//! Such an account has no password and nobody sits at it. It may have to run a plugin or a script as root, thousands of times a day, and the
//! rules say the same of those: a session was opened, a sudo succeeded. A shell that waits for somebody to type is what a break-in by way of the
//! service looks like once it has found its way up.

use alert::Alert;
use alert::incident::Finding;

use super::command;
use crate::template;

/// User ids below this are given to services, here and nearly everywhere; 0 is root. Where people have such an id (old systems began at 500),
/// one who types `su` is taken for a service.
const PEOPLE_FROM: u32 = 1000;

/// The user id of nobody, as whom services run that have no account of their own.
const NOBODY: u32 = 65_534;

/// Accounts of services by their usual names, in lower case. Those that people share (`git`, `backup`) are not among them.
const NAMES: &[&str] = &[
    "www-data",
    "apache",
    "apache2",
    "httpd",
    "nginx",
    "caddy",
    "wwwrun",
    "php-fpm",
    "tomcat",
    "jetty",
    "jboss",
    "wildfly",
    "jenkins",
    "nagios",
    "icinga",
    "zabbix",
    "nrpe",
    "prometheus",
    "grafana",
    "telegraf",
    "postgres",
    "mysql",
    "mariadb",
    "mongodb",
    "mongod",
    "redis",
    "memcached",
    "rabbitmq",
    "elasticsearch",
    "solr",
    "postfix",
    "exim",
    "debian-exim",
    "named",
    "bind",
    "squid",
    "proxy",
    "ftp",
    "vsftpd",
    "sshd",
    "daemon",
    "nobody",
];

/// Shells that somebody can type into.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "fish"];

/// Most of a log line that is read, in bytes. What su and sudo write before the command is far shorter.
const LINE_BYTES_MAX: usize = 2048;

const BY_SU: &str = "the account of a service became root by su, which it has no password for";
const BY_SUDO: &str = "the account of a service got a shell of root to type into";

/// Looks whether an alert reports that the account of a service became root for somebody who types.
pub(super) fn becomes_root(alert: &Alert) -> Option<Finding> {
    if command::was_refused(alert) {
        return None;
    }
    let line = template::head(alert.full_log.as_raw(), LINE_BYTES_MAX);
    let (fragment, reason) = if is_su_to_root(alert, line) && is_asked_by_service(alert, line) {
        (line, BY_SU)
    } else {
        (shell_by_sudo(alert)?, BY_SUDO)
    };
    Some(command::finding(fragment, reason))
}

/// Tells whether su let somebody become root.
fn is_su_to_root(alert: &Alert, line: &str) -> bool {
    let is_su = line.contains("pam_unix(su:session)")
        || line.contains("pam_unix(su-l:session)")
        || matches!(alert.field("predecoder.program_name"), Some("su" | "su-l"))
        || alert.decoder == "su";
    let to = alert.field("data.dstuser").unwrap_or_default();
    // Newer versions of PAM write `root(uid=0)`.
    let is_root = bare_name(to) == "root"
        || ["session opened for user root", "(to root)", "su for root"]
            .iter()
            .any(|words| line.contains(words));
    // That a session ends is no news.
    is_su && is_root && !line.contains("session closed")
}

/// Tells whether the one who asked is the account of a service: by the user id, where the line has one, else by the name.
fn is_asked_by_service(alert: &Alert, line: &str) -> bool {
    // `session opened for user root(uid=0) by www-data(uid=33)`, and without the names.
    if let Some((_, by)) = line.rsplit_once(" by ") {
        if let Some(number) = by.split_once("uid=").and_then(|(_, rest)| leading_number(rest)) {
            return is_service_id(number);
        }
        return is_service_name(by.split_whitespace().next().unwrap_or_default());
    }
    // `(to root) www-data on pts/0`
    if let Some((_, by)) = line.split_once("(to root) ") {
        return is_service_name(by.split_whitespace().next().unwrap_or_default());
    }
    alert.field("data.srcuser").is_some_and(is_service_name)
}

/// Finds the shell that the account of a service got by sudo, if it is one to type into.
fn shell_by_sudo(alert: &Alert) -> Option<&str> {
    let is_sudo = alert.rule.has_group("sudo") || alert.decoder == "sudo";
    let is_root = alert.field("data.dstuser").is_none_or(|to| bare_name(to) == "root");
    if !is_sudo || !is_root || !alert.field("data.srcuser").is_some_and(is_service_name) {
        return None;
    }
    alert.field("data.command").filter(|command| is_shell_to_type_into(command))
}

/// Tells whether a command is a shell without anything to run, or su, which starts one.
fn is_shell_to_type_into(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let path = words.next().unwrap_or_default();
    let program = path.rsplit('/').next().unwrap_or_default();
    let mut rest = words;
    match program {
        // What is read from a file or a text is a script.
        _ if SHELLS.contains(&program) => {
            rest.all(|word| matches!(word, "-i" | "-l" | "-p" | "-il" | "-li" | "-ip" | "--login"))
        }
        "su" => rest.all(|word| matches!(word, "-" | "-l" | "--login" | "root")),
        _ => false,
    }
}

fn is_service_id(number: u32) -> bool {
    (1..PEOPLE_FROM).contains(&number) || number == NOBODY
}

fn is_service_name(name: &str) -> bool {
    NAMES.contains(&bare_name(name).to_ascii_lowercase().as_str())
}

/// Takes the user id behind a name off.
fn bare_name(name: &str) -> &str {
    name.split('(').next().unwrap_or_default().trim()
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use alert::{Alert, Class, Limits};
    use serde_json::{Value, json};

    use crate::observe::observe;

    fn session(line: &str, data: &Value) -> Value {
        json!({
            "rule": {"id": "5501", "level": 3, "description": "PAM: Login session opened.", "groups": ["pam", "syslog", "authentication_success"]},
            "agent": {"id": "1", "name": "a"}, "decoder": {"name": "pam"},
            "full_log": format!("Nov 20 03:00:00 a su[99]: {line}"), "data": data,
        })
    }

    fn sudo(user: &str, command: &str) -> Value {
        json!({
            "rule": {"id": "5402", "level": 3, "description": "Successful sudo to ROOT executed.", "groups": ["syslog", "sudo"]},
            "agent": {"id": "1", "name": "a"}, "decoder": {"name": "sudo"},
            "full_log": format!("sudo: {user} : TTY=unknown ; PWD=/ ; USER=root ; COMMAND={command}"),
            "data": {"srcuser": user, "dstuser": "root", "command": command},
        })
    }

    fn told(alert: &Value) -> (Class, Option<String>) {
        let alert = Alert::parse(alert.to_string().as_bytes(), &Limits::default());
        let seen = observe(&alert.expect("an alert"));
        (seen.class, seen.finding.map(|finding| finding.reason))
    }

    #[test]
    fn a_service_that_becomes_root_by_su_is_told_from_people_and_from_cron() {
        for line in [
            "pam_unix(su:session): session opened for user root by (uid=33)",
            "pam_unix(su-l:session): session opened for user root(uid=0) by www-data(uid=33)",
            "pam_unix(su:session): session opened for user root by nobody(uid=65534)",
        ] {
            let (class, reason) = told(&session(line, &json!({"dstuser": "root"})));
            assert_eq!(
                (class, reason.as_deref()),
                (Class::PrivilegeEscalation, Some(super::BY_SU))
            );
        }
        for line in [
            "pam_unix(su:session): session opened for user root by (uid=0)",
            "pam_unix(su:session): session opened for user root by bob(uid=1000)",
            "pam_unix(cron:session): session opened for user root by (uid=0)",
            "pam_unix(sudo:session): session opened for user root by (uid=33)",
            "pam_unix(su:session): session opened for user postgres by (uid=0)",
            "pam_unix(su:session): session closed for user root by (uid=33)",
        ] {
            let to = if line.contains("postgres") { "postgres" } else { "root" };
            assert_eq!(
                told(&session(line, &json!({"dstuser": to}))),
                (Class::Login, None),
                "{line}"
            );
        }
    }

    #[test]
    fn what_su_itself_writes_has_a_name_and_no_number() {
        let su = |line: &str, data: Value| {
            let mut alert = session(line, &data);
            alert["decoder"]["name"] = json!("su");
            told(&alert).1.as_deref() == Some(super::BY_SU)
        };
        assert!(su("(to root) www-data on pts/0", json!({})));
        assert!(su("Successful su for root by apache", json!({})));
        assert!(su("+ /dev/pts/1 nginx:root", json!({"srcuser": "nginx", "dstuser": "root"})));
        assert!(!su("(to root) bob on pts/0", json!({})));
        assert!(!su("Successful su for root by bob", json!({})));
        assert!(!su("+ /dev/pts/1 bob:root", json!({"srcuser": "bob", "dstuser": "root"})));
    }

    #[test]
    fn a_shell_that_a_service_can_type_into_is_told_from_what_it_runs_every_day() {
        for command in ["/bin/bash -i", "/bin/bash", "/usr/bin/su -", "/bin/su", "/usr/bin/zsh -l"]
        {
            let (class, reason) = told(&sudo("nagios", command));
            assert_eq!(
                (class, reason.as_deref()),
                (Class::PrivilegeEscalation, Some(super::BY_SUDO))
            );
            assert_eq!(
                told(&sudo("bob", command)),
                (Class::PrivilegeEscalation, None),
                "{command}"
            );
        }
        for command in [
            "/usr/lib/nagios/plugins/check_disk -w 10",
            "/bin/sh -c /usr/lib/nagios/plugins/check_disk",
            "/bin/bash /opt/restart.sh",
            "/bin/su postgres -c vacuumdb",
            "/usr/bin/bashtop",
        ] {
            assert_eq!(told(&sudo("nagios", command)).1, None, "{command}");
        }
    }

    #[test]
    fn it_weighs_more_than_the_sessions_and_plugins_of_every_day() {
        let level = |mut alert: Value| {
            alert["id"] = json!("1.1");
            crate::threat::assess(&crate::sample::incident_of(&alert)).typical
        };
        let by_su = "pam_unix(su:session): session opened for user root by (uid=33)";
        let by_cron = "pam_unix(cron:session): session opened for user root by (uid=0)";
        assert_eq!(level(session(by_su, &json!({"dstuser": "root"}))), 7);
        assert_eq!(level(sudo("nagios", "/bin/bash -i")), 7);
        assert!(level(session(by_cron, &json!({"dstuser": "root"}))) <= 3);
        assert!(level(sudo("nagios", "/usr/lib/nagios/plugins/check_disk")) <= 3);
    }

    #[test]
    fn what_was_refused_made_nobody_root() {
        let mut refused = sudo("nagios", "/bin/bash -i");
        refused["rule"]["groups"] = json!(["syslog", "sudo", "authentication_failed"]);
        assert_eq!(told(&refused).1, None);
    }
}
