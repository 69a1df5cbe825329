//! The client: what an app calls.

mod groups;
mod reading;
mod registering;
mod sending;
mod shared;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::oneshot;

pub use groups::{Group, Member};
pub use registering::Registration;
pub(crate) use shared::Shared;

use crate::config::Config;
use crate::connection::{self, Command, Running};
use crate::error::Error;
use crate::event::{ConnectionState, Events};

/// How long an answer of the platform may take, waits for a connection included.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client: one installation, one account at a time. Clones are the same client.
///
/// It lives in a tokio runtime. When the last clone is dropped, the connection ends.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

impl Client {
    /// Opens the local table, and with it what was registered before. Touches no network.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a setting that cannot be; [`Error::Store`] and [`Error::NewerStore`].
    pub async fn open(config: Config) -> Result<Self, Error> {
        let shared = Shared::open(config).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                shared: Arc::new(shared),
                running: Mutex::new(None),
            }),
        })
    }

    /// Connects, and connects again whenever it has to, until [`Client::disconnect`]. Returns at once: how it goes is
    /// told by [`crate::Event::Connection`]. Does nothing if it is under way.
    ///
    /// # Errors
    /// [`Error::NotRegistered`].
    pub fn connect(&self) -> Result<(), Error> {
        self.shared().account()?;
        let mut running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_none_or(|running| !running.is_alive()) {
            *running = Some(connection::start(Arc::clone(&self.inner.shared)));
        }
        Ok(())
    }

    /// Says goodbye to the platform and stays away. Drafts that are handed over meanwhile wait in the outbox.
    pub async fn disconnect(&self) {
        let running = {
            let mut running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.take()
        };
        if let Some(running) = running {
            // Where it has stopped already, nobody hears this, and there is nothing to wait for.
            let _ = running.commands.send(Command::Disconnect).await;
            let _ = running.task.await;
        }
    }

    /// The network changed (another Wi-Fi, back from flight mode): connects anew at once instead of waiting.
    pub fn network_changed(&self) {
        let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref() {
            // With so many commands before it, connecting anew is what happens next anyway.
            let _ = running.commands.try_send(Command::NetworkChanged);
        }
    }

    /// How the connection is.
    pub fn connection(&self) -> ConnectionState {
        self.shared().state()
    }

    /// What happens from now on. Each stream is its own; one that is not read loses the oldest, see [`crate::Event::Missed`].
    pub fn events(&self) -> Events {
        self.shared().events()
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Asks the platform. Waits for a connection, if the client is kept connected.
    async fn ask<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let commands = {
            let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.as_ref().map(|running| running.commands.clone())
        };
        let commands = commands.ok_or(Error::Disconnected)?;
        let asked = async {
            let command = Command::Ask { method, params, answer };
            commands.send(command).await.map_err(|_| Error::Disconnected)?;
            // Dropped unanswered: the connection was given up.
            answered.await.map_err(|_| Error::Disconnected)?
        };
        let json = tokio::time::timeout(PATIENCE, asked)
            .await
            .map_err(|_| Error::Timeout)??;
        serde_json::from_str(json.get())
            .map_err(|error| Error::Unreachable(format!("an answer that is not understood: {error}")))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("connection", &self.connection())
            .finish_non_exhaustive()
    }
}
