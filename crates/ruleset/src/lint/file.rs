//! One file while it is checked: its text, its elements, and where a byte stands.

use crate::diagnostic::Place;
use crate::xml::{self, Element, XmlError};

/// A file of rules or of decoders.
pub(super) struct File<'s> {
    pub(super) name: &'s str,
    pub(super) text: &'s [u8],
    /// The root elements, with variables put in.
    pub(super) elements: Result<Vec<Element>, XmlError>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'s> File<'s> {
    pub(super) fn new(name: &'s str, text: &'s [u8]) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        File { name, text, elements: xml::read(text), lines }
    }

    /// Gives line and column of a byte.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Place { file: self.name.to_owned(), line, column: offset.saturating_sub(start) + 1 }
    }

    /// Gives the place of a byte of an element's text; of the element itself where variables or escapes changed the text.
    pub(super) fn place_in(&self, element: &Element, offset: usize) -> Place {
        let from = self.text.get(element.offset..).unwrap_or_default();
        let start = memchr::memchr(b'>', from).map(|end| element.offset + end + 1);
        let as_written = |start: &usize| {
            self.text.get(*start..).is_some_and(|text| text.starts_with(&element.text))
        };
        self.place(start.filter(as_written).map_or(element.offset, |start| start + offset))
    }

    /// Lists the root elements; none where the file can't be read.
    pub(super) fn roots(&self) -> &[Element] {
        self.elements.as_deref().unwrap_or_default()
    }

    /// Lists the rules.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Element> {
        self.roots().iter().flat_map(|root| &root.children).filter(|element| element.is("rule"))
    }
}
