//! The spine of `quell run`: takes the data directory, builds the parts, starts sources and stages, waits, drains.
//!
//! Sources end first, so that what they delivered is folded; then the stages finish what they hold; what is left waits in the store.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alert::{Clock, SystemClock};
use anyhow::Context as _;
use store::Store;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use wazuh::intake::{http, socket, spool, tail};
use wazuh::{Checkpoint, Delivery, Notice, Route};

use crate::config::Loaded;
use crate::config::shape::{Config, StartAt};
use crate::desk::Desk;
use crate::desk::handle::DeskHandle;
use crate::home::Home;
use crate::stage::detect::RuledLog;
use crate::stage::judge::Bench;
use crate::stage::tend::{Heartbeat, Upkeep};
use crate::stage::{Stage, detect, gauge, intake, judge, publish, tend};
use crate::{event, listener, operations, setup};

/// How long sources and stages together may take to finish what they hold. systemd kills after 30 s.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// Parts that run until they are told to end.
type Tasks = JoinSet<anyhow::Result<()>>;

/// Runs until a signal says to end.
///
/// # Errors
/// If a part can't be built, or one dies: a daemon with a part missing would only look alive.
pub(crate) async fn run(
    loaded: Loaded,
    logs: Vec<RuledLog>,
    reload: impl Fn() -> Option<Loaded>,
) -> anyhow::Result<()> {
    let config = loaded.config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let home = Home::take(&config.general.data_dir)?;
    let store = Store::open(home.path()).map_err(explained)?;
    let key = home.key()?;
    let now = clock.now();
    let desk = Desk::new(store, setup::gate(&config, key.clone()), setup::desk(&config), now);
    let (desk, desk_thread) = DeskHandle::start(desk)?;
    let (end_sources, sources_end) = watch::channel(false);
    let (end_stages, stages_end) = watch::channel(false);
    let (deliver, deliveries) = mpsc::channel(config.limits.intake_queue.max(1));
    let stage = Stage {
        desk: desk.clone(),
        clock: Arc::clone(&clock),
        shutdown: stages_end,
        judge: Arc::new(Notify::new()),
        publish: Arc::new(Notify::new()),
    };
    announce_limits(&config);

    let mut sources: Tasks = JoinSet::new();
    start_sources(&config, &home, &desk, &deliver, &sources_end, &mut sources).await?;
    start_logs(logs, &stage, &deliver, &sources_end, &mut sources).await?;
    let mut stages: Tasks = JoinSet::new();
    let panel = setup::panel(&config)?;
    let models = panel.iter().map(|seat| seat.name().to_owned()).collect();
    let bench = Bench::new(panel, setup::no_model(&config));
    let sources_word = watch::Sender::new(Vec::new());
    let upkeep = Upkeep {
        retention: config.general.retention,
        dead_letters_max: config.limits.dead_letters as u64,
        heartbeat: Heartbeat {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            at: now,
            models,
            incidents_in_memory: 0,
            deliveries_waiting: 0,
            bench: Vec::new(),
            sources: Vec::new(),
            has_ended: false,
        },
        deliveries: deliver.downgrade(),
        bench: bench.listen(),
        sources: sources_word.subscribe(),
    };
    drop(deliver);
    stages.spawn(intake::run(stage.clone(), deliveries, sources_word));
    stages.spawn(gauge::run(stage.clone(), home.path().to_path_buf(), bench.listen()));
    stages.spawn(judge::run(stage.clone(), bench));
    for sink in setup::sinks(&config)? {
        stages.spawn(publish::run(stage.clone(), sink));
    }
    stages.spawn(tend::run(stage.clone(), upkeep));
    if let Some(listen) = config.http.listen {
        stages.spawn(operations::serve(stage.clone(), listen));
    }
    tracing::info!(data_dir = %home.path().display(), version = env!("CARGO_PKG_VERSION"), "quell runs");

    let ended = wait(&mut sources, &mut stages, async || {
        if let Some(fresh) = reload() {
            apply(&desk, fresh.config, key.clone(), clock.now()).await;
        }
    })
    .await;
    tracing::info!("quell drains");
    let deadline = tokio::time::Instant::now() + DRAIN_MAX;
    end_sources.send(true).ok();
    finish(&mut sources, deadline).await;
    // With the last source gone the channel closes, and intake ends by itself; the other stages are told.
    end_stages.send(true).ok();
    finish(&mut stages, deadline).await;
    desk.stop().await;
    if desk_thread.join().is_err() {
        tracing::error!("the desk had panicked");
    }
    tracing::info!("quell ended");
    ended
}

/// Waits for a signal to end, applying reloads, or for a part to die.
async fn wait(
    sources: &mut Tasks,
    stages: &mut Tasks,
    reload: impl AsyncFn(),
) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload().await,
            Some(ended) = sources.join_next() => part_ended("source", ended)?,
            Some(ended) = stages.join_next() => part_ended("stage", ended)?,
        }
    }
}

fn part_ended(
    kind: &str,
    ended: Result<anyhow::Result<()>, tokio::task::JoinError>,
) -> anyhow::Result<()> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.context(format!("a {kind} of the daemon died"))),
        Err(panicked) => {
            Err(anyhow::Error::new(panicked).context(format!("a {kind} of the daemon panicked")))
        }
    }
}

async fn finish(tasks: &mut Tasks, deadline: tokio::time::Instant) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline, all).await.is_err() {
        tracing::warn!(
            "some parts did not finish in time; what they held is done after the next start"
        );
        tasks.abort_all();
    }
}

async fn apply(desk: &DeskHandle, config: Config, key: alert::tag::TagKey, now: alert::Timestamp) {
    let (gate, settings) = (setup::gate(&config, key), setup::desk(&config));
    match desk.call(move |desk| desk.reconfigure(gate, settings, now)).await {
        Ok(()) => tracing::info!(
            "policy, assets, budgets and deadlines were read again; the rest needs a restart"
        ),
        Err(error) => tracing::error!("the configuration could not be applied: {error:#}"),
    }
}

async fn start_sources(
    config: &Config,
    home: &Home,
    desk: &DeskHandle,
    deliver: &mpsc::Sender<Delivery>,
    end: &watch::Receiver<bool>,
    sources: &mut Tasks,
) -> anyhow::Result<()> {
    let notify: wazuh::Notify = Arc::new(log_notice);
    let intake = &config.intake;
    if intake.hook.enabled {
        // Only the hook's socket and spool are a group's: without the hook, one that is not there is nobody's trouble.
        let group = group_id(config.general.user_group.as_deref());
        make_spool(&intake.hook.spool_dir, group)?;
        let opened = socket::HookSocket::open(socket::SocketSettings {
            socket: intake.hook.socket.clone(),
            journal: home.path().join("journal"),
            group,
        })
        .context("could not open the hook's socket")?;
        sources.spawn(opened.run(deliver.clone(), end.clone(), Arc::clone(&notify)));
        sources.spawn(spool::run(
            spool::Spool::new(intake.hook.spool_dir.clone()),
            deliver.clone(),
            Arc::new(Notify::new()),
            end.clone(),
            Arc::clone(&notify),
        ));
    }
    if intake.tail.enabled {
        let path = intake.tail.path.clone();
        let checkpoint = checkpoint(desk, &path).await?;
        let tail = tail::Tail::new(path, Route::Tail, start(intake.tail.start_at), checkpoint);
        sources.spawn(tail::run(tail, deliver.clone(), end.clone(), Arc::clone(&notify)));
    }
    if intake.http.enabled {
        let access = match &intake.http.token {
            Some(token) => http::Access::Token(token.reveal().to_owned()),
            None => http::Access::Closed,
        };
        let router = http::router(http::HttpIntake::new(deliver.clone(), access));
        sources.spawn(serve(router, intake.http.listen, end.clone()));
    }
    Ok(())
}

fn start(at: StartAt) -> tail::StartAt {
    match at {
        StartAt::End => tail::StartAt::End,
        StartAt::Beginning => tail::StartAt::Beginning,
    }
}

/// Starts the followers of raw logs, each with the rules between it and intake.
async fn start_logs(
    logs: Vec<RuledLog>,
    stage: &Stage,
    deliver: &mpsc::Sender<Delivery>,
    end: &watch::Receiver<bool>,
    sources: &mut Tasks,
) -> anyhow::Result<()> {
    let numbers = detect::Numbers::since(stage.clock.now());
    for log in logs {
        let path = log.source.path.clone();
        tracing::info!(log = %path.display(), rules = log.ruleset.rule_count(), "a log is followed");
        let checkpoint = checkpoint(&stage.desk, &path).await?;
        let start = start(log.source.start_at);
        let tail = tail::Tail::new(path, Route::Log, start, checkpoint);
        let (raw, lines) = mpsc::channel(detect::RAW_DELIVERIES_MAX);
        sources.spawn(tail::run(tail, raw, end.clone(), Arc::new(log_notice)));
        let (numbers, clock, deliver) =
            (numbers.clone(), Arc::clone(&stage.clock), deliver.clone());
        // It ends when the follower does, and holds its way into intake until then.
        sources.spawn_blocking(move || {
            detect::run(&log, &numbers, clock.as_ref(), lines, &deliver);
            Ok(())
        });
    }
    Ok(())
}

async fn serve(
    router: axum::Router,
    listen: SocketAddr,
    end: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("could not listen on `{listen}` for alerts\nhint: another program may use the port; set `intake.http.listen`"))?;
    tracing::info!(address = %listener.local_addr()?, "alerts are taken over HTTP");
    listener::serve(listener, router, end).await;
    Ok(())
}

async fn checkpoint(desk: &DeskHandle, path: &Path) -> anyhow::Result<Option<Checkpoint>> {
    let source = path.display().to_string();
    let body = desk.call(move |desk| desk.store.checkpoint(&source)).await?.map_err(explained)?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}

/// Makes the hook's spool, which the hook's group may write.
fn make_spool(path: &Path, group: Option<u32>) -> anyhow::Result<()> {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path)
        .with_context(|| format!("could not make the spool `{}`", path.display()))?;
    if let Err(error) = chown(path, None, group) {
        tracing::warn!(path = %path.display(), "the spool could not be given to the hook's group: {error}");
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o2770))
        .with_context(|| format!("could not set the mode of the spool `{}`", path.display()))
}

fn group_id(name: Option<&str>) -> Option<u32> {
    let name = name?;
    match nix::unistd::Group::from_name(name) {
        Ok(Some(group)) => Some(group.gid.as_raw()),
        _ => {
            tracing::warn!(
                group = name,
                "there is no such group: the hook's socket and spool stay with this process's group"
            );
            None
        }
    }
}

fn log_notice(notice: Notice) {
    match notice.severity {
        wazuh::Severity::Info => {
            tracing::info!(route = notice.route.as_str(), "{}", notice.message)
        }
        wazuh::Severity::Warn => {
            event::source_warned(notice.route.as_str());
            tracing::warn!(route = notice.route.as_str(), "{}", notice.message);
        }
    }
}

fn announce_limits(config: &Config) {
    for (name, value) in [
        ("incidents_in_memory", config.limits.incidents_open),
        ("dead_letters", config.limits.dead_letters),
        ("intake_queue_deliveries", config.limits.intake_queue),
        ("outbox_messages", config.limits.outbox_messages),
        ("outbox_names", usize::try_from(store::NAMES_MAX).unwrap_or(usize::MAX)),
        (
            "model_calls_per_minute",
            usize::try_from(config.judge.calls_per_minute).unwrap_or(usize::MAX),
        ),
        ("alert_bytes", alert::Limits::default().bytes_max),
    ] {
        event::limit(name, value as u64);
    }
}

/// Adds the hint of a store's error to its message.
pub(crate) fn explained(error: store::StoreError) -> anyhow::Error {
    let hint = error.hint();
    anyhow::anyhow!("{error}\nhint: {hint}")
}

/// Names the data directory's files that a person may ask for.
pub(crate) fn store_path(config: &Config) -> PathBuf {
    Store::path(&config.general.data_dir)
}
