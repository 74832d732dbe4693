//! `custom-quell`: the program that Wazuh's integratord runs once for each alert.
//!
//! integratord runs its integrations one at a time, waits for each without a deadline, and never
//! retries. Whatever this program spends is therefore spent by every alert behind it, and whatever
//! it loses is lost. So it does one thing: it copies the bytes of the alert to somewhere safe.
//! First choice is the daemon's socket, second choice is a file in the spool directory.
//!
//! It promises to return within [`hand_over::DEADLINE`] plus the time of one small file write, to
//! exit with 0, and to print nothing, whatever its arguments, the daemon or the disk do. A lost
//! alert is one line in `hook-errors.log` in the spool directory.
//!
//! An alert may arrive twice, because a daemon that stores it but answers too late leaves us to
//! spool it as well. It leaves recognising that, by alert id, to the daemon, and also everything
//! that needs to know what is *in* an alert.

mod alert_file;
mod arguments;
mod error_log;
mod frame;
mod hand_over;
mod place;
mod spool;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use place::Places;

fn main() {
    // integratord reads our output until it ends, and copies it to its log: a panic message would
    // be noise there. A panic is a defect, but even then the exit status must be 0, because for
    // any other integratord writes three error lines per alert.
    std::panic::set_hook(Box::new(|_| {}));
    drop(std::panic::catch_unwind(|| {
        let places = Places::find();
        if let Err(reason) = save_alert(&places, arguments::alert_path(std::env::args_os())) {
            error_log::append(&places.spool, since_1970(), &reason);
        }
    }));
}

/// Copies the alert to the daemon or, failing that, to the spool; an error means that it is lost.
fn save_alert(places: &Places, alert_path: Option<PathBuf>) -> Result<(), String> {
    let path = alert_path.ok_or("no alert file among the arguments, is it run by integratord?")?;
    let alert = alert_file::read(&path)?;
    let Err(no_daemon) = hand_over::hand_over(&places.socket, &alert, hand_over::DEADLINE) else {
        return Ok(());
    };
    let stamp = spool::Stamp { since_1970: since_1970(), process: std::process::id() };
    spool::store(&places.spool, stamp, &alert, spool::LIMITS).map_err(|no_spool| {
        format!("lost an alert of {} bytes: {no_spool}; before that, {no_daemon}", alert.len())
    })
}

/// Reads the wall clock, the only place that does. A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the program's edge: names and log lines need it")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_alert_is_explained_with_both_reasons() {
        let path = std::env::temp_dir().join(format!("hook-lost-{}.alert", std::process::id()));
        std::fs::copy("Cargo.toml", &path).unwrap();
        let nowhere = Places { socket: "/nonexistent/s".into(), spool: "/nonexistent/d".into() };
        let reason = save_alert(&nowhere, Some(path.clone())).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(reason.starts_with("lost an alert of "), "{reason}");
        assert!(reason.contains("can't write to the spool \"/nonexistent/d\""), "{reason}");
        assert!(reason.contains("can't connect to the daemon's socket"), "{reason}");
    }
}
