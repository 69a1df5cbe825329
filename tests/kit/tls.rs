//! Certificates made on the spot, and clients of TLS that trust them. Nothing relies on a default of the process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::program;

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM form.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new one with this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// Its own certificate, by which others judge what it signed.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for this subject, as a server on `localhost` and as a client.
    pub fn sign(&self, subject: &str) -> Identity {
        self.sign_until(subject, 2099)
    }

    /// The same, valid until the first day of a year.
    pub fn sign_until(&self, subject: &str, year: i32) -> Identity {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = named(subject);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes both into a folder, the key readable by its owner alone; where they are.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(folder).expect("a folder");
        let paths = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&paths.0, &self.certificate).expect("written");
        std::fs::write(&paths.1, &self.key).expect("written");
        std::fs::set_permissions(&paths.1, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        paths
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Makes a certificate in a data folder as the README says; where it is.
pub fn self_signed(data: &Path) -> PathBuf {
    let made = std::process::Command::new(program::godwit())
        .args(["tls", "self-signed", "--data"])
        .arg(data)
        .output();
    assert!(made.is_ok_and(|made| made.status.success()), "a certificate is made");
    data.join("tls/certificate.pem")
}

/// How a client speaks TLS that trusts these certificates (PEM), and shows one of its own if it has one.
pub fn client_config(trusted: &str, own: Option<&Identity>) -> ClientConfig {
    client_config_of(trusted, own, rustls::ALL_VERSIONS)
}

/// The same, of these versions of TLS.
pub fn client_config_of(
    trusted: &str,
    own: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(root.expect("PEM")).expect("a certificate");
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder
        .with_protocol_versions(versions)
        .expect("versions that ring knows");
    let builder = builder.with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes());
            let chain = chain.map(|one| one.expect("PEM")).collect();
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("they belong together")
        }
    }
}

/// Shakes hands with a door at `host:port`, as with `localhost`.
pub async fn connect(address: &str, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    connect_with(address, &Arc::new(config)).await
}

/// The same with a configuration that remembers tickets from one connection to the next.
pub async fn connect_with(address: &str, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await
}

/// The address with `localhost` in the place of the host.
pub fn by_name(address: &str) -> String {
    let (_, port) = address.rsplit_once(':').expect("host:port");
    format!("localhost:{port}")
}

/// A client of HTTP that trusts this certificate (a file) and nobody else.
pub fn http_client(trusted: &Path) -> reqwest::Client {
    let pem = std::fs::read_to_string(trusted).expect("a certificate");
    let builder = reqwest::Client::builder().tls_backend_preconfigured(client_config(&pem, None));
    builder.build().expect("a client")
}
