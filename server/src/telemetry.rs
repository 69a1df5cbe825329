//! What the server says about itself: log events on standard error, metrics for Prometheus. Never secrets or content.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::settings::{Log, LogFormat};

/// Libraries that say at `info` what only their authors want to know.
const QUIET: &str = "sea_orm_migration=warn,sqlx=warn";

/// How often old samples are folded away.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of every histogram of seconds.
const SECONDS: [f64; 13] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Sends log events to standard error from now on. The first call of a process decides.
pub(crate) fn install_log(log: &Log) {
    // Behind the operator's directives, so that those may still ask for it.
    let filter = format!("{QUIET},{}", log.filter.0);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let events = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        // It would panic wherever something is logged, once nobody reads standard error any more.
        .log_internal_errors(false);
    let installed = match log.format {
        LogFormat::Text => events.try_init(),
        LogFormat::Json => events.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("log events already go somewhere else");
    }
}

/// The metrics of this process. They are one for all servers in it, as the `metrics` crate has one recorder.
pub(crate) fn metrics() -> &'static PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics already go somewhere else; /metrics stays empty");
        }
        metrics::gauge!("godwit_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    })
}

/// Keeps the memory of the metrics bounded; ends when it is dropped or aborted.
pub(crate) async fn keep_metrics() {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics().run_upkeep();
    }
}
