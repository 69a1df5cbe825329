//! TLS without its own I/O: bytes in, bytes out. Plain connections pass through.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Whom to believe: the certificate a server was started with.
pub(crate) type Trust = Arc<ClientConfig>;

/// Trusts one certificate (PEM), made for `localhost`.
///
/// # Errors
/// The file cannot be read, or is none.
pub(crate) fn trust_in(certificate: &Path) -> anyhow::Result<Trust> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificate)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Every handshake is a full one, as on a phone that was away.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// What lies between MQTT and the socket.
pub(super) enum Security {
    Plain,
    Tls(Box<ClientConnection>),
}

impl Security {
    pub(super) fn new(trust: Option<&Trust>) -> io::Result<Self> {
        let Some(trust) = trust else {
            return Ok(Self::Plain);
        };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(trust), name).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(session)))
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Appends what is inside to `plain`; false when the bytes are plain themselves.
    pub(super) fn decrypt(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<bool> {
        let Self::Tls(session) = self else {
            return Ok(false);
        };
        while !bytes.is_empty() {
            session.read_tls(&mut bytes)?;
            session.process_new_packets().map_err(io::Error::other)?;
            match session.reader().read_to_end(plain) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Appends the bytes as they go over the wire, and what the handshake has to say.
    pub(super) fn encrypt(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Self::Tls(session) = self else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        session.writer().write_all(bytes)?;
        while session.wants_write() {
            session.write_tls(out)?;
        }
        Ok(())
    }
}
