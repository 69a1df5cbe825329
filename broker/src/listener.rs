//! The ways in: TCP and WebSocket.

mod tcp;
mod websocket;
