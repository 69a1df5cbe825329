//! Where to connect: a URL, chosen among those of the registration.

use reqwest::Url;

use crate::config::Transport;
use crate::error::Error;
use crate::profile::Addresses;

/// How bytes are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Tcp,
    Tls,
    WebSocket,
    WebSocketTls,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) carrier: Carrier,
    pub(super) host: String,
    pub(super) port: u16,
    /// The whole URL; it is what a WebSocket asks for.
    pub(super) url: String,
}

impl Address {
    /// The address the app names, or the one of the registration that fits the transport.
    pub(super) fn choose(named: Option<&str>, transport: Transport, offered: &Addresses) -> Result<Self, Error> {
        let missing = || Error::invalid("transport", "the platform does not offer it");
        let url = match (named, transport) {
            (Some(url), _) => url,
            (None, Transport::Auto) => offered.tls.as_deref().or(offered.tcp.as_deref()).ok_or_else(missing)?,
            (None, Transport::Tcp) => offered.tcp.as_deref().ok_or_else(missing)?,
            (None, Transport::Tls) => offered.tls.as_deref().ok_or_else(missing)?,
            (None, Transport::WebSocket) => offered.ws.as_deref().ok_or_else(missing)?,
        };
        Self::parse(url)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let fault = |detail: String| Error::invalid("mqtt", detail);
        let url = Url::parse(text).map_err(|error| fault(format!("{text}: {error}")))?;
        let (carrier, default_port) = match url.scheme() {
            "mqtt" | "tcp" => (Carrier::Tcp, 1883),
            "mqtts" | "ssl" => (Carrier::Tls, 8883),
            "ws" => (Carrier::WebSocket, 80),
            "wss" => (Carrier::WebSocketTls, 443),
            other => return Err(fault(format!("{text}: `{other}` is none of mqtt, mqtts, ws, wss"))),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| fault(format!("{text}: no host")))?;
        Ok(Self {
            carrier,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(default_port),
            url: text.to_owned(),
        })
    }

    /// The server another one refers to (MQTT 5.0, 4.11): host and perhaps port, the first of several.
    pub(super) fn referred(&self, reference: &str) -> Option<Self> {
        let first = reference.split_whitespace().next()?;
        let mut url = Url::parse(&self.url).ok()?;
        // Only schemes with a known default may be rewritten in place; the parts are put together by hand.
        let other = Url::parse(&format!("http://{first}")).ok()?;
        let host = other.host_str()?.to_owned();
        let port = first.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port: u16 = port.unwrap_or(self.port);
        if url.set_host(Some(&host)).is_err() || url.set_port(Some(port)).is_err() {
            return None;
        }
        Some(Self {
            carrier: self.carrier,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            url: url.into(),
        })
    }

    /// The host as `host:port` needs it.
    pub(super) fn bracketed_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Addresses {
        Addresses {
            tcp: Some("mqtt://im.example.com:1883".to_owned()),
            tls: Some("mqtts://im.example.com".to_owned()),
            ws: Some("wss://im.example.com/mqtt".to_owned()),
        }
    }

    #[test]
    fn the_transport_chooses_among_what_is_offered() {
        for (transport, carrier, port) in [
            (Transport::Auto, Carrier::Tls, 8883),
            (Transport::Tcp, Carrier::Tcp, 1883),
            (Transport::Tls, Carrier::Tls, 8883),
            (Transport::WebSocket, Carrier::WebSocketTls, 443),
        ] {
            let chosen = Address::choose(None, transport, &offered()).expect("offered");
            assert_eq!((chosen.carrier, chosen.port), (carrier, port));
            assert_eq!(chosen.host, "im.example.com");
        }
        let plain = Addresses { tls: None, ..offered() };
        let chosen = Address::choose(None, Transport::Auto, &plain).expect("offered");
        assert_eq!(chosen.carrier, Carrier::Tcp);
        assert!(
            Address::choose(None, Transport::Tls, &plain).is_err(),
            "never plain where TLS was asked for"
        );
    }

    #[test]
    fn what_the_app_names_comes_first() {
        let chosen = Address::choose(Some("mqtt://[::1]:7"), Transport::Tls, &offered()).expect("named");
        assert_eq!(
            (chosen.host.as_str(), chosen.bracketed_host().as_str(), chosen.port),
            ("::1", "[::1]", 7)
        );
        for bad in ["", "im.example.com", "http://x", "mqtt://"] {
            assert!(
                Address::choose(Some(bad), Transport::Auto, &offered()).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_reference_names_another_server_and_keeps_the_rest() {
        let home = Address::choose(None, Transport::WebSocket, &offered()).expect("offered");
        let other = home.referred("b.example.com:9000 c.example.com").expect("a reference");
        assert_eq!((other.host.as_str(), other.port), ("b.example.com", 9000));
        assert_eq!(other.url, "wss://b.example.com:9000/mqtt");
        let home = Address::choose(None, Transport::Tcp, &offered()).expect("offered");
        let other = home.referred("10.0.0.7").expect("a reference");
        assert_eq!(
            (other.host.as_str(), other.port, other.carrier),
            ("10.0.0.7", 1883, Carrier::Tcp)
        );
    }
}
