//! `POST /try/session`: what the page needs to begin: a device for each of its phones, and a token for its backend.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use godwit_model::{OsKind, UserId};
use godwit_registry::{App, Device, Proof, PushToken, Registration, Trial};
use serde::{Deserialize, Serialize};

use super::is_on;
use super::notifications::VENDOR;
use super::own_page::OwnPage;
use crate::auth::Guest;
use crate::body::{JsonBody, parse};
use crate::door::Door;
use crate::problem::Problem;

/// The phones of the page, and whose they are.
const PHONES: [(&str, &str); 2] = [("alice", "try-alice"), ("bob", "try-bob")];

/// Longest name a browser gives itself, in bytes.
const UNIQUE_CODE_BYTES_MAX: usize = 64;

/// Devices a demo user keeps: every browser that ever opened the page has one. Below what the registry allows.
const DEVICES_KEPT: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ask {
    /// Names the browser, so that opening the page again finds the same devices.
    unique_code: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    phones: Vec<Phone>,
    /// Where MQTT is spoken over WebSocket, on the same host and port.
    ws_path: &'static str,
    rest: Rest,
    /// Whether the page may ask what its phones show while they are away.
    simulates_push: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Phone {
    name: &'static str,
    user_id: &'static str,
    account: String,
    device_id: String,
    device_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    /// Sends messages, and does nothing else.
    access_token: String,
    expires_in_seconds: u64,
    /// The app's own address: whom its messages come from.
    from: String,
}

/// Makes the demo users if they are new, and registers this browser's device for each.
pub(super) async fn begin(
    State(door): State<Door>,
    _: Guest,
    _: OwnPage,
    JsonBody(ask): JsonBody<Ask>,
) -> Result<([(HeaderName, &'static str); 1], Json<Answer>), Problem> {
    is_on(&door)?;
    if ask.unique_code.is_empty() || ask.unique_code.len() > UNIQUE_CODE_BYTES_MAX {
        return Err(Problem::invalid(format!(
            "`uniqueCode` has 1 to {UNIQUE_CODE_BYTES_MAX} bytes"
        )));
    }
    let trial = door.registry().begin_trial().await?;
    let Trial { app, access_token } =
        trial.ok_or_else(|| Problem::invalid("there is no app yet in whose name the phones could be made"))?;
    let mut phones = Vec::with_capacity(PHONES.len());
    for (name, user_id) in PHONES {
        phones.push(phone(&door, &app, (name, user_id), &ask.unique_code).await?);
    }
    let rest = Rest {
        access_token: access_token.token,
        expires_in_seconds: access_token.expires_in_s,
        from: format!("a:{}", app.client_id),
    };
    let answer = Answer {
        phones,
        ws_path: "/mqtt",
        rest,
        simulates_push: door.gateway.simulated_phone.is_some(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

async fn phone(
    door: &Door,
    app: &App,
    (name, user_id): (&'static str, &'static str),
    browser: &str,
) -> Result<Phone, Problem> {
    let user: UserId = parse("userId", user_id)?;
    let unique_code = format!("try-{browser}-{name}");
    let ticket = door
        .registry()
        .issue_ticket(app, &user, Some(&unique_code), None)
        .await?;
    let push = door.gateway.simulated_phone.is_some().then(|| PushToken {
        vendor: VENDOR.to_owned(),
        token: unique_code.clone(),
        ..PushToken::default()
    });
    let registration = Registration {
        unique_code,
        os: OsKind::Web,
        model: "page to try".to_owned(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        language: None,
        push,
        push_fallbacks: Vec::new(),
        previous_token: None,
    };
    let registered = door
        .dispatcher()
        .register_device(registration, Proof::Ticket(ticket.ticket))
        .await?;
    let device = registered.device;
    retire_oldest(door, &device).await?;
    Ok(Phone {
        name,
        user_id,
        account: device.account.account_id.to_string(),
        device_id: device.device_id.to_string(),
        device_token: registered.device_token,
    })
}

/// Browsers come and go without a goodbye; the oldest make room.
async fn retire_oldest(door: &Door, own: &Device) -> Result<(), Problem> {
    let devices = door.registry().devices_of(own.account.no).await?;
    let spare = devices.len().saturating_sub(DEVICES_KEPT);
    for device in devices.iter().filter(|device| device.no != own.no).take(spare) {
        door.dispatcher().retire_device(device).await?;
    }
    Ok(())
}
