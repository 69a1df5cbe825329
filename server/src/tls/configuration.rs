//! From the material to what rustls wants: one configuration for each door.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::SingleCertAndKey;

use super::material::{Material, provider};
use crate::failure::Failure;

/// What is spoken inside TLS (ALPN, RFC 7301). A client need not name it, but one that names only others is refused.
const MQTT: &[u8] = b"mqtt";
const HTTP: &[u8] = b"http/1.1";

/// The configurations of the doors.
pub(super) struct Configurations {
    pub(super) mqtts: Arc<ServerConfig>,
    pub(super) https: Arc<ServerConfig>,
}

/// Keys of session tickets: with a ticket a client comes back without the costly part of the handshake. The keys change
/// by themselves every few hours and are never written down.
pub(super) fn ticketer() -> Result<Arc<dyn ProducesTickets>, Failure> {
    Ticketer::new().map_err(|error| unusable(&error))
}

pub(super) fn configurations(
    material: &Material,
    ticketer: &Arc<dyn ProducesTickets>,
) -> Result<Configurations, Failure> {
    let made = |protocol: &[u8]| -> Result<_, Failure> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| unusable(&error))?;
        let builder = match &material.clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(&clients.verifier)),
            None => builder.with_no_client_auth(),
        };
        let resolver = SingleCertAndKey::from((*material.certified).clone());
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![protocol.to_vec()];
        config.ticketer = Arc::clone(ticketer);
        // Tickets hold all there is to know, so that nothing is kept for clients that are away.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(config))
    };
    Ok(Configurations {
        mqtts: made(MQTT)?,
        https: made(HTTP)?,
    })
}

fn unusable(error: &rustls::Error) -> Failure {
    Failure::new("GW-T001", format!("TLS cannot be set up: {error}"), "")
}
