//! Writes cleaned text into a buffer of cells, by columns as a terminal counts them, and reads it out again.
//!
//! Everything on the screen goes through [`Pen::put`], which cleans it: whoever writes log lines must not write on this terminal.

use alert::sanitize;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

/// Whether colours may be used. Bold and reverse are no colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Allowed,
    None,
}

/// Gives the text of a frame, without blanks at the end of lines and of the frame.
pub(super) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area().width).max(1);
    let mut lines: Vec<String> = Vec::new();
    for row in buffer.content().chunks(width) {
        let mut line = String::new();
        let mut hidden = 0;
        for cell in row {
            // A wide character covers the cell behind it.
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            hidden = unicode_columns(cell.symbol()).saturating_sub(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

/// Cleans a text and cuts it to so many columns, with an ellipsis where something was cut.
pub(super) fn fit(text: &str, columns_max: usize) -> String {
    let text = sanitize::shown(text, columns_max);
    if unicode_columns(&text) <= columns_max {
        return text;
    }
    let mut fitting = String::new();
    let mut columns = 1;
    for character in text.chars() {
        columns += unicode_columns(character.encode_utf8(&mut [0; 4]));
        if columns > columns_max {
            break;
        }
        fitting.push(character);
    }
    fitting.push('…');
    fitting
}

pub(super) fn unicode_columns(symbol: &str) -> usize {
    ratatui_core::text::Span::raw(symbol).width()
}

/// Writes cleaned text into the buffer, line after line.
pub(super) struct Pen {
    pub(super) buffer: Buffer,
    pub(super) colours: Colours,
    pub(super) row: u16,
    /// The row from which on nothing is written: the line of keys has its own.
    pub(super) end: u16,
}

impl Pen {
    pub(super) fn width(&self) -> usize {
        usize::from(self.buffer.area().width)
    }

    /// Rows that are left above the line of keys.
    pub(super) fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.row))
    }

    pub(super) fn style(&self, colour: Color, modifier: Modifier) -> Style {
        let style = Style::new().add_modifier(modifier);
        if self.colours == Colours::Allowed { style.fg(colour) } else { style }
    }

    pub(super) fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn bold(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn bad(&self) -> Style {
        self.style(Color::Red, Modifier::BOLD)
    }

    pub(super) fn warn(&self) -> Style {
        self.style(Color::Yellow, Modifier::BOLD)
    }

    pub(super) fn good(&self) -> Style {
        self.style(Color::Green, Modifier::BOLD)
    }

    /// Writes at a column of the current line.
    pub(super) fn put(&mut self, column: usize, text: &str, style: Style) {
        let room = self.width().saturating_sub(column);
        let (Ok(column), true) = (u16::try_from(column), room > 0) else { return };
        if self.row < self.end {
            self.buffer.set_stringn(column, self.row, fit(text, room), room, style);
        }
    }

    /// Writes a line and goes to the next.
    pub(super) fn line(&mut self, text: &str, style: Style) {
        self.put(0, text, style);
        self.row = self.row.saturating_add(1);
    }

    /// Writes pieces of a line, each at its column.
    pub(super) fn pieces<'a>(&mut self, pieces: impl IntoIterator<Item = (usize, &'a str, Style)>) {
        for (column, text, style) in pieces {
            self.put(column, text, style);
        }
        self.row = self.row.saturating_add(1);
    }

    /// Turns the colours of the current line round.
    pub(super) fn reverse(&mut self) {
        let area = Rect { y: self.row, height: 1, ..*self.buffer.area() };
        if self.row < self.end {
            self.buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

/// Breaks a line at blanks so that no part is wider than `width`; what is broken is indented as it was.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    let indent: String = line.chars().take_while(|character| *character == ' ').collect();
    let indent = if indent.len() * 2 > width { String::new() } else { indent };
    let (mut parts, mut part) = (Vec::new(), indent.clone());
    let mut columns = indent.len();
    for word in line.trim_start_matches(' ').split(' ') {
        let length = unicode_columns(word);
        if columns > indent.len() && columns + 1 + length > width {
            parts.push(std::mem::replace(&mut part, indent.clone()));
            columns = indent.len();
        }
        if columns > indent.len() {
            part.push(' ');
            columns += 1;
        }
        // A word that is wider than a line is broken wherever it must.
        for character in word.chars() {
            if columns >= width && columns > indent.len() {
                parts.push(std::mem::replace(&mut part, indent.clone()));
                columns = indent.len();
            }
            part.push(character);
            columns += unicode_columns(character.encode_utf8(&mut [0; 4]));
        }
    }
    parts.push(part);
    parts
}
