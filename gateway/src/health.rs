//! `/healthz`, `/readyz`, `/metrics`: for those who run the platform.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::door::Door;

/// Whether requests should be sent here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// True when there is no reason against it.
    ready: bool,
    /// What is wrong, one sentence each.
    reasons: Vec<String>,
    /// What an operator should look at although requests are served, one sentence each; left out if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Whether the process answers at all
#[utoipa::path(get, path = "/healthz", tag = "operation", operation_id = "health",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Whether requests should be sent here
#[utoipa::path(get, path = "/readyz", tag = "operation", operation_id = "readiness",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn readiness(State(door): State<Door>) -> impl IntoResponse {
    let mut reasons = (door.gateway.not_ready)();
    if let Err(error) = door.registry().ready().await {
        tracing::warn!(%error, "the store does not answer");
        reasons.push("the store does not answer".to_owned());
    }
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let warnings = (door.gateway.warnings)();
    let readiness = Readiness {
        ready,
        reasons,
        warnings,
    };
    (status, Json(readiness))
}

/// All metrics, for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operation", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(door): State<Door>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, (door.gateway.metrics)())
}
