//! The rules say what the signs say, in whatever way a line is encoded.

use std::sync::Arc;

use ruleset::{Record, Session, SessionOptions};
use triage::classify::sign::{Place, Reader, families};

use super::*;
use crate::rulebook;

/// Ways in which each example is encoded.
const ENCODINGS: u64 = 6;

fn rules_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")
}

#[test]
fn the_files_in_rules_are_what_the_signs_say() {
    let made = make(families());
    for (name, text) in [(RULES_FILE, &made.rules), (TESTS_FILE, &made.tests)] {
        let known = std::fs::read_to_string(rules_folder().join(name)).unwrap();
        assert!(known == *text, "{name}: run `quell rules build --signs rules/signs --out rules`");
    }
}

#[test]
fn every_sign_becomes_a_rule() {
    assert_eq!(make(families()).left_out, []);
}

/// Xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// Encodes each character as the dice want it: not at all, once, twice, in either case. Letters only if asked to, the first in any case.
    fn encode(&mut self, value: &str, has_escaped_letters: bool) -> String {
        let mut out = String::new();
        for byte in value.bytes() {
            let is_letter = byte.is_ascii_alphanumeric();
            let must = !byte.is_ascii_graphic()
                || b"%#&+\"\\".contains(&byte)
                || (is_letter && has_escaped_letters && !out.contains('%'));
            let never = byte == b'_' || (is_letter && !has_escaped_letters);
            match self.below(6) {
                _ if never => out.push(char::from(byte)),
                0 | 1 if byte == b' ' => out.push('+'),
                0 | 1 if !must => out.push(char::from(byte)),
                2 => out.push_str(&format!("%25{byte:02x}")),
                4 => out.push_str(&format!("%u00{byte:02x}")),
                3 => out.push_str(&format!("%{byte:02x}")),
                _ => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    }
}

#[test]
fn no_encoding_hides_an_example() {
    let ruleset = rulebook::load(&[rules_folder()]).unwrap().usable().unwrap();
    let mut session = Session::new(Arc::clone(&ruleset), SessionOptions::default());
    let mut hidden = Vec::new();
    let mut client = 0_u32;
    let of_lines = |sign: &&triage::classify::sign::Sign| sign.reader.reads_lines();
    for sign in families().iter().flat_map(|family| family.signs.iter().filter(of_lines)) {
        let (Place::Any | Place::Input | Place::Value) = sign.place else { continue };
        for value in &sign.attack {
            for seed in 1..=ENCODINGS {
                let value = Dice(seed * 7919 + u64::from(sign.id))
                    .encode(value, sign.reader == Reader::EscapedLetters);
                // Each from an address of its own, or they would be a sequence.
                client += 1;
                let address = std::net::Ipv4Addr::from(0x0a00_0000 + client);
                let line = format!(
                    "{address} - - [24/Nov/2026:14:16:37 +0000] \"GET /shop/list?item={value} HTTP/1.1\" 404 512 \"-\" \"-\""
                );
                let record = Record { time: 0, location: b"access.log", log: line.as_bytes() };
                let outcome = session.process(&record);
                let is_found =
                    outcome.rule().is_some_and(|rule| (116_200..116_800).contains(&rule.id));
                if !is_found {
                    hidden.push((sign.id, line));
                }
            }
        }
    }
    assert!(hidden.is_empty(), "{} hidden: {hidden:#?}", hidden.len());
}
