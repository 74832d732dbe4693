//! The desk on a thread of its own, and the way to it from everywhere else.
//!
//! Work is a closure that runs on the desk's thread, in turn; the queue is bounded, so whoever sends more than the desk can do waits.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use store::StoreError;
use tokio::sync::{mpsc, oneshot, watch};
use triage::admit::Gate;

use super::Desk;

/// Closures that wait for the desk. Each stage sends one at a time.
const WORK_MAX: usize = 64;

type Work = Box<dyn FnOnce(&mut Desk) -> Next + Send>;

/// Whether the desk goes on after a piece of work.
enum Next {
    Work,
    Stop,
}

/// The way to the desk.
#[derive(Clone)]
pub(crate) struct DeskHandle {
    work: mpsc::Sender<Work>,
    gate: watch::Receiver<Arc<Gate>>,
    /// Where the store lies.
    data_dir: Option<PathBuf>,
}

impl DeskHandle {
    /// Puts the desk on its thread. The thread ends when it is told to, or when the last handle is gone.
    pub(crate) fn start(mut desk: Desk) -> anyhow::Result<(Self, std::thread::JoinHandle<()>)> {
        let (work, mut waiting) = mpsc::channel::<Work>(WORK_MAX);
        let (gate, data_dir) = (desk.gate(), desk.store.data_dir());
        let thread = std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || {
                while let Some(work) = waiting.blocking_recv() {
                    if matches!(work(&mut desk), Next::Stop) {
                        break;
                    }
                }
            })
            .context("could not start the desk's thread")?;
        Ok((Self { work, gate, data_dir }, thread))
    }

    /// Gives what the door needs to decide on alerts, as it is now.
    pub(crate) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate.borrow())
    }

    /// Says what to try about a fault of the store, and where.
    pub(crate) fn hint(&self, error: &StoreError) -> String {
        let hint = error.hint();
        match &self.data_dir {
            Some(path) => format!("{hint} (data directory `{}`)", path.display()),
            None => hint.to_owned(),
        }
    }

    /// Does something at the desk and gives what came of it.
    ///
    /// # Errors
    /// If the desk is gone, which means that it panicked: the daemon must end and start again from the store.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> R + Send + 'static,
    ) -> anyhow::Result<R> {
        let (done, result) = oneshot::channel();
        let work: Work = Box::new(move |desk| {
            // Nobody may wait any more (a stage that was shut down): what was done is committed all the same.
            done.send(work(desk)).ok();
            Next::Work
        });
        self.work.send(work).await.ok().context("the desk is gone")?;
        result.await.context("the desk ended in the middle of its work")
    }

    /// Tells the desk to end after what waits before it, whoever still holds a handle: a client that hangs in the middle of a request must not keep
    /// the daemon from ending.
    pub(crate) async fn stop(&self) {
        let stop: Work = Box::new(|_| Next::Stop);
        self.work.send(stop).await.ok();
    }
}
