//! What the client and its connection share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, broadcast, watch};

use crate::config::Config;
use crate::error::Error;
use crate::event::{ConnectionState, EVENTS_MAX, Event, Events};
use crate::identity;
use crate::profile::Account;
use crate::rest::Rest;
use crate::store::Store;
use crate::tls;

/// What the client and its connection share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) rest: Rest,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    /// A draft was handed over.
    pub(crate) outbox_changed: Notify,
    pub(super) unique_code: String,
    store: Arc<Store>,
    account: Mutex<Option<Arc<Account>>>,
    events: broadcast::Sender<Event>,
    state: watch::Sender<ConnectionState>,
}

impl Shared {
    pub(super) async fn open(config: Config) -> Result<Self, Error> {
        config.check()?;
        let tls = tls::client_config(&config.trust)?;
        let rest = Rest::new(&config.server, &tls)?;
        let fresh = identity::unique_code(identity::random()?);
        let path = config.store.clone();
        let opened = blocking(move || {
            let store = Store::open(&path)?;
            let (unique_code, account) = (store.unique_code(&fresh)?, store.account()?);
            Ok((Arc::new(store), unique_code, account))
        });
        let (store, unique_code, account) = opened.await?;
        Ok(Self {
            config,
            rest,
            tls,
            outbox_changed: Notify::new(),
            unique_code,
            store,
            account: Mutex::new(account.map(Arc::new)),
            events: broadcast::channel(EVENTS_MAX).0,
            state: watch::Sender::new(ConnectionState::Offline),
        })
    }

    /// Does work on the table, on a thread that may block.
    pub(crate) async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.store);
        blocking(move || work(&store)).await
    }

    /// The current account.
    pub(crate) fn account(&self) -> Result<Arc<Account>, Error> {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.clone().ok_or(Error::NotRegistered)
    }

    pub(super) fn set_account(&self, account: Option<Account>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account.map(Arc::new);
    }

    /// An id of a message or a request.
    pub(crate) fn fresh_id(&self) -> Result<String, Error> {
        Ok(identity::message_id(self.config.clock.now_ms(), identity::random()?))
    }

    /// Tells the app, if it listens.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(super) fn events(&self) -> Events {
        Events::new(self.events.subscribe())
    }

    pub(super) fn state(&self) -> ConnectionState {
        self.state.borrow().clone()
    }

    /// The connection is in another state.
    pub(crate) fn set_state(&self, state: ConnectionState) {
        if self.state.send_replace(state.clone()) != state {
            self.tell(Event::Connection(state));
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(broken) => Err(Error::Store(Box::new(broken))),
    }
}
