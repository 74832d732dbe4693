//! The terminal: taken over, drawn on, and given back, whatever happens.
//!
//! It is given back when [`Screen`] is dropped, which covers errors and signals, and before a panic's message is printed.

use std::io::{self, Stdout, Write as _};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Color as Ink, Print, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};

use super::view::Key;

/// The terminal while it is ours.
pub(super) struct Screen {
    out: Stdout,
    /// What is on it.
    shown: Buffer,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If it can't be.
    pub(super) fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        let mut screen = Self { out: io::stdout(), shown: Buffer::default() };
        execute!(screen.out, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Gives its size.
    pub(super) fn area() -> Rect {
        let (width, height) = size().unwrap_or((80, 24));
        Rect::new(0, 0, width, height)
    }

    /// Draws what differs from what is shown.
    ///
    /// # Errors
    /// If the terminal can't be written.
    pub(super) fn draw(&mut self, frame: Buffer) -> io::Result<()> {
        if self.shown.area() != frame.area() {
            self.shown = Buffer::empty(*frame.area());
            queue!(self.out, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
        }
        for (column, row, cell) in self.shown.diff(&frame) {
            queue!(self.out, MoveTo(column, row), SetAttribute(Attribute::Reset))?;
            for (modifier, attribute) in [
                (Modifier::BOLD, Attribute::Bold),
                (Modifier::DIM, Attribute::Dim),
                (Modifier::REVERSED, Attribute::Reverse),
            ] {
                if cell.modifier.contains(modifier) {
                    queue!(self.out, SetAttribute(attribute))?;
                }
            }
            if let Some(ink) = ink(cell.fg) {
                queue!(self.out, SetForegroundColor(ink))?;
            }
            queue!(self.out, Print(cell.symbol()))?;
        }
        queue!(self.out, SetAttribute(Attribute::Reset))?;
        self.out.flush()?;
        self.shown = frame;
        Ok(())
    }

    /// Waits for a key or a change of size. None is neither.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) fn wait(at_most: Duration) -> io::Result<Option<Pressed>> {
        if !event::poll(at_most)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if key.modifiers.contains(KeyModifiers::CONTROL) {
                    // Raw mode takes the meaning of Ctrl-C from the terminal.
                    matches!(key.code, KeyCode::Char('c')).then_some(Pressed::Interrupt)
                } else {
                    meaning(key.code).map(Pressed::Key)
                }
            }
            Event::Resize(..) => Some(Pressed::Resize),
            _ => None,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What somebody did to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    Key(Key),
    Resize,
    /// Ctrl-C, whatever is shown.
    Interrupt,
}

fn meaning(code: KeyCode) -> Option<Key> {
    Some(match code {
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Char('p') => Key::Pause,
        KeyCode::Char('s') => Key::Sort,
        KeyCode::Char('?' | 'h') => Key::Help,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown | KeyCode::Char(' ') => Key::PageDown,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => Key::Back,
        _ => return None,
    })
}

fn ink(colour: Color) -> Option<Ink> {
    match colour {
        Color::Red => Some(Ink::Red),
        Color::Yellow => Some(Ink::Yellow),
        Color::Green => Some(Ink::Green),
        _ => None,
    }
}

/// Gives the terminal back. What fails here has nobody left to be told.
fn give_back() {
    disable_raw_mode().ok();
    execute!(io::stdout(), SetAttribute(Attribute::Reset), LeaveAlternateScreen, Show).ok();
}
