//! A model server that answers questions about itself well, and about incidents in whatever bad manner a test wants.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

/// What the fake server does once it is asked about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Prose,
    HalfJson,
    HalfReply,
    Endless,
    Silent,
    Reset,
    Failing,
    NotHttp,
    /// Answers well, and only once it was released: slow for as long as a test wants.
    Held,
}

/// A verdict that passes the checks of most incidents.
const VERDICT: &str = r#"{"title":"Pages that are not there","summary":"One source asked for a page that does not exist.","evidence":[],
    "class":"scanner","outcome":"attempted","threat_level":2,"confidence":80,"false_positive":false,"mitre":[],"indicators":[],
    "recommendations":["Watch the source."],"unknowns":[]}"#;

/// A model server that answers questions about itself well, and about incidents in its own manner.
pub(crate) struct FakeModel {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    is_released: Arc<AtomicBool>,
}

impl FakeModel {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let is_released = Arc::new(AtomicBool::new(false));
        let (counted, released) = (Arc::clone(&asked), Arc::clone(&is_released));
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counted, released) = (Arc::clone(&counted), Arc::clone(&released));
                std::thread::spawn(move || serve(stream, manner, &counted, &released));
            }
        });
        Self { address, asked, is_released }
    }

    /// Lets a model that is held answer from now on.
    pub(crate) fn release(&self) {
        self.is_released.store(true, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: TcpStream, manner: Manner, asked: &AtomicUsize, released: &AtomicBool) {
    while let Some((path, body)) = request(&mut stream) {
        let is_about_an_incident = !body.contains("weather station");
        if !path.ends_with("/chat/completions") {
            let listed = json!({"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "test"}]}).to_string();
            reply(&mut stream, 200, &listed);
        } else if is_about_an_incident {
            asked.fetch_add(1, Ordering::Relaxed);
            if manner == Manner::Held {
                while !released.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                reply(&mut stream, 200, &completion(VERDICT));
            } else if !misbehave(&mut stream, manner) {
                return;
            }
        } else {
            reply(&mut stream, 200, &completion(r#"{"sky":"teal","wind":3}"#));
        }
    }
}

/// Gives false if the connection is over.
fn misbehave(stream: &mut TcpStream, manner: Manner) -> bool {
    match manner {
        Manner::Held => return true,
        Manner::Prose => reply(
            stream,
            200,
            &completion("I am sorry, but I think this is fine. Have a nice day!"),
        ),
        Manner::HalfJson => {
            reply(stream, 200, &completion(r#"{"title":"SQL injection","summary":"somebody"#))
        }
        Manner::Failing => reply(stream, 500, r#"{"error":{"message":"out of memory"}}"#),
        Manner::HalfReply => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"choices\":[").ok();
            return false;
        }
        Manner::NotHttp => {
            stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").ok();
            return false;
        }
        Manner::Reset => {
            stream.shutdown(Shutdown::Both).ok();
            return false;
        }
        Manner::Silent => {
            // Longer than the timeout of the configuration; reading ends when the client hangs up.
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok();
            stream.read_exact(&mut [0]).ok();
            return false;
        }
        Manner::Endless => {
            let length = 100 << 20;
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n").as_bytes()).ok();
            let chunk = vec![b'x'; 1 << 16];
            for _ in 0..length / chunk.len() {
                if stream.write_all(&chunk).is_err() {
                    break;
                }
            }
            return false;
        }
    }
    true
}

fn completion(text: &str) -> String {
    json!({
        "model": "fake",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3000, "completion_tokens": 40},
    })
    .to_string()
}

fn reply(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).ok();
}

/// Reads one request: its path and its body.
fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some((head.split(' ').nth(1)?.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
