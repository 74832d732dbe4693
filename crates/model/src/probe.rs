//! What a backend is worth: does it answer, with which model, and does it obey a schema.
//!
//! Promises: total; whatever the server does becomes a field of the report. It sends one small
//! question and no alert. Leaves to others: showing the report (every text in it is tamed).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ask::{AskError, Prompt};
use crate::backend::{Backend, BackendConfig, Kind};
use crate::catalogue;
use crate::egress::Egress;

/// Where Ollama listens unless told otherwise.
pub const LOCAL_OLLAMA_URL: &str = "http://127.0.0.1:11434";

/// A server on this machine says its version in a millisecond; two seconds bear a loaded one.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer has 15 tokens, but white space is free inside JSON and small models use it.
const PROBE_TOKENS: u32 = 120;

/// Whether a server constrains answers to the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaObedience {
    /// It answered in the form that was asked for.
    Obeyed,
    /// It answered, in another form.
    Ignored,
    /// It didn't answer.
    Unknown,
}

/// The report on a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The backend's name.
    pub backend: String,
    /// Whether a server answered at all.
    pub reachable: bool,
    /// The server's version, or the name that it gives itself.
    pub server: Option<String>,
    /// The models that it lists.
    pub models: Vec<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// The context that can be relied on.
    pub context: Option<u32>,
    /// Whether it obeys a schema.
    pub schema: SchemaObedience,
    /// How long all this took, a cold model's loading included.
    pub elapsed_ms: u64,
    /// What failed first.
    pub error: Option<AskError>,
}

/// Finds out what a backend is worth.
pub async fn probe(backend: &Backend) -> Probe {
    let started = Instant::now();
    let mut report = Probe {
        backend: backend.config().name.clone(),
        reachable: false,
        server: None,
        models: Vec::new(),
        model: None,
        context: None,
        schema: SchemaObedience::Unknown,
        elapsed_ms: 0,
        error: None,
    };
    report.error = look(backend, &mut report).await.err();
    report.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

async fn look(backend: &Backend, report: &mut Probe) -> Result<(), AskError> {
    // An old or partial server may lack a version; its models decide.
    let version = backend.within_deadline(backend.version()).await;
    report.reachable = is_answer(&version);
    report.server = match version {
        Ok(version) => version,
        Err(error) if !report.reachable => return Err(error),
        Err(_) => None,
    };
    let models = backend.within_deadline(backend.models()).await;
    report.reachable = is_answer(&models);
    match models {
        Ok(models) => {
            let owner = models.first().and_then(|model| model.owner.clone());
            report.server = report.server.take().or(owner);
            report.models = models.into_iter().map(|model| model.name).collect();
        }
        // A gateway may hide the list; with a model named that is no obstacle.
        Err(AskError::Rejected { .. }) if backend.config().model.is_some() => {}
        Err(error) => return Err(error),
    }
    let target = backend.within_deadline(backend.target()).await?;
    report.model = Some(target.model);
    report.context = Some(target.context);
    let answer = backend.ask(&question()).await?;
    report.schema = match is_obedient(&answer.text) {
        true => SchemaObedience::Obeyed,
        false => SchemaObedience::Ignored,
    };
    Ok(())
}

/// Tells whether anything came back over HTTP.
fn is_answer<T>(result: &Result<T, AskError>) -> bool {
    !matches!(
        result,
        Err(AskError::Unreachable { .. }
            | AskError::TlsFailed { .. }
            | AskError::EgressRefused { .. }
            | AskError::Timeout { .. })
    )
}

/// Asks for something that no schema is needed to answer, and doesn't mention the form: only a
/// server that constrains its decoder answers in it.
fn question() -> Prompt {
    Prompt {
        system: "You are a weather station.".to_owned(),
        user: "What is the sky like, and how strong is the wind?".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "sky": { "type": "string", "enum": ["amber", "teal"] },
                "wind": { "type": "integer", "minimum": 0, "maximum": 10 },
            },
            "required": ["sky", "wind"],
            "additionalProperties": false,
        }),
        max_tokens: PROBE_TOKENS,
    }
}

fn is_obedient(text: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return false;
    };
    let is_sky = fields.get("sky").is_some_and(|sky| sky == "amber" || sky == "teal");
    let is_wind = fields.get("wind").and_then(Value::as_u64).is_some_and(|wind| wind <= 10);
    is_sky && is_wind && fields.len() == 2
}

/// An Ollama server that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOllama {
    /// Its address.
    pub url: String,
    /// Its version.
    pub version: String,
    /// The model that would be used, if it has one that is worth it.
    pub model: Option<String>,
    /// All models that it lists.
    pub models: Vec<String>,
}

/// Looks for an Ollama server, for a first run that nobody has configured.
///
/// Nothing there is the usual case and no error. The guard has no exceptions here: a server that
/// nobody named must be inside.
pub async fn find_local_ollama(url: &str) -> Option<LocalOllama> {
    let mut config = BackendConfig::new("local", Kind::Ollama, url);
    config.timeout = LOCAL_TIMEOUT;
    let backend = Backend::new(config, &Egress::default()).ok()?;
    let version = backend.within_deadline(backend.version()).await.ok()??;
    let models = backend.within_deadline(backend.models()).await.ok()?;
    Some(LocalOllama {
        url: url.to_owned(),
        version,
        model: catalogue::choose(&models).map(|model| model.name.clone()),
        models: models.into_iter().map(|model| model.name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_counts_as_obedience() {
        assert!(is_obedient("{\n \"sky\"\n:\n\"teal\",\"wind\":0}"));
        for text in [
            "The sky is teal.",
            "```json\n{\"sky\":\"teal\",\"wind\":1}\n```",
            r#"{"sky":"blue","wind":1}"#,
            r#"{"sky":"teal","wind":11}"#,
            r#"{"sky":"teal","wind":1.5}"#,
            r#"{"sky":"teal","wind":1,"note":"x"}"#,
            r#"{"sky":"teal"}"#,
            "",
        ] {
            assert!(!is_obedient(text), "{text}");
        }
    }

    #[test]
    fn the_question_does_not_give_the_form_away() {
        let question = question();
        assert!(!question.user.contains("JSON") && !question.user.contains("teal"));
        let validator = jsonschema::validator_for(&question.schema).unwrap();
        assert!(validator.is_valid(&json!({ "sky": "amber", "wind": 3 })));
    }
}
