//! The REST door as an app's backend uses it.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// An app with its token.
#[derive(Clone)]
pub struct App {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// A registered device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its user.
    pub user: String,
    /// Its unique code.
    pub unique_code: String,
    /// Its account's opaque id: the MQTT user name.
    pub account: String,
    /// Its id: the MQTT client id.
    pub id: String,
    /// Its credential: the MQTT password.
    pub token: String,
}

impl Device {
    /// One of its topics.
    pub fn topic(&self, channel: &str) -> String {
        format!("im/{}/{channel}", self.account)
    }
}

impl App {
    /// The app whose credentials the first start left in the data folder.
    pub async fn first(http_address: &str, data: &Path) -> Self {
        let file = std::fs::read(data.join("first-app.json")).expect("first-app.json");
        let first: Value = serde_json::from_slice(&file).expect("it is JSON");
        let text = |field: &str| {
            first[field]
                .as_str()
                .unwrap_or_else(|| panic!("{field} in first-app.json"))
        };
        Self::with_secret(http_address, text("clientId"), text("clientSecret")).await
    }

    /// The app with these credentials.
    pub async fn with_secret(http_address: &str, client_id: &str, client_secret: &str) -> Self {
        let base = format!("http://{http_address}");
        Self::signed_in(crate::http_client(), base, (client_id, client_secret)).await
    }

    /// The first app at a door with TLS, found under `localhost` and trusted by its certificate (PEM).
    pub async fn first_over_tls(https_address: &str, data: &Path, certificate: &Path) -> Self {
        let file = std::fs::read(data.join("first-app.json")).expect("first-app.json");
        let first: Value = serde_json::from_slice(&file).expect("it is JSON");
        let secret = [&first["clientId"], &first["clientSecret"]].map(|text| text.as_str().expect("text"));
        let base = format!("https://{}", crate::tls::by_name(https_address));
        Self::signed_in(crate::tls::http_client(certificate), base, (secret[0], secret[1])).await
    }

    async fn signed_in(http: reqwest::Client, base: String, (client_id, client_secret): (&str, &str)) -> Self {
        let answer = http
            .post(format!("{base}/oauth/token"))
            .basic_auth(client_id, Some(client_secret))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .expect("the token door answers");
        assert_eq!(answer.status(), StatusCode::OK);
        let token: Value = answer.json().await.expect("JSON");
        let token = token["access_token"].as_str().expect("a token").to_owned();
        Self { http, base, token }
    }

    /// The same app with the same token at another address.
    #[must_use]
    pub fn at(&self, http_address: &str) -> Self {
        Self {
            base: format!("http://{http_address}"),
            ..self.clone()
        }
    }

    /// One call with the app's token: status and body (`null` if empty).
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        self.call_as(&self.token, method, path, body).await
    }

    /// One call with another bearer token.
    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.finish(request).await.expect("the REST door answers")
    }

    /// One call that may find no server: `None` then.
    pub async fn try_call(&self, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .json(body);
        self.finish(request).await
    }

    async fn finish(&self, request: reqwest::RequestBuilder) -> Option<(StatusCode, Value)> {
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, value) = self.call(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {value}");
        value
    }

    /// A ticket for a user.
    pub async fn ticket(&self, user: &str) -> String {
        let answer = self
            .must(Method::POST, "/v1/tickets", Some(&json!({ "userId": user })))
            .await;
        answer["ticket"].as_str().expect("a ticket").to_owned()
    }

    /// Registers a device of a user, with a fresh ticket.
    pub async fn register(&self, user: &str, unique_code: &str) -> Device {
        self.register_as(user, unique_code, "android").await
    }

    /// Registers a device that runs on this system.
    pub async fn register_as(&self, user: &str, unique_code: &str, os: &str) -> Device {
        let body = json!({ "ticket": self.ticket(user).await, "uniqueCode": unique_code, "os": os });
        let answer = self.must(Method::POST, "/v1/devices", Some(&body)).await;
        let text = |field: &str| {
            answer[field]
                .as_str()
                .unwrap_or_else(|| panic!("{field} in {answer}"))
                .to_owned()
        };
        Device {
            user: user.to_owned(),
            unique_code: unique_code.to_owned(),
            account: text("account"),
            id: text("deviceId"),
            token: text("deviceToken"),
        }
    }

    /// Makes a group.
    pub async fn create_group(&self, id: &str, members: &[&str]) -> Value {
        self.must(
            Method::POST,
            "/v1/groups",
            Some(&json!({ "groupId": id, "name": id, "members": members })),
        )
        .await
    }

    /// Posts a message and expects it to be taken.
    pub async fn send(&self, message: &Value) -> Value {
        self.must(Method::POST, "/v1/messages", Some(message)).await
    }

    /// Everything in a device's account's inbox, page by page, as its device token may read it.
    pub async fn inbox(&self, device: &Device) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            let after = items
                .last()
                .map_or(0, |item: &Value| item["seq"].as_u64().expect("a seq"));
            let path = format!("/v1/accounts/{}/inbox?after={after}&limit=500", device.account);
            let (status, page) = self.call_as(&device.token, Method::GET, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let more = page["items"].as_array().expect("items").clone();
            if more.is_empty() {
                return items;
            }
            items.extend(more);
        }
    }
}
