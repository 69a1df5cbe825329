//! Stands in for Google: the tokens of service accounts, and FCM's HTTP v1 API.

mod rules;
mod token;

use std::sync::Arc;

use serde_json::json;

use super::World;
use super::script::Script;
use super::server::{Server, StartError};
use super::tokens::Tokens;
use crate::Secret;
use crate::settings::{Classes, Fcm, Pace};

pub(crate) const PROJECT: &str = "simulated-project";
pub(crate) const PACKAGE: &str = "example.godwit";
pub(crate) const CLIENT_EMAIL: &str = "push@simulated-project.example";
pub(crate) const KEY_ID: &str = "simulated-key";
const KEY: &str = include_str!("keys/google.pem");
/// Google's tokens live for an hour, less a second.
const LIFE_MS: u64 = 3_599_000;

/// Gives Google's access tokens.
pub struct GoogleTokenSimulator {
    server: Server,
    tokens: Arc<Tokens>,
    address: String,
}

impl GoogleTokenSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let tokens = Arc::new(Tokens::new(LIFE_MS));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("https://{}/token", listener.local_addr()?);
        let script = Arc::new(Script::default());
        let rules = token::Rules::new(world, &tokens, &script, address.clone());
        let server = Server::serve(listener, &world.authority, script, Arc::new(rules))?;
        Ok(Self {
            server,
            tokens,
            address,
        })
    }

    /// How many tokens were given.
    pub fn given(&self) -> usize {
        self.tokens.count()
    }

    /// All tokens that were given have expired.
    pub fn expire(&self) {
        self.tokens.expire();
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }
}

/// Takes FCM's messages.
pub struct FcmSimulator {
    server: Server,
    world: Arc<World>,
}

impl FcmSimulator {
    pub(crate) async fn start(world: &Arc<World>, google: &GoogleTokenSimulator) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = rules::Rules::new(world, &google.tokens, &script);
        Ok(Self {
            server: Server::start(&world.authority, script, Arc::new(rules)).await?,
            world: Arc::clone(world),
        })
    }

    /// Settings that lead here, with an account that is taken.
    pub fn settings(&self, google: &GoogleTokenSimulator) -> Fcm {
        let account = json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": KEY,
            "client_email": CLIENT_EMAIL,
            "client_id": "1",
            "token_uri": google.address,
        });
        Fcm {
            service_account: Secret::new(account.to_string()),
            project: None,
            package: Some(PACKAGE.to_owned()),
            retry_seconds: 60,
            class: Classes::default(),
            connection: self.world.connection(self.server.origin(), None),
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }
}
