//! What a probe reports of a server.

use std::time::Duration;

use model::{
    AskError, Backend, BackendConfig, Egress, Kind, SchemaObedience, find_local_ollama, probe,
};

use crate::fake_ollama::{FakeOllama, Script, Setup};

fn with_models(names: &[(&'static str, &'static str)]) -> Setup {
    let models = names.iter().map(|(name, size)| (*name, *size, vec!["completion"], ""));
    Setup { models: models.collect(), ..Setup::default() }
}

fn backend(url: &str, kind: Kind) -> Backend {
    Backend::new(BackendConfig::new("lab", kind, url), &Egress::default()).unwrap()
}

#[tokio::test]
async fn a_probe_names_the_server_its_model_and_that_it_obeys_a_schema() {
    let fake = FakeOllama::start(with_models(&[
        ("smollm2:135m", "134.52M"),
        ("llama3.1:8b", "8.0B"),
        ("mistral:7b", "7.2B"),
    ]))
    .await;
    let report = probe(&backend(&fake.url, Kind::Ollama)).await;
    assert_eq!(report.error, None);
    assert!(report.reachable);
    assert_eq!(report.server.as_deref(), Some("0.0.0"));
    assert_eq!(report.models, ["smollm2:135m", "llama3.1:8b", "mistral:7b"]);
    assert_eq!(report.model.as_deref(), Some("llama3.1:8b"));
    assert_eq!((report.context, report.schema), (Some(8192), SchemaObedience::Obeyed));
}

#[tokio::test]
async fn a_server_that_talks_instead_ignores_the_schema() {
    let deaf = Setup { obeys_format: false, ..with_models(&[("llama3.1:8b", "8.0B")]) };
    let fake = FakeOllama::start(deaf).await;
    for kind in [Kind::Ollama, Kind::OpenAi] {
        let report = probe(&backend(&fake.url, kind)).await;
        assert_eq!((report.error, report.schema), (None, SchemaObedience::Ignored));
    }
}

#[tokio::test]
async fn a_server_with_only_toy_models_has_none_to_use_unless_one_is_named() {
    let fake = FakeOllama::start(Setup::default()).await;
    let report = probe(&backend(&fake.url, Kind::Ollama)).await;
    assert!(report.reachable);
    assert_eq!(report.error, Some(AskError::ModelMissing { model: String::new() }));
    assert_eq!(report.schema, SchemaObedience::Unknown);

    let mut named = BackendConfig::new("lab", Kind::Ollama, &fake.url);
    named.model = Some("smollm2:q4_0".into());
    let report = probe(&Backend::new(named, &Egress::default()).unwrap()).await;
    assert_eq!((report.error, report.schema), (None, SchemaObedience::Obeyed));
}

#[tokio::test]
async fn a_probe_of_a_failing_model_says_that_the_server_is_there() {
    let fake = FakeOllama::start(with_models(&[("llama3.1:8b", "8.0B")])).await;
    fake.script(Script::Reply(500, r#"{"error":"model requires more system memory"}"#));
    let report = probe(&backend(&fake.url, Kind::Ollama)).await;
    assert!(report.reachable);
    let error = report.error.unwrap().to_string();
    assert!(error.ends_with("model requires more system memory"), "{error}");
}

#[tokio::test]
async fn a_web_server_that_is_no_model_server_is_reachable_and_useless() {
    let fake = FakeOllama::start(Setup::default()).await;
    let report = probe(&backend(&format!("{}/elsewhere", fake.url), Kind::Ollama)).await;
    assert!(report.reachable);
    assert!(matches!(report.error, Some(AskError::Rejected { status: 404, .. })));
}

#[tokio::test]
async fn nothing_at_an_address_is_no_error_of_the_search() {
    let fake = FakeOllama::start(with_models(&[("qwen2.5:14b", "14.8B")])).await;
    let found = find_local_ollama(&fake.url).await.unwrap();
    assert_eq!((found.version.as_str(), found.model.as_deref()), ("0.0.0", Some("qwen2.5:14b")));
    assert_eq!(find_local_ollama("http://127.0.0.1:1").await, None);
    assert_eq!(find_local_ollama("http://8.8.8.8").await, None);
    let report = probe(&backend("http://127.0.0.1:1", Kind::OpenAi)).await;
    assert!(!report.reachable && matches!(report.error, Some(AskError::Unreachable { .. })));
}

#[tokio::test]
async fn a_probe_of_a_hanging_server_ends_at_the_deadline() {
    let fake = FakeOllama::start(with_models(&[("llama3.1:8b", "8.0B")])).await;
    fake.hold_answers(true);
    let mut hasty = BackendConfig::new("lab", Kind::Ollama, &fake.url);
    hasty.timeout = Duration::from_millis(1000);
    let report = probe(&Backend::new(hasty, &Egress::default()).unwrap()).await;
    assert!(report.reachable);
    assert!(matches!(report.error, Some(AskError::Timeout { .. })));
    fake.until(|counts| counts.cancelled == 1).await;
}
