//! `PF_Decoder`: a packet of OpenBSD's packet filter in tcpdump's words.
//!
//! `rule 2/(match) pass in on xl0: 10.0.0.1.6667 > 10.0.0.2.16290: P 1:2(1) ack 3` gives action, addresses, ports and
//! protocol. The port is the part behind the last dot. A packet without ports leaves them unset, and Wazuh then drops
//! the event, because one of type firewall needs them all.

use super::split_at_text;
use crate::fields::{Fields, StaticField};

pub(super) fn decode<'a>(text: &'a [u8], fields: &mut Fields<'a>) {
    let Some((before, after)) =
        split_at_text(text, b" in on ").or_else(|| split_at_text(text, b" out on "))
    else {
        return;
    };
    let Some((_, packet)) = split_at_text(after, b": ") else { return };
    let Some((source, rest)) = split_at_text(packet, b" > ") else { return };
    let Some((target, details)) = split_at_text(rest, b": ") else { return };
    let action = before.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    fields.set(StaticField::Action, action);
    fields.set(StaticField::Protocol, protocol(details));
    set_endpoint(fields, source, StaticField::SrcIp, StaticField::SrcPort);
    set_endpoint(fields, target, StaticField::DstIp, StaticField::DstPort);
}

/// What tcpdump does not name is TCP, shown by its flags.
fn protocol(details: &[u8]) -> &'static [u8] {
    let details = details.trim_ascii_start();
    if details.starts_with(b"udp") {
        b"udp"
    } else if details.starts_with(b"icmp") {
        b"icmp"
    } else {
        b"tcp"
    }
}

fn set_endpoint<'a>(
    fields: &mut Fields<'a>,
    endpoint: &'a [u8],
    ip: StaticField,
    port: StaticField,
) {
    let dots = endpoint.iter().filter(|&&byte| byte == b'.').count();
    let has_port = dots == 4 || (dots == 1 && endpoint.contains(&b':'));
    let parts = endpoint
        .iter()
        .rposition(|&byte| byte == b'.')
        .and_then(|dot| endpoint.split_at_checked(dot));
    match parts {
        Some((address, [b'.', number @ ..])) if has_port => {
            fields.set(ip, address);
            fields.set(port, number);
        }
        _ => fields.set(ip, endpoint),
    }
}
