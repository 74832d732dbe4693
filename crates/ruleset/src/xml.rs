//! The dialect in which Wazuh's rules and decoders are written: like XML, but not XML.
//!
//! A file has several root elements, no declaration and no entities: `&lt;` is five plain characters, and a `<` inside text must
//! be written `\<`, which keeps its backslash. Comments end in `-->`, or in `!>` where they begin without dashes. Text before a
//! child element is dropped, text is never trimmed, and `<var name="X">` at the top defines `$X` for the rest of the file. What
//! real Wazuh refuses is refused here, with the line and the words that its log shows.

use std::collections::HashMap;

/// Wazuh's own limit on a name, an attribute or a text.
pub(crate) const TEXT_BYTES_MAX: usize = 20_480;

/// Rules nest three deep. Deeper trees are somebody playing; a bound keeps dropping the tree off the stack's limit.
const DEPTH_MAX: usize = 256;

/// One element, with everything inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) text: Vec<u8>,
    pub(crate) children: Vec<Element>,
    /// Where its `<` stands, counted from 1.
    pub(crate) line: usize,
    /// The byte offset of its `<` in the file.
    pub(crate) offset: usize,
}

/// One attribute, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
}

impl Element {
    /// Says whether the element has this name. Wazuh ignores case in names.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name));
        found.map(|a| a.value.as_slice())
    }
}

/// Why a file can't be read. The text is Wazuh's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlError {
    pub(crate) line: usize,
    /// The byte at which the reader gave up; for a variable, where its element begins.
    pub(crate) offset: usize,
    /// The innermost element that was open, and its line.
    pub(crate) inside: Option<(String, usize)>,
    pub(crate) kind: XmlErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XmlErrorKind {
    /// The file's syntax; Wazuh's message 1226.
    Syntax(String),
    /// A `$NAME` that nothing defines; Wazuh's message 1227.
    Variable(String),
}

impl XmlError {
    /// Puts the error into the words of Wazuh's log.
    pub(crate) fn message(&self, file: &str) -> (u16, String) {
        match &self.kind {
            XmlErrorKind::Syntax(what) => (
                1226,
                format!("Error reading XML file '{file}': XMLERR: {what} (line {}).", self.line),
            ),
            XmlErrorKind::Variable(name) => (
                1227,
                format!(
                    "Error applying XML variables '{file}': XMLERR: Unknown variable: '{name}'.."
                ),
            ),
        }
    }
}

/// Reads a file: its root elements, with variables put in.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Element>, XmlError> {
    let mut roots = Reader { text, at: 0, line: 1 }.elements()?;
    apply_variables(&mut roots)?;
    Ok(roots)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

/// What a tag turned out to be.
enum Tag {
    Comment,
    Opened(Element),
    Complete(Element),
    Closed(String),
}

impl<'a> Reader<'a> {
    /// Reads the whole file with a stack of the elements that are open.
    fn elements(mut self) -> Result<Vec<Element>, XmlError> {
        let mut open: Vec<Element> = vec![Element::default()];
        self.run(&mut open).map_err(|error| {
            let innermost = open.last().filter(|element| !element.name.is_empty());
            XmlError { inside: innermost.map(|e| (e.name.clone(), e.line)), ..error }
        })
    }

    fn run(&mut self, open: &mut Vec<Element>) -> Result<Vec<Element>, XmlError> {
        while let Some(text) = self.text_to_bracket() {
            self.keep(open.last_mut(), text)?;
            let Some(bracket) = self.next() else { break };
            if open.len() > 1 && self.is_escaped() {
                self.keep(open.last_mut(), &[bracket])?;
                continue;
            }
            match self.tag()? {
                Tag::Comment => {}
                Tag::Complete(element) => adopt(open, element),
                Tag::Opened(_) if open.len() >= DEPTH_MAX => {
                    return self.fail("Too many nested elements.");
                }
                Tag::Opened(element) => open.push(element),
                Tag::Closed(name) => self.close(open, &name)?,
            }
        }
        match open.as_mut_slice() {
            [root] => Ok(std::mem::take(&mut root.children)),
            _ => self.fail("End of file and some elements were not closed."),
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    /// Says whether the byte that was read last has an odd number of backslashes before it.
    fn is_escaped(&self) -> bool {
        let before = self.text.get(..self.at.saturating_sub(1)).unwrap_or_default();
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
    }

    /// Takes what stands before the next `<`, or the rest. `None` at the end of the file.
    fn text_to_bracket(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let text = rest.get(..memchr::memchr(b'<', rest).unwrap_or(rest.len()))?;
        self.at += text.len();
        self.line += memchr::memchr_iter(b'\n', text).count();
        Some(text)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T, XmlError> {
        Err(XmlError {
            line: self.line,
            offset: self.at.saturating_sub(1),
            inside: None,
            kind: XmlErrorKind::Syntax(what.into()),
        })
    }

    /// Adds to the text of the innermost element. Between the roots text means nothing.
    fn keep(&self, element: Option<&mut Element>, text: &[u8]) -> Result<(), XmlError> {
        let Some(element) = element.filter(|e| !e.name.is_empty()) else { return Ok(()) };
        if element.text.len() + text.len() > TEXT_BYTES_MAX {
            return self.fail("String overflow.");
        }
        element.text.extend_from_slice(text);
        Ok(())
    }

    fn close(&self, open: &mut Vec<Element>, name: &str) -> Result<(), XmlError> {
        match open.pop() {
            Some(element) if open.is_empty() => {
                open.push(element);
                self.fail(format!("Element '{name}' is closed but was not opened."))
            }
            Some(mut element) if element.name == name => {
                if !element.children.is_empty() {
                    element.text.clear();
                }
                adopt(open, element);
                Ok(())
            }
            Some(element) => {
                let what = format!("Element '{}' not closed.", element.name);
                open.push(element);
                self.fail(what)
            }
            None => self.fail("End of file and some elements were not closed."),
        }
    }

    /// Reads from behind a `<` to behind the `>` that belongs to it.
    fn tag(&mut self) -> Result<Tag, XmlError> {
        let (line, offset) = (self.line, self.at - 1);
        match self.peek() {
            Some(b'!') => self.comment().map(|()| Tag::Comment),
            Some(b'/') => {
                self.next();
                Ok(Tag::Closed(self.closing_name()?))
            }
            _ => {
                let mut element = Element { line, offset, ..Element::default() };
                let complete = self.opening(&mut element)?;
                Ok(if complete { Tag::Complete(element) } else { Tag::Opened(element) })
            }
        }
    }

    fn comment(&mut self) -> Result<(), XmlError> {
        self.next();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end: &[u8] = if rest.starts_with(b"--") { b"-->" } else { b"!>" };
        let skip = if end.len() == 3 { 2 } else { 0 };
        let found = memchr::memmem::find(rest.get(skip..).unwrap_or_default(), end);
        let length = found.map_or(rest.len(), |at| at + skip + end.len());
        self.line += memchr::memchr_iter(b'\n', rest.get(..length).unwrap_or_default()).count();
        self.at += length;
        if found.is_none() { self.fail("Comment not closed.") } else { Ok(()) }
    }

    fn closing_name(&mut self) -> Result<String, XmlError> {
        let mut name = Vec::new();
        loop {
            match self.next() {
                Some(b'>') => break,
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(byte) if name.len() < TEXT_BYTES_MAX => name.push(byte),
                Some(_) => return self.fail("String overflow."),
                None => return self.fail("End of file and some elements were not closed."),
            }
        }
        Ok(lossy(&name))
    }

    /// Reads a name and attributes; true when the element closes itself (`<x />`).
    fn opening(&mut self, element: &mut Element) -> Result<bool, XmlError> {
        let mut name = Vec::new();
        loop {
            let Some(byte) = self.next() else {
                return self.fail("End of file and some elements were not closed.");
            };
            let ends = byte == b'>' || byte.is_ascii_whitespace();
            if ends || (byte == b'/' && self.peek() == Some(b'>')) {
                element.name = lossy(&name);
                match byte {
                    b'>' => return Ok(false),
                    b'/' => {
                        self.next();
                        return Ok(true);
                    }
                    _ => return self.attributes(element),
                }
            }
            if name.len() >= TEXT_BYTES_MAX {
                return self.fail("String overflow.");
            }
            name.push(byte);
        }
    }

    fn attributes(&mut self, element: &mut Element) -> Result<bool, XmlError> {
        loop {
            match self.next() {
                Some(b'>') => return Ok(false),
                Some(b'/') if self.peek() == Some(b'>') => {
                    self.next();
                    return Ok(true);
                }
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(byte) => {
                    let attribute = self.one_attribute(byte)?;
                    let twice = element.attributes.iter().any(|a| a.name == attribute.name);
                    if twice {
                        return self
                            .fail(format!("Attribute '{}' already defined.", attribute.name));
                    }
                    element.attributes.push(attribute);
                }
                None => return self.fail("End of file and some elements were not closed."),
            }
        }
    }

    fn one_attribute(&mut self, first: u8) -> Result<Attribute, XmlError> {
        let mut name = vec![first];
        loop {
            match self.next() {
                Some(b'=') => break,
                Some(b'/' | b'>') | None => {
                    return self.fail(format!("Attribute '{}' has no value.", lossy(&name)));
                }
                Some(byte) if byte.is_ascii_whitespace() => {
                    return self.fail(format!("Attribute '{}' has no value.", lossy(&name)));
                }
                Some(byte) if name.len() < TEXT_BYTES_MAX => name.push(byte),
                Some(_) => return self.fail("String overflow."),
            }
        }
        let name = lossy(&name);
        let Some(quote @ (b'"' | b'\'')) = self.next() else {
            return self.fail(format!("Attribute '{name}' not followed by a \" or '."));
        };
        let mut value = Vec::new();
        loop {
            match self.next() {
                Some(byte) if byte == quote => break,
                Some(byte) if value.len() < TEXT_BYTES_MAX => value.push(byte),
                Some(_) => return self.fail("String overflow."),
                None => return self.fail(format!("Attribute '{name}' not closed.")),
            }
        }
        match self.peek() {
            Some(b'>' | b'/') => Ok(Attribute { name, value }),
            Some(byte) if byte.is_ascii_whitespace() => Ok(Attribute { name, value }),
            _ => self.fail(format!("Bad attribute closing for '{name}'='{}'.", lossy(&value))),
        }
    }
}

fn adopt(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(element);
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes the `<var>` elements out of the roots and puts their values where `$NAME` stands after them.
///
/// A file without any `<var>` is left alone: there a `$word` is plain text.
fn apply_variables(roots: &mut Vec<Element>) -> Result<(), XmlError> {
    let names: Vec<Vec<u8>> = roots
        .iter()
        .filter(|root| root.is("var"))
        .map(|root| root.attribute("name").unwrap_or_default().to_vec())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut variables = Variables { values: HashMap::new(), names };
    let mut kept = Vec::with_capacity(roots.len());
    for mut root in roots.drain(..) {
        if root.is("var") {
            let name = root.attribute("name").unwrap_or_default().to_vec();
            variables.values.insert(name, std::mem::take(&mut root.text));
        } else {
            variables.apply(&mut root)?;
            kept.push(root);
        }
    }
    *roots = kept;
    Ok(())
}

struct Variables {
    /// Those defined so far.
    values: HashMap<Vec<u8>, Vec<u8>>,
    /// All that the file defines somewhere.
    names: Vec<Vec<u8>>,
}

impl Variables {
    fn apply(&self, element: &mut Element) -> Result<(), XmlError> {
        let place = (element.line, element.offset);
        for attribute in &mut element.attributes {
            self.substitute(&mut attribute.value, place)?;
        }
        self.substitute(&mut element.text, place)?;
        element.children.iter_mut().try_for_each(|child| self.apply(child))
    }

    fn substitute(&self, text: &mut Vec<u8>, place: (usize, usize)) -> Result<(), XmlError> {
        let (line, offset) = place;
        let fail = |kind| Err(XmlError { line, offset, inside: None, kind });
        if !text.contains(&b'$') {
            return Ok(());
        }
        let mut parts = text.split(|byte| *byte == b'$');
        let mut result = parts.next().unwrap_or_default().to_vec();
        for part in parts {
            let end = part.iter().position(|byte| ends_name(*byte)).unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            match self.values.get(name) {
                // Wazuh never substitutes a name of one letter.
                Some(value) if name.len() > 1 => result.extend_from_slice(value),
                // `$(field)` belongs to descriptions.
                None if !matches!(name, [] | [b'(', ..])
                    && !self.names.iter().any(|n| n == name) =>
                {
                    return fail(XmlErrorKind::Variable(lossy(name)));
                }
                _ => {
                    result.push(b'$');
                    result.extend_from_slice(name);
                }
            }
            result.extend_from_slice(rest);
            // Wazuh has no limit here; a file of nested references could otherwise grow without end.
            if result.len() > TEXT_BYTES_MAX {
                let what = "String overflow after variables were put in.".to_owned();
                return fail(XmlErrorKind::Syntax(what));
            }
        }
        *text = result;
        Ok(())
    }
}

fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'.' | b'|' | b',')
}
