//! `/v1/devices`: an installation registers, tells where its vendor reaches it, and goes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use godwit_model::{OsKind, Refusal};
use godwit_registry::{Device, Proof, PushDetails, PushToken, Registered, Registration, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Caller, Guest};
use crate::body::{JsonBody, Places};
use crate::door::{Door, MqttAddresses};
use crate::problem::Problem;

/// What a device says of itself, at every start of the app.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewDevice {
    /// A ticket for the user. Not needed when the device shows its own token as Bearer.
    ticket: Option<String>,
    /// What names this installation, the same over restarts of the app.
    unique_code: String,
    /// `ios`, `android`, `web`, `windows`, or their published numbers 1 to 4; anything else is unknown.
    os: Os,
    /// The model, for people.
    #[serde(default)]
    model: String,
    /// The version of the app.
    #[serde(default)]
    app_version: String,
    /// The language of the device (BCP 47).
    language: Option<String>,
    /// Where its vendor reaches it, or a list of vendors in the order in which they are tried. Left out, what is stored
    /// stays.
    push: Option<Pushes>,
    /// The token the installation had for its former user: proof that it changes hands.
    device_token: Option<String>,
}

/// An operating system by name or number.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a name or a number")]
enum Os {
    Name(String),
    Number(i32),
}

/// A vendor's address of one installation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Push {
    /// The vendor's short name, such as `apns` or `fcm`.
    vendor: String,
    /// The token as the vendor gave it; for `webpush` the subscription as the browser gives it, as a text of JSON.
    token: String,
    /// `apns`: the token that rings.
    voip_token: Option<String>,
    /// Package or bundle of the app, where the platform has several.
    package: Option<String>,
    /// `apns`: built for development.
    #[serde(default)]
    sandbox: bool,
    /// `xiaomi`: the region in which the device registered.
    region: Option<String>,
    /// `huawei`: runs HarmonyOS 5 or later.
    #[serde(default)]
    harmony: bool,
}

/// One vendor's address of an installation, or several in the order in which they are tried.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Pushes {
    One(Push),
    Many(Vec<Push>),
}

impl Pushes {
    fn tokens(self) -> Vec<PushToken> {
        match self {
            Self::One(push) => vec![push.into()],
            Self::Many(list) => list.into_iter().map(PushToken::from).collect(),
        }
    }
}

/// Whether the device wants vendor push.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PushSwitch {
    /// False silences vendor push and keeps the token.
    enabled: bool,
}

/// What a device needs to connect.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceAnswer {
    /// MQTT user name, and the middle of every topic.
    account: String,
    /// Whose account it is.
    user_id: String,
    /// The tenant.
    tenant_no: String,
    /// MQTT client id.
    device_id: String,
    /// MQTT password and Bearer token, shown this once. An older one works until this one is first used.
    device_token: String,
    /// Where to connect.
    mqtt: Mqtt,
    /// There is a newer version of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<UpdateAnswer>,
}

/// A newer version of a client.
#[derive(Serialize, ToSchema)]
#[schema(as = Update)]
pub(crate) struct UpdateAnswer {
    /// The newest there is.
    latest: String,
    /// What the tenant says about it.
    message: String,
}

/// Where to connect, as URLs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mqtt {
    /// Plain TCP; left out where it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<String>,
    /// TLS; left out where it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
    /// WebSocket: `wss` when this was asked over TLS.
    ws: String,
}

/// Register a device, or register it again
#[utoipa::path(post, path = "/v1/devices", tag = "devices", operation_id = "registerDevice", request_body = NewDevice,
    responses((status = 200, description = "It was registered before", body = DeviceAnswer),
        (status = 201, description = "A new device", body = DeviceAnswer)), security((), ("device" = [])))]
pub(crate) async fn register_device(
    State(door): State<Door>,
    guest: Guest,
    (headers, scheme): (HeaderMap, Option<Extension<Scheme>>),
    JsonBody(new): JsonBody<NewDevice>,
) -> Result<impl IntoResponse, Problem> {
    let (registration, proof) = new.understand(guest.bearer)?;
    let registered = door.dispatcher().register_device(registration, proof).await?;
    let status = if registered.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let is_tls = scheme.is_some_and(|Extension(scheme)| scheme == Scheme::HTTPS);
    let answer = DeviceAnswer::new(registered, door.addresses(&headers), is_tls);
    Ok((status, [(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

/// Retire a device: its token stops at once
#[utoipa::path(delete, path = "/v1/devices/{deviceId}", tag = "devices", operation_id = "retireDevice",
    params(("deviceId" = String, Path)), responses((status = 204)), security(("app" = ["devices"]), ("device" = [])))]
pub(crate) async fn retire_device(
    State(door): State<Door>,
    caller: Caller,
    Places(device_id): Places<String>,
) -> Result<StatusCode, Problem> {
    let device = device_of(&door, caller, &device_id).await?;
    door.dispatcher().retire_device(&device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell where the vendor reaches a device
#[utoipa::path(put, path = "/v1/devices/{deviceId}/push-token", tag = "devices", operation_id = "setPushToken",
    params(("deviceId" = String, Path)), request_body = Pushes, responses((status = 204)),
    security(("app" = ["devices"]), ("device" = [])))]
pub(crate) async fn set_push_token(
    State(door): State<Door>,
    caller: Caller,
    Places(device_id): Places<String>,
    JsonBody(push): JsonBody<Pushes>,
) -> Result<StatusCode, Problem> {
    let device = device_of(&door, caller, &device_id).await?;
    door.dispatcher().set_push_tokens(&device, push.tokens()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget where the vendor reaches a device
#[utoipa::path(delete, path = "/v1/devices/{deviceId}/push-token", tag = "devices", operation_id = "removePushToken",
    params(("deviceId" = String, Path)), responses((status = 204)), security(("app" = ["devices"]), ("device" = [])))]
pub(crate) async fn remove_push_token(
    State(door): State<Door>,
    caller: Caller,
    Places(device_id): Places<String>,
) -> Result<StatusCode, Problem> {
    let device = device_of(&door, caller, &device_id).await?;
    door.dispatcher().remove_push_token(&device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch vendor push of a device off or on
#[utoipa::path(put, path = "/v1/devices/{deviceId}/push", tag = "devices", operation_id = "switchPush",
    params(("deviceId" = String, Path)), request_body = PushSwitch, responses((status = 204)),
    security(("app" = ["devices"]), ("device" = [])))]
pub(crate) async fn switch_push(
    State(door): State<Door>,
    caller: Caller,
    Places(device_id): Places<String>,
    JsonBody(switch): JsonBody<PushSwitch>,
) -> Result<StatusCode, Problem> {
    let device = device_of(&door, caller, &device_id).await?;
    door.dispatcher().set_push_enabled(&device, switch.enabled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The device of the path, for itself or for an app of its tenant.
async fn device_of(door: &Door, caller: Caller, device_id: &str) -> Result<Arc<Device>, Problem> {
    match caller.device_or_app(device_id, Scope::Devices)? {
        Caller::Device(device) => Ok(device),
        Caller::App(app) => {
            let found = door.registry().device(app.tenant, device_id).await?;
            found.ok_or_else(|| Problem::new(Refusal::NotFound, format!("no device {device_id:?}")))
        }
    }
}

impl NewDevice {
    /// A ticket goes before a Bearer token, which then only proves who had the installation.
    fn understand(self, bearer: Option<String>) -> Result<(Registration, Proof), Problem> {
        let (proof, spare) = match (self.ticket, bearer) {
            (Some(ticket), bearer) => (Proof::Ticket(ticket), bearer),
            (None, Some(token)) => (Proof::DeviceToken(token), None),
            (None, None) => {
                return Err(Problem::new(
                    Refusal::Unauthenticated,
                    "`ticket` is missing, and there is no device token as Bearer",
                ));
            }
        };
        let mut tokens = self.push.map(Pushes::tokens).unwrap_or_default().into_iter();
        let registration = Registration {
            unique_code: self.unique_code,
            os: self.os.into(),
            model: self.model,
            app_version: self.app_version,
            language: self.language,
            push: tokens.next(),
            push_fallbacks: tokens.collect(),
            previous_token: self.device_token.or(spare),
        };
        Ok((registration, proof))
    }
}

impl From<Os> for OsKind {
    fn from(os: Os) -> Self {
        match os {
            Os::Name(name) => name.parse().unwrap_or_default(),
            Os::Number(number) => Self::from_number(number),
        }
    }
}

impl From<Push> for PushToken {
    fn from(push: Push) -> Self {
        Self {
            vendor: push.vendor,
            token: push.token,
            details: PushDetails {
                voip_token: push.voip_token,
                package: push.package,
                sandbox: push.sandbox,
                region: push.region,
                harmony: push.harmony,
            },
        }
    }
}

impl DeviceAnswer {
    fn new(registered: Registered, addresses: MqttAddresses, is_tls: bool) -> Self {
        let Registered {
            device,
            device_token,
            update,
            ..
        } = registered;
        let account = &device.account;
        Self {
            account: account.account_id.to_string(),
            user_id: account.user.to_string(),
            tenant_no: account.tenant.to_string(),
            device_id: device.device_id.to_string(),
            device_token,
            mqtt: Mqtt {
                ws: addresses.websocket(is_tls).unwrap_or_default().to_owned(),
                tcp: addresses.tcp,
                tls: addresses.tls,
            },
            update: update.map(|update| UpdateAnswer {
                latest: update.latest,
                message: update.message,
            }),
        }
    }
}
