//! Ollama's own dialect: `/api/chat`, `/api/show`, `/api/tags`, `/api/version`.
//!
//! It is preferred to Ollama's OpenAI-like routes, because only here can the context be set, the
//! silent cutting of prompts be forbidden and the server's times be read.
//!
//! Promises: every call to a server has the same runner options, since a changed one reloads the
//! model for everybody (seconds each time, and 503 for others). Leaves to others: the deadline,
//! the bound on calls at once, the meaning of the text.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ask::{Answer, AskError, Prompt, tame};
use crate::backend::{SEED, Target, host_of};
use crate::catalogue::{Listed, parse_billions};
use crate::complaint::{Asked, refusal};
use crate::estimate::{estimate_tokens, expected_if_cut};
use crate::wire::{Reply, Wire};

/// Asks one question.
pub(crate) async fn chat(
    wire: &Wire,
    target: &Target,
    keep_alive: &str,
    prompt: &Prompt,
) -> Result<Answer, AskError> {
    let reply = wire.post("/api/chat", &request(target, keep_alive, prompt)).await?;
    let answer = answer(&reply, target, prompt)?;
    match answer.remote_host.as_deref().map(host_of) {
        // The model was made a relayed one after we looked at it.
        Some(host) if !host.is_empty() && !wire.egress().is_allowed(host) => {
            Err(relayed(&answer.said.model, host))
        }
        Some(_) | None => Ok(answer.said),
    }
}

/// Says that a model isn't where its server is.
pub(crate) fn relayed(model: &str, host: &str) -> AskError {
    AskError::EgressRefused { host: tame(host), address: format!("remote model {}", tame(model)) }
}

/// Builds the request.
///
/// `think` is sent only to models that can, because others answer 400 to it; it is switched off
/// because thoughts cost minutes on small machines and aren't constrained by the schema.
fn request(target: &Target, keep_alive: &str, prompt: &Prompt) -> Value {
    // A bare number is seconds; as a string the server refuses it for its missing unit.
    let keep_alive = match keep_alive.parse::<i64>() {
        Ok(seconds) => json!(seconds),
        Err(_) => json!(keep_alive),
    };
    let mut body = json!({
        "model": target.model,
        "messages": [
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.user },
        ],
        "stream": false,
        "format": prompt.schema,
        "truncate": false,
        "shift": false,
        "keep_alive": keep_alive,
        "options": {
            "num_ctx": target.num_ctx,
            "num_predict": prompt.max_tokens,
            "temperature": 0,
            "seed": SEED,
        },
    });
    if let (true, Some(fields)) = (target.can_think, body.as_object_mut()) {
        fields.insert("think".to_owned(), json!(false));
    }
    body
}

/// The final object of a chat. Fields that are zero are left out by the server.
#[derive(Deserialize)]
struct Chat {
    model: Option<String>,
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    remote_host: Option<String>,
    total_duration: Option<u64>,
    #[serde(default)]
    load_duration: u64,
    prompt_eval_count: Option<u32>,
    #[serde(default)]
    prompt_eval_duration: u64,
    eval_count: Option<u32>,
    #[serde(default)]
    eval_duration: u64,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
}

/// An answer, and where it was made if that wasn't at the server.
struct Received {
    said: Answer,
    remote_host: Option<String>,
}

/// Reads the reply.
///
/// A cut prompt is looked for first: its answer ends with `stop` and may be good JSON, about
/// whatever the sender of the log line wrote last.
fn answer(reply: &Reply, target: &Target, prompt: &Prompt) -> Result<Received, AskError> {
    if reply.status != 200 {
        let asked = Asked {
            model: &target.model,
            estimate: estimate_tokens(prompt),
            context: target.context,
        };
        return Err(refusal(reply, asked));
    }
    let chat: Chat = reply.read()?;
    if let Some(counted) = chat.prompt_eval_count
        && let Some(expected) = expected_if_cut(prompt, counted, target.context)
    {
        return Err(AskError::Truncated { prompt_tokens: counted, expected });
    }
    match chat.done_reason.as_deref() {
        Some("length") => return Err(AskError::CutByLength { max_tokens: prompt.max_tokens }),
        Some("stop") | None if chat.done => {}
        Some(other) => {
            return Err(AskError::BadReply(format!("the answer ended with `{}`", tame(other))));
        }
        None => return Err(AskError::BadReply("the answer has no end".to_owned())),
    }
    let Some(message) = chat.message else {
        return Err(AskError::BadReply("the answer has no message".to_owned()));
    };
    let working = [chat.load_duration, chat.prompt_eval_duration, chat.eval_duration]
        .iter()
        .fold(0_u64, |sum, &part| sum.saturating_add(part));
    // Waiting shows only in the total; without a total nothing is known.
    let timed = |nanoseconds: u64| chat.total_duration.map(|_| nanoseconds / 1_000_000);
    let said = Answer {
        text: message.content,
        model: tame(chat.model.as_deref().unwrap_or(&target.model)),
        prompt_tokens: chat.prompt_eval_count,
        completion_tokens: chat.eval_count,
        queue_ms: chat.total_duration.map(|total| total.saturating_sub(working) / 1_000_000),
        load_ms: timed(chat.load_duration),
        prompt_ms: timed(chat.prompt_eval_duration),
        generation_ms: timed(chat.eval_duration),
    };
    Ok(Received { said, remote_host: chat.remote_host })
}

/// Asks for the server's version.
pub(crate) async fn version(wire: &Wire) -> Result<String, AskError> {
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let reply = wire.get("/api/version").await?;
    if reply.status != 200 {
        return Err(refusal(&reply, Asked { model: "", estimate: 0, context: 0 }));
    }
    Ok(tame(&reply.read::<Version>()?.version))
}

#[derive(Deserialize)]
struct Tags {
    models: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    remote_host: Option<String>,
    capabilities: Option<Vec<String>>,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default)]
    family: String,
    #[serde(default)]
    parameter_size: String,
    context_length: Option<u32>,
}

/// Asks for the models that the server has.
pub(crate) async fn models(wire: &Wire) -> Result<Vec<Listed>, AskError> {
    let reply = wire.get("/api/tags").await?;
    if reply.status != 200 {
        return Err(refusal(&reply, Asked { model: "", estimate: 0, context: 0 }));
    }
    let tags: Tags = reply.read()?;
    // A name that can't be shown as it is can't be one that a person pulled.
    let shown =
        tags.models.unwrap_or_default().into_iter().filter(|tag| tame(&tag.name) == tag.name);
    Ok(shown.map(listed).collect())
}

fn listed(tag: Tag) -> Listed {
    let details = tag.details.unwrap_or_default();
    let can_complete = match tag.capabilities {
        Some(capabilities) => capabilities.iter().any(|name| name == "completion"),
        // Servers before mid-2025 don't list them; there the embedding models are all of the
        // BERT family.
        None => !details.family.contains("bert"),
    };
    Listed {
        name: tag.name,
        billions: parse_billions(&details.parameter_size),
        can_complete,
        remote_host: tag.remote_host.filter(|host| !host.is_empty()),
        context: details.context_length,
        owner: None,
    }
}

/// What the server knows about one model.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) can_think: bool,
    /// The context that the model was trained with; the server gives it no more.
    pub(crate) context: Option<u32>,
    pub(crate) remote_host: Option<String>,
}

/// Asks what the server knows about one model.
pub(crate) async fn show(wire: &Wire, model: &str) -> Result<Shown, AskError> {
    let reply = wire.post("/api/show", &json!({ "model": model })).await?;
    match reply.status {
        200 => Ok(shown(&reply.read()?)),
        _ => Err(refusal(&reply, Asked { model, estimate: 0, context: 0 })),
    }
}

fn shown(value: &Value) -> Shown {
    let capabilities = value.get("capabilities").and_then(Value::as_array);
    let facts = value.get("model_info").and_then(Value::as_object);
    let context = facts.and_then(|facts| {
        let (_, length) = facts.iter().find(|(name, _)| name.ends_with(".context_length"))?;
        length.as_u64().and_then(|length| u32::try_from(length).ok())
    });
    Shown {
        can_think: capabilities.is_some_and(|names| names.iter().any(|name| name == "thinking")),
        context,
        remote_host: value
            .get("remote_host")
            .and_then(Value::as_str)
            .filter(|host| !host.is_empty())
            .map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { model: "smollm2:q4_0".into(), can_think: false, num_ctx: 2048, context: 2048 }
    }

    fn prompt(user: &str) -> Prompt {
        Prompt {
            system: "You are a judge.".into(),
            user: user.into(),
            schema: json!({ "type": "object" }),
            max_tokens: 60,
        }
    }

    fn read(user: &str, body: &str) -> Result<Answer, AskError> {
        let reply = Reply { status: 200, body: body.as_bytes().to_vec() };
        answer(&reply, &target(), &prompt(user)).map(|received| received.said)
    }

    #[test]
    fn the_queue_is_what_the_other_times_leave_of_the_total() {
        let body = r#"{"model":"smollm2:q4_0","message":{"role":"assistant","content":"{}"},
            "done":true,"done_reason":"stop","total_duration":4720000000,"load_duration":6000000,
            "prompt_eval_count":40,"prompt_eval_duration":56000000,"eval_count":2,
            "eval_duration":1060000000}"#;
        let answer = read("hi", body).unwrap();
        assert_eq!(answer.queue_ms, Some(3598));
        assert_eq!((answer.load_ms, answer.prompt_ms), (Some(6), Some(56)));
        assert_eq!((answer.prompt_tokens, answer.completion_tokens), (Some(40), Some(2)));
    }

    #[test]
    fn fields_that_are_left_out_are_zero_or_unknown() {
        let body = r#"{"message":{"content":"{}"},"done":true,"total_duration":5000000}"#;
        let answer = read("hi", body).unwrap();
        assert_eq!(
            (answer.load_ms, answer.queue_ms, answer.prompt_tokens),
            (Some(0), Some(5), None)
        );
        let answer = read("hi", r#"{"message":{"content":"{}"},"done":true}"#).unwrap();
        assert_eq!((answer.load_ms, answer.queue_ms), (None, None));
    }

    #[test]
    fn replies_that_are_no_answer_are_told_apart() {
        let said = |body: &str| read("hi", body).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                said("<html>"),
                said(r#"{"done":true,"done_reason":"load"}"#),
                said(r#"{"message":{"content":"{}"},"done":false}"#),
                said(r#"{"done":true,"done_reason":"stop"}"#),
                said(r#"{"message":{"content":7},"done":true}"#),
                said(r#"{"message":{"content":"{"},"done":true,"done_reason":"length"}"#),
            ]
            .join("\n"),
            @"
        could not read the reply of the model server: expected value at line 1 column 1
        could not read the reply of the model server: the answer ended with `load`
        could not read the reply of the model server: the answer has no end
        could not read the reply of the model server: the answer has no message
        could not read the reply of the model server: invalid type: integer `7`, expected a string at line 1 column 23
        the answer was cut at its limit of 60 tokens
        "
        );
    }

    #[test]
    fn an_answer_to_half_a_prompt_is_refused_however_good_it_looks() {
        let body = r#"{"message":{"content":"{\"threat_level\":0}"},"done":true,
            "done_reason":"stop","prompt_eval_count":1026}"#;
        let error = read(&"bee ".repeat(3000), body).unwrap_err();
        assert!(matches!(error, AskError::Truncated { prompt_tokens: 1026, .. }), "{error}");
    }

    #[test]
    fn the_request_forbids_cutting_and_keeps_the_runner_options() {
        let body = request(&target(), "30m", &prompt("hi"));
        assert_eq!((&body["truncate"], &body["shift"]), (&json!(false), &json!(false)));
        assert_eq!(body["options"]["num_ctx"], 2048);
        assert_eq!(body["keep_alive"], "30m");
        assert!(body.get("think").is_none());
        assert_eq!(request(&target(), "-1", &prompt("hi"))["keep_alive"], -1);
        let thinker = Target { can_think: true, ..target() };
        assert_eq!(request(&thinker, "30m", &prompt("hi"))["think"], false);
    }

    #[test]
    fn what_a_server_knows_of_a_model_is_read_with_any_architecture() {
        let value = json!({
            "capabilities": ["completion", "thinking"],
            "model_info": { "general.architecture": "qwen3", "qwen3.context_length": 40960 },
            "remote_host": "",
        });
        let expected = Shown { can_think: true, context: Some(40960), remote_host: None };
        assert_eq!(shown(&value), expected);
        assert_eq!(shown(&json!([])), Shown::default());
    }
}
