//! `OSSECAlert_Decoder`: an alert that another manager forwarded by syslog.
//!
//! `Alert Level: 3; Rule: 5715 - Login.; Location: (web) 10.0.0.1->/var/log/auth.log; srcip: 10.0.0.9; user: root; …`.
//! Taken are the address and the user, when they stand before the original log line. The original may also adopt the
//! other manager's rule and location; that is not done here, so such an event is judged by our own rules.

use super::split_at_text;
use crate::fields::{Fields, StaticField};

pub(super) fn decode<'a>(text: &'a [u8], fields: &mut Fields<'a>) {
    let Some((_, items)) = split_at_text(text, b"Alert Level: ") else { return };
    let mut rest = items;
    while let Some((item, behind)) = split_at_text(rest, b"; ") {
        if let Some(address) = item.strip_prefix(b"srcip: ") {
            fields.set(StaticField::SrcIp, address);
        } else if let Some(user) = item.strip_prefix(b"user: ") {
            fields.set(StaticField::DstUser, user);
            return;
        }
        rest = behind;
    }
}
