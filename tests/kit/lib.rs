//! What stories are told with: a real server process, a REST client, a raw MQTT client of both versions, stock clients,
//! certificates.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a kit of tests asserts, and says what it skips"
)]

pub mod crowd;
pub mod mosquitto;
pub mod mqtt;
pub mod program;
pub mod rest;
pub mod server;
pub mod tls;

pub use mqtt::{Client, Event, Login, Version};
pub use rest::{App, Device};
pub use server::Server;

use std::time::Duration;

/// How long anything may take before a story fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the REST door.
pub fn http_client() -> reqwest::Client {
    godwit_server::choose_cryptography();
    reqwest::Client::new()
}

/// Asks again until the answer is there, at most [`PATIENCE`].
pub async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
