//! What comes of a question in OpenAI's dialect, which Ollama speaks too.

use model::{AskError, Backend, BackendConfig, Egress, Kind, Prompt};

use crate::asking::prompt;
use crate::fake_ollama::{FakeOllama, Script, Setup};

fn config(fake: &FakeOllama) -> BackendConfig {
    BackendConfig::new("gate", Kind::OpenAi, format!("{}/v1", fake.url))
}

fn backend(config: BackendConfig) -> Backend {
    Backend::new(config, &Egress::default()).unwrap()
}

#[tokio::test]
async fn an_answer_comes_from_the_model_that_the_server_lists() {
    let fake = FakeOllama::start(Setup::default()).await;
    let answer = backend(config(&fake)).ask(&prompt("hi")).await.unwrap();
    assert_eq!(answer.text, r#"{"category":"sqli","threat_level":0}"#);
    assert_eq!(answer.model, "smollm2:q4_0");
    assert_eq!((answer.prompt_tokens, answer.completion_tokens), (Some(14), Some(12)));
}

#[tokio::test]
async fn the_key_goes_in_the_header() {
    let fake = FakeOllama::start(Setup::default()).await;
    let mut keyed = config(&fake);
    keyed.api_key = Some("geheim".into());
    backend(keyed).ask(&prompt("hi")).await.unwrap();
    let (body, authorization) = fake.last();
    assert_eq!(authorization.as_deref(), Some("Bearer geheim"));
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
}

#[tokio::test]
async fn failures_are_told_apart_as_in_the_other_dialect() {
    let fake = FakeOllama::start(Setup::default()).await;
    let mut missing = config(&fake);
    missing.model = Some("nope".into());
    let error = backend(missing).ask(&prompt("hi")).await.unwrap_err();
    assert_eq!(error, AskError::ModelMissing { model: "nope".into() });

    let gate = backend(config(&fake));
    let short = Prompt { max_tokens: 3, ..prompt("hi") };
    assert_eq!(gate.ask(&short).await, Err(AskError::CutByLength { max_tokens: 3 }));
    fake.script(Script::Reply(503, r#"{"error":{"code":503,"message":"Loading model"}}"#));
    assert_eq!(gate.ask(&prompt("hi")).await, Err(AskError::Loading));
    fake.script(Script::Reply(401, r#"{"error":{"message":"Invalid API Key"}}"#));
    let error = gate.ask(&prompt("hi")).await.unwrap_err();
    assert_eq!(error.hint(), "check the key of this backend");
    fake.script(Script::Flood);
    assert_eq!(gate.ask(&prompt("hi")).await, Err(AskError::TooLarge { limit: 1024 * 1024 }));
}

#[tokio::test]
async fn a_prompt_that_a_smaller_server_cuts_silently_is_truncated() {
    // We are told 8,192 and the server has 4,096: it reads 2,050 tokens of some 9,000.
    let fake = FakeOllama::start(Setup { chars_per_token: 1, ..Setup::default() }).await;
    let mut small = config(&fake);
    small.num_ctx = 16_384;
    let error = backend(small).ask(&prompt(&"abc ".repeat(6000))).await.unwrap_err();
    assert_eq!(error, AskError::Truncated { prompt_tokens: 2050, expected: 4002 });
}
