//! The TLS of all doors, made at the start and renewed while they are open.

use std::sync::{Arc, Mutex, PoisonError};

use godwit_broker::Tls;
use rustls::pki_types::CertificateDer;
use rustls::server::ProducesTickets;
use tokio::sync::Semaphore;

use super::certificate::{Facts, describe};
use super::configuration::{Configurations, configurations, ticketer};
use super::material::Material;
use crate::failure::Failure;

/// The TLS of all doors.
pub(crate) struct TlsDoors {
    /// Of MQTT.
    pub(crate) mqtts: Arc<Tls>,
    /// Of HTTP.
    pub(crate) https: Arc<Tls>,
    tickets: Mutex<Tickets>,
    facts: Mutex<Facts>,
}

/// A ticket lets its holder in without showing a certificate again, so tickets go when the judges of certificates do.
struct Tickets {
    ticketer: Arc<dyn ProducesTickets>,
    roots: Vec<CertificateDer<'static>>,
}

impl TlsDoors {
    /// TLS by this material, with at most `handshakes` under way at once.
    pub(crate) fn new(material: Material, handshakes: usize) -> Result<Self, Failure> {
        let ticketer = ticketer()?;
        let Configurations { mqtts, https } = configurations(&material, &ticketer)?;
        let places = Arc::new(Semaphore::new(handshakes.min(Semaphore::MAX_PERMITS)));
        let roots = roots(&material);
        Ok(Self {
            mqtts: Arc::new(Tls::new("mqtts", mqtts, Arc::clone(&places), describe)),
            https: Arc::new(Tls::new("https", https, places, describe)),
            tickets: Mutex::new(Tickets { ticketer, roots }),
            facts: Mutex::new(material.facts),
        })
    }

    /// Shakes hands by this material from now on; what is connected stays connected.
    pub(crate) fn renew(&self, material: Material) -> Result<(), Failure> {
        let roots = roots(&material);
        let ticketer = {
            let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
            if tickets.roots != roots {
                *tickets = Tickets {
                    ticketer: ticketer()?,
                    roots,
                };
            }
            Arc::clone(&tickets.ticketer)
        };
        let Configurations { mqtts, https } = configurations(&material, &ticketer)?;
        self.mqtts.replace(mqtts);
        self.https.replace(https);
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = material.facts;
        Ok(())
    }

    /// What the certificate in use says.
    pub(crate) fn facts(&self) -> Facts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn roots(material: &Material) -> Vec<CertificateDer<'static>> {
    material
        .clients
        .as_ref()
        .map_or_else(Vec::new, |clients| clients.roots.clone())
}
