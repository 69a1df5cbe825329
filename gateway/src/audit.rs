//! `/v1/audit`: who changed what, when, and from where; and how a change gets there.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use std::fmt::Write as _;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use godwit_model::TenantNo;
use godwit_registry::{App, AuditLine, AuditQuery, Error, NewAuditLine, Registry, Scope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::Parameters;
use crate::door::Door;
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// Lines of one step of an export.
const STEP: u64 = 500;

/// Calls of apps that are no changes of what is kept of users, groups and so on: they are what the platform is for.
const ORDINARY: [&str; 3] = ["/v1/messages", "/v1/messages/batch", "/v1/tickets"];

/// Which lines, newest first.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditPart {
    /// Lines below this number.
    before: Option<u64>,
    /// Lines from this time on, in milliseconds since 1970.
    since: Option<u64>,
    /// Lines before this time, in milliseconds since 1970.
    until: Option<u64>,
    /// Lines of this actor, such as `a:gwa_…`.
    actor: Option<String>,
    /// Lines of this action, such as `PUT /v1/users/{userId}`.
    action: Option<String>,
    /// Most lines: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Which lines, oldest first.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportPart {
    /// Lines above this number: where an export that broke off goes on.
    after: Option<u64>,
    /// Lines from this time on, in milliseconds since 1970.
    since: Option<u64>,
    /// Lines before this time, in milliseconds since 1970.
    until: Option<u64>,
}

/// A change that was asked.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditLine)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditAnswer {
    /// Counts all lines of the platform.
    no: u64,
    /// When, in milliseconds since 1970.
    at: u64,
    /// Who: an app as `a:` and its client id.
    actor: String,
    /// What: a method and a route.
    action: String,
    /// On what: the path.
    subject: String,
    /// The status it was answered with.
    status: u16,
    /// The code of the problem, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// From where.
    address: String,
    /// The id of the request, as in its header `Request-Id`.
    request_id: String,
}

/// Read who changed what
#[utoipa::path(get, path = "/v1/audit", tag = "audit", operation_id = "readAudit", params(AuditPart),
    responses((status = 200, body = Listing<AuditAnswer>)), security(("app" = ["audit"])))]
pub(crate) async fn read_audit(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<AuditPart>,
) -> Result<Json<Listing<AuditAnswer>>, Problem> {
    let app = caller.app(Scope::Audit)?;
    let part = Part {
        after: None,
        limit: query.limit,
    };
    let asked = AuditQuery {
        after: None,
        before: query.before,
        since_ms: query.since,
        until_ms: query.until,
        actor: query.actor,
        action: query.action,
        limit: part.ask()?,
    };
    let found = door.registry().audit(app.tenant, &asked).await?;
    let mut page = Listing::of(found, ("/v1/audit", ""), &part, |line: &AuditLine| line.no.to_string())?;
    // Newest first: the next page is before the last line of this one.
    page.next = page
        .next
        .map(|next| next.replacen("after=", "before=", 1) + &filters(&asked));
    Ok(Json(page))
}

/// Export who changed what
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", operation_id = "exportAudit", params(ExportPart),
    responses((status = 200, description = "A line of JSON for each, oldest first",
        content_type = "application/x-ndjson", body = AuditAnswer)), security(("app" = ["audit"])))]
pub(crate) async fn export_audit(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<ExportPart>,
) -> Result<Response, Problem> {
    let app = caller.app(Scope::Audit)?;
    let asked = AuditQuery {
        after: Some(query.after.unwrap_or_default()),
        since_ms: query.since,
        until_ms: query.until,
        limit: STEP,
        ..AuditQuery::default()
    };
    let begin = (door.registry().clone(), app.tenant, Some(asked));
    // One step is read when the one before it is taken.
    let steps = stream::unfold(begin, |(registry, tenant, asked)| async move {
        let asked = asked?;
        let step = step(&registry, tenant, asked).await;
        let (bytes, next) = match step {
            Ok((bytes, next)) => (Ok(bytes), next),
            Err(error) => (Err(error), None),
        };
        Some((bytes, (registry, tenant, next)))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(steps)).into_response())
}

async fn step(registry: &Registry, tenant: TenantNo, asked: AuditQuery) -> Result<(Bytes, Option<AuditQuery>), Error> {
    let lines = registry.audit(tenant, &asked).await?;
    let last = lines.last().map(|line| line.no);
    let next = last.filter(|_| lines.len() as u64 == STEP).map(|last| AuditQuery {
        after: Some(last),
        ..asked
    });
    let mut text = Vec::new();
    for line in lines {
        let json = serde_json::to_vec(&AuditAnswer::from(line));
        text.append(&mut json.map_err(|error| Error::Internal(error.to_string()))?);
        text.push(b'\n');
    }
    Ok((text.into(), next))
}

fn filters(asked: &AuditQuery) -> String {
    let number = |name: &str, value: Option<u64>| value.map(|value| format!("&{name}={value}")).unwrap_or_default();
    let text = |name: &str, value: &Option<String>| {
        let value = value.as_ref().map(|value| percent(value));
        value.map(|value| format!("&{name}={value}")).unwrap_or_default()
    };
    [
        number("since", asked.since_ms),
        number("until", asked.until_ms),
        text("actor", &asked.actor),
        text("action", &asked.action),
    ]
    .concat()
}

/// A value of a query: everything but letters, digits and `-._~` by its number (RFC 3986, 2.1).
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Whether a call of an app is a change that the audit keeps.
pub(crate) fn is_kept(method: &Method, route: &str) -> bool {
    !method.is_safe() && route.starts_with("/v1/") && !ORDINARY.contains(&route)
}

/// How the audit names an app.
pub(crate) fn actor(app: &App) -> String {
    format!("a:{}", app.client_id)
}

/// Keeps a line. What was done is done: where the line cannot be stored, that is told by the log and a counter.
pub(crate) async fn keep(door: &Door, line: &NewAuditLine) {
    if let Err(error) = door.registry().add_audit_line(line).await {
        metrics::counter!("audit_lines_lost_total").increment(1);
        tracing::error!(%error, actor = line.actor, action = line.action, subject = line.subject,
            status = line.status, "a change could not be noted in the audit");
    }
}

impl From<AuditLine> for AuditAnswer {
    fn from(line: AuditLine) -> Self {
        Self {
            no: line.no,
            at: line.says.at_ms,
            actor: line.says.actor,
            action: line.says.action,
            subject: line.says.subject,
            status: line.says.status,
            code: line.says.code,
            address: line.says.address,
            request_id: line.says.request_id,
        }
    }
}
