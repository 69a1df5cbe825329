//! The ways in: TCP, TLS and WebSocket.

mod carried;
mod tcp;
pub(crate) mod tls;
mod websocket;
