//! Signs in values that are addresses: forged requests and open redirects.
//!
//! An address is taken apart by hand, because what betrays it is its host: the machine itself, the
//! cloud's metadata service, a private network, or a number written so that a filter doesn't know
//! it. Whether `https://example.com/` in a parameter is wanted, only the application knows; it
//! counts a little in parameters that say where to go next.

use super::FRAGMENT_CHARS_MAX;
use super::WebClass::{OpenRedirect, Ssrf};
use super::query::{Kind, Part};
use super::rule::Evidence;
use super::sign::words;
use super::view::View;
use super::{Field, Request, WebClass, clip};

/// Looks at a part that may be an address.
pub(super) fn weigh(part: &Part, request: &Request<'_>, evidence: &mut Evidence) {
    if part.kind == Kind::Path && part.field == Field::Target && leads_out(&part.text) {
        let shown = clip(&part.text, FRAGMENT_CHARS_MAX);
        evidence.add(OpenRedirect, 55, part, "leads to another site by the path itself", shown);
    }
    if part.kind == Kind::Path
        && part.field == Field::Target
        && fetches_inside(part.views.text(View::Plain))
    {
        let shown = clip(&part.text, FRAGMENT_CHARS_MAX);
        evidence.add(Ssrf, 65, part, "leads to the inner network by the path itself", shown);
    }
    if part.kind != Kind::Value || !matches!(part.field, Field::Target | Field::Extra) {
        return;
    }
    let text = part.views.text(View::Plain).trim();
    if text.len() > ADDRESS_BYTES_MAX || !text.contains([':', '/', '\\']) {
        return;
    }
    let name = part.parameter.as_deref().unwrap_or_default().to_ascii_lowercase();
    if let Some((strength, reason)) = forged(text, &name) {
        evidence.add(Ssrf, strength, part, reason, clip(&part.text, FRAGMENT_CHARS_MAX));
    } else if let Some((strength, reason)) = redirects(text, &name, request) {
        evidence.add(OpenRedirect, strength, part, reason, clip(&part.text, FRAGMENT_CHARS_MAX));
    }
}

/// Says whether a path is one that careless software sends back as the address of another site: a host behind a slash and
/// signs that browsers take for a second one, or behind two slashes and in front of a climb.
fn leads_out(path: &str) -> bool {
    let rest = path.trim_start_matches(['/', '\\', '\t', '\r', '\n']);
    let Some(lead) = path.get(..path.len().saturating_sub(rest.len())) else { return false };
    let (host, after) = match rest.find(['/', ':', '?', '#']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let is_host = host.split('.').count() >= 2
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
    let climbs = after.trim_start_matches('/').split('/').next() == Some("..");
    let is_odd = lead.starts_with('/') && lead.contains(['\\', '\t', '\r', '\n']);
    is_host && (is_odd || lead.len() >= 2 && lead.bytes().all(|byte| byte == b'/') && climbs)
}

/// Says whether a path carries an address of the inner network, as an open proxy is asked for one: at its start or behind two names.
fn fetches_inside(path: &str) -> bool {
    let Some((before, rest)) = path.split_once("http") else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/');
    let starts_a_segment = before.starts_with('/')
        && before.ends_with('/')
        && before.matches('/').count() <= 3
        && before.bytes().all(is_name);
    let address = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(":/");
    starts_a_segment && address.is_some_and(|address| hosts_of(address).any(is_inside))
}

fn holds(class: WebClass, list: &str, word: &str) -> bool {
    words(class, list).iter().any(|known| known == word)
}

/// The longest value that is taken for an address; real ones with their query are shorter.
const ADDRESS_BYTES_MAX: usize = 2048;

/// Says whether an address leads inside.
fn forged(text: &str, name: &str) -> Option<(u8, &'static str)> {
    let bare = text.strip_prefix("url:").unwrap_or(text);
    let (scheme, rest) = match bare.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        // Without a scheme only a name that exists nowhere else counts, and not in prose.
        _ => {
            let host =
                bare.trim_start_matches('/').split(['/', ':', '?']).next().unwrap_or_default();
            let inside =
                host.contains('.') && holds(Ssrf, "hosts", host) || host == "169.254.169.254";
            return inside.then_some((65, "names a host of the inner network"));
        }
    };
    if bare.contains(' ') && !bare.contains('@') && !holds(Ssrf, "schemes", scheme) {
        return None;
    }
    if holds(Ssrf, "schemes", scheme) && rest.starts_with('/') {
        return Some((75, "uses a scheme that servers shouldn't fetch"));
    }
    if !matches!(scheme, "http" | "https" | "ftp" | "ws" | "wss") {
        return None;
    }
    let inside = hosts_of(rest).any(is_inside);
    let own = holds(Ssrf, "own_parameters", name) && !rest.contains("169.254.");
    (inside && !own).then_some((70, "leads to the inner network"))
}

fn is_scheme(text: &str) -> bool {
    (2..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Returns the host of an address, and every host that another reader might see: readers differ
/// about `@` and `#`.
fn hosts_of(rest: &str) -> impl Iterator<Item = &str> {
    let authority = rest.trim_start_matches(['/', '\\']);
    let end = authority.find(['/', '\\', '?']).unwrap_or(authority.len());
    authority.get(..end).unwrap_or_default().split(['@', '#', ' ', '&']).map(host_of)
}

/// Cuts the port off a host.
fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or(authority);
    }
    authority.split(':').next().unwrap_or(authority)
}

fn is_inside(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    if host.is_empty() {
        return false;
    }
    if let Some(six) = host.strip_prefix('[') {
        return is_inside_six(six.trim_end_matches(']'));
    }
    if holds(Ssrf, "hosts", host)
        || words(Ssrf, "host_endings").iter().any(|ending| host.ends_with(ending.as_str()))
    {
        return true;
    }
    number_of(host).is_some_and(is_inside_four)
}

fn is_inside_four(number: u32) -> bool {
    let address = std::net::Ipv4Addr::from_bits(number);
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || number < 0x0100_0000
}

fn is_inside_six(text: &str) -> bool {
    let bare = text.split('%').next().unwrap_or_default();
    let Ok(address) = bare.parse::<std::net::Ipv6Addr>() else { return false };
    if let Some(four) = address.to_ipv4() {
        return is_inside_four(four.to_bits());
    }
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_unique_local()
}

/// Reads an IPv4 address as old resolvers do: one to four numbers, each decimal, octal or
/// hexadecimal, the last of which fills what is left.
fn number_of(host: &str) -> Option<u32> {
    let mut numbers = Vec::with_capacity(4);
    for piece in host.split('.') {
        if numbers.len() == 4 {
            return None;
        }
        numbers.push(read_number(piece)?);
    }
    let (last, firsts) = numbers.split_last()?;
    let mut address = 0_u64;
    for first in firsts {
        if *first > 0xff {
            return None;
        }
        address = address << 8 | u64::from(*first);
    }
    let bits = 32_u32.checked_sub(8 * u32::try_from(firsts.len()).ok()?)?;
    if u64::from(*last) >= 1_u64 << bits {
        return None;
    }
    u32::try_from(address << bits | u64::from(*last)).ok()
}

fn read_number(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => u32::from_str_radix(octal, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Says whether an address is written so that a check takes it for a local one, or leads away where
/// a path is expected.
fn redirects(text: &str, name: &str, request: &Request<'_>) -> Option<(u8, &'static str)> {
    if text.contains(' ') || text.contains('<') {
        return None;
    }
    let leads_on = holds(OpenRedirect, "parameters", name);
    let visible: String = text.chars().filter(|letter| !letter.is_control()).collect();
    if is_said_a_slash(&visible) {
        return Some((60, "leads to another site by a sign that turns into a slash"));
    }
    let slashes = visible.chars().take_while(|letter| matches!(letter, '/' | '\\')).count();
    let after = visible.trim_start_matches(['/', '\\']);
    if slashes > 0 {
        let host = host_of(after.split(['/', '\\', '?']).next().unwrap_or_default());
        let odd = visible.contains('\\') || slashes > 2 || visible.len() != text.len();
        let behind_slash = after.strip_prefix("http:").or_else(|| after.strip_prefix("https:"));
        return if behind_slash.is_some() {
            Some((60, "hides an address behind a slash"))
        } else if slashes >= 2
            && host.len() >= NUMBER_LEN_MIN
            && !host.contains('.')
            && number_of(host).is_some()
        {
            Some((60, "writes the host as a number"))
        } else if (slashes >= 2 || odd)
            && host.contains('.')
            && !host.ends_with('.')
            && is_host(host)
        {
            // A protocol-relative link is ordinary in a page, but not in a value.
            Some((
                if odd || leads_on || host.contains('@') { 60 } else { 45 },
                "leads to another site without a scheme",
            ))
        } else {
            None
        };
    }
    let (scheme, rest) = visible.split_once(':')?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest.trim_start_matches(['/', '\\']);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let marks = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    let host = host_of(authority.rsplit('@').next().unwrap_or_default());
    if !(marks == 2 && rest.starts_with("//")) && is_host(host) {
        return Some((55, "writes an address with a wrong number of slashes"));
    }
    let hidden = rest.trim_start_matches(['/', '\\']).split_once('/').map(|(_, path)| path);
    if hidden.is_some_and(|path| {
        path.starts_with([':', '@'])
            && path.split('@').nth(1).is_some_and(|host| host.contains('.'))
    }) {
        return Some((50, "hides the host behind a user name"));
    }
    if hides_allowed_name(rest) {
        return Some((50, "hides what comes behind the host of an allowed name"));
    }
    if authority.contains('@') || authority.contains('\\') {
        return Some((55, "hides the host behind a user name"));
    }
    if host.starts_with('[')
        || (number_of(host).is_some() && host.parse::<std::net::Ipv4Addr>().is_err())
    {
        return Some((60, "writes the host as a number"));
    }
    let climbs = rest.ends_with("//..") || rest.ends_with("/..");
    if climbs {
        return Some((50, "leads to another site"));
    }
    let leads_away = leads_on
        && !holds(Ssrf, "own_parameters", name)
        && (!COMMON_PARAMETERS.contains(&name) || is_redirector(request.target))
        && own_host(request.referer) != Some(host);
    leads_away.then_some((42, "leads to another site"))
}

/// A host that is one number has nine or ten digits, or eight behind `0x`. Shorter numbers behind two slashes are dates and counts in paths.
const NUMBER_LEN_MIN: usize = 9;

/// Signs of Japanese that some browsers took for slashes.
const SAID_SLASHES: [char; 3] = ['\u{3031}', '\u{3035}', '\u{309d}'];

/// Tells whether an address begins with such a sign.
fn is_said_a_slash(text: &str) -> bool {
    let text = text.strip_prefix('/').unwrap_or(text);
    text.strip_prefix(SAID_SLASHES).is_some_and(|host| host.contains('.'))
}

/// Tells whether behind a host stands the name of another where browsers see no host any more: `http://evil.example?shop.example`. Who
/// looks at the end of the address finds the name that it allows.
fn hides_allowed_name(rest: &str) -> bool {
    let Some(at) = rest.trim_start_matches('/').find(['/', '?', '#', ';']) else { return false };
    let behind = rest.trim_start_matches('/').get(at..).unwrap_or_default();
    let (mark, name) = behind.split_at(1);
    // A path or a part of a page may be called like a host, unless a dot comes first.
    let name = match (mark, name.strip_prefix('.')) {
        (_, Some(name)) => name,
        ("/", None) => return false,
        (_, None) => name,
    };
    let mut labels = name.rsplit('.');
    let is_ending = |label: &str| {
        (2..=8).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    labels.next().is_some_and(is_ending)
        && name.contains('.')
        && labels.all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Parameters that often hold an address for another purpose, such as sharing a page.
const COMMON_PARAMETERS: &[&str] = &["url", "uri", "u", "to", "out", "go", "target", "service"];

/// Says whether the path of a target is that of a page that sends visitors on.
fn is_redirector(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    ["redir", "goto", "jump", "logout", "login", "signin", "exit", "away", "leave"]
        .iter()
        .any(|word| last.starts_with(word))
}

/// Returns the host of the page that the visitor came from, which is usually the site itself.
fn own_host(referer: &str) -> Option<&str> {
    let (_, rest) = referer.split_once("://")?;
    rest.split(['/', '?', '#']).next().map(host_of)
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-@[]:_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_inner_network_are_known_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0177.0.0.1",
            "2130706433",
            "169.254.169.254",
            "0xa9fea9fe",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fe80::1%eth0]",
            "localhost",
            "db.internal",
            "0",
        ] {
            assert!(is_inside(host), "{host}");
        }
        for host in [
            "example.com",
            "8.8.8.8",
            "0x08080808",
            "256.1.1.1",
            "1.2.3.4.5",
            "[2001:db8::1]",
            "",
            "09.1",
        ] {
            assert!(!is_inside(host), "{host}");
        }
    }
}
