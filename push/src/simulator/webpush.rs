//! Stands in for the push service of a browser, and for the browsers that subscribed to it.

mod decrypt;
mod rules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use super::World;
use super::script::Script;
use super::server::{Server, StartError};
use crate::settings::{Connection, Pace, WebPush};
use crate::{Secret, VendorName, base64url};

/// The VAPID key of the settings; the browsers subscribe with its public half.
const PRIVATE_KEY: [u8; 32] = [0x5A; 32];

/// A browser with a subscription.
#[derive(Clone)]
pub struct Browser {
    /// The subscription as its page sends it to the server: JSON.
    pub subscription: String,
    key: SecretKey,
    secret: [u8; 16],
}

/// The browsers by the last part of their endpoint.
#[derive(Default)]
pub(crate) struct Browsers(Mutex<HashMap<String, Browser>>);

impl Browsers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Browser>> {
        self.0.lock().expect("nothing panics while it holds the browsers")
    }

    fn find(&self, name: &str) -> Option<Browser> {
        self.all().get(name).cloned()
    }
}

/// A simulated push service. Stops when it is dropped.
pub struct WebPushSimulator {
    server: Server,
    world: Arc<World>,
    browsers: Arc<Browsers>,
}

impl WebPushSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("https://{}", listener.local_addr()?);
        let (script, browsers) = (Arc::new(Script::default()), Arc::new(Browsers::default()));
        let rules = rules::Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            browsers: Arc::clone(&browsers),
            origin,
            server_key: public(&SecretKey::from_slice(&PRIVATE_KEY).expect("the bytes above are a key")),
        };
        Ok(Self {
            server: Server::serve(listener, &world.authority, script, Arc::new(rules))?,
            world: Arc::clone(world),
            browsers,
        })
    }

    /// A browser of this name subscribes; the same name gives the same subscription.
    pub fn subscribe(&self, name: &str) -> Browser {
        let hash = *blake3::hash(name.as_bytes()).as_bytes();
        // The first byte kept small, so that it is below the order of the curve.
        let mut bytes = hash;
        bytes[0] = 1;
        let key = SecretKey::from_slice(&bytes).expect("it is below the order of the curve and not zero");
        let [secret @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        let id = base64url::encode(hash);
        let subscription = json!({
            "endpoint": format!("{}/push/{id}", self.server.origin()),
            "expirationTime": null,
            "keys": {"p256dh": base64url::encode(public(&key)), "auth": base64url::encode(secret)},
        });
        let browser = Browser {
            subscription: subscription.to_string(),
            key,
            secret,
        };
        self.browsers.all().insert(id, browser.clone());
        browser
    }

    /// Settings that lead here: loopback is allowed.
    pub fn settings(&self) -> WebPush {
        let connection = self.world.connection(String::new(), None);
        WebPush {
            private_key: Secret::new(base64url::encode(PRIVATE_KEY)),
            subject: "mailto:push@godwit.example".to_owned(),
            hosts: vec!["127.0.0.1".to_owned()],
            private_addresses: true,
            connection: Connection {
                base_url: None,
                ..connection
            },
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }
}

fn public(key: &SecretKey) -> Vec<u8> {
    key.public_key().to_encoded_point(false).as_bytes().to_vec()
}

/// What a device is called by its vendor: the token, or the end of a subscription's endpoint.
pub(crate) fn name_of(vendor: VendorName, token: &str) -> String {
    let endpoint = || {
        let subscription: serde_json::Value = serde_json::from_str(token).ok()?;
        let endpoint = Url::parse(subscription.get("endpoint")?.as_str()?).ok()?;
        endpoint.path().rsplit('/').next().map(str::to_owned)
    };
    let of_browser = (vendor == VendorName::WebPush).then(endpoint).flatten();
    of_browser.unwrap_or_else(|| token.to_owned())
}
