//! `/v1/events`: the events that webhooks are told, for an app that asks for them.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use godwit_dispatcher::{EventCursor, EventKind};
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{Parameters, parse};
use crate::door::Door;
use crate::problem::Problem;

/// Longest wait for an event, in seconds: shorter than a request may take.
const WAIT_S_MAX: u64 = 20;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventPart {
    /// The `cursor` of the answer before; from now on if left out.
    after: Option<String>,
    /// Types with commas between; all that the app may hear if left out.
    types: Option<String>,
    /// How many seconds the first event may be waited for, at most 20; 0 if left out.
    wait: Option<u64>,
}

/// Events.
#[derive(Serialize, ToSchema)]
#[schema(as = Events)]
pub(crate) struct EventsAnswer {
    /// In their order.
    items: Vec<EventAnswer>,
    /// What to ask for next, whether there were any or not.
    cursor: String,
}

/// An event.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventAnswer {
    /// Its id, as a webhook has it in `webhook-id`.
    id: String,
    /// What a webhook is sent: `type`, `timestamp` and `data`.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

/// Read events, or wait for some
#[utoipa::path(get, path = "/v1/events", tag = "webhooks", operation_id = "readEvents", params(EventPart),
    responses((status = 200, body = EventsAnswer)), security(("app" = ["webhooks"])))]
pub(crate) async fn read_events(
    State(door): State<Door>,
    caller: Caller,
    Parameters(query): Parameters<EventPart>,
) -> Result<Json<EventsAnswer>, Problem> {
    let app = caller.app(Scope::Webhooks)?;
    let after = query
        .after
        .as_deref()
        .map(|after| parse::<EventCursor>("after", after))
        .transpose()?;
    let kinds = query.types.map(|types| {
        let names = types.split(',').filter(|name| !name.is_empty());
        names
            .map(|name| parse::<EventKind>("types", name))
            .collect::<Result<Vec<_>, _>>()
    });
    let wait = Duration::from_secs(query.wait.unwrap_or_default().min(WAIT_S_MAX));
    let pulled = door
        .dispatcher()
        .pull_events(&app, after, kinds.transpose()?, wait)
        .await?;
    let items = pulled.events.into_iter().filter_map(|event| {
        Some(EventAnswer {
            id: event.id,
            event: RawValue::from_string(event.body).ok()?,
        })
    });
    Ok(Json(EventsAnswer {
        items: items.collect(),
        cursor: pulled.cursor.to_string(),
    }))
}
