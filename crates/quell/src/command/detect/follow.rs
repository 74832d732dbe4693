//! Follows growing files until a signal says to end, across rotation and truncation, with the daemon's own follower.
//!
//! Files are read from their beginning and then as they grow. A line counts once it has its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use wazuh::Route;
use wazuh::intake::tail::{Poll, StartAt, Tail};

use super::input::Log;
use super::{Failure, Talk, Work, write};
use crate::logfile::is_packed;

/// The wait after something came, so that lines that are written together are taken together.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The longest wait on quiet files: hardly felt by a person, and four looks a second cost nothing.
const WAIT_MAX: Duration = Duration::from_millis(250);

pub(super) fn run(work: &mut Work, logs: &[Log]) -> Result<(), Failure> {
    let mut tails = tails(logs)?;
    let end = ended_by_signal()?;
    let mut wait = WAIT_MIN;
    while !end.load(Ordering::Relaxed) {
        let mut is_quiet = true;
        for (tail, log) in &mut tails {
            let polled = tail.poll_once();
            tail.take_notices().iter().for_each(|notice| Talk::say(&notice.message));
            match polled? {
                Poll::Batch(batch) => {
                    is_quiet = false;
                    work.tally.cut(batch.rejected.len() as u64);
                    // Of a line that is too long, or torn by a rotation, the beginning is there.
                    let torn = batch.rejected.iter().map(|rejected| rejected.bytes.as_slice());
                    let lines = batch.alerts.iter().map(Vec::as_slice).chain(torn);
                    write(&work.take(&log.location, lines))?;
                }
                Poll::More => is_quiet = false,
                Poll::Idle => {}
            }
        }
        wait = if is_quiet { wait.saturating_mul(2).min(WAIT_MAX) } else { WAIT_MIN };
        if is_quiet {
            std::thread::sleep(wait);
        }
    }
    Ok(())
}

fn tails(logs: &[Log]) -> Result<Vec<(Tail, &Log)>, Failure> {
    let mut tails = Vec::new();
    for log in logs {
        let Some(path) = &log.path else {
            return Err(Failure::usage(
                "standard input can't be followed\nhint: leave --follow out: a pipe is read until it closes anyway",
            ));
        };
        if is_packed(path) {
            return Err(Failure::usage(format!(
                "`{}` is packed and won't grow\nhint: leave --follow out",
                log.name()
            )));
        }
        tails.push((Tail::new(path, Route::Log, StartAt::Beginning, None), log));
    }
    Ok(tails)
}

/// Gives a switch that SIGINT and SIGTERM turn.
fn ended_by_signal() -> Result<Arc<AtomicBool>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let end = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&end);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start to listen for signals")?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
        (interrupt, signal(SignalKind::terminate()).context("could not listen for SIGTERM")?)
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            switch.store(true, Ordering::Relaxed);
        })
        .context("could not start to listen for signals")?;
    Ok(end)
}
