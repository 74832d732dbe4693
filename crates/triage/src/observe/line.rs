//! What an access-log line says, where its decoder left no word of it.
//!
//! Of Wazuh's own decoders one for FTP (`pure-transfer`) takes web requests that have a quote in them or name no protocol, and has no field
//! for the client. The actor of such an alert would be the machine that keeps the log: everybody who sends such requests would be one, and
//! share an incident with all the others. So the line itself is read.
//!
//! The web server wrote the line, but most of it is what the client sent. Believed is only what a client can't move: the very first word, in
//! a line whose next words are exactly those of the common format. What was answered stands behind the request, and is believed
//! only where a single place of the line can be it. Everything else is left to the rule.

use alert::Alert;

use super::{SEARCHED_BYTES_MAX, entity, split_at_quotes_from_end};
use crate::template;

/// The group of Quell's rules for attacks in requests. Other alerts without an address may be of logs that only look like this.
const GROUP: &str = "web_attack";

/// How the time of a line looks, up to the quotation mark of the request: `0` is a digit, `a` a letter, `+` a sign.
const TIME_FORM: &[u8] = b"[00/aaa/0000:00:00:00 +0000] \"";

/// Longest name of a method, in bytes: the gate of Quell's rules takes as much.
const METHOD_BYTES_MAX: usize = 32;

/// Most digits of an answer's size: as many as a number of 64 bits has.
const SIZE_DIGITS_MAX: usize = 20;

/// A line of an access log.
pub(super) struct AccessLine<'a> {
    /// The client's address.
    pub(super) client: String,
    /// The request, if it is clear where it ends.
    pub(super) asked: Option<LineRequest<'a>>,
}

/// A request and the answer to it.
pub(super) struct LineRequest<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) status: Option<u16>,
    pub(super) size: Option<u64>,
}

/// Reads the line of an alert on an attack whose decoder named no address.
pub(super) fn of(alert: &Alert) -> Option<AccessLine<'_>> {
    if !alert.rule.has_group(GROUP) || entity::source(alert).is_some() {
        return None;
    }
    let line = template::head(alert.full_log.as_raw(), SEARCHED_BYTES_MAX);
    let mut words = line.splitn(4, ' ');
    let (client, identity, _user, rest) =
        (words.next()?, words.next()?, words.next()?, words.next()?);
    // Lines that begin with the name of a site, which a client may choose, have the address here.
    if identity != "-" {
        return None;
    }
    let rest = behind_time(rest)?;
    Some(AccessLine { client: entity::address(client)?, asked: request(rest) })
}

/// Gives what follows the time and the quotation mark.
fn behind_time(text: &str) -> Option<&str> {
    let head = text.as_bytes().get(..TIME_FORM.len())?;
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        b'+' => matches!(byte, b'+' | b'-'),
        _ => byte == form,
    };
    head.iter().zip(TIME_FORM).all(fits).then(|| text.get(TIME_FORM.len()..)).flatten()
}

/// Reads the request and its answer. Who puts something like an answer into a request, or into what is behind it, gets none believed.
fn request(rest: &str) -> Option<LineRequest<'_>> {
    let (end, Told { status, size, .. }) = only_answer(rest)?;
    let (method, target) = rest.get(..end)?.split_once(' ')?;
    let target = match target.rsplit_once(" HTTP/") {
        Some((target, version)) if is_version(version) => target,
        _ => target,
    };
    let is_method = !method.is_empty()
        && method.len() <= METHOD_BYTES_MAX
        && method.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    (is_method && !target.is_empty()).then_some(LineRequest { method, target, status, size })
}

/// Cuts the request with its status and the size of its answer out of a line, as it stands there: two lines that share it are the same
/// request with the same answer. A server may write a client's quotes as they came, so nothing is cut out where a client could have chosen the
/// place: there is one answer, and behind it come quoted texts until the line ends, as many as the format has.
pub(crate) fn answered(line: &str) -> Option<&str> {
    let (_, from_request) = line.split_once('"')?;
    let (end, told) = only_answer(from_request)?;
    let end = end + ANSWER_MARK.len() + told.length;
    let is_closed = split_at_quotes_from_end(from_request.get(end..)?)
        .enumerate()
        .all(|(at, piece)| !at.is_multiple_of(2) || piece.trim().is_empty());
    let is_sized = told.status.is_some() && told.size.is_some();
    (is_closed && is_sized).then(|| from_request.get(..end))?
}

/// What stands between a request and its answer.
const ANSWER_MARK: &str = "\" ";

/// Finds the one place of a line that can be an answer.
fn only_answer(rest: &str) -> Option<(usize, Told)> {
    let mut answers = rest
        .match_indices(ANSWER_MARK)
        .filter_map(|(at, mark)| Some((at, answer(rest.get(at + mark.len()..)?)?)));
    let only = answers.next()?;
    answers.next().is_none().then_some(only)
}

/// A status and a size, and how many bytes they take.
struct Told {
    status: Option<u16>,
    size: Option<u64>,
    length: usize,
}

/// Tells whether a text is the number of a protocol. What only begins like one belongs to the target, with whatever attack is in it.
fn is_version(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Reads a status and a size, behind which the line or its first part ends.
fn answer(text: &str) -> Option<Told> {
    let text = template::head(text, SIZE_DIGITS_MAX + 8);
    let (status, rest) = text.split_once(' ')?;
    let size = rest.split(' ').next().unwrap_or_default();
    let behind = rest.get(size.len()..).unwrap_or_default();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_answer = status.len() == 3
        && is_number(status)
        && (size == "-" || (1..=SIZE_DIGITS_MAX).contains(&size.len()) && is_number(size))
        && (behind.is_empty() || behind.starts_with(" \""));
    let length = status.len() + 1 + size.len();
    let status = status.parse().ok().filter(|status| (100..600).contains(status));
    is_answer.then(|| Told { status, size: size.parse().ok(), length })
}

#[cfg(test)]
mod tests {
    use alert::{Class, Limits};
    use serde_json::json;

    use super::super::{Observation, observe};
    use super::*;

    /// What the stock decoder for FTP leaves of a line: the line.
    fn bare(groups: &[&str], line: &str) -> Alert {
        let alert = json!({
            "rule": {"id": "117300", "level": 10, "description": "SQL injection, in a header.", "groups": groups},
            "agent": {"id": "000", "name": "web01"}, "decoder": {"name": "pure-transfer"},
            "full_log": line, "location": "/var/log/apache2/access.log",
        });
        Alert::parse(alert.to_string().as_bytes(), &Limits::default()).expect("an alert")
    }

    fn seen(line: &str) -> Observation {
        observe(&bare(&["web", "web_attack", "attack", "sql_injection"], line))
    }

    fn actor(line: &str) -> String {
        seen(line).actor.name().to_owned()
    }

    /// Clients, then what stands behind `[time] `.
    fn line(head: &str, rest: &str) -> String {
        format!("{head} [30/Nov/2026:08:00:01 +0000] {rest}")
    }

    const ATTACK: &str = "\"GET /item?id=1%27%20UNION%20SELECT%20name,pw%20FROM%20users--\" 200 12 \"-\" \"Mozilla/5.0\"";

    #[test]
    fn the_client_of_a_line_that_another_decoder_took_is_its_first_word() {
        assert_eq!(actor(&line("198.51.100.7 - -", ATTACK)), "198.51.100.7");
        assert_eq!(actor(&line("198.51.100.8 - bob", ATTACK)), "198.51.100.8");
        assert_eq!(actor(&line("2001:db8::9 - -", ATTACK)), "2001:db8::9");
        assert_eq!(actor(&line("[2001:db8::9]:4711 - -", ATTACK)), "2001:db8::9");
        assert_eq!(actor(&line("198.51.100.7:4711 - -", ATTACK)), "198.51.100.7");
    }

    #[test]
    fn such_a_request_is_read_like_any_other() {
        let seen = seen(&line("198.51.100.7 - -", ATTACK));
        assert_eq!((seen.class, seen.status), (Class::SqlInjection, Some(200)));
        assert_eq!(seen.objects, ["/item"]);
        assert_eq!(seen.finding.and_then(|finding| finding.parameter).as_deref(), Some("id"));
        let asked = seen.asked.expect("it can be compared");
        assert_eq!(asked.answer.size, 12);
    }

    #[test]
    fn a_quote_in_the_request_does_not_end_it() {
        let rest = "\"GET /item?q=\"><script>alert(1)</script> HTTP/1.1\" 404 612";
        let alert = bare(&["web_attack", "xss"], &line("198.51.100.7 - -", rest));
        let asked = of(&alert).and_then(|line| line.asked).expect("a request");
        assert_eq!((asked.method, asked.target), ("GET", "/item?q=\"><script>alert(1)</script>"));
        assert_eq!((asked.status, asked.size), (Some(404), Some(612)));
    }

    #[test]
    fn what_only_begins_like_a_protocol_is_part_of_the_target() {
        let rest = "\"GET /a HTTP/1.1/../../../../etc/passwd\" 200 12 \"-\" \"-\"";
        let seen = seen(&line("198.51.100.7 - -", rest));
        assert_eq!((seen.class, seen.status), (Class::PathTraversal, Some(200)));
        assert!(seen.finding.is_some(), "{seen:?}");
    }

    #[test]
    fn no_address_but_the_first_word_of_such_a_line_is_believed() {
        let spoof = "\"GET /a\" 203.0.113.5 - - [30/Nov/2026:08:00:01 +0000] \"GET /item?id=1' UNION SELECT 1--\" 200 12 \"-\" \"203.0.113.5\"";
        assert_eq!(actor(&line("198.51.100.7 - -", spoof)), "198.51.100.7");
        for head in [
            // The name of a site, which the client chose, before its own address.
            "203.0.113.5 198.51.100.7 - -",
            "203.0.113.5 198.51.100.7 -",
            "client.example.org - -",
            "203.0.113.5, 198.51.100.7 - -",
            "- 203.0.113.5 -",
            "- - 203.0.113.5",
            " 203.0.113.5 - -",
            "203.0.113.5\t- -",
            "Nov 30 08:00:01 web01 nginx: 203.0.113.5 - -",
            "203.0.113.5 - a b",
            "0.0.0.0 - -",
            "203.0.113.5:99999 - -",
            "203.0.113.555 - -",
        ] {
            assert_eq!(actor(&line(head, ATTACK)), "web01", "{head}");
        }
        for whole in [
            "203.0.113.5",
            "203.0.113.5 - - ",
            "203.0.113.5 - - GET /",
            "203.0.113.5 - - [30/Nov/2026] \"GET /\" 200 1 \"-\" \"-\"",
            "203.0.113.5 - - [30/Nov/2026:08:00:01 +0000]",
            "203.0.113.5 - - [\u{e4}\u{f6}/Nov/2026:08:00:01 +0000] \"GET /",
        ] {
            assert_eq!(actor(whole), "web01", "{whole}");
        }
    }

    #[test]
    fn an_answer_that_could_be_the_clients_own_words_is_not_believed() {
        let attack = "GET /item?id=1' UNION SELECT name,pw FROM users--";
        for rest in [
            format!("\"{attack}\" 404 5 \"x\" 200 12 \"-\" \"-\""),
            format!("\"{attack}\" 200 12 \"-\" \"x\" 404 5 \"-\" \"y\""),
            format!("\"{attack}"),
            format!("\"{attack}\" 2000 12 \"-\" \"-\""),
            format!("\"{attack}\" 200 {} \"-\" \"-\"", "9".repeat(40)),
        ] {
            let seen = seen(&line("198.51.100.7 - -", &rest));
            assert_eq!((seen.actor.name(), seen.status), ("198.51.100.7", None), "{rest}");
            assert_eq!(seen.class, Class::SqlInjection, "the rule's word stays: {rest}");
        }
    }

    #[test]
    fn a_request_is_cut_out_with_its_answer_however_many_quoted_texts_follow() {
        let request = "GET /f?u=http://localhost/ HTTP/1.1\" 200 61";
        for tail in
            ["", " \"-\" \"x\"", " \"-\" \"x\" \"203.0.113.9\"", " \"a \\\" 200 5 \\\"\" \"x\""]
        {
            let line = line("198.51.100.7 - -", &format!("\"{request}{tail}"));
            assert_eq!(answered(&line), Some(request), "{tail}");
        }
    }

    #[test]
    fn no_client_chooses_what_is_cut_out_by_writing_quotes() {
        for rest in [
            // Written as it came: an answer in the request, in what is behind it, or where the format has none.
            "\"GET /a\" 200 61 \"b HTTP/1.1\" 404 5 \"-\" \"x\"",
            "\"GET /a HTTP/1.1\" 404 5 \"x\" 200 61 \"y\"",
            "\"GET /a\" 200 61 \"b HTTP/1.1\" 404 \"-\" 5",
            "\"GET /a\" 200 61 \"b HTTP/1.1\" - \"-\"",
            "\"GET /a HTTP/1.1\" 404 5 \"x\" more \"y\"",
            "\"GET /a HTTP/1.1\" 404 -",
        ] {
            assert_eq!(answered(&line("198.51.100.7 - -", rest)), None, "{rest}");
        }
    }

    #[test]
    fn a_decoders_address_stays_and_other_rules_are_left_alone() {
        let text = line("198.51.100.7 - -", ATTACK);
        assert!(of(&bare(&["web_attack"], &text)).is_some());
        assert!(of(&bare(&["ftp", "pure-ftpd"], &text)).is_none());
        let alert = json!({
            "rule": {"id": "116706", "level": 12, "description": "x", "groups": ["web_attack"]},
            "agent": {"id": "000", "name": "web01"}, "full_log": text,
            "data": {"srcip": "192.0.2.1", "url": "/", "id": "200"},
        });
        let alert =
            Alert::parse(alert.to_string().as_bytes(), &Limits::default()).expect("an alert");
        assert_eq!(observe(&alert).actor.name(), "192.0.2.1");
    }

    #[test]
    fn long_lines_are_bounded() {
        let rest = format!("\"GET /?q={}\" 200 12 \"-\" \"-\"", "\" ".repeat(40_000));
        let seen = seen(&line("198.51.100.7 - -", &rest));
        assert_eq!((seen.actor.name(), seen.status), ("198.51.100.7", None));
    }
}
