//! Stands in for Apple: HTTP/2 only, frame by frame.

mod connection;
mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::script::Script;
use super::server::{StartError, next};
use super::{World, devices};
use crate::Secret;
use crate::settings::{Apns, Pace};
use rules::Rules;

/// The team, key and app that this Apple knows.
pub(crate) const TEAM: &str = "SIMTEAM001";
pub(crate) const KEY_ID: &str = "SIMKEY0001";
pub(crate) const BUNDLE: &str = "example.godwit";
const KEY: &str = include_str!("keys/apple.pem");

/// Streams of a connection; Apple's servers were seen with 500 to 1,500.
const STREAMS_MAX: u32 = 1_000;

/// Something that Apple does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApnsTrouble {
    /// Says that it goes away, finishes nothing, and closes.
    GoAway,
    /// Resets the stream of one request.
    ResetStream,
}

/// A simulated Apple. Stops when it is dropped.
pub struct ApnsSimulator {
    origin: String,
    stop: CancellationToken,
    shared: Arc<Shared>,
}

/// What its connections share.
pub(crate) struct Shared {
    script: Arc<Script>,
    rules: Rules,
    connections: AtomicUsize,
    verified: AtomicUsize,
    goaways: AtomicUsize,
    resets: AtomicUsize,
    /// Whether each request is kept for [`Script::requests`]; off for load.
    records: AtomicBool,
}

impl ApnsSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("https://{}", listener.local_addr()?);
        let acceptor = TlsAcceptor::from(world.authority.server_of_clients(&[b"h2"])?);
        let shared = Arc::new(Shared {
            script: Arc::default(),
            rules: Rules::new(Arc::clone(world)),
            connections: AtomicUsize::new(0),
            verified: AtomicUsize::new(0),
            goaways: AtomicUsize::new(0),
            resets: AtomicUsize::new(0),
            records: AtomicBool::new(true),
        });
        let stop = CancellationToken::new();
        let simulator = Self {
            origin,
            stop: stop.clone(),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(async move {
            while let Some(socket) = next(&listener, &stop).await {
                let (acceptor, stop, shared) = (acceptor.clone(), stop.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection::serve(socket, acceptor, shared) => {}
                    }
                });
            }
        });
        Ok(simulator)
    }

    /// Settings that lead here, with a key that is taken.
    pub fn settings(&self) -> Apns {
        Apns {
            team: Some(TEAM.to_owned()),
            key_id: Some(KEY_ID.to_owned()),
            key: Some(Secret::new(KEY)),
            certificate: None,
            certificate_key: None,
            topic: BUNDLE.to_owned(),
            voip_topic: None,
            sandbox_url: Some(self.origin.clone()),
            ping_seconds: 3_600,
            connection: self.shared.rules.world.connection(self.origin.clone(), None),
            pace: Pace::default(),
        }
    }

    /// Settings that prove themselves by a certificate for this bundle, in the place of a key. It is good until `until_ms`.
    pub fn certified(&self, bundle: &str, until_ms: u64) -> Result<Apns, StartError> {
        let pem = self.shared.rules.world.authority.certify(bundle, until_ms)?;
        Ok(Apns {
            team: None,
            key_id: None,
            key: None,
            certificate: Some(Secret::new(pem)),
            ..self.settings()
        })
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        &self.shared.script
    }

    /// Does something to the connection of the next request.
    pub fn trouble(&self, trouble: ApnsTrouble) {
        let count = match trouble {
            ApnsTrouble::GoAway => &self.shared.goaways,
            ApnsTrouble::ResetStream => &self.shared.resets,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }

    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Signatures that were verified: one for each connection and token.
    pub fn verified(&self) -> usize {
        self.shared.verified.load(Ordering::SeqCst)
    }

    /// Remembers no requests from now on, as a load of many wants it.
    pub fn forget_requests(&self) {
        self.shared.records.store(false, Ordering::SeqCst);
    }

    /// The token of a device of this name.
    pub fn token(name: &str) -> String {
        devices::hexadecimal_token(name)
    }
}

impl Drop for ApnsSimulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
