//! `SymantecWS_Decoder`: Symantec Web Security's numbered values.
//!
//! `20070717,73559,1=5,11=2.3.4.5,10=userb,3=2,2=1`: 11 is the client, 10 the user, 60 the URL, 3 and 2 the kind of
//! event. The stock rules test the kind as one text that starts with the first of the two (`3=2,2=1`), so `id` is
//! that part of the line as it stands.

use crate::fields::{Fields, StaticField};

pub(super) fn decode<'a>(text: &'a [u8], fields: &mut Fields<'a>) {
    let mut kind_start = None;
    let mut kind_end = 0;
    let mut at: usize = 0;
    for word in text.split(|&byte| byte == b',') {
        let end = at.saturating_add(word.len());
        match word {
            [b'1', b'1', b'=', client @ ..] => fields.set(StaticField::SrcIp, client),
            [b'1', b'0', b'=', user @ ..] => fields.set(StaticField::DstUser, user),
            [b'6', b'0', b'=', url @ ..] => fields.set(StaticField::Url, url),
            [b'2' | b'3', b'=', ..] => {
                kind_start = kind_start.or(Some(at));
                kind_end = end;
            }
            _ => {}
        }
        at = end.saturating_add(1);
    }
    if let Some(kind) = kind_start.and_then(|start| text.get(start..kind_end)) {
        fields.set(StaticField::Id, kind);
    }
}
