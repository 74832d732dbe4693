//! From the configuration to the parts of the program: one function per part, no decisions beyond translation.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alert::tag::TagKey;
use anyhow::Context as _;
use model::{Backend, BackendConfig, Kind};
use triage::FoldLimits;
use triage::admit::Gate;
use triage::policy::{Policy, RuleRange, Selection};
use triage::priority::Deadlines;
use triage::schedule::Budgets;

use crate::config::shape::{self, Config, ModelKind, WazuhMode};
use crate::desk::{Asset, DeskSettings, SinkRule};
use crate::panel::Seat;
use crate::publish::sink::Sink;
use crate::publish::{FILE, WAZUH};

/// The gate for alerts.
pub(crate) fn gate(config: &Config, key: TagKey) -> Gate {
    let mut gate = Gate::new(policy(&config.policy), key);
    let own_files = [
        (config.publish.wazuh.mode == WazuhMode::File).then(|| config.publish.wazuh.file.clone()),
        config.publish.file.enabled.then(|| config.publish.file.path.clone()),
    ];
    gate.echo_locations =
        own_files.into_iter().flatten().map(|path: PathBuf| path.display().to_string()).collect();
    gate
}

fn policy(policy: &shape::Policy) -> Policy {
    let ranges = |ranges: &[shape::RuleRange]| {
        ranges.iter().filter_map(|range| RuleRange::parse(&range.to_string())).collect()
    };
    Policy {
        level_min: policy.min_level,
        include: Selection {
            rules: ranges(&policy.include_rules),
            groups: policy.include_groups.clone(),
            agents: policy.include_agents.clone(),
            locations: policy.include_locations.clone(),
        },
        exclude: Selection {
            rules: ranges(&policy.exclude_rules),
            groups: policy.exclude_groups.clone(),
            agents: policy.exclude_agents.clone(),
            locations: policy.exclude_locations.clone(),
        },
    }
}

/// How the desk works.
pub(crate) fn desk(config: &Config) -> DeskSettings {
    DeskSettings {
        fold: FoldLimits {
            window_max: config.general.window_max,
            quiet_after: config.general.quiet_after,
            incidents_max: config.limits.incidents_open,
        },
        deadlines: Deadlines {
            critical: config.schedule.deadline_critical,
            high: config.schedule.deadline_high,
            medium: config.schedule.deadline_medium,
            low: config.schedule.deadline_low,
        },
        budgets: Budgets {
            calls_per_minute: config.judge.calls_per_minute,
            calls_per_actor_hour: config.judge.calls_per_actor_per_hour,
        },
        assets: config
            .assets
            .iter()
            .map(|asset| Asset {
                agent: asset.agent.clone(),
                weight: asset.weight,
                note: asset.note.clone(),
            })
            .collect(),
        sinks: sink_rules(config),
        redact: config.judge.redact,
        whole_messages_max: config.limits.outbox_messages,
    }
}

fn sink_rules(config: &Config) -> Vec<SinkRule> {
    let mut rules = Vec::new();
    if config.publish.wazuh.mode != WazuhMode::Off {
        rules.push(SinkRule {
            name: WAZUH.to_owned(),
            threat_level_min: config.publish.wazuh.min_level,
            takes_echoes: false,
        });
    }
    if config.publish.file.enabled {
        rules.push(SinkRule { name: FILE.to_owned(), threat_level_min: 0, takes_echoes: true });
    }
    rules.extend(config.webhooks.iter().map(|webhook| SinkRule {
        name: webhook_name(&webhook.name),
        threat_level_min: webhook.min_level,
        takes_echoes: true,
    }));
    rules
}

fn webhook_name(name: &str) -> String {
    format!("webhook:{name}")
}

/// The sinks themselves.
pub(crate) fn sinks(config: &Config) -> anyhow::Result<Vec<Sink>> {
    let mut sinks = Vec::new();
    match config.publish.wazuh.mode {
        WazuhMode::Socket => sinks.push(Sink::queue(WAZUH, config.publish.wazuh.socket.clone())),
        WazuhMode::File => sinks.push(Sink::file(WAZUH, config.publish.wazuh.file.clone())),
        WazuhMode::Off => {}
    }
    if config.publish.file.enabled {
        sinks.push(Sink::file(FILE, config.publish.file.path.clone()));
    }
    for webhook in &config.webhooks {
        let secret = webhook.secret.as_ref().map(|secret| secret.reveal().to_owned());
        let sink = Sink::webhook(
            &webhook_name(&webhook.name),
            webhook.url.as_str(),
            secret,
            webhook.timeout,
        )
        .with_context(|| format!("could not set up the webhook `{}`", webhook.name))?;
        sinks.push(sink);
    }
    Ok(sinks)
}

/// The guard of what leaves the site.
pub(crate) fn egress(config: &Config) -> model::Egress {
    model::Egress {
        allowed_hosts: config.egress.allowed_hosts.clone(),
        extra_authorities: config.egress.ca_file.clone(),
    }
}

/// The models, in the order of the configuration.
pub(crate) fn panel(config: &Config) -> anyhow::Result<Vec<Arc<Seat>>> {
    if !config.judge.enabled {
        return Ok(Vec::new());
    }
    let egress = egress(config);
    config
        .models
        .iter()
        .map(|model| {
            let backend = Backend::new(backend(model), &egress)
                .with_context(|| format!("could not set up the model `{}`", model.name))?;
            Ok(Arc::new(Seat { backend, max_tokens: model.max_tokens }))
        })
        .collect()
}

/// Says why the configuration gives no model, for when it gives none.
pub(crate) fn no_model(config: &Config) -> String {
    if config.judge.enabled || config.models.is_empty() {
        "no model is configured".to_owned()
    } else {
        "asking models is switched off (`judge.enabled`)".to_owned()
    }
}

fn backend(model: &shape::Model) -> BackendConfig {
    let kind = match model.kind {
        ModelKind::Ollama => Kind::Ollama,
        ModelKind::OpenAi => Kind::OpenAi,
    };
    BackendConfig {
        model: Some(model.model.clone()).filter(|name| !name.is_empty()),
        num_ctx: model.context_tokens,
        timeout: model.timeout,
        concurrency: usize::try_from(model.concurrency).unwrap_or(1),
        api_key: model.api_key.as_ref().map(|key| key.reveal().to_owned()),
        keep_alive: seconds(model.keep_alive),
        ..BackendConfig::new(model.name.clone(), kind, model.url.as_str())
    }
}

/// Ollama reads durations with a unit.
fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs())
}
