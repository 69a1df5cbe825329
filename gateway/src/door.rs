//! What the server hands to this door, and what every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use godwit_dispatcher::Dispatcher;
use godwit_registry::Registry;

use crate::rate_limit::RateLimits;
use crate::settings::Settings;

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
        }
    }
}

/// Where devices find MQTT, as URLs. A host that is not a place (`0.0.0.0`, `[::]`) is answered as the host under which
/// the device found this door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttAddresses {
    /// Plain TCP: `mqtt://host:port`.
    pub tcp: String,
    /// TLS: `mqtts://host:port`.
    pub tls: Option<String>,
    /// WebSocket: `ws://host:port/mqtt`. A public URL in [`Settings`] goes before it.
    pub ws: String,
}

impl MqttAddresses {
    /// The addresses of bound sockets; WebSocket shares the HTTP one.
    pub fn of_sockets(tcp: SocketAddr, tls: Option<SocketAddr>, http: SocketAddr) -> Self {
        Self {
            tcp: format!("mqtt://{tcp}"),
            tls: tls.map(|tls| format!("mqtts://{tls}")),
            ws: format!("ws://{http}/mqtt"),
        }
    }

    /// The WebSocket address behind a public URL of this door.
    fn ws_of(public_url: &str) -> String {
        let base = public_url.trim_end_matches('/');
        let base = match base.split_once("://") {
            Some(("https", rest)) => format!("wss://{rest}"),
            Some((_, rest)) => format!("ws://{rest}"),
            None => format!("ws://{base}"),
        };
        format!("{base}/mqtt")
    }

    fn seen_from(&self, host: Option<&str>) -> Self {
        let place = |url: &str| match host {
            Some(host) => {
                url.replacen("://0.0.0.0", &format!("://{host}"), 1)
                    .replacen("://[::]", &format!("://{host}"), 1)
            }
            None => url.to_owned(),
        };
        Self {
            tcp: place(&self.tcp),
            tls: self.tls.as_deref().map(place),
            ws: place(&self.ws),
        }
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
            gateway.addresses.ws = MqttAddresses::ws_of(public_url);
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
        let bound = MqttAddresses::of_sockets(
            "0.0.0.0:1883".parse().unwrap(),
            Some("[::]:8883".parse().unwrap()),
            "127.0.0.1:8080".parse().unwrap(),
        );
        let seen = bound.seen_from(host_without_port("192.168.1.5:8080"));
        assert_eq!(seen.tcp, "mqtt://192.168.1.5:1883");
        assert_eq!(seen.tls.as_deref(), Some("mqtts://192.168.1.5:8883"));
        assert_eq!(seen.ws, "ws://127.0.0.1:8080/mqtt");
        assert_eq!(bound.seen_from(host_without_port("a\" b")), bound);
    }

    #[test]
    fn a_public_url_decides_the_websocket_address() {
        assert_eq!(
            MqttAddresses::ws_of("https://im.example.org/"),
            "wss://im.example.org/mqtt"
        );
        assert_eq!(
            MqttAddresses::ws_of("http://localhost:8080"),
            "ws://localhost:8080/mqtt"
        );
    }

    #[test]
    fn a_host_is_read_without_its_port() {
        assert_eq!(host_without_port("[::1]:8080"), Some("[::1]"));
        assert_eq!(host_without_port("im.example.org"), Some("im.example.org"));
        assert_eq!(host_without_port(""), None);
    }
}
