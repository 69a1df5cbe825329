//! `POST /v1/messages/batch`: up to a hundred messages in one call, each judged for itself, stored in their order.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use godwit_dispatcher::{Appending, Sender, Submitted, new_message_id};
use godwit_model::{Refusal, Refused};
use godwit_protocol::envelope::{decode_draft, peek_id};
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Answer, KeptBackAnswer, MessageAnswer};
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::door::Door;
use crate::envelope::Draft;
use crate::idempotency;
use crate::problem::Problem;

/// Most messages of one call.
const MESSAGES_MAX: usize = 100;
/// Largest body, in bytes: so many of the largest messages.
pub(crate) const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Messages to be sent, in this order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MessageBatch {
    /// At most 100.
    #[schema(value_type = Vec<Draft>)]
    messages: Vec<Box<RawValue>>,
}

/// What became of all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// One for each message, in the same order.
    items: Vec<BatchLine>,
}

/// What became of one message: what a call of its own would have answered.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchLine {
    /// It is stored.
    Sent {
        /// 201 when it is new, 200 when it was stored before.
        status: u16,
        #[serde(flatten)]
        message: MessageAnswer,
    },
    /// It is kept back until its time.
    KeptBack {
        /// 202.
        status: u16,
        #[serde(flatten)]
        message: KeptBackAnswer,
    },
    /// It was refused.
    Refused {
        /// The status of the problem.
        status: u16,
        /// The sender's own id, if it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The code of the problem.
        code: &'static str,
        /// What was wrong, for people.
        detail: String,
        /// Whether the same message may be taken later.
        retryable: bool,
    },
}

/// Send many messages
#[utoipa::path(post, path = "/v1/messages/batch", tag = "messages", operation_id = "sendMessages",
    request_body = MessageBatch,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The messages without an `id` get this key, a full stop, and their place from 0 on")),
    responses((status = 200, description = "Each message was judged for itself", body = BatchAnswer)),
    security(("app" = ["messages"])))]
pub(crate) async fn send_messages(
    State(door): State<Door>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(batch): JsonBody<MessageBatch>,
) -> Result<Json<BatchAnswer>, Problem> {
    let sender = Sender::App(caller.app(Scope::Messages)?);
    if batch.messages.len() > MESSAGES_MAX {
        let detail = format!("{} messages; at most {MESSAGES_MAX} are taken", batch.messages.len());
        return Err(Problem::new(Refusal::TooLarge, detail));
    }
    let key = idempotency::key(&headers)?;
    let mut begun = Vec::with_capacity(batch.messages.len());
    for (at, message) in batch.messages.iter().enumerate() {
        let id = key.as_ref().map(|key| format!("{key}.{at}"));
        begun.push(begin(&door, &sender, message.get().as_bytes(), id).await);
    }
    let mut items = Vec::with_capacity(begun.len());
    for (begun, message) in begun.into_iter().zip(&batch.messages) {
        let sent = match begun {
            Ok(appending) => appending.await,
            Err(refused) => Err(refused),
        };
        items.push(match sent {
            Ok(submitted) => BatchLine::taken(submitted),
            Err(refused) => BatchLine::refused(refused, peek_id(message.get().as_bytes())),
        });
    }
    Ok(Json(BatchAnswer { items }))
}

/// Judges one message and queues it: what follows in the batch is stored after it.
async fn begin(door: &Door, sender: &Sender, bytes: &[u8], id: Option<String>) -> Result<Appending, Refused> {
    let mut draft = decode_draft(bytes)?;
    if draft.id.is_empty() {
        draft.id = match id {
            Some(id) => id,
            None => new_message_id(door.dispatcher().now_ms())?,
        };
    }
    let accepted = door.dispatcher().accept(sender, draft).await?;
    door.dispatcher().append(accepted)
}

impl BatchLine {
    fn taken(submitted: Submitted) -> Self {
        let stored = if submitted.duplicate {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        match Answer::from(submitted) {
            Answer::Stored(message) => Self::Sent {
                status: stored.as_u16(),
                message,
            },
            Answer::KeptBack(message) => Self::KeptBack {
                status: StatusCode::ACCEPTED.as_u16(),
                message,
            },
        }
    }

    fn refused(refused: Refused, id: Option<String>) -> Self {
        let problem = Problem::from(refused);
        Self::Refused {
            status: problem.status.as_u16(),
            id,
            code: problem.code(),
            detail: problem.detail().to_owned(),
            retryable: problem.is_retryable(),
        }
    }
}
