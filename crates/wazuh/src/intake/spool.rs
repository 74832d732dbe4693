//! Empties the directory into which the hook writes alerts when the daemon doesn't answer.
//!
//! The hook writes a hidden temporary file and renames it to `*.alert`, so a name with that end is always
//! complete. Files are delivered in the order of their names and deleted once they are committed; a crash
//! in between delivers them again, and the daemon knows their ids. What can't be an alert is moved to
//! `bad/`, where a person can look at it. Whoever is in group `wazuh` can write here, so nothing but a
//! plain file is opened.

use std::collections::BinaryHeap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify as Nudge;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::delivery::Delivery;
use crate::delivery::Notice;
use crate::delivery::Notify;
use crate::delivery::Outcome;
use crate::delivery::Receipt;
use crate::delivery::Rejected;
use crate::delivery::Route;
use crate::delivery::Severity;
use crate::delivery::outcome_of;
use crate::intake::ALERT_BYTES_MAX;
use crate::intake::BATCH_ALERTS_MAX;
use crate::intake::BATCH_BYTES_MAX;
use crate::intake::rest;
use crate::intake::socket::to_alert;
use crate::intake::stopped;

/// The end of a finished file's name.
const FINISHED_SUFFIX: &str = ".alert";

/// Where files go that can't be an alert.
const BAD_DIRECTORY: &str = "bad";

/// How many bad files are kept to be looked at. Their heads are in the dead letters as well, so past
/// this number they are deleted.
const BAD_FILES_MAX: usize = 1000;

/// Names taken from the directory in one listing. A spool of 100,000 files after a long outage is then
/// listed seven times, not once per batch, and the names take a megabyte.
const NAMES_MAX: usize = 16_384;

/// Files that can neither be read nor moved, and are left alone until the next start.
const STUCK_MAX: usize = 1024;

/// How often the directory is looked at. The hook spools only while the daemon is away or overloaded,
/// and both have been going on for longer than five seconds by then.
const LOOK_WAIT: Duration = Duration::from_secs(5);

/// The spool directory.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    /// Names from the last listing, in order, that were not taken yet.
    names: VecDeque<String>,
    stuck: HashSet<String>,
}

/// Files that were read together, to be settled when their delivery is committed.
#[derive(Debug, Default)]
pub struct SpoolBatch {
    /// The alerts, in the order of the files' names.
    pub alerts: Vec<Vec<u8>>,
    /// What was no alert, with the reason.
    pub rejected: Vec<Rejected>,
    good: Vec<String>,
    bad: Vec<String>,
}

impl SpoolBatch {
    /// Whether the spool had nothing.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.rejected.is_empty()
    }
}

/// What one file turned out to be.
enum Content {
    Alert(Vec<u8>),
    Bad(Rejected),
    /// It vanished: another program deleted it.
    Gone,
}

impl Spool {
    /// Names the directory; it may not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), names: VecDeque::new(), stuck: HashSet::new() }
    }

    /// Reads the next files, at most a batch. Deletes nothing. Blocking.
    pub fn read_batch(&mut self) -> io::Result<SpoolBatch> {
        if self.names.is_empty() {
            self.names = self.list()?;
        }
        let mut batch = SpoolBatch::default();
        let mut bytes = 0_usize;
        while batch.alerts.len().saturating_add(batch.rejected.len()) < BATCH_ALERTS_MAX
            && bytes < BATCH_BYTES_MAX
        {
            let Some(name) = self.names.pop_front() else { break };
            match read_content(&self.directory.join(&name)) {
                Content::Alert(body) => {
                    bytes = bytes.saturating_add(body.len());
                    batch.alerts.push(to_alert(body));
                    batch.good.push(name);
                }
                Content::Bad(rejected) => {
                    batch.rejected.push(rejected);
                    batch.bad.push(name);
                }
                Content::Gone => {}
            }
        }
        Ok(batch)
    }

    /// Deletes what was committed and moves what was bad. Blocking.
    ///
    /// A file that can't be removed is not taken again before the next start, and is told of.
    pub fn settle(&mut self, batch: &SpoolBatch) -> Vec<String> {
        let mut problems = Vec::new();
        for name in &batch.good {
            if let Err(error) = std::fs::remove_file(self.directory.join(name)) {
                self.give_up(name, &error, &mut problems);
            }
        }
        for name in &batch.bad {
            if let Err(error) = self.put_aside(name) {
                self.give_up(name, &error, &mut problems);
            }
        }
        problems
    }

    /// Forgets the listing, so that refused files are taken again.
    pub fn start_over(&mut self) {
        self.names.clear();
    }

    fn give_up(&mut self, name: &str, error: &io::Error, problems: &mut Vec<String>) {
        if error.kind() == io::ErrorKind::NotFound {
            return;
        }
        // Past the limit it is delivered again at each look: noisy, but bounded and nothing is lost.
        if self.stuck.len() < STUCK_MAX {
            self.stuck.insert(name.to_owned());
        }
        let path = self.directory.join(name);
        problems.push(format!(
            "could not remove `{}` from the spool: {error}\n\
             hint: the user that runs quell must own the spool directory",
            path.display()
        ));
    }

    fn put_aside(&self, name: &str) -> io::Result<()> {
        let bad = self.directory.join(BAD_DIRECTORY);
        std::fs::create_dir_all(&bad)?;
        let from = self.directory.join(name);
        if std::fs::read_dir(&bad)?.take(BAD_FILES_MAX).count() >= BAD_FILES_MAX {
            return std::fs::remove_file(from);
        }
        std::fs::rename(from, bad.join(name))
    }

    /// The first names of the directory; a heap keeps the smallest without holding all.
    fn list(&self) -> io::Result<VecDeque<String>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
            Err(error) => return Err(error),
        };
        let mut names = BinaryHeap::new();
        for entry in entries {
            // The hook makes plain names; one that isn't text is not from the hook.
            let Ok(name) = entry?.file_name().into_string() else { continue };
            let is_finished = name.ends_with(FINISHED_SUFFIX) && !name.starts_with('.');
            if !is_finished || self.stuck.contains(&name) {
                continue;
            }
            names.push(name);
            if names.len() > NAMES_MAX {
                names.pop();
            }
        }
        Ok(names.into_sorted_vec().into())
    }
}

/// Empties the spool at the start, at each nudge, and every few seconds, until shutdown.
pub async fn run(
    mut spool: Spool,
    deliveries: mpsc::Sender<Delivery>,
    nudge: Arc<Nudge>,
    mut shutdown: watch::Receiver<bool>,
    notify: Notify,
) -> anyhow::Result<()> {
    let warn = |message| notify(Notice { severity: Severity::Warn, route: Route::Spool, message });
    let mut last_problem = String::new();
    loop {
        let (back, read) = off_thread(spool, Spool::read_batch).await?;
        spool = back;
        match read {
            Ok(batch) if !batch.is_empty() => {
                last_problem.clear();
                let Some(outcome) = deliver(&batch, &spool, &deliveries, &mut shutdown).await
                else {
                    return Ok(());
                };
                match outcome {
                    Outcome::Committed => {
                        let (back, problems) =
                            off_thread(spool, move |spool| spool.settle(&batch)).await?;
                        spool = back;
                        problems.into_iter().for_each(warn);
                        continue;
                    }
                    Outcome::Refused(reason) => {
                        spool.start_over();
                        warn(format!("the daemon refused alerts of the spool: {reason}"));
                        if !rest(LOOK_WAIT, &mut shutdown).await {
                            return Ok(());
                        }
                        continue;
                    }
                }
            }
            Ok(_) => last_problem.clear(),
            Err(error) => {
                let directory = spool.directory.display();
                let problem = format!("could not list the spool `{directory}`: {error}");
                if problem != last_problem {
                    last_problem.clone_from(&problem);
                    warn(problem);
                }
            }
        }
        tokio::select! {
            () = nudge.notified() => {}
            go_on = rest(LOOK_WAIT, &mut shutdown) => if !go_on { return Ok(()) },
        }
    }
}

/// Sends a batch and waits for its outcome; `None` on shutdown or when the daemon is gone.
async fn deliver(
    batch: &SpoolBatch,
    spool: &Spool,
    deliveries: &mpsc::Sender<Delivery>,
    shutdown: &mut watch::Receiver<bool>,
) -> Option<Outcome> {
    let (receipt, outcome) = Receipt::new(None);
    let delivery = Delivery {
        route: Route::Spool,
        source: spool.directory.display().to_string(),
        alerts: batch.alerts.clone(),
        rejected: batch.rejected.clone(),
        receipt,
    };
    tokio::select! {
        () = stopped(shutdown) => return None,
        sent = deliveries.send(delivery) => sent.ok()?,
    }
    tokio::select! {
        // Biased: a commit that came together with the shutdown still deletes its files.
        biased;
        outcome = outcome_of(outcome) => Some(outcome),
        () = stopped(shutdown) => None,
    }
}

/// Runs file work on a thread that may block.
async fn off_thread<T: Send + 'static>(
    mut spool: Spool,
    work: impl FnOnce(&mut Spool) -> T + Send + 'static,
) -> anyhow::Result<(Spool, T)> {
    tokio::task::spawn_blocking(move || {
        let result = work(&mut spool);
        (spool, result)
    })
    .await
    .context("the spool's reader broke")
}

fn read_content(path: &Path) -> Content {
    let bad = |head: &[u8], reason: String| Content::Bad(Rejected::new(head, reason));
    let file = match open_plain(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Content::Gone,
        Err(error) => return bad(b"", format!("could not open the spooled file: {error}")),
    };
    let limit = u64::try_from(ALERT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    if let Err(error) = file.take(limit.saturating_add(1)).read_to_end(&mut body) {
        return bad(&body, format!("could not read the spooled file: {error}"));
    }
    if body.len() > ALERT_BYTES_MAX {
        return bad(&body, format!("the spooled file has more than {ALERT_BYTES_MAX} bytes"));
    }
    if body.trim_ascii().is_empty() {
        return bad(&body, "the spooled file is empty".to_owned());
    }
    Content::Alert(body)
}

/// Opens a plain file; neither a link to somewhere else nor a FIFO that would never end.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    Ok(file)
}
