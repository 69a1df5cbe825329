//! Handshakes: at most so many at once, each with a deadline, and every refusal with its reason.

mod refusal;

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};
use tokio_rustls::server::TlsStream;

use refusal::HandshakeRefusal;

/// Bytes that TLS keeps for a socket that takes none. What waits above that waits unencrypted, and is counted there.
const UNSENT_BYTES_MAX: usize = 16 * 1024;

/// How a door speaks TLS. Its configuration may be replaced while the door is open: connections that exist stay as
/// they are, and the next handshake sees the new one.
#[derive(Debug)]
pub struct Tls {
    door: &'static str,
    config: RwLock<Arc<ServerConfig>>,
    handshakes: Arc<Semaphore>,
    describe: fn(&CertificateDer<'_>) -> String,
}

impl Tls {
    /// TLS of the door that metrics call `door`. `handshakes` bounds those under way at once, in all doors that share
    /// it. `describe` says whose a client's certificate is, for the log.
    pub fn new(
        door: &'static str,
        config: Arc<ServerConfig>,
        handshakes: Arc<Semaphore>,
        describe: fn(&CertificateDer<'_>) -> String,
    ) -> Self {
        Self {
            door,
            config: RwLock::new(config),
            handshakes,
            describe,
        }
    }

    /// Shakes hands by `config` from now on.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        // The lock only guards a pointer.
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config))
    }

    /// Shakes hands with a client at `address`. `None` when that did not come about by the deadline; it is counted and
    /// the socket is closed.
    pub async fn accept(&self, stream: TcpStream, address: IpAddr, deadline: Instant) -> Option<TlsStream<TcpStream>> {
        self.accept_as(|stream| stream, (stream, address), deadline).await
    }

    /// As [`Tls::accept`], over what `wrap` makes of the socket.
    pub(crate) async fn accept_as<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        wrap: fn(TcpStream) -> S,
        (stream, address): (TcpStream, IpAddr),
        deadline: Instant,
    ) -> Option<TlsStream<S>> {
        let outcome = timeout_at(deadline, self.shake(stream, wrap)).await;
        match outcome.unwrap_or(Err(HandshakeRefusal::Timeout)) {
            Ok(stream) => {
                self.note(stream.get_ref().1, address);
                Some(stream)
            }
            Err(refusal) => {
                let reason = refusal.label();
                metrics::counter!("tls_handshakes_refused_total", "door" => self.door, "reason" => reason).increment(1);
                tracing::debug!(door = self.door, %address, reason, "a TLS handshake failed");
                None
            }
        }
    }

    async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: TcpStream,
        wrap: fn(TcpStream) -> S,
    ) -> Result<TlsStream<S>, HandshakeRefusal> {
        // Who says nothing takes no place among the handshakes. A look: a new socket may call itself readable and be empty.
        match stream.peek(&mut [0]).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(HandshakeRefusal::Lost),
        }
        let place = self.handshakes.acquire().await;
        let accepting = self.acceptor().accept_with(wrap(stream), |connection| {
            connection.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        });
        let shaken = accepting.await;
        drop(place);
        shaken.map_err(|error| HandshakeRefusal::of(&error))
    }

    fn note(&self, connection: &ServerConnection, address: IpAddr) {
        let client = connection.peer_certificates().and_then(<[_]>::first);
        let labels = [
            ("door", self.door),
            ("version", version(connection)),
            ("resumed", resumed(connection)),
            ("client", if client.is_some() { "certificate" } else { "none" }),
        ];
        metrics::counter!("tls_handshakes_total", &labels).increment(1);
        if let Some(certificate) = client {
            let subject = (self.describe)(certificate);
            tracing::info!(door = self.door, %address, subject, "a client showed its certificate");
        }
    }
}

fn version(connection: &ServerConnection) -> &'static str {
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "1.2",
        Some(ProtocolVersion::TLSv1_3) => "1.3",
        _ => "other",
    }
}

fn resumed(connection: &ServerConnection) -> &'static str {
    match connection.handshake_kind() {
        Some(HandshakeKind::Resumed) => "yes",
        _ => "no",
    }
}
