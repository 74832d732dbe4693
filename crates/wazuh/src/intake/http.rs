//! `POST /api/v1/alerts`: alerts from other machines, acknowledged after the commit.
//!
//! A 202 means that every alert of the request is durable, so a sender may forget them; after any other
//! answer it may send the whole request again, since the daemon knows alerts by their ids. A request is
//! taken as a whole or refused as a whole: nothing is delivered if one alert in it is no JSON object.
//!
//! Strangers can reach this door, so the token is checked before a byte of the body is read, and bodies are
//! charged against a memory budget before they are read or unpacked.

mod answer;
mod body;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::Response;
use axum::routing::post;
use subtle::ConstantTimeEq;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use crate::delivery::Delivery;
use crate::delivery::Outcome;
use crate::delivery::Receipt;
use crate::delivery::Route;
use crate::delivery::outcome_of;
use crate::intake::BATCH_ALERTS_MAX;
use crate::intake::BATCH_BYTES_MAX;
use answer::Refusal;
use body::Encoding;

/// The longest body as sent. Some 10,000 alerts of 1.5 kB; senders with more can send twice.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Requests served at once. Each waits for a commit of a few milliseconds, so 64 are thousands per second.
const REQUESTS_MAX: usize = 64;

/// Memory for bodies of all requests together, in KiB: 192 MiB. The largest compressed request is charged
/// 144 MiB, an ordinary one a few. The daemon's whole budget is 512 MB (design, section 5).
const BODIES_KIB_MAX: usize = 192 * 1024;

/// How long a sender may take for its body: 16 MiB over a poor line of 5 Mbit/s.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// How long a request waits for its commit before it is told to come again.
const COMMIT_WAIT: Duration = Duration::from_secs(30);

/// Who may send alerts.
#[derive(Clone)]
pub enum Access {
    /// Who knows this token.
    Token(String),
    /// Nobody: no token is configured, and an open door would let anyone write evidence.
    Closed,
    /// Anybody. For tests, and for a listener that only the machine itself can reach.
    AllowAnonymous,
}

impl std::fmt::Debug for Access {
    /// Leaves the token out, because settings end up in logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::Closed => "Closed",
            Self::AllowAnonymous => "AllowAnonymous",
        })
    }
}

/// What the requests share.
#[derive(Debug, Clone)]
pub struct HttpIntake {
    deliveries: mpsc::Sender<Delivery>,
    access: Access,
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
}

impl HttpIntake {
    /// An intake that delivers into this channel. An empty token counts as none.
    pub fn new(deliveries: mpsc::Sender<Delivery>, access: Access) -> Self {
        let access = match access {
            Access::Token(token) if token.trim().is_empty() => Access::Closed,
            access => access,
        };
        Self {
            deliveries,
            access,
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            bodies: Arc::new(Semaphore::new(BODIES_KIB_MAX)),
        }
    }
}

/// The routes, to be served or nested by the daemon.
pub fn router(state: HttpIntake) -> Router {
    Router::new().route("/api/v1/alerts", post(receive)).with_state(state)
}

async fn receive(State(intake): State<HttpIntake>, request: Request) -> Response {
    match take(&intake, request).await {
        Ok(count) => answer::accepted(count),
        Err(refusal) => refusal.into_response(),
    }
}

/// The life of one request, from its headers to its commit.
async fn take(intake: &HttpIntake, request: Request) -> Result<usize, Refusal> {
    authorise(&intake.access, request.headers())?;
    let encoding = body::encoding(request.headers())?;
    body::check_media_type(request.headers())?;
    let _slot = intake
        .requests
        .try_acquire()
        .map_err(|_| Refusal::busy(format!("{REQUESTS_MAX} requests are being served")))?;
    if intake.deliveries.capacity() == 0 {
        return Err(Refusal::busy("alerts come in faster than they are stored".to_owned()));
    }
    let source = match request.extensions().get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(peer)) => peer.to_string(),
        None => "http".to_owned(),
    };
    let (bytes, charge) = read_body(intake, request, encoding).await?;
    // Unpacking and cutting up to 64 MiB takes a good part of a second: not on the runtime's threads.
    let alerts = tokio::task::spawn_blocking(move || {
        let text = body::unpack(bytes, encoding)?;
        body::split(&text)
    })
    .await
    .map_err(|error| Refusal::internal(format!("reading the request broke: {error}")))??;
    let count = alerts.len();
    let committed = deliver(intake, &source, alerts);
    let result = tokio::time::timeout(COMMIT_WAIT, committed).await.unwrap_or_else(|_| {
        Err(Refusal::unavailable("the alerts were not stored in time".to_owned()))
    });
    drop(charge);
    result.map(|()| count)
}

fn authorise(access: &Access, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = match access {
        Access::AllowAnonymous => return Ok(()),
        Access::Closed => return Err(Refusal::no_token()),
        Access::Token(token) => token,
    };
    let sent = headers.get(header::AUTHORIZATION).ok_or_else(Refusal::unauthorised)?.as_bytes();
    let (scheme, sent) = sent.split_at_checked(7).ok_or_else(Refusal::unauthorised)?;
    // Comparing takes the same time wherever the first difference is, so a token can't be guessed
    // byte by byte. Its length is no secret.
    let is_right = bool::from(sent.trim_ascii().ct_eq(token.trim().as_bytes()));
    if scheme.eq_ignore_ascii_case(b"bearer ") && is_right {
        return Ok(());
    }
    Err(Refusal::unauthorised())
}

/// Reads the body after charging it to the memory budget; the charge lasts as long as its permit.
async fn read_body(
    intake: &HttpIntake,
    request: Request,
    encoding: Encoding,
) -> Result<(axum::body::Bytes, OwnedSemaphorePermit), Refusal> {
    let declared = body::declared_length(request.headers());
    if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Refusal::too_large(format!("the body has more than {BODY_BYTES_MAX} bytes")));
    }
    let length = declared.unwrap_or(BODY_BYTES_MAX);
    // What it unpacks to, and as much again for the alerts that are cut out of it.
    let bytes = match encoding {
        Encoding::Plain => length.saturating_mul(2),
        Encoding::Gzip => length.saturating_add(body::unpacked_bytes_max(length).saturating_mul(2)),
    };
    let kib = bytes.div_ceil(1024);
    let charge = u32::try_from(kib)
        .ok()
        .and_then(|kib| Arc::clone(&intake.bodies).try_acquire_many_owned(kib).ok())
        .ok_or_else(|| Refusal::busy("too many large requests are being served".to_owned()))?;
    let reading = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_WAIT, reading).await {
        Ok(Ok(bytes)) => Ok((bytes, charge)),
        Ok(Err(error)) if body::is_length_limit(&error) => {
            Err(Refusal::too_large(format!("the body has more than {BODY_BYTES_MAX} bytes")))
        }
        Ok(Err(error)) => Err(Refusal::bad(format!("could not read the body: {error}"))),
        Err(_) => Err(Refusal::slow()),
    }
}

/// Delivers in batches and waits until all are committed.
async fn deliver(intake: &HttpIntake, source: &str, alerts: Vec<Vec<u8>>) -> Result<(), Refusal> {
    let gone = || Refusal::unavailable("the daemon is stopping".to_owned());
    let mut outcomes = Vec::new();
    let mut rest = alerts.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        while batch.len() < BATCH_ALERTS_MAX && bytes < BATCH_BYTES_MAX {
            let Some(alert) = rest.next() else { break };
            bytes = bytes.saturating_add(alert.len());
            batch.push(alert);
        }
        let (receipt, outcome) = Receipt::new(None);
        let source = source.to_owned();
        let rejected = Vec::new();
        let delivery = Delivery { route: Route::Http, source, alerts: batch, rejected, receipt };
        intake.deliveries.send(delivery).await.map_err(|_| gone())?;
        outcomes.push(outcome);
    }
    for outcome in outcomes {
        if let Outcome::Refused(reason) = outcome_of(outcome).await {
            return Err(Refusal::unavailable(format!("the alerts were not stored: {reason}")));
        }
    }
    Ok(())
}
