//! `DELETE /v1/messages/{serverId}`: an app takes a message back.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::{GoneReason, render};
use godwit_model::ServerId;
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{Parameters, Places};
use crate::door::Door;
use crate::problem::Problem;

/// Why a message is taken back.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reason {
    /// On behalf of its sender.
    Recalled,
    /// It must not be kept: its bytes leave the disk soon after.
    Erased,
}

/// Why.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Why {
    /// What readers are told; `erased` if not given.
    reason: Option<Reason>,
}

/// A message that was taken back. The same for every repeat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithdrawnAnswer {
    /// The platform's id of the message.
    server_id: String,
    /// Its conversation.
    conv: Option<String>,
    /// Its number there.
    conv_seq: u64,
    /// Why its content is gone: the first reason stays.
    #[schema(value_type = Reason)]
    reason: &'static str,
}

/// Take a message back
#[utoipa::path(delete, path = "/v1/messages/{serverId}", tag = "messages", operation_id = "withdrawMessage",
    params(("serverId" = String, Path), Why),
    responses((status = 200, description = "Nobody reads its content any more", body = WithdrawnAnswer)),
    security(("app" = ["messages"])))]
pub(crate) async fn withdraw_message(
    State(door): State<Door>,
    caller: Caller,
    Places(server_id): Places<String>,
    Parameters(why): Parameters<Why>,
) -> Result<Json<WithdrawnAnswer>, Problem> {
    let app = caller.app(Scope::Messages)?;
    let id: ServerId = server_id
        .parse()
        .map_err(|_| Problem::invalid("`serverId`: a UUID as the platform gave it"))?;
    let reason = match why.reason {
        Some(Reason::Recalled) => GoneReason::Recalled,
        Some(Reason::Erased) | None => GoneReason::Erased,
    };
    let withdrawn = door.dispatcher().withdraw_as_app(&app, id, reason).await?;
    Ok(Json(WithdrawnAnswer {
        server_id: withdrawn.server_id.to_string(),
        conv: withdrawn.conversation.map(|conversation| conversation.to_string()),
        conv_seq: withdrawn.conv_seq,
        reason: render::gone_word(withdrawn.reason),
    }))
}
