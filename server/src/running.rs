//! A server that runs: where it listens, and how it stops.

use std::net::SocketAddr;
use std::time::Duration;

use godwit_archive::Archive;
use godwit_broker::Broker;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data_folder::{Addresses, FirstApp};
use crate::wiring::Doors;

/// A running server.
pub struct Running {
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
    pub(crate) first_app: Option<FirstApp>,
    pub(crate) archive: Archive,
    pub(crate) doors: Doors,
    pub(crate) stop_timeout: Duration,
}
