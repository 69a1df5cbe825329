//! `/v1/accounts/{account}/unread`, `…/read`, `…/mutes/{conv}`, `…/push-wishes`: what a reader said, for its own devices
//! or an app of its tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_dispatcher::Wishes;
use godwit_dispatcher::reading::Unread;
use godwit_model::{ConversationKey, Mute};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::{JsonBody, Places};
use crate::door::Door;
use crate::inbox::account_of;
use crate::problem::Problem;

/// How far a conversation was read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReadUpTo {
    /// The conversation.
    conv: String,
    /// The highest `convSeq` that was read.
    up_to: u64,
}

/// How a conversation is muted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MuteWish {
    /// Until when, in milliseconds since 1970; left out: for ever.
    until: Option<u64>,
    /// Whether messages that name the reader disturb all the same.
    #[serde(default)]
    mentions: bool,
}

/// What is unread of one conversation.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `UnreadConversation` of the dispatcher")]
pub(crate) struct UnreadPart {
    /// The conversation.
    conv: String,
    /// Everything up to this `convSeq` was read.
    read_up_to: u64,
    /// Messages above it that others wrote.
    unread: u64,
    /// Whether it is muted now.
    muted: bool,
    /// Until when, where that has an end.
    muted_until: Option<u64>,
}

/// What an account has not read.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `Unread` of the dispatcher")]
pub(crate) struct UnreadAnswer {
    /// Messages in all conversations that are not muted: what a badge says.
    total: u64,
    /// Every conversation of which something was read, is unread, or is muted.
    conversations: Vec<UnreadPart>,
}

/// When it is quiet.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `Quiet` of the dispatcher")]
pub(crate) struct QuietPart {
    /// First quiet minute, as `22:00`.
    from: String,
    /// First minute that is not, as `07:30`.
    until: String,
    /// The reader's zone by its name, as `Asia/Shanghai`, or how far its clock is from UTC, as `+08:00`.
    zone: String,
    /// Whether calls ring all the same.
    calls: bool,
    /// Whether messages that name the reader disturb all the same.
    mentions: bool,
}

/// What a reader wishes of its vendors' pushes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes `Wishes` of the dispatcher")]
pub(crate) struct WishesPart {
    /// `full`, `sender` or `neutral`.
    privacy: Option<String>,
    /// When it is quiet; left out: never.
    quiet_hours: Option<QuietPart>,
    /// For how many seconds a desktop (web or Windows) that is connected and has a message keeps the other devices from
    /// ringing for it, at most 3,600; left out: it does not.
    desktop_hold: Option<u32>,
}

/// What an account has not read
#[utoipa::path(get, path = "/v1/accounts/{account}/unread", tag = "reading", operation_id = "readUnread",
    params(("account" = String, Path)), responses((status = 200, body = UnreadAnswer)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn read_unread(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
) -> Result<Json<Unread>, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    Ok(Json(door.dispatcher().unread(&account).await?))
}

/// Say how far an account has read a conversation
#[utoipa::path(post, path = "/v1/accounts/{account}/read", tag = "reading", operation_id = "markRead",
    params(("account" = String, Path)), request_body = ReadUpTo, responses((status = 200, body = UnreadAnswer)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn mark_read(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
    JsonBody(read): JsonBody<ReadUpTo>,
) -> Result<Json<Unread>, Problem> {
    let device = match &caller {
        Caller::Device(device) => Some(std::sync::Arc::clone(device)),
        Caller::App(_) => None,
    };
    let account = account_of(&door, caller, &account_id).await?;
    let place = (conversation(&read.conv)?, read.up_to);
    Ok(Json(
        door.dispatcher().read_up_to(&account, device.as_deref(), place).await?,
    ))
}

/// Mute a conversation
#[utoipa::path(put, path = "/v1/accounts/{account}/mutes/{conv}", tag = "reading", operation_id = "muteConversation",
    params(("account" = String, Path), ("conv" = String, Path)), request_body = MuteWish, responses((status = 204)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn mute_conversation(
    State(door): State<Door>,
    caller: Caller,
    Places((account_id, conv)): Places<(String, String)>,
    JsonBody(wish): JsonBody<MuteWish>,
) -> Result<StatusCode, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    let mute = Mute {
        until_ms: wish.until,
        mentions: wish.mentions,
    };
    door.dispatcher()
        .mute_conversation(&account, conversation(&conv)?, Some(mute))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a conversation be heard again
#[utoipa::path(delete, path = "/v1/accounts/{account}/mutes/{conv}", tag = "reading", operation_id = "unmuteConversation",
    params(("account" = String, Path), ("conv" = String, Path)), responses((status = 204)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn unmute_conversation(
    State(door): State<Door>,
    caller: Caller,
    Places((account_id, conv)): Places<(String, String)>,
) -> Result<StatusCode, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    door.dispatcher()
        .mute_conversation(&account, conversation(&conv)?, None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an account wishes of its vendors' pushes
#[utoipa::path(get, path = "/v1/accounts/{account}/push-wishes", tag = "reading", operation_id = "readPushWishes",
    params(("account" = String, Path)), responses((status = 200, body = WishesPart)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn read_push_wishes(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
) -> Result<Json<Wishes>, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    Ok(Json(door.dispatcher().push_wishes(&account).await?.into()))
}

/// Say what an account wishes of its vendors' pushes
#[utoipa::path(put, path = "/v1/accounts/{account}/push-wishes", tag = "reading", operation_id = "setPushWishes",
    params(("account" = String, Path)), request_body = WishesPart, responses((status = 200, body = WishesPart)),
    security(("app" = ["inbox:read"]), ("device" = [])))]
pub(crate) async fn set_push_wishes(
    State(door): State<Door>,
    caller: Caller,
    Places(account_id): Places<String>,
    JsonBody(wishes): JsonBody<Wishes>,
) -> Result<Json<Wishes>, Problem> {
    let account = account_of(&door, caller, &account_id).await?;
    let wishes = wishes.understand()?;
    door.dispatcher().set_push_wishes(&account, &wishes).await?;
    Ok(Json(wishes.into()))
}

fn conversation(text: &str) -> Result<ConversationKey, Problem> {
    text.parse()
        .map_err(|error| Problem::invalid(format!("`conv`: {error}")))
}
