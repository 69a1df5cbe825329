//! The ways in: TCP, TLS and WebSocket.

mod tcp;
pub(crate) mod tls;
mod websocket;
