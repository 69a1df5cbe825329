//! Binds the sockets of all doors that are open, before anything is made or served.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::running::Bound;
use crate::settings::Settings;

/// Bound sockets that nobody serves yet.
pub(crate) struct Sockets {
    pub(crate) http: Option<TcpListener>,
    pub(crate) https: Option<TcpListener>,
    pub(crate) mqtt: Option<TcpListener>,
    pub(crate) mqtts: Option<TcpListener>,
}

impl Sockets {
    pub(crate) async fn bind(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            http: bind(settings.http.bind.address(), "http").await?,
            https: bind(settings.https_address(), "https").await?,
            mqtt: bind(settings.mqtt.bind.address(), "mqtt").await?,
            mqtts: bind(settings.mqtts_address(), "mqtts").await?,
        })
    }

    pub(crate) fn bound(&self) -> Bound {
        let address = |listener: &Option<TcpListener>| listener.as_ref().and_then(|one| one.local_addr().ok());
        Bound {
            http: address(&self.http),
            https: address(&self.https),
            mqtt: address(&self.mqtt),
            mqtts: address(&self.mqtts),
        }
    }

    /// Whether a door is among them that speaks TLS.
    pub(crate) fn need_tls(&self) -> bool {
        self.https.is_some() || self.mqtts.is_some()
    }
}

async fn bind(address: Option<SocketAddr>, door: &str) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = address else {
        return Ok(None);
    };
    TcpListener::bind(address).await.map(Some).map_err(|error| {
        let next = format!("free it, or choose another: godwit serve --{door} {}:0", address.ip());
        if error.kind() == std::io::ErrorKind::AddrInUse {
            Failure::new(
                "GW-L001",
                format!("{door}: {address} is taken by another process"),
                next,
            )
        } else {
            Failure::new("GW-L002", format!("{door}: cannot listen on {address}: {error}"), next)
        }
    })
}
