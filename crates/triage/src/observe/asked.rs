//! What a request asked, where, and what it got: as much of it as answers can be compared by.
//!
//! The place is the path and the parameter that carries the attack; the attack is the value. Texts become hashes here, since an incident
//! keeps many of them and only wants to know which are alike. Only attacks are looked at so closely, and requests
//! with a quote in them on which a server failed: that is how the search for an injection begins.

use alert::answer::{Answer, FORMS};
use alert::decode::{Plus, decode_with};
use alert::{Class, Fingerprint, Timestamp, Untrusted};

use super::{WebRequest, template};
use crate::classify::Field;
use crate::effect;

/// Most of a value that is looked at, in bytes. Servers refuse longer request lines than this.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Most of a path and of a parameter's name that people are shown, in bytes each.
const NAME_BYTES_MAX: usize = 60;

/// The status of a program that failed. Those of a gateway in front of it (502 to 504) come of load as well, and a scan is load.
const BROKEN_STATUS: u16 = 500;

/// Parameters for words that are looked for, as forms and libraries name them.
const SEARCH_NAMES: [&str; 13] = [
    "q",
    "s",
    "k",
    "query",
    "search",
    "searchterm",
    "search_term",
    "keyword",
    "keywords",
    "term",
    "terms",
    "find",
    "text",
];

/// Words of a statement that takes something, instead of trying whether it could.
const TAKING: [&str; 4] = ["select", "load_file", "into outfile", "into dumpfile"];

/// A request and its answer, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Path and parameter, hashed.
    pub place: u32,
    /// The path alone, hashed.
    pub path: u32,
    /// Path and parameter, for people.
    pub name: Untrusted,
    /// The parameter is for words that are looked for: each has an answer of its own by nature.
    pub is_search: bool,
    /// A stray quote or the like made the server fail: it reads the value as part of a statement.
    pub breaks: bool,
    /// The rest. When it was seen is for the fold to say.
    pub answer: Answer,
}

/// Looks at a request that carries an attack in a field and, if it is known, a parameter. Nothing comes of one without an answer, and of one
/// that no server could read: what fails on bytes that are no text says nothing about the attack.
pub(super) fn of(
    web: &WebRequest<'_>,
    class: Class,
    field: Field,
    parameter: Option<&str>,
) -> Option<Asked> {
    // The answer to HEAD has no body to be compared.
    let status = web.status.filter(|_| web.method != "HEAD")?;
    let target = template::head(web.target, VALUE_BYTES_MAX);
    let (whole_path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, name, logged) = match field {
        Field::UserAgent => (whole_path, "user agent", web.user_agent),
        Field::Referer => (whole_path, "referer", web.referer),
        Field::Extra => (whole_path, parameter.unwrap_or("body"), web.extra),
        Field::Target if query.is_empty() => {
            let (path, rest) = attacked_path(whole_path);
            (path, "path", rest)
        }
        Field::Target => {
            let (name, value) = attacked_value(query, parameter);
            (whole_path, name, value)
        }
    };
    // Where the name is the attack, the plain value behind it tells one parameter from another.
    let beside = match name {
        "query" => query.rsplit('=').next().filter(|tail| is_plain(tail)).unwrap_or_default(),
        _ => "",
    };
    let logged = template::head(logged, VALUE_BYTES_MAX);
    let value = decoded_once(logged);
    if value.contains(['\0', char::REPLACEMENT_CHARACTER]) && status >= 500 {
        return None;
    }
    let decoded = decode_with(logged, Plus::Everywhere).text.to_lowercase();
    Some(Asked {
        place: hash(&[web.method, path, name, beside]),
        path: hash(&[path]),
        name: Untrusted::new(format!(
            "{} ({})",
            template::head(path, NAME_BYTES_MAX),
            template::head(name, NAME_BYTES_MAX)
        )),
        is_search: SEARCH_NAMES.contains(&name.to_ascii_lowercase().as_str())
            || is_search_page(path),
        breaks: status == BROKEN_STATUS && value.contains(['\'', '"', '(', ')']),
        answer: Answer {
            value: hash(&[&value]),
            stem: stem(&value).map_or(0, |number| hash(&[number])),
            shape: hash(&[&shape(&value)]),
            object: if effect::is_file(class) { hash(&[&object(&decoded)]) } else { 0 },
            takes: TAKING.iter().any(|word| holds_word(&decoded, word)),
            status,
            size: web.size.unwrap_or(0),
            forms: forms(&value, logged),
            count: 1,
            seen: Timestamp::from_millis(0),
        },
    })
}

/// Tells whether a page is called one where words are looked for, which research is not.
fn is_search_page(path: &str) -> bool {
    path.to_ascii_lowercase().replace("research", "").contains("search")
}

/// Tells whether a word of a statement is in a text, and not within another: what is `selected` takes nothing. Digits may stand before it, as
/// in comments that only some versions of a database read (`/*!50000select*/`).
fn holds_word(text: &str, word: &str) -> bool {
    let goes_on = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + word.len()..));
        !goes_on(before.and_then(|before| before.chars().next_back()))
            && !goes_on(after.and_then(|after| after.chars().next()))
    })
}

/// Gives 32 bits of a hash. Whoever makes two texts alike in them hides one attack behind another of his own.
fn hash(parts: &[&str]) -> u32 {
    u32::try_from(Fingerprint::of(parts.iter().copied()).as_u64() >> 32).unwrap_or(u32::MAX)
}

/// Cuts a path where the attack in it begins: behind the last slash before the first sign that paths don't have.
fn attacked_path(path: &str) -> (&str, &str) {
    let strange =
        |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '~'));
    let first = [path.find(strange), path.find("..")].into_iter().flatten().min();
    let cut = first.unwrap_or(0);
    let slash = path.get(..cut).and_then(|clean| clean.rfind('/')).map_or(0, |at| at + 1);
    path.split_at_checked(slash).unwrap_or(("", path))
}

/// Finds the parameter that carries the attack, else the first. Where the name itself is the attack, all of the query is the value.
fn attacked_value<'a>(query: &'a str, parameter: Option<&str>) -> (&'a str, &'a str) {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = match parameter {
        Some(wanted) => pairs.find(|(name, _)| decoded_once(name) == wanted),
        None => pairs.next().filter(|(name, _)| is_plain(name)),
    };
    match found {
        // A value with a bare ampersand in it goes on behind it.
        Some((name, value)) if parameter.is_some() && value.is_empty() => (name, query),
        Some((name, value)) => (name, value),
        None => ("query", query),
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]$".contains(&byte))
}

/// Takes one layer of percent-encoding off, as a server does.
fn decoded_once(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (b'+', ..) => {
                decoded.push(b' ');
                at += 1;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Gives the whole number that a value begins with, with its sign. An address is none.
fn stem(value: &str) -> Option<&str> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let rest = digits.get(end..)?;
    let is_number = end > 0 && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '.');
    is_number.then(|| value.strip_suffix(rest).unwrap_or(value))
}

/// Masks the numbers of a value.
fn shape(value: &str) -> String {
    let mut shape = String::with_capacity(value.len());
    for c in value.chars() {
        if !c.is_ascii_digit() {
            shape.push(c.to_ascii_lowercase());
        } else if !shape.ends_with('0') {
            shape.push('0');
        }
    }
    shape
}

/// Gives the last two steps of the way to a file, however the way there is spelled.
fn object(decoded: &str) -> String {
    let text = decoded.replace('\\', "/");
    let text = text.split('\0').next().unwrap_or_default().trim();
    let mut steps: Vec<&str> = text
        .split('/')
        .filter(|step| !step.is_empty() && !step.chars().all(|c| c == '.'))
        .collect();
    let last = steps.split_off(steps.len().saturating_sub(2));
    last.join("/")
}

/// Gives the length that a value has in each form in which a page may write it out.
fn forms(value: &str, logged: &str) -> [u32; FORMS] {
    let count = |sign: char| value.chars().filter(|c| *c == sign).count();
    let (double, single) = (count('"'), count('\''));
    let raw = value.len();
    let markup = raw + 3 * (count('<') + count('>')) + 4 * count('&');
    [
        raw,
        markup,
        markup + 5 * double,
        markup + 4 * (double + single),
        markup + 5 * (double + single),
        logged.len(),
    ]
    .map(|length| u32::try_from(length).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_apart() {
        assert_eq!(decoded_once("a%27+b%2527%zz%"), "a' b%27%zz%");
        assert_eq!(stem("3 or 1=1"), Some("3"));
        assert_eq!(stem("-1 union"), Some("-1"));
        assert_eq!(stem("127.0.0.1;id"), None);
        assert_eq!(stem("chairs' or"), None);
        assert_eq!(shape("AND 104>7"), "and 0>0");
        assert_eq!(object("../../etc/passwd"), "etc/passwd");
        assert_eq!(object("/etc/passwd"), "etc/passwd");
        assert_eq!(object("....//....//etc/passwd\0.png"), "etc/passwd");
        assert_eq!(attacked_path("/icons/..%2f..%2fetc"), ("/icons/", "..%2f..%2fetc"));
        assert_eq!(attacked_value("a=1&b=2", Some("b")), ("b", "2"));
        assert_eq!(attacked_value(";env;=x", None), ("query", ";env;=x"));
    }

    #[test]
    fn a_word_is_found_as_a_whole() {
        assert!(holds_word("1 union/**/select(password) from a", "select"));
        assert!(holds_word("/*!50000select*/ 1", "select"));
        assert!(!holds_word("' or name='selected' or preselect", "select"));
        assert!(is_search_page("/Search/") && is_search_page("/research/search"));
        assert!(!is_search_page("/research/"));
    }

    #[test]
    fn forms_are_what_frameworks_write() {
        // `&lt;a b=&#34;&#39;&amp;&gt;` in one framework, `&lt;a b=&quot;&#x27;&amp;&gt;` in another.
        assert_eq!(forms("<a b=\"'&>", "x"), [9, 19, 24, 27, 29, 1]);
    }
}
