//! Writes Wazuh's `.ini` tests of the rules that are made of signs.
//!
//! Each example of a sign becomes requests as different servers log them and different clients encode them: everything in percent,
//! as little as possible, two layers. So the rule is seen to work in each form, and the examples stay short and readable.
//!
//! Each rule has samples that must not end with it, too: what looks like the attack and is harmless, at the same place (a header
//! for the rule about headers), and for the rule about answered attempts the same attack with another answer.

use triage::classify::sign::{Family, Place, Reader, Sign};

use super::xml;

/// What a server says to most attempts: an attempt is tested where nothing else is worth an alert.
pub(super) const REFUSED: u16 = 404;

/// A success.
const ANSWERED: u16 = 200;

/// What else a server may say to an attack: elsewhere, not allowed, not there, and that it broke.
const NOT_ANSWERED: [u16; 4] = [302, 403, REFUSED, 500];

/// How a client encodes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Everything but letters, digits and the four signs that never need it.
    Full,
    /// Only what would break the request line or the query.
    Least,
    /// All of that, and the percent signs once more.
    Twice,
}

/// Who writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Apache,
    Nginx,
    Django,
}

impl Server {
    fn decoder(self) -> &'static str {
        match self {
            Server::Apache | Server::Nginx => "web-accesslog",
            Server::Django => "quell-django",
        }
    }
}

/// Writes the tests of all rules that are in the file of rules.
pub(super) fn write(families: &[Family], is_rule: impl Fn(u32) -> bool) -> String {
    let mut text = String::from(HEAD);
    for family in families {
        let mut answered = Answered::default();
        for sign in family.signs.iter().filter(|sign| is_rule(sign.id)) {
            write_sign(&mut text, family, sign);
            answered.add(sign);
        }
        answered.write(&mut text, family);
    }
    text
}

/// The tests of the rule for attempts of one kind that were answered with success.
#[derive(Default)]
struct Answered {
    /// The first attack of each sign, in the request and in a header.
    yes: Vec<String>,
    /// An attack of the first sign with any other answer, and what is no attack, answered.
    no: Vec<String>,
}

impl Answered {
    fn add(&mut self, sign: &Sign) {
        let of_request =
            |value: &String, status| line(sign, value, Encoding::Full, Server::Apache, status);
        let Some(attack) = sign.attack.first() else { return };
        if self.no.is_empty() {
            self.no = NOT_ANSWERED.map(|status| of_request(attack, status)).into();
            self.no.extend(sign.harmless.first().map(|value| of_request(value, ANSWERED)));
        }
        self.yes.push(of_request(attack, ANSWERED));
        if xml::has_header_rule(sign) {
            self.yes.extend(through_the_gate(&sign.attack, ANSWERED).next());
        }
    }

    fn write(&self, text: &mut String, family: &Family) {
        let Some(id) = family.answered else { return };
        let outcome = (id, xml::ANSWERED_LEVEL);
        let name = format!("{id} {}, answered", family.title);
        section(text, &name, &self.yes, "pass", outcome, Server::Apache);
        let name = format!("{id} {}, not answered with success, or harmless", family.title);
        section(text, &name, &self.no, "fail", outcome, Server::Apache);
    }
}

fn write_sign(text: &mut String, family: &Family, sign: &Sign) {
    let outcome = (sign.id, xml::level(family, sign));
    let name = format!("{} {}", sign.id, sign.reason);
    let lines = |values: &[String], forms: &[(Encoding, Server)], status: u16| -> Vec<String> {
        let of = |value: &String| {
            forms
                .iter()
                .map(|(encoding, server)| line(sign, value, *encoding, *server, status))
                .collect::<Vec<_>>()
        };
        values.iter().flat_map(of).collect()
    };
    let access = [
        (Encoding::Full, Server::Apache),
        (Encoding::Least, Server::Nginx),
        (Encoding::Twice, Server::Apache),
    ];
    section(text, &name, &lines(&sign.attack, &access, REFUSED), "pass", outcome, Server::Apache);
    if !matches!(sign.place, Place::Agent | Place::Header) {
        let django = [(Encoding::Least, Server::Django)];
        let name = format!("{name}, in Django's own log");
        section(
            text,
            &name,
            &lines(&sign.attack, &django, REFUSED),
            "pass",
            outcome,
            Server::Django,
        );
    }
    if xml::has_header_rule(sign) {
        let outcome = (sign.id + xml::HEADER_OFFSET, outcome.1);
        let lines: Vec<String> = through_the_gate(&sign.attack, REFUSED).collect();
        section(text, &format!("{name}, in a header"), &lines, "pass", outcome, Server::Apache);
        let lines: Vec<String> = through_the_gate(&sign.harmless, REFUSED).collect();
        let name = format!("{name}, in a header, harmless");
        section(text, &name, &lines, "fail", outcome, Server::Apache);
    }
    let harmless = [(Encoding::Full, Server::Apache), (Encoding::Least, Server::Nginx)];
    let name = format!("{name}, harmless");
    section(
        text,
        &name,
        &lines(&sign.harmless, &harmless, REFUSED),
        "fail",
        outcome,
        Server::Apache,
    );
}

fn section(
    text: &mut String,
    name: &str,
    lines: &[String],
    should: &str,
    (rule, level): (u32, u8),
    server: Server,
) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n[{name}]\n"));
    for (number, line) in (1..).zip(lines) {
        text.push_str(&format!("log {number} {should} = {line}\n"));
    }
    text.push_str(&format!("rule = {rule}\nalert = {level}\ndecoder = {}\n", server.decoder()));
}

/// Writes the line that a server logs for a request with the value in its place.
fn line(sign: &Sign, value: &str, encoding: Encoding, server: Server, status: u16) -> String {
    let encoded = || encode(value, encoding, sign.reader == Reader::EscapedLetters);
    let (target, agent) = match sign.place {
        Place::Any | Place::Input | Place::Value => (format!("/shop/list?item={}", encoded()), ""),
        Place::Command => (format!("/shop/list.php?cmd={}", encoded()), ""),
        Place::Target => (value.to_owned(), ""),
        Place::Agent | Place::Header => ("/shop/list".to_owned(), value),
    };
    let (target, agent) = (escape(&target, server), escape(agent, server));
    let agent = if agent.is_empty() { "Mozilla/5.0".to_owned() } else { agent };
    match server {
        Server::Apache | Server::Nginx => format!(
            "192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] \"GET {target} HTTP/1.1\" {status} 512 \"-\" \"{agent}\""
        ),
        Server::Django => {
            format!("[24/Nov/2026 14:16:37] \"GET {target} HTTP/1.1\" {status} 512")
        }
    }
}

/// Writes those of the values as lines with a header that pass the gate for headers: a rule behind it sees no others.
fn through_the_gate(values: &[String], status: u16) -> impl Iterator<Item = String> {
    let lines = values.iter().map(move |value| header_line(value, status));
    lines.filter(|line| xml::passes_header_gate(line))
}

/// Writes the line that Apache logs for a request with the value in a parameter of its referer.
pub(super) fn header_line(value: &str, status: u16) -> String {
    let referer = format!("http://shop.example/list?item={}", encode(value, Encoding::Full, false));
    format!(
        "192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] \"GET /shop/list HTTP/1.1\" {status} 512 \"{referer}\" \"Mozilla/5.0\""
    )
}

/// Encodes a value for a query, if asked to with letters that need none: all of them, or every other.
fn encode(value: &str, encoding: Encoding, has_escaped_letters: bool) -> String {
    let mut out = String::new();
    for (place, byte) in value.bytes().enumerate() {
        let is_letter = byte.is_ascii_alphanumeric();
        let plain = match encoding {
            _ if is_letter && has_escaped_letters => encoding == Encoding::Least && place % 2 == 0,
            Encoding::Full | Encoding::Twice => is_letter || b"-._~".contains(&byte),
            Encoding::Least => byte.is_ascii_graphic() && !b"%#&+\"".contains(&byte),
        };
        match (plain, byte, encoding) {
            (true, _, _) => out.push(char::from(byte)),
            (false, b' ', Encoding::Least) => out.push('+'),
            (false, _, Encoding::Twice) => {
                out.push_str(&format!("%25{byte:02X}"));
            }
            (false, _, _) => {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

/// Escapes a text as a server does before it writes it between quotes.
fn escape(text: &str, server: Server) -> String {
    match server {
        Server::Apache => text.replace('\\', "\\\\").replace('"', "\\\""),
        Server::Nginx => text.replace('\\', "\\x5C").replace('"', "\\x22"),
        Server::Django => text.to_owned(),
    }
}

const HEAD: &str = "\
; Tests of quell_web_attacks.xml, made by `quell rules build` of the examples in rules/signs.
; Load the decoders of this folder beside it; the stock rules and decoders may stand before them.
";
