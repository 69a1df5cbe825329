//! The token that proves who sends to Apple: one for each team and key in the whole process.

use std::collections::HashMap;
use std::sync::Arc;

use godwit_model::Clock;
use serde_json::json;

use crate::jwt::EcKey;
use crate::settings::{Secret, SettingsError};
use crate::token::{Denied, Fetch, Fresh, TokenSource};
use crate::{BoxFuture, VendorName};

const MINUTE_MS: u64 = 60_000;
/// Apple takes a token until it is an hour old.
const LIFE_MS: u64 = 59 * MINUTE_MS;
/// Apple wants a new one between 20 and 60 minutes.
const RENEW_MS: u64 = 50 * MINUTE_MS;
/// Sooner than this Apple takes no new one.
const LEAST_MS: u64 = 20 * MINUTE_MS;

/// The tokens of all teams; Apple counts how often a team changes its token, so apps share it.
#[derive(Default)]
pub(crate) struct ProviderTokens(HashMap<(String, String), Arc<TokenSource>>);

impl ProviderTokens {
    pub(super) fn of(
        &mut self,
        (team, key_id, key): (&str, &str, &Secret),
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<TokenSource>, SettingsError> {
        let name = (team.to_owned(), key_id.to_owned());
        if let Some(source) = self.0.get(&name) {
            return Ok(Arc::clone(source));
        }
        let wrong = |what: String| SettingsError::new(VendorName::Apns, "key", what);
        let pem = key.read().map_err(|error| wrong(error.to_string()))?;
        let signer = Signer {
            key: EcKey::from_pem(&pem).map_err(wrong)?,
            key_id: name.1.clone(),
            team: name.0.clone(),
            clock: Arc::clone(clock),
        };
        let source = TokenSource::with_least(signer, Arc::clone(clock), LEAST_MS);
        self.0.insert(name, Arc::clone(&source));
        Ok(source)
    }
}

struct Signer {
    key: EcKey,
    key_id: String,
    team: String,
    clock: Arc<dyn Clock>,
}

impl Fetch for Signer {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
        let header = json!({"alg": "ES256", "kid": self.key_id});
        let claims = json!({"iss": self.team, "iat": self.clock.now_ms() / 1000});
        let token = self.key.sign(&header, &claims);
        Box::pin(std::future::ready(Ok(Fresh {
            token,
            life_ms: LIFE_MS,
            renew_ms: RENEW_MS,
        })))
    }
}
