//! `POST /v1/tickets`: an app's backend vouches for a user, once and for a short time.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, parse};
use crate::door::Door;
use crate::problem::Problem;

/// Whom the ticket is for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewTicket {
    /// The user: 1 to 64 of `A–Z a–z 0–9 . _ -`. Made known to the platform if it is new.
    user_id: String,
    /// The only installation that may use it; then it also proves that the installation changes hands.
    unique_code: Option<String>,
    /// How long it lives, in seconds.
    ttl_seconds: Option<u64>,
}

/// A ticket, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketAnswer {
    /// What the device sends when it registers; it works once.
    ticket: String,
    /// When it ends, in milliseconds since 1970.
    expires_at: u64,
}

/// Issue a ticket for a user
#[utoipa::path(post, path = "/v1/tickets", tag = "devices", operation_id = "issueTicket", request_body = NewTicket,
    responses((status = 201, body = TicketAnswer)), security(("app" = ["tickets"])))]
pub(crate) async fn issue_ticket(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(new): JsonBody<NewTicket>,
) -> Result<impl IntoResponse, Problem> {
    let app = caller.app(Scope::Tickets)?;
    let user = parse("userId", &new.user_id)?;
    let issued = door
        .registry()
        .issue_ticket(&app, &user, new.unique_code.as_deref(), new.ttl_seconds);
    let ticket = issued.await?;
    let answer = TicketAnswer {
        ticket: ticket.ticket,
        expires_at: ticket.expires_at_ms,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)))
}
