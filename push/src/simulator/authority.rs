//! The certificate authority that the simulators' certificates come from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::StartError;

/// A certificate authority of its own for each start: nothing that trusts one trusts another.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    /// The bundles that clients' certificates were made for.
    bundles: Mutex<HashMap<Vec<u8>, String>>,
}

fn failed(error: &rcgen::Error) -> StartError {
    StartError::Certificate(error.to_string())
}

impl Authority {
    /// A new one, with a certificate for `127.0.0.1` and `localhost`.
    pub fn new() -> Result<Self, StartError> {
        let mut own = CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        own.distinguished_name
            .push(DnType::CommonName, "Godwit simulated vendors");
        let issuer = CertifiedIssuer::self_signed(own, KeyPair::generate().map_err(|error| failed(&error))?)
            .map_err(|error| failed(&error))?;
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).map_err(|error| failed(&error))?;
        let certificate = certificate.signed_by(&key, &issuer).map_err(|error| failed(&error))?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
            issuer,
            bundles: Mutex::default(),
        })
    }

    /// Its certificate, for those who are to trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A client's certificate for a bundle, and its key, as PEM.
    pub(crate) fn certify(&self, bundle: &str, until_ms: u64) -> Result<String, StartError> {
        let mut client = CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
        client
            .distinguished_name
            .push(DnType::CommonName, format!("Apple Push Services: {bundle}"));
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        client.not_after = date_time_ymd(1970, 1, 1) + std::time::Duration::from_millis(until_ms);
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = client.signed_by(&key, &self.issuer).map_err(|error| failed(&error))?;
        self.bundles().insert(certificate.der().to_vec(), bundle.to_owned());
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }

    /// The bundle that a client's certificate is for.
    pub(crate) fn bundle_of(&self, certificate: &CertificateDer<'_>) -> Option<String> {
        self.bundles().get(certificate.as_ref()).cloned()
    }

    fn bundles(&self) -> MutexGuard<'_, HashMap<Vec<u8>, String>> {
        self.bundles.lock().expect("nothing panics while it holds the bundles")
    }

    /// [`Self::server`] that looks at a client's certificate, if it has one.
    pub(crate) fn server_of_clients(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, StartError> {
        let wrong = |error: String| StartError::Certificate(error);
        let mut roots = RootCertStore::empty();
        roots
            .add(self.issuer.der().clone())
            .map_err(|error| wrong(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.allow_unauthenticated().build();
        self.config(alpn, verifier.map_err(|error| wrong(error.to_string()))?)
    }

    /// What a server proves itself with, and what it speaks.
    pub(crate) fn server(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, StartError> {
        self.config(alpn, WebPkiClientVerifier::no_client_auth())
    }

    fn config(&self, alpn: &[&[u8]], clients: Arc<dyn ClientCertVerifier>) -> Result<Arc<ServerConfig>, StartError> {
        let failed = |error: rustls::Error| StartError::Certificate(error.to_string());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(failed)?;
        let chain = vec![self.certificate.clone()];
        let mut config = config
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(failed)?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}
