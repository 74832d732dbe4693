//! Wazuh's own ruleset, read once and shared by all recordings and samples that build on it.

use std::path::Path;

use super::case::{List, NamedFile, read, read_folder};
use super::engine::Material;

/// The file that the shipped configuration leaves out (`rule_exclude`).
const EXCLUDED_RULES: &str = "0215-policy_rules.xml";

/// The lists that the shipped configuration declares, in its order. Rules name them with
/// `etc/lists/` before the name.
const LISTS: [&str; 6] = [
    "audit-keys",
    "amazon/aws-eventnames",
    "security-eventchannel",
    "malicious-ioc/malware-hashes",
    "malicious-ioc/malicious-ip",
    "malicious-ioc/malicious-domains",
];

/// The shipped decoders, rules and lists.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    decoders: Vec<NamedFile>,
    rules: Vec<NamedFile>,
    lists: Vec<List>,
}

impl Stock {
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Stock> {
        let mut rules = read_folder(&folder.join("rules"), "ruleset/rules")?;
        rules.retain(|file| !file.name.ends_with(EXCLUDED_RULES));
        let list = |name: &str| {
            let bytes = Some(read(&folder.join("lists").join(name))?);
            anyhow::Ok(List { name: format!("etc/lists/{name}"), bytes })
        };
        Ok(Stock {
            decoders: read_folder(&folder.join("decoders"), "ruleset/decoders")?,
            rules,
            lists: LISTS.into_iter().map(list).collect::<anyhow::Result<_>>()?,
        })
    }

    pub(crate) fn material(&self) -> Material<'_> {
        Material {
            decoders: self.decoders.iter().collect(),
            rules: self.rules.iter().collect(),
            lists: self.lists.iter().collect(),
        }
    }
}
