//! What another product says that it saw: the name of a signature, of a rule of a web application's firewall, of a finding in a cloud.
//!
//! Wazuh reports all of them by one rule at one level, and the groups of that rule say only whose they are. The name says what it was, and is
//! taken at its word, unless the product stopped it as it stops thousands a day: what a firewall dropped is not told apart. A firewall of a
//! web application is an exception, since it refuses a request as a server does, and the request is still worth knowing.

use std::borrow::Cow;

use alert::{Alert, Class};

use super::traffic;
use crate::template;

/// Where products put the name of what they saw.
const NAMES_AT: &[&str] = &[
    "data.attack",
    "data.attack.name",
    "data.threat_id",
    "data.threat_name",
    "data.WAFRuleMessage",
    "data.aws.title",
    "data.ms-graph.title",
    "data.virus",
];

/// Where they say what they did about it.
const ACTIONS_AT: &[&str] = &["data.action", "data.aws.action", "data.WAFAction"];

/// Beginnings of words for "it did not get through", in lower case.
const STOPPED: &[&str] =
    &["drop", "block", "den", "reset", "reject", "quarantin", "clear", "clean"];

/// Longest name that is read, in bytes.
const NAME_BYTES_MAX: usize = 300;

/// Longest line of a web application's firewall that is searched for its message, in bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Words of names and the class they stand for, most telling first; in lower case, with blanks for what else stands between words.
const WORDS: &[(&str, Class)] = &[
    ("log4j", Class::Log4shell),
    ("log4shell", Class::Log4shell),
    ("sql injection", Class::SqlInjection),
    ("libinjection sqli", Class::SqlInjection),
    ("nosql injection", Class::NosqlInjection),
    ("cross site scripting", Class::Xss),
    ("xss", Class::Xss),
    ("shellshock", Class::CommandInjection),
    ("command injection", Class::CommandInjection),
    ("command execution", Class::CommandInjection),
    ("php injection", Class::CodeInjection),
    ("code injection", Class::CodeInjection),
    ("template injection", Class::Ssti),
    ("server side request forgery", Class::Ssrf),
    ("path traversal", Class::PathTraversal),
    ("directory traversal", Class::PathTraversal),
    ("file inclusion", Class::FileInclusion),
    ("web shell", Class::Webshell),
    ("webshell", Class::Webshell),
    ("cobalt strike", Class::Malware),
    ("command and control", Class::Malware),
    ("beacon", Class::Malware),
    ("botnet", Class::Malware),
    ("backdoor", Class::Malware),
    ("trojan", Class::Malware),
    ("ransom", Class::Malware),
    ("spyware", Class::Malware),
    ("malware", Class::Malware),
    ("cryptocurrency", Class::Malware),
    ("coinminer", Class::Malware),
    ("exfiltrat", Class::Exfiltration),
    ("brute force", Class::BruteForce),
    ("code execution", Class::Exploit),
    ("script injection", Class::Exploit),
    ("buffer overflow", Class::Exploit),
    ("authentication bypass", Class::Exploit),
    ("exploit", Class::Exploit),
    ("security scanner", Class::Scanner),
    ("port scan", Class::NetworkScan),
    ("denial of service", Class::DenialOfService),
];

/// Takes the word of another product for the class of what it saw.
pub(super) fn class(alert: &Alert) -> Option<Class> {
    let (name, is_stopped) = match message(alert) {
        Some(message) => (Cow::Borrowed(message), false),
        // What is stopped on its way out is inside already.
        None => {
            let is_stopped = is_stopped(alert) && !traffic::is_stopped_way_out(alert);
            (Cow::Borrowed(alert.first_field(NAMES_AT)?), is_stopped)
        }
    };
    if is_stopped {
        return None;
    }
    let name = worded(&name);
    WORDS.iter().find(|(word, _)| name.contains(word)).map(|(_, class)| *class)
}

/// Takes the message out of a line of ModSecurity: `[msg "SQL Injection Attack"]`.
fn message(alert: &Alert) -> Option<&str> {
    if !alert.rule.has_group("modsecurity") {
        return None;
    }
    let line = template::head(alert.full_log.as_raw(), LINE_BYTES_MAX);
    // The client chooses other parts of the line (the path), but none of them before the rule's own.
    let (_, rest) = line.split_once("[msg \"")?;
    rest.split('"').next()
}

/// Tells whether the product says that it let nothing through.
pub(super) fn is_stopped(alert: &Alert) -> bool {
    alert.first_field(ACTIONS_AT).is_some_and(|action| {
        let action = action.trim().to_ascii_lowercase();
        STOPPED.iter().any(|word| action.starts_with(word))
    })
}

/// Writes a name in lower case with one blank between words, whatever its author put there: `Apache.Log4j_Error`.
fn worded(name: &str) -> String {
    let lower = template::head(name, NAME_BYTES_MAX).to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use alert::{Alert, Class, Limits};
    use serde_json::{Value, json};

    use crate::observe::observe;

    fn class(groups: &[&str], line: &str, data: Value) -> Class {
        let alert = json!({
            "rule": {"id": "1", "level": 6, "description": "a message of a product", "groups": groups},
            "agent": {"id": "1", "name": "fw"}, "full_log": line, "data": data,
        });
        observe(&Alert::parse(alert.to_string().as_bytes(), &Limits::default()).expect("an alert"))
            .class
    }

    #[test]
    fn a_product_is_taken_at_its_word_for_what_it_did_not_stop() {
        let seen = |name: &str, action: &str| {
            class(
                &["fortigate"],
                "",
                json!({"srcip": "192.0.2.1", "attack": name, "action": action}),
            )
        };
        assert_eq!(
            seen("Apache.Log4j.Error.Log.Remote.Code.Execution", "detected"),
            Class::Log4shell
        );
        assert_eq!(seen("HTTP.URI.SQL.Injection", "detected"), Class::SqlInjection);
        assert_eq!(seen("Vendor.Tool.Remote.Code.Execution", "pass_session"), Class::Exploit);
        assert_eq!(seen("HTTP.URI.SQL.Injection", "dropped"), Class::Other);
        assert_eq!(seen("Odd.Header", "detected"), Class::Other);
        let threat = |name: &str| {
            class(
                &["paloalto"],
                "",
                json!({"source_address": "10.0.0.9", "threat_id": name, "action": "alert"}),
            )
        };
        assert_eq!(threat("A Beacon Command and Control Traffic(12)"), Class::Malware);
        assert_eq!(
            threat("A Gateway OS Command Injection Vulnerability(1)"),
            Class::CommandInjection
        );
    }

    #[test]
    fn a_firewall_of_a_web_application_names_the_attack_that_it_refused() {
        let seen = |message: &str, uri: &str| {
            let line = format!(
                "[client 192.0.2.1] ModSecurity: Access denied with code 403 (phase 2). [id \"1\"] [msg \"{message}\"] [uri \"{uri}\"]"
            );
            class(&["apache", "access_denied", "modsecurity"], &line, json!({"srcip": "192.0.2.1"}))
        };
        assert_eq!(seen("SQL Injection Attack Detected", "/a"), Class::SqlInjection);
        assert_eq!(
            seen("Remote Command Execution: Unix Shell Code", "/a"),
            Class::CommandInjection
        );
        assert_eq!(
            seen("Host header is a numeric address", "/sql injection"),
            Class::PolicyViolation
        );
    }
}
