//! Labels of the corpus and groups of rules: what counts as an attack rule, and when it names the right class.
//!
//! An alert *finds* an attack when its rule is an attack rule: level 3 or more, and in its groups `web_attack`, `attack` or one of
//! the classes below. A rule that fires at every answer of 4xx or 5xx is none, whatever its groups say: it knows nothing of the
//! request (stock 31101 has the group `attack`). An alert *names* the attack when a group of its rule is one of those that the
//! label stands for. Stock rules for XSS and the like have only `attack`, so their classes are given by id.

/// The lowest level that makes an alert in Wazuh's shipped configuration.
pub(crate) const ALERT_LEVEL_MIN: u8 = 3;

/// Groups that make a rule an attack rule: the general ones, and each class that Quell's rules have, with the stock spellings.
const ATTACK_GROUPS: [&str; 19] = [
    "web_attack",
    "attack",
    "sql_injection",
    "sqlinjection",
    "xss",
    "command_injection",
    "path_traversal",
    "file_inclusion",
    "ssti",
    "ssrf",
    "log4shell",
    "code_injection",
    "open_redirect",
    "xxe",
    "nosql_injection",
    "scanner",
    "forced_browsing",
    "brute_force",
    "webshell",
];

/// Stock rules that fire at the status of the answer alone.
const ERROR_ANSWERS: [u32; 5] = [31_101, 31_120, 31_121, 31_122, 31_123];

/// Stock rules whose class only their description tells.
const STOCK_CLASSES: [(u32, &str); 7] = [
    (31_105, "xss"),
    (31_109, "sql_injection"),
    (31_110, "code_injection"),
    (31_166, "command_injection"),
    (31_167, "command_injection"),
    (31_168, "command_injection"),
    (31_169, "command_injection"),
];

/// For each label of the corpus, the groups that name it. Neighbours count where the same request is an attack of both kinds: an
/// included URL is fetched (`rfi`, `ssrf`), a template that runs `id` is code (`ssti`).
const LABELS: [(&str, &[&str]); 24] = [
    ("codeinj", &["code_injection", "command_injection"]),
    ("crlf", &["crlf_injection", "code_injection", "xss"]),
    ("java", &["code_injection", "command_injection"]),
    ("ldap", &["ldap_injection", "code_injection"]),
    ("lfi", &["path_traversal", "file_inclusion"]),
    ("log4j", &["log4shell"]),
    ("mail", &["mail_injection", "crlf_injection", "code_injection"]),
    ("nosqli", &["nosql_injection"]),
    ("php", &["code_injection", "command_injection", "file_inclusion", "webshell"]),
    ("proto", &["code_injection", "command_injection"]),
    ("rce", &["command_injection", "code_injection", "ssti", "webshell"]),
    ("redirect", &["open_redirect", "xss", "ssrf"]),
    ("restricted-file", &["forced_browsing", "path_traversal", "file_inclusion"]),
    ("rfi", &["file_inclusion", "path_traversal", "ssrf"]),
    ("scanner", &["scanner"]),
    ("shellshock", &["command_injection", "code_injection", "ssti", "webshell"]),
    ("sqli", &["sql_injection", "sqlinjection"]),
    ("ssi", &["code_injection", "command_injection"]),
    ("ssrf", &["ssrf", "file_inclusion"]),
    ("ssti", &["ssti", "code_injection"]),
    ("webshell", &["webshell", "command_injection", "code_injection"]),
    ("xpath", &["xpath_injection", "code_injection", "sql_injection"]),
    ("xss", &["xss"]),
    ("xxe", &["xxe"]),
];

/// A rule as far as scoring goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleKind {
    pub(crate) id: u32,
    pub(crate) level: u8,
    pub(crate) description: String,
    groups: Vec<String>,
}

impl RuleKind {
    pub(crate) fn new(id: u32, level: u8, groups: &str, description: &str) -> RuleKind {
        let groups = groups.split(',').map(|group| group.trim().to_owned());
        let mut groups: Vec<String> = groups.filter(|group| !group.is_empty()).collect();
        let known = STOCK_CLASSES.iter().find(|(stock, _)| *stock == id);
        groups.extend(known.map(|(_, class)| (*class).to_owned()));
        RuleKind { id, level, description: description.to_owned(), groups }
    }

    /// Says whether an alert by this rule says that there was an attack.
    pub(crate) fn is_attack(&self) -> bool {
        self.level >= ALERT_LEVEL_MIN
            && !ERROR_ANSWERS.contains(&self.id)
            && self.groups.iter().any(|group| ATTACK_GROUPS.contains(&group.as_str()))
    }

    /// Says whether the rule has a group that the label stands for. A label that nobody mapped stands for itself.
    pub(crate) fn names(&self, label: &str) -> bool {
        let mapped = LABELS.iter().find(|(known, _)| *known == label);
        match mapped {
            Some((_, names)) => self.groups.iter().any(|group| names.contains(&group.as_str())),
            None => self.groups.iter().any(|group| group == label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_rule_has_a_level_and_a_group_of_attacks() {
        let is_attack = |id, level, groups| RuleKind::new(id, level, groups, "").is_attack();
        assert!(is_attack(100_200, 10, "web,web_attack,"));
        assert!(is_attack(100_200, 3, "web, sql_injection"));
        assert!(!is_attack(100_200, 2, "web,web_attack,"));
        assert!(!is_attack(100_200, 10, "web,accesslog,"));
    }

    #[test]
    fn an_error_answer_alone_finds_nothing() {
        assert!(!RuleKind::new(31_101, 5, "web,attack,", "").is_attack());
        assert!(RuleKind::new(31_104, 6, "web,attack,", "").is_attack());
    }

    #[test]
    fn a_rule_names_the_labels_of_its_groups() {
        let rule = RuleKind::new(100_300, 10, "web_attack,file_inclusion,", "");
        assert!(rule.names("rfi") && rule.names("ssrf") && !rule.names("sqli"));
        assert!(RuleKind::new(31_105, 6, "attack,", "").names("xss"));
        assert!(!RuleKind::new(31_104, 6, "attack,", "").names("xss"));
        assert!(RuleKind::new(1, 6, "smuggling,", "").names("smuggling"));
    }
}
