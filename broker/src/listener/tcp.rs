//! Accepts TCP connections, with or without TLS on them; nothing a client does holds it up.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::places::Place;
use crate::{Broker, Tls, connection};

/// How long accepting rests after an error: usually the process has no file descriptors left.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

impl Broker {
    /// Serves MQTT on a bound listener until the door closes.
    pub async fn serve(&self, listener: TcpListener) {
        while let Some((stream, address)) = self.accept(&listener).await {
            if let Some(place) = self.place_for(&stream, address.ip()) {
                self.welcome(stream, place);
            }
        }
    }

    /// Serves MQTT over TLS on a bound listener until the door closes. Every handshake has a task of its own; it and
    /// CONNECT share the connect timeout.
    pub async fn serve_tls(&self, listener: TcpListener, tls: Arc<Tls>) {
        while let Some((stream, address)) = self.accept(&listener).await {
            if let Some(place) = self.place_for(&stream, address.ip()) {
                self.welcome_tls((stream, address.ip()), place, Arc::clone(&tls));
            }
        }
    }

    /// The next connection; `None` when the door closes.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.door.closing.cancelled() => return None,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    metrics::counter!("mqtt_connections_refused_total", "reason" => "accept_failed").increment(1);
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    fn place_for(&self, stream: &TcpStream, address: IpAddr) -> Option<Place> {
        let place = self.door.places.take(Some(address))?;
        // Without it an acknowledgement may wait for the client's delayed one. A dead socket is noticed by reading.
        let _ = stream.set_nodelay(true);
        // A client may ask for no keep-alive of MQTT; the kernel's finds the half-open ones.
        let _ = socket2::SockRef::from(stream).set_keepalive(true);
        Some(place)
    }

    fn welcome(&self, stream: TcpStream, place: Place) {
        let door = self.door.clone();
        self.door.connections.spawn(async move {
            let since = door.now();
            connection::serve(door, stream, ("tcp", since)).await;
            drop(place);
        });
    }

    fn welcome_tls(&self, (stream, address): (TcpStream, IpAddr), place: Place, tls: Arc<Tls>) {
        let door = self.door.clone();
        self.door.connections.spawn(async move {
            let since = door.now();
            let deadline = door.instant(since.saturating_add(door.limits.connect_timeout_ms));
            let shaken = tokio::select! {
                () = door.closing.cancelled() => None,
                // In a box: what a handshake needs is not kept by the connection that follows.
                shaken = Box::pin(tls.accept(stream, address, deadline)) => shaken,
            };
            drop(tls);
            if let Some(stream) = shaken {
                connection::serve(door, stream, ("tls", since)).await;
            }
            drop(place);
        });
    }
}
