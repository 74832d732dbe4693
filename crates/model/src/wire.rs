//! One HTTP exchange with a model server: guarded, capped, and with errors that say why.
//!
//! Both dialects go through here, so that no request can forget the egress guard and no reply the
//! byte cap.
//!
//! Promises: at most [`REPLY_BYTES_MAX`] of a reply are held; a future that is dropped closes its
//! connection, and that makes the servers we know stop generating at once. Leaves to others: the
//! deadline of the whole call, and what a status or body means.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ask::{AskError, tame};
use crate::egress::{self, Egress, SetupError};

/// The largest reply: a verdict is 1 to 4 kB, and the largest honest reply is `/api/show` of a
/// model with some thousand tensors (about 200 kB).
pub(crate) const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// A server on the same network answers a connect in milliseconds; five seconds also bears a
/// sleeping overlay peer. What takes longer is down, whatever the deadline of the call is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A way to one server.
pub(crate) struct Wire {
    client: reqwest::Client,
    egress: Egress,
    base: Url,
    authorization: Option<HeaderValue>,
}

/// What a server replied.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(
        backend: &str,
        url: &str,
        key: Option<&str>,
        egress: &Egress,
    ) -> Result<Self, SetupError> {
        let authorization = match key {
            Some(key) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                    .map_err(|_| SetupError::Key { backend: backend.to_owned() })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self {
            client: egress::client(egress, CONNECT_TIMEOUT)?,
            egress: egress.clone(),
            base: parse_base(url)?,
            authorization,
        })
    }

    /// Gives the address for messages: no path, and credentials were refused at the door.
    pub(crate) fn address(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Gives the guard, for models that the server would only relay.
    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Reply, AskError> {
        let url = self.url(path)?;
        self.exchange(self.client.get(url)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Reply, AskError> {
        let url = self.url(path)?;
        self.exchange(self.client.post(url).json(body)).await
    }

    fn url(&self, path: &str) -> Result<Url, AskError> {
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}{path}"));
        self.egress.check_url(&url)?;
        Ok(url)
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Reply, AskError> {
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if body.len() + chunk.len() > REPLY_BYTES_MAX {
                return Err(AskError::TooLarge { limit: REPLY_BYTES_MAX });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body })
    }

    fn failure(&self, error: &reqwest::Error) -> AskError {
        if let Some(refused) = egress::refusal(error) {
            return refused;
        }
        if let Some(failure) = egress::tls_failure(error) {
            let is_certificate = matches!(failure, rustls::Error::InvalidCertificate(_));
            let (address, reason) = (self.address(), tame(&failure.to_string()));
            return AskError::TlsFailed { address, reason, is_certificate };
        }
        let reason = match error.is_timeout() {
            true => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
            false => egress::innermost(error),
        };
        AskError::Unreachable { address: self.address(), reason }
    }
}

impl Reply {
    /// Reads the body as JSON of a known form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, AskError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| AskError::BadReply(tame(&error.to_string())))
    }
}

/// Parses the address of a server, in every form in which people write it down.
fn parse_base(url: &str) -> Result<Url, SetupError> {
    let bad = |why: &str| SetupError::Url { url: tame(url), why: why.to_owned() };
    let mut base = Url::parse(url.trim()).map_err(|error| bad(&error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(bad("only http and https are spoken"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        // The address is shown in messages and logs, and a password must not be.
        return Err(SetupError::Url {
            url: base.origin().ascii_serialization(),
            why: "it holds a user or password; use the backend's key instead".to_owned(),
        });
    }
    base.set_query(None);
    base.set_fragment(None);
    // Other programs want the address with the dialect's own prefix, so people have it at hand.
    let path = base.path().trim_end_matches('/');
    let prefix = path.strip_suffix("/v1").or_else(|| path.strip_suffix("/api")).unwrap_or(path);
    let prefix = prefix.to_owned();
    base.set_path(&prefix);
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(url: &str) -> Result<Wire, SetupError> {
        Wire::new("lan", url, None, &Egress::default())
    }

    #[test]
    fn an_address_may_end_in_a_slash_or_in_the_prefix_of_its_dialect() {
        for (url, expected) in [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434/api/chat"),
            ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/api/chat"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/api/chat"),
            ("http://127.0.0.1/gate/api?x=1#y", "http://127.0.0.1/gate/api/chat"),
        ] {
            assert_eq!(wire(url).unwrap().url("/api/chat").unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = wire("http://someone:geheim@10.0.0.1/").err().unwrap().to_string();
        assert!(!error.contains("geheim"), "{error}");
        assert!(error.starts_with("could not use the address `http://10.0.0.1`"), "{error}");
        assert!(wire("ftp://10.0.0.1/").is_err());
        assert!(wire("10.0.0.1:11434").is_err());
    }

    #[test]
    fn a_key_that_no_header_holds_is_refused() {
        let made = Wire::new("lan", "http://127.0.0.1", Some("a\r\nb"), &Egress::default());
        assert!(matches!(made.err(), Some(SetupError::Key { .. })));
    }
}
