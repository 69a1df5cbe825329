//! Serves the HTTP door: a bound on connections, and on the patience with each of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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
    pub(crate) connections_max: usize,
}

impl HttpDoor {
    /// Serves until `closing`, then lets the requests that are under way end.
    pub(crate) async fn serve(self, listener: TcpListener, closing: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.connections_max.min(Semaphore::MAX_PERMITS)));
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
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                refused("too_many");
                continue;
            };
            let (door, closing) = (self.clone(), closing.clone());
            connections.spawn(async move {
                door.serve_connection(stream, address, closing).await;
                drop(place);
            });
        }
        connections.close();
        connections.wait().await;
    }

    async fn serve_connection(self, stream: TcpStream, address: SocketAddr, closing: CancellationToken) {
        // An answer must not wait for the client's delayed acknowledgement. A dead socket is noticed by reading.
        let _ = stream.set_nodelay(true);
        let routes = self.routes;
        let answer = hyper::service::service_fn(move |request| answer(routes.clone(), address, request));
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

async fn answer(routes: Router, address: SocketAddr, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(address));
    routes.oneshot(request).await
}

fn refused(reason: &'static str) {
    metrics::counter!("http_connections_refused_total", "reason" => reason).increment(1);
}
