//! Values that must not be printed: secrets, and web addresses that may carry one.
//!
//! They are types of their own so that a log line or a debug print cannot give them away by
//! accident: asking for the text is a word of its own that a reader notices. Sending the text
//! somewhere is left to the callers.

use std::fmt;

/// The longest web address. Servers and proxies refuse longer ones.
const URL_BYTES_MAX: usize = 2_048;

/// The longest secret. It must fit into one HTTP header.
const SECRET_BYTES_MAX: usize = 4_096;

/// The shortest secret that is not warned about: 16 random letters hold more than 80 bits.
const SECRET_BYTES_MIN: usize = 16;

/// A password, token or key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Reads a secret from the text of a file or a variable, without the line end that editors
    /// add. What it says about a useless one never contains any of it.
    pub(crate) fn parse(text: &str) -> Result<Secret, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        if text.len() > SECRET_BYTES_MAX {
            return Err("is longer than 4,096 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("has more than one line, or a control character");
        }
        Ok(Secret(text.to_owned()))
    }

    /// Says whether the secret is so short that it can be guessed.
    pub(crate) fn is_guessable(&self) -> bool {
        self.0.len() < SECRET_BYTES_MIN
    }

    /// Returns the secret itself. Never print it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

/// An `http` or `https` address with a host and without a user name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    /// Where the path begins, in bytes.
    path_start: usize,
}

impl Url {
    /// Reads an address, or says why it is none.
    pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
        if text.len() > URL_BYTES_MAX {
            return Err("which is longer than 2,048 bytes");
        }
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err("which contains a space or a control character");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("which begins with neither `http://` nor `https://`");
        };
        if !matches!(scheme, "http" | "https") {
            return Err("which begins with neither `http://` nor `https://`");
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        if authority.contains('@') {
            return Err("which contains a user name or a password");
        }
        if !has_host(authority) {
            return Err("which has no usable host and port");
        }
        let path_start = scheme.len() + "://".len() + authority.len();
        Ok(Url { text: text.to_owned(), path_start })
    }

    /// Returns the whole address. It may hold a key, so never print it for a webhook.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme and the host, with a mark if there is more.
    pub(crate) fn masked(&self) -> String {
        match self.text.split_at_checked(self.path_start) {
            Some((start, "" | "/")) => start.to_owned(),
            Some((start, _)) => format!("{start}/..."),
            None => "...".to_owned(),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Url({})", self.masked())
    }
}

/// Says whether this is a host, perhaps with a port.
fn has_host(authority: &str) -> bool {
    let after_host = match authority.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => rest,
            _ => return false,
        },
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let Some((host, rest)) = authority.split_at_checked(end) else { return false };
            let plain = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
            if host.is_empty() || !host.chars().all(plain) {
                return false;
            }
            rest
        }
    };
    match after_host.strip_prefix(':') {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
        None => after_host.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, Url};

    #[test]
    fn secrets_are_not_printed() {
        let secret = Secret::parse("hunter2\n").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert!(secret.is_guessable());
        assert_eq!(secret.reveal(), "hunter2");
        let url = Url::parse("https://hooks.example.test/T0/B1/key").unwrap();
        assert_eq!(format!("{url:?}"), "Url(https://hooks.example.test/...)");
        assert_eq!(url.as_str(), "https://hooks.example.test/T0/B1/key");
    }

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in [
            "http://127.0.0.1:11434",
            "https://model.example.test/",
            "http://[::1]:8080/v1",
            "http://mac_mini.local:1?x=1",
        ] {
            assert!(Url::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:11434",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a:b@c/",
            "http://a:99999/",
            "http://a:+1/",
            "http://[::1/",
            "http://a b/",
            "http://[::1]x/",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}
