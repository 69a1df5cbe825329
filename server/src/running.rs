//! A server that runs: where it listens, and how it stops.

use std::net::SocketAddr;
use std::time::Duration;

use godwit_archive::Archive;
use godwit_broker::Broker;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data_folder::{Addresses, FirstApp};

/// A running server. Dropping it without [`Running::shutdown`] closes its doors as a crash would.
pub struct Running {
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
    pub(crate) first_app: Option<FirstApp>,
    pub(crate) archive: Archive,
    pub(crate) doors: Doors,
    /// Cancelled when the message log stopped for good.
    pub(crate) failed: CancellationToken,
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        Addresses {
            http: self.http.to_string(),
            mqtt: self.mqtt.to_string(),
            mqtts: None,
        }
    }

    /// The credentials of the first app, if this start made it. Nobody can show them again.
    pub fn first_app(&self) -> Option<&FirstApp> {
        self.first_app.as_ref()
    }

    /// Resolves when the message log stopped after a failed write or sync: nothing will be acknowledged any more.
    pub async fn archive_failed(&self) {
        self.failed.cancelled().await;
    }

    /// Stops: no more connections and requests, what is pending is answered, the message log is closed. Takes the
    /// stop timeout at most, and what the disk needs.
    pub async fn shutdown(mut self) {
        self.doors.close().await;
        let archive = self.archive.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || archive.close()).await {
            tracing::error!(%error, "the message log was not closed cleanly");
        }
    }
}

/// The open doors and the tasks that serve them.
pub(crate) struct Doors {
    pub(crate) broker: Broker,
    pub(crate) closing: CancellationToken,
    pub(crate) http: JoinHandle<()>,
    pub(crate) mqtt: JoinHandle<()>,
    pub(crate) metrics: JoinHandle<()>,
    pub(crate) stop_timeout: Duration,
}

impl Doors {
    async fn close(&mut self) {
        self.closing.cancel();
        let requests_end = tokio::time::timeout(self.stop_timeout, &mut self.http);
        let ((), requests) = tokio::join!(self.broker.shutdown(), requests_end);
        if requests.is_err() {
            tracing::warn!("requests did not end in time");
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.closing.cancel();
        for task in [&self.http, &self.mqtt, &self.metrics] {
            task.abort();
        }
    }
}
