//! The seven kinds of event that Wazuh tells apart: a decoder's `type`, a rule's `category`.

/// What kind of event it is. It decides under which root of the rule tree the event is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Category {
    /// Anything that no other kind claims, and every event without a decoder.
    #[default]
    Syslog,
    /// Packet filters.
    Firewall,
    /// Intrusion detection.
    Ids,
    /// Web servers' access logs.
    WebLog,
    /// Proxies.
    Squid,
    /// Windows event logs.
    Windows,
    /// What the agent and the manager say about themselves.
    Ossec,
}

impl Category {
    /// Reads the word of a decoder's `type` or a rule's `category`. `host-information` is a decoder's word for the last.
    pub(crate) fn parse(word: &[u8]) -> Option<Category> {
        Some(match word {
            b"syslog" => Category::Syslog,
            b"firewall" => Category::Firewall,
            b"ids" => Category::Ids,
            b"web-log" => Category::WebLog,
            b"squid" => Category::Squid,
            b"windows" => Category::Windows,
            b"ossec" | b"host-information" => Category::Ossec,
            _ => return None,
        })
    }

    /// The word of rules and decoders.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Category::Syslog => "syslog",
            Category::Firewall => "firewall",
            Category::Ids => "ids",
            Category::WebLog => "web-log",
            Category::Squid => "squid",
            Category::Windows => "windows",
            Category::Ossec => "ossec",
        }
    }
}
