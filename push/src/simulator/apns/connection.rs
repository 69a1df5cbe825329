//! One connection to the simulated Apple.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use hyper::{Request, Response};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::rules::{Answer, Bearer};
use super::{STREAMS_MAX, Shared};
use crate::simulator::asked::Asked;
use crate::simulator::script::Trouble;
use crate::simulator::server::is_http2;

/// Bytes of a body that are read before it is called too large.
const BODY_MAX: usize = 16 * 1024;

/// What the streams of a connection share.
struct Connection {
    /// The token that was found good on it.
    good: Mutex<Option<Arc<Bearer>>>,
    /// Until a token was found good, Apple takes one stream at a time.
    is_trusted: AtomicBool,
    /// The bundle of the client's certificate, which says who asks without a token.
    bundle: Option<String>,
    streams: AtomicUsize,
    goes_away: Notify,
}

pub(super) async fn serve(socket: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = acceptor.accept(socket).await else {
        return;
    };
    if !is_http2(&stream) {
        shared.script.complain("a connection that does not speak HTTP/2");
        return;
    }
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let bundle = certificate.and_then(|certificate| shared.rules.world.authority.bundle_of(certificate));
    shared.connections.fetch_add(1, Ordering::SeqCst);
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(STREAMS_MAX);
    let Ok(mut h2) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    let connection = Arc::new(Connection {
        good: Mutex::new(None),
        is_trusted: AtomicBool::new(bundle.is_some()),
        bundle,
        streams: AtomicUsize::new(0),
        goes_away: Notify::new(),
    });
    loop {
        tokio::select! {
            () = connection.goes_away.notified() => h2.abrupt_shutdown(Reason::NO_ERROR),
            accepted = h2.accept() => {
                let Some(Ok((request, respond))) = accepted else {
                    return;
                };
                let (shared, connection) = (Arc::clone(&shared), Arc::clone(&connection));
                tokio::spawn(stream_task(request, respond, shared, connection));
            }
        }
    }
}

async fn stream_task(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    shared: Arc<Shared>,
    connection: Arc<Connection>,
) {
    let before = connection.streams.fetch_add(1, Ordering::SeqCst);
    if before > 0 && !connection.is_trusted.load(Ordering::SeqCst) {
        respond.send_reset(Reason::REFUSED_STREAM);
    } else {
        stream(request, &mut respond, &shared, &connection).await;
    }
    connection.streams.fetch_sub(1, Ordering::SeqCst);
}

async fn stream(
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
    shared: &Shared,
    connection: &Connection,
) {
    let Some(asked) = read(request).await else {
        return;
    };
    let _open = shared.script.begin();
    if shared.records.load(Ordering::Relaxed) {
        shared.script.record(&asked);
    }
    if take(&shared.goaways) {
        connection.goes_away.notify_one();
        return std::future::pending().await;
    }
    if take(&shared.resets) {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return;
    }
    match shared.script.trouble(true) {
        None => send(respond, &judge(&asked, shared, connection)),
        Some(Trouble::Reset) => respond.send_reset(Reason::INTERNAL_ERROR),
        Some(Trouble::LostAnswer) => {
            judge(&asked, shared, connection);
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
        Some(Trouble::Silence) => std::future::pending().await,
        Some(Trouble::Late(late)) => {
            tokio::time::sleep(late).await;
            send(respond, &judge(&asked, shared, connection));
        }
        Some(Trouble::Answer {
            status,
            retry_after,
            body,
        }) => {
            let answer = Answer {
                status,
                retry_after,
                apns_id: None,
                body,
            };
            send(respond, &answer);
        }
    }
}

/// Takes one of a number of troubles.
fn take(count: &AtomicUsize) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1))
        .is_ok()
}

fn judge(asked: &Asked, shared: &Shared, connection: &Connection) -> Answer {
    if let Some(bundle) = &connection.bundle {
        return shared.rules.judge_certified(asked, bundle, &shared.script);
    }
    let known = connection
        .good
        .lock()
        .expect("nothing panics while it holds the token")
        .clone();
    let (answer, bearer) = shared.rules.judge(asked, known, &shared.script);
    if let Some(bearer) = bearer {
        shared.verified.fetch_add(1, Ordering::SeqCst);
        *connection.good.lock().expect("nothing panics while it holds the token") = Some(bearer);
        connection.is_trusted.store(true, Ordering::SeqCst);
    }
    answer
}

async fn read(request: Request<RecvStream>) -> Option<Asked> {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.ok()?;
        let _ = stream.flow_control().release_capacity(chunk.len());
        if body.len() <= BODY_MAX {
            body.extend_from_slice(&chunk);
        }
    }
    Some(Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
        http2: true,
    })
}

fn send(respond: &mut SendResponse<Bytes>, answer: &Answer) {
    let mut response = Response::builder().status(answer.status);
    if let Some(id) = &answer.apns_id {
        response = response.header("apns-id", id);
    }
    if let Some(seconds) = answer.retry_after {
        response = response.header("retry-after", seconds);
    }
    let response = response
        .body(())
        .expect("statuses and ids of the simulator are well formed");
    // A client that went away does not wait for it.
    if let Ok(mut body) = respond.send_response(response, answer.body.is_empty())
        && !answer.body.is_empty()
    {
        let _ = body.send_data(Bytes::from(answer.body.clone()), true);
    }
}
