//! Listens for the hook: takes an alert, puts it in the journal, answers, and delivers it.
//!
//! The hook writes one frame, `QH1\n`, the length as u32 little endian, the alert, and reads one byte:
//! `+` means that the alert is in the journal and will be delivered, `-` means that the hook must spool it.
//! Room in the channel is reserved before the journal is written, so `+` is never said to an alert that
//! can't be passed on. A refused delivery is read back from the journal and tried again.
//!
//! The socket's file mode is the only access control: group `wazuh` may write to it. Whoever may, can feed
//! alerts, which is no more than they can do through Wazuh itself.

mod bind;
mod connection;
mod settle;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::Context;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::delivery::Delivery;
use crate::delivery::Notice;
use crate::delivery::Notify;
use crate::delivery::Route;
use crate::delivery::Severity;
use crate::intake::journal::Journal;
use crate::intake::journal::RecordSet;
use crate::intake::rest;
use crate::intake::stopped;
pub use connection::ACCEPTED;
pub use connection::FRAME_MAGIC;
pub use connection::REFUSED;
pub(in crate::intake) use settle::to_alert;

/// Connections served at once. integratord runs hooks one at a time, so 64 is a manager with a burst
/// of hooks by hand; each may hold one alert of up to 1 MiB in memory.
const CONNECTIONS_MAX: usize = 64;

/// Alerts in the journal that wait for their commit; past that the hook is told to spool. At most some
/// seconds of a flood: more means that the daemon doesn't commit, and then the spool is the better place.
const UNCOMMITTED_MAX: usize = 4096;

/// How long a stopping listener waits for the last commits. What is not committed stays in the journal.
const DRAIN_WAIT: Duration = Duration::from_secs(2);

/// The wait after `accept` failed, which it does when the process is out of file descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// Where to listen, and who may write.
#[derive(Debug, Clone)]
pub struct SocketSettings {
    /// The socket's path, which the hook knows.
    pub socket: PathBuf,
    /// The journal's directory, private to the daemon.
    pub journal: PathBuf,
    /// The group that may write to the socket, normally that of `wazuh`.
    pub group: Option<u32>,
}

/// The hook's socket, open.
#[derive(Debug)]
pub struct HookSocket {
    listener: UnixListener,
    settings: SocketSettings,
    journal: Journal,
    leftovers: Vec<RecordSet>,
}

/// What the listener's tasks share.
struct Shared {
    journal: Mutex<Journal>,
    deliveries: mpsc::Sender<Delivery>,
    notify: Notify,
}

impl Shared {
    /// Works with the journal. A task that broke in the middle leaves it usable: each of its steps is
    /// complete on disk before its numbers change.
    fn with_journal<T>(&self, work: impl FnOnce(&mut Journal) -> T) -> T {
        work(&mut self.journal.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn warn(&self, message: String) {
        (self.notify)(Notice { severity: Severity::Warn, route: Route::Hook, message });
    }
}

impl HookSocket {
    /// Opens the journal and binds the socket; must be called inside the runtime.
    ///
    /// Fails if another daemon answers on the socket.
    pub fn open(settings: SocketSettings) -> anyhow::Result<Self> {
        // The socket first: two daemons must not read the same journal.
        let listener = bind::bind(&settings.socket, settings.group)?;
        let (journal, leftovers) = Journal::open(&settings.journal).with_context(|| {
            format!("could not open the hook's journal `{}`", settings.journal.display())
        })?;
        Ok(Self { listener, settings, journal, leftovers })
    }

    /// How many alerts an earlier daemon left in the journal.
    pub fn leftovers(&self) -> usize {
        self.leftovers.iter().map(RecordSet::len).sum()
    }

    /// Serves hooks until shutdown, then waits a moment for the last commits.
    pub async fn run(
        self,
        deliveries: mpsc::Sender<Delivery>,
        mut shutdown: watch::Receiver<bool>,
        notify: Notify,
    ) -> anyhow::Result<()> {
        let shared = Arc::new(Shared { journal: Mutex::new(self.journal), deliveries, notify });
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut tasks = JoinSet::new();
        for set in self.leftovers {
            tasks.spawn(settle::redeliver(Arc::clone(&shared), set, shutdown.clone()));
        }
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => break,
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        shared.warn(format!("a task of the hook's socket broke: {error}"));
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let has_room = shared.with_journal(|j| j.outstanding()) < UNCOMMITTED_MAX;
                        match Arc::clone(&slots).try_acquire_owned() {
                            Ok(slot) if has_room => {
                                let shared = Arc::clone(&shared);
                                tasks.spawn(connection::serve(shared, stream, slot, shutdown.clone()));
                            }
                            // Nothing is read: the hook spools, and its alert costs us no memory.
                            _ => connection::turn_away(&stream),
                        }
                    }
                    Err(error) => {
                        shared.warn(format!("could not accept a hook: {error}"));
                        if !rest(ACCEPT_WAIT, &mut shutdown).await {
                            break;
                        }
                    }
                }
            }
        }
        drop(self.listener);
        // A hook that connects now finds nobody and spools, which is what should happen.
        std::fs::remove_file(&self.settings.socket).ok();
        let drain = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_WAIT, drain).await.is_err() {
            let waiting = shared.with_journal(|journal| journal.outstanding());
            shared.warn(format!("{waiting} alerts stay in the hook's journal for the next start"));
        }
        Ok(())
    }
}
