//! The terminal: taken over, drawn on, and given back, whatever happens.
//!
//! It is given back when [`Screen`] is dropped, which covers errors and signals, and before a panic's message is printed. Keys are read on a
//! thread of their own, and so are signals: one that hung up (an SSH session that broke) ends the program.

use std::io::{self, Read as _, Stdout, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;

use crossterm::cursor::{Hide, MoveTo, Show};
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
        // A serial line does not know, and says 0.
        let (width, height) =
            size().ok().filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((80, 24));
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
        // Over a slow line every byte counts: the place and the style are told only where they change.
        let mut place = None;
        let mut style = None;
        for (column, row, cell) in self.shown.diff(&frame) {
            if place != Some((column, row)) {
                queue!(self.out, MoveTo(column, row))?;
            }
            if style != Some((cell.fg, cell.modifier)) {
                put_style(&mut self.out, cell.fg, cell.modifier)?;
                style = Some((cell.fg, cell.modifier));
            }
            queue!(self.out, Print(cell.symbol()))?;
            // Where the terminal stands behind a character that is not plain is its own affair.
            place = cell.symbol().is_ascii().then_some((column + 1, row));
        }
        queue!(self.out, SetAttribute(Attribute::Reset))?;
        self.out.flush()?;
        self.shown = frame;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What wakes the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    Key(Key),
    /// The terminal has another size.
    Resized,
    /// Ctrl-C, a signal, or a terminal that is gone.
    Ended,
}

/// Things that may wait to be looked at. People press no more in the time of one look.
const WOKEN_MAX: usize = 64;

/// Bytes read from the terminal at a time; a key is at most six.
const CHUNK_BYTES: usize = 256;

/// Starts to listen to the terminal and to signals.
///
/// # Errors
/// If a thread or a signal handler can't be had.
pub(super) fn listen() -> anyhow::Result<Receiver<Woken>> {
    let (tell, woken) = sync_channel(WOKEN_MAX);
    listen_for_signals(tell.clone())?;
    std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || read_keys(&tell))
        .context("could not start to listen for keys")?;
    Ok(woken)
}

/// Reads keys until the terminal is gone, or nobody listens any more.
fn read_keys(tell: &SyncSender<Woken>) {
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let pressed = match io::stdin().lock().read(&mut chunk) {
            Ok(0) => vec![Woken::Ended],
            Ok(read) => meanings(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Vec::new(),
            Err(_) => vec![Woken::Ended],
        };
        for woken in pressed {
            if tell.send(woken).is_err() || woken == Woken::Ended {
                return;
            }
        }
    }
}

/// Reads what a terminal sends for keys. Escape alone is a key; what follows it belongs to it otherwise.
fn meanings(mut bytes: &[u8]) -> Vec<Woken> {
    let mut meanings = Vec::new();
    loop {
        let (key, rest) = match bytes {
            [] => return meanings,
            // Cursor keys come in two forms, by the terminal's mode.
            [0x1b, b'[' | b'O', b'A', rest @ ..] => (Some(Key::Up), rest),
            [0x1b, b'[' | b'O', b'B', rest @ ..] => (Some(Key::Down), rest),
            [0x1b, b'[' | b'O', b'D', rest @ ..] => (Some(Key::Back), rest),
            [0x1b, b'[', b'5', b'~', rest @ ..] => (Some(Key::PageUp), rest),
            [0x1b, b'[', b'6', b'~', rest @ ..] => (Some(Key::PageDown), rest),
            [0x1b, b'[' | b'O', rest @ ..] => {
                // A key without a meaning here ends in a letter or a tilde.
                let end = rest.iter().position(|byte| matches!(byte, 0x40..=0x7e));
                (None, end.and_then(|end| rest.get(end + 1..)).unwrap_or_default())
            }
            [0x1b, rest @ ..] => (Some(Key::Back), rest),
            // Raw mode takes the meaning of Ctrl-C from the terminal.
            [0x03, rest @ ..] => {
                meanings.push(Woken::Ended);
                (None, rest)
            }
            [byte, rest @ ..] => (meaning(*byte), rest),
        };
        meanings.extend(key.map(Woken::Key));
        bytes = rest;
    }
}

const fn meaning(byte: u8) -> Option<Key> {
    Some(match byte {
        b'q' => Key::Quit,
        b'p' => Key::Pause,
        b's' => Key::Sort,
        b'?' | b'h' => Key::Help,
        b'k' => Key::Up,
        b'j' => Key::Down,
        b' ' => Key::PageDown,
        b'\r' | b'\n' => Key::Enter,
        0x7f | 0x08 => Key::Back,
        _ => return None,
    })
}

/// Listens for signals until one ends the program.
fn listen_for_signals(tell: SyncSender<Woken>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start to listen for signals")?;
    let mut signals = {
        let _inside = runtime.enter();
        let on = |kind| signal(kind).context("could not listen for a signal");
        [
            on(SignalKind::terminate())?,
            on(SignalKind::interrupt())?,
            on(SignalKind::hangup())?,
            on(SignalKind::window_change())?,
        ]
    };
    let listen = move || {
        runtime.block_on(async {
            let [terminate, interrupt, hang_up, window_change] = &mut signals;
            loop {
                let woken = tokio::select! {
                    _ = terminate.recv() => Woken::Ended,
                    _ = interrupt.recv() => Woken::Ended,
                    _ = hang_up.recv() => Woken::Ended,
                    _ = window_change.recv() => Woken::Resized,
                };
                if tell.send(woken).is_err() || woken == Woken::Ended {
                    return;
                }
            }
        });
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)
        .map(drop)
        .context("could not start to listen for signals")
}

fn put_style(out: &mut Stdout, colour: Color, modifier: Modifier) -> io::Result<()> {
    queue!(out, SetAttribute(Attribute::Reset))?;
    for (known, attribute) in [
        (Modifier::BOLD, Attribute::Bold),
        (Modifier::DIM, Attribute::Dim),
        (Modifier::REVERSED, Attribute::Reverse),
    ] {
        if modifier.contains(known) {
            queue!(out, SetAttribute(attribute))?;
        }
    }
    match ink(colour) {
        Some(ink) => queue!(out, SetForegroundColor(ink)),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_in_the_forms_that_terminals_send() {
        use Woken::Key as K;
        assert_eq!(meanings(b"q"), [K(Key::Quit)]);
        assert_eq!(
            meanings(b"\x1b[A\x1bOBjk"),
            [K(Key::Up), K(Key::Down), K(Key::Down), K(Key::Up)]
        );
        assert_eq!(meanings(b"\x1b"), [K(Key::Back)]);
        assert_eq!(
            meanings(b"\x1b[5~\x1b[6~ "),
            [K(Key::PageUp), K(Key::PageDown), K(Key::PageDown)]
        );
        assert_eq!(meanings(b"\r"), [K(Key::Enter)]);
        // F5, Ctrl-Right, and half a key: nothing, and what follows is known again.
        assert_eq!(meanings(b"\x1b[15~\x1b[1;5Cs\x1b[1"), [K(Key::Sort)]);
        assert_eq!(meanings("\u{e9}xy".as_bytes()), []);
        assert_eq!(meanings(b"\x03"), [Woken::Ended]);
    }
}
