//! Masks secrets and personal data before a text reaches a model (and, if so configured, the store).
//!
//! A mask says what was there (`[secret:password]`), so that a verdict can still mention it. Masking errs on the side of hiding:
//! what looks like a secret is one. It is bounded by the length of its input and uses no back-tracking patterns.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

mod command;

/// Masks everything in `text` that looks like a secret, a mail address or a card number.
pub fn mask(text: &str) -> String {
    let mut masked = Cow::Borrowed(text);
    for rule in RULES.iter() {
        let next = rule.pattern.replace_all(&masked, |found: &Captures<'_>| {
            let whole = found.get(0).map_or("", |all| all.as_str());
            if (rule.name == "card" && !is_card_number(whole))
                || (rule.name == "password" && is_working_directory(whole))
            {
                return whole.to_owned();
            }
            let keep = found.name("keep").map_or("", |kept| kept.as_str());
            let after = found.name("after").map_or("", |kept| kept.as_str());
            format!("{keep}[secret:{}]{after}", rule.name)
        });
        if let Cow::Owned(changed) = next {
            masked = Cow::Owned(changed);
        }
    }
    masked.into_owned()
}

/// One kind of secret. The group `keep` stays in front of the mask, the group `after` behind it.
struct MaskRule {
    name: &'static str,
    pattern: Regex,
}

static RULES: LazyLock<Vec<MaskRule>> = LazyLock::new(|| {
    [
        ("private_key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"),
        ("authorization", r"(?i)(?P<keep>\b(?:proxy-)?authorization(?:\s*[:=]\s*|%3A(?:%20|\+)?))(?:(?:basic|bearer|digest|negotiate|token)(?:\s+|%20|\+))?[^\s,;'&]+"),
        ("bearer", r"(?i)(?P<keep>\bbearer(?:\s+|%20|\+))[a-z0-9._~+/=-]{8,}"),
        ("cookie", r"(?i)(?P<keep>\b(?:set-)?cookie\s*[:=]\s*)[^\n]{1,4096}"),
        ("token", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        ("token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16})\b"),
        (
            "password",
            r#"(?i)(?P<keep>(?:^|[?&;\s"'{,_-]|%26|%3[Ff])(?:[a-z0-9_-]{0,24}(?:passwd|password|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|token|sessionid|session[_-]id|csrf[a-z_]{0,16}|jsessionid|phpsessid)|pwd|pass|pw|sid|auth|sig|signature)["']?(?:\s*[=:]\s*|%3[Dd])["']?)[^\s&;"',}\[][^\s&;"',}]*"#,
        ),
        ("url_password", r"(?i)(?P<keep>\b[a-z][a-z0-9+.-]{1,16}://[^\s/:@]{1,128}:)[^\s/@]{1,256}@"),
        ("mail", r"(?i)\b[a-z0-9._%+-]{1,64}(?:@|%40)(?:[a-z0-9-]{1,63}\.){1,4}[a-z][a-z0-9-]{1,62}\b"),
        ("card", r"\b\d(?:[ -]?\d){12,18}\b"),
    ]
    .into_iter()
    .map(|(name, pattern)| (name, pattern.to_owned()))
    .chain(command::patterns().map(|pattern| ("password", pattern)))
    .filter_map(|(name, pattern)| {
        Regex::new(&pattern).ok().map(|pattern| MaskRule { name, pattern })
    })
    .collect()
});

/// Tells the `PWD=/home/bob` that sudo writes into its log from a password.
fn is_working_directory(found: &str) -> bool {
    found.trim_start().starts_with("PWD=/")
}

/// Tells card numbers from other long numbers: the Luhn checksum, and leading digits that cards use.
fn is_card_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    let luhn = digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        sum + if at % 2 == 0 {
            *digit
        } else if *digit > 4 {
            digit * 2 - 9
        } else {
            digit * 2
        }
    });
    let first_four = digits.iter().take(4).fold(0, |number, digit| number * 10 + digit);
    // Of the numbers that begin with 2, cards use 2221 to 2720. Times written as one number begin with 19 or 20.
    luhn % 10 == 0 && matches!(first_four, 2221..=2720 | 3000..=6999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.len(), 10 + command::patterns().count());
    }

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (text, masked) in [
            (
                "GET /login?user=bob&password=hunter2&next=/ HTTP/1.1",
                "GET /login?user=bob&password=[secret:password]&next=/ HTTP/1.1",
            ),
            ("Authorization: Basic Ym9iOmh1bnRlcg== x", "Authorization: [secret:authorization] x"),
            ("Cookie: sessionid=abc; csrftoken=def", "Cookie: [secret:cookie]"),
            ("api_key=12345 ok", "api_key=[secret:password] ok"),
            ("/reset?access_token=abcd1234#x", "/reset?access_token=[secret:password]"),
            ("mail to eve@example.com now", "mail to [secret:mail] now"),
            ("card 4111 1111 1111 1111 used", "card [secret:card] used"),
            ("pid 1234567890123 is no card", "pid 1234567890123 is no card"),
            ("postgres://app:s3cret@db/x", "postgres://app:[secret:url_password]db/x"),
            ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123 end", "token [secret:token] end"),
            (
                "/item/?id=1 UNION SELECT name,pw FROM users",
                "/item/?id=1 UNION SELECT name,pw FROM users",
            ),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn masking_twice_changes_nothing() {
        let once = mask("password=abc&token=def mail a@b.example");
        assert_eq!(mask(&once), once);
    }
}
