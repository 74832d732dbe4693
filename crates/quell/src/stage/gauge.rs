//! Gauge: takes what waits in the store, leaves it on the metrics page. It changes nothing, so it is safe to repeat.
//!
//! Looking at the whole queue and outbox takes longer the more there is, and most where the desk has the least time. So it has a connection of
//! its own, beside the desk, and rests in proportion to what a look took.

use std::path::PathBuf;
use std::time::Duration;

use store::{OutboxTotals, QueueRow, Store, StoreError};
use tokio::sync::watch;

use super::Stage;
use crate::event;
use crate::standing::ModelStanding;

/// How often it looks where there is little to see.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many times as long as a look took it rests: it gets a tenth of one core at most.
pub(crate) const REST_FACTOR: u32 = 9;

/// What one look sees.
struct Seen {
    queue: Vec<QueueRow>,
    outbox: Vec<OutboxTotals>,
}

/// Runs until shutdown.
pub(crate) async fn run(
    mut stage: Stage,
    data_dir: PathBuf,
    bench: watch::Receiver<Vec<ModelStanding>>,
) -> anyhow::Result<()> {
    let never = tokio::sync::Notify::new();
    let mut store: Option<Store> = None;
    loop {
        let now = stage.clock.now();
        let (held, data_dir) = (store.take(), data_dir.clone());
        let look = move || -> Result<(Store, Seen), StoreError> {
            let store = match held {
                Some(store) => store,
                None => Store::open_existing(&data_dir)?,
            };
            let seen = Seen { queue: store.queue(now)?, outbox: store.outbox_totals()? };
            Ok((store, seen))
        };
        match tokio::task::spawn_blocking(look).await? {
            Ok((held, seen)) => {
                store = Some(held);
                event::queue(&seen.queue, now);
                for sink in &seen.outbox {
                    event::outbox(&sink.sink, sink.waiting, sink.given_up);
                }
            }
            // Whatever ails the store, tending meets it as well and says so.
            Err(error) => {
                tracing::debug!(hint = error.hint(), "the queue could not be measured: {error}")
            }
        }
        for model in bench.borrow().iter() {
            event::model_running(&model.name, model.running.len());
        }
        let rest = stage.clock.now().since(now).saturating_mul(REST_FACTOR).max(LOOK_EVERY);
        if !stage.sleep(&never, rest).await {
            return Ok(());
        }
    }
}
