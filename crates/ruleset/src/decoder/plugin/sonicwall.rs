//! `SonicWall_Decoder`: a line of `name=value` words.
//!
//! `id=firewall … pri=6 … m=98 msg="…" src=2.2.2.2:36701:WAN dst=1.1.1.1:50000:WAN proto=tcp/50000`. The stock rules
//! test the priority as `status` and the message number as `id`. Values in quotes may hold blanks, so a message cannot
//! smuggle in a `src=` of its own.

use crate::fields::{Fields, StaticField};

pub(super) fn decode<'a>(text: &'a [u8], fields: &mut Fields<'a>) {
    let mut rest = text;
    while let Some((name, value, behind)) = next_word(rest) {
        match name {
            b"pri" => fields.set(StaticField::Status, value),
            b"m" => fields.set(StaticField::Id, value),
            b"src" => set_endpoint(fields, value, StaticField::SrcIp, StaticField::SrcPort),
            b"dst" => set_endpoint(fields, value, StaticField::DstIp, StaticField::DstPort),
            b"proto" => {
                let protocol = value.split(|&byte| byte == b'/').next().unwrap_or_default();
                fields.set(StaticField::Protocol, protocol);
            }
            _ => {}
        }
        rest = behind;
    }
}

/// Reads the next `name=value` and returns what stands behind it. A word without `=` has no value.
fn next_word(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    let name_end = text.iter().position(|&byte| byte == b'=' || byte == b' ').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(name_end)?;
    let Some(value) = rest.strip_prefix(b"=") else {
        return Some((name, b"", rest));
    };
    let (value, terminator) = match value.strip_prefix(b"\"") {
        Some(quoted) => (quoted, b'"'),
        None => (value, b' '),
    };
    let end = memchr::memchr(terminator, value).unwrap_or(value.len());
    let (value, behind) = value.split_at_checked(end)?;
    Some((name, value, behind.get(1..).unwrap_or_default()))
}

/// Sets `address:port:interface`, of which any part may be empty.
fn set_endpoint<'a>(
    fields: &mut Fields<'a>,
    endpoint: &'a [u8],
    ip: StaticField,
    port: StaticField,
) {
    let parts = endpoint.split(|&byte| byte == b':');
    for (part, field) in parts.zip([ip, port]) {
        if !part.is_empty() {
            fields.set(field, part);
        }
    }
}
