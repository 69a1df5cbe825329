//! Accepts TCP connections; nothing a client does holds it up.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::{Broker, connection};

/// How long accepting rests after an error: usually the process has no file descriptors left.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

impl Broker {
    /// Serves MQTT on a bound listener until the door closes.
    pub async fn serve(&self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.door.closing.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.welcome(stream, address.ip()),
                Err(error) => {
                    metrics::counter!("mqtt_connections_refused_total", "reason" => "accept_failed").increment(1);
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, address: std::net::IpAddr) {
        let Some(place) = self.door.places.take(Some(address)) else {
            return;
        };
        // Without it an acknowledgement may wait for the client's delayed one. A dead socket is noticed by reading.
        let _ = stream.set_nodelay(true);
        // A client may ask for no keep-alive of MQTT; the kernel's finds the half-open ones.
        let _ = socket2::SockRef::from(&stream).set_keepalive(true);
        let door = self.door.clone();
        self.door.connections.spawn(async move {
            connection::serve(door, stream, "tcp").await;
            drop(place);
        });
    }
}
