//! OPPO's token: good for a day, renewed each hour.

use std::sync::Arc;

use godwit_model::Clock;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::BoxFuture;
use crate::door::Door;
use crate::hexadecimal::hexadecimal;
use crate::token::{Denied, Fetch, Fresh};

pub(super) const AUTH: &str = "/server/v1/auth";
const HOUR_MS: u64 = 3_600_000;
/// A little less than the day it is good for.
const LIFE_MS: u64 = 23 * HOUR_MS;

pub(super) struct OppoTokens {
    pub(super) door: Door,
    pub(super) address: String,
    pub(super) app_key: String,
    pub(super) master_secret: String,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Said {
    code: i64,
    #[serde(default)]
    message: String,
    data: Option<Given>,
}

#[derive(Deserialize)]
struct Given {
    auth_token: String,
}

impl OppoTokens {
    async fn ask(&self) -> Result<Fresh, Denied> {
        let timestamp = self.clock.now_ms().to_string();
        let sign = sign(&self.app_key, &timestamp, &self.master_secret);
        let form = [("app_key", &self.app_key), ("timestamp", &timestamp), ("sign", &sign)];
        let post = self.door.client.post(&self.address).form(&form);
        let answer = self.door.ask(post).await.map_err(Denied::Unreached)?;
        let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
            return Err(Denied::by_status(&answer));
        };
        match (said.code, said.data) {
            (0, Some(given)) => Ok(Fresh {
                token: given.auth_token,
                life_ms: LIFE_MS,
                renew_ms: HOUR_MS,
            }),
            (-1 | -2 | 13, _) => Err(Denied::Busy {
                outcome: super::answer::by_code(said.code, &said.message, answer.retry_after),
            }),
            (code, _) => Err(Denied::refused(code.to_string(), said.message)),
        }
    }
}

/// SHA-256 of key, time and secret, in lower-case hexadecimal.
fn sign(app_key: &str, timestamp: &str, master_secret: &str) -> String {
    hexadecimal(&Sha256::digest(format!("{app_key}{timestamp}{master_secret}")))
}

impl Fetch for OppoTokens {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        Box::pin(self.ask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s 'appkey1795514400000mastersecret' | sha256sum`
    #[test]
    fn the_signature_is_what_sha256sum_says() {
        assert_eq!(
            sign("appkey", "1795514400000", "mastersecret"),
            "2d04c5e0a590dd3a475de5acea5c4279c7b658ebbbc6b10788d1d5e5056fb768"
        );
    }
}
