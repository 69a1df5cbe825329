//! Whose certificates are believed: one configuration for HTTPS and for MQTT.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::config::Trust;
use crate::error::Error;

/// The client's side of TLS 1.2 and 1.3.
pub(crate) fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, Error> {
    let roots = roots(trust)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("trust", error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots(trust: &Trust) -> Result<RootCertStore, Error> {
    match trust {
        Trust::System => Ok(system()),
        Trust::Pem(pem) => pinned(pem),
        Trust::File(path) => {
            let pem = std::fs::read(path);
            pinned(&pem.map_err(|error| Error::invalid("trust", format!("{}: {error}", path.display())))?)
        }
    }
}

/// The system's authorities. One that cannot be read is passed over; with none at all nothing is believed, which an
/// app without TLS never notices.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_, refused) = roots.add_parsable_certificates(found.certs);
    if refused > 0 || !found.errors.is_empty() {
        tracing::debug!(
            refused,
            errors = found.errors.len(),
            "some authorities of the system cannot be read"
        );
    }
    roots
}

fn pinned(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| Error::invalid("trust", error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| Error::invalid("trust", error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(Error::invalid("trust", "holds no certificate"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_file_without_a_certificate_is_said_at_once() {
        for pem in [
            &b""[..],
            b"nonsense",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let refused = client_config(&Trust::Pem(pem.to_vec()));
            assert!(matches!(refused, Err(Error::Invalid { field: "trust", .. })));
        }
        assert!(client_config(&Trust::File("/nowhere/ca.pem".into())).is_err());
        assert!(client_config(&Trust::System).is_ok());
    }
}
