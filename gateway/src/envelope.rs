//! The shapes of messages for the published description. They are read and written elsewhere, byte by byte.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A message as it is asked for. Fields that are not listed are kept and come back in `ext`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Draft {
    /// The sender's own id of the message, 1 to 255 bytes; the platform makes one if it is left out.
    #[schema(required = false)]
    id: Option<String>,
    /// A userId, or an address: `g:ID` a group, `t:ID` a tag, `o:ID` an organisation and what is below it, `a:ID` the
    /// users of an app, `and(t:vip,not(o:sales))` tags and organisations combined, `all` everyone. Or a list of any but
    /// groups.
    to: OneOrMany,
    /// A user of the tenant to speak as; left out, the app speaks as itself.
    #[schema(required = false)]
    from: Option<String>,
    /// In a group, the members it is for.
    #[schema(required = false)]
    target: Option<OneOrMany>,
    /// What `content` is: a number or a name.
    #[serde(rename = "type")]
    kind: NumberOrName,
    /// Any JSON.
    #[schema(required = false)]
    content: Value,
    /// The client's time in milliseconds since 1970; passed through.
    #[schema(required = false)]
    timestamp: Option<i64>,
    /// For the app rather than for eyes.
    #[schema(required = false)]
    is_background: Option<bool>,
    /// How long it is kept back before it is sent, in seconds, at most 864,000.
    #[schema(required = false)]
    deliver_after: Option<u32>,
    /// How long its content is shown, in seconds from when it is sent; then a tombstone stands in its place.
    #[schema(required = false)]
    ttl_seconds: Option<u32>,
    /// How it is pushed: see `docs/protocol.md`, *Reading and push*.
    #[schema(required = false)]
    push: Option<Value>,
}

/// A message as it is read. An entry of an inbox may also be a tombstone (`seq`, `gone`) or a refused draft
/// (`refused`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    /// The sender's own id.
    id: String,
    /// The sender; for a group message the group.
    from: String,
    /// The receiver; left out where nobody's inbox is read and every reader would see itself.
    #[schema(required = false)]
    to: Option<String>,
    /// The tenant.
    tenant_no: String,
    /// For a group message the sender; otherwise as it was asked.
    target: OneOrMany,
    /// The number of a published type that has one, its name otherwise; an unknown type as it was asked.
    #[serde(rename = "type")]
    kind: NumberOrName,
    /// As it was asked.
    content: Value,
    /// As it was asked.
    #[schema(required = false)]
    timestamp: Option<i64>,
    /// As it was asked.
    is_background: bool,
    /// Fields the platform does not know.
    #[schema(required = false)]
    ext: Option<Value>,
    /// The number in the reader's inbox, where an inbox is read.
    #[schema(required = false)]
    seq: Option<u64>,
    /// The platform's id.
    server_id: String,
    /// When it was accepted, in milliseconds since 1970.
    server_time: u64,
    /// The conversation.
    conv: String,
    /// The number in the conversation.
    conv_seq: u64,
}

/// One name or a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A published number or a name.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum NumberOrName {
    Number(i32),
    Name(String),
}
