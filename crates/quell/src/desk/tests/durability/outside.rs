//! What is around the daemon, in a folder of the real file system: the file that it follows, with its writer and its rotations, and the two places
//! that verdicts go to, a file and a socket, each of which can go away and come back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::*;
use crate::publish::sink::Sink;

pub(super) struct Outside {
    folder: tempfile::TempDir,
    rotations: u32,
    /// The second half of a line whose first half is written.
    unfinished: Option<Vec<u8>>,
    wazuh: Option<Wazuh>,
    /// The keys of the verdicts that Wazuh got, as they came.
    pub(super) told: Vec<String>,
    /// The text of each, which must not change when it is told again.
    texts: HashMap<String, String>,
}

/// What is sent to the socket to learn whether everything before it was read.
const MARKER: &[u8] = b"marker";

/// Wazuh's end of its socket: a thread reads all the time, because the kernel holds only some ten datagrams.
struct Wazuh {
    to_itself: UnixDatagram,
    read: Receiver<Vec<u8>>,
    reader: Option<JoinHandle<()>>,
}

impl Wazuh {
    fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        let to_itself = UnixDatagram::unbound().expect("a socket");
        to_itself.connect(path).expect("connected");
        let (send, read) = sync_channel(10_000);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut buffer) {
                if send.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { to_itself, read, reader: Some(reader) }
    }

    /// Gives all that came until now.
    fn read_all(&self) -> Vec<Vec<u8>> {
        self.to_itself.send(MARKER).expect("sent");
        self.read.iter().take_while(|datagram| datagram != MARKER).collect()
    }
}

impl Drop for Wazuh {
    fn drop(&mut self) {
        // The thread ends when nobody takes what it read.
        drop(std::mem::replace(&mut self.read, sync_channel(0).1));
        self.to_itself.send(MARKER).ok();
        // Until the socket is closed it takes messages that nobody reads.
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
    }
}

impl Outside {
    pub(super) fn new() -> Self {
        let outside = Self {
            folder: folder(),
            rotations: 0,
            unfinished: None,
            wazuh: None,
            told: Vec::new(),
            texts: HashMap::new(),
        };
        fs::create_dir(outside.out()).expect("a folder");
        File::create(outside.followed()).expect("a file");
        outside
    }

    pub(super) fn followed(&self) -> PathBuf {
        self.folder.path().join("alerts.json")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away")
    }

    fn verdicts(&self) -> PathBuf {
        self.out().join("verdicts.ndjson")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    pub(super) fn sinks(&self) -> [Sink; 2] {
        [
            Sink::file(crate::publish::FILE, self.verdicts()),
            Sink::queue(crate::publish::WAZUH, self.socket()),
        ]
    }

    /// Appends lines; the last one may stop in its middle for now.
    pub(super) fn write_lines(&mut self, lines: &[Vec<u8>], stops_inside: bool) {
        let mut bytes = self.unfinished.take().unwrap_or_default();
        for line in lines {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        if stops_inside && let Some(last) = lines.last() {
            self.unfinished = Some(bytes.split_off(bytes.len() - last.len() / 2));
        }
        self.append(&bytes);
    }

    pub(super) fn finish_line(&mut self) {
        if let Some(rest) = self.unfinished.take() {
            self.append(&rest);
        }
    }

    fn append(&self, bytes: &[u8]) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(self.followed())
            .expect("the followed file");
        file.write_all(bytes).expect("written");
    }

    /// Gives the live file another name, and begins a new one.
    pub(super) fn rotate(&mut self) {
        self.finish_line();
        self.rotations += 1;
        let old = self.folder.path().join(format!("alerts.json.{:03}", self.rotations));
        fs::rename(self.followed(), old).expect("renamed");
        File::create(self.followed()).expect("a new file");
    }

    /// Copies the live file and empties it. Whatever nobody read by then is only in the copy.
    pub(super) fn copy_and_truncate(&mut self) {
        self.finish_line();
        self.rotations += 1;
        let copy = self.folder.path().join(format!("alerts.json.{:03}", self.rotations));
        fs::copy(self.followed(), copy).expect("copied");
        File::options().write(true).truncate(true).open(self.followed()).expect("emptied");
    }

    /// Lets Wazuh listen, or stop to.
    pub(super) fn set_wazuh(&mut self, listens: bool) {
        if listens && self.wazuh.is_none() {
            self.wazuh = Some(Wazuh::listen(&self.socket()));
        } else if !listens && self.wazuh.is_some() {
            self.hear();
            self.wazuh = None;
            fs::remove_file(self.socket()).expect("removed");
        }
    }

    /// Makes the folder of the verdicts' file come, or go with what is in it (to where it is found again).
    pub(super) fn set_file(&mut self, is_there: bool) {
        let away = self.away();
        if is_there && away.exists() {
            fs::rename(away, self.out()).expect("back");
        } else if !is_there && self.out().exists() {
            fs::rename(self.out(), away).expect("away");
        }
    }

    /// Reads what Wazuh got since the last time.
    pub(super) fn hear(&mut self) {
        let Some(wazuh) = &self.wazuh else { return };
        for datagram in wazuh.read_all() {
            let datagram = String::from_utf8(datagram).expect("text");
            let (_, event) = datagram.split_once(":{").expect("an event");
            let event = format!("{{{event}");
            let key = key_of(&event);
            let first = self.texts.entry(key.clone()).or_insert_with(|| event.clone());
            assert_eq!(*first, event, "the same verdict was told again in other words");
            self.told.push(key);
        }
    }

    /// The keys of the verdicts in the file, as they stand there. A line that is not whole fails the test.
    pub(super) fn written(&self) -> Vec<String> {
        let folder = if self.away().exists() { self.away() } else { self.out() };
        let text = fs::read_to_string(folder.join("verdicts.ndjson")).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'), "the last verdict in the file is torn");
        text.lines().map(key_of).collect()
    }

    /// What a power cut does to a line that was written and not flushed.
    pub(super) fn tear(&self, from: u64, dice: &mut Dice) {
        let Ok(file) = File::options().write(true).open(self.verdicts()) else { return };
        let length = file.metadata().expect("a file").len();
        if length > from {
            file.set_len(from + dice.below(length - from)).expect("torn");
        }
    }
}

fn key_of(event: &str) -> String {
    let event: Value = serde_json::from_str(event).expect("an event");
    event["quell"]["key"].as_str().expect("a key").to_owned()
}
