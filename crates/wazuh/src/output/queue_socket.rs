//! Sends verdicts to wazuh-analysisd as datagrams on its queue socket.
//!
//! One event is one datagram, `1:<location>:<json>`. The location carries the agent that the event is about,
//! and analysisd believes it: so the parts are checked here, and a name that could be read as another agent
//! is refused. analysisd cuts a datagram that is too long without a word, so the length is checked too.
//!
//! Delivery is as good as a datagram to a local process can be: a send that succeeds is in analysisd's
//! queue. Repeating what failed is the outbox's business.

use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// The longest datagram that we send. analysisd reads 65,535 bytes and drops the rest silently; the
/// margin is for what Wazuh adds in front of the event on its way through.
pub const DATAGRAM_BYTES_MAX: usize = 65_000;

/// How long a send may wait while analysisd's queue is full. The kernel's queue holds some ten datagrams,
/// so a busy analysisd makes every sender wait for a moment; past two seconds it isn't reading at all.
const SEND_WAIT: Duration = Duration::from_secs(2);

/// The longest agent name that Wazuh's own registration accepts.
const NAME_BYTES_MAX: usize = 128;

/// The agent that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRef {
    /// Its number as text, `001` and up; `000` is the manager.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address; an absent or odd one is sent as `any`.
    pub ip: Option<String>,
}

/// Why an event can't be framed. None of these gets better by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The datagram would be cut by analysisd.
    #[error(
        "the event for wazuh has {bytes} bytes, the limit is {limit}\n\
         hint: the verdict's evidence must be shortened"
    )]
    TooLong {
        /// Its whole length.
        bytes: usize,
        /// [`DATAGRAM_BYTES_MAX`].
        limit: usize,
    },
    /// analysisd's JSON decoder wouldn't recognise the text.
    #[error("the event for wazuh must begin with `{{\"` and have neither line ends nor NUL bytes")]
    NotAnObject,
    /// The agent's number or name could be misread.
    #[error(
        "`{part}` of the agent can't be written in an event for wazuh\n\
         hint: send the event on behalf of the manager"
    )]
    Agent {
        /// `id` or `name`.
        part: &'static str,
    },
    /// The integration's name could be misread.
    #[error("the integration's name must be letters, digits, `-`, `_` or `.`")]
    Integration,
}

/// Writes one event: for an agent, or for the manager if the agent is absent or `000`.
pub fn frame(
    agent: Option<&AgentRef>,
    integration: &str,
    json: &str,
) -> Result<Vec<u8>, FrameError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if integration.is_empty() || !integration.bytes().all(is_plain) {
        return Err(FrameError::Integration);
    }
    // A blank in front, or `{}`, would not reach the JSON decoder; after a line end nothing does.
    if !json.starts_with("{\"") || json.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(FrameError::NotAnObject);
    }
    let location = match agent.filter(|agent| agent.id.bytes().any(|digit| digit != b'0')) {
        Some(agent) => escape(&format!("{}->{integration}", origin(agent)?)),
        None => integration.to_owned(),
    };
    let framed = format!("1:{location}:{json}").into_bytes();
    if framed.len() > DATAGRAM_BYTES_MAX {
        return Err(FrameError::TooLong { bytes: framed.len(), limit: DATAGRAM_BYTES_MAX });
    }
    Ok(framed)
}

/// Writes `[id] (name) ip`.
fn origin(agent: &AgentRef) -> Result<String, FrameError> {
    let is_number =
        (3..=10).contains(&agent.id.len()) && agent.id.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number {
        return Err(FrameError::Agent { part: "id" });
    }
    // analysisd looks for `) ` and `->`; a name with them could pass for another agent's.
    let is_sound = !agent.name.is_empty()
        && agent.name.len() <= NAME_BYTES_MAX
        && !agent.name.chars().any(|symbol| symbol.is_control() || "()[]>".contains(symbol));
    if !is_sound {
        return Err(FrameError::Agent { part: "name" });
    }
    let ip = agent.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok());
    let ip = ip.map_or_else(|| "any".to_owned(), |ip| ip.to_string());
    Ok(format!("[{}] ({}) {ip}", agent.id, agent.name))
}

/// Escapes a location: its first bare colon would end it.
fn escape(location: &str) -> String {
    location.replace('|', "||").replace(':', "|:")
}

/// Why a datagram was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The socket isn't there or nobody reads it: worth trying again.
    #[error(
        "could not reach wazuh-analysisd on `{path}`: {source}\n\
         hint: is wazuh-analysisd running (`wazuh-control status`), and is this the path of its queue socket"
    )]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// analysisd doesn't keep up: worth trying again.
    #[error("wazuh-analysisd does not read its queue `{path}`: {source}\nhint: is it overloaded")]
    Busy {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// We may not write there.
    #[error(
        "may not write to `{path}`: {source}\n\
         hint: add the user that runs quell to group `wazuh` and restart quell"
    )]
    Denied {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("could not send an event to `{path}`: {source}")]
    Other {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SendError {
    fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            // ENOBUFS has no kind of its own; Wazuh's senders treat it as busy as well.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Busy { path, source },
            _ if is_errno(&source, nix::errno::Errno::ENOBUFS) => Self::Busy { path, source },
            io::ErrorKind::PermissionDenied => Self::Denied { path, source },
            _ if is_stale(&source) => Self::Absent { path, source },
            _ => Self::Other { path, source },
        }
    }

    /// Whether the same datagram may get through later without anybody doing something.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Busy { .. })
    }
}

/// analysisd's queue socket, connected on first use and again after analysisd restarted.
#[derive(Debug)]
pub struct QueueSocket {
    path: PathBuf,
    connected: Option<UnixDatagram>,
}

impl QueueSocket {
    /// Names the socket, normally `/var/ossec/queue/sockets/queue`. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), connected: None }
    }

    /// Sends one framed event. Blocks for at most two seconds.
    pub fn send(&mut self, framed: &[u8]) -> Result<(), SendError> {
        match self.try_send(framed) {
            Err(error) if is_stale(&error) => {
                // analysisd makes a new socket at each start; the old connection leads nowhere.
                self.connected = None;
                self.try_send(framed)
            }
            result => result,
        }
        .map_err(|error| {
            self.connected = None;
            SendError::new(&self.path, error)
        })
    }

    fn try_send(&mut self, framed: &[u8]) -> io::Result<()> {
        let socket = match self.connected.take() {
            Some(socket) => socket,
            None => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(SEND_WAIT))?;
                socket.connect(&self.path)?;
                socket
            }
        };
        let socket = self.connected.insert(socket);
        let sent = socket.send(framed)?;
        if sent == framed.len() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::WriteZero, "the datagram was sent in part"))
    }
}

/// Whether the error says that the other end went away.
fn is_stale(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
    )
}

fn is_errno(error: &io::Error, number: nix::errno::Errno) -> bool {
    error.raw_os_error().is_some_and(|raw| nix::errno::Errno::from_raw(raw) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, name: &str, ip: Option<&str>) -> AgentRef {
        AgentRef { id: id.to_owned(), name: name.to_owned(), ip: ip.map(str::to_owned) }
    }

    fn check(agent: Option<AgentRef>, json: &str, expected: &str) {
        let text = match frame(agent.as_ref(), "quell", json) {
            Ok(framed) => String::from_utf8(framed).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn the_manager_speaks_under_the_integrations_name() {
        check(None, r#"{"a":1}"#, r#"1:quell:{"a":1}"#);
        check(Some(agent("000", "manager", None)), r#"{"a":1}"#, r#"1:quell:{"a":1}"#);
    }

    #[test]
    fn an_agent_is_named_with_its_address() {
        let expected = r#"1:[001] (web01) 10.0.0.21->quell:{"a":"b:c|d"}"#;
        check(Some(agent("001", "web01", Some("10.0.0.21"))), r#"{"a":"b:c|d"}"#, expected);
        let any = r#"1:[002] (db) any->quell:{"a":1}"#;
        check(Some(agent("002", "db", None)), r#"{"a":1}"#, any);
        check(Some(agent("002", "db", Some("1.2.3.4) x"))), r#"{"a":1}"#, any);
    }

    #[test]
    fn colons_and_bars_in_the_location_are_escaped() {
        check(
            Some(agent("003", "a|b:c", Some("2001:db8::1"))),
            r#"{"a":1}"#,
            r#"1:[003] (a||b|:c) 2001|:db8|:|:1->quell:{"a":1}"#,
        );
    }

    #[test]
    fn an_agent_that_could_pass_for_another_is_refused() {
        for name in ["web) 1.1.1.1->x", "a\nb", "", "a->b", "(x"] {
            let error = frame(Some(&agent("001", name, None)), "quell", r#"{"a":1}"#).unwrap_err();
            assert_eq!(error, FrameError::Agent { part: "name" }, "for {name:?}");
        }
        let error = frame(Some(&agent("1; x", "n", None)), "quell", r#"{"a":1}"#).unwrap_err();
        assert_eq!(error, FrameError::Agent { part: "id" });
    }

    #[test]
    fn only_what_the_json_decoder_takes_is_framed() {
        for json in ["{}", " {\"a\":1}", "[1]", "", "{\"a\":\n1}", "{\"a\":\"\0\"}"] {
            assert_eq!(frame(None, "quell", json), Err(FrameError::NotAnObject), "for {json:?}");
        }
        assert_eq!(frame(None, "a:b", r#"{"a":1}"#), Err(FrameError::Integration));
    }

    #[test]
    fn a_datagram_that_would_be_cut_is_refused_with_both_sizes() {
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(DATAGRAM_BYTES_MAX));
        check(
            None,
            &json,
            "the event for wazuh has 65016 bytes, the limit is 65000\n\
             hint: the verdict's evidence must be shortened",
        );
    }
}
