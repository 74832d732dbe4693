//! What comes of a question to Ollama: the answer with its times, and each way to fail.

use std::sync::Arc;
use std::time::Duration;

use model::{AskError, Backend, BackendConfig, Egress, Kind, Prompt};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fake_ollama::{FakeOllama, Script, Setup};

const MODEL: &str = "smollm2:q4_0";

pub(crate) fn prompt(user: &str) -> Prompt {
    Prompt {
        system: "You are a judge.".into(),
        user: user.into(),
        schema: json!({
            "type": "object",
            "properties": {
                "category": { "type": "string", "enum": ["sqli", "xss", "benign"] },
                "threat_level": { "type": "integer", "minimum": 0, "maximum": 10 },
            },
            "required": ["category", "threat_level"],
            "additionalProperties": false,
        }),
        max_tokens: 200,
    }
}

fn config(fake: &FakeOllama) -> BackendConfig {
    let mut config = BackendConfig::new("lab", Kind::Ollama, &fake.url);
    config.model = Some(MODEL.into());
    config
}

fn backend(config: BackendConfig) -> Backend {
    Backend::new(config, &Egress::default()).unwrap()
}

/// Asks one question of a server that plays one script.
async fn scripted(script: Script) -> AskError {
    let fake = FakeOllama::start(Setup::default()).await;
    fake.script(script);
    backend(config(&fake)).ask(&prompt("hi")).await.unwrap_err()
}

#[tokio::test]
async fn an_answer_comes_with_its_model_tokens_and_times() {
    let fake = FakeOllama::start(Setup::default()).await;
    let answer = backend(config(&fake)).ask(&prompt("GET /?id=1' OR 1=1")).await.unwrap();
    assert_eq!(answer.text, r#"{"category":"sqli","threat_level":0}"#);
    assert_eq!(answer.model, MODEL);
    assert_eq!((answer.prompt_tokens, answer.completion_tokens), (Some(18), Some(12)));
    assert_eq!((answer.load_ms, answer.queue_ms), (Some(0), Some(0)));
    assert_eq!((answer.prompt_ms, answer.generation_ms), (Some(18), Some(120)));
}

#[tokio::test]
async fn many_questions_load_the_model_once_and_reuse_the_prefix() {
    let fake = FakeOllama::start(Setup::default()).await;
    let backend = backend(config(&fake));
    let cold = backend.ask(&prompt("one")).await.unwrap();
    let warm = backend.ask(&prompt("one more")).await.unwrap();
    backend.ask(&prompt(&"long ".repeat(1000))).await.unwrap();
    assert_eq!(fake.counts().loads, 1);
    // Cached tokens are in the count and not in the time.
    assert!(warm.prompt_tokens > cold.prompt_tokens && warm.prompt_ms < cold.prompt_ms);
}

#[tokio::test]
async fn another_context_reloads_the_model_which_is_why_ours_never_changes() {
    let fake = FakeOllama::start(Setup::default()).await;
    let mut smaller = config(&fake);
    smaller.num_ctx = 4096;
    let (one, other) = (backend(config(&fake)), backend(smaller));
    for backend in [&one, &other, &one] {
        backend.ask(&prompt("hi")).await.unwrap();
    }
    assert_eq!(fake.counts().loads, 3);
}

#[tokio::test]
async fn time_in_the_servers_queue_is_told_apart() {
    let fake = FakeOllama::start(Setup::default()).await;
    fake.hold_answers(true);
    let mut wide = config(&fake);
    wide.concurrency = 2;
    let backend = Arc::new(backend(wide));
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let backend = Arc::clone(&backend);
        calls.spawn(async move { backend.ask(&prompt("hi")).await.unwrap().queue_ms });
    }
    fake.until(|counts| counts.arrived == 2 && counts.running == 1 && counts.loading == 0).await;
    fake.hold_answers(false);
    let mut waits = calls.join_all().await;
    waits.sort_unstable();
    assert_eq!(waits, [Some(0), Some(3600)]);
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_configured() {
    let fake = FakeOllama::start(Setup { parallel: 8, ..Setup::default() }).await;
    fake.hold_answers(true);
    let mut two = config(&fake);
    two.concurrency = 2;
    let backend = Arc::new(backend(two));
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let backend = Arc::clone(&backend);
        calls.spawn(async move { backend.ask(&prompt("hi")).await });
    }
    fake.until(|counts| counts.running == 2).await;
    assert_eq!(backend.free_turns(), 0);
    fake.hold_answers(false);
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!((fake.counts().most_running, fake.counts().arrived), (2, 6));
}

#[tokio::test]
async fn a_call_past_its_deadline_is_given_up_and_its_connection_closed() {
    let fake = FakeOllama::start(Setup::default()).await;
    fake.hold_answers(true);
    let mut hasty = config(&fake);
    // Long enough to arrive on a busy machine; the answer never comes, so it can't be too short
    // for that.
    hasty.timeout = Duration::from_millis(1000);
    let backend = backend(hasty);
    let error = backend.ask(&prompt("hi")).await.unwrap_err();
    assert_eq!(error, AskError::Timeout { after: Duration::from_millis(1000) });
    fake.until(|counts| counts.cancelled == 1 && counts.running == 0).await;
    assert_eq!(backend.free_turns(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection_and_gives_its_turn_back() {
    let fake = FakeOllama::start(Setup::default()).await;
    fake.hold_answers(true);
    let backend = Arc::new(backend(config(&fake)));
    let mut calls = JoinSet::new();
    let call = calls.spawn({
        let backend = Arc::clone(&backend);
        async move { backend.ask(&prompt("hi")).await }
    });
    fake.until(|counts| counts.running == 1).await;
    call.abort();
    fake.until(|counts| counts.cancelled == 1 && counts.running == 0).await;
    fake.hold_answers(false);
    assert!(backend.ask(&prompt("hi")).await.is_ok());
}

#[tokio::test]
async fn a_server_that_loads_with_a_full_queue_is_loading() {
    let fake = FakeOllama::start(Setup { load_queue: 0, ..Setup::default() }).await;
    fake.hold_loading(true);
    let mut wide = config(&fake);
    wide.concurrency = 2;
    let backend = Arc::new(backend(wide));
    let mut calls = JoinSet::new();
    calls.spawn({
        let backend = Arc::clone(&backend);
        async move { backend.ask(&prompt("hi")).await.is_ok() }
    });
    fake.until(|counts| counts.loading == 1).await;
    assert_eq!(backend.ask(&prompt("hi")).await, Err(AskError::Loading));
    fake.hold_loading(false);
    assert_eq!(calls.join_all().await, [true]);
}

#[tokio::test]
async fn a_model_that_the_server_lacks_is_missing() {
    let fake = FakeOllama::start(Setup::default()).await;
    let mut other = config(&fake);
    other.model = Some("nope".into());
    let error = backend(other).ask(&prompt("hi")).await.unwrap_err();
    assert_eq!(error, AskError::ModelMissing { model: "nope".into() });
}

#[tokio::test]
async fn too_long_a_prompt_is_refused_before_it_is_sent() {
    let fake = FakeOllama::start(Setup::default()).await;
    let error = backend(config(&fake)).ask(&prompt(&"a1".repeat(8000))).await.unwrap_err();
    assert!(matches!(error, AskError::PromptTooLong { context: 8192, .. }), "{error}");
    assert_eq!(fake.counts().arrived, 0);
}

#[tokio::test]
async fn a_prompt_that_only_the_server_finds_too_long_is_too_long() {
    let fake = FakeOllama::start(Setup { chars_per_token: 1, ..Setup::default() }).await;
    let error = backend(config(&fake)).ask(&prompt(&"0123456789".repeat(900))).await.unwrap_err();
    assert_eq!(error, AskError::PromptTooLong { prompt_tokens: 9025, context: 8192 });
}

#[tokio::test]
async fn a_prompt_that_an_old_server_cuts_silently_is_truncated() {
    let old = Setup { chars_per_token: 1, can_refuse_long_prompts: false, ..Setup::default() };
    let fake = FakeOllama::start(old).await;
    let error = backend(config(&fake)).ask(&prompt(&"0123456789".repeat(900))).await.unwrap_err();
    assert_eq!(error, AskError::Truncated { prompt_tokens: 4098, expected: 8192 });
}

#[tokio::test]
async fn an_answer_that_runs_into_its_limit_is_cut() {
    let fake = FakeOllama::start(Setup::default()).await;
    let short = Prompt { max_tokens: 3, ..prompt("hi") };
    let error = backend(config(&fake)).ask(&short).await.unwrap_err();
    assert_eq!(error, AskError::CutByLength { max_tokens: 3 });
}

#[tokio::test]
async fn prose_and_half_json_are_handed_on_for_the_caller_to_judge() {
    let fake = FakeOllama::start(Setup::default()).await;
    let backend = backend(config(&fake));
    for text in ["It looks benign to me.", r#"{"category":"sq"#, r#"{"category":7}"#, ""] {
        fake.script(Script::Say(text));
        assert_eq!(backend.ask(&prompt("hi")).await.unwrap().text, text);
    }
}

#[tokio::test]
async fn a_reply_of_100_mb_is_given_up_at_its_cap() {
    assert_eq!(scripted(Script::Flood).await, AskError::TooLarge { limit: 1024 * 1024 });
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_a_lost_server() {
    let error = scripted(Script::Break).await;
    assert!(matches!(error, AskError::Unreachable { .. }), "{error}");
    assert!(error.is_backend_fault());
}

#[tokio::test]
async fn replies_in_no_known_form_are_bad() {
    for body in ["<html>Welcome</html>", "", "null", r#"{"message":{"content":[1]},"done":true}"#] {
        let error = scripted(Script::Reply(200, body)).await;
        assert!(matches!(error, AskError::BadReply(_)), "{body}: {error}");
    }
}

#[tokio::test]
async fn the_words_of_a_failing_server_are_shown_harmless() {
    let error =
        scripted(Script::Reply(500, "{\"error\":\"out of \\u001b[31mmemory\\r\\n\"}")).await;
    assert_eq!(
        error,
        AskError::ServerFault { status: 500, message: "out of [31mmemory".to_owned() }
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = FakeOllama::start(Setup::default()).await;
    let error = scripted(Script::Redirect(format!("{}/anywhere", target.url))).await;
    assert!(matches!(error, AskError::Rejected { status: 302, .. }), "{error}");
    assert!(error.hint().contains("redirects are never followed"));
    assert_eq!(target.counts().strangers, 0);
}

#[tokio::test]
async fn an_outside_address_is_refused_without_a_packet() {
    for url in ["http://8.8.8.8:11434", "http://[2606:4700::1111]", "http://169.254.169.254"] {
        let outside = BackendConfig::new("far", Kind::Ollama, url);
        let error = backend(outside).ask(&prompt("hi")).await.unwrap_err();
        assert!(matches!(error, AskError::EgressRefused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_inside_is_reached() {
    let fake = FakeOllama::start(Setup::default()).await;
    let mut named = config(&fake);
    named.url = fake.url.replace("127.0.0.1", "localhost");
    assert!(backend(named).ask(&prompt("hi")).await.is_ok());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = backend(BackendConfig::new("gone", Kind::Ollama, &url)).ask(&prompt("hi")).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("could not reach the model server at `{url}`: ")),
        "{error}"
    );
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_model_that_the_server_only_relays_is_refused_unless_allowed() {
    let relay = || Setup {
        models: vec![
            ("big", "235B", vec!["completion"], "https://ollama.com:443"),
            ("gpt-oss:120b-cloud", "116.8B", vec!["completion"], ""),
        ],
        ..Setup::default()
    };
    let fake = FakeOllama::start(relay()).await;
    for model in ["big", "gpt-oss:120b-cloud"] {
        let mut named = config(&fake);
        named.model = Some(model.into());
        let error = backend(named.clone()).ask(&prompt("secret")).await.unwrap_err();
        let expected = AskError::EgressRefused {
            host: "ollama.com".into(),
            address: format!("remote model {model}"),
        };
        assert_eq!(error, expected);
        assert_eq!(fake.counts().arrived, 0);
        let mut unnamed = config(&fake);
        unnamed.model = None;
        let error = backend(unnamed).ask(&prompt("secret")).await.unwrap_err();
        assert_eq!(error.to_string(), "the model server has no usable model");
    }
    let allowing = Egress { allowed_hosts: vec!["ollama.com".into()], ..Egress::default() };
    let mut named = config(&fake);
    named.model = Some("big".into());
    assert!(Backend::new(named, &allowing).unwrap().ask(&prompt("hi")).await.is_ok());
}

#[tokio::test]
async fn thinking_is_switched_off_only_where_the_model_can_think() {
    let thinkers = Setup {
        models: vec![
            (MODEL, "134.52M", vec!["completion"], ""),
            ("qwen3:14b", "14.8B", vec!["completion", "thinking"], ""),
        ],
        ..Setup::default()
    };
    let fake = FakeOllama::start(thinkers).await;
    backend(config(&fake)).ask(&prompt("hi")).await.unwrap();
    assert!(fake.last().0.get("think").is_none());
    let mut thinker = config(&fake);
    thinker.model = None;
    backend(thinker).ask(&prompt("hi")).await.unwrap();
    assert_eq!(
        (&fake.last().0["model"], &fake.last().0["think"]),
        (&json!("qwen3:14b"), &json!(false))
    );
}
