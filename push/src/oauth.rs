//! Gets access tokens from OAuth servers (RFC 6749): Google's, Huawei's, Honor's.

use reqwest::RequestBuilder;
use serde::Deserialize;

use crate::BoxFuture;
use crate::door::{Answer, Door};
use crate::token::{Denied, Fetch, Fresh};

/// The life of a token whose giver names none, in seconds.
const LIFE_SECONDS: u64 = 3_600;

#[derive(Deserialize)]
struct Given {
    access_token: String,
    expires_in: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    error: serde_json::Value,
    #[serde(default)]
    error_description: String,
}

/// Sends a request for a token and reads the answer.
pub(crate) async fn ask(door: &Door, request: RequestBuilder) -> Result<Fresh, Denied> {
    let answer = door.ask(request).await.map_err(Denied::Unreached)?;
    if answer.status != 200 {
        return Err(denied(&answer));
    }
    match serde_json::from_slice::<Given>(&answer.body) {
        Ok(given) => Ok(Fresh::new(
            given.access_token,
            given.expires_in.unwrap_or(LIFE_SECONDS) * 1000,
        )),
        Err(_) => Err(denied(&answer)),
    }
}

fn denied(answer: &Answer) -> Denied {
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = said
        .error
        .as_str()
        .map_or_else(|| said.error.to_string(), str::to_owned);
    if said.error.is_null() || !(400..429).contains(&answer.status) && answer.status != 200 {
        return Denied::by_status(answer);
    }
    Denied::refused(code, said.error_description)
}

/// A client that proves itself by its secret alone (RFC 6749, 4.4).
pub(crate) struct ClientCredentials {
    pub(crate) door: Door,
    pub(crate) address: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl ClientCredentials {
    async fn ask(&self) -> Result<Fresh, Denied> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
        ];
        ask(&self.door, self.door.client.post(&self.address).form(&form)).await
    }
}

impl Fetch for ClientCredentials {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        Box::pin(self.ask())
    }
}
