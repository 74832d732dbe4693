//! Builds the typed structs from settings.
//!
//! Every function returns `None` only if the table of settings and the structs disagree about a
//! name or a kind, which is a fault of Quell that a test would show. Wrong input never gets here.

use super::settings::{Settings, View};
use super::shape::{
    Asset, Config, Egress, General, Hook, Http, HttpIntake, Intake, Judge, Limits, LogFormat,
    LogSource, Model, ModelKind, Policy, Publish, PublishFile, PublishWazuh, Schedule, StartAt,
    Tail, WazuhMode, Webhook,
};

/// Builds the whole configuration.
pub(crate) fn build(settings: &Settings) -> Option<Config> {
    let section = |path| settings.view(path, 0);
    Some(Config {
        general: general(section("general"))?,
        intake: Intake {
            hook: hook(section("intake.hook"))?,
            tail: tail(section("intake.tail"))?,
            http: http_intake(section("intake.http"))?,
        },
        sources: settings.views("source").map(log_source).collect::<Option<_>>()?,
        policy: policy(section("policy"))?,
        assets: settings.views("asset").map(asset).collect::<Option<_>>()?,
        models: settings.views("model").map(model).collect::<Option<_>>()?,
        egress: egress(section("egress"))?,
        judge: judge(section("judge"))?,
        schedule: schedule(section("schedule"))?,
        publish: Publish {
            wazuh: publish_wazuh(section("publish.wazuh"))?,
            file: publish_file(section("publish.file"))?,
        },
        webhooks: settings.views("webhook").map(webhook).collect::<Option<_>>()?,
        http: Http { listen: section("http").optional_address("listen")? },
        limits: limits(section("limits"))?,
    })
}

/// Turns the empty text into its meaning.
fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn general(view: View<'_>) -> Option<General> {
    Some(General {
        data_dir: view.path("data_dir")?.to_owned(),
        log_format: match view.choice("log_format")? {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return None,
        },
        log_level: view.choice("log_level")?,
        user_group: non_empty(view.text("user_group")?),
        window_max: view.duration("window_max")?,
        quiet_after: view.duration("quiet_after")?,
        retention: view.duration("retention")?,
    })
}

fn hook(view: View<'_>) -> Option<Hook> {
    Some(Hook {
        enabled: view.switch("enabled")?,
        socket: view.path("socket")?.to_owned(),
        spool_dir: view.path("spool_dir")?.to_owned(),
    })
}

fn tail(view: View<'_>) -> Option<Tail> {
    Some(Tail {
        enabled: view.switch("enabled")?,
        path: view.path("path")?.to_owned(),
        start_at: start_at(view)?,
    })
}

fn start_at(view: View<'_>) -> Option<StartAt> {
    match view.choice("start_at")? {
        "end" => Some(StartAt::End),
        "beginning" => Some(StartAt::Beginning),
        _ => None,
    }
}

fn log_source(view: View<'_>) -> Option<LogSource> {
    Some(LogSource {
        path: view.path("path")?.to_owned(),
        ruleset: view.texts("ruleset")?.iter().map(Into::into).collect(),
        location: non_empty(view.text("location")?),
        start_at: start_at(view)?,
    })
}

fn http_intake(view: View<'_>) -> Option<HttpIntake> {
    Some(HttpIntake {
        enabled: view.switch("enabled")?,
        listen: view.address("listen")?,
        token: view.secret("token_file")?.secret.clone(),
    })
}

fn policy(view: View<'_>) -> Option<Policy> {
    Some(Policy {
        min_level: view.small("min_level")?,
        include_rules: view.rules("include_rules")?.to_vec(),
        exclude_rules: view.rules("exclude_rules")?.to_vec(),
        include_groups: view.texts("include_groups")?.to_vec(),
        exclude_groups: view.texts("exclude_groups")?.to_vec(),
        include_agents: view.texts("include_agents")?.to_vec(),
        exclude_agents: view.texts("exclude_agents")?.to_vec(),
        include_locations: view.texts("include_locations")?.to_vec(),
        exclude_locations: view.texts("exclude_locations")?.to_vec(),
    })
}

fn asset(view: View<'_>) -> Option<Asset> {
    Some(Asset {
        agent: view.text("agent")?.to_owned(),
        weight: view.small("weight")?,
        note: non_empty(view.text("note")?),
    })
}

fn model(view: View<'_>) -> Option<Model> {
    Some(Model {
        name: view.text("name")?.to_owned(),
        kind: match view.choice("kind")? {
            "ollama" => ModelKind::Ollama,
            "openai" => ModelKind::OpenAi,
            _ => return None,
        },
        url: view.url("url")?.clone(),
        model: view.text("model")?.to_owned(),
        context_tokens: view.integer("context_tokens")?,
        timeout: view.duration("timeout")?,
        concurrency: view.integer("concurrency")?,
        api_key: view.secret("api_key_file")?.secret.clone(),
        keep_alive: view.duration("keep_alive")?,
        max_tokens: view.integer("max_tokens")?,
    })
}

fn egress(view: View<'_>) -> Option<Egress> {
    Some(Egress {
        allowed_hosts: view.texts("allowed_hosts")?.to_vec(),
        ca_file: view.optional_path("ca_file")?.map(ToOwned::to_owned),
    })
}

fn judge(view: View<'_>) -> Option<Judge> {
    Some(Judge {
        enabled: view.switch("enabled")?,
        calls_per_minute: view.integer("calls_per_minute")?,
        calls_per_actor_per_hour: view.integer("calls_per_actor_per_hour")?,
        redact: view.switch("redact")?,
    })
}

fn schedule(view: View<'_>) -> Option<Schedule> {
    Some(Schedule {
        deadline_critical: view.duration("deadline_critical")?,
        deadline_high: view.duration("deadline_high")?,
        deadline_medium: view.duration("deadline_medium")?,
        deadline_low: view.duration("deadline_low")?,
    })
}

fn publish_wazuh(view: View<'_>) -> Option<PublishWazuh> {
    Some(PublishWazuh {
        mode: match view.choice("mode")? {
            "socket" => WazuhMode::Socket,
            "file" => WazuhMode::File,
            "off" => WazuhMode::Off,
            _ => return None,
        },
        socket: view.path("socket")?.to_owned(),
        file: view.path("file")?.to_owned(),
        integration: view.text("integration")?.to_owned(),
        min_level: view.small("min_level")?,
    })
}

fn publish_file(view: View<'_>) -> Option<PublishFile> {
    Some(PublishFile { enabled: view.switch("enabled")?, path: view.path("path")?.to_owned() })
}

fn webhook(view: View<'_>) -> Option<Webhook> {
    Some(Webhook {
        name: view.text("name")?.to_owned(),
        url: view.url("url")?.clone(),
        secret: view.secret("secret_file")?.secret.clone(),
        min_level: view.small("min_level")?,
        timeout: view.duration("timeout")?,
    })
}

fn limits(view: View<'_>) -> Option<Limits> {
    let limit = |key| usize::try_from(view.integer(key)?).ok();
    Some(Limits {
        incidents_open: limit("incidents_open")?,
        dead_letters: limit("dead_letters")?,
        intake_queue: limit("intake_queue")?,
        outbox_messages: limit("outbox_messages")?,
    })
}
