//! Serves the HTTP door, with or without TLS: a bound on connections, and on the patience with each of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::uri::Scheme;
use axum::http::{Request, Response};
use godwit_broker::Tls;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long accepting rests after an error: usually the process has no file descriptors left.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What is served, and within which bounds.
#[derive(Clone)]
pub(crate) struct HttpDoor {
    pub(crate) routes: Router,
    /// For the head of a request, and for a connection without one.
    pub(crate) head_timeout: Duration,
    /// Shared by the plain door and the one with TLS.
    pub(crate) places: Arc<Semaphore>,
}

/// A bound socket, and the TLS that is spoken on it.
pub(crate) struct HttpSocket {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
}

impl HttpDoor {
    /// Serves until `closing`, then lets the requests that are under way end.
    pub(crate) async fn serve(self, socket: HttpSocket, closing: CancellationToken) {
        let HttpSocket { listener, tls } = socket;
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    refused("accept_failed");
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ERROR_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                refused("too_many");
                continue;
            };
            let (door, tls, closing) = (self.clone(), tls.clone(), closing.clone());
            connections.spawn(async move {
                // An answer must not wait for the client's delayed acknowledgement. A dead socket is noticed by reading.
                let _ = stream.set_nodelay(true);
                match tls {
                    None => door.serve_connection(stream, (address, Scheme::HTTP), closing).await,
                    Some(tls) => door.serve_tls(&tls, (stream, address), closing).await,
                }
                drop(place);
            });
        }
        connections.close();
        connections.wait().await;
    }

    /// The handshake must be done in the time that the head of a request has.
    async fn serve_tls(self, tls: &Tls, (stream, address): (TcpStream, SocketAddr), closing: CancellationToken) {
        let deadline = Instant::now() + self.head_timeout;
        let shaken = tokio::select! {
            () = closing.cancelled() => None,
            shaken = Box::pin(tls.accept(stream, address.ip(), deadline)) => shaken,
        };
        if let Some(stream) = shaken {
            self.serve_connection(stream, (address, Scheme::HTTPS), closing).await;
        }
    }

    async fn serve_connection<S>(self, stream: S, (address, scheme): (SocketAddr, Scheme), closing: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let routes = self.routes;
        let answer =
            hyper::service::service_fn(move |request| answer(routes.clone(), (address, scheme.clone()), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "an HTTP connection ended early");
        }
    }
}

/// The routes learn from where a request came, and whether over TLS: an origin does not say so in its request line.
async fn answer(
    routes: Router,
    (address, scheme): (SocketAddr, Scheme),
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(address));
    request.extensions_mut().insert(scheme);
    routes.oneshot(request).await
}

fn refused(reason: &'static str) {
    metrics::counter!("http_connections_refused_total", "reason" => reason).increment(1);
}
