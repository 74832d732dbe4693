//! OpenAI's chat dialect, as llama.cpp, vLLM, LM Studio and Ollama's `/v1` speak it.
//!
//! Promises: the schema goes as `response_format`, which all of these turn into a grammar.
//! Leaves to others: whether the server obeys it (`probe` finds out), its context (it can't be
//! set here, so the configured one must be what the server was started with), and the deadline.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ask::{Answer, AskError, Prompt, tame};
use crate::backend::{SEED, Target};
use crate::catalogue::Listed;
use crate::complaint::{Asked, refusal};
use crate::estimate::{estimate_tokens, expected_if_cut};
use crate::wire::{Reply, Wire};

/// Asks one question.
pub(crate) async fn chat(
    wire: &Wire,
    target: &Target,
    prompt: &Prompt,
) -> Result<Answer, AskError> {
    let reply = wire.post("/v1/chat/completions", &request(target, prompt)).await?;
    answer(&reply, target, prompt)
}

fn request(target: &Target, prompt: &Prompt) -> Value {
    json!({
        "model": target.model,
        "messages": [
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.user },
        ],
        "stream": false,
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "answer", "strict": true, "schema": prompt.schema },
        },
        "max_tokens": prompt.max_tokens,
        "temperature": 0,
        "seed": SEED,
    })
}

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    timings: Option<Timings>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

/// What llama.cpp adds: times without its queue.
#[derive(Deserialize)]
struct Timings {
    prompt_ms: Option<f64>,
    predicted_ms: Option<f64>,
}

/// Reads the reply. A cut prompt is looked for first, for the reason given in `ollama`.
fn answer(reply: &Reply, target: &Target, prompt: &Prompt) -> Result<Answer, AskError> {
    if reply.status != 200 {
        let asked = Asked {
            model: &target.model,
            estimate: estimate_tokens(prompt),
            context: target.context,
        };
        return Err(refusal(reply, asked));
    }
    let completion: Completion = reply.read()?;
    let prompt_tokens = completion.usage.as_ref().and_then(|usage| usage.prompt_tokens);
    if let Some(counted) = prompt_tokens
        && let Some(expected) = expected_if_cut(prompt, counted, target.context)
    {
        return Err(AskError::Truncated { prompt_tokens: counted, expected });
    }
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(AskError::BadReply("the answer has no choice".to_owned()));
    };
    match choice.finish_reason.as_deref() {
        Some("stop") | None => {}
        Some("length") => return Err(AskError::CutByLength { max_tokens: prompt.max_tokens }),
        Some(other) => {
            return Err(AskError::BadReply(format!("the answer ended with `{}`", tame(other))));
        }
    }
    let Some(text) = choice.message.and_then(|message| message.content) else {
        return Err(AskError::BadReply("the answer has no text".to_owned()));
    };
    let timings = completion.timings.as_ref();
    Ok(Answer {
        text,
        model: tame(completion.model.as_deref().unwrap_or(&target.model)),
        prompt_tokens,
        completion_tokens: completion.usage.and_then(|usage| usage.completion_tokens),
        queue_ms: None,
        load_ms: None,
        prompt_ms: timings.and_then(|timings| whole_ms(timings.prompt_ms?)),
        generation_ms: timings.and_then(|timings| whole_ms(timings.predicted_ms?)),
    })
}

/// Drops the fraction of a server's milliseconds; what is no time (negative, endless) is unknown.
fn whole_ms(milliseconds: f64) -> Option<u64> {
    let duration = Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?;
    u64::try_from(duration.as_millis()).ok()
}

#[derive(Deserialize)]
struct Models {
    data: Option<Vec<Model>>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    owned_by: Option<String>,
    /// vLLM's word for the context that it serves.
    max_model_len: Option<u32>,
}

/// Asks for the models that the server has.
pub(crate) async fn models(wire: &Wire) -> Result<Vec<Listed>, AskError> {
    let reply = wire.get("/v1/models").await?;
    if reply.status != 200 {
        return Err(refusal(&reply, Asked { model: "", estimate: 0, context: 0 }));
    }
    let models: Models = reply.read()?;
    // A name that can't be shown as it is can't be one that a person chose.
    let shown =
        models.data.unwrap_or_default().into_iter().filter(|model| tame(&model.id) == model.id);
    Ok(shown.map(listed).collect())
}

fn listed(model: Model) -> Listed {
    Listed {
        // The dialect doesn't say what a model can do, but embedding models say it in the name.
        can_complete: !model.id.contains("embed"),
        name: model.id,
        billions: None,
        remote_host: None,
        context: model.max_model_len,
        owner: model.owned_by.as_deref().map(tame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Answer, AskError> {
        let target = Target { model: "m".into(), can_think: false, num_ctx: 8192, context: 8192 };
        let prompt = Prompt {
            system: "You are a judge.".into(),
            user: "hi".into(),
            schema: json!({ "type": "object" }),
            max_tokens: 60,
        };
        answer(&Reply { status: 200, body: body.as_bytes().to_vec() }, &target, &prompt)
    }

    #[test]
    fn usage_and_llama_cpp_times_are_read() {
        let answer = read(
            r#"{"model":"qwen","choices":[{"index":0,"finish_reason":"stop",
            "message":{"role":"assistant","content":"{}"}}],
            "usage":{"prompt_tokens":410,"completion_tokens":95,"total_tokens":505},
            "timings":{"cache_n":300,"prompt_n":110,"prompt_ms":702.9,"predicted_ms":1060.1}}"#,
        )
        .unwrap();
        assert_eq!((answer.prompt_tokens, answer.completion_tokens), (Some(410), Some(95)));
        assert_eq!((answer.prompt_ms, answer.generation_ms), (Some(702), Some(1060)));
        assert_eq!(answer.model, "qwen");
    }

    #[test]
    fn times_that_are_no_times_are_unknown() {
        assert_eq!(whole_ms(-1.0), None);
        assert_eq!(whole_ms(f64::NAN), None);
        assert_eq!(whole_ms(1e300), None);
        assert_eq!(whole_ms(0.4), Some(0));
    }

    #[test]
    fn replies_that_are_no_answer_are_told_apart() {
        let said = |body: &str| read(body).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                said("7"),
                said("{}"),
                said(r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#),
                said(r#"{"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}]}"#),
                said(r#"{"choices":[{"message":{"content":"{"},"finish_reason":"length"}]}"#),
            ]
            .join("\n"),
            @"
        could not read the reply of the model server: invalid type: integer `7`, expected struct Completion at line 1 column 1
        could not read the reply of the model server: the answer has no choice
        could not read the reply of the model server: the answer has no text
        could not read the reply of the model server: the answer ended with `content_filter`
        the answer was cut at its limit of 60 tokens
        "
        );
    }
}
