//! What the page to try the platform speaks for: the first app, without its secret.

use std::sync::Arc;

use crate::access_token::AccessToken;
use crate::app::App;
use crate::error::Error;
use crate::registry::Registry;
use crate::scope::{Scope, Scopes};

/// What a try needs: the app it belongs to, and a credential for its backend's part.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The app that was made first.
    pub app: Arc<App>,
    /// A token of that app that sends messages and does nothing else.
    pub access_token: AccessToken,
}

impl Registry {
    /// Begins a try in the name of the first app; `None` when there is no app yet.
    ///
    /// Nobody proves anything here: the caller must have made sure that whoever asks may have this.
    pub async fn begin_trial(&self) -> Result<Option<Trial>, Error> {
        let Some(record) = self.0.store.oldest_app().await? else {
            return Ok(None);
        };
        let Some(known) = self.known_app(record.no).await? else {
            return Ok(None);
        };
        let scopes = Scopes::from_iter([Scope::Messages]).both(known.app.scopes);
        let access_token = self.sign_access_token(&known.app, scopes, known.secret_version)?;
        Ok(Some(Trial {
            app: Arc::clone(&known.app),
            access_token,
        }))
    }
}
