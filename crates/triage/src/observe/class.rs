//! The class of an alert: from the decoded request if it is one, else from what the rule says of itself.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use alert::incident::{Finding, Success};
use alert::mitre::{self, Tactic};
use alert::{Alert, Class};

use super::{WebRequest, entity, login, named, operation, traffic};
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
    let found =
        finding.filter(|finding| finding.strength >= STRENGTH_MIN).map(|finding| finding.class);
    // Where the request itself can be read, nobody need be taken at his word for it.
    let told = || {
        named::class(alert)
            .or_else(|| operation::root_login(alert).map(|(_, class)| class))
            .or_else(|| traffic::way_out(alert))
    };
    let told = || if web.is_none() { told() } else { None };
    let class = found
        .or_else(told)
        .or_else(|| by_groups(alert, web.is_some()))
        .or_else(|| by_sensor(alert, web?))
        .or_else(|| by_status(alert, web))
        .or_else(|| operation::class(alert))
        .or_else(|| by_words(alert, web))
        .or_else(|| by_category(alert))
        .or_else(|| by_technique(alert))
        .unwrap_or(Class::Other);
    if class == Class::FileIntegrity && is_ransom_note(alert) {
        return Class::Malware;
    }
    // With what program somebody guesses passwords says less than that he does.
    let says_less = matches!(
        class,
        Class::Scanner | Class::WebError | Class::ForcedBrowsing | Class::WebAttack | Class::Other
    );
    if !says_less || !web.is_some_and(|web| is_refused_login(web) || names_guessing(alert)) {
        return class;
    }
    // The status stood before the words, but where a rule or a sensor names an attack in them, that is more than a guess.
    by_words(alert, web)
        .or_else(|| by_category(alert))
        .filter(|class| *class != Class::NetworkScan)
        .unwrap_or(Class::BruteForce)
}

/// Tells whether a note was left that wants money for files. One that is gone was read.
fn is_ransom_note(alert: &Alert) -> bool {
    let is_there = !alert.rule.has_group("syscheck_entry_deleted");
    is_there && entity::watched(alert).is_some_and(|path| alert::detail::is_ransom_note(&path))
}

/// Tells whether a request tried to log in and was refused: so many of them are guesses, whatever else the same address does.
///
/// Only the path says so. Clients that negotiate how they log in (NTLM, Kerberos) are answered 401 at any path before they are let in.
fn is_refused_login(web: &WebRequest<'_>) -> bool {
    web.status == Some(401) && login::is_asked_for(web.target)
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
    ("malware", Class::Malware),
    ("ransomware", Class::Malware),
    ("exfiltration", Class::Exfiltration),
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

fn by_groups(alert: &Alert, is_web: bool) -> Option<Class> {
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
    GROUPS.iter().find(|(name, _)| has(name)).map(|(_, class)| match class {
        Class::SqlInjection if is_web => Class::WebAttack,
        class => *class,
    })
}

/// Says what the answer to a request makes of it, where nobody says more.
fn by_status(alert: &Alert, web: Option<&WebRequest<'_>>) -> Option<Class> {
    let has = |name: &str| alert.rule.has_group(name);
    let is_attack = has("attack") || has("attacks") || has("web_attack");
    if !(web.is_some() || has("web") || has("accesslog")) {
        return has("system_error").then_some(Class::SystemError);
    }
    match web.and_then(|web| web.status) {
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
    alert.rule.has_group("web_attack")
}

/// Words of a rule's description (signatures of network sensors, mostly) and the class they stand for, most telling first. Each stands where a
/// word begins: "secret scanning" is no scan by the threats of a list that is called ET, and a paused antimalware engine no malware.
const WORDS: &[(&str, Class)] = &[
    ("log4j", Class::Log4shell),
    ("log4shell", Class::Log4shell),
    ("nosql injection", Class::NosqlInjection),
    ("sql injection", Class::SqlInjection),
    ("mssql injection", Class::SqlInjection),
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
    ("xmrig", Class::Malware),
    ("engines detected", Class::Malware),
    ("potentially infected", Class::Malware),
    ("potentially unwanted software", Class::Malware),
    ("from quarantine", Class::Malware),
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
    ("windows service created", Class::Persistence),
    ("scheduled task created", Class::Persistence),
    ("role changed", Class::AccountChange),
    ("integrity checksum", Class::FileIntegrity),
];

/// Words that mean something only in the mouth of a network sensor: backups are scanned and resources exploited elsewhere too.
const SENSOR_WORDS: &[(&str, Class)] = &[("scan", Class::NetworkScan), ("exploit", Class::Exploit)];

/// Rule groups of what looks into traffic with signatures of its own, in lower case: it sees more of a request than a log has.
const SENSOR_GROUPS: &[&str] =
    &["ids", "suricata", "snort", "zeek", "recon", "modsecurity", "waf", "aws_waf"];

/// Most of a description that is read, in bytes: some rules write a whole request into it.
const DESCRIPTION_BYTES_MAX: usize = 1024;

static WORD_FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(WORDS.iter().map(|(word, _)| word)).ok());

pub(super) fn is_sensor(alert: &Alert) -> bool {
    let groups = &alert.rule.groups;
    groups.iter().any(|group| SENSOR_GROUPS.contains(&group.trim().to_ascii_lowercase().as_str()))
}

/// Takes the word of a sensor for what is in a request, before what the server answered.
fn by_sensor(alert: &Alert, web: &WebRequest<'_>) -> Option<Class> {
    if !is_sensor(alert) {
        return None;
    }
    match by_words(alert, Some(web)) {
        // What is scanned by asking for pages is the site.
        Some(Class::NetworkScan) => Some(Class::Scanner),
        Some(class) => Some(class),
        // That something leaks information is said of every page that was asked for out of order.
        None => by_category(alert).filter(|class| *class != Class::NetworkScan),
    }
}

fn by_words(alert: &Alert, web: Option<&WebRequest<'_>>) -> Option<Class> {
    let mut text =
        template::head(alert.rule.description.as_raw(), DESCRIPTION_BYTES_MAX).to_lowercase();
    // Some rules repeat the request, and what its author wrote is not what the rule says of it.
    if let Some(target) = web.map(|web| web.target.to_lowercase()).filter(|target| target.len() > 1)
    {
        text = text.replace(&target, " ");
    }
    let is_sensor = is_sensor(alert);
    // The first of the list that is anywhere in the text, not the first in the text.
    let first = |finder: &AhoCorasick| {
        finder
            .find_overlapping_iter(&text)
            .filter(|found| begins_word(&text, found.start()))
            .map(|found| found.pattern().as_usize())
            .min()
    };
    if let Some((_, class)) =
        WORD_FINDER.as_ref().and_then(first).and_then(|place| WORDS.get(place))
    {
        return Some(*class);
    }
    let sensor_words = if is_sensor { SENSOR_WORDS } else { &[] };
    let is_said = |word: &str| text.match_indices(word).any(|(at, _)| begins_word(&text, at));
    sensor_words.iter().find(|(word, _)| is_said(word)).map(|(_, class)| *class)
}

/// Tells whether a word begins at a place, rather than goes on.
fn begins_word(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    !before.is_some_and(char::is_alphanumeric)
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

/// Groups of rules that list what is wrong with a machine: a state that was found, not an event.
const STATE_GROUPS: &[&str] = &["vulnerability-detector", "sca", "oscap", "ciscat"];

/// Tells whether a group is one of rules that list what is wrong with a machine.
pub(crate) fn is_state_group(group: &str) -> bool {
    STATE_GROUPS.contains(&group.trim())
}

/// Tells whether an alert lists a flaw of what is installed or how it is set up.
pub(super) fn is_known_flaw(alert: &Alert) -> bool {
    alert.rule.groups.iter().any(|group| is_state_group(group))
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
    let is_let_in = || alert.rule.has_group("authentication_success");
    if class == Class::BruteForce {
        let worked = alert.rule.id == "40112"
            || is_let_in()
            || description().contains("followed by a success");
        return if worked { Success::Confirmed } else { Success::None };
    }
    // A statement in the place of a name or a password that is let in was run.
    if matches!(class, Class::SqlInjection | Class::NosqlInjection) && is_let_in() {
        return Success::Confirmed;
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
