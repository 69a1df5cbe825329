//! Google's access token for a service account (RFC 7523).

use std::sync::Arc;

use godwit_model::Clock;
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::BoxFuture;
use crate::door::Door;
use crate::jwt::RsaKey;
use crate::oauth;
use crate::settings::ServiceAccount;
use crate::token::{Denied, Fetch, Fresh};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life of an assertion.
const ASSERTION_SECONDS: u64 = 3_600;

pub(super) struct GoogleTokens {
    door: Door,
    key: RsaKey,
    key_id: String,
    issuer: String,
    /// Whom the assertion is for.
    audience: String,
    address: String,
    clock: Arc<dyn Clock>,
}

impl GoogleTokens {
    pub(super) fn new(
        door: Door,
        account: &ServiceAccount,
        address: Option<&String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        Ok(Self {
            door,
            key: RsaKey::from_pem(&account.private_key)?,
            key_id: account.private_key_id.clone(),
            issuer: account.client_email.clone(),
            audience: account.token_uri.clone(),
            address: address.unwrap_or(&account.token_uri).clone(),
            clock,
        })
    }

    async fn ask(&self) -> Result<Fresh, Denied> {
        let now = self.clock.now_ms() / 1000;
        let claims = json!({
            "iss": self.issuer,
            "scope": SCOPE,
            "aud": self.audience,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        });
        let signed = self.key.sign(Algorithm::RS256, &self.key_id, &claims);
        let assertion = signed.map_err(|error| Denied::refused("signing", error))?;
        let form = [("grant_type", GRANT), ("assertion", &assertion)];
        oauth::ask(&self.door, self.door.client.post(&self.address).form(&form)).await
    }
}

impl Fetch for GoogleTokens {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        Box::pin(self.ask())
    }
}
