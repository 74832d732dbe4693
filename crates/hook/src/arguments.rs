//! Finds the alert file among the arguments that integratord gives.
//!
//! integratord builds one line and splits it at single spaces into at most nine words, so a space
//! in `api_key` or `hook_url` shifts all later words, empty settings are empty words, and the last
//! word can be the literal `> /dev/null 2>&1`. The first word is `integrations`, not our path. The
//! alert file comes first of the real arguments and ends in `.alert`; either sign is enough here.
//!
//! It promises an answer for any words, in any encoding. It leaves whether the file exists to the
//! reader, and the other settings to the daemon's own configuration.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How integratord names alert files, whatever the integration is called.
const ALERT_FILE_ENDING: &[u8] = b".alert";

/// Picks the first argument that ends in `.alert`, else the first argument unless it is empty.
pub(crate) fn alert_path(arguments: impl IntoIterator<Item = OsString>) -> Option<PathBuf> {
    let mut first = None;
    for argument in arguments.into_iter().skip(1) {
        if argument.as_bytes().ends_with(ALERT_FILE_ENDING) {
            return Some(argument.into());
        }
        first.get_or_insert(argument);
    }
    first.filter(|argument| !argument.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn picked(words: &[&str]) -> Option<String> {
        alert_path(words.iter().map(OsString::from)).map(|path| path.display().to_string())
    }

    #[test]
    fn the_usual_eight_words_name_the_alert_file() {
        let words = [
            "integrations",
            "/t/custom-quell-1763990000-42.alert",
            "",
            "",
            "",
            "",
            "10",
            "3",
            "> /dev/null 2>&1",
        ];
        assert_eq!(picked(&words).as_deref(), Some("/t/custom-quell-1763990000-42.alert"));
    }

    #[test]
    fn a_negative_random_number_gives_a_double_dash_and_is_fine() {
        let words = ["integrations", "/t/custom-quell-1763990000--913.alert", "", "", "debug"];
        assert_eq!(picked(&words).as_deref(), Some("/t/custom-quell-1763990000--913.alert"));
    }

    #[test]
    fn shifted_words_and_an_options_file_do_not_hide_the_alert_file() {
        let words =
            ["integrations", "a", "key", "of", "words", "/t/q-1-2.options", "/t/q-1-2.alert"];
        assert_eq!(picked(&words).as_deref(), Some("/t/q-1-2.alert"));
    }

    #[test]
    fn the_first_of_two_alert_files_is_the_one() {
        assert_eq!(picked(&["q", "/t/1.alert", "key.alert"]).as_deref(), Some("/t/1.alert"));
    }

    #[test]
    fn without_the_ending_the_first_argument_is_taken() {
        assert_eq!(picked(&["q", "/t/alert.json", "key"]).as_deref(), Some("/t/alert.json"));
    }

    #[test]
    fn no_words_and_empty_words_name_no_file() {
        assert_eq!(picked(&[]), None);
        assert_eq!(picked(&["integrations"]), None);
        assert_eq!(picked(&["integrations", "", "", ""]), None);
    }

    #[test]
    fn the_name_of_the_program_is_never_the_alert_file() {
        assert_eq!(picked(&["trap.alert"]), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_kept() {
        let odd = OsString::from_vec(b"/t/\xff\xfe.alert".to_vec());
        let found = alert_path([OsString::from("q"), odd.clone()]);
        assert_eq!(found, Some(PathBuf::from(odd)));
    }
}
