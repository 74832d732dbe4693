//! The examples of the signs themselves, as values of a request.

use super::super::sign::{Family, Place, Reader, Sign, families};
use super::*;

/// A request with a value where the sign looks for it.
fn findings(sign: &Sign, value: &str) -> Vec<Finding> {
    let escaped = escape(value);
    let target = match sign.place {
        Place::Any | Place::Input | Place::Value => format!("/shop/list?item={escaped}"),
        Place::Command => format!("/shop/list.php?cmd={escaped}"),
        Place::Target => value.to_owned(),
        Place::Agent | Place::Header => "/shop/list".to_owned(),
    };
    let user_agent = if matches!(sign.place, Place::Agent | Place::Header) { value } else { "-" };
    classify(&Request { method: "GET", target: &target, user_agent, ..Request::default() })
}

fn signs() -> impl Iterator<Item = (&'static Family, &'static Sign)> {
    families().iter().flat_map(|family| family.signs.iter().map(move |sign| (family, sign)))
}

#[test]
fn every_sign_has_an_example_and_a_look_alike() {
    let without: Vec<u32> = signs()
        .filter(|(_, sign)| sign.attack.is_empty() || sign.harmless.is_empty())
        .map(|(_, sign)| sign.id)
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<u32> = signs().map(|(_, sign)| sign.id).collect();
    ids.extend(families().iter().filter_map(|family| family.answered));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// The signs whose examples the classification knows, by the sign or by code. Those for escaped letters are looser than what it may say of a
/// decoded value.
fn known_signs() -> impl Iterator<Item = (&'static Family, &'static Sign)> {
    signs().filter(|(_, sign)| sign.reader != Reader::EscapedLetters)
}

#[test]
fn examples_of_attacks_are_found() {
    let mut missed = Vec::new();
    for (family, sign) in known_signs() {
        for value in &sign.attack {
            let found = findings(sign, value);
            // A weak sign alone is not reported.
            let counts = !sign.reader.reads_values() || sign.strength >= STRENGTH_MIN;
            if counts && !found.iter().any(|finding| finding.class == family.class) {
                missed.push((sign.id, value, found));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn harmless_look_alikes_raise_nothing() {
    let mut raised = Vec::new();
    for (family, sign) in known_signs() {
        for value in &sign.harmless {
            let found = findings(sign, value);
            if found.iter().any(|finding| finding.class == family.class) {
                raised.push((sign.id, value, found));
            }
        }
    }
    assert!(raised.is_empty(), "{raised:#?}");
}
