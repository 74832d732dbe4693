//! Any JSON object as a flat list of `path = text`, read within limits.
//!
//! Wazuh's alerts have hundreds of shapes (`data.win.eventdata.targetUserName`, `syscheck.path`), and the JSON
//! decoder turns nearly every value into text. So the reader here makes one list of dotted paths and texts, in the order of
//! the document: a number or a boolean as it was written, an array as the same path several times, `null` and empty
//! strings left out. The first of two equal scalar keys wins, as in Wazuh.
//!
//! What is past a limit is left out of the list and counted, and the rest is read: who can write a log line may choose its shape, and a shape
//! must not keep an alert from being judged. Wazuh writes `rule` and `agent` before `data`.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::parse::Limits;

mod plain;

/// A JSON object, flattened.
///
/// All paths and texts stand in one buffer, one after the other: an alert has some fifty of them, and a piece of memory for each would
/// cost more than reading the JSON does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    text: String,
    list: Vec<Place>,
    /// Where the entries are, by their paths: numbers from 1 on, at the place that the path names or behind it. Of a path that is there several
    /// times it is the first. Empty, or [`SLOTS`] long.
    slots: Vec<u8>,
    /// Entries that may be found by their slot: those before this number.
    indexed: usize,
    dropped: u32,
}

/// Where an entry stands in the buffer: its path, and right behind it its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    path: u32,
    value: u32,
    end: u32,
}

/// Slots for paths: alerts have thirty to sixty different ones, so most are found, or found missing, at the first look.
const SLOTS: usize = 256;

/// Entries that get a slot: their number must fit in one, and half of the slots stay empty. Others are searched for one by one.
const INDEXED_MAX: usize = 128;

/// Longest path, in bytes. Real ones stay under 100; each element of an array carries a copy.
const PATH_BYTES_MAX: usize = 512;

impl Fields {
    /// Reads one JSON object within `limits`.
    ///
    /// # Errors
    /// Says what is wrong and where, for text that is no JSON, no object, or past a limit.
    pub fn parse(json: &str, limits: &Limits) -> Result<Self, serde_json::Error> {
        let mut fields = Self::empty(json);
        match plain::read(json, limits, &mut fields) {
            Some(()) => Ok(fields),
            None => Self::read_carefully(json, limits),
        }
    }

    /// Makes room for what `json` may hold.
    fn empty(json: &str) -> Self {
        let mut fields = Self::default();
        fields.text.reserve(json.len());
        fields.list.reserve(ENTRIES_USUAL);
        fields.slots.resize(SLOTS, 0);
        fields
    }

    fn read_carefully(json: &str, limits: &Limits) -> Result<Self, serde_json::Error> {
        let mut fields = Self::empty(json);
        let mut path = String::with_capacity(PATH_BYTES_USUAL);
        let mut reader = serde_json::Deserializer::from_str(json);
        let node = Node { fields: &mut fields, path: &mut path, depth: 0, limits, root: true };
        node.deserialize(&mut reader)?;
        reader.end()?;
        Ok(fields)
    }

    /// Gives the first text at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.first(path).and_then(|at| self.list.get(at)).map(|place| self.value(place))
    }

    /// Gives every text at `path`: the elements of an array.
    pub fn all<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.first(path).unwrap_or(self.list.len());
        let behind = self.list.get(from..).unwrap_or_default().iter();
        behind.filter(move |place| self.is_at(place, path)).map(|place| self.value(place))
    }

    /// Gives the number of the first entry at `path`.
    fn first(&self, path: &str) -> Option<usize> {
        for slot in slots_of(path) {
            match self.slots.get(slot).copied().unwrap_or(0) {
                0 => break,
                number => {
                    let at = usize::from(number) - 1;
                    if self.list.get(at).is_some_and(|place| self.is_at(place, path)) {
                        return Some(at);
                    }
                }
            }
        }
        let others = self.list.get(self.indexed..)?;
        let at = others.iter().position(|place| self.is_at(place, path))?;
        Some(self.indexed + at)
    }

    /// Gives the last entry a slot, unless its path has one.
    fn index(&mut self) {
        let (at, Some(place)) = (self.indexed, self.list.get(self.indexed)) else { return };
        let path = self.piece(place.path, place.value);
        let is_other = |number: u8| {
            let known = self.list.get(usize::from(number).wrapping_sub(1));
            known.is_some_and(|known| !self.is_at(known, path))
        };
        let slot =
            slots_of(path).find(|slot| !self.slots.get(*slot).copied().is_some_and(is_other));
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot))
            && *slot == 0
        {
            *slot = u8::try_from(at + 1).unwrap_or(0);
        }
        self.indexed += 1;
    }

    /// Goes through all paths and texts, in document order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|place| (self.piece(place.path, place.value), self.value(place)))
    }

    /// Counts the values that were past a limit and left out.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Counts the entries.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Tells whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Tells whether an entry has this path. Most differ in length, which is seen without a look at the text.
    fn is_at(&self, place: &Place, path: &str) -> bool {
        place.value.saturating_sub(place.path) as usize == path.len()
            && self.piece(place.path, place.value) == path
    }

    fn value(&self, place: &Place) -> &str {
        self.piece(place.value, place.end)
    }

    fn piece(&self, from: u32, to: u32) -> &str {
        self.text.get(from as usize..to as usize).unwrap_or_default()
    }

    /// Takes an entry over whose text `write` appends to the buffer. An empty one is none.
    fn push(&mut self, path: &str, write: impl FnOnce(&mut String)) {
        let from = self.text.len();
        self.text.push_str(path);
        let value = self.text.len();
        write(&mut self.text);
        self.take(from, value);
    }

    /// Takes over what stands at the end of the buffer: from `from` on the path, from `value` on the text. An empty one is none.
    fn take(&mut self, from: usize, value: usize) {
        let end = self.text.len();
        if end == value {
            self.text.truncate(from);
            return;
        }
        match (u32::try_from(from), u32::try_from(value), u32::try_from(end)) {
            (Ok(from), Ok(value), Ok(end)) => {
                self.list.push(Place { path: from, value, end });
                if self.list.len() <= INDEXED_MAX {
                    self.index();
                }
            }
            // More than 4 GB of text: nobody's limits allow that, and it is a value past a limit.
            _ => {
                self.text.truncate(from);
                self.dropped = self.dropped.saturating_add(1);
            }
        }
    }
}

/// Gives the slots of a path in the order in which they are tried, the first by its length and by the four bytes in which paths differ
/// most, those at its end. Whoever chooses paths so that they meet makes their alert slower, by what it costs to pass over
/// [`INDEXED_MAX`] entries.
fn slots_of(path: &str) -> impl Iterator<Item = usize> {
    let end = path.as_bytes().last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
    let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
    // An odd factor, so that the highest bits depend on all; they choose.
    let sum = (end ^ length.rotate_right(8)).wrapping_mul(0x9e37_79b1);
    let first = usize::from(sum.to_be_bytes()[0]);
    (0..SLOTS).map(move |next| (first + next) % SLOTS)
}

/// Room for entries and for a path that is made at once. Ordinary alerts need no more.
const ENTRIES_USUAL: usize = 64;
const PATH_BYTES_USUAL: usize = 128;

/// One place in the document while it is read. `path` is that of the place, and is given back as it was.
struct Node<'a> {
    fields: &'a mut Fields,
    path: &'a mut String,
    depth: usize,
    limits: &'a Limits,
    root: bool,
}

impl Node<'_> {
    fn put<E: serde::de::Error>(self, write: impl FnOnce(&mut String)) -> Result<(), E> {
        if self.root {
            return Err(E::custom("expected an alert object, found a bare value"));
        }
        if self.fields.list.len() >= self.limits.fields_max || self.path.len() > PATH_BYTES_MAX {
            let mut value = String::new();
            write(&mut value);
            // What is empty would not have been taken over anyway.
            let is_lost = u32::from(!value.is_empty());
            self.fields.dropped = self.fields.dropped.saturating_add(is_lost);
            return Ok(());
        }
        self.fields.push(self.path, write);
        Ok(())
    }

    fn put_shown<E: serde::de::Error>(self, value: impl fmt::Display) -> Result<(), E> {
        self.put(|text| text.push_str(&value.to_string()))
    }

    /// Tells whether anything below this place can still be taken over.
    fn is_past_limits(&self) -> bool {
        self.depth >= self.limits.depth_max
            || self.path.len() > PATH_BYTES_MAX
            || self.fields.list.len() >= self.limits.fields_max
    }

    fn below(&mut self) -> Node<'_> {
        Node {
            fields: &mut *self.fields,
            path: &mut *self.path,
            depth: self.depth + 1,
            limits: self.limits,
            root: false,
        }
    }
}

/// Reads a key behind the path of the object that it stands in.
struct Key<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(key);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put_shown(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.put_shown(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.put_shown(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.put_shown(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.put(|text| text.push_str(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put(|_| ())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        if self.root {
            return Err(A::Error::custom("expected an alert object, found an array"));
        }
        if self.is_past_limits() {
            self.fields.dropped = self.fields.dropped.saturating_add(1);
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while sequence.next_element_seed(self.below())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if self.is_past_limits() {
            self.fields.dropped = self.fields.dropped.saturating_add(1);
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let here = self.path.len();
        while map.next_key_seed(Key(&mut *self.path))?.is_some() {
            map.next_value_seed(self.below())?;
            self.path.truncate(here);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> String {
        match Fields::parse(json, &Limits::default()) {
            Ok(fields) => {
                fields.iter().map(|(p, v)| format!("{p}={v}")).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn nested_values_become_dotted_paths_and_arrays_repeat_them() {
        assert_eq!(
            check(r#"{"a":{"b":1,"c":[true,"x"]},"d":null,"e":"","f":0.5}"#),
            "a.b=1 a.c=true a.c=x f=0.5"
        );
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert_eq!(check("[1]"), "expected an alert object, found an array at line 1 column 1");
        assert_eq!(check("7"), "expected an alert object, found a bare value at line 1 column 1");
        assert_eq!(check(r#"{"a":"#), "EOF while parsing a value at line 1 column 5");
    }

    #[test]
    fn what_is_past_a_limit_is_counted_and_the_rest_is_read() {
        let limits = Limits::default();
        let deep =
            format!(r#"{{"first":1,"deep":{}1{},"last":2}}"#, "{\"a\":".repeat(60), "}".repeat(60));
        let fields = Fields::parse(&deep, &limits).expect("read");
        assert_eq!(
            (fields.get("first"), fields.get("last"), fields.dropped()),
            (Some("1"), Some("2"), 1)
        );

        let wide: Vec<String> = (0..2000).map(|n| format!("\"k{n}\":1")).collect();
        let fields = Fields::parse(&format!("{{{}}}", wide.join(",")), &limits).expect("read");
        assert_eq!((fields.len(), fields.dropped()), (1024, 976));

        let long_key = format!(r#"{{"{}":[1,2,3],"last":2}}"#, "k".repeat(500_000));
        let fields = Fields::parse(&long_key, &limits).expect("read");
        assert_eq!((fields.len(), fields.get("last")), (1, Some("2")));
    }

    #[test]
    fn a_path_is_given_back_whatever_stood_below_it() {
        assert_eq!(
            check(r#"{"a":{"b":{"c":[[1],{"d":2}]},"":3,"e":{}},"":{"f":4},"g":[]}"#),
            "a.b.c=1 a.b.c.d=2 a.=3 f=4"
        );
    }

    #[test]
    fn paths_are_found_however_many_there_are_and_wherever_their_slots_meet() {
        // Two-digit ends that the slots share, repeats, and more entries than have slots.
        let keys: Vec<String> =
            (0..600).map(|n| format!("\"k{}{:04}\":{n}", "x".repeat(n % 3), n * 7 % 400)).collect();
        for count in [0, 1, 5, 127, 128, 129, 200, 600] {
            let json = format!("{{{}}}", keys.get(..count).unwrap_or_default().join(","));
            let fields = Fields::parse(&json, &Limits::default()).expect("read");
            let pairs: Vec<(&str, &str)> = fields.iter().collect();
            let missing = ["", "k", "kx9999", "another"].map(|path| (path, ""));
            for (path, _) in pairs.iter().chain(&missing) {
                let there = || pairs.iter().filter(|(known, _)| known == path).map(|(_, v)| *v);
                assert_eq!(fields.get(path), there().next(), "{path} of {count}");
                assert_eq!(
                    fields.all(path).collect::<Vec<_>>(),
                    there().collect::<Vec<_>>(),
                    "{path} of {count}"
                );
            }
        }
        assert_eq!(Fields::default().get("k"), None);
    }

    #[test]
    fn nesting_without_end_is_read_around() {
        let endless =
            format!("{{\"first\":1,\"deep\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let fields = Fields::parse(&endless, &Limits::default()).expect("read");
        assert_eq!((fields.get("first"), fields.dropped()), (Some("1"), 1));
    }
}
