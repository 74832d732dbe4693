//! What a person reads when TLS to a model server fails: which server, that it was TLS, and what to try.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use model::{AskError, Backend, BackendConfig, Egress, Kind};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::asking::prompt;

/// A certificate that nobody signed, for `localhost` and `127.0.0.1`, until the year 2126. Made for this test.
const CERTIFICATE: &str = concat!(
    "3082019d30820143a003020102021450945e983e6d185eb488c8541bedfb813dfec1c3300a06082a8648ce3d",
    "04030230153113301106035504030c0a6d6f64656c2e746573743020170d3236313132343230323432375a18",
    "0f32313236313033313230323432375a30153113301106035504030c0a6d6f64656c2e746573743059301306",
    "072a8648ce3d020106082a8648ce3d030107034200048fcdceb5a920e6cd95623da0c165318db6f053b03094",
    "ed9c187c067e06881903513c2057c08a862df1f89fee2f575c87cb295dd66950cc932154b36cdfdafc06a36f",
    "306d301d0603551d0e0416041466c6d0f5d90f56f18f833b19dec4dc0690925bb2301f0603551d2304183016",
    "801466c6d0f5d90f56f18f833b19dec4dc0690925bb2300f0603551d130101ff040530030101ff301a060355",
    "1d110413301182096c6f63616c686f737487047f000001300a06082a8648ce3d0403020348003045022100f3",
    "bc498fb75ec952d85fdf9bdb29cb70f9b1a9076a3c4f784d7d31647cc7b9cf022036c6e64674842410fe88c6",
    "9c8339822d5789fde236add95cdacc770ee2d37e9f",
);

/// Its key, which opens nothing.
const KEY: &str = concat!(
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104202326e2783be4759f",
    "0e41e00ca6538eb61dda70adc6667d5884b37782be34d134a144034200048fcdceb5a920e6cd95623da0c165",
    "318db6f053b03094ed9c187c067e06881903513c2057c08a862df1f89fee2f575c87cb295dd66950cc932154",
    "b36cdfdafc06",
);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Serves one connection on a thread, and gives the address with `https`.
fn serve(answer: impl FnOnce(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            answer(stream);
        }
    });
    url
}

async fn ask(url: &str) -> AskError {
    let config = BackendConfig::new("tls", Kind::OpenAi, url);
    Backend::new(config, &Egress::default()).unwrap().ask(&prompt("hi")).await.unwrap_err()
}

#[tokio::test]
async fn a_server_that_answers_a_hello_with_something_else_is_said_not_to_speak_tls() {
    let url = serve(|mut stream| {
        let mut hello = [0; 1024];
        stream.read(&mut hello).map(drop).ok();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP here, and no more").ok();
        // Until the client has read it.
        stream.read(&mut hello).map(drop).ok();
    });
    let error = ask(&url).await;
    let said = error.to_string();
    let begins = format!("could not make a TLS connection to the model server at `{url}`: ");
    assert!(said.starts_with(&begins) && said.len() > begins.len(), "{said}");
    assert!(error.hint().contains("`http://`"), "{}", error.hint());
    assert!(error.is_backend_fault());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_said_to_be_the_reason() {
    let url = serve(|mut stream| {
        let certificate = CertificateDer::from(bytes(CERTIFICATE));
        let key = PrivatePkcs8KeyDer::from(bytes(KEY)).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        // The client breaks it off.
        rustls::Stream::new(&mut connection, &mut stream).read(&mut [0; 16]).map(drop).ok();
    });
    let error = ask(&url).await;
    assert!(matches!(error, AskError::TlsFailed { is_certificate: true, .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&url) && said.contains("TLS") && said.contains("certificate"), "{said}");
    assert!(error.hint().contains("egress.ca_file"), "{}", error.hint());
}
