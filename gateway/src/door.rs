//! What the server hands to this door, and what every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use godwit_dispatcher::Dispatcher;
use godwit_registry::Registry;
use serde::Serialize;

use crate::rate_limit::RateLimits;
use crate::settings::Settings;

/// Says what a made-up phone shows, by its vendor and token.
pub type LookAtPhone = dyn Fn(&str, &str) -> SimulatedPhone + Send + Sync;

/// All that the REST door needs.
pub struct Gateway {
    /// Does what is asked.
    pub dispatcher: Dispatcher,
    /// Knows who asks.
    pub registry: Registry,
    /// The limits.
    pub settings: Settings,
    /// What devices are told about MQTT.
    pub addresses: MqttAddresses,
    /// Why the platform is not ready to serve, one sentence per reason; called for every `/readyz`.
    /// Whether the store answers is asked besides.
    pub not_ready: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What an operator should look at although the platform serves, one sentence each; called for every `/readyz`.
    pub warnings: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What a phone shows whose vendor is simulated, by the vendor and its token; `None` where vendors are real.
    pub simulated_phone: Option<Box<LookAtPhone>>,
    /// All metrics in the text format of Prometheus; called for every `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl Gateway {
    /// A door with default settings that is always ready and has no metrics to show.
    pub fn new(dispatcher: Dispatcher, registry: Registry, addresses: MqttAddresses) -> Self {
        Self {
            dispatcher,
            registry,
            settings: Settings::default(),
            addresses,
            not_ready: Box::new(Vec::new),
            warnings: Box::new(Vec::new),
            metrics: Box::new(String::new),
            simulated_phone: None,
        }
    }
}

/// What a made-up phone shows, as `/try` draws it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulatedPhone {
    /// The number on the app's icon.
    pub badge: Option<u32>,
    /// Every notification that came, oldest first.
    pub notifications: Vec<SimulatedNotification>,
}

/// One notification on a made-up phone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulatedNotification {
    /// Its push's id.
    pub id: String,
    /// First line.
    pub title: String,
    /// The text under it.
    pub body: String,
    /// Whether it rings.
    pub rings: bool,
    /// `shown`, `replaced` by a later one of its conversation, or `withdrawn`.
    pub state: &'static str,
}

/// Where the sockets of the doors are bound; `None` for a closed door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketAddresses {
    /// MQTT over TCP.
    pub tcp: Option<SocketAddr>,
    /// MQTT over TLS.
    pub tls: Option<SocketAddr>,
    /// HTTP, which carries MQTT over WebSocket.
    pub http: Option<SocketAddr>,
    /// HTTP over TLS.
    pub https: Option<SocketAddr>,
}

/// Where devices find MQTT, as URLs. A host that is not a place (`0.0.0.0`, `[::]`) is answered as the host under which
/// the device found this door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttAddresses {
    /// Plain TCP: `mqtt://host:port`.
    pub tcp: Option<String>,
    /// TLS: `mqtts://host:port`.
    pub tls: Option<String>,
    /// WebSocket: `ws://host:port/mqtt`. A public URL in [`Settings`] goes before it.
    pub ws: Option<String>,
    /// WebSocket over TLS: `wss://host:port/mqtt`. The public URL goes before it too.
    pub wss: Option<String>,
}

impl MqttAddresses {
    /// The addresses of bound sockets; WebSocket shares those of HTTP.
    pub fn of_sockets(bound: &SocketAddresses) -> Self {
        let url = |scheme: &str, address: Option<SocketAddr>, path: &str| {
            address.map(|address| format!("{scheme}://{address}{path}"))
        };
        Self {
            tcp: url("mqtt", bound.tcp, ""),
            tls: url("mqtts", bound.tls, ""),
            ws: url("ws", bound.http, "/mqtt"),
            wss: url("wss", bound.https, "/mqtt"),
        }
    }

    /// Puts a public URL of this door in the place of where its sockets are bound.
    fn publish(&mut self, public_url: &str) {
        let base = public_url.trim_end_matches('/');
        let base = match base.split_once("://") {
            Some(("https", rest)) => format!("wss://{rest}"),
            Some((_, rest)) => format!("ws://{rest}"),
            None => format!("ws://{base}"),
        };
        self.ws = Some(format!("{base}/mqtt"));
        self.wss.clone_from(&self.ws);
    }

    fn seen_from(&self, host: Option<&str>) -> Self {
        let place = |url: &Option<String>| {
            let (url, host) = (url.as_ref()?, host);
            Some(host.map_or_else(
                || url.clone(),
                |host| {
                    url.replacen("://0.0.0.0", &format!("://{host}"), 1)
                        .replacen("://[::]", &format!("://{host}"), 1)
                },
            ))
        };
        Self {
            tcp: place(&self.tcp),
            tls: place(&self.tls),
            ws: place(&self.ws),
            wss: place(&self.wss),
        }
    }

    /// The WebSocket address for somebody who asked over TLS or not: as it asked, if that door is there.
    pub fn websocket(&self, is_tls: bool) -> Option<&str> {
        let (first, second) = if is_tls {
            (&self.wss, &self.ws)
        } else {
            (&self.ws, &self.wss)
        };
        first.as_deref().or(second.as_deref())
    }
}

/// What every handler holds.
#[derive(Clone)]
pub(crate) struct Door(Arc<Inside>);

pub(crate) struct Inside {
    pub(crate) gateway: Gateway,
    pub(crate) rate_limits: RateLimits,
}

impl std::ops::Deref for Door {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl Door {
    pub(crate) fn new(mut gateway: Gateway) -> Self {
        if let Some(public_url) = &gateway.settings.public_url {
            gateway.addresses.publish(public_url);
        }
        let rate_limits = RateLimits::new(&gateway.settings);
        Self(Arc::new(Inside { gateway, rate_limits }))
    }

    pub(crate) fn dispatcher(&self) -> &Dispatcher {
        &self.gateway.dispatcher
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.gateway.registry
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.gateway.settings
    }

    /// The MQTT addresses for who sent these headers.
    pub(crate) fn addresses(&self, headers: &HeaderMap) -> MqttAddresses {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.gateway.addresses.seen_from(host.and_then(host_without_port))
    }
}

/// The host of a `Host` header, if it is one.
fn host_without_port(host: &str) -> Option<&str> {
    let end = match host.find(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let name = host.get(..end)?;
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'[' | b']' | b':'));
    (plain && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_no_place_becomes_the_host_the_device_found() {
        let bound = MqttAddresses::of_sockets(&SocketAddresses {
            tcp: "0.0.0.0:1883".parse().ok(),
            tls: "[::]:8883".parse().ok(),
            http: "127.0.0.1:8080".parse().ok(),
            https: "0.0.0.0:8443".parse().ok(),
        });
        let seen = bound.seen_from(host_without_port("192.168.1.5:8080"));
        assert_eq!(seen.tcp.as_deref(), Some("mqtt://192.168.1.5:1883"));
        assert_eq!(seen.tls.as_deref(), Some("mqtts://192.168.1.5:8883"));
        assert_eq!(seen.websocket(false), Some("ws://127.0.0.1:8080/mqtt"));
        assert_eq!(seen.websocket(true), Some("wss://192.168.1.5:8443/mqtt"));
        assert_eq!(bound.seen_from(host_without_port("a\" b")), bound);
    }

    #[test]
    fn who_asks_over_a_door_is_told_of_the_same_door_if_it_is_there() {
        let of = |http: &str, https: &str| {
            MqttAddresses::of_sockets(&SocketAddresses {
                http: http.parse().ok(),
                https: https.parse().ok(),
                ..SocketAddresses::default()
            })
        };
        let plain = of("127.0.0.1:80", "");
        assert_eq!(plain.websocket(true), Some("ws://127.0.0.1:80/mqtt"));
        let secret = of("", "127.0.0.1:443");
        assert_eq!(secret.websocket(false), Some("wss://127.0.0.1:443/mqtt"));
        assert_eq!((secret.tcp, secret.tls), (None, None));
    }

    #[test]
    fn a_public_url_decides_the_websocket_address() {
        let published = |url: &str| {
            let mut addresses = MqttAddresses::of_sockets(&SocketAddresses::default());
            addresses.publish(url);
            assert_eq!(addresses.websocket(true), addresses.websocket(false));
            addresses.websocket(true).map(str::to_owned)
        };
        let expected = Some("wss://im.example.org/mqtt");
        assert_eq!(published("https://im.example.org/").as_deref(), expected);
        let expected = Some("ws://localhost:8080/mqtt");
        assert_eq!(published("http://localhost:8080").as_deref(), expected);
    }

    #[test]
    fn a_host_is_read_without_its_port() {
        assert_eq!(host_without_port("[::1]:8080"), Some("[::1]"));
        assert_eq!(host_without_port("im.example.org"), Some("im.example.org"));
        assert_eq!(host_without_port(""), None);
    }
}
