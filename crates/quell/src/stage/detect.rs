//! Detect: takes deliveries of raw lines, passes on deliveries of the alerts that the rules raise from them.
//!
//! It stands between the follower of a log and intake, so both stay as they are: the receipt goes through untouched, and with it the place
//! in the file, which is committed together with the alerts. Alerts that were not committed are raised again from the same lines.
//!
//! What frequency rules remember lives here and nowhere else. It is lost at a restart. Lines that intake refused come a second time and
//! count twice: that needs a full disk, and errs on the side of an alert.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alert::Clock;
use jiff::tz::TimeZone;
use ruleset::{LogTime, Ruleset};
use tokio::sync::mpsc;
use wazuh::Delivery;

use crate::config::shape::LogSource;
use crate::detector::{self, Detector, EventClock, Pace, Written};
use crate::event;

/// Deliveries of raw lines that wait for the rules. The follower has more of them ready than are ever wanted at once.
pub(crate) const RAW_DELIVERIES_MAX: usize = 4;

/// A log with the rules that are run over it.
#[derive(Debug, Clone)]
pub(crate) struct RuledLog {
    pub(crate) source: LogSource,
    pub(crate) ruleset: Arc<Ruleset>,
}

/// Numbers alerts, so that no two share an id. It begins with the time in microseconds, which no rate of alerts overtakes, so numbers
/// of an earlier start don't come again.
#[derive(Debug, Clone)]
pub(crate) struct Numbers(Arc<AtomicU64>);

impl Numbers {
    pub(crate) fn since(now: alert::Timestamp) -> Self {
        let first = u64::try_from(now.as_millis()).unwrap_or_default().saturating_mul(1000);
        Self(Arc::new(AtomicU64::new(first)))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Runs the rules until no more lines come. Computes for milliseconds at a time, so it wants a thread of its own.
pub(crate) fn run(
    log: &RuledLog,
    numbers: &Numbers,
    clock: &dyn Clock,
    mut lines: mpsc::Receiver<Delivery>,
    alerts: &mpsc::Sender<Delivery>,
) {
    let zone = TimeZone::system();
    let reader = LogTime::new(zone.clone(), clock.now().as_millis());
    let mut detector = Detector::new(
        Arc::clone(&log.ruleset),
        EventClock::of_lines(reader, Pace::Live),
        detector::host_name(),
        zone,
        Written::Alerts,
        1,
    );
    let path = log.source.path.display().to_string();
    let location = log.source.location.as_ref().unwrap_or(&path).as_bytes();
    while let Some(mut delivery) = lines.blocking_recv() {
        detector.set_now(clock.now());
        let raw = std::mem::take(&mut delivery.alerts);
        let count = raw.len();
        let lines: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
        let mut out = Vec::new();
        detector.take(
            location,
            &lines,
            &mut out,
            |_| numbers.next(),
            |seen, out| {
                if seen.began_anew {
                    event::log_time_went_back();
                }
                // Deliveries have no line ends.
                if out.pop().is_some() {
                    delivery.alerts.push(std::mem::take(out));
                }
            },
        );
        event::lines_detected(count, delivery.alerts.len());
        if alerts.blocking_send(delivery).is_err() {
            return;
        }
    }
}
