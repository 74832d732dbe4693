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
use serde::{Deserialize, Serialize};

use crate::parse::Limits;

/// A JSON object, flattened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fields {
    list: Vec<(String, String)>,
    dropped: u32,
}

/// Longest path, in bytes. Real ones stay under 100; each element of an array carries a copy.
const PATH_BYTES_MAX: usize = 512;

impl Fields {
    /// Reads one JSON object within `limits`.
    ///
    /// # Errors
    /// Says what is wrong and where, for text that is no JSON, no object, or past a limit.
    pub fn parse(json: &str, limits: &Limits) -> Result<Self, serde_json::Error> {
        let mut fields = Self::default();
        let mut reader = serde_json::Deserializer::from_str(json);
        let node = Node { fields: &mut fields, path: String::new(), depth: 0, limits, root: true };
        node.deserialize(&mut reader)?;
        reader.end()?;
        Ok(fields)
    }

    /// Gives the first text at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.list.iter().find(|(name, _)| name == path).map(|(_, value)| value.as_str())
    }

    /// Gives every text at `path`: the elements of an array.
    pub fn all<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        self.list.iter().filter(move |(name, _)| name == path).map(|(_, value)| value.as_str())
    }

    /// Goes through all paths and texts, in document order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (name.as_str(), value.as_str()))
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
}

/// One place in the document while it is read.
struct Node<'a> {
    fields: &'a mut Fields,
    path: String,
    depth: usize,
    limits: &'a Limits,
    root: bool,
}

impl Node<'_> {
    fn put<E: serde::de::Error>(self, value: String) -> Result<(), E> {
        if self.root {
            return Err(E::custom("expected an alert object, found a bare value"));
        }
        if value.is_empty() {
            return Ok(());
        }
        if self.fields.list.len() >= self.limits.fields_max || self.path.len() > PATH_BYTES_MAX {
            self.fields.dropped = self.fields.dropped.saturating_add(1);
            return Ok(());
        }
        self.fields.list.push((self.path, value));
        Ok(())
    }

    /// Tells whether anything below this place can still be taken over.
    fn is_past_limits(&self) -> bool {
        self.depth >= self.limits.depth_max
            || self.path.len() > PATH_BYTES_MAX
            || self.fields.list.len() >= self.limits.fields_max
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
        self.put(value.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.put(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<(), E> {
        self.put(value)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put(String::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        if self.root {
            return Err(A::Error::custom("expected an alert object, found an array"));
        }
        if self.is_past_limits() {
            self.fields.dropped = self.fields.dropped.saturating_add(1);
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let depth = self.depth + 1;
        loop {
            let node = Node {
                fields: &mut *self.fields,
                path: self.path.clone(),
                depth,
                limits: self.limits,
                root: false,
            };
            if sequence.next_element_seed(node)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.is_past_limits() {
            self.fields.dropped = self.fields.dropped.saturating_add(1);
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let depth = self.depth + 1;
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
            map.next_value_seed(Node {
                fields: &mut *self.fields,
                path,
                depth,
                limits: self.limits,
                root: false,
            })?;
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
    fn nesting_without_end_is_read_around() {
        let endless =
            format!("{{\"first\":1,\"deep\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let fields = Fields::parse(&endless, &Limits::default()).expect("read");
        assert_eq!((fields.get("first"), fields.dropped()), (Some("1"), 1));
    }
}
