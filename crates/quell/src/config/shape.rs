//! The configuration as the rest of the program sees it: plain structs with finished types.
//!
//! Nothing here can be wrong any more: a path is absolute, a level is in its range, a secret has
//! been read. The explanations of the values are in the table of settings; these structs only name
//! them. Building them from settings is left to `build`.

pub(crate) use super::private::{Secret, Url};
pub(crate) use super::settings::RuleRange;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) general: General,
    pub(crate) intake: Intake,
    pub(crate) sources: Vec<LogSource>,
    pub(crate) policy: Policy,
    pub(crate) assets: Vec<Asset>,
    pub(crate) models: Vec<Model>,
    pub(crate) egress: Egress,
    pub(crate) judge: Judge,
    pub(crate) schedule: Schedule,
    pub(crate) publish: Publish,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) http: Http,
    pub(crate) limits: Limits,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The daemon itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct General {
    pub(crate) data_dir: PathBuf,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: &'static str,
    /// `None` leaves the group as it is.
    pub(crate) user_group: Option<String>,
    pub(crate) window_max: Duration,
    pub(crate) quiet_after: Duration,
    pub(crate) retention: Duration,
}

/// How alerts come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intake {
    pub(crate) hook: Hook,
    pub(crate) tail: Tail,
    pub(crate) http: HttpIntake,
}

/// Alerts from the hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    pub(crate) enabled: bool,
    pub(crate) socket: PathBuf,
    pub(crate) spool_dir: PathBuf,
}

/// Where to begin in a file that was never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartAt {
    End,
    Beginning,
}

/// Alerts from the file that Wazuh writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) enabled: bool,
    pub(crate) path: PathBuf,
    pub(crate) start_at: StartAt,
}

/// A raw log, and the rules that are run over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSource {
    pub(crate) path: PathBuf,
    /// Empty means the rules of the Wazuh installation on this machine.
    pub(crate) ruleset: Vec<PathBuf>,
    /// `None` stands for the path.
    pub(crate) location: Option<String>,
    pub(crate) start_at: StartAt,
}

/// Alerts over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpIntake {
    pub(crate) enabled: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) token: Option<Secret>,
}

/// Which alerts are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) min_level: u8,
    pub(crate) include_rules: Vec<RuleRange>,
    pub(crate) exclude_rules: Vec<RuleRange>,
    pub(crate) include_groups: Vec<String>,
    pub(crate) exclude_groups: Vec<String>,
    pub(crate) include_agents: Vec<String>,
    pub(crate) exclude_agents: Vec<String>,
    pub(crate) include_locations: Vec<String>,
    pub(crate) exclude_locations: Vec<String>,
}

/// How much a machine matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    /// The agent's id or name.
    pub(crate) agent: String,
    pub(crate) weight: u8,
    pub(crate) note: Option<String>,
}

/// The protocol of a model server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelKind {
    Ollama,
    OpenAi,
}

/// A model server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) kind: ModelKind,
    pub(crate) url: Url,
    pub(crate) model: String,
    pub(crate) context_tokens: u32,
    pub(crate) timeout: Duration,
    pub(crate) concurrency: u32,
    pub(crate) api_key: Option<Secret>,
    pub(crate) keep_alive: Duration,
    pub(crate) max_tokens: u32,
}

/// Where prompts may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Egress {
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) ca_file: Option<PathBuf>,
}

/// How much the models are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judge {
    pub(crate) enabled: bool,
    pub(crate) calls_per_minute: u32,
    pub(crate) calls_per_actor_per_hour: u32,
    pub(crate) redact: bool,
}

/// How soon a first verdict is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) deadline_critical: Duration,
    pub(crate) deadline_high: Duration,
    pub(crate) deadline_medium: Duration,
    pub(crate) deadline_low: Duration,
}

/// Where verdicts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) wazuh: PublishWazuh,
    pub(crate) file: PublishFile,
}

/// How verdicts reach Wazuh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WazuhMode {
    Socket,
    File,
    Off,
}

/// Verdicts back into Wazuh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishWazuh {
    pub(crate) mode: WazuhMode,
    pub(crate) socket: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) integration: String,
    pub(crate) min_level: u8,
}

/// Verdicts into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishFile {
    pub(crate) enabled: bool,
    pub(crate) path: PathBuf,
}

/// An address that is told about serious verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) url: Url,
    /// What deliveries are signed with. `None` leaves them unsigned.
    pub(crate) secret: Option<Secret>,
    pub(crate) min_level: u8,
    pub(crate) timeout: Duration,
}

/// The daemon's own pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Http {
    /// `None` serves no pages.
    pub(crate) listen: Option<SocketAddr>,
}

/// How much is held at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) incidents_open: usize,
    pub(crate) dead_letters: usize,
    pub(crate) intake_queue: usize,
    pub(crate) outbox_messages: usize,
}
