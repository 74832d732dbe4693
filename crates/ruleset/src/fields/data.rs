//! Builds the `data` object of an alert out of flat fields.
//!
//! The dotted names are put into a tree first, because fields of one object need not stand together. The tree is a
//! list of nodes; looking for a name walks its siblings. That is bounded: every field adds at most one branch, so a
//! walk down meets at most [`super::DYNAMIC_FIELDS_MAX`] siblings more than the name has parts. Nothing recurses.

use super::Fields;
use crate::decoder::json::{write_json_array, write_json_string};

/// Deepest nesting that dots in a name can make; the rest of the name stays one key, dots included. It is the nesting
/// the JSON decoder accepts, which no honest log comes near.
const DEPTH_MAX: usize = 1_000;

struct Node<'n> {
    key: &'n [u8],
    content: Content<'n>,
    /// The next node in the same object.
    next: Option<usize>,
}

enum Content<'n> {
    /// A static field: always a string.
    Static(&'n [u8]),
    /// A dynamic field: a string, or an array where the text is one.
    Dynamic(&'n [u8]),
    /// An object, by its first and last node.
    Object(Option<(usize, usize)>),
}

/// The index of the node that holds all others.
const ROOT: usize = 0;

struct Tree<'n> {
    nodes: Vec<Node<'n>>,
}

pub(super) fn write(fields: &Fields<'_>, out: &mut Vec<u8>) -> bool {
    if fields.dynamic.is_empty() {
        return write_statics(fields, out);
    }
    let mut tree =
        Tree { nodes: vec![Node { key: b"", content: Content::Object(None), next: None }] };
    for (field, value) in fields.statics() {
        tree.insert(field.name().as_bytes(), Content::Static(value));
    }
    for (name, value) in fields.dynamics().filter(|(_, value)| !value.is_empty()) {
        tree.insert(name, Content::Dynamic(value));
    }
    let has_fields = tree.first_in(ROOT).is_some();
    if has_fields {
        tree.write(out);
    }
    has_fields
}

/// Writes an event without dynamic fields, as most log lines are: no name has a dot, none is there twice.
fn write_statics(fields: &Fields<'_>, out: &mut Vec<u8>) -> bool {
    let mut separator = b'{';
    for (field, value) in fields.statics() {
        out.push(separator);
        out.push(b'"');
        out.extend_from_slice(field.name().as_bytes());
        out.extend_from_slice(b"\":");
        write_json_string(out, value);
        separator = b',';
    }
    let has_fields = separator == b',';
    if has_fields {
        out.push(b'}');
    }
    has_fields
}

impl<'n> Tree<'n> {
    /// Adds a field unless its place is taken: by a text, or by an object where a text is to go.
    fn insert(&mut self, name: &'n [u8], content: Content<'n>) {
        let mut object = ROOT;
        let mut rest = name;
        for depth in 1..=DEPTH_MAX {
            let dot = memchr::memchr(b'.', rest).filter(|_| depth < DEPTH_MAX);
            let Some((key, behind)) = dot.and_then(|dot| split_around(rest, dot)) else {
                if self.find(object, rest).is_none() {
                    self.append(object, rest, content);
                }
                return;
            };
            object = match self.find(object, key) {
                Some(found) if self.is_object(found) => found,
                Some(_) => return,
                None => self.append(object, key, Content::Object(None)),
            };
            rest = behind;
        }
    }

    fn node(&self, index: usize) -> Option<&Node<'n>> {
        self.nodes.get(index)
    }

    fn is_object(&self, index: usize) -> bool {
        matches!(self.node(index), Some(Node { content: Content::Object(_), .. }))
    }

    fn first_in(&self, object: usize) -> Option<usize> {
        match self.node(object)?.content {
            Content::Object(children) => children.map(|(first, _)| first),
            Content::Static(_) | Content::Dynamic(_) => None,
        }
    }

    fn find(&self, object: usize, key: &[u8]) -> Option<usize> {
        let siblings =
            std::iter::successors(self.first_in(object), |&index| self.node(index)?.next);
        siblings
            .into_iter()
            .find(|&index| self.node(index).is_some_and(|node| node.key.eq_ignore_ascii_case(key)))
    }

    /// Adds a node at the end of an object and returns its index.
    fn append(&mut self, object: usize, key: &'n [u8], content: Content<'n>) -> usize {
        let added = self.nodes.len();
        self.nodes.push(Node { key, content, next: None });
        let mut previous = None;
        if let Some(Node { content: Content::Object(children), .. }) = self.nodes.get_mut(object) {
            previous = children.map(|(_, last)| last);
            *children = Some((children.map_or(added, |(first, _)| first), added));
        }
        if let Some(node) = previous.and_then(|previous| self.nodes.get_mut(previous)) {
            node.next = Some(added);
        }
        added
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        // For each open object, the node to write next.
        let mut open = vec![self.first_in(ROOT)];
        while let Some(cursor) = open.last_mut() {
            let Some((index, node)) = cursor.and_then(|index| Some((index, self.node(index)?)))
            else {
                out.push(b'}');
                open.pop();
                continue;
            };
            *cursor = node.next;
            // A string or a number never ends in a brace, so this tells the first node of an object.
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            write_json_string(out, node.key);
            out.push(b':');
            match node.content {
                Content::Static(text) => write_json_string(out, text),
                Content::Dynamic(text) => {
                    if !write_json_array(out, text) {
                        write_json_string(out, text);
                    }
                }
                Content::Object(_) => {
                    out.push(b'{');
                    open.push(self.first_in(index));
                }
            }
        }
    }
}

fn split_around(text: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}
