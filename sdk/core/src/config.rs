//! What an app decides before it opens a client.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;

/// Shortest keep-alive: the MQTT client below takes nothing shorter.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);

/// What an app decides before it opens a client. [`Config::new`] has a default for everything else.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The file of the local table. It is made if it is not there; SQLite puts two more files beside it.
    pub store: PathBuf,
    /// Where the platform's HTTP door is: `https://im.example.com`.
    pub server: String,
    /// What the device says of itself when it registers.
    pub device: DeviceFacts,
    /// How the connection is carried.
    pub transport: Transport,
    /// Where to connect instead of where the registration says: a URL with `mqtt`, `mqtts`, `ws` or `wss`.
    pub mqtt: Option<String>,
    /// Which MQTT is spoken.
    pub protocol: MqttVersion,
    /// Whose certificates are believed, for HTTPS and for MQTT.
    pub trust: Trust,
    /// How much of an inbox that has been in use is fetched when this device sees it first.
    pub backlog: Backlog,
    /// How long the connection may be silent before it is probed: 5 s or more, 30 s by default.
    pub keep_alive: Duration,
    /// How long to wait before connecting again.
    pub backoff: Backoff,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Config {
    /// The defaults, with a file for the local table and the URL of the platform's HTTP door.
    pub fn new(store: impl Into<PathBuf>, server: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            server: server.into(),
            device: DeviceFacts::default(),
            transport: Transport::default(),
            mqtt: None,
            protocol: MqttVersion::default(),
            trust: Trust::default(),
            backlog: Backlog::default(),
            keep_alive: Duration::from_secs(30),
            backoff: Backoff::default(),
            clock: Arc::new(SystemClock),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.keep_alive < KEEP_ALIVE_MIN {
            return Err(Error::invalid("keep_alive", "must be 5 seconds or more"));
        }
        if self.backoff.first.is_zero() || self.backoff.most < self.backoff.first {
            return Err(Error::invalid(
                "backoff",
                "`first` must be above zero and not above `most`",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("store", &self.store)
            .field("server", &self.server)
            .field("transport", &self.transport)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its operating system.
    pub os: Os,
    /// The model, for people; at most 255 bytes.
    pub model: String,
    /// The version of the app; at most 255 bytes.
    pub app_version: String,
    /// Its language (BCP 47).
    pub language: Option<String>,
}

/// An operating system, as the protocol numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Os {
    /// 1
    Ios,
    /// 2
    Android,
    /// 3
    Web,
    /// 4
    Windows,
    /// −1
    #[default]
    Unknown,
}

impl Os {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Web => "web",
            Self::Windows => "windows",
            Self::Unknown => "unknown",
        }
    }
}

/// Where the device's vendor reaches this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushToken {
    /// The vendor's short name, such as `apns` or `fcm`.
    pub vendor: String,
    /// The token as the vendor gave it.
    pub token: String,
}

/// How the connection is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// TLS where the platform offers it, plain TCP otherwise.
    #[default]
    Auto,
    /// Plain TCP.
    Tcp,
    /// TLS.
    Tls,
    /// WebSocket, with TLS where the platform offers it: where only HTTP passes.
    WebSocket,
}

/// Which MQTT is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MqttVersion {
    /// MQTT 5: a refusal is told at once, with its code.
    #[default]
    V5,
    /// MQTT 3.1.1: a refusal is told by an entry of the inbox.
    V311,
}

/// Whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those the device's system believes.
    #[default]
    System,
    /// Those of this file (PEM), and no others: a pinned authority.
    File(PathBuf),
    /// Those in these bytes (PEM), and no others.
    Pem(Vec<u8>),
}

/// How much of an inbox that has been in use is fetched when a device sees it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backlog {
    /// Everything the platform keeps.
    #[default]
    Everything,
    /// The newest so many entries; older ones by [`crate::Client::fetch_older`].
    Latest(u64),
}

/// How long to wait before connecting again: a random time up to a bound that doubles with each failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The bound after the first failure; 500 ms by default.
    pub first: Duration,
    /// The highest bound; 60 s by default.
    pub most: Duration,
    /// A connection that lasted this long starts the bound anew; 30 s by default.
    pub stable: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_mins(1),
            stable: Duration::from_secs(30),
        }
    }
}
