//! A server that runs: where it listens, and how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use godwit_archive::Archive;
use godwit_broker::Broker;
use godwit_dispatcher::Events;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data_folder::{Addresses, FirstApp};
use crate::tls::{Facts, TlsDoors};

/// Where the doors are bound; `None` for a closed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) http: Option<SocketAddr>,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) mqtt: Option<SocketAddr>,
    pub(crate) mqtts: Option<SocketAddr>,
}

/// A running server. Dropping it without [`Running::shutdown`] closes its doors as a crash would.
pub struct Running {
    pub(crate) bound: Bound,
    pub(crate) tls: Option<Arc<TlsDoors>>,
    pub(crate) first_app: Option<FirstApp>,
    pub(crate) archive: Archive,
    pub(crate) doors: Doors,
    /// Cancelled when the message log stopped for good.
    pub(crate) failed: CancellationToken,
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        Addresses {
            http: text(self.bound.http),
            https: text(self.bound.https),
            mqtt: text(self.bound.mqtt),
            mqtts: text(self.bound.mqtts),
        }
    }

    /// What the certificate in use says.
    pub(crate) fn certificate(&self) -> Option<Facts> {
        self.tls.as_ref().map(|tls| tls.facts())
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
    /// Where apps wait for events.
    pub(crate) events: Events,
    /// The tasks that serve HTTP, which end when the requests under way did.
    pub(crate) http: Vec<JoinHandle<()>>,
    /// Everything else that runs beside.
    pub(crate) others: Vec<JoinHandle<()>>,
    pub(crate) stop_timeout: Duration,
}

impl Doors {
    async fn close(&mut self) {
        self.closing.cancel();
        self.events.end();
        let requests_end = async {
            for task in &mut self.http {
                let _ = task.await;
            }
        };
        let requests_end = tokio::time::timeout(self.stop_timeout, requests_end);
        let ((), requests) = tokio::join!(self.broker.shutdown(), requests_end);
        if requests.is_err() {
            tracing::warn!("requests did not end in time");
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.closing.cancel();
        for task in self.http.iter().chain(&self.others) {
            task.abort();
        }
    }
}
