//! Small tools of the tests: files, a collector of notices, and a channel that answers.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use wazuh::Delivery;
use wazuh::Notice;
use wazuh::Notify;
use wazuh::Outcome;
use wazuh::Route;
use wazuh::intake::tail::Batch;
use wazuh::intake::tail::Poll;
use wazuh::intake::tail::StartAt;
use wazuh::intake::tail::Tail;

/// Writes a file anew.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    File::create(path).unwrap().write_all(text.as_ref()).unwrap();
}

/// Appends to a file, creating it if need be.
pub(crate) fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_ref()).unwrap();
}

/// Makes `live` a new file as Wazuh does: a dated file, then unlink, then a hard link.
pub(crate) fn relink(live: &Path, dated: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(dated.parent().unwrap()).unwrap();
    write(dated, text);
    if live.exists() {
        std::fs::remove_file(live).unwrap();
    }
    std::fs::hard_link(dated, live).unwrap();
}

/// A tail of Wazuh's alerts from the first line. Where there is a file, its place is recorded already.
pub(crate) fn tail_from_start(path: &Path) -> Tail {
    let mut tail = Tail::new(path, Route::Tail, StartAt::Beginning, None);
    if path.is_file() {
        let recorded = batch(&mut tail);
        assert_eq!((recorded.after.offset, recorded.alerts.len()), (0, 0));
    }
    tail
}

/// Polls once and expects a batch.
pub(crate) fn batch(tail: &mut Tail) -> Batch {
    match tail.poll_once().unwrap() {
        Poll::Batch(batch) => batch,
        other => panic!("expected a batch, got {other:?}"),
    }
}

/// Polls until the file has nothing more; gives the alerts as texts, and what was rejected by reason.
pub(crate) fn drain(tail: &mut Tail) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..10_000 {
        match tail.poll_once().unwrap() {
            Poll::Batch(batch) => {
                texts.extend(batch.alerts.iter().map(|a| String::from_utf8_lossy(a).into_owned()));
                texts.extend(batch.rejected.iter().map(|r| format!("rejected: {}", r.reason)));
            }
            Poll::More => {}
            Poll::Idle => return texts,
        }
    }
    panic!("the tail never came to rest");
}

/// Expects nothing new.
pub(crate) fn assert_idle(tail: &mut Tail) {
    let polled = tail.poll_once().unwrap();
    assert!(matches!(polled, Poll::Idle), "expected nothing, got {polled:?}");
}

/// A place for notices, and a way to read them.
pub(crate) fn notices() -> (Notify, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&said);
    let notify: Notify = Arc::new(move |notice: Notice| keep.lock().unwrap().push(notice.message));
    (notify, said)
}

/// Takes a delivery, answers it with `outcome`, and gives its alerts as texts.
pub(crate) fn settle(delivery: Delivery, outcome: Outcome) -> Vec<String> {
    let texts =
        delivery.alerts.iter().map(|alert| String::from_utf8_lossy(alert).into_owned()).collect();
    delivery.receipt.complete(outcome);
    texts
}
