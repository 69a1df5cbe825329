//! The backend of the story: what an app asks over REST.

use serde_json::{Value, json};

use crate::data_folder::FirstApp;
use crate::failure::{Exit, Failure};

/// An app with its access token.
pub(super) struct Backend {
    client: reqwest::Client,
    base: String,
    access_token: String,
}

/// What a device got when it was registered.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) account: String,
    pub(super) device_id: String,
    pub(super) device_token: String,
}

impl Backend {
    /// Exchanges the secret for an access token.
    pub(super) async fn sign_in(http: &str, app: &FirstApp) -> Result<Self, Failure> {
        let mut backend = Self {
            client: reqwest::Client::new(),
            base: format!("http://{http}"),
            access_token: String::new(),
        };
        let request = backend
            .client
            .post(format!("{}/oauth/token", backend.base))
            .basic_auth(&app.client_id, Some(&app.client_secret))
            .form(&[("grant_type", "client_credentials")]);
        backend.access_token = text(&answer(request).await?, "access_token")?;
        Ok(backend)
    }

    /// Registers a user's phone, as the app's backend and the phone do it together.
    pub(super) async fn register(&self, user: &str) -> Result<Credentials, Failure> {
        let ticket = self.post("/v1/tickets", &json!({ "userId": user })).await?;
        let device = json!({
            "ticket": text(&ticket, "ticket")?,
            "uniqueCode": format!("demo-{user}"),
            "os": "android",
            "model": "demo",
            "language": "en",
            "push": { "vendor": "fcm", "token": format!("demo-phone-of-{user}") },
        });
        let device = self.post("/v1/devices", &device).await?;
        Ok(Credentials {
            account: text(&device, "account")?,
            device_id: text(&device, "deviceId")?,
            device_token: text(&device, "deviceToken")?,
        })
    }

    pub(super) async fn create_group(&self, group: &str, owner: &str, members: &[&str]) -> Result<(), Failure> {
        let group = json!({ "groupId": group, "name": group, "owner": owner, "members": members });
        self.post("/v1/groups", &group).await.map(drop)
    }

    /// One page of a user's inbox, as the user's own device reads it: the entries above `after`.
    pub(super) async fn inbox(&self, device: &Credentials, after: u64) -> Result<Vec<Value>, Failure> {
        let url = format!(
            "{}/v1/accounts/{}/inbox?after={after}&limit=500",
            self.base, device.account
        );
        let request = self.client.get(url);
        let page = answer(request.bearer_auth(&device.device_token)).await?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        answer(request.bearer_auth(&self.access_token)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, Failure> {
    let unreachable = |error: reqwest::Error| {
        Failure::new("GW-E002", format!("the demo's server does not answer: {error}"), "").with_exit(Exit::Unreachable)
    };
    let answer = request.send().await.map_err(unreachable)?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await.map_err(unreachable)?;
    if !status.is_success() {
        return Err(Failure::new(
            "GW-E002",
            format!("{path} was refused: {status} {body}"),
            "",
        ));
    }
    serde_json::from_str(&body).map_err(|_| Failure::new("GW-E002", format!("{path} did not answer JSON: {body}"), ""))
}

fn text(body: &Value, field: &str) -> Result<String, Failure> {
    let text = body[field].as_str().map(str::to_owned);
    text.ok_or_else(|| Failure::new("GW-E002", format!("the answer has no `{field}`"), ""))
}
