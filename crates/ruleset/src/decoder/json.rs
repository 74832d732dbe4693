//! The JSON decoder: flattens a JSON object in a log line into fields.
//!
//! `{"a":{"b":1}}` gives the field `a.b` with the text `1`. Values become text: numbers as C's `%i` or `%f` print
//! them, `true`, `false` and `null` as words, arrays as their JSON. Names known to the rule language go to static
//! fields when they stand at the top; there the last value counts, for all others the first. The document may be
//! followed by any text. A broken document gives no field at all, but the decoder has matched nevertheless; whether
//! it is tried is its `prematch`'s affair and not decided here.
//!
//! Values and top-level names borrow from the line unless an escape or a number must be rewritten. Nothing recurses.
//! Nesting is bounded by [`reader::DEPTH_MAX`], fields by [`crate::fields::DYNAMIC_FIELDS_MAX`] and the names built for
//! them by [`NESTED_NAME_BYTES_MAX`], so a hostile line costs one pass and little more memory than itself.

mod print;
mod reader;

pub use print::{write_json_array, write_json_string};

use crate::fields::{Fields, StaticField};
use reader::{Broken, DEPTH_MAX, Reader, Scalar};
use std::borrow::Cow;

/// How many bytes of nested names are built for one document. Without a bound a hostile line with one long outer name
/// and many inner ones would multiply its size by [`crate::fields::DYNAMIC_FIELDS_MAX`]; fields beyond it are dropped
/// and counted. It lets every field of a full document have a name of 256 bytes, several times what real logs have.
const NESTED_NAME_BYTES_MAX: usize = 65_536;

/// What a JSON `null` becomes (`json_null_field`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonNull {
    /// The text `null`.
    #[default]
    String,
    /// No field.
    Discard,
}

/// What an array becomes (`json_array_structure`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonArrays {
    /// Its JSON text, which turns into an array again in the alert.
    #[default]
    Array,
    /// Its scalar elements with commas between them; no field if there are none.
    Csv,
}

/// The options of a decoder that uses the JSON decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonOptions {
    /// What a `null` becomes.
    pub null: JsonNull,
    /// What an array becomes.
    pub arrays: JsonArrays,
}

/// How decoding went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonOutcome {
    /// The object was read.
    Decoded {
        /// How many fields found no room. The original logs an error for each.
        dropped: usize,
    },
    /// The text is not a JSON object; no field was set.
    Broken,
}

/// Reads the JSON object at the start of `text` into `fields`.
pub fn decode<'a>(text: &'a [u8], options: JsonOptions, fields: &mut Fields<'a>) -> JsonOutcome {
    let before = fields.checkpoint();
    let mut flattening = Flattening {
        options,
        fields,
        path: Vec::new(),
        name_bytes: 0,
        dropped: 0,
        scratch: Vec::new(),
    };
    let result = flattening.read_object(&mut Reader::new(text));
    let dropped = flattening.dropped;
    match result {
        Ok(()) => JsonOutcome::Decoded { dropped },
        Err(Broken) => {
            fields.restore(before);
            JsonOutcome::Broken
        }
    }
}

struct Flattening<'f, 'a> {
    options: JsonOptions,
    fields: &'f mut Fields<'a>,
    /// The names of the open objects, joined with dots and with a dot at the end.
    path: Vec<u8>,
    name_bytes: usize,
    dropped: usize,
    scratch: Vec<u8>,
}

impl<'a> Flattening<'_, 'a> {
    fn read_object(&mut self, reader: &mut Reader<'a>) -> Result<(), Broken> {
        reader.skip_blanks();
        if !reader.eat(b'{') {
            return Err(Broken);
        }
        // For each open object, how long the path was outside it.
        let mut open = vec![0];
        let mut is_first = true;
        while let Some(&outer) = open.last() {
            if reader.eat(b'}') {
                open.pop();
                self.path.truncate(outer);
                is_first = false;
                continue;
            }
            if !is_first && !reader.eat(b',') {
                return Err(Broken);
            }
            is_first = false;
            let key = reader.key()?;
            if reader.peek() == Some(b'{') {
                if open.len() >= DEPTH_MAX {
                    return Err(Broken);
                }
                reader.eat(b'{');
                open.push(self.path.len());
                self.path.extend_from_slice(&key);
                self.path.push(b'.');
                is_first = true;
            } else {
                let value = self.read_value(reader, open.len())?;
                reader.skip_blanks();
                if let Some(value) = value {
                    self.add(key, value, open.len() == 1);
                }
            }
        }
        Ok(())
    }

    /// Reads a value other than an object. Some become no field.
    fn read_value(
        &mut self,
        reader: &mut Reader<'a>,
        depth: usize,
    ) -> Result<Option<Cow<'a, [u8]>>, Broken> {
        if reader.peek() == Some(b'[') {
            return self.read_array(reader, depth);
        }
        let scalar = reader.scalar()?;
        let is_discarded = scalar == Scalar::Null && self.options.null == JsonNull::Discard;
        Ok((!is_discarded).then(|| as_field(scalar)))
    }

    fn read_array(
        &mut self,
        reader: &mut Reader<'a>,
        depth: usize,
    ) -> Result<Option<Cow<'a, [u8]>>, Broken> {
        let start = reader.position();
        self.scratch.clear();
        print::copy_array(reader, depth, print::Layout::Spaced, &mut self.scratch)?;
        let source = reader.since(start);
        if self.options.arrays == JsonArrays::Csv {
            return Ok(as_csv(&self.scratch).map(Cow::Owned));
        }
        // Most arrays are written without blanks already, and need no copy.
        let is_printed_alike = source.starts_with(&self.scratch);
        Ok(Some(match source.get(..self.scratch.len()) {
            Some(same) if is_printed_alike => Cow::Borrowed(same),
            _ => Cow::Owned(self.scratch.clone()),
        }))
    }

    fn add(&mut self, key: Cow<'a, [u8]>, value: Cow<'a, [u8]>, is_top_level: bool) {
        if is_top_level && let Some(field) = self.static_field(&key) {
            self.fields.set(field, value);
            return;
        }
        let name = if self.fields.has_room() { self.name(key, is_top_level) } else { None };
        let Some(name) = name else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        self.fields.push(name, value);
    }

    /// Builds the full name of a field, or nothing when names have taken too much already.
    fn name(&mut self, key: Cow<'a, [u8]>, is_top_level: bool) -> Option<Cow<'a, [u8]>> {
        if is_top_level {
            return Some(key);
        }
        let length = self.path.len().saturating_add(key.len());
        let name_bytes = self.name_bytes.saturating_add(length);
        if name_bytes > NESTED_NAME_BYTES_MAX {
            return None;
        }
        self.name_bytes = name_bytes;
        let mut name = Vec::with_capacity(length);
        name.extend_from_slice(&self.path);
        name.extend_from_slice(&key);
        Some(Cow::Owned(name))
    }

    /// `user` stands in for a `dstuser` that did not come before it.
    fn static_field(&self, key: &[u8]) -> Option<StaticField> {
        if key == b"user" && self.fields.get(StaticField::DstUser).is_none() {
            return Some(StaticField::DstUser);
        }
        StaticField::from_json_name(key)
    }
}

fn as_field(scalar: Scalar<'_>) -> Cow<'_, [u8]> {
    match scalar {
        Scalar::Null => Cow::Borrowed(b"null"),
        Scalar::Bool(true) => Cow::Borrowed(b"true"),
        Scalar::Bool(false) => Cow::Borrowed(b"false"),
        Scalar::Number { value, text } => print::field_number(value, text),
        Scalar::Text(text) => text,
    }
}

/// Joins the scalar elements of an array that is known to be well-formed. Arrays and objects inside it are left out.
fn as_csv(array: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(array);
    let mut csv: Option<Vec<u8>> = None;
    let mut skipped = Vec::new();
    reader.eat(b'[');
    while reader.peek() != Some(b']') {
        if matches!(reader.peek(), Some(b'[' | b'{')) {
            print::copy_array(&mut reader, 0, print::Layout::Compact, &mut skipped).ok()?;
            skipped.clear();
        } else {
            let element = as_field(reader.scalar().ok()?);
            let line = csv.get_or_insert_default();
            if !line.is_empty() {
                line.push(b',');
            }
            line.extend_from_slice(&element);
        }
        reader.eat(b',');
    }
    csv
}

#[cfg(test)]
mod tests;
