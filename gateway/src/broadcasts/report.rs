//! `/v1/broadcasts/{broadcastId}/report`: what became of a broadcast at those it was sent to.

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::BroadcastReport;
use godwit_registry::Scope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::Places;
use crate::door::Door;
use crate::problem::Problem;

/// What became of a broadcast, as it was when it was counted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportAnswer {
    /// Accounts that have it in their inbox, as far as it is still kept.
    targets: u64,
    /// Accounts of which a device has acknowledged it.
    delivered: u64,
    /// Accounts that said it was read.
    read: u64,
    /// Accounts for which a push vendor took a push about it.
    pushed: u64,
    /// Accounts for which a push was tried, and no vendor has taken it so far.
    failed: u64,
    /// When this was counted, in milliseconds since 1970.
    counted_at: u64,
}

/// Report what became of a broadcast
#[utoipa::path(get, path = "/v1/broadcasts/{broadcastId}/report", tag = "broadcasts",
    operation_id = "reportBroadcast", params(("broadcastId" = String, Path)),
    responses((status = 200, description = "Counted now, or for a large one a moment ago", body = ReportAnswer)),
    security(("app" = ["broadcast"])))]
pub(crate) async fn report_broadcast(
    State(door): State<Door>,
    caller: Caller,
    Places(broadcast_id): Places<String>,
) -> Result<Json<ReportAnswer>, Problem> {
    let app = caller.app(Scope::Broadcast)?;
    let report = door.dispatcher().broadcast_report(&app, &broadcast_id).await?;
    Ok(Json(report.into()))
}

impl From<BroadcastReport> for ReportAnswer {
    fn from(report: BroadcastReport) -> Self {
        Self {
            targets: report.targets,
            delivered: report.delivered,
            read: report.read,
            pushed: report.pushed,
            failed: report.failed,
            counted_at: report.counted_at_ms,
        }
    }
}
