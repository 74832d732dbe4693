//! The hook's socket, spoken to as the hook does.

use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use tempfile::TempDir;
use tempfile::tempdir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::sync::watch;
use wazuh::Delivery;
use wazuh::Outcome;
use wazuh::Route;
use wazuh::intake::socket::HookSocket;
use wazuh::intake::socket::SocketSettings;

use crate::fixture::notices;
use crate::fixture::settle;
use crate::fixture::write;

/// A listener in a directory of its own, and the daemon's end of its channel.
struct Listening {
    directory: TempDir,
    deliveries: mpsc::Receiver<Delivery>,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinSet<anyhow::Result<()>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Listening {
    fn start(directory: TempDir, channel: usize) -> Self {
        let socket = HookSocket::open(settings(directory.path())).unwrap();
        let (sender, deliveries) = mpsc::channel(channel);
        let (stop, shutdown) = watch::channel(false);
        let (notify, said) = notices();
        let mut running = tokio::task::JoinSet::new();
        running.spawn(socket.run(sender, shutdown, notify));
        Self { directory, deliveries, stop, running, said }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.directory.path().join("hook.sock")).await.unwrap()
    }

    /// Sends bytes and gives the answer; `None` if there is none.
    async fn send(&self, bytes: &[u8]) -> Option<u8> {
        let mut stream = self.connect().await;
        // A peer that turns us away may close before it has read everything.
        stream.write_all(bytes).await.ok();
        stream.read_u8().await.ok()
    }

    async fn stop(mut self) -> TempDir {
        self.stop.send(true).unwrap();
        drop(self.deliveries);
        self.running.join_next().await.unwrap().unwrap().unwrap();
        self.directory
    }
}

fn settings(directory: &Path) -> SocketSettings {
    SocketSettings {
        socket: directory.join("hook.sock"),
        journal: directory.join("journal"),
        group: None,
    }
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = b"QH1\n".to_vec();
    frame.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    frame.extend(body);
    frame
}

/// Bytes in all segments of the journal.
fn journal_bytes(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory.join("journal")).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn an_alert_is_in_the_journal_before_it_is_acknowledged() {
    let mut listening = Listening::start(tempdir().unwrap(), 4);
    assert_eq!(listening.send(&frame(b"{\"a\":1}\n")).await, Some(b'+'));
    assert_eq!(journal_bytes(listening.directory.path()), 4 + 8);
    let delivery = listening.deliveries.recv().await.unwrap();
    assert_eq!(delivery.route, Route::Hook);
    assert_eq!(settle(delivery, Outcome::Committed), ["{\"a\":1}"]);
    let directory = listening.stop().await;
    assert_eq!(journal_bytes(directory.path()), 0, "a committed alert leaves the journal");
    assert!(!directory.path().join("hook.sock").exists(), "the socket goes with the daemon");
}

#[tokio::test]
async fn a_killed_daemon_leaves_its_alerts_to_the_next_one() {
    let mut listening = Listening::start(tempdir().unwrap(), 8);
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'+'));
    assert_eq!(listening.send(&frame(b"ruleid='1'\nalertlevel='3'\n")).await, Some(b'+'));
    // Aborting the task is as near to a kill as one process gets: nothing is settled or removed.
    listening.running.abort_all();
    while listening.running.join_next().await.is_some() {}
    let socket = listening.directory.path().join("hook.sock");
    assert!(socket.exists(), "the stale socket file is still there");

    let mut next = Listening::start(listening.directory, 8);
    let delivery = next.deliveries.recv().await.unwrap();
    let texts = settle(delivery, Outcome::Committed);
    assert_eq!(texts[0], "{\"a\":1}");
    assert!(texts[1].starts_with("{\"rule\":{\"level\":3"), "{texts:?}");
    let directory = next.stop().await;
    assert_eq!(std::fs::read_dir(directory.path().join("journal")).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_alert_is_delivered_again() {
    let mut listening = Listening::start(tempdir().unwrap(), 4);
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'+'));
    let first = listening.deliveries.recv().await.unwrap();
    settle(first, Outcome::Refused("the store is full".to_owned()));
    let again = listening.deliveries.recv().await.unwrap();
    assert_eq!(settle(again, Outcome::Committed), ["{\"a\":1}"]);
    let directory = listening.stop().await;
    assert_eq!(journal_bytes(directory.path()), 0);
}

#[tokio::test]
async fn a_stopping_daemon_keeps_what_was_refused() {
    let mut listening = Listening::start(tempdir().unwrap(), 4);
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'+'));
    let delivery = listening.deliveries.recv().await.unwrap();
    drop(delivery);
    let directory = listening.stop().await;
    assert_eq!(journal_bytes(directory.path()), 4 + 7);
    let socket = HookSocket::open(settings(directory.path())).unwrap();
    assert_eq!(socket.leftovers(), 1);
}

#[tokio::test]
async fn a_full_channel_sends_the_hook_to_its_spool() {
    let listening = Listening::start(tempdir().unwrap(), 1);
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'+'));
    assert_eq!(listening.send(&frame(b"{\"b\":2}")).await, Some(b'-'));
    let journal = journal_bytes(listening.directory.path());
    assert_eq!(journal, 4 + 7, "what was refused is not in the journal");
}

#[tokio::test]
async fn a_journal_that_can_not_be_written_sends_the_hook_to_its_spool() {
    let listening = Listening::start(tempdir().unwrap(), 4);
    // A directory in the place of the first segment; modes would not stop root.
    std::fs::create_dir(
        listening.directory.path().join("journal/segment-0000000000000000.journal"),
    )
    .unwrap();
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'-'));
    assert!(listening.said.lock().unwrap()[0].contains("could not write the hook's journal"));
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'+'), "the next segment is fine");
}

#[tokio::test]
async fn what_is_no_frame_is_refused() {
    let listening = Listening::start(tempdir().unwrap(), 4);
    assert_eq!(listening.send(b"GET / HTTP/1.1\r\n\r\n").await, Some(b'-'));
    assert_eq!(listening.send(b"QH1\n\0\0\0\0").await, Some(b'-'));
    assert_eq!(listening.send(b"QH1\n\xff\xff\xff\xff").await, Some(b'-'));
    let mut stream = listening.connect().await;
    stream.write_all(b"QH1\n\x05\0\0\0abc").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'-');
    assert_eq!(listening.said.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_let_go() {
    let listening = Listening::start(tempdir().unwrap(), 4);
    let mut stream = listening.connect().await;
    stream.write_all(b"QH1\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'-');
    assert!(listening.said.lock().unwrap()[0].contains("in time"));
}

#[tokio::test]
async fn the_largest_alert_passes() {
    let mut listening = Listening::start(tempdir().unwrap(), 4);
    let body = vec![b'x'; wazuh::intake::ALERT_BYTES_MAX];
    assert_eq!(listening.send(&frame(&body)).await, Some(b'+'));
    let delivery = listening.deliveries.recv().await.unwrap();
    assert_eq!(delivery.alerts[0].len(), body.len());
}

#[tokio::test]
async fn connections_past_the_limit_are_turned_away_unread() {
    let listening = Listening::start(tempdir().unwrap(), 4);
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(listening.connect().await);
    }
    assert_eq!(listening.send(&frame(b"{\"a\":1}")).await, Some(b'-'));
    // A place that becomes free is given to the next one.
    held.pop().unwrap().shutdown().await.unwrap();
    held.clear();
    let mut answer = listening.send(&frame(b"{\"a\":1}")).await;
    for _ in 0..1000 {
        if answer == Some(b'+') {
            break;
        }
        tokio::task::yield_now().await;
        answer = listening.send(&frame(b"{\"a\":1}")).await;
    }
    assert_eq!(answer, Some(b'+'));
}

#[tokio::test]
async fn a_second_daemon_is_refused() {
    let directory = tempdir().unwrap();
    let _first = HookSocket::open(settings(directory.path())).unwrap();
    let error = HookSocket::open(settings(directory.path())).unwrap_err().to_string();
    assert!(error.starts_with("another daemon listens on"), "{error}");
}

#[tokio::test]
async fn what_is_not_a_socket_is_left_alone() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("hook.sock");
    write(&path, "precious");
    let error = HookSocket::open(settings(directory.path())).unwrap_err().to_string();
    assert!(error.contains("is not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn owner_and_group_may_write_and_others_may_not() {
    let directory = tempdir().unwrap();
    let mut settings = settings(directory.path());
    // Our own group: the only one that every user may give a file to.
    settings.group = Some(std::fs::metadata(directory.path()).unwrap().gid());
    let _socket = HookSocket::open(settings.clone()).unwrap();
    let metadata = std::fs::metadata(&settings.socket).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    assert_eq!(Some(metadata.gid()), settings.group);
}

#[tokio::test]
async fn a_missing_directory_is_an_error_with_a_hint() {
    let directory = tempdir().unwrap();
    let mut settings = settings(directory.path());
    settings.socket = directory.path().join("missing/hook.sock");
    let error = HookSocket::open(settings).unwrap_err().to_string();
    assert!(error.contains("hint: its directory must exist"), "{error}");
}
