//! A terminal with a program in it, as a person would sit before one. It does not say how large it is, like a serial line.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::command::{eventually, quell};

/// How long the program may take for what a key asks.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A terminal, and the program in it.
pub(crate) struct Terminal {
    /// The person's side. None once it hung up.
    keyboard: Option<File>,
    /// A hold on the program's side, so that its modes can be read after the program ended.
    line: OwnedFd,
    written: Arc<Mutex<Vec<u8>>>,
    /// Whoever reads along holds the terminal open too, until it is told to let go.
    reader: Option<std::thread::JoinHandle<()>>,
    lets_go: Arc<AtomicBool>,
    child: Child,
}

impl Terminal {
    /// Starts the program in a terminal.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        // Programs that other tests start at this moment must not inherit it, or it could not hang up.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let line = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(ptsname_r(&master).unwrap())
            .unwrap();
        let line = OwnedFd::from(line);
        let end = || Stdio::from(line.try_clone().unwrap());
        let child = quell()
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keyboard = File::from(master.as_fd().try_clone_to_owned().unwrap());
        drop(master);
        let screen = keyboard.try_clone().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let lets_go = Arc::new(AtomicBool::new(false));
        let (sink, told) = (Arc::clone(&written), Arc::clone(&lets_go));
        let reader = std::thread::spawn(move || read_along(screen, &sink, &told));
        Self { keyboard: Some(keyboard), line, written, reader: Some(reader), lets_go, child }
    }

    /// Hangs up, as a broken SSH session does. The program gets no signal, because this is not the terminal of its session.
    pub(crate) fn hang_up(&mut self) {
        self.lets_go.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
    }

    /// Gives everything that was written to the terminal.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    /// Waits until a text was written.
    #[track_caller]
    pub(crate) fn expect(&self, text: &str) {
        eventually(text, ANSWER_MAX, || self.written().contains(text).then_some(()));
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Tells whether the program has the keys to itself: they are not echoed, and come one by one.
    pub(crate) fn is_taken(&self) -> bool {
        let modes = tcgetattr(&self.line).unwrap().local_flags;
        !modes.intersects(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// Waits until the program ends.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the program ends", ANSWER_MAX, || self.child.try_wait().unwrap())
    }
}

/// Keeps what is written, until it is told to let go.
fn read_along(mut screen: File, sink: &Mutex<Vec<u8>>, lets_go: &AtomicBool) {
    let mut chunk = [0; 4096];
    while !lets_go.load(Ordering::Relaxed) {
        let mut waiting = [PollFd::new(screen.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waiting, PollTimeout::from(50_u8)).unwrap_or(0) == 0 {
            continue;
        }
        match screen.read(&mut chunk) {
            Ok(read @ 1..) => sink.lock().unwrap().extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.lets_go.store(true, Ordering::Relaxed);
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
