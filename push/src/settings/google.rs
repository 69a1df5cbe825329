//! The key file of a Google service account, as the console gives it.

use serde::Deserialize;

/// What of the key file is used; Google adds fields, so the rest is passed over.
#[derive(Deserialize)]
pub(crate) struct ServiceAccount {
    pub(crate) project_id: String,
    pub(crate) private_key_id: String,
    pub(crate) private_key: String,
    pub(crate) client_email: String,
    pub(crate) token_uri: String,
}
