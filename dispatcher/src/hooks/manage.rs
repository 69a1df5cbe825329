//! An app manages the hooks of its tenant.

use godwit_model::{Refusal, Refused};
use godwit_push::call::check_address;
use godwit_registry::{App, Error, Expected, Hook, HookSays, Scope};

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;

/// The hook that is asked before a message is taken: of the tenant; with a point and a client id, of an app.
pub const BEFORE_SEND: &str = "before-send";
/// The hook that is the source of the tenant's groups and of who blocks whom.
pub const RESOLVER: &str = "resolver";
/// How old an answer may be that is used where a resolver does not answer, if nobody says otherwise: a day.
const STALE_S: u64 = 24 * 3_600;
/// The oldest it may be: 30 days.
const STALE_S_MAX: u64 = 30 * 24 * 3_600;

/// How long a hook may take if nobody says otherwise, in milliseconds.
const TIME_LIMIT_MS: u64 = 2_000;
/// The shortest time that a hook may be given, in milliseconds.
const TIME_LIMIT_MS_MIN: u64 = 50;
/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2_048;

/// What a hook is to be.
#[derive(Clone, Debug)]
pub struct HookWish {
    /// Where it is asked.
    pub url: String,
    /// How long it may take, in milliseconds.
    pub time_limit_ms: Option<u64>,
    /// What is done where it does not answer: `allow` or `refuse`.
    pub on_failure: String,
    /// Of a resolver: how old an answer may be that is used where it does not answer, in seconds.
    pub stale_s: Option<u64>,
    /// Whether it is asked.
    pub enabled: bool,
}

impl Dispatcher {
    /// Reads the hooks of all tenants. Called once, at the start.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn know_hooks(&self) -> Result<(), Error> {
        if let Some(desk) = &self.hooks.0 {
            desk.know(self.registry.every_hook().await?);
        }
        Ok(())
    }

    /// The hooks of the app's tenant.
    pub async fn hooks(&self, app: &App) -> Result<Vec<Hook>, Refused> {
        self.registry.hooks(app.tenant).await.map_err(of_registry)
    }

    /// A hook of the app's tenant.
    pub async fn hook(&self, app: &App, name: &str) -> Result<Hook, Refused> {
        self.registry.hook(app.tenant, name).await.map_err(of_registry)
    }

    /// Keeps a hook as it is said, and says whether it is new; `None` when it is not as expected.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a name that no hook can have.
    pub async fn put_hook(
        &self,
        app: &App,
        name: &str,
        wish: HookWish,
        expected: Expected,
    ) -> Result<Option<(Hook, bool)>, Refused> {
        self.check_hook(app, name).await?;
        let says = self.judged_hook(wish)?;
        let (dispatcher, tenant, name) = (self.clone(), app.tenant, name.to_owned());
        to_the_end(async move {
            let put = dispatcher.registry.put_hook((tenant, &name), &says, expected).await;
            let put = match put {
                Err(Error::Differs) => return Ok(None),
                other => other.map_err(of_registry)?,
            };
            dispatcher.know_hooks().await.map_err(of_registry)?;
            Ok(Some(put))
        })
        .await
    }

    /// Gives a hook another secret; the former one signs as well for so many seconds.
    pub async fn rotate_hook_secret(&self, app: &App, name: &str, overlap_s: u64) -> Result<Hook, Refused> {
        let (dispatcher, tenant, name) = (self.clone(), app.tenant, name.to_owned());
        to_the_end(async move {
            let rotated = dispatcher.registry.rotate_hook_secret((tenant, &name), overlap_s).await;
            let rotated = rotated.map_err(of_registry)?;
            dispatcher.know_hooks().await.map_err(of_registry)?;
            Ok(rotated)
        })
        .await
    }

    /// Forgets a hook; `None` when it is not as expected.
    pub async fn remove_hook(&self, app: &App, name: &str, expected: Expected) -> Result<Option<()>, Refused> {
        let (dispatcher, tenant, name) = (self.clone(), app.tenant, name.to_owned());
        to_the_end(async move {
            match dispatcher.registry.remove_hook(tenant, &name, expected).await {
                Err(Error::Differs) => return Ok(None),
                other => other.map_err(of_registry)?,
            }
            dispatcher.know_hooks().await.map_err(of_registry)?;
            Ok(Some(()))
        })
        .await
    }

    /// Whether a hook may have this name, and the app may see what it would be told.
    async fn check_hook(&self, app: &App, name: &str) -> Result<(), Refused> {
        if !app.scopes.contains(Scope::MessagesRead) {
            let detail = "a hook reads messages: needs the scope `messages:read` as well";
            return Err(Refused::new(Refusal::Forbidden, detail));
        }
        let none = || {
            let detail =
                format!("no hook can be {name:?}: `{BEFORE_SEND}`, `{BEFORE_SEND}.` and a client id, or `{RESOLVER}`");
            Refused::new(Refusal::NotFound, detail)
        };
        if name == RESOLVER {
            return Ok(());
        }
        match name.strip_prefix(BEFORE_SEND).ok_or_else(none)? {
            "" => Ok(()),
            rest => {
                let client_id = rest.strip_prefix('.').ok_or_else(none)?;
                let found = self.registry.app(app.tenant, client_id).await.map_err(of_registry)?;
                found.map(|_| ()).ok_or_else(none)
            }
        }
    }

    fn judged_hook(&self, wish: HookWish) -> Result<HookSays, Refused> {
        let unsupported = || Refused::new(Refusal::Unsupported, "this platform asks no hooks");
        let settings = &self.hooks.0.as_ref().ok_or_else(unsupported)?.settings;
        let invalid = |detail: String| Refused::new(Refusal::InvalidField, detail);
        if wish.url.len() > URL_BYTES_MAX {
            return Err(invalid(format!("`url` has at most {URL_BYTES_MAX} bytes")));
        }
        check_address(&wish.url, settings.private_addresses).map_err(|why| invalid(format!("`url` {why}")))?;
        let time_limit_ms = wish.time_limit_ms.unwrap_or(TIME_LIMIT_MS);
        if !(TIME_LIMIT_MS_MIN..=settings.time_limit_max_ms).contains(&time_limit_ms) {
            let most = settings.time_limit_max_ms;
            return Err(invalid(format!("`timeLimitMs` is {TIME_LIMIT_MS_MIN} to {most}")));
        }
        if !matches!(wish.on_failure.as_str(), "allow" | "refuse") {
            return Err(invalid("`onFailure` must be `allow` or `refuse`".to_owned()));
        }
        let stale_s = wish.stale_s.unwrap_or(STALE_S);
        if stale_s > STALE_S_MAX {
            return Err(invalid(format!("`staleSeconds` is at most {STALE_S_MAX}")));
        }
        Ok(HookSays {
            url: wish.url,
            time_limit_ms,
            on_failure: wish.on_failure,
            stale_ms: stale_s * 1_000,
            enabled: wish.enabled,
        })
    }
}
