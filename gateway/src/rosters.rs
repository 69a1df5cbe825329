//! `/v1/tags` and `/v1/orgs`: named lists of users, which messages can be addressed to.

mod members;
mod orgs;
mod tags;

pub(crate) use orgs::*;
pub(crate) use tags::*;

use godwit_model::{Refusal, UserId};
use godwit_registry::{App, RosterKind, RosterRecord};

use crate::body::parse;
use crate::door::Door;
use crate::problem::Problem;

/// What names a roster in a path, and how it is told that there is none.
fn words(kind: RosterKind) -> (&'static str, &'static str) {
    match kind {
        RosterKind::Tag => ("tagId", "tag"),
        RosterKind::Org => ("orgId", "organisation"),
    }
}

async fn roster(door: &Door, app: &App, kind: RosterKind, id: &str) -> Result<RosterRecord, Problem> {
    let (field, word) = words(kind);
    let id: UserId = parse(field, id)?;
    let found = door.registry().roster(app.tenant, kind, &id).await?;
    found.ok_or_else(|| Problem::new(Refusal::NotFound, format!("there is no {word} {id} in this tenant")))
}
