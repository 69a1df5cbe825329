//! Access tokens: signed claims of an app for a limited time, checked against the app as it is now.

use std::sync::Arc;

use godwit_model::{AppNo, Refusal};
use godwit_store::AppRecord;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::Error;
use crate::registry::Registry;
use crate::scope::Scopes;

const ISSUER: &str = "godwit";

/// A credential of an app for a limited time.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The bearer token (a signed JWT).
    pub token: String,
    /// How long it is valid, in seconds.
    pub expires_in_s: u64,
    /// What it allows.
    pub scopes: Scopes,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The client id.
    sub: String,
    /// The app's number.
    app: u64,
    tenant: u32,
    /// Names with spaces between (RFC 9068, 2.2.3).
    scope: String,
    /// Which of the app's secrets it was made with.
    version: u64,
    /// Seconds since 1970.
    iat: u64,
    exp: u64,
}

impl Registry {
    /// Checks an app's secret and gives out a token. `scope` narrows what the token allows (names with spaces between).
    ///
    /// An unknown app costs as much time as a wrong secret.
    pub async fn issue_access_token(
        &self,
        client_id: &str,
        client_secret: &str,
        scope: Option<&str>,
    ) -> Result<AccessToken, Error> {
        let record = self.0.store.app_by_client_id(client_id).await?;
        let version = self.version_of_secret(client_secret, record.as_ref()).await?;
        let (record, version) = record
            .zip(version)
            .ok_or_else(|| Error::refused(Refusal::Unauthenticated, "unknown client id or wrong client secret"))?;
        let Some(known) = self.known_app(record.no).await? else {
            return Err(Refusal::Unauthenticated.into());
        };
        self.check_tenant(known.app.tenant).await?;
        let scopes = wanted(scope, known.app.scopes)?;
        // The version that was checked: a reset since then must win.
        self.sign_access_token(&known.app, scopes, version)
    }

    /// Which of an app's secrets this is. While it has two, a wrong one costs two checks.
    async fn version_of_secret(&self, secret: &str, record: Option<&AppRecord>) -> Result<Option<u64>, Error> {
        let hash = record.map(|record| record.secret_hash.as_str());
        let fits = self.0.secrets.check(secret, hash).await?;
        let Some(record) = record else { return Ok(None) };
        if fits {
            return Ok(Some(record.secret_version));
        }
        match &record.former_secret {
            Some((former, until_ms)) if self.now_ms() < *until_ms => {
                let fits = self.0.secrets.check(secret, Some(former)).await?;
                Ok(fits.then(|| record.secret_version - 1))
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn sign_access_token(
        &self,
        app: &App,
        scopes: Scopes,
        secret_version: u64,
    ) -> Result<AccessToken, Error> {
        let now_s = self.now_ms() / 1_000;
        let expires_in_s = self.0.settings.access_token_ttl_s;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: app.client_id.to_string(),
            app: app.no.0,
            tenant: app.tenant.0,
            scope: scopes.to_string(),
            version: secret_version,
            iat: now_s,
            exp: now_s + expires_in_s,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0.keys.sign);
        let token = token.map_err(|cause| Error::Internal(format!("an access token could not be signed: {cause}")))?;
        Ok(AccessToken {
            token,
            expires_in_s,
            scopes,
        })
    }

    /// The app that shows this access token, with the scopes that both the token and the app have.
    pub async fn authenticate_app(&self, access_token: &str) -> Result<Arc<App>, Error> {
        let claims = self
            .claims(access_token)
            .ok_or_else(|| wrong("the access token is not one of ours"))?;
        if claims.exp <= self.now_ms() / 1_000 {
            return Err(wrong("the access token has expired; ask for another at /oauth/token"));
        }
        let known = self.known_app(AppNo(claims.app)).await?;
        let known = known.filter(|known| known.takes(claims.version, self.now_ms()));
        let known = known.ok_or_else(|| wrong("the app's secret was reset after this access token was given out"))?;
        self.check_tenant(known.app.tenant).await?;
        // A scope that is unknown by now allows nothing.
        let allowed: Scopes = claims
            .scope
            .split(' ')
            .filter_map(|name| name.parse::<crate::Scope>().ok())
            .collect();
        let scopes = allowed.both(known.app.scopes);
        if scopes == known.app.scopes {
            return Ok(Arc::clone(&known.app));
        }
        Ok(Arc::new(App {
            scopes,
            ..App::clone(&known.app)
        }))
    }

    fn claims(&self, access_token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        // Time comes from our own clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["iss", "exp"]);
        let token = jsonwebtoken::decode::<Claims>(access_token, &self.0.keys.verify, &validation);
        token.ok().map(|token| token.claims)
    }
}

fn wrong(detail: &str) -> Error {
    Error::refused(Refusal::Unauthenticated, detail)
}

fn wanted(scope: Option<&str>, has: Scopes) -> Result<Scopes, Error> {
    let Some(names) = scope.filter(|names| !names.trim().is_empty()) else {
        return Ok(has);
    };
    let wanted: Scopes = names
        .parse()
        .map_err(|cause| Error::refused(Refusal::InvalidField, format!("`scope`: {cause}")))?;
    if has.contains_all(wanted) {
        return Ok(wanted);
    }
    Err(Error::refused(
        Refusal::Forbidden,
        format!("the app has the scopes `{has}` only"),
    ))
}
