//! The daemon's own pages: `/metrics` for Prometheus, `/healthz` and `/readyz` for whatever watches over it.
//!
//! They hold counts and names from the configuration, never text from alerts.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::event;
use crate::stage::Stage;
use crate::stage::tend::{HEARTBEAT, Heartbeat};

/// How long the desk may take to answer before the daemon counts as not ready.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// Age of what was last written into the store from which on it counts as taking nothing: many turns of tending, even slow ones.
const WRITTEN_WITHIN: Duration = Duration::from_secs(15);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts to record metrics.
///
/// # Errors
/// If another recorder was set before.
pub(crate) fn record() -> anyhow::Result<()> {
    let handle =
        PrometheusBuilder::new().install_recorder().context("could not start to record metrics")?;
    event::describe();
    RECORDER.set(handle).ok();
    Ok(())
}

/// Serves the pages until shutdown.
pub(crate) async fn serve(stage: Stage, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
        format!("could not listen on `{listen}` for metrics\nhint: another program may use the port; set `http.listen`, or leave it empty")
    })?;
    tracing::info!(address = %listener.local_addr()?, "metrics and health are served");
    let end = stage.shutdown.clone();
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(stage);
    crate::listener::serve(listener, router, end).await;
    Ok(())
}

async fn metrics() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Ready means: the desk answers, its store can be read, and it takes what the daemon writes into it twice a second.
async fn ready(State(stage): State<Stage>) -> (StatusCode, String) {
    let asked =
        stage.desk.call(|desk| desk.store.meta(HEARTBEAT).map_err(|error| error.to_string()));
    let is_written = |word: &Option<String>| {
        let beat = word.as_ref().and_then(|word| serde_json::from_str::<Heartbeat>(word).ok());
        beat.is_some_and(|beat| stage.clock.now().since(beat.at) <= WRITTEN_WITHIN)
    };
    match tokio::time::timeout(READY_WITHIN, asked).await {
        Ok(Ok(Ok(word))) if is_written(&word) => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Ok(Ok(_))) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing was written into the store of late: the log says why\n".to_owned(),
        ),
        Ok(Ok(Err(error))) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store can't be read: {error}\n"))
        }
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the desk did not answer in time\n".to_owned()),
    }
}
