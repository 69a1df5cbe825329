//! `/v1/conversations/{conv}/messages`: an app reads a whole conversation of its tenant.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::history::Window;
use godwit_model::ConversationKey;
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{Parameters, Places, parse};
use crate::door::Door;
use crate::envelope::Envelope;
use crate::page;
use crate::problem::Problem;

/// Which part of the conversation. Without bounds, the newest messages.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Messages accepted at or after this time, in milliseconds since 1970; oldest first.
    since: Option<u64>,
    /// Messages with a smaller `convSeq`, the newest of them.
    before: Option<u64>,
    /// Messages with a larger `convSeq`, oldest first.
    after: Option<u64>,
    /// Most messages: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// A page of messages, ascending by `convSeq`.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessagePage {
    /// The messages.
    #[schema(value_type = Vec<Envelope>)]
    items: Vec<Box<RawValue>>,
    /// Where the page goes on; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Read a conversation
#[utoipa::path(get, path = "/v1/conversations/{conv}/messages", tag = "messages", operation_id = "readConversation",
    params(("conv" = String, Path), Part), responses((status = 200, body = MessagePage)),
    security(("app" = ["messages:read"])))]
pub(crate) async fn read_conversation(
    State(door): State<Door>,
    caller: Caller,
    Places(conv): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<MessagePage>, Problem> {
    let app = caller.app(Scope::MessagesRead)?;
    let conversation: ConversationKey = parse("conv", &conv)?;
    let window = Window {
        after: part.after,
        before: part.before,
        since_ms: part.since,
        limit: part.limit,
    };
    let items = door.dispatcher().conversation(app.tenant, conversation, window).await?;
    let is_full = items.len() >= page::limit(&window);
    let path = format!("/v1/conversations/{conversation}/messages");
    let next = page::next(&path, &window, &items, |edge, upper| is_full && (upper || edge > 1));
    Ok(Json(MessagePage {
        items: items.into_iter().map(|(_, json)| json).collect(),
        next,
    }))
}
