//! The HTTP intake over a real connection, with requests written out by hand.

use std::io::Write;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wazuh::Delivery;
use wazuh::Outcome;
use wazuh::Route;
use wazuh::intake::http::Access;
use wazuh::intake::http::HttpIntake;
use wazuh::intake::http::router;

use crate::fixture::settle;

/// A server on a port of its own. The receiving end is given to a daemon, or kept to hold back.
struct Serving {
    address: std::net::SocketAddr,
    /// Dropping it ends the tasks.
    tasks: JoinSet<()>,
}

impl Serving {
    async fn start(access: Access, channel: usize) -> (Self, mpsc::Receiver<Delivery>) {
        let (sender, receiver) = mpsc::channel(channel);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = router(HttpIntake::new(sender, access))
            .into_make_service_with_connect_info::<std::net::SocketAddr>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        (Self { address, tasks }, receiver)
    }

    /// A daemon that answers every delivery, and counts the alerts of each.
    async fn with_daemon(access: Access, outcome: Outcome) -> (Self, mpsc::Receiver<Vec<String>>) {
        let (mut serving, mut deliveries) = Self::start(access, 4).await;
        let (seen, receiver) = mpsc::channel(1000);
        serving.tasks.spawn(async move {
            while let Some(delivery) = deliveries.recv().await {
                assert_eq!(delivery.route, Route::Http);
                assert!(delivery.source.starts_with("127.0.0.1:"), "{}", delivery.source);
                seen.send(settle(delivery, outcome.clone())).await.unwrap();
            }
        });
        (serving, receiver)
    }

    /// Posts a body with some header lines; gives the status, the head and the body of the answer.
    async fn post(&self, headers: &str, body: &[u8]) -> (u16, String, String) {
        let length = body.len();
        self.send(&format!("content-length: {length}\r\n{headers}"), body).await
    }

    async fn send(&self, headers: &str, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /api/v1/alerts HTTP/1.1\r\nhost: quell\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may answer and close before it has read all of a body that it refuses.
        stream.write_all(body).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_object_an_array_and_lines_are_accepted() {
    let (serving, mut seen) =
        Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let (status, _, body) = serving.post("content-type: application/json\r\n", b"{\"a\":1}").await;
    assert_eq!((status, body.as_str()), (202, "{\"accepted\":1}"));
    assert_eq!(seen.recv().await.unwrap(), ["{\"a\":1}"]);
    let (status, _, body) = serving.post("", b"[{\"a\":1},{\"b\":2}]").await;
    assert_eq!((status, body.as_str()), (202, "{\"accepted\":2}"));
    assert_eq!(seen.recv().await.unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    let media = "content-type: application/x-ndjson; charset=utf-8\r\n";
    let (status, _, body) = serving.post(media, b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n").await;
    assert_eq!((status, body.as_str()), (202, "{\"accepted\":3}"));
    assert_eq!(seen.recv().await.unwrap(), ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]);
    let (status, _, body) = serving.post("", b"[]").await;
    assert_eq!((status, body.as_str()), (202, "{\"accepted\":0}"));
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_commit() {
    let (serving, mut deliveries) = Serving::start(Access::AllowAnonymous, 4).await;
    let request = serving.post("", b"{\"a\":1}");
    tokio::pin!(request);
    let delivery = tokio::select! {
        answer = &mut request => panic!("answered too early: {answer:?}"),
        delivery = deliveries.recv() => delivery.unwrap(),
    };
    settle(delivery, Outcome::Committed);
    assert_eq!(request.await.0, 202);
}

#[tokio::test]
async fn a_large_request_comes_in_batches_and_is_acknowledged_as_a_whole() {
    let (serving, mut seen) =
        Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let body: String = (0..5000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let (status, _, answer) =
        serving.post("content-encoding: gzip\r\n", &gzip(body.as_bytes())).await;
    assert_eq!((status, answer.as_str()), (202, "{\"accepted\":5000}"));
    let mut count = 0;
    while let Ok(batch) = seen.try_recv() {
        assert!(batch.len() <= 256);
        count += batch.len();
    }
    assert_eq!(count, 5000);
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_of_the_request_is_taken() {
    let (serving, mut seen) =
        Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let (status, _, body) = serving.post("", b"{}\n{}\n\"text\"\n").await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        "{\"error\":\"line 3: expected an alert object, found a string\",\
         \"hint\":\"send one alert object, an array of them, or one per line\"}"
    );
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn only_the_right_token_opens() {
    let access = Access::Token("secret".to_owned());
    let (serving, _seen) = Serving::with_daemon(access, Outcome::Committed).await;
    for headers in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: secret\r\n",
        "authorization: Bearer \r\n",
    ] {
        let (status, head, body) = serving.post(headers, b"{}").await;
        assert_eq!(status, 401, "for {headers:?}");
        assert!(head.contains("www-authenticate: bearer"));
        assert!(body.contains("Authorization: Bearer TOKEN"));
    }
    assert_eq!(serving.post("authorization: Bearer secret\r\n", b"{}").await.0, 202);
    assert_eq!(serving.post("authorization: bearer secret\r\n", b"{}").await.0, 202);
}

#[tokio::test]
async fn without_a_configured_token_the_door_is_closed() {
    for access in [Access::Closed, Access::Token(" ".to_owned())] {
        let (serving, _seen) = Serving::with_daemon(access, Outcome::Committed).await;
        let (status, _, body) = serving.post("authorization: Bearer \r\n", b"{}").await;
        assert_eq!(status, 403);
        assert!(body.contains("no token is configured"), "{body}");
    }
}

#[tokio::test]
async fn a_refused_commit_asks_to_come_again() {
    let outcome = Outcome::Refused("the store is full".to_owned());
    let (serving, _seen) = Serving::with_daemon(Access::AllowAnonymous, outcome).await;
    let (status, head, body) = serving.post("", b"{}").await;
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 10"));
    assert!(body.contains("the store is full"), "{body}");
}

#[tokio::test]
async fn a_full_channel_asks_to_come_again_soon() {
    let (serving, _deliveries) = Serving::start(Access::AllowAnonymous, 1).await;
    let mut held = TcpStream::connect(serving.address).await.unwrap();
    let request = "POST /api/v1/alerts HTTP/1.1\r\nhost: q\r\ncontent-length: 2\r\n\r\n{}";
    held.write_all(request.as_bytes()).await.unwrap();
    // The first request fills the channel at some moment; those before it wait for a commit that never
    // comes, so each try has a short deadline.
    let mut refused = None;
    for _ in 0..25 {
        let wait = std::time::Duration::from_millis(200);
        if let Ok(answer) = tokio::time::timeout(wait, serving.post("", b"{}")).await {
            refused = Some(answer);
            break;
        }
    }
    let (status, head, _) = refused.expect("an answer while the channel is full");
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 1"));
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_however_they_come() {
    let (serving, _seen) = Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let declared = serving.send("content-length: 16777217\r\n", b"").await;
    assert_eq!(declared.0, 413);
    let mut chunked = Vec::new();
    for _ in 0..17 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.extend(std::iter::repeat_n(b' ', 1024 * 1024));
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    let head = "POST /api/v1/alerts HTTP/1.1\r\nhost: q\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&chunked).await.ok();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_compression_bomb_is_stopped_by_its_ratio() {
    let (serving, _seen) = Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let bomb = gzip(&vec![b' '; 20 * 1024 * 1024]);
    assert!(bomb.len() < 25_000, "it has {} bytes", bomb.len());
    let (status, _, body) = serving.post("content-encoding: gzip\r\n", &bomb).await;
    assert_eq!(status, 413);
    assert!(body.contains("unpacks to more than"), "{body}");
}

#[tokio::test]
async fn other_encodings_and_media_types_are_named() {
    let (serving, _seen) = Serving::with_daemon(Access::AllowAnonymous, Outcome::Committed).await;
    let (status, _, body) = serving.post("content-encoding: br\r\n", b"{}").await;
    assert_eq!(status, 415);
    assert!(body.contains("Content-Encoding: gzip"), "{body}");
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let (status, _, body) = serving.post(form, b"{}").await;
    assert_eq!(status, 415);
    assert!(body.contains("--data-binary"), "{body}");
    let (status, _, body) = serving.post("content-encoding: gzip\r\n", b"{}").await;
    assert_eq!(status, 400);
    assert!(body.contains("not valid gzip"), "{body}");
}
