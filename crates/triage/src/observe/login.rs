//! Whether a request asked for a page that lets people in, told from its path.
//!
//! Paths hold prose: `/authors`, `/catalogindex` and `/plugins/tokenizer` have the letters of a login in them and are none. So a path is
//! read by whole words, as they are set off from each other in addresses: `/wp-login.php`, `/users/sign_in`, `/doLogin`, `/api/auth2/token`.

/// Most of a path that is read, in bytes. What lets people in is called at a short one.
const PATH_BYTES_MAX: usize = 1024;

/// Words of such a page, in lower case. Digits behind them don't count.
const WORDS: &[&str] = &[
    "login",
    "logins",
    "logon",
    "signin",
    "auth",
    "oauth",
    "authenticate",
    "authentication",
    "session",
    "sessions",
    "token",
    "tokens",
];

/// The same in two words: `sign-in`, `log_in`.
const PAIRS: &[[&str; 2]] = &[["sign", "in"], ["log", "in"], ["log", "on"]];

/// Words that are grown together with others in names of pages, at their beginning or end: `userlogin.aspx`, `loginform`.
const GROWN: &[&str] = &["login", "signin"];

/// Tells whether the path of a target is that of a page which lets people in.
pub(super) fn is_asked_for(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = crate::template::head(path, PATH_BYTES_MAX);
    path.split('/').any(|part| {
        let words = words(part);
        words.iter().any(|word| is_login(word))
            || words.windows(2).any(|pair| PAIRS.iter().any(|known| pair == known))
    })
}

fn is_login(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    WORDS.contains(&word)
        || GROWN.iter().any(|grown| word.starts_with(grown) || word.ends_with(grown))
}

/// Splits a part of a path into its words, in lower case: at what is no letter or digit, and where a capital follows a small letter.
fn words(part: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in part.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && was_small {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_let_people_in_are_told_by_whole_words_of_their_path() {
        for target in [
            "/login",
            "/wp-login.php?a=b",
            "/users/sign_in",
            "/Sign-In/",
            "/account/logOn.aspx",
            "/doLogin",
            "/userlogin.aspx",
            "/loginform",
            "/api/v2/auth",
            "/oauth2/token",
            "/rest/authentication",
            "/rest/auth/1/session",
            "/sessions",
            "/login2",
        ] {
            assert!(is_asked_for(target), "{target}");
        }
        for target in [
            "/authors",
            "/author/anna/",
            "/authority",
            "/catalogindex",
            "/catalogonline",
            "/plugins/tokenizer.js",
            "/log/in/",
            "/design/inside",
            "/obsession",
            "/a?next=/login",
            "/a#login",
            "/",
            "",
        ] {
            assert!(!is_asked_for(target), "{target}");
        }
    }
}
