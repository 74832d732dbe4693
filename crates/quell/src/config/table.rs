//! The table of settings: every section and key that Quell's configuration has.
//!
//! It exists so that there is one place to read and to change. The loader, the environment names,
//! `quell config show`, the generated reference and the starter file are all made from it, so they
//! cannot drift apart. A setting that is not here does not exist.
//!
//! It promises that every default is valid by the table's own rules (a test reads them all). It
//! leaves turning text into values to `read`, and rules between settings to `check`.

use std::time::Duration;

mod incoming;
mod judging;
mod outgoing;

/// Every section, in the order of the reference and of the starter file.
pub(crate) static SECTIONS: &[&Section] = &[
    &incoming::GENERAL,
    &incoming::HOOK,
    &incoming::TAIL,
    &incoming::HTTP,
    &incoming::SOURCE,
    &judging::POLICY,
    &judging::ASSET,
    &judging::MODEL,
    &judging::EGRESS,
    &judging::JUDGE,
    &judging::SCHEDULE,
    &outgoing::WAZUH,
    &outgoing::FILE,
    &outgoing::WEBHOOK,
    &outgoing::HTTP,
    &outgoing::LIMITS,
];

/// What every environment name begins with.
pub(crate) const ENVIRONMENT_PREFIX: &str = "QUELL_";

/// Stands between the levels of an environment name, because one underscore is part of many keys.
pub(crate) const LEVEL_SEPARATOR: &str = "__";

/// One section of the file: `[policy]`, or `[[model]]` when it may be repeated.
#[derive(Debug)]
pub(crate) struct Section {
    /// The dotted path, such as `intake.http`.
    pub(crate) path: &'static str,
    /// Is true for an array of tables.
    pub(crate) repeated: bool,
    /// What the section is for, in whole sentences.
    pub(crate) doc: &'static str,
    /// The keys, in the order of the reference.
    pub(crate) settings: &'static [Setting],
}

/// One key of a section.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The key as it stands in the file.
    pub(crate) key: &'static str,
    /// What a value must look like.
    pub(crate) kind: Kind,
    /// What holds when nobody says otherwise.
    pub(crate) standard: Standard,
    /// What an empty text means. `None` says that the value may not be empty.
    pub(crate) empty: Option<&'static str>,
    /// What the setting does, in whole sentences, with units.
    pub(crate) doc: &'static str,
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line of text.
    Text,
    /// An absolute path: a service has no working directory that anybody would think of.
    Path,
    /// A whole number in a range, both ends included.
    Integer { min: u32, max: u32 },
    /// A number and a unit, in a range, both ends included.
    Duration { min: Duration, max: Duration },
    /// `true` or `false`.
    Switch,
    /// A list of texts, none of them empty.
    Texts,
    /// A list of rule ids and ranges of rule ids.
    Rules,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An IP address and a port.
    Address,
    /// An `http` or `https` address.
    Url(Privacy),
    /// The path of a file that holds a secret. The environment may give the secret itself.
    SecretFile,
}

/// Whether a value may be shown to whoever reads a log or a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Can be shown in full.
    Open,
    /// Only its scheme and host can be shown: chat services put the key into the path.
    Masked,
}

/// What holds when nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standard {
    /// There is no sensible default, so the key must be given; this is an example.
    Required(&'static str),
    /// This text, read by the rules of the kind.
    Text(&'static str),
    /// This number.
    Integer(u32),
    /// This switch position.
    Switch(bool),
    /// The empty list.
    Nothing,
}

const fn setting(key: &'static str, kind: Kind, standard: Standard, doc: &'static str) -> Setting {
    Setting { key, kind, standard, empty: None, doc }
}

impl Setting {
    const fn or_empty(self, meaning: &'static str) -> Setting {
        Setting { empty: Some(meaning), ..self }
    }

    /// Returns the last part of the environment name that gives a secret itself: `token_file`
    /// becomes `TOKEN`. Only secrets have one.
    pub(crate) fn secret_word(&self) -> Option<String> {
        match self.kind {
            Kind::SecretFile => self.key.strip_suffix("_file").map(str::to_ascii_uppercase),
            _ => None,
        }
    }
}

impl Section {
    /// Finds a section by its dotted path.
    pub(crate) fn find(path: &str) -> Option<&'static Section> {
        SECTIONS.iter().copied().find(|section| section.path == path)
    }

    /// Says whether some section lies below this path, as `intake.hook` lies below `intake`.
    pub(crate) fn is_group(path: &str) -> bool {
        SECTIONS.iter().any(|section| {
            section.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// Finds a key of this section.
    pub(crate) fn setting(&self, key: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    /// Returns the section as it stands in a file: `[policy]` or `[[model]]`.
    pub(crate) fn header(&self) -> String {
        if self.repeated { format!("[[{}]]", self.path) } else { format!("[{}]", self.path) }
    }

    /// Returns the path of one key for messages: `policy.min_level`, `model[0].url`.
    pub(crate) fn key_path(&self, instance: usize, key: &str) -> String {
        if self.repeated {
            format!("{}[{instance}].{key}", self.path)
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Returns the environment name of one word of this section. `instance` is a number, or a
    /// letter that stands for one in the reference.
    pub(crate) fn environment_name(&self, instance: &str, word: &str) -> String {
        let mut name = String::from(ENVIRONMENT_PREFIX);
        for level in self.path.split('.') {
            name.push_str(&level.to_ascii_uppercase());
            name.push_str(LEVEL_SEPARATOR);
        }
        if self.repeated {
            name.push_str(instance);
            name.push_str(LEVEL_SEPARATOR);
        }
        name.push_str(&word.to_ascii_uppercase());
        name
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    seconds(count * 60)
}

const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

const fn days(count: u64) -> Duration {
    hours(count * 24)
}

#[cfg(test)]
mod tests {
    use super::{Kind, SECTIONS, Section};
    use std::collections::BTreeSet;

    #[test]
    fn no_name_stands_for_two_settings() {
        let mut seen = BTreeSet::new();
        for section in SECTIONS {
            assert!(!Section::is_group(section.path), "{} holds keys and sections", section.path);
            for setting in section.settings {
                let words = setting.secret_word().into_iter().chain([setting.key.to_owned()]);
                for word in words {
                    let name = section.environment_name("0", &word);
                    assert!(seen.insert(name.clone()), "{name} is there twice");
                }
            }
        }
        assert!(seen.len() > 60);
    }

    #[test]
    fn every_explanation_is_a_sentence_and_every_secret_key_names_a_file() {
        for section in SECTIONS {
            assert!(section.doc.ends_with('.'), "{}", section.path);
            for setting in section.settings {
                assert!(setting.doc.ends_with('.'), "{}.{}", section.path, setting.key);
                if setting.kind == Kind::SecretFile {
                    assert!(setting.key.ends_with("_file"));
                }
            }
        }
    }
}
