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
    /// A file changed that says who may log in, with which rights, or what every program loads.
    LoginFile,
    /// A file changed that says what runs by itself: at the start, at a login, at a time.
    StartFile,
    /// A command ran that hardly anybody but an attacker runs.
    TellingCommand,
    /// Something was done in a service over the network that matters whoever did it: records switched off, an account made.
    TellingOperation,
    /// A firewall kept a machine inside from reaching somebody outside.
    StoppedWayOut,
    /// A network sensor itself takes it for serious, or its signature is of what malicious software says to whoever controls it.
    SensorAlarm,
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

/// Files that say who may log in and with which rights, and what every program loads, as ends of paths in lower case and with slashes; and
/// what they decide. One command that makes an account changes four of the first.
const LOGIN_FILES: &[(&str, &str)] = &[
    ("/etc/passwd", "accounts"),
    ("/etc/shadow", "accounts"),
    ("/etc/group", "accounts"),
    ("/etc/gshadow", "accounts"),
    ("/config/sam", "accounts"),
    ("/ntds/ntds.dit", "accounts"),
    ("/etc/sudoers", "rights"),
    ("/etc/doas.conf", "rights"),
    ("/.ssh/authorized_keys", "keys"),
    ("/.ssh/authorized_keys2", "keys"),
    ("/etc/ssh/sshd_config", "doors"),
    ("/etc/ld.so.preload", "preload"),
];

/// Folders of such files.
const LOGIN_FOLDERS: &[(&str, &str)] = &[
    ("/etc/sudoers.d/", "rights"),
    ("/etc/pam.d/", "doors"),
    ("/etc/ssh/sshd_config.d/", "doors"),
];

/// Files that say what runs by itself.
const START_FILES: &[&str] = &[
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/rc.local",
    "/etc/profile",
    "/etc/bash.bashrc",
    "/.bashrc",
    "/.bash_profile",
    "/.profile",
    "/.zshrc",
    "/winlogon/userinit",
];

/// Folders of such files, and keys of the Windows registry.
const START_FOLDERS: &[&str] = &[
    "/etc/cron.",
    "/var/spool/cron/",
    "/etc/init.d/",
    "/etc/profile.d/",
    "/etc/systemd/system/",
    "/.config/systemd/user/",
    "/.config/autostart/",
    "/library/launchdaemons/",
    "/library/launchagents/",
    "/start menu/programs/startup/",
    "/windows/system32/tasks/",
    "/currentversion/run/",
    "/currentversion/runonce/",
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
            Class::PrivilegeEscalation if was_refused(incident) => Some(Self::RefusedPrivileges),
            Class::AccountChange if lines(incident).any(|line| makes_root(&line)) => {
                Some(Self::NewRoot)
            }
            // What was found decides, not the class: rules of many classes report commands.
            class if !class.is_web_exploit() && finds(incident, Class::CommandExecution) => {
                Some(Self::TellingCommand)
            }
            Class::DefenseEvasion
            | Class::AccountChange
            | Class::Persistence
            | Class::PrivilegeEscalation
                if finds(incident, incident.class) =>
            {
                Some(Self::TellingOperation)
            }
            Class::Malware if finds(incident, Class::PolicyViolation) => Some(Self::StoppedWayOut),
            Class::Malware | Class::Exploit if finds(incident, incident.class) => {
                Some(Self::SensorAlarm)
            }
            Class::PolicyViolation
                if incident.groups.names().any(|name| name.contains("firewall")) =>
            {
                Some(Self::StoppedWayOut)
            }
            Class::AccountChange => makes_account(incident).then_some(Self::NewAccount),
            Class::PolicyViolation => has("vulnerability-detector").then_some(Self::KnownFlaw),
            Class::CommandExecution => has("promisc").then_some(Self::TrafficCapture),
            Class::FileIntegrity => {
                let is_gone = has("syscheck_entry_deleted")
                    && !has("syscheck_entry_added")
                    && !has("syscheck_entry_modified");
                let first =
                    incident.objects.names().filter_map(of_file).max_by_key(|(rank, ..)| *rank);
                // A file that is gone lets nobody in, and starts and serves nothing.
                first.map(|(_, detail, _)| detail).filter(|_| !is_gone)
            }
            _ => None,
        }
    }
}

/// Says in a word what a changed file decides, if it decides anything: changes of what decides another thing are another thing.
pub fn of_changed_file(path: &str) -> Option<&'static str> {
    of_file(path).map(|(_, _, word)| word)
}

/// Says what is particular about a change of a file, with how telling it is among others, and what the file decides.
fn of_file(path: &str) -> Option<(u8, Detail, &'static str)> {
    let plain = path.to_lowercase().replace('\\', "/");
    let ends = |names: &[&str]| names.iter().any(|name| plain.ends_with(name));
    let lies = |folders: &[&str]| folders.iter().any(|folder| plain.contains(folder));
    if is_web_script(path) {
        return Some((3, Detail::WebScript, "web script"));
    }
    let login = LOGIN_FILES
        .iter()
        .find(|(name, _)| plain.ends_with(name))
        .or_else(|| LOGIN_FOLDERS.iter().find(|(folder, _)| plain.contains(folder)));
    if let Some((_, word)) = login {
        return Some((2, Detail::LoginFile, word));
    }
    let starts = ends(START_FILES) || lies(START_FOLDERS);
    starts.then_some((1, Detail::StartFile, "start"))
}

/// Endings of what people read, whom somebody has something to tell.
const NOTE_ENDINGS: &[&str] = &[".txt", ".html", ".htm", ".hta", ".rtf", ".url"];

/// Words of which a note has one that wants money for files.
const NOTE_DEEDS: &[&str] = &["decrypt", "ransom", "recover", "restore", "unlock", "unencrypt"];

/// Words of which it has one more, unless the first says all.
const NOTE_THINGS: &[&str] = &["file", "data", "how", "read", "instruction", "help", "your"];

/// Tells whether a file is named as those are named that ransomware leaves behind: `HOW_TO_RECOVER_FILES.txt`.
pub fn is_ransom_note(path: &str) -> bool {
    let path = path.to_lowercase().replace('\\', "/");
    let name = path.rsplit('/').next().unwrap_or_default();
    // Programs and their manuals are about files that are restored too, but they don't shout.
    let shouts = |name: &str| name.contains('_') || name.contains('!') || name.contains(' ');
    NOTE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        && (name.contains("ransom")
            || (shouts(name)
                && NOTE_DEEDS.iter().any(|word| name.contains(word))
                && NOTE_THINGS.iter().any(|word| name.contains(word))))
}

/// Tells whether a path is that of a program which a web server would run.
pub fn is_web_script(path: &str) -> bool {
    let path = path.to_lowercase().replace('\\', "/");
    WEB_ROOTS.iter().any(|root| path.contains(root))
        && SCRIPT_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Tells whether what was found is of a class. Nothing that is found in requests is a command or an operation.
fn finds(incident: &Incident, class: Class) -> bool {
    incident.finding().is_some_and(|(_, found)| found.class == class)
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

/// Where what somebody wrote himself begins in a line of sudo, in lower case: the folder he was in and the command. Both may hold any words.
const WRITTEN_BY_USER: &[&str] = &["pwd=", "command="];

/// Every line must say so: one use that was granted among refusals is a use.
fn was_refused(incident: &Incident) -> bool {
    let refuses = |text: &str| REFUSALS.iter().any(|words| text.contains(words));
    let is_said = refuses(&incident.rule_description.as_raw().to_lowercase());
    is_said
        || (!incident.evidence.is_empty()
            && lines(incident).all(|line| refuses(before_written(&line))))
}

/// Gives what the program itself says in a line, before what its user wrote.
fn before_written(line: &str) -> &str {
    let end = WRITTEN_BY_USER.iter().filter_map(|mark| line.find(mark)).min();
    line.get(..end.unwrap_or(line.len())).unwrap_or(line)
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
    fn files_that_let_in_or_start_are_told_from_the_rest() {
        for (path, detail) in [
            ("/etc/passwd", Some(Detail::LoginFile)),
            ("/srv/git/.ssh/authorized_keys", Some(Detail::LoginFile)),
            ("/etc/sudoers.d/90-x", Some(Detail::LoginFile)),
            ("/etc/cron.d/sync", Some(Detail::StartFile)),
            ("/home/bob/.bashrc", Some(Detail::StartFile)),
            (
                "C:\\Users\\Bob\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\a.lnk",
                Some(Detail::StartFile),
            ),
            ("/var/www/html/x.php", Some(Detail::WebScript)),
            ("/usr/share/doc/etc/passwd.txt", None),
            ("/usr/lib/systemd/system/ssh.service", None),
            ("/etc/passwd-", None),
        ] {
            assert_eq!(of_file(path).map(|(_, detail, _)| detail), detail, "{path}");
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
