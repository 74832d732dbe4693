//! Decoders for four old formats that a decoder names with `<plugin_decoder>`.
//!
//! In Wazuh they are compiled in, so their text in a ruleset is only a name. No recording of the original covers them;
//! what they do here follows from the formats' own documentation and from what the stock rules ask for. They are
//! deliberately plain: each takes the values that the line spells out and sets nothing it would have to guess, so
//! a field may be missing that the original sets. The fifth, `JSON_Decoder`, is in [`super::json`].
//!
//! Every decoder makes one pass over the line and borrows all values from it.

mod ossec_alert;
mod pf;
mod sonicwall;
mod symantec;

use crate::fields::Fields;

/// A decoder for one fixed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// OpenBSD's packet filter, as tcpdump prints it (`PF_Decoder`).
    Pf,
    /// Symantec Web Security (`SymantecWS_Decoder`).
    SymantecWs,
    /// SonicWall firewalls (`SonicWall_Decoder`).
    SonicWall,
    /// Alerts that another OSSEC or Wazuh manager sends by syslog (`OSSECAlert_Decoder`).
    OssecAlert,
}

impl Plugin {
    /// Finds the plugin that a `<plugin_decoder>` names.
    pub fn from_name(name: &[u8]) -> Option<Plugin> {
        match name {
            b"PF_Decoder" => Some(Plugin::Pf),
            b"SymantecWS_Decoder" => Some(Plugin::SymantecWs),
            b"SonicWall_Decoder" => Some(Plugin::SonicWall),
            b"OSSECAlert_Decoder" => Some(Plugin::OssecAlert),
            _ => None,
        }
    }

    /// Reads `text` into `fields`. Text of another format sets nothing.
    pub fn decode<'a>(self, text: &'a [u8], fields: &mut Fields<'a>) {
        match self {
            Plugin::Pf => pf::decode(text, fields),
            Plugin::SymantecWs => symantec::decode(text, fields),
            Plugin::SonicWall => sonicwall::decode(text, fields),
            Plugin::OssecAlert => ossec_alert::decode(text, fields),
        }
    }
}

/// Splits at the first occurrence of `separator`, which belongs to neither side.
fn split_at_text<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((text.get(..at)?, text.get(at.saturating_add(separator.len())..)?))
}

#[cfg(test)]
mod tests;
