//! The vocabulary of judgement: what kind of thing an incident is, and how it likely ended.
//!
//! One list for folding, floors, prompts, the schema a model must obey, the screen and Wazuh. The words are the groups of
//! Quell's own rules where those have one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have one fixed word each, used in JSON, on screen and in the schema.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Gives the word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What kind of thing an incident is.
    Class {
        /// Database statements smuggled into a parameter.
        SqlInjection = "sql_injection",
        /// Script smuggled into a page.
        Xss = "xss",
        /// Shell commands smuggled into a parameter.
        CommandInjection = "command_injection",
        /// Reading files outside the served tree.
        PathTraversal = "path_traversal",
        /// Making the application include a file or stream wrapper.
        FileInclusion = "file_inclusion",
        /// Template expressions evaluated by the server.
        Ssti = "ssti",
        /// Making the server fetch an address for the attacker.
        Ssrf = "ssrf",
        /// JNDI lookups in logged text.
        Log4shell = "log4shell",
        /// Code in the application's own language.
        CodeInjection = "code_injection",
        /// A redirect to a foreign site.
        OpenRedirect = "open_redirect",
        /// External entities in XML.
        Xxe = "xxe",
        /// Query operators smuggled into a document database.
        NosqlInjection = "nosql_injection",
        /// A web shell is used or was dropped.
        Webshell = "webshell",
        /// A tool that probes for weaknesses.
        Scanner = "scanner",
        /// Guessing paths that nobody linked.
        ForcedBrowsing = "forced_browsing",
        /// A rule says web attack, and no attack syntax is in the request.
        WebAttack = "web_attack",
        /// Ordinary failures of a web server.
        WebError = "web_error",
        /// Guessing passwords.
        BruteForce = "brute_force",
        /// A login, or a new way of logging in.
        Login = "login",
        /// Getting rights that one did not have.
        PrivilegeEscalation = "privilege_escalation",
        /// Accounts or groups were changed.
        AccountChange = "account_change",
        /// Files changed that should not.
        FileIntegrity = "file_integrity",
        /// Malicious software was found or ran.
        Malware = "malware",
        /// A foothold that survives a restart: services, tasks, keys.
        Persistence = "persistence",
        /// Traces were removed or defences switched off, or a log line that tries to.
        DefenseEvasion = "defense_evasion",
        /// Ports, hosts or services are being listed.
        NetworkScan = "network_scan",
        /// An exploit seen by a network or host sensor.
        Exploit = "exploit",
        /// A service is being overwhelmed.
        DenialOfService = "denial_of_service",
        /// Data is leaving.
        Exfiltration = "exfiltration",
        /// A configuration breaks a policy or a benchmark.
        PolicyViolation = "policy_violation",
        /// Commands ran that are worth knowing of.
        CommandExecution = "command_execution",
        /// Something is broken, not attacked.
        SystemError = "system_error",
        /// None of the above.
        Other = "other",
        /// Ordinary, wanted behaviour.
        Benign = "benign",
    }
}

words! {
    /// How an incident likely ended, from the evidence.
    Outcome {
        /// It did what the attacker wanted.
        Succeeded = "succeeded",
        /// It was tried; nothing says that it worked.
        Attempted = "attempted",
        /// It was refused.
        Blocked = "blocked",
        /// The evidence doesn't say.
        Unknown = "unknown",
    }
}

impl Class {
    /// Tells whether this is an attack on a web application that shows in the request itself.
    pub const fn is_web_exploit(self) -> bool {
        matches!(
            self,
            Self::SqlInjection
                | Self::Xss
                | Self::CommandInjection
                | Self::PathTraversal
                | Self::FileInclusion
                | Self::Ssti
                | Self::Ssrf
                | Self::Log4shell
                | Self::CodeInjection
                | Self::OpenRedirect
                | Self::Xxe
                | Self::NosqlInjection
                | Self::Webshell
        )
    }

    /// Gives the name under which classes fold together. A scan is one thing, whether its requests look like mistakes, guesses or a
    /// known tool.
    pub const fn fold_name(self) -> &'static str {
        match self {
            Self::Scanner | Self::ForcedBrowsing | Self::WebError => "web_probe",
            other => other.as_str(),
        }
    }

    /// Orders the classes that fold together: an incident shows the highest it has seen.
    pub const fn rank(self) -> u8 {
        match self {
            Self::WebError => 0,
            Self::ForcedBrowsing => 1,
            Self::Scanner => 2,
            _ => 3,
        }
    }

    /// Gives the stage of an attack that this class usually belongs to.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Scanner | Self::ForcedBrowsing | Self::NetworkScan => Stage::Reconnaissance,
            Self::BruteForce => Stage::CredentialAccess,
            Self::Login => Stage::Access,
            Self::PrivilegeEscalation => Stage::PrivilegeEscalation,
            Self::AccountChange | Self::Persistence | Self::Webshell | Self::FileIntegrity => {
                Stage::Persistence
            }
            Self::Malware | Self::CommandExecution => Stage::Execution,
            Self::DefenseEvasion => Stage::DefenseEvasion,
            Self::Exfiltration | Self::DenialOfService => Stage::Impact,
            Self::Exploit => Stage::Exploit,
            class if class.is_web_exploit() => Stage::Exploit,
            _ => Stage::Other,
        }
    }
}

words! {
    /// A stage of a campaign, in the order in which attacks usually go.
    Stage {
        /// Looking round.
        Reconnaissance = "reconnaissance",
        /// Trying weaknesses.
        Exploit = "exploit",
        /// Guessing or stealing credentials.
        CredentialAccess = "credential_access",
        /// Getting in.
        Access = "access",
        /// Running things.
        Execution = "execution",
        /// Staying in.
        Persistence = "persistence",
        /// Getting more rights.
        PrivilegeEscalation = "privilege_escalation",
        /// Hiding.
        DefenseEvasion = "defense_evasion",
        /// Taking or breaking.
        Impact = "impact",
        /// No stage of an attack.
        Other = "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::parse(class.as_str()), Some(*class));
        }
        assert_eq!(Outcome::parse("maybe"), None);
    }
}
