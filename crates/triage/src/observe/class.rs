//! The class of an alert: from the decoded request if it is one, else from what the rule says of itself.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use alert::incident::{Finding, Success};
use alert::mitre::{self, Tactic};
use alert::{Alert, Class};

use super::{WebRequest, entity, operation};
use crate::classify::WebClass;
use crate::template;

/// How sure the classifier must be for its finding to name the class against what the rule says, 1 to 100.
const STRENGTH_MIN: u8 = 30;

/// Translates the classifier's words.
pub(super) fn of_web(class: WebClass) -> Class {
    match class {
        WebClass::SqlInjection => Class::SqlInjection,
        WebClass::Xss => Class::Xss,
        WebClass::CommandInjection => Class::CommandInjection,
        WebClass::PathTraversal => Class::PathTraversal,
        WebClass::FileInclusion => Class::FileInclusion,
        WebClass::Ssti => Class::Ssti,
        WebClass::Ssrf => Class::Ssrf,
        WebClass::Log4shell => Class::Log4shell,
        WebClass::CodeInjection => Class::CodeInjection,
        WebClass::OpenRedirect => Class::OpenRedirect,
        WebClass::Xxe => Class::Xxe,
        WebClass::NosqlInjection => Class::NosqlInjection,
        WebClass::Scanner => Class::Scanner,
        WebClass::Webshell => Class::Webshell,
    }
}

/// Decides the class.
pub(super) fn of(alert: &Alert, web: Option<&WebRequest<'_>>, finding: Option<&Finding>) -> Class {
    let status = web.and_then(|web| web.status);
    let found =
        finding.filter(|finding| finding.strength >= STRENGTH_MIN).map(|finding| finding.class);
    let class = found
        .or_else(|| by_groups(alert, web.is_some(), status))
        .or_else(|| operation::class(alert))
        .or_else(|| by_words(alert))
        .or_else(|| by_category(alert))
        .or_else(|| by_technique(alert))
        .unwrap_or(Class::Other);
    // With what program somebody guesses passwords says less than that he does.
    let says_less = matches!(
        class,
        Class::Scanner | Class::WebError | Class::ForcedBrowsing | Class::WebAttack | Class::Other
    );
    if !says_less || !web.is_some_and(|web| is_refused_login(web) || names_guessing(alert)) {
        return class;
    }
    // The status stood before the words, but where a rule or a sensor names an attack in them, that is more than a guess.
    by_words(alert)
        .or_else(|| by_category(alert))
        .filter(|class| *class != Class::NetworkScan)
        .unwrap_or(Class::BruteForce)
}

/// Words in the path of a page that lets people in, in lower case.
const LOGIN_PATHS: &[&str] =
    &["login", "logon", "signin", "sign-in", "sign_in", "auth", "session", "token"];

/// Tells whether a request tried to log in and was refused: so many of them are guesses, whatever else the same address does.
///
/// Only the path says so. Clients that negotiate how they log in (NTLM, Kerberos) are answered 401 at any path before they are let in.
fn is_refused_login(web: &WebRequest<'_>) -> bool {
    let path = web.target.split(['?', '#']).next().unwrap_or_default().to_lowercase();
    web.status == Some(401) && LOGIN_PATHS.iter().any(|word| path.contains(word))
}

/// Groups of rules that count tries to log in.
const GUESSING_GROUPS: &[&str] = &["brute_force", "authentication_failures"];

/// Tells whether the rule itself says that somebody guesses passwords. It counted requests, and the alert shows only the last of them.
pub(super) fn names_guessing(alert: &Alert) -> bool {
    alert.rule.groups.iter().any(|group| GUESSING_GROUPS.contains(&group.trim()))
}

/// Tells whether a check of the system itself found a program of an attacker, and not just a setting that it dislikes.
fn names_malware(alert: &Alert) -> bool {
    let said = [alert.field("data.title").unwrap_or_default(), alert.full_log.as_raw()];
    said.iter().any(|text| {
        let text = template::head(text, NAMED_BYTES_MAX).to_lowercase();
        ["trojan", "rootkit", "hidden process", "hidden from"]
            .iter()
            .any(|word| text.contains(word))
    })
}

/// How much of such a report is read: it begins with what was found.
const NAMED_BYTES_MAX: usize = 1024;

/// Rule groups and the class they stand for, most telling first: the first one that a rule carries decides.
const GROUPS: &[(&str, Class)] = &[
    ("elevation_of_privilege", Class::PrivilegeEscalation),
    ("exploit_attempt", Class::Exploit),
    ("log_clearing", Class::DefenseEvasion),
    ("log_clearing_auditlog", Class::DefenseEvasion),
    ("adduser", Class::AccountChange),
    ("account_changed", Class::AccountChange),
    ("group_changed", Class::AccountChange),
    ("win_group_changed", Class::AccountChange),
    ("user_deleted", Class::AccountChange),
    // Words of Quell's own rules, which name the class.
    ("brute_force", Class::BruteForce),
    ("scanner", Class::Scanner),
    ("forced_browsing", Class::ForcedBrowsing),
    ("web_scan", Class::ForcedBrowsing),
    ("web_scanning", Class::ForcedBrowsing),
    ("sqlinjection", Class::SqlInjection),
    ("syscheck", Class::FileIntegrity),
    ("syscheck_file", Class::FileIntegrity),
    ("rootcheck", Class::PolicyViolation),
    ("virus", Class::Malware),
    // Listening to traffic is not scanning: somebody runs a program for it on this very machine.
    ("promisc", Class::CommandExecution),
    ("authentication_failures", Class::BruteForce),
    ("authentication_failed", Class::BruteForce),
    ("invalid_login", Class::BruteForce),
    ("win_authentication_failed", Class::BruteForce),
    ("login_denied", Class::BruteForce),
    ("authentication_success", Class::Login),
    ("login_day", Class::Login),
    ("login_time", Class::Login),
    ("sudo", Class::PrivilegeEscalation),
    ("su", Class::PrivilegeEscalation),
    ("access_denied", Class::PolicyViolation),
    ("sca", Class::PolicyViolation),
    ("oscap", Class::PolicyViolation),
    ("ciscat", Class::PolicyViolation),
    ("vulnerability-detector", Class::PolicyViolation),
    ("policy_violation", Class::PolicyViolation),
    ("policy_changed", Class::PolicyViolation),
    ("low_diskspace", Class::SystemError),
    ("service_availability", Class::SystemError),
    ("system_shutdown", Class::SystemError),
    ("service_control", Class::SystemError),
    ("audit_command", Class::CommandExecution),
    ("recon", Class::NetworkScan),
];

fn by_groups(alert: &Alert, is_web: bool, status: Option<u16>) -> Option<Class> {
    let groups: Vec<&str> = alert.rule.groups.iter().map(|group| group.trim()).collect();
    let has = |name: &str| groups.contains(&name);
    // Rules may carry the class itself as a group.
    if let Some(class) =
        groups.iter().find_map(|group| Class::parse(group).filter(|class| class.is_web_exploit()))
    {
        // A stock rule's word is not enough where the request can be read and shows nothing of the kind.
        return Some(if is_web && !is_own_rule(alert) { Class::WebAttack } else { class });
    }
    if has("rootcheck") && names_malware(alert) {
        return Some(Class::Malware);
    }
    if let Some((_, class)) = GROUPS.iter().find(|(name, _)| has(name)) {
        return Some(if is_web && *class == Class::SqlInjection {
            Class::WebAttack
        } else {
            *class
        });
    }
    let is_attack = has("attack") || has("attacks") || has("web_attack");
    if !(is_web || has("web") || has("accesslog")) {
        return has("system_error").then_some(Class::SystemError);
    }
    match status {
        // A refused or missing page is an error of the web, whatever group the rule carries; a flood of them is a scan.
        Some(400..=499) if alert.rule.level <= 5 => Some(Class::WebError),
        Some(404 | 410) if is_attack => Some(Class::ForcedBrowsing),
        Some(500..=599) if alert.rule.level <= 5 => Some(Class::WebError),
        _ if is_attack => Some(Class::WebAttack),
        Some(400..=599) => Some(Class::WebError),
        _ => None,
    }
}

/// Tells whether one of Quell's rules for attacks in requests fired: they look for the same signs as the classification.
fn is_own_rule(alert: &Alert) -> bool {
    alert.rule.groups.iter().any(|group| group.trim() == "web_attack")
}

/// Words of a rule's description (signatures of network sensors, mostly) and the class they stand for, most telling first.
const WORDS: &[(&str, Class)] = &[
    ("log4j", Class::Log4shell),
    ("log4shell", Class::Log4shell),
    ("sql injection", Class::SqlInjection),
    ("cross site scripting", Class::Xss),
    ("xss", Class::Xss),
    ("shellshock", Class::CommandInjection),
    ("command injection", Class::CommandInjection),
    ("remote code execution", Class::Exploit),
    ("directory traversal", Class::PathTraversal),
    ("webshell", Class::Webshell),
    ("web shell", Class::Webshell),
    ("reverse shell", Class::CommandExecution),
    ("privilege escalation", Class::PrivilegeEscalation),
    ("brute force", Class::BruteForce),
    ("authentication failures", Class::BruteForce),
    ("ransom", Class::Malware),
    ("trojan", Class::Malware),
    ("malware", Class::Malware),
    ("malicious", Class::Malware),
    ("rootkit", Class::Malware),
    ("coinminer", Class::Malware),
    ("engines detected", Class::Malware),
    ("potentially infected", Class::Malware),
    ("ioc hit", Class::Malware),
    ("command and control", Class::Malware),
    ("exfiltrat", Class::Exfiltration),
    ("dns tunnel", Class::Exfiltration),
    ("denial of service", Class::DenialOfService),
    ("syn flood", Class::DenialOfService),
    ("port scan", Class::NetworkScan),
    ("portscan", Class::NetworkScan),
    ("nmap", Class::NetworkScan),
    ("et scan", Class::NetworkScan),
    ("log file cleared", Class::DefenseEvasion),
    ("audit log was cleared", Class::DefenseEvasion),
    ("integrity checksum", Class::FileIntegrity),
];

/// Words that mean something only in the mouth of a network sensor: backups are scanned and resources exploited elsewhere too.
const SENSOR_WORDS: &[(&str, Class)] = &[("scan", Class::NetworkScan), ("exploit", Class::Exploit)];

static WORD_FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(WORDS.iter().map(|(word, _)| word)).ok());

fn by_words(alert: &Alert) -> Option<Class> {
    let text = alert.rule.description.as_raw().to_lowercase();
    // The first of the list that is anywhere in the text, not the first in the text.
    let first = |finder: &AhoCorasick| {
        finder.find_overlapping_iter(&text).map(|found| found.pattern().as_usize()).min()
    };
    if let Some((_, class)) =
        WORD_FINDER.as_ref().and_then(first).and_then(|place| WORDS.get(place))
    {
        return Some(*class);
    }
    let is_sensor = alert
        .rule
        .groups
        .iter()
        .any(|group| matches!(group.as_str(), "ids" | "suricata" | "snort" | "zeek" | "recon"));
    let sensor_words = if is_sensor { SENSOR_WORDS } else { &[] };
    sensor_words.iter().find(|(word, _)| text.contains(word)).map(|(_, class)| *class)
}

/// What network sensors file their signatures under, in words that these categories have in common, and the class that they stand for. What
/// is only odd traffic (a protocol that was not obeyed, a policy) has none.
const CATEGORIES: &[(&str, Class)] = &[
    ("trojan", Class::Malware),
    ("malware", Class::Malware),
    ("command and control", Class::Malware),
    ("coin mining", Class::Malware),
    ("currency mining", Class::Malware),
    ("exploit kit", Class::Exploit),
    ("privilege gain", Class::Exploit),
    ("web application attack", Class::Exploit),
    ("executable code was detected", Class::Exploit),
    ("denial of service", Class::DenialOfService),
    ("credential theft", Class::BruteForce),
    ("network scan", Class::NetworkScan),
    ("information leak", Class::NetworkScan),
];

/// Takes a network sensor's own word for what its signature finds.
fn by_category(alert: &Alert) -> Option<Class> {
    let category = alert.first_field(&["data.alert.category", "data.classification"])?;
    let category = category.to_lowercase();
    CATEGORIES.iter().find(|(word, _)| category.contains(word)).map(|(_, class)| *class)
}

fn by_technique(alert: &Alert) -> Option<Class> {
    let technique = alert.rule.techniques.iter().find_map(|id| mitre::technique(id))?;
    if technique.id.starts_with("T1110") {
        return Some(Class::BruteForce);
    }
    // Of several tactics the one that says most about what happened: nearly everything is also a way to evade or to escalate.
    let telling = |tactic: &Tactic| match tactic {
        Tactic::Impact | Tactic::Exfiltration | Tactic::CommandAndControl => 4,
        Tactic::Persistence | Tactic::CredentialAccess => 3,
        Tactic::DefenseEvasion | Tactic::LateralMovement => 1,
        _ => 2,
    };
    Some(match technique.tactics.iter().max_by_key(|tactic| telling(tactic))? {
        Tactic::Reconnaissance | Tactic::ResourceDevelopment => Class::NetworkScan,
        Tactic::InitialAccess => Class::Exploit,
        Tactic::Execution | Tactic::Discovery => Class::CommandExecution,
        Tactic::Persistence => Class::Persistence,
        Tactic::PrivilegeEscalation => Class::PrivilegeEscalation,
        Tactic::DefenseEvasion => Class::DefenseEvasion,
        // Guessing was above: what is left takes passwords from where they are kept.
        Tactic::CredentialAccess => Class::PrivilegeEscalation,
        Tactic::LateralMovement => Class::Login,
        Tactic::Collection | Tactic::Exfiltration => Class::Exfiltration,
        Tactic::CommandAndControl => Class::Malware,
        Tactic::Impact => Class::DenialOfService,
    })
}

/// Tells whether an alert lists a flaw of what is installed: a state that was found, not an event.
pub(super) fn is_known_flaw(alert: &Alert) -> bool {
    alert.rule.groups.iter().any(|group| group.trim() == "vulnerability-detector")
}

/// Says what keeps two behaviours of one class apart. For attacks in requests, guessing and scanning, the class is the behaviour:
/// many rules fire on one of them. For the rest the rule is.
///
/// What stands out within a rule must not be lost among the harmless things that the same rule reports: a telling command or operation, a
/// file that lets people in. Each sort of it is a behaviour of its own.
pub(super) fn behaviour(class: Class, alert: &Alert, told: Option<&Finding>) -> String {
    if is_told_by_class(class) {
        return String::new();
    }
    let rule = &alert.rule.id;
    if let Some(told) = told {
        return format!("{rule}\n{}", told.reason);
    }
    let changed = (class == Class::FileIntegrity)
        .then(|| entity::watched(alert).or_else(|| alert.field("data.file").map(Cow::Borrowed)))
        .flatten()
        .and_then(|path| alert::detail::of_changed_file(&path));
    match changed {
        Some(kind) => format!("{rule}\n{kind}"),
        None => rule.clone(),
    }
}

/// Tells whether the class alone is the behaviour.
pub(crate) const fn is_told_by_class(class: Class) -> bool {
    class.is_web_exploit()
        || matches!(
            class,
            Class::Scanner
                | Class::ForcedBrowsing
                | Class::WebError
                | Class::WebAttack
                | Class::BruteForce
        )
}

/// Says what the alert tells about success.
pub(super) fn success(
    class: Class,
    alert: &Alert,
    status: Option<u16>,
    finding: Option<&Finding>,
) -> Success {
    let description = || alert.rule.description.as_raw().to_lowercase();
    if class == Class::BruteForce {
        let groups = &alert.rule.groups;
        let worked = alert.rule.id == "40112"
            || groups.iter().any(|group| group == "authentication_success")
            || description().contains("followed by a success");
        return if worked { Success::Confirmed } else { Success::None };
    }
    if !class.is_web_exploit() || (finding.is_none() && !is_own_rule(alert)) {
        return Success::None;
    }
    match status {
        // A redirect to a foreign site is the success of an open redirect; for the rest it says nothing.
        Some(300..=399) if class == Class::OpenRedirect => Success::Answered,
        Some(200..=299) => Success::Answered,
        Some(500..=599) => Success::Reaction,
        _ => Success::None,
    }
}
