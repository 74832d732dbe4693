//! One model server, as the daemon uses it: which model, how many calls at once, for how long.
//!
//! Servers wait without bound when they are busy (Ollama's semaphore has neither limit nor
//! timeout), so the bound and the deadline are ours.
//!
//! Promises: never more than `concurrency` calls at once; each is over by `timeout`, counted from
//! when its turn came; a call that is dropped closes its connection, which ends the generation at
//! the server; no call goes to a model that the server relays to an outside host. Leaves to
//! others: trying again, the circuit breaker, the next backend.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::ask::{Answer, AskError, Prompt};
use crate::catalogue::{self, Listed};
use crate::egress::{Egress, SetupError};
use crate::estimate::estimate_tokens;
use crate::wire::Wire;
use crate::{ollama, openai};

/// Holds the instructions, about 10 kB of evidence at 1.8 characters a token and a verdict. Every
/// model that we would choose was trained with at least this, and doubling it costs memory that
/// a 16 GB machine doesn't have beside a 14B model. It must not vary between calls.
pub const DEFAULT_NUM_CTX: u32 = 8192;

/// A cold 14B model on a small machine takes 10 s to load, and a prompt of the whole context over
/// a minute to read; a verdict takes some 10 s more.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(180);

/// Two calls at once give 1.14 times the throughput on the machines we plan for, and double the
/// time of each. Servers with batching should be given more.
pub const DEFAULT_CONCURRENCY: usize = 1;

/// Loading costs seconds, so a model stays through a quiet half hour, and then frees its memory.
pub const DEFAULT_KEEP_ALIVE: &str = "30m";

/// The same prompt should give the same verdict; any fixed number does.
pub(crate) const SEED: u32 = 1;

/// The dialect of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ollama's own.
    Ollama,
    /// OpenAI's chat completions: llama.cpp, vLLM, LM Studio.
    OpenAi,
}

/// How a backend is to be used.
#[derive(Clone)]
pub struct BackendConfig {
    /// The name of the backend in the configuration.
    pub name: String,
    /// The dialect.
    pub kind: Kind,
    /// The server's address, without the dialect's path.
    pub url: String,
    /// The model; without one the best that the server has is chosen.
    pub model: Option<String>,
    /// The context in tokens. OpenAI's dialect can't ask for one: say what the server has.
    pub num_ctx: u32,
    /// The deadline of one call.
    pub timeout: Duration,
    /// The most calls at once.
    pub concurrency: usize,
    /// The bearer key, if the server wants one.
    pub api_key: Option<String>,
    /// How long Ollama keeps the model loaded after a call: a duration as `30m`, or seconds.
    pub keep_alive: String,
}

impl BackendConfig {
    /// Makes a configuration with the defaults.
    pub fn new(name: impl Into<String>, kind: Kind, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            url: url.into(),
            model: None,
            num_ctx: DEFAULT_NUM_CTX,
            timeout: DEFAULT_TIMEOUT,
            concurrency: DEFAULT_CONCURRENCY,
            api_key: None,
            keep_alive: DEFAULT_KEEP_ALIVE.to_owned(),
        }
    }
}

/// Shows everything but the key.
impl fmt::Debug for BackendConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackendConfig")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("url", &self.url)
            .field("model", &self.model)
            .field("num_ctx", &self.num_ctx)
            .field("timeout", &self.timeout)
            .field("concurrency", &self.concurrency)
            .field("api_key", &self.api_key.as_ref().map(|_| "(hidden)"))
            .field("keep_alive", &self.keep_alive)
            .finish()
    }
}

/// The model that answers, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) model: String,
    pub(crate) can_think: bool,
    /// The context that is asked for: always the configured one.
    pub(crate) num_ctx: u32,
    /// The context that the server can be relied on to have: no more than the model was made for.
    pub(crate) context: u32,
}

/// One model server.
pub struct Backend {
    config: BackendConfig,
    wire: Wire,
    turns: Semaphore,
    /// Looked up at the first call and kept, so that later ones cost one request.
    target: Mutex<Option<Target>>,
}

impl Backend {
    /// Sets a backend up. Nothing is sent before the first question.
    pub fn new(config: BackendConfig, egress: &Egress) -> Result<Self, SetupError> {
        let wire = Wire::new(&config.name, &config.url, config.api_key.as_deref(), egress)?;
        // The semaphore has a bound of its own; none at all would be a backend that never answers.
        let turns = Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self { config, wire, turns, target: Mutex::new(None) })
    }

    /// Gives the configuration.
    pub fn config(&self) -> &BackendConfig {
        &self.config
    }

    /// Tells how many calls could start at once, for a scheduler that would rather keep its work.
    pub fn free_turns(&self) -> usize {
        self.turns.available_permits()
    }

    /// Asks one question.
    ///
    /// Waits for a turn first. That wait isn't part of the deadline: a crowd of callers isn't the
    /// server's fault and must not look like it to a circuit breaker; and it is bounded, as each
    /// call before it has a deadline.
    pub async fn ask(&self, prompt: &Prompt) -> Result<Answer, AskError> {
        let Ok(_turn) = self.turns.acquire().await else {
            // Nobody closes the semaphore; if somebody does one day, the backend is gone.
            return Err(AskError::Unreachable {
                address: self.wire.address(),
                reason: "the backend was shut down".to_owned(),
            });
        };
        self.within_deadline(self.converse(prompt)).await
    }

    /// Bounds one exchange by the deadline.
    pub(crate) async fn within_deadline<T>(
        &self,
        exchange: impl Future<Output = Result<T, AskError>>,
    ) -> Result<T, AskError> {
        let after = self.config.timeout;
        match tokio::time::timeout(after, exchange).await {
            Ok(result) => result,
            Err(_) => Err(AskError::Timeout { after }),
        }
    }

    async fn converse(&self, prompt: &Prompt) -> Result<Answer, AskError> {
        // Checked against the configured context before anything is sent, and against the model's
        // own when that is known.
        check_room(prompt, self.config.num_ctx)?;
        let target = self.target().await?;
        check_room(prompt, target.context)?;
        let result = match self.config.kind {
            Kind::Ollama => {
                ollama::chat(&self.wire, &target, &self.config.keep_alive, prompt).await
            }
            Kind::OpenAi => openai::chat(&self.wire, &target, prompt).await,
        };
        if matches!(result, Err(AskError::ModelMissing { .. } | AskError::EgressRefused { .. })) {
            // The model was removed or replaced: look again next time.
            self.remember(None);
        }
        result
    }

    /// Gives the model that answers, looking it up if that hasn't been done.
    pub(crate) async fn target(&self) -> Result<Target, AskError> {
        let known = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(target) = known {
            return Ok(target);
        }
        let target = match self.config.kind {
            Kind::Ollama => self.find_ollama_target().await?,
            Kind::OpenAi => self.find_openai_target().await?,
        };
        self.remember(Some(target.clone()));
        Ok(target)
    }

    fn remember(&self, target: Option<Target>) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    async fn find_ollama_target(&self) -> Result<Target, AskError> {
        let model = match &self.config.model {
            Some(model) => model.clone(),
            None => {
                let models = self.models().await?;
                let chosen = catalogue::choose(&models);
                chosen.ok_or(AskError::ModelMissing { model: String::new() })?.name.clone()
            }
        };
        let shown = match ollama::show(&self.wire, &model).await {
            // A server that is too old or too odd to show a model may still answer with it.
            Err(AskError::Rejected { .. } | AskError::ServerFault { .. }) => {
                ollama::Shown::default()
            }
            other => other?,
        };
        self.check_stays_inside(&model, shown.remote_host.as_deref())?;
        Ok(self.make_target(model, shown.can_think, shown.context))
    }

    async fn find_openai_target(&self) -> Result<Target, AskError> {
        let models = match (self.models().await, &self.config.model) {
            // A gateway may hide the list, and a model that was named needs none.
            (Err(AskError::Rejected { .. } | AskError::BadReply(_)), Some(_)) => Vec::new(),
            (models, _) => models?,
        };
        let is_wanted = |listed: &&Listed| match &self.config.model {
            Some(model) => listed.name == *model,
            None => listed.can_complete && !catalogue::is_relayed(listed),
        };
        let listed = models.iter().find(is_wanted);
        let model = match (&self.config.model, listed) {
            (Some(model), _) => model.clone(),
            (None, Some(listed)) => listed.name.clone(),
            (None, None) => return Err(AskError::ModelMissing { model: String::new() }),
        };
        self.check_stays_inside(&model, None)?;
        Ok(self.make_target(model, false, listed.and_then(|listed| listed.context)))
    }

    fn make_target(&self, model: String, can_think: bool, made_for: Option<u32>) -> Target {
        let num_ctx = self.config.num_ctx;
        Target {
            model,
            can_think,
            num_ctx,
            context: made_for.map_or(num_ctx, |most| most.min(num_ctx)),
        }
    }

    /// Refuses a model that the server would only relay, which is egress by another's hand.
    fn check_stays_inside(&self, model: &str, remote_host: Option<&str>) -> Result<(), AskError> {
        // Where the server doesn't say which host it relays to, it is the maker's service.
        let unnamed = catalogue::is_relayed_by_name(model).then_some("ollama.com");
        match remote_host.or(unnamed) {
            Some(host) if !self.wire.egress().is_allowed(host_of(host)) => {
                Err(ollama::relayed(model, host_of(host)))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Asks for the models that the server has.
    pub(crate) async fn models(&self) -> Result<Vec<Listed>, AskError> {
        match self.config.kind {
            Kind::Ollama => ollama::models(&self.wire).await,
            Kind::OpenAi => openai::models(&self.wire).await,
        }
    }

    /// Asks for the server's version, where the dialect has one.
    pub(crate) async fn version(&self) -> Result<Option<String>, AskError> {
        match self.config.kind {
            Kind::Ollama => ollama::version(&self.wire).await.map(Some),
            Kind::OpenAi => Ok(None),
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Backend").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Gives the host of what a server calls a remote host, which may be a whole address.
pub(crate) fn host_of(remote: &str) -> &str {
    let rest = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

fn check_room(prompt: &Prompt, context: u32) -> Result<(), AskError> {
    let prompt_tokens = estimate_tokens(prompt);
    if prompt_tokens.saturating_add(prompt.max_tokens) > context {
        return Err(AskError::PromptTooLong { prompt_tokens, context });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_shown() {
        let mut config = BackendConfig::new("lan", Kind::OpenAi, "http://127.0.0.1:8080");
        config.api_key = Some("geheim".into());
        let backend = Backend::new(config, &Egress::default()).unwrap();
        let shown = format!("{backend:?}");
        assert!(shown.contains("(hidden)") && !shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn the_host_of_a_remote_model_is_read_in_every_form() {
        for remote in ["ollama.com", "https://ollama.com:443", "https://ollama.com/x"] {
            assert_eq!(host_of(remote), "ollama.com");
        }
    }
}
