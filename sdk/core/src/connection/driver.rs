//! Keeps a client connected: one session after another, with waits between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::address::Address;
use super::link::{End, Link, Login};
use super::session::Session;
use crate::backoff::Waiting;
use crate::client::Shared;
use crate::error::Error;
use crate::event::ConnectionState;
use crate::identity;
use crate::requests::{Answer, Asker, Requests};

/// Commands of the app that wait to be read.
const COMMANDS_MAX: usize = 64;

/// What the app asks of a connection.
pub(crate) enum Command {
    /// A request of the protocol.
    Ask {
        method: &'static str,
        params: Value,
        answer: oneshot::Sender<Answer>,
    },
    /// The network changed: connect anew, at once.
    NetworkChanged,
    /// Say goodbye and stop.
    Disconnect,
}

/// A client that is kept connected, for as long as this is not dropped.
pub(crate) struct Running {
    pub(crate) commands: mpsc::Sender<Command>,
    /// Ends when it has stopped trying.
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    /// Whether it still tries: it stops by itself where trying again would change nothing.
    pub(crate) fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }
}

/// Begins to keep a client connected.
pub(crate) fn start(shared: Arc<Shared>) -> Running {
    let (commands, asked) = mpsc::channel(COMMANDS_MAX);
    let driver = Driver {
        waiting: Waiting::new(shared.config.backoff),
        shared,
        commands: asked,
        requests: Requests::default(),
        referred: None,
    };
    let task = tokio::spawn(driver.run());
    Running { commands, task }
}

struct Driver {
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    requests: Requests,
    waiting: Waiting,
    /// The server the last one named.
    referred: Option<Address>,
}

/// Whether to go on.
enum Then {
    Again,
    Stop(ConnectionState),
}

impl Driver {
    async fn run(mut self) {
        loop {
            self.shared.set_state(ConnectionState::Connecting);
            match self.once().await {
                Then::Again => {}
                Then::Stop(state) => {
                    // Closed before it is told, so that who hears of it can connect again.
                    self.commands.close();
                    self.shared.set_state(state);
                    return;
                }
            }
        }
    }

    /// One connection, and the wait behind it.
    async fn once(&mut self) -> Then {
        let began = Instant::now();
        let (end, address) = match self.login() {
            Ok(login) => {
                let address = login.address.clone();
                (self.connect(&login).await, Some(address))
            }
            Err(Error::NotRegistered) => (End::Unauthorized("the device is not registered".to_owned()), None),
            Err(error) => (End::Unusable(error.to_string()), None),
        };
        let former = self.referred.take();
        let reason = match end {
            End::Asked => return Then::Stop(ConnectionState::Offline),
            End::TakenOver => return Then::Stop(ConnectionState::TakenOver),
            End::Unauthorized(detail) => return Then::Stop(ConnectionState::Unauthorized { detail }),
            End::Unusable(detail) => return Then::Stop(ConnectionState::Failed { detail }),
            End::NetworkChanged => {
                self.waiting.reset();
                self.referred = former;
                return Then::Again;
            }
            End::Referred(reference) => {
                self.referred = address.and_then(|address| address.referred(&reference));
                format!("the platform names another server: {reference}")
            }
            End::Lost(reason) => reason,
        };
        self.pause(began.elapsed(), reason).await
    }

    fn login(&self) -> Result<Login, Error> {
        let account = self.shared.account()?;
        let config = &self.shared.config;
        let address = match &self.referred {
            Some(address) => address.clone(),
            None => Address::choose(config.mqtt.as_deref(), config.transport, &account.addresses)?,
        };
        Ok(Login {
            version: config.protocol,
            address,
            client_id: account.profile.device_id.clone(),
            username: account.profile.account.clone(),
            password: account.token.clone(),
            keep_alive: config.keep_alive,
            tls: Arc::clone(&self.shared.tls),
        })
    }

    async fn connect(&mut self, login: &Login) -> End {
        let account = match self.shared.account() {
            Ok(account) => account,
            Err(error) => return End::Lost(error.to_string()),
        };
        let no = account.no;
        let cursor = match self.shared.on_store(move |store| store.cursor(no)).await {
            Ok(cursor) => cursor,
            Err(error) => return End::Lost(error.to_string()),
        };
        let session = Session::new(&self.shared, account, Link::open(login), cursor);
        session.run(&mut self.commands, &mut self.requests).await
    }

    async fn pause(&mut self, lasted: Duration, reason: String) -> Then {
        let random = identity::random().map_or(u64::MAX / 2, u64::from_le_bytes);
        let wait = self.waiting.after(lasted, random);
        let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(reason, retry_ms, "not connected");
        self.shared.set_state(ConnectionState::Waiting { retry_ms, reason });
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Then::Again,
                command = self.commands.recv() => match command {
                    None | Some(Command::Disconnect) => return Then::Stop(ConnectionState::Offline),
                    Some(Command::NetworkChanged) => {
                        self.waiting.reset();
                        return Then::Again;
                    }
                    Some(Command::Ask { method, params, answer }) => {
                        if let Ok(id) = self.shared.fresh_id() {
                            self.requests.ask(id, method, &params, Asker::App(answer));
                        }
                    }
                },
            }
        }
    }
}
