//! A rule's description, with `$(field)` where an event's values go.

use crate::event::Event;
use crate::fields::StaticField;

/// Longer results fall back to the text as written, as in Wazuh.
const EXPANDED_BYTES_MAX: usize = 1024;

/// A text cut into what stays and what is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Description {
    pub(crate) text: Vec<u8>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Static(StaticField),
    Hostname,
    ProgramName,
    /// A dynamic field, or nothing at all.
    Dynamic(Vec<u8>),
}

impl Description {
    /// Reads a description. Line breaks become blanks, a `$(` without its `)` stays as it is.
    pub(crate) fn new(text: &[u8]) -> Self {
        let text: Vec<u8> = text
            .iter()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte })
            .collect();
        let mut parts = Vec::new();
        let mut rest = text.as_slice();
        let opening = |rest: &[u8]| {
            let mut signs = memchr::memchr_iter(b'$', rest);
            signs.find(|at| rest.get(at + 1) == Some(&b'('))
        };
        while let Some(start) = opening(rest) {
            let (before, from) = rest.split_at(start);
            let inside = from.get(2..).unwrap_or_default();
            let Some(end) = memchr::memchr(b')', inside) else { break };
            parts.push(Part::Text(before.to_vec()));
            parts.push(part(inside.get(..end).unwrap_or_default()));
            rest = inside.get(end + 1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_vec()));
        }
        Description { text, parts }
    }

    /// Adds the text of a repeated `<description>`.
    pub(crate) fn joined(&self, more: &[u8]) -> Self {
        Description::new(&[self.text.as_slice(), more].concat())
    }

    /// Whether every event gets the same text.
    pub(crate) fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// How many bytes stay whatever the event.
    pub(crate) fn fixed_bytes(&self) -> usize {
        let fixed = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
        self.parts.iter().map(fixed).sum()
    }

    /// The names of the fields that are filled in.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().filter_map(|part| match part {
            Part::Dynamic(name) => Some(name.as_slice()),
            Part::Static(field) => Some(field.name().as_bytes()),
            _ => None,
        })
    }

    /// Writes the description of one event.
    pub(crate) fn expand(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.is_fixed() {
            out.extend_from_slice(&self.text);
            return;
        }
        let start = out.len();
        for part in &self.parts {
            let value = match part {
                Part::Text(text) => Some(text.as_slice()),
                Part::Static(field) => event.fields.get(*field),
                Part::Hostname => event.hostname(),
                Part::ProgramName => event.program_name,
                Part::Dynamic(name) => event.fields.dynamic(name),
            };
            out.extend_from_slice(value.unwrap_or_default());
            if out.len() - start > EXPANDED_BYTES_MAX {
                out.truncate(start);
                out.extend_from_slice(&self.text);
                return;
            }
        }
    }
}

fn part(name: &[u8]) -> Part {
    match name {
        b"hostname" => Part::Hostname,
        b"program_name" => Part::ProgramName,
        // `user` is a word of `<order>` only; here it is no field.
        b"user" => Part::Dynamic(name.to_vec()),
        _ => match StaticField::from_order_name(name) {
            Some(field) => Part::Static(field),
            None => Part::Dynamic(name.to_vec()),
        },
    }
}
