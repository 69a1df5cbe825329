//! MQTT inside WebSocket: binary frames of any cut, made to look like a socket.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::uri::Scheme;
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Broker, connection};

/// Bytes an idle connection keeps for reading; larger messages make it grow for a while.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Frame headers of a message that holds a packet of the largest size.
const FRAME_BYTES: usize = 1024;

impl Broker {
    /// The route `/mqtt`, for the HTTP server to merge. Serve it with connect info, or connections are not counted
    /// per address; and with [`Scheme::HTTPS`] as an extension where it is served over TLS, for the metrics.
    pub fn websocket(&self) -> Router {
        Router::new().route("/mqtt", any(upgrade)).with_state(self.clone())
    }
}

async fn upgrade(State(broker): State<Broker>, extensions: Extensions, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.protocols(["mqtt"]);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "the WebSocket subprotocol must be `mqtt`\n").into_response();
    }
    if broker.door.closing.is_cancelled() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let Some(place) = broker.door.places.take(address) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let message_bytes_max = broker.door.limits.packet_bytes_max + FRAME_BYTES;
    let tracked = broker.door.connections.token();
    let is_tls = extensions.get::<Scheme>() == Some(&Scheme::HTTPS);
    let transport = if is_tls { "websocket_tls" } else { "websocket" };
    let since = broker.door.now();
    upgrade
        .max_message_size(message_bytes_max)
        .max_frame_size(message_bytes_max)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .on_upgrade(async move |socket| {
            connection::serve(
                broker.door,
                Frames {
                    socket,
                    unread: Bytes::new(),
                },
                (transport, since),
            )
            .await;
            drop((place, tracked));
        })
}

/// A WebSocket as a stream of bytes.
struct Frames {
    socket: WebSocket,
    /// What is left of the last message.
    unread: Bytes,
}

impl AsyncRead for Frames {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            match ready!(Pin::new(&mut this.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => this.unread = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_))) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.unread.len().min(buffer.remaining());
        buffer.put_slice(&this.unread.split_to(count));
        if !this.unread.has_remaining() {
            // The message goes with its last byte.
            this.unread = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Frames {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.socket).poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        Pin::new(&mut this.socket)
            .start_send(message)
            .map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket)
            .poll_flush(cx)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket)
            .poll_close(cx)
            .map_err(io::Error::other)
    }
}
