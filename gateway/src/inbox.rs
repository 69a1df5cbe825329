//! `/v1/accounts/{account}/inbox`: an account's numbered entries, for its own devices or an app of its tenant.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::history::Window;
use godwit_model::Refusal;
use godwit_registry::{Account, Scope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{AccountOrApp, Caller};
use crate::body::{Parameters, Places};
use crate::door::Door;
use crate::envelope::Envelope;
use crate::page;
use crate::problem::Problem;

/// Which part of the inbox. Without bounds, the newest entries.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Entries with a larger `seq`, oldest first; 0 starts at the floor.
    after: Option<u64>,
    /// Entries with a smaller `seq`, the newest of them.
    before: Option<u64>,
    /// Most entries: 50 if not given, at most 500.
    limit: Option<usize>,
}

/// A page of entries, ascending by `seq`.
#[derive(Serialize, ToSchema)]
pub(crate) struct InboxPage {
    /// The entries.
    #[schema(value_type = Vec<Envelope>)]
    pub(crate) items: Vec<Box<RawValue>>,
    /// The highest `seq` of the inbox; 0 while it is empty.
    pub(crate) head: u64,
    /// The lowest `seq` that is still kept.
    pub(crate) floor: u64,
    /// Where the page goes on; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Read an inbox
#[utoipa::path(get, path = "/v1/accounts/{account}/inbox", tag = "messages", operation_id = "readInbox",
    params(("account" = String, Path), Part), responses((status = 200, body = InboxPage)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn read_inbox(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<InboxPage>, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    let window = Window {
        after: part.after,
        before: part.before,
        since_ms: None,
        limit: part.limit,
    };
    let read = door.dispatcher().inbox(&account, None, window).await?;
    let path = format!("/v1/accounts/{}/inbox", account.account_id);
    let is_more = |edge, upper| {
        let (above, below) = (
            edge < window.before.map_or(read.head, |before| before - 1),
            edge > read.floor,
        );
        if upper { above } else { below }
    };
    let next = page::next(&path, &window, &read.items, is_more);
    Ok(Json(InboxPage {
        items: read.items.into_iter().map(|(_, json)| json).collect(),
        head: read.head,
        floor: read.floor,
        next,
    }))
}

/// The account of the path, for its own devices or for an app of its tenant.
pub(crate) async fn account_of(door: &Door, caller: Caller, account_id: &str) -> Result<Arc<Account>, Problem> {
    let app = match caller.account_or_app(account_id, Scope::InboxRead)? {
        AccountOrApp::Account(account) => return Ok(account),
        AccountOrApp::App(app) => app,
    };
    let found = door.registry().account_by_id(account_id).await?;
    found
        .filter(|account| account.tenant == app.tenant)
        .ok_or_else(|| Problem::new(Refusal::NotFound, format!("no account {account_id:?}")))
}
