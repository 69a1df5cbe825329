//! Apps: third-party clients of the REST API, their secrets and access tokens.

use std::sync::Arc;

use godwit_model::{AppNo, TenantNo};

use crate::scope::Scopes;

/// An app, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The dense internal number.
    pub no: AppNo,
    /// Whose app it is.
    pub tenant: TenantNo,
    /// The public id.
    pub client_id: Box<str>,
    /// A name for people.
    pub name: Box<str>,
    /// What it may do; for an app that came in by an access token, what that token allows.
    pub scopes: Scopes,
}

/// An app whose secret was just made. The secret is shown this once.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// The app.
    pub app: Arc<App>,
    /// The secret; only its hash is kept.
    pub client_secret: String,
}

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
