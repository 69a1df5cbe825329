//! `POST /v1/users/batch`: thousands of users in one call, each line judged for itself.

use axum::Json;
use axum::extract::State;
use godwit_model::Refusal;
use godwit_registry::{Error, Profile, Scope, UserLine};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::UserRequest;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::door::Door;
use crate::problem::Problem;

/// Most users of one call.
const LINES_MAX: usize = 10_000;
/// Largest body, in bytes: so many lines, and room for some attributes.
pub(crate) const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Users to be kept as they are said here.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserBatch {
    /// At most 10,000, each named once.
    users: Vec<BatchLine>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BatchLine {
    /// The user.
    user_id: String,
    /// A name for people, at most 255 bytes.
    #[serde(default)]
    name: String,
    /// What else the tenant wants to keep, at most 4,096 bytes.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
}

/// What became of all lines.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchAnswer {
    /// How many users are new.
    created: usize,
    /// How many were there.
    updated: usize,
    /// How many lines were refused.
    refused: usize,
    /// One for each line, in the same order.
    items: Vec<LineAnswer>,
}

/// What became of one line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineAnswer {
    /// The user as the line names it.
    user_id: String,
    /// What was done.
    result: LineResult,
    /// Why it was refused: a code of a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What exactly is wrong with it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What was done with a line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LineResult {
    /// The user is new.
    Created,
    /// The user was there, and is kept as the line says.
    Updated,
    /// Nothing.
    Refused,
}

/// Keep many users at once, new or not, as they are said here
#[utoipa::path(post, path = "/v1/users/batch", tag = "users", operation_id = "putUsers", request_body = UserBatch,
    responses((status = 200, description = "Done for every line that was not refused", body = BatchAnswer)),
    security(("app" = ["users"])))]
pub(crate) async fn put_users(
    State(door): State<Door>,
    caller: Caller,
    JsonBody(batch): JsonBody<UserBatch>,
) -> Result<Json<BatchAnswer>, Problem> {
    let app = caller.app(Scope::Users)?;
    if batch.users.len() > LINES_MAX {
        let detail = format!("`users` has {} lines; at most {LINES_MAX} are taken", batch.users.len());
        return Err(Problem::new(Refusal::TooLarge, detail));
    }
    let names: Vec<String> = batch.users.iter().map(|line| line.user_id.clone()).collect();
    let lines = batch.users.into_iter().map(BatchLine::understand).collect();
    let done = door.registry().put_users(app.tenant, lines).await?;
    let items = names
        .into_iter()
        .zip(done)
        .map(|(name, line)| LineAnswer::new(name, line));
    Ok(Json(BatchAnswer::new(items.collect())))
}

impl BatchLine {
    fn understand(self) -> Result<Profile, Error> {
        let user = self.user_id.parse();
        let user = user.map_err(|error| Error::refused(Refusal::InvalidField, format!("`userId`: {error}")))?;
        let request = UserRequest {
            name: self.name,
            attributes: self.attributes,
        };
        Ok(request.profile(user))
    }
}

impl BatchAnswer {
    fn new(items: Vec<LineAnswer>) -> Self {
        let count = |wanted: fn(&LineResult) -> bool| items.iter().filter(|line| wanted(&line.result)).count();
        Self {
            created: count(|result| matches!(result, LineResult::Created)),
            updated: count(|result| matches!(result, LineResult::Updated)),
            refused: count(|result| matches!(result, LineResult::Refused)),
            items,
        }
    }
}

impl LineAnswer {
    fn new(user_id: String, line: UserLine) -> Self {
        let (result, problem) = match line {
            UserLine::Created => (LineResult::Created, None),
            UserLine::Updated => (LineResult::Updated, None),
            UserLine::Refused(error) => (LineResult::Refused, Some(Problem::from(error))),
        };
        Self {
            user_id,
            result,
            code: problem.as_ref().map(Problem::code),
            detail: problem.map(|problem| problem.detail().to_owned()),
        }
    }
}
