//! Writes Wazuh's `.ini` tests of the rules that are made of signs.
//!
//! Each example of a sign becomes requests as different servers log them and different clients encode them: everything in percent,
//! as little as possible, two layers. So the rule is seen to work in each form, and the examples stay short and readable.

use triage::classify::sign::{Family, Place, Sign};

use super::xml;

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
        let mut first_example = None;
        for sign in &family.signs {
            if !is_rule(sign.id) {
                continue;
            }
            write_sign(&mut text, family, sign);
            first_example = first_example.or(sign.attack.first().map(|value| (sign, value)));
        }
        if let (Some(answered), Some((sign, value))) = (family.answered, first_example) {
            let line = line(sign, value, Encoding::Full, Server::Apache, 200);
            section(
                &mut text,
                &format!("{answered} {}, answered", family.title),
                &[line],
                "pass",
                (answered, xml::ANSWERED_LEVEL),
                Server::Apache,
            );
        }
    }
    text
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
    section(text, &name, &lines(&sign.attack, &access, 404), "pass", outcome, Server::Apache);
    if !matches!(sign.place, Place::Agent | Place::Header) {
        let django = [(Encoding::Least, Server::Django)];
        let name = format!("{name}, in Django's own log");
        section(text, &name, &lines(&sign.attack, &django, 404), "pass", outcome, Server::Django);
    }
    if xml::has_header_rule(sign) {
        let lines: Vec<String> = sign
            .attack
            .iter()
            .map(|value| header_line(value))
            .filter(|line| xml::passes_header_gate(line))
            .collect();
        let outcome = (sign.id + xml::HEADER_OFFSET, outcome.1);
        section(text, &format!("{name}, in a header"), &lines, "pass", outcome, Server::Apache);
    }
    let harmless = [(Encoding::Full, Server::Apache), (Encoding::Least, Server::Nginx)];
    let name = format!("{name}, harmless");
    section(text, &name, &lines(&sign.harmless, &harmless, 404), "fail", outcome, Server::Apache);
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
    let encoded = || encode(value, encoding);
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

/// Writes the line that Apache logs for a request with the value in a parameter of its referer.
pub(super) fn header_line(value: &str) -> String {
    let referer = format!("http://shop.example/list?item={}", encode(value, Encoding::Full));
    format!(
        "192.0.2.7 - - [24/Nov/2026:14:16:37 +0000] \"GET /shop/list HTTP/1.1\" 404 512 \"{referer}\" \"Mozilla/5.0\""
    )
}

/// Encodes a value for a query.
fn encode(value: &str, encoding: Encoding) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        let plain = match encoding {
            Encoding::Full | Encoding::Twice => {
                byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
            }
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
