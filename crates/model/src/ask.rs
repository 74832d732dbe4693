//! What is asked of a model, what comes back, and every way in which that fails.
//!
//! One question and one answer, whatever the server's dialect. The errors are an enum because
//! callers branch on them: some are the prompt's fault (shorten it), some the answer's (repair or
//! go on), some the backend's (open the circuit breaker, take the next one).
//!
//! Promises: text that came from a server is tamed before it is kept in an error; no error text
//! holds a key. Leaves to others: what the answer's text means, and whether to ask again.

use std::time::Duration;

use serde_json::Value;

/// One question to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The fixed instructions. They go first, so that the server's prefix cache is reused.
    pub system: String,
    /// The data of this one call. It goes last.
    pub user: String,
    /// The JSON Schema that the server must constrain the answer to. Its order of properties is
    /// the order of the answer.
    pub schema: Value,
    /// The most tokens that the answer may have.
    pub max_tokens: u32,
}

/// What a model answered.
///
/// The text is untrusted: a schema at the server is a hint until the caller has validated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer as the model wrote it.
    pub text: String,
    /// The model that answered, as the server names it.
    pub model: String,
    /// Tokens of the prompt, cached ones included.
    pub prompt_tokens: Option<u32>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u32>,
    /// Time spent in the server's own queue.
    pub queue_ms: Option<u64>,
    /// Time spent loading the model.
    pub load_ms: Option<u64>,
    /// Time spent reading the prompt (its part that was not cached).
    pub prompt_ms: Option<u64>,
    /// Time spent writing the answer.
    pub generation_ms: Option<u64>,
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection, or it broke before the answer was whole.
    #[error("could not reach the model server at `{address}`: {reason}")]
    Unreachable {
        /// Scheme, host and port, without path or credentials.
        address: String,
        /// The innermost cause.
        reason: String,
    },
    /// There is a server, and no TLS connection to it came about.
    #[error("could not make a TLS connection to the model server at `{address}`: {reason}")]
    TlsFailed {
        /// Scheme, host and port, without path or credentials.
        address: String,
        /// What was wrong.
        reason: String,
        /// It was the server's certificate that was not accepted.
        is_certificate: bool,
    },
    /// The egress guard stopped the call before a byte left.
    #[error(
        "refused to send to `{host}`: `{address}` is not a loopback, private or overlay address"
    )]
    EgressRefused {
        /// The host that was to be reached.
        host: String,
        /// What it resolved to, or what else is wrong with it.
        address: String,
    },
    /// The server is loading a model or has no room (503 or 429): the same call may work later.
    #[error("the model server is loading a model or has no room for the call")]
    Loading,
    /// The server doesn't have the model.
    #[error("{}", missing(model))]
    ModelMissing {
        /// The model that was asked for; empty when none was named and none can be chosen.
        model: String,
    },
    /// The server refused the request as such.
    #[error("the model server refused the request with status {status}: {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The server's words, tamed.
        message: String,
    },
    /// The server failed.
    #[error("the model server failed with status {status}: {message}")]
    ServerFault {
        /// The HTTP status.
        status: u16,
        /// The server's words, tamed.
        message: String,
    },
    /// The prompt and the room for its answer don't fit the context.
    #[error("the prompt of about {prompt_tokens} tokens does not fit a context of {context}")]
    PromptTooLong {
        /// The server's count where it gave one, else the estimate.
        prompt_tokens: u32,
        /// The context in tokens.
        context: u32,
    },
    /// The server cut the prompt and answered what was left of it.
    #[error(
        "the model server cut the prompt without saying so: it read {prompt_tokens} of at least \
         {expected} tokens"
    )]
    Truncated {
        /// How many tokens the server read.
        prompt_tokens: u32,
        /// The fewest that the whole prompt can have, or the context where that was overrun.
        expected: u32,
    },
    /// The answer ran into its token limit, so its JSON is broken.
    #[error("the answer was cut at its limit of {max_tokens} tokens")]
    CutByLength {
        /// The limit of the call.
        max_tokens: u32,
    },
    /// The reply is larger than any answer needs.
    #[error("the reply of the model server is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The reply isn't in the dialect that was configured.
    #[error("could not read the reply of the model server: {0}")]
    BadReply(String),
    /// The whole call took longer than its deadline.
    #[error("no answer within {} s", after.as_secs_f32())]
    Timeout {
        /// The deadline.
        after: Duration,
    },
}

fn missing(model: &str) -> String {
    match model {
        "" => "the model server has no usable model".to_owned(),
        _ => format!("the model server has no model `{model}`"),
    }
}

impl AskError {
    /// Tells whether this counts against the backend (for a circuit breaker).
    ///
    /// A fault of one prompt or one answer doesn't: an attacker who writes long log lines must not
    /// be able to switch a backend off. Loading doesn't either, because it passes by itself.
    pub fn is_backend_fault(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TlsFailed { .. }
            | Self::EgressRefused { .. }
            | Self::ModelMissing { .. }
            | Self::ServerFault { .. }
            | Self::TooLarge { .. }
            | Self::BadReply(_)
            | Self::Timeout { .. } => true,
            // These two say that the request's form was understood and its content refused.
            // Anything else (no such page, no permission, a redirect) meets every call alike.
            Self::Rejected { status, .. } => !matches!(status, 400 | 422),
            Self::Loading
            | Self::PromptTooLong { .. }
            | Self::Truncated { .. }
            | Self::CutByLength { .. } => false,
        }
    }

    /// Says what to try.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "check that the server runs and listens on that address, and that no firewall is \
                 between"
            }
            Self::TlsFailed { is_certificate: true, .. } => {
                "name the authority that signed the server's certificate under `egress.ca_file`, and the \
                 server by the name that the certificate is for"
            }
            Self::TlsFailed { .. } => {
                "check that the server speaks TLS on that port; if it does not, configure its address \
                 with `http://`"
            }
            Self::EgressRefused { .. } => {
                "use a server or model inside your network, or list the host under the allowed \
                 hosts if alerts may be sent there"
            }
            Self::Loading => "wait a little and ask again",
            Self::ModelMissing { .. } => {
                "pull the model on the server, or name one that `quell model probe` lists"
            }
            Self::Rejected { status: 300..=399, .. } => {
                "configure the address that the server redirects to; redirects are never followed"
            }
            Self::Rejected { status: 401 | 403, .. } => "check the key of this backend",
            Self::Rejected { status: 404 | 405, .. } => {
                "check the address and the kind of this backend (ollama or openai)"
            }
            Self::Rejected { .. } => "read the server's log; it may be older than this request",
            Self::ServerFault { .. } => "read the server's log; it may lack memory for the model",
            Self::PromptTooLong { .. } => {
                "give the backend a larger context, or the prompt less evidence"
            }
            Self::Truncated { .. } => {
                "update the server, or make its context at least as large as the configured one"
            }
            Self::CutByLength { .. } => "allow more tokens, or ask for a shorter answer",
            Self::TooLarge { .. } => "check that the address belongs to a model server",
            Self::BadReply(_) => "check the kind of this backend (ollama or openai)",
            Self::Timeout { .. } => {
                "allow more time, use a smaller model, or give the server fewer calls at once"
            }
        }
    }
}

/// The most characters of a server's text that are kept: enough for every message of the servers
/// we know, and too little to flood a log line.
pub(crate) const SERVER_TEXT_CHARS_MAX: usize = 300;

/// Makes one harmless line of text that a server sent.
///
/// Controls, direction overrides and invisible characters go; each run of white space or of
/// removed characters becomes one space.
pub(crate) fn tame(text: &str) -> String {
    let mut line = String::new();
    let mut kept = 0;
    for character in text.chars() {
        if kept >= SERVER_TEXT_CHARS_MAX {
            line.push('…');
            break;
        }
        if !is_plain(character) {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
                kept += 1;
            }
            continue;
        }
        line.push(character);
        kept += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Tells whether a character shows as itself and changes nothing around it.
fn is_plain(character: char) -> bool {
    let is_hidden = matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !character.is_control() && !character.is_whitespace() && !is_hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_server_becomes_one_harmless_line() {
        assert_eq!(
            tame("model\u{1b}[2J 'x'\r\n\tnot\u{202e} found\u{0}"),
            "model [2J 'x' not found"
        );
        assert_eq!(tame("  \n "), "");
    }

    #[test]
    fn text_of_a_server_is_cut_at_its_limit() {
        let line = tame(&"ä".repeat(10_000));
        assert_eq!(line.chars().count(), SERVER_TEXT_CHARS_MAX + 1);
        assert!(line.ends_with('…'));
    }

    #[test]
    fn a_fault_of_the_prompt_or_the_answer_does_not_count_against_the_backend() {
        let innocent = [
            AskError::Loading,
            AskError::PromptTooLong { prompt_tokens: 9000, context: 8192 },
            AskError::Truncated { prompt_tokens: 1026, expected: 2400 },
            AskError::CutByLength { max_tokens: 5 },
            AskError::Rejected { status: 400, message: "odd schema".into() },
        ];
        assert!(innocent.iter().all(|error| !error.is_backend_fault()));
        let guilty = [
            AskError::Timeout { after: Duration::from_secs(1) },
            AskError::BadReply("not JSON".into()),
            AskError::Rejected { status: 401, message: "no key".into() },
            AskError::TooLarge { limit: 1 },
        ];
        assert!(guilty.iter().all(AskError::is_backend_fault));
    }

    #[test]
    fn messages_read_as_a_user_sees_them() {
        let error =
            AskError::EgressRefused { host: "api.example".into(), address: "8.8.8.8".into() };
        assert_eq!(
            error.to_string(),
            "refused to send to `api.example`: `8.8.8.8` is not a loopback, private or overlay \
             address"
        );
        let error = AskError::Timeout { after: Duration::from_millis(1500) };
        assert_eq!(error.to_string(), "no answer within 1.5 s");
    }
}
