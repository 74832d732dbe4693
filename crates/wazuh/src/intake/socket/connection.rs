//! One hook's connection: a frame in, a byte out.
//!
//! Everything that the peer does has one deadline, so a hook that hangs (or a stranger that only connects)
//! holds its slot for two seconds at most. Any doubt is answered with `-`: the hook then spools.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch;

use super::Shared;
use super::settle;
use crate::intake::ALERT_BYTES_MAX;

/// The first bytes of a frame: the hook's protocol, version 1.
pub const FRAME_MAGIC: &[u8; 4] = b"QH1\n";

/// The answer for an alert that is in the journal.
pub const ACCEPTED: u8 = b'+';

/// The answer for an alert that the hook has to spool.
pub const REFUSED: u8 = b'-';

/// How long the peer may take for its frame. The hook itself gives up long before, and a megabyte
/// takes a millisecond on a local socket.
const READ_WAIT: Duration = Duration::from_secs(2);

/// How long an alert waits for room in the channel. integratord waits for the hook, so longer would slow
/// down every other integration; shorter would spool on every small burst.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// Serves one connection to its end, then sees its alert through to the commit.
pub(super) async fn serve(
    shared: Arc<Shared>,
    mut stream: UnixStream,
    slot: OwnedSemaphorePermit,
    shutdown: watch::Receiver<bool>,
) {
    let body = match tokio::time::timeout(READ_WAIT, read_frame(&mut stream)).await {
        Ok(Ok(body)) => body,
        Ok(Err(reason)) => {
            shared.warn(format!("a hook sent something that is no alert: {reason}"));
            return answer(&mut stream, REFUSED).await;
        }
        Err(_) => {
            shared.warn("a hook did not send its alert in time".to_owned());
            return answer(&mut stream, REFUSED).await;
        }
    };
    let room = tokio::time::timeout(ROOM_WAIT, shared.deliveries.clone().reserve_owned()).await;
    let Ok(Ok(room)) = room else {
        return answer(&mut stream, REFUSED).await;
    };
    let journaled = {
        let shared = Arc::clone(&shared);
        tokio::task::spawn_blocking(move || {
            let written = shared.with_journal(|journal| journal.append(&body));
            (body, written)
        })
        .await
    };
    let (body, set) = match journaled {
        Ok((body, Ok(set))) => (body, set),
        Ok((_, Err(error))) => {
            shared.warn(format!(
                "could not write the hook's journal: {error}; the hook spools instead\n\
                 hint: is the disk full"
            ));
            return answer(&mut stream, REFUSED).await;
        }
        Err(error) => {
            shared.warn(format!("writing the hook's journal broke: {error}"));
            return answer(&mut stream, REFUSED).await;
        }
    };
    answer(&mut stream, ACCEPTED).await;
    // The hook is served: the slot is free for the next one while this alert waits for its commit.
    drop((stream, slot));
    let (delivery, outcome) = settle::delivery_of(vec![body]);
    room.send(delivery);
    settle::see_through(shared, set, outcome, shutdown).await;
}

/// Answers `-` without reading, for a connection beyond the limit.
pub(super) fn turn_away(stream: &UnixStream) {
    // One byte always fits an empty send buffer; a peer that is gone needs no answer.
    stream.try_write(&[REFUSED]).ok();
}

async fn read_frame(stream: &mut UnixStream) -> Result<Vec<u8>, String> {
    let mut magic = [0; 4];
    stream.read_exact(&mut magic).await.map_err(|error| error.to_string())?;
    if &magic != FRAME_MAGIC {
        return Err("it does not begin with `QH1`".to_owned());
    }
    let length = stream.read_u32_le().await.map_err(|error| error.to_string())?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length == 0 || length > ALERT_BYTES_MAX {
        return Err(format!("its length is {length}, allowed is 1 to {ALERT_BYTES_MAX}"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(|error| error.to_string())?;
    Ok(body)
}

async fn answer(stream: &mut UnixStream, byte: u8) {
    // A hook that has given up spools the alert as well; the daemon recognises the alert's id.
    stream.write_all(&[byte]).await.ok();
}
