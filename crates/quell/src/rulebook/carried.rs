//! The rules that the program carries in itself, so that it finds attacks on a machine without Wazuh and without a file of rules.
//!
//! They are the files of the repository's folder `rules`, as an administrator would copy them; a test holds the two lists equal. The
//! order is that of loading: by name, as a manager does.

/// Builds the name and the text of one file.
macro_rules! carried {
    ($($name:literal),* $(,)?) => {
        &[$((concat!("rules/", $name), include_str!(concat!("../../../../rules/", $name)))),*]
    };
}

/// Decoders.
pub(super) const DECODERS: &[(&str, &str)] = carried!["quell_web_decoders.xml"];

/// Rules. A new file of the folder is one more name here.
pub(super) const RULES: &[(&str, &str)] = carried![
    "quell_results.xml",
    "quell_web_attacks.xml",
    "quell_web_base.xml",
    "quell_web_calm.xml",
    "quell_web_correlation.xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_of_rules_is_carried_in_the_order_of_names() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".xml"))
            .map(|name| format!("rules/{name}"))
            .collect();
        files.sort();
        let is_decoder = |name: &&String| name.contains("decoders");
        let decoders: Vec<&String> = files.iter().filter(is_decoder).collect();
        let rules: Vec<&String> = files.iter().filter(|name| !is_decoder(name)).collect();
        assert_eq!(decoders, DECODERS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(rules, RULES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
