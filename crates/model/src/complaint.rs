//! What a server says when it refuses: the error bodies of every dialect, read into one error.
//!
//! Ollama sends `{"error": "text"}`, where the text may be the JSON of the engine behind it;
//! llama.cpp and OpenAI send `{"error": {"message", "type", ...}}`, vLLM the same without the
//! outer object, and gateways `{"detail": ...}` or a page of HTML.
//!
//! Promises: total on any bytes; the text is tamed. Leaves to others: whether to try again.

use serde_json::Value;

use crate::ask::{AskError, tame};
use crate::wire::Reply;

/// Ollama wraps the engine's error once; twice more is room for gateways. It ends the walk.
const NESTING_MAX: usize = 4;

/// What the call was, as far as an error about it needs that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) estimate: u32,
    pub(crate) context: u32,
}

/// Turns a reply that isn't a success into the error that callers branch on.
pub(crate) fn refusal(reply: &Reply, asked: Asked<'_>) -> AskError {
    let complaint = Complaint::read(&reply.body);
    let status = reply.status;
    match status {
        // Ollama sends 503 only while a model is being loaded and its queue for that is full;
        // llama.cpp while it loads. 429 is a gateway's or vLLM's word for the same.
        503 | 429 => AskError::Loading,
        400 | 413 | 422 | 500 if complaint.is_overflow => AskError::PromptTooLong {
            prompt_tokens: complaint.prompt_tokens.unwrap_or(asked.estimate),
            context: complaint.context.unwrap_or(asked.context),
        },
        // A 404 is also what any other server says about our path, so the words decide.
        404 if complaint.message.to_ascii_lowercase().contains("model") => {
            AskError::ModelMissing { model: tame(asked.model) }
        }
        // A success that isn't understood is no fault of the request.
        0..=299 => AskError::BadReply(format!("status {status}: {}", complaint.message)),
        300..=499 => AskError::Rejected { status, message: complaint.message },
        _ => AskError::ServerFault { status, message: complaint.message },
    }
}

/// A server's error body.
#[derive(Debug, Default, PartialEq, Eq)]
struct Complaint {
    message: String,
    is_overflow: bool,
    prompt_tokens: Option<u32>,
    context: Option<u32>,
}

impl Complaint {
    fn read(body: &[u8]) -> Self {
        let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
            return Self { message: tame(&String::from_utf8_lossy(body)), ..Self::default() };
        };
        for _ in 0..NESTING_MAX {
            let inner = match &value {
                Value::String(text) => serde_json::from_str::<Value>(text).ok(),
                Value::Object(fields) => ["error", "detail"]
                    .iter()
                    .find_map(|&name| fields.get(name).filter(|value| !value.is_null()))
                    .cloned(),
                _ => None,
            };
            match inner {
                Some(inner) => value = inner,
                None => break,
            }
        }
        Self::from_innermost(&value)
    }

    fn from_innermost(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let count = |name: &str| {
            value.get(name).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok())
        };
        let message = match value {
            Value::String(text) => tame(text),
            _ if !text("message").is_empty() => tame(text("message")),
            other => tame(&other.to_string()),
        };
        // The phrase is in Ollama's and vLLM's words for it; llama.cpp and OpenAI have a name.
        let is_overflow = text("type") == "exceed_context_size_error"
            || text("code") == "context_length_exceeded"
            || message.contains("context length");
        Self {
            message,
            is_overflow,
            prompt_tokens: count("n_prompt_tokens"),
            context: count("n_ctx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str) -> AskError {
        let reply = Reply { status, body: body.as_bytes().to_vec() };
        refusal(&reply, Asked { model: "m", estimate: 5000, context: 4096 })
    }

    #[test]
    fn every_dialect_of_too_long_a_prompt_is_understood() {
        let counted = AskError::PromptTooLong { prompt_tokens: 3020, context: 2048 };
        let inner = r#"{"error":{"code":400,"message":"request (3020 tokens) exceeds","type":"exceed_context_size_error","n_prompt_tokens":3020,"n_ctx":2048}}"#;
        let wrapped = serde_json::json!({ "error": inner }).to_string();
        assert_eq!(check(400, inner), counted);
        assert_eq!(check(400, &wrapped), counted);

        let estimated = AskError::PromptTooLong { prompt_tokens: 5000, context: 4096 };
        for body in [
            r#"{"error":"the prompt is longer than the context length currently available"}"#,
            r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}"#,
            r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#,
        ] {
            assert_eq!(check(400, body), estimated, "{body}");
        }
    }

    #[test]
    fn a_missing_model_is_told_from_a_missing_page() {
        let missing = AskError::ModelMissing { model: "m".into() };
        for body in [
            r#"{"error":"model 'nope' not found"}"#,
            r#"{"error":{"message":"model 'nope' not found","type":"not_found_error","param":null,"code":null}}"#,
            r#"{"error":{"message":"The model `x` does not exist."}}"#,
        ] {
            assert_eq!(check(404, body), missing, "{body}");
        }
        for (body, message) in [
            ("404 page not found", "404 page not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (
                r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#,
                "File Not Found",
            ),
        ] {
            assert_eq!(
                check(404, body),
                AskError::Rejected { status: 404, message: message.into() }
            );
        }
    }

    #[test]
    fn a_busy_server_is_no_fault() {
        assert_eq!(check(503, r#"{"error":"server busy, please try again."}"#), AskError::Loading);
        assert_eq!(
            check(503, r#"{"error":{"code":503,"message":"Loading model"}}"#),
            AskError::Loading
        );
        assert_eq!(check(429, ""), AskError::Loading);
    }

    #[test]
    fn any_bytes_give_an_error_and_none_of_them_raw() {
        let message = |error: AskError| error.to_string();
        assert_eq!(
            message(check(500, "\u{1b}]0;x\u{7}<html>")),
            "the model server failed with status 500: ]0;x <html>"
        );
        assert_eq!(message(check(502, "")), "the model server failed with status 502: ");
        let nested = format!("{}1{}", r#"{"error":"#.repeat(60), "}".repeat(60));
        assert!(matches!(check(400, &nested), AskError::Rejected { .. }));
        assert!(matches!(check(200, "{}"), AskError::BadReply(_)));
    }
}
