//! An HTTPS server on loopback that hands each request to a vendor's rules.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::Authority;
use super::asked::Asked;
use super::script::{Script, Trouble};

/// Bytes of a request; a vendor takes far less.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// A simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port.
    #[error("a simulator cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// No certificate.
    #[error("a simulator has no certificate: {0}")]
    Certificate(String),
}

/// An answer.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Said {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
        }
    }
}

/// A vendor's rules.
pub(crate) trait Rules: Send + Sync + 'static {
    fn answer(&self, asked: &Asked) -> Said;

    /// Whether it is a push, and not a request for a token.
    fn is_push(&self, _asked: &Asked) -> bool {
        true
    }
}

/// A server; stops when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    script: Arc<Script>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(
        authority: &Authority,
        script: Arc<Script>,
        rules: Arc<dyn Rules>,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::serve(listener, authority, script, rules)
    }

    /// Serves on a listener whose port the rules already know.
    pub(crate) fn serve(
        listener: TcpListener,
        authority: &Authority,
        script: Arc<Script>,
        rules: Arc<dyn Rules>,
    ) -> Result<Self, StartError> {
        let acceptor = TlsAcceptor::from(authority.server(&[b"h2", b"http/1.1"])?);
        let server = Self {
            address: listener.local_addr()?,
            stop: CancellationToken::new(),
            script: Arc::clone(&script),
            connections: Arc::default(),
        };
        let (stop, connections) = (server.stop.clone(), Arc::clone(&server.connections));
        tokio::spawn(async move {
            while let Some(socket) = next(&listener, &stop).await {
                connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, stop) = (acceptor.clone(), stop.clone());
                let (script, rules) = (Arc::clone(&script), Arc::clone(&rules));
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection(socket, acceptor, script, rules) => {}
                    }
                });
            }
        });
        Ok(server)
    }

    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn next(listener: &TcpListener, stop: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        if let Ok((socket, _)) = accepted {
            let _ = socket.set_nodelay(true);
            return Some(socket);
        }
    }
}

async fn connection(socket: TcpStream, acceptor: TlsAcceptor, script: Arc<Script>, rules: Arc<dyn Rules>) {
    // Who does not trust us goes away here.
    let Ok(stream) = acceptor.accept(socket).await else {
        return;
    };
    let http2 = is_http2(&stream);
    let service = service_fn(move |request| {
        let (script, rules) = (Arc::clone(&script), Arc::clone(&rules));
        async move { respond(request, http2, &script, &*rules).await }
    });
    let stream = TokioIo::new(stream);
    // A connection that breaks is the client's to notice.
    if http2 {
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(stream, service)
            .await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new()
            .serve_connection(stream, service)
            .await;
    }
}

pub(crate) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// The connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("reset, as the script says")]
struct Broken;

async fn respond(
    request: Request<Incoming>,
    http2: bool,
    script: &Script,
    rules: &dyn Rules,
) -> Result<Response<Full<Bytes>>, Broken> {
    let Some(asked) = read(request, http2).await else {
        return Err(Broken);
    };
    let _open = script.begin();
    script.record(&asked);
    match script.trouble(rules.is_push(&asked)) {
        None => Ok(response(&rules.answer(&asked))),
        Some(Trouble::Reset) => Err(Broken),
        Some(Trouble::LostAnswer) => {
            rules.answer(&asked);
            Err(Broken)
        }
        Some(Trouble::Silence) => {
            std::future::pending::<Infallible>().await;
            Err(Broken)
        }
        Some(Trouble::Late(late)) => {
            tokio::time::sleep(late).await;
            Ok(response(&rules.answer(&asked)))
        }
        Some(Trouble::Answer {
            status,
            retry_after,
            body,
        }) => {
            let headers = retry_after.map(|seconds| (RETRY_AFTER.as_str(), seconds.to_string()));
            let headers = headers.into_iter().collect();
            Ok(response(&Said { status, headers, body }))
        }
    }
}

async fn read(request: Request<Incoming>, http2: bool) -> Option<Asked> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.ok()?;
    Some(Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes().to_vec(),
        http2,
    })
}

fn response(said: &Said) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(said.status);
    for (name, value) in &said.headers {
        response = response.header(*name, value);
    }
    let body = Full::new(Bytes::from(said.body.clone()));
    response
        .body(body)
        .expect("statuses and headers of simulators are well formed")
}
