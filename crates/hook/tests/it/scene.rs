//! A directory with everything that one run of the program touches, and stand-ins for the daemon.
//!
//! The stand-in is a thread on a real socket that takes one connection. It reads the frame by its
//! own reading of the format, not by the program's code, so that the two can disagree.

#![expect(clippy::expect_used, reason = "a test without its scene can only stop")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for a stand-in to say what it got; a hook that never connects gives "nothing".
const STAND_IN_WAIT: Duration = Duration::from_secs(1);

/// One alert file, one socket path and one spool directory, removed at the end.
pub(crate) struct Scene {
    directory: PathBuf,
}

impl Scene {
    pub(crate) fn new(name: &str, alert: &[u8]) -> Scene {
        let name = format!("hook-it-{name}-{}", std::process::id());
        let scene = Scene { directory: std::env::temp_dir().join(name) };
        drop(fs::remove_dir_all(&scene.directory));
        fs::create_dir_all(scene.spool()).expect("a temporary directory");
        scene.write_alert(alert);
        scene
    }

    pub(crate) fn write_alert(&self, alert: &[u8]) {
        let mut file = File::create(self.alert()).expect("an alert file");
        file.write_all(alert).expect("an alert file");
    }

    pub(crate) fn alert(&self) -> PathBuf {
        self.directory.join("custom-quell-1763990000--42.alert")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("hook.sock")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.directory.join("spool")
    }

    /// Runs the program with the words that integratord gives; returns how long it took.
    pub(crate) fn run_as_integratord(&self) -> Duration {
        let rest = ["", "", "", "", "10", "3", "> /dev/null 2>&1"].map(OsString::from);
        let mut arguments = vec![self.alert().into_os_string()];
        arguments.extend(rest);
        self.run(&arguments)
    }

    /// Runs the program and checks what must hold for every run. Reading its output to the end
    /// also proves that nothing keeps stdout or stderr open after it.
    #[expect(clippy::disallowed_methods, reason = "running the program is what is tested")]
    pub(crate) fn run(&self, arguments: &[OsString]) -> Duration {
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_custom-quell"))
            .args(arguments)
            .env("QUELL_HOOK_SOCKET", self.socket())
            .env("QUELL_SPOOL_DIR", self.spool())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        let took = start.elapsed();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        took
    }

    /// Lists the spool in the daemon's order, without the error log.
    pub(crate) fn spool_names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.spool()) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name != "hook-errors.log")
            .collect();
        names.sort();
        names
    }

    /// Reads the spooled alerts in order.
    pub(crate) fn spooled(&self) -> Vec<Vec<u8>> {
        let read = |name: &String| fs::read(self.spool().join(name)).expect("a spooled alert");
        self.spool_names().iter().map(read).collect()
    }

    /// Reads the error log; none is the same as an empty one.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.spool().join("hook-errors.log")).unwrap_or_default()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A stand-in for the daemon that takes one connection.
pub(crate) struct Daemon {
    alert: Receiver<Vec<u8>>,
}

impl Daemon {
    /// Reads the frame, answers with these bytes, and hangs up.
    pub(crate) fn answering(scene: &Scene, answer: &'static [u8]) -> Daemon {
        Daemon::listening(&scene.socket(), Some(answer))
    }

    /// Reads the frame and keeps the connection open without a word until the other side goes.
    pub(crate) fn silent(scene: &Scene) -> Daemon {
        Daemon::listening(&scene.socket(), None)
    }

    fn listening(socket: &Path, answer: Option<&'static [u8]>) -> Daemon {
        let listener = UnixListener::bind(socket).expect("a socket");
        let (tell, alert) = sync_channel(1);
        // The thread of a test that expects no connection is left to the end of the test process.
        thread::spawn(move || drop(serve(&listener, answer, &tell)));
        Daemon { alert }
    }

    /// Gives the alert that arrived, or nothing.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.alert.recv_timeout(STAND_IN_WAIT).unwrap_or_default()
    }
}

fn serve(
    listener: &UnixListener,
    answer: Option<&[u8]>,
    tell: &SyncSender<Vec<u8>>,
) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let alert = read_frame(&mut stream)?;
    match answer {
        Some(answer) => stream.write_all(answer)?,
        None => drop(stream.read(&mut [0])?),
    }
    drop(tell.send(alert));
    Ok(())
}

fn read_frame(stream: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut magic = [0; 4];
    stream.read_exact(&mut magic)?;
    assert_eq!(&magic, b"QH1\n");
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut alert = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut alert)?;
    Ok(alert)
}
