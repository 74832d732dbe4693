//! The sinks: how one message reaches one place, and how an interrupted attempt is settled.
//!
//! A file knows what it holds, so a message is in it exactly once whatever happens. A socket and a web server forget: an interrupted
//! attempt is repeated with the same idempotency key, unless the message came back as an alert in the meantime.

use std::path::PathBuf;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::OutboxEntry;
use wazuh::output::json_file::{Appended, JsonFile, Settled};
use wazuh::output::queue_socket::{self, AgentRef, QueueSocket};

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The sink has it.
    Sent,
    /// Not now.
    Failed(String),
    /// Never.
    Refused(String),
}

/// A place that verdicts go to.
pub(crate) enum Sink {
    /// Wazuh's queue socket.
    Queue {
        /// The sink's name.
        name: String,
        /// The socket.
        socket: QueueSocket,
    },
    /// A file of JSON lines.
    File {
        /// The sink's name.
        name: String,
        /// The file.
        file: JsonFile,
    },
    /// A web server.
    Webhook {
        /// The sink's name.
        name: String,
        /// Its client.
        client: reqwest::Client,
        /// Where to.
        url: String,
        /// What the body is signed with.
        secret: Option<String>,
    },
}

impl Sink {
    pub(crate) fn queue(name: &str, socket: PathBuf) -> Self {
        Self::Queue { name: name.to_owned(), socket: QueueSocket::new(socket) }
    }

    pub(crate) fn file(name: &str, path: PathBuf) -> Self {
        Self::File { name: name.to_owned(), file: JsonFile::new(path) }
    }

    /// Makes a webhook. The whole call ends after `timeout`.
    ///
    /// # Errors
    /// If the client can't be made.
    pub(crate) fn webhook(
        name: &str,
        url: &str,
        secret: Option<String>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        model::egress::install_crypto();
        // A webhook may go outside: a person wrote its address for exactly that. It carries verdicts, with secrets masked.
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("quell/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self::Webhook { name: name.to_owned(), client, url: url.to_owned(), secret })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Queue { name, .. } | Self::File { name, .. } | Self::Webhook { name, .. } => name,
        }
    }

    /// Says where an attempt will write, to be noted before it is made.
    ///
    /// # Errors
    /// If the place can't be reached now.
    pub(crate) fn plan(&mut self) -> Result<Option<String>, String> {
        match self {
            Self::File { file, .. } => {
                let place = file.plan().map_err(|error| format!("{error:#}"))?;
                serde_json::to_string(&place).map(Some).map_err(|error| error.to_string())
            }
            Self::Queue { .. } | Self::Webhook { .. } => Ok(None),
        }
    }

    /// Makes an attempt, at the place that was planned for it.
    pub(crate) async fn send(&mut self, entry: &OutboxEntry, place: Option<&str>) -> Attempt {
        match self {
            Self::Queue { socket, .. } => send_datagram(socket, entry),
            Self::File { file, .. } => append(file, entry, place),
            Self::Webhook { client, url, secret, .. } => {
                post(client, url, secret.as_deref(), entry).await
            }
        }
    }

    /// Tells whether nobody but the receiver knows what became of an interrupted attempt.
    pub(crate) const fn forgets(&self) -> bool {
        matches!(self, Self::Queue { .. } | Self::Webhook { .. })
    }

    /// Settles an attempt that a crash interrupted. `None` means: make a new attempt.
    pub(crate) fn settle(&mut self, entry: &OutboxEntry) -> Option<Attempt> {
        let Self::File { file, .. } = self else { return None };
        let place: Appended = serde_json::from_str(entry.place.as_deref()?).ok()?;
        match file.settle(&place, &entry.key, &entry.body) {
            Ok(Settled::PlanAgain) => None,
            Ok(_) => Some(Attempt::Sent),
            Err(error) => Some(Attempt::Failed(format!("{error:#}"))),
        }
    }
}

fn append(file: &mut JsonFile, entry: &OutboxEntry, place: Option<&str>) -> Attempt {
    let planned = place
        .and_then(|place| serde_json::from_str::<Appended>(place).ok())
        .map(|place| place.offset_before);
    match file.append(&entry.key, &entry.body, planned) {
        Ok(_) => Attempt::Sent,
        Err(error) => Attempt::Failed(format!("{error:#}")),
    }
}

/// The agent that an event concerns, as it stands in the event itself.
fn agent_of(body: &str) -> Option<AgentRef> {
    let event: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = |name: &str| {
        event
            .pointer(&format!("/quell/{name}"))
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    };
    let id = text("agent_id").filter(|id| id != "000")?;
    Some(AgentRef { id, name: text("target")?, ip: text("agent_ip") })
}

fn send_datagram(socket: &mut QueueSocket, entry: &OutboxEntry) -> Attempt {
    let integration = triage::guard::INTEGRATION;
    let agent = agent_of(&entry.body);
    // An agent whose name Wazuh could not have written: the verdict still arrives, on behalf of the manager.
    let framed = queue_socket::frame(agent.as_ref(), integration, &entry.body)
        .or_else(|_| queue_socket::frame(None, integration, &entry.body));
    let datagram = match framed {
        Ok(datagram) => datagram,
        Err(error) => return Attempt::Refused(error.to_string()),
    };
    match socket.send(&datagram) {
        Ok(()) => Attempt::Sent,
        Err(error) => Attempt::Failed(error.to_string()),
    }
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    secret: Option<&str>,
    entry: &OutboxEntry,
) -> Attempt {
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("idempotency-key", &entry.key)
        .body(entry.body.clone());
    if let Some(secret) = secret {
        request = request
            .header("x-quell-signature", format!("sha256={}", signature(secret, &entry.body)));
    }
    match request.send().await {
        Ok(response) if response.status().is_success() => Attempt::Sent,
        // A wrong token or address is mended by a person, and then the verdict should still arrive. Only what the receiver can't read is
        // refused for good.
        Ok(response) if !matches!(response.status().as_u16(), 400 | 413 | 415 | 422) => {
            Attempt::Failed(format!("the webhook answered {}", response.status()))
        }
        Ok(response) => Attempt::Refused(format!("the webhook answered {}", response.status())),
        // The text of a transport error may hold the address, and with it a token.
        Err(error) => Attempt::Failed(if error.is_timeout() {
            "the webhook did not answer in time".to_owned()
        } else {
            "could not reach the webhook".to_owned()
        }),
    }
}

/// Signs a body with HMAC-SHA-256, in hexadecimal: what most receivers of webhooks know how to check.
pub(crate) fn signature(secret: &str, body: &str) -> String {
    // HMAC takes keys of any length, so this can't fail; an empty signature fails at the receiver.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
