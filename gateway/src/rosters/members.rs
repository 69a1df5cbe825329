//! Who is in a tag or an organisation: a page of them, and changes of many at once.

use godwit_model::{Refusal, UserId};
use godwit_registry::{App, RosterKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{roster, words};
use crate::body::{parse, parse_all};
use crate::door::Door;
use crate::listing::{Listing, Part};
use crate::problem::Problem;

/// Most users of one change.
const USERS_MAX: usize = 10_000;

/// Users who come and users who go.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RosterChange {
    /// Who comes; who is in already stays.
    #[serde(default)]
    add: Vec<String>,
    /// Who goes; who is not in is passed over.
    #[serde(default)]
    remove: Vec<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RosterChanged {
    /// How many came.
    added: u64,
    /// How many went.
    removed: u64,
    /// Names that no user has.
    refused: Vec<UnknownUser>,
}

/// A name that no user has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnknownUser {
    /// The name.
    user_id: String,
    /// Why: a code of a problem.
    code: &'static str,
}

/// A user in a tag or an organisation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RosterUser {
    /// The user.
    user_id: String,
}

pub(super) async fn change(
    door: &Door,
    (app, kind, id): (&App, RosterKind, &str),
    change: &RosterChange,
) -> Result<RosterChanged, Problem> {
    let id: UserId = parse(words(kind).0, id)?;
    let count = change.add.len() + change.remove.len();
    if count > USERS_MAX {
        let detail = format!("{count} users; at most {USERS_MAX} are taken in one call");
        return Err(Problem::new(Refusal::TooLarge, detail));
    }
    let (add, remove) = (parse_all("add", &change.add)?, parse_all("remove", &change.remove)?);
    let registry = door.registry();
    let changed = registry
        .change_roster_members((app.tenant, kind), &id, (&add, &remove))
        .await?;
    let unknown = changed.unknown.into_iter().map(|user| UnknownUser {
        user_id: user.to_string(),
        code: Refusal::UserNotFound.code(),
    });
    Ok(RosterChanged {
        added: changed.added,
        removed: changed.removed,
        refused: unknown.collect(),
    })
}

pub(super) async fn page(
    door: &Door,
    (app, kind, id): (&App, RosterKind, &str),
    (path, part): (&str, &Part),
) -> Result<Listing<RosterUser>, Problem> {
    let found = roster(door, app, kind, id).await?;
    let after = part.after.as_deref().unwrap_or_default();
    let users = door.registry().roster_users(&found, after, part.ask()?).await?;
    Listing::of(users, (path, ""), part, UserId::to_string)
}

impl From<UserId> for RosterUser {
    fn from(user: UserId) -> Self {
        Self {
            user_id: user.to_string(),
        }
    }
}
