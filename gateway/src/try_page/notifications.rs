//! `GET /try/notifications`: what a phone of the page shows while its app is closed, where vendors are simulated.

use axum::Json;
use axum::extract::State;
use godwit_model::Refusal;

use super::is_on;
use crate::auth::Caller;
use crate::door::{Door, SimulatedPhone};
use crate::problem::Problem;

/// The vendor of the page's phones.
pub(super) const VENDOR: &str = "fcm";

/// For the device that asks, by its own token.
pub(super) async fn read(State(door): State<Door>, caller: Caller) -> Result<Json<SimulatedPhone>, Problem> {
    is_on(&door)?;
    let Caller::Device(device) = caller else {
        return Err(Problem::new(Refusal::Forbidden, "only a phone of the page asks this"));
    };
    let Some(look) = &door.gateway.simulated_phone else {
        return Ok(Json(SimulatedPhone::default()));
    };
    let tokens = door.registry().push_tokens(device.no).await?;
    let own = tokens.iter().find(|token| token.push.vendor == VENDOR);
    let shown = own.map(|token| look(VENDOR, &token.push.token));
    Ok(Json(shown.unwrap_or_default()))
}
