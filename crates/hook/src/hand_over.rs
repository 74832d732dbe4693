//! Hands one alert to the daemon through its socket, or gives up in time.
//!
//! A UNIX socket has no connect timeout in the standard library, and connecting blocks while the
//! queue of waiting connections is full, as it is when the daemon is stopped but not dead. So the
//! whole exchange runs in a thread of its own, and the caller waits for its result and not for it.
//! A thread that is left behind dies with the process a moment later.
//!
//! It promises to return within the deadline, and success only for an alert that the daemon says it
//! has in its journal. It leaves what to do otherwise to the caller.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use crate::frame;

/// Longest wait for the daemon. It commits a batch at least every 5 ms, so this is patience for
/// fifty batches on a slow disk. While a daemon hangs, each alert pays it in full and Wazuh still
/// moves on at four alerts a second; a longer wait would make a hanging daemon a hanging Wazuh.
pub(crate) const DEADLINE: Duration = Duration::from_millis(250);

/// Stack of the thread that talks to the socket. It makes a few shallow calls and keeps the frame
/// on the heap; formatting an error with a path is the deepest thing it does.
const EXCHANGE_STACK_BYTES: usize = 128 * 1024;

/// Sends the alert and waits for the daemon's answer, at most until the deadline.
pub(crate) fn hand_over(socket: &Path, alert: &[u8], deadline: Duration) -> Result<(), String> {
    let bytes = frame::frame(alert)?;
    let path = socket.to_path_buf();
    let (tell, told) = sync_channel(1);
    let exchange = move || {
        // Nobody listens any more once the deadline has passed, and that is no error.
        drop(tell.send(exchange(path, &bytes, deadline)));
    };
    thread::Builder::new()
        .stack_size(EXCHANGE_STACK_BYTES)
        .spawn(exchange)
        .map_err(|error| format!("can't start a thread to reach the daemon: {error}"))?;
    told.recv_timeout(deadline).unwrap_or_else(|_| {
        Err(format!("the daemon at {socket:?} did not answer within {} ms", deadline.as_millis()))
    })
}

/// Speaks to the daemon; may block for longer than the deadline, in connecting.
fn exchange(socket: PathBuf, frame: &[u8], deadline: Duration) -> Result<(), String> {
    let failed = |what: &str, error: std::io::Error| {
        format!("can't {what} the daemon's socket {socket:?}: {error}, is `quell run` running?")
    };
    let mut stream = UnixStream::connect(&socket).map_err(|error| failed("connect to", error))?;
    // These do not bound the sum of all waits, which is why there is a thread; they only see to it
    // that the thread ends by itself if this ever runs in a process that lives longer.
    stream.set_write_timeout(Some(deadline)).map_err(|error| failed("configure", error))?;
    stream.set_read_timeout(Some(deadline)).map_err(|error| failed("configure", error))?;
    stream.write_all(frame).map_err(|error| failed("write to", error))?;
    let mut answer = [0u8];
    stream.read_exact(&mut answer).map_err(|error| failed("read an answer from", error))?;
    match answer {
        [frame::JOURNALED] => Ok(()),
        [other] => Err(format!("the daemon refused the alert with the answer {other:#04x}")),
    }
}
