//! `/v1/accounts/{account}/history`: what an account received of one conversation, and nothing else: of a group, what was
//! said while it was a member.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::history::Window;
use godwit_model::{Address, ConversationKey};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::body::{Parameters, Places, parse};
use crate::door::Door;
use crate::inbox::{InboxPage, account_of};
use crate::page;
use crate::problem::Problem;

/// Which conversation, and which part of it. Without bounds, the newest entries.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The other user, or the group, in any spelling: `bob`, `g:team`, `team@qun`.
    target: Option<String>,
    /// The conversation as an entry names it, in the place of `target`.
    conv: Option<String>,
    /// Entries stored at or after this time, in milliseconds since 1970; oldest first.
    since: Option<u64>,
    /// Entries with a larger `seq`, oldest first; 0 starts at the floor.
    after: Option<u64>,
    /// Entries with a smaller `seq`, the newest of them.
    before: Option<u64>,
    /// Most entries: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// Read what an account received of one conversation
#[utoipa::path(get, path = "/v1/accounts/{account}/history", tag = "messages", operation_id = "readHistory",
    params(("account" = String, Path), Part), responses((status = 200, body = InboxPage)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn read_history(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<InboxPage>, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    let conversation: ConversationKey = match (&part.target, &part.conv) {
        (Some(target), None) => {
            let peer: Address = parse("target", target)?;
            door.dispatcher().conversation_with(&account, &peer).await?
        }
        (None, Some(conv)) => parse("conv", conv)?,
        _ => return Err(Problem::invalid("name the conversation by `target` or by `conv`")),
    };
    let window = Window {
        after: part.after,
        before: part.before,
        since_ms: part.since,
        limit: part.limit,
    };
    let read = door.dispatcher().inbox(&account, Some(conversation), window).await?;
    let path = format!("/v1/accounts/{}/history", account.account_id);
    let is_full = read.items.len() >= page::limit(&window);
    let next = page::next(&path, &window, &read.items, |_, _| is_full);
    Ok(Json(InboxPage {
        items: read.items.into_iter().map(|(_, json)| json).collect(),
        head: read.head,
        floor: read.floor,
        next: next.map(|next| format!("{next}&conv={conversation}")),
    }))
}
