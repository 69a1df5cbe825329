//! Opaque tokens that a simulated vendor gave, and how long they live.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::json;

use super::server::Said;
use crate::base64url;

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    Alive,
    Expired,
    Unknown,
}

pub(crate) struct Tokens {
    life_ms: u64,
    given: Mutex<HashMap<String, u64>>,
}

impl Tokens {
    pub(crate) fn new(life_ms: u64) -> Self {
        Self {
            life_ms,
            given: Mutex::default(),
        }
    }

    pub(crate) fn give(&self, now_ms: u64) -> String {
        let mut given = self.given();
        let token = base64url::encode(blake3::hash(format!("{now_ms} {}", given.len()).as_bytes()).as_bytes());
        given.insert(token.clone(), now_ms + self.life_ms);
        token
    }

    /// A token as OAuth 2.0 gives it (RFC 6749, 5.1).
    pub(crate) fn bearer(&self, now_ms: u64) -> Said {
        let token = self.give(now_ms);
        let body = json!({"access_token": token, "expires_in": self.life_ms / 1000, "token_type": "Bearer"});
        Said::json(200, &body)
    }

    pub(crate) fn worth(&self, token: &str, now_ms: u64) -> Worth {
        match self.given().get(token) {
            Some(dead_at_ms) if now_ms < *dead_at_ms => Worth::Alive,
            Some(_) => Worth::Expired,
            None => Worth::Unknown,
        }
    }

    /// How many were given.
    pub(crate) fn count(&self) -> usize {
        self.given().len()
    }

    /// All that were given have expired.
    pub(crate) fn expire(&self) {
        for dead_at_ms in self.given().values_mut() {
            *dead_at_ms = 0;
        }
    }

    fn given(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.given.lock().expect("nothing panics while it holds the tokens")
    }
}
