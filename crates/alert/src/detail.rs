//! Details that change what an incident of a class means to a person, told from its groups, names and log lines.
//!
//! A class is coarse on purpose: alerts fold and are counted by it. But a sudo that was refused is not one that was used, a known flaw in a
//! package is nobody's breach of a rule, and a new account that is root by another name is not any new account. The level that
//! rule knowledge gives and the words of the playbook both need to know, so both ask here.

use crate::Class;
use crate::incident::Incident;

/// What is particular about an incident, beyond its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Higher privileges were asked for and refused.
    RefusedPrivileges,
    /// An account was made.
    NewAccount,
    /// An account was made that is root: its user id is 0.
    NewRoot,
    /// A package or system has a flaw that is known.
    KnownFlaw,
    /// An interface listens to traffic that is not its own.
    TrafficCapture,
    /// A program that a web server would run appeared or changed where it serves files from.
    WebScript,
}

/// Folders that web servers serve from, as they are usually called, in lower case and with slashes.
const WEB_ROOTS: &[&str] = &[
    "/www/",
    "/htdocs/",
    "/public_html/",
    "/wwwroot/",
    "/webapps/",
    "/nginx/html/",
    "/srv/http/",
    "/apache2/default/",
];

/// Endings of files that a web server runs rather than shows.
const SCRIPT_ENDINGS: &[&str] = &[
    ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml", ".phar", ".jsp", ".jspx",
    ".war", ".asp", ".aspx", ".ashx", ".asmx", ".cfm", ".cgi", ".pl", ".py", ".rb", ".sh",
];

/// Words by which sudo, su and their like say that they refused, in lower case.
const REFUSALS: &[&str] = &[
    "not in sudoers",
    "not in the sudoers",
    "incorrect password",
    "command not allowed",
    "user not allowed",
    "unauthorized user attempted",
    "failed attempt",
    "three failed attempts",
    "authentication failure",
    "failed su",
    "su: failed",
    "missed the password",
    "a password is required",
    "permission denied",
    "not authorized",
];

impl Detail {
    /// Finds the detail of an incident, if one is known.
    pub fn of(incident: &Incident) -> Option<Self> {
        let has = |group: &str| incident.groups.names().any(|name| name.trim() == group);
        match incident.class {
            Class::PrivilegeEscalation => was_refused(incident).then_some(Self::RefusedPrivileges),
            Class::AccountChange if lines(incident).any(|line| makes_root(&line)) => {
                Some(Self::NewRoot)
            }
            Class::AccountChange => makes_account(incident).then_some(Self::NewAccount),
            Class::PolicyViolation => has("vulnerability-detector").then_some(Self::KnownFlaw),
            Class::CommandExecution => has("promisc").then_some(Self::TrafficCapture),
            Class::FileIntegrity => {
                let is_gone = has("syscheck_entry_deleted")
                    && !has("syscheck_entry_added")
                    && !has("syscheck_entry_modified");
                (!is_gone && incident.objects.names().any(is_web_script)).then_some(Self::WebScript)
            }
            _ => None,
        }
    }
}

/// Tells whether a path is that of a program which a web server would run.
pub fn is_web_script(path: &str) -> bool {
    let path = path.to_lowercase().replace('\\', "/");
    WEB_ROOTS.iter().any(|root| path.contains(root))
        && SCRIPT_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Wazuh's group `adduser` also stands on rules about groups and deletions, so the rule's words decide.
fn makes_account(incident: &Incident) -> bool {
    let said = incident.rule_description.as_raw().to_lowercase();
    ["new user", "user added", "account created", "account was created", "added to the system"]
        .iter()
        .any(|words| said.contains(words))
}

/// The log lines kept, in lower case.
fn lines(incident: &Incident) -> impl Iterator<Item = String> + '_ {
    incident.evidence.iter().map(|evidence| evidence.excerpt.as_raw().to_lowercase())
}

/// Every line must say so: one use that was granted among refusals is a use.
fn was_refused(incident: &Incident) -> bool {
    let refuses = |text: &str| REFUSALS.iter().any(|words| text.contains(words));
    let is_said = refuses(&incident.rule_description.as_raw().to_lowercase());
    is_said || (!incident.evidence.is_empty() && lines(incident).all(|line| refuses(&line)))
}

/// Tells whether a line says that an account with the user id 0 was made: `new user: name=x, UID=0, ...`, `useradd -o -u 0 x`.
fn makes_root(line: &str) -> bool {
    ["uid=0", "-u 0", "--uid 0"].iter().any(|words| {
        line.match_indices(words).any(|(at, found)| {
            let after = line.get(at + found.len()..).and_then(|rest| rest.chars().next());
            let before = line.get(..at).and_then(|rest| rest.chars().next_back());
            // Not the user id 01 or 0x, and not `euid=0`, which is who made it.
            !after.is_some_and(|c| c.is_ascii_alphanumeric())
                && before.is_none_or(|c| c.is_whitespace() || c == ',' || c == '(')
        }) && (line.contains("new user") || line.contains("useradd") || line.contains("adduser"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_under_a_web_root_are_known_on_either_system() {
        for path in [
            "/var/www/html/uploads/x.php",
            "C:\\inetpub\\wwwroot\\shell.ASPX",
            "/opt/tomcat/webapps/ROOT/cmd.jsp",
            "/home/bob/public_html/a.cgi",
        ] {
            assert!(is_web_script(path), "{path}");
        }
        for path in
            ["/var/www/html/logo.png", "/etc/cron.daily/x.sh", "/var/www", "/var/www/a.php.txt"]
        {
            assert!(!is_web_script(path), "{path}");
        }
    }

    #[test]
    fn only_the_new_accounts_own_id_makes_it_root() {
        for line in [
            "useradd[4242]: new user: name=toor, uid=0, gid=0, home=/root, shell=/bin/bash",
            "command=/usr/sbin/useradd -o -u 0 toor",
        ] {
            assert!(makes_root(line), "{line}");
        }
        for line in [
            "useradd[4242]: new user: name=bob, uid=1001, gid=1001, home=/home/bob, shell=/bin/sh",
            "useradd[1]: new user: name=bob, uid=01, gid=0",
            "pam_unix(su:session): session opened for user root by (uid=0)",
            "auid=1000 euid=0 useradd bob",
        ] {
            assert!(!makes_root(line), "{line}");
        }
    }
}
