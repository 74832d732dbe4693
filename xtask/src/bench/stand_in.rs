//! A stand-in for the daemon: takes alerts on a socket, says that it has them, and counts.
//!
//! It knows the format of the hook's frames (`crates/hook/src/frame.rs`) by its own reading, since
//! xtask may use none of our crates.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::Context;

/// A thread that listens.
pub(super) struct StandIn {
    socket: PathBuf,
    is_stopping: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl StandIn {
    pub(super) fn listen(socket: &Path) -> anyhow::Result<StandIn> {
        let listener = UnixListener::bind(socket)
            .with_context(|| format!("can't listen on `{}`", socket.display()))?;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_stopping);
        let thread = thread::spawn(move || serve(&listener, &stop));
        Ok(StandIn { socket: socket.to_path_buf(), is_stopping, thread })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends the thread and tells how many alerts it took.
    pub(super) fn stop(self) -> usize {
        self.is_stopping.store(true, Ordering::SeqCst);
        // The thread waits in accept: one more connection wakes it, so that it sees the flag.
        drop(UnixStream::connect(&self.socket));
        self.thread.join().unwrap_or(0)
    }
}

fn serve(listener: &UnixListener, is_stopping: &AtomicBool) -> usize {
    let mut taken = 0;
    while let Ok((stream, _)) = listener.accept() {
        if is_stopping.load(Ordering::SeqCst) {
            break;
        }
        taken += usize::from(take(stream).is_ok());
    }
    taken
}

fn take(mut stream: UnixStream) -> io::Result<()> {
    let mut magic = [0; 4];
    stream.read_exact(&mut magic)?;
    if &magic != b"QH1\n" {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let read = io::copy(&mut (&mut stream).take(length), &mut io::sink())?;
    if read != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stream.write_all(b"+")
}
