//! Accepts TCP connections, with or without TLS on them; nothing a client does holds it up.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use super::carried::Carried;
use crate::places::Place;
use crate::{Broker, Tls, connection};

/// How long accepting rests after an error: usually the process has no file descriptors left.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

impl Broker {
    /// Serves MQTT on a bound listener until the door closes.
    pub async fn serve(&self, listener: TcpListener) {
        let broker = self.clone();
        // Where it accepts it also serves, if there is but one thread: then no socket is handed over.
        let accepting = self.threads.first().spawn(async move {
            let listener = TcpListener::from_std(listener.into_std()?)?;
            while let Some((stream, address)) = broker.accept(&listener).await {
                if let Some(place) = broker.place_for(&stream, address.ip()) {
                    broker.welcome(stream, place);
                }
            }
            Ok(())
        });
        if let Ok(Err(error)) = accepting.await {
            log_handing_over(&error);
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
        let thread = self.threads.next();
        let mut stream = Carried::Here(stream);
        let stays = thread.id() == Handle::current().id();
        if !stays && let Err(error) = stream.leave() {
            log_handing_over(&error);
            return;
        }
        let door = self.door.clone();
        let since = door.now();
        let serving = async move {
            match stream.arrive() {
                Ok(()) => connection::serve(door, stream, ("tcp", since)).await,
                Err(error) => log_handing_over(&error),
            }
            drop(place);
        };
        self.door.connections.spawn_on(serving, thread);
    }

    /// Handshakes compute a lot: they are made where the socket was accepted, and messages of others do not wait for them.
    fn welcome_tls(&self, (stream, address): (TcpStream, IpAddr), place: Place, tls: Arc<Tls>) {
        let door = self.door.clone();
        let thread = self.threads.next().clone();
        self.door.connections.spawn(async move {
            let since = door.now();
            let deadline = door.instant(since.saturating_add(door.limits.connect_timeout_ms));
            let shaken = tokio::select! {
                () = door.closing.cancelled() => None,
                shaken = tls.accept_as(Carried::Here, (stream, address), deadline) => shaken,
            };
            drop(tls);
            // In a box: what TLS keeps is large, and the task that serves would hold it more than once.
            let Some(mut stream) = shaken.map(Box::new) else { return };
            if let Err(error) = stream.get_mut().0.leave() {
                log_handing_over(&error);
                return;
            }
            let connections = door.connections.clone();
            let serving = async move {
                match stream.get_mut().0.arrive() {
                    Ok(()) => connection::serve(door, stream, ("tls", since)).await,
                    Err(error) => log_handing_over(&error),
                }
                drop(place);
            };
            connections.spawn_on(serving, &thread);
        });
    }
}

fn log_handing_over(error: &io::Error) {
    metrics::counter!("mqtt_connections_refused_total", "reason" => "not_handed_over").increment(1);
    tracing::warn!(%error, "a socket could not be handed to the thread that serves it");
}
