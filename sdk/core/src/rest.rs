//! The HTTP door as a device uses it: registration, push, deregistration, and where an inbox begins.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{DeviceFacts, PushToken};
use crate::error::Error;
use crate::profile::{Account, Addresses, Profile};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The HTTP door.
pub(crate) struct Rest {
    http: reqwest::Client,
    base: Url,
}

/// What the platform answers to a registration.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceAnswer {
    account: String,
    user_id: String,
    tenant_no: String,
    device_id: String,
    device_token: String,
    mqtt: Addresses,
}

/// Where an inbox ends and begins.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) head: u64,
    pub(crate) floor: u64,
}

impl Rest {
    pub(crate) fn new(server: &str, tls: &Arc<rustls::ClientConfig>) -> Result<Self, Error> {
        let base = Url::parse(server).map_err(|error| Error::invalid("server", error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(Error::invalid("server", "must be a URL with `http` or `https`"));
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.as_ref().clone())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| Error::invalid("server", error.to_string()))?;
        Ok(Self { http, base })
    }

    /// Registers with a ticket, or with the token of `known`.
    pub(crate) async fn register(
        &self,
        (unique_code, facts): (&str, &DeviceFacts),
        ticket: Option<&str>,
        push: Option<&PushToken>,
        known: Option<&Account>,
    ) -> Result<(Profile, String, Addresses), Error> {
        let mut body = json!({
            "uniqueCode": unique_code,
            "os": facts.os.name(),
            "model": facts.model,
            "appVersion": facts.app_version,
        });
        if let Some(language) = &facts.language {
            body["language"] = json!(language);
        }
        if let Some(push) = push {
            body["push"] = json!({ "vendor": push.vendor, "token": push.token });
        }
        let mut request = self.http.post(self.url("/v1/devices"));
        match (ticket, known) {
            (Some(ticket), known) => {
                body["ticket"] = json!(ticket);
                if let Some(known) = known {
                    // Proof that the installation may change hands, if it does.
                    body["deviceToken"] = json!(known.token);
                }
            }
            (None, Some(known)) => request = request.bearer_auth(&known.token),
            (None, None) => return Err(Error::NotRegistered),
        }
        let answer: DeviceAnswer = read(answer(request.json(&body)).await?)?;
        let profile = Profile {
            account: answer.account,
            user_id: answer.user_id,
            tenant_no: answer.tenant_no,
            device_id: answer.device_id,
        };
        Ok((profile, answer.device_token, answer.mqtt))
    }

    /// Where the inbox of an account ends and begins.
    pub(crate) async fn bounds(&self, account: &str, token: &str) -> Result<Bounds, Error> {
        let url = self.url(&format!("/v1/accounts/{account}/inbox?after=0&limit=1"));
        read(answer(self.http.get(url).bearer_auth(token)).await?)
    }

    /// Tells where the vendor reaches the device, or that it does not any more.
    pub(crate) async fn set_push_token(&self, account: &Account, push: Option<&PushToken>) -> Result<(), Error> {
        let request = match push {
            Some(push) => self
                .device(Method::PUT, account, "/push-token")
                .json(&json!({ "vendor": push.vendor, "token": push.token })),
            None => self.device(Method::DELETE, account, "/push-token"),
        };
        answer(request).await.map(drop)
    }

    /// Switches vendor push off or on.
    pub(crate) async fn set_push(&self, account: &Account, enabled: bool) -> Result<(), Error> {
        let request = self.device(Method::PUT, account, "/push");
        answer(request.json(&json!({ "enabled": enabled }))).await.map(drop)
    }

    /// Retires the device.
    pub(crate) async fn deregister(&self, account: &Account) -> Result<(), Error> {
        answer(self.device(Method::DELETE, account, "")).await.map(drop)
    }

    fn device(&self, method: Method, account: &Account, path: &str) -> RequestBuilder {
        let url = self.url(&format!("/v1/devices/{}{path}", account.profile.device_id));
        self.http.request(method, url).bearer_auth(&account.token)
    }

    /// A path below the base, which may have a path of its own.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

fn read<T: for<'de> Deserialize<'de>>(body: Value) -> Result<T, Error> {
    serde_json::from_value(body)
        .map_err(|error| Error::Unreachable(format!("an answer that is not understood: {error}")))
}

/// Sends a request; a problem document becomes a refusal.
async fn answer(request: RequestBuilder) -> Result<Value, Error> {
    let unreachable = |error: reqwest::Error| {
        if error.is_timeout() {
            Error::Timeout
        } else {
            Error::Unreachable(causes(&error))
        }
    };
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let text = answer.text().await.map_err(unreachable)?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    let field = |name: &str| body[name].as_str();
    match field("code") {
        Some(code) => Err(Error::refused(
            code,
            field("detail").or_else(|| field("title")).unwrap_or_default(),
        )),
        None => Err(Error::Unreachable(format!("HTTP status {status}"))),
    }
}

/// An error with what is behind it: "connection refused" is never in the outermost one.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
