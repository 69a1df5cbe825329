//! Asks the server that runs on a data folder, as its first app.

use std::path::Path;

use serde_json::Value;

use crate::args::Configured;
use crate::data_folder::{Addresses, FirstApp};
use crate::failure::{Exit, Failure};
use crate::settings;

/// A running server, and an app's token for it.
pub(crate) struct Operator {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Operator {
    /// The server that runs on this folder, as its first app.
    pub(crate) async fn sign_in(configured: &Configured) -> Result<Self, Failure> {
        let folder = settings::data_folder(configured.sources())?;
        let addresses: Addresses = read(&folder, "addresses.json", "is the server running on this folder?")?;
        let app: FirstApp = read(&folder, "first-app.json", "it is made by the first start")?;
        let mut operator = Self {
            client: reqwest::Client::new(),
            base: addresses.rest(),
            token: String::new(),
        };
        let request = operator
            .client
            .post(format!("{}/oauth/token", operator.base))
            .basic_auth(&app.client_id, Some(&app.client_secret))
            .form(&[("grant_type", "client_credentials")]);
        text(&answer(request).await?["access_token"]).clone_into(&mut operator.token);
        Ok(operator)
    }

    /// A server somewhere, with the token of an app.
    pub(crate) fn at(base: &str, token: String) -> Self {
        Self {
            client: reqwest::Client::new(),
            base: base.trim_end_matches('/').to_owned(),
            token,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.client.get(format!("{}{path}", self.base));
        answer(request.bearer_auth(&self.token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        answer(request.bearer_auth(&self.token)).await
    }

    /// An answer of any length, piece by piece.
    pub(crate) async fn stream(&self, path: &str, take: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let mut got = request.send().await.map_err(|error| unreachable(&error))?;
        if !got.status().is_success() {
            return Err(refused(got).await);
        }
        while let Some(piece) = got.chunk().await.map_err(|error| unreachable(&error))? {
            take(&piece);
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(folder: &Path, name: &str, next: &str) -> Result<T, Failure> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).map_err(|error| error.to_string());
    let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    read.map_err(|error| {
        Failure::new("GW-V004", format!("{}: {error}", path.display()), next).with_exit(Exit::Unreachable)
    })
}

fn unreachable(error: &reqwest::Error) -> Failure {
    Failure::new("GW-V004", format!("the server does not answer: {error}"), "").with_exit(Exit::Unreachable)
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, Failure> {
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    if !answer.status().is_success() {
        return Err(refused(answer).await);
    }
    let body = answer.text().await.map_err(|error| unreachable(&error))?;
    Ok(serde_json::from_str(&body).unwrap_or_default())
}

async fn refused(answer: reqwest::Response) -> Failure {
    let status = answer.status();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or_default();
    let what = format!("{status}: {} {}", text(&body["code"]), text(&body["detail"]));
    let exit = if status == reqwest::StatusCode::NOT_FOUND {
        Exit::NotFound
    } else {
        Exit::Refused
    };
    Failure::new("GW-V005", what, "").with_exit(exit)
}

/// A text in JSON; empty where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The things of a page.
pub(crate) fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[], Vec::as_slice)
}
