//! The fields that decoders found in one event.
//!
//! There are two kinds. The static ones have names fixed by the rule language (`srcip`, `url`, …), elements of their
//! own in rules, and hold one value; a later value replaces an earlier one. Everything else is dynamic: a name and a
//! value in the order found, looked up without regard to case, where the first of a name counts. Values borrow from
//! the log line where they can, so an event costs no allocation per field.
//!
//! [`Fields::write_data`] writes them as the `data` object of an alert.

mod data;

pub use crate::decoder::json::write_json_string;

use std::borrow::Cow;

/// How many dynamic fields an event may have. It is Wazuh's default (`analysisd.decoder_order_size`), and it bounds
/// what one hostile log line can make us hold.
pub const DYNAMIC_FIELDS_MAX: usize = 256;

/// A field with a place of its own in the rule language.
///
/// `srcgeoip` and `dstgeoip` are missing: Wazuh sets them only in builds with GeoIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of the rule language and say it all")]
pub enum StaticField {
    Protocol,
    Action,
    SrcIp,
    SrcPort,
    SrcUser,
    DstIp,
    DstPort,
    DstUser,
    Id,
    Status,
    Url,
    Data,
    ExtraData,
    SystemName,
}

impl StaticField {
    /// All of them, in the order in which `data` shows them.
    pub const ALL: [StaticField; 14] = [
        StaticField::Protocol,
        StaticField::Action,
        StaticField::SrcIp,
        StaticField::SrcPort,
        StaticField::SrcUser,
        StaticField::DstIp,
        StaticField::DstPort,
        StaticField::DstUser,
        StaticField::Id,
        StaticField::Status,
        StaticField::Url,
        StaticField::Data,
        StaticField::ExtraData,
        StaticField::SystemName,
    ];

    /// Returns the name used in decoders, rules and alerts.
    pub const fn name(self) -> &'static str {
        match self {
            StaticField::Protocol => "protocol",
            StaticField::Action => "action",
            StaticField::SrcIp => "srcip",
            StaticField::SrcPort => "srcport",
            StaticField::SrcUser => "srcuser",
            StaticField::DstIp => "dstip",
            StaticField::DstPort => "dstport",
            StaticField::DstUser => "dstuser",
            StaticField::Id => "id",
            StaticField::Status => "status",
            StaticField::Url => "url",
            StaticField::Data => "data",
            StaticField::ExtraData => "extra_data",
            StaticField::SystemName => "system_name",
        }
    }

    /// Finds the field of a name exactly as [`StaticField::name`] gives it.
    pub fn from_name(name: &[u8]) -> Option<StaticField> {
        StaticField::ALL.into_iter().find(|field| field.name().as_bytes() == name)
    }

    /// Finds the field that a word of a decoder's `<order>` means; `user` is another name of `dstuser`.
    pub fn from_order_name(name: &[u8]) -> Option<StaticField> {
        if name == b"user" { Some(StaticField::DstUser) } else { StaticField::from_name(name) }
    }

    /// Finds the field that a top-level JSON key means. The spelling `systemname` is the JSON decoder's own, and
    /// case counts.
    pub fn from_json_name(name: &[u8]) -> Option<StaticField> {
        match name {
            b"systemname" => Some(StaticField::SystemName),
            b"system_name" => None,
            _ => StaticField::from_name(name),
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

type Text<'a> = Cow<'a, [u8]>;
type Statics<'a> = [Option<Text<'a>>; StaticField::ALL.len()];

/// The decoded fields of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    statics: Statics<'a>,
    dynamic: Vec<(Text<'a>, Text<'a>)>,
    dropped: usize,
}

/// The fields at some moment, to return to.
pub(crate) struct Checkpoint<'a> {
    statics: Statics<'a>,
    dynamic_count: usize,
    dropped: usize,
}

impl<'a> Fields<'a> {
    /// Returns an event without fields.
    pub fn new() -> Fields<'a> {
        Fields::default()
    }

    /// Returns the value of a static field.
    pub fn get(&self, field: StaticField) -> Option<&[u8]> {
        self.statics.get(field.index()).and_then(|value| value.as_deref())
    }

    /// Sets a static field; a value it had is replaced.
    pub fn set(&mut self, field: StaticField, value: impl Into<Cow<'a, [u8]>>) {
        if let Some(place) = self.statics.get_mut(field.index()) {
            *place = Some(value.into());
        }
    }

    /// Returns the value of the first dynamic field of this name, in any case.
    pub fn dynamic(&self, name: &[u8]) -> Option<&[u8]> {
        let (_, value) = self.dynamic.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// Adds a dynamic field behind the others. A name that is there already stays visible with its first value, and
    /// the addition takes a place all the same. Beyond [`DYNAMIC_FIELDS_MAX`] the field is dropped and counted.
    pub fn push(&mut self, name: impl Into<Cow<'a, [u8]>>, value: impl Into<Cow<'a, [u8]>>) {
        if self.has_room() {
            self.dynamic.push((name.into(), value.into()));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Says whether another dynamic field can be added.
    pub fn has_room(&self) -> bool {
        self.dynamic.len() < DYNAMIC_FIELDS_MAX
    }

    /// Returns how many dynamic fields [`Fields::push`] dropped.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Returns the static fields that are set, in the order in which `data` shows them.
    pub fn statics(&self) -> impl Iterator<Item = (StaticField, &[u8])> {
        StaticField::ALL.into_iter().filter_map(|field| Some((field, self.get(field)?)))
    }

    /// Returns the dynamic fields, names and values, in the order added.
    pub fn dynamics(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.dynamic.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Says whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.dynamic.is_empty() && self.statics.iter().all(Option::is_none)
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.statics = Statics::default();
        self.dynamic.clear();
        self.dropped = 0;
    }

    /// Returns an event without fields, for a line that lives for another time, in the memory of this one.
    pub fn recycle<'b>(mut self) -> Fields<'b> {
        self.dynamic.clear();
        // The vector is empty, so this only changes its type; collecting reuses the memory.
        let dynamic = self.dynamic.into_iter().map(|_| (Cow::default(), Cow::default())).collect();
        Fields { dynamic, ..Fields::default() }
    }

    /// Copies what borrows from the line, so that the fields outlive it.
    pub fn into_owned(self) -> Fields<'static> {
        let owned = |text: Cow<'a, [u8]>| Cow::Owned(text.into_owned());
        Fields {
            statics: self.statics.map(|value| value.map(owned)),
            dynamic: self
                .dynamic
                .into_iter()
                .map(|(name, value)| (owned(name), owned(value)))
                .collect(),
            dropped: self.dropped,
        }
    }

    /// Appends the `data` object of the alert, as JSON. Without anything to show it appends nothing and says so.
    ///
    /// Static fields come first, then the dynamic ones. Dots in names make nested objects. Names are compared without
    /// regard to case and the first of a name wins, also where one is a text and the other an object. Dynamic fields
    /// without text are left out, static ones are not. Dynamic text that is a JSON array becomes one. Bytes that are
    /// not UTF-8 are written as they are.
    pub fn write_data(&self, out: &mut Vec<u8>) -> bool {
        data::write(self, out)
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint<'a> {
        Checkpoint {
            statics: self.statics.clone(),
            dynamic_count: self.dynamic.len(),
            dropped: self.dropped,
        }
    }

    pub(crate) fn restore(&mut self, checkpoint: Checkpoint<'a>) {
        self.statics = checkpoint.statics;
        self.dynamic.truncate(checkpoint.dynamic_count);
        self.dropped = checkpoint.dropped;
    }
}

#[cfg(test)]
mod tests;
