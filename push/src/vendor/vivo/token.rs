//! vivo's token: good for a day, renewed after an hour and a half; vivo takes ten calls a second for it.

use std::sync::Arc;

use godwit_model::Clock;
use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde_json::json;

use super::answer;
use crate::BoxFuture;
use crate::door::Door;
use crate::hexadecimal::hexadecimal;
use crate::token::{Denied, Fetch, Fresh};

pub(super) const AUTH: &str = "/message/auth";
/// A little less than the day it is good for.
const LIFE_MS: u64 = 23 * 3_600_000;
const RENEW_MS: u64 = 90 * 60_000;

pub(super) struct VivoTokens {
    pub(super) door: Door,
    pub(super) address: String,
    pub(super) app_id: u64,
    pub(super) app_key: String,
    pub(super) app_secret: String,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    result: i64,
    #[serde(default)]
    desc: String,
    auth_token: Option<String>,
}

impl VivoTokens {
    async fn ask(&self) -> Result<Fresh, Denied> {
        let timestamp = self.clock.now_ms();
        let body = json!({
            "appId": self.app_id,
            "appKey": self.app_key,
            "timestamp": timestamp,
            "sign": sign(self.app_id, &self.app_key, timestamp, &self.app_secret),
        });
        let answer = self.door.ask(self.door.client.post(&self.address).json(&body)).await;
        let answer = answer.map_err(Denied::Unreached)?;
        let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
            return Err(Denied::by_status(&answer));
        };
        match (said.result, said.auth_token) {
            (0, Some(token)) => Ok(Fresh {
                token,
                life_ms: LIFE_MS,
                renew_ms: RENEW_MS,
            }),
            (answer::TOO_FAST, _) => Err(Denied::Busy {
                outcome: answer::by_result(said.result, &said.desc, timestamp),
            }),
            (result, _) => Err(Denied::refused(result.to_string(), said.desc)),
        }
    }
}

/// MD5 of id, key, time and secret, in lower-case hexadecimal.
fn sign(app_id: u64, app_key: &str, timestamp: u64, app_secret: &str) -> String {
    hexadecimal(&Md5::digest(format!("{app_id}{app_key}{timestamp}{app_secret}")))
}

impl Fetch for VivoTokens {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        Box::pin(self.ask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s '10004appkey1795514400000appsecret' | md5sum`
    #[test]
    fn the_signature_is_what_md5sum_says() {
        assert_eq!(
            sign(10_004, "appkey", 1_795_514_400_000, "appsecret"),
            "2e8a7d5ee4f8fc1e11f44136e0c0ae91"
        );
    }
}
