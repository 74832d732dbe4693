//! Serves HTTP to whoever connects, within limits on how long and how many.
//!
//! Strangers can reach these ports. One who sends half a head, or reads no answer, must not hold a connection for ever: enough of them
//! would use up the process's files, and with them the store. So heads have a deadline, a connection has a longest life, and there
//! is a most of them. What a request may cost is up to its router.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How long a client may take for the head of a request, and stay silent between two. A head is one packet.
const HEAD_WAIT: Duration = Duration::from_secs(10);

/// Longest life of a connection. A sender that keeps one open for its alerts connects again every ten minutes; a client that reads no
/// answer gets no more than that.
const LIFE_MAX: Duration = Duration::from_secs(600);

/// What a request under way gets when its connection has to end: the intake gives a body 30 s, and its commit another 30.
const LAST_REQUEST_WAIT: Duration = Duration::from_secs(70);

/// Connections at a time. A system gives a process 1,024 open files unless told otherwise, and the store needs some of them.
const CONNECTIONS_MAX: usize = 256;

/// How long requests under way may take to end when the daemon ends.
const HANG_UP_AFTER: Duration = Duration::from_secs(3);

/// How long accepting rests after it failed: without a free file it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `end` says so.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut end: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (mut connections, ends) = (JoinSet::new(), end.clone());
    loop {
        // Whoever finds no place waits in the system's own queue, without a file of ours.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        tokio::select! {
            biased;
            () = told(&mut end) => break,
            Some(_) = connections.join_next() => {}
            accepted = accepted => match accepted {
                Some((place, Ok((stream, peer)))) => {
                    let (router, end) = (router.clone(), ends.clone());
                    connections.spawn(async move {
                        connection(stream, peer, router, end).await;
                        drop(place);
                    });
                }
                Some((_, Err(error))) => {
                    tracing::debug!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None => break,
            },
        }
    }
    drop(listener);
    // Requests under way get a moment; a client that hangs gets no more.
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(HANG_UP_AFTER, all).await.ok();
}

/// Waits until the daemon ends.
async fn told(end: &mut watch::Receiver<bool>) {
    end.wait_for(|end| *end).await.ok();
}

/// Serves one connection until its client leaves, a deadline passes, or `end` says so.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    router: Router,
    mut end: watch::Receiver<bool>,
) {
    // HTTP 1 only: telling it from HTTP 2 would wait for the first bytes without a deadline.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT);
    let service = TowerToHyperService::new(router.layer(Extension(ConnectInfo(peer))));
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // How a client left, or that it took too long, is its own affair.
        _ = serving.as_mut() => return,
        () = tokio::time::sleep(LIFE_MAX) => {}
        () = told(&mut end) => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::time::timeout(LAST_REQUEST_WAIT, serving).await.ok();
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// Serves one end of a pipe and gives the other, with the word that ends the daemon.
    fn connected(tasks: &mut JoinSet<()>) -> (DuplexStream, watch::Sender<bool>) {
        let (client, server) = tokio::io::duplex(64);
        let (end, ended) = watch::channel(false);
        let router = Router::new().route(
            "/",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        );
        tasks.spawn(connection(server, SocketAddr::from(([192, 0, 2, 1], 9)), router, ended));
        (client, end)
    }

    /// Reads until the server hangs up, and gives what it said and after how many seconds.
    async fn rest(client: &mut DuplexStream) -> (String, u64) {
        let (begun, mut said) = (Instant::now(), String::new());
        client.read_to_string(&mut said).await.ok();
        (said, begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_answered_and_knows_its_client() {
        let mut tasks = JoinSet::new();
        let (mut client, _end) = connected(&mut tasks);
        client.write_all(GET).await.expect("sent");
        let (said, _) = rest(&mut client).await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("192.0.2.1:9"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_half_a_head_or_nothing_is_hung_up_on() {
        for half in [&b""[..], b"GET / HTTP/1.1\r\nhost:"] {
            let mut tasks = JoinSet::new();
            let (mut client, _end) = connected(&mut tasks);
            client.write_all(half).await.expect("sent");
            let (said, seconds) = rest(&mut client).await;
            assert!(!said.contains(" 200 "), "{said}");
            assert_eq!(seconds, HEAD_WAIT.as_secs(), "{half:?}");
            assert!(tasks.join_next().await.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_a_head_byte_by_byte_gets_no_more_time() {
        let mut tasks = JoinSet::new();
        let (mut client, _end) = connected(&mut tasks);
        let begun = Instant::now();
        for byte in GET.iter().chain(GET) {
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        assert!(begun.elapsed() < HEAD_WAIT * 2, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_no_answer_is_left_in_the_end() {
        let mut tasks = JoinSet::new();
        let (mut client, _end) = connected(&mut tasks);
        let begun = Instant::now();
        // The pipe holds half an answer.
        client.write_all(GET).await.expect("sent");
        tasks.join_next().await;
        assert_eq!(begun.elapsed().as_secs(), (LIFE_MAX + LAST_REQUEST_WAIT).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_with_the_daemon() {
        let mut tasks = JoinSet::new();
        let (mut client, end) = connected(&mut tasks);
        end.send(true).expect("told");
        let (said, seconds) = rest(&mut client).await;
        assert_eq!((said.as_str(), seconds), ("", 0));
    }
}
