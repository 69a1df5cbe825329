//! What the settings of TLS come to: which files, and which of the doors are open with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Bind, ClientCertificates, Settings, TlsBind};

/// The ports that IANA registered for MQTT over TLS, and the usual one for HTTPS without root.
const MQTTS_PORT: u16 = 8883;
const HTTPS_PORT: u16 = 8443;

/// The files that TLS needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Who signs clients' certificates; there when any are asked for.
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) client_certificates: ClientCertificates,
}

/// Where `godwit tls self-signed` puts a certificate and its key, and where they are found without a setting.
pub(crate) fn own_files(data: &Path) -> (PathBuf, PathBuf) {
    let folder = data.join("tls");
    (folder.join("certificate.pem"), folder.join("key.pem"))
}

impl Settings {
    /// The files of the settings, or the data folder's own; `None` if there is no certificate.
    pub(crate) fn tls_files(&self) -> Option<TlsFiles> {
        let tls = &self.tls;
        let (certificate, key) = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => (certificate.into(), key.into()),
            (None, None) => {
                let own = own_files(&self.server.data);
                if !own.0.exists() {
                    return None;
                }
                own
            }
            // A conflict, which is told before anybody asks.
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let asks = tls.client_certificates != ClientCertificates::Off;
        Some(TlsFiles {
            certificate,
            key,
            client_ca: tls.client_ca.as_ref().filter(|_| asks).map(PathBuf::from),
            client_certificates: tls.client_certificates,
        })
    }

    /// Where MQTT over TLS listens, if it does.
    pub(crate) fn mqtts_address(&self) -> Option<SocketAddr> {
        self.tls_address(self.mqtts.bind, MQTTS_PORT)
    }

    /// Where HTTPS listens, if it does.
    pub(crate) fn https_address(&self) -> Option<SocketAddr> {
        self.tls_address(self.https.bind, HTTPS_PORT)
    }

    fn tls_address(&self, bind: TlsBind, port: u16) -> Option<SocketAddr> {
        match bind {
            TlsBind::Off => None,
            TlsBind::At(address) => Some(address),
            TlsBind::Auto => self.tls_files().map(|_| (Ipv4Addr::LOCALHOST, port).into()),
        }
    }

    /// Whether every open door of HTTP can be reached from this machine alone.
    pub(crate) fn is_http_local(&self) -> bool {
        let doors = [self.http.bind.address(), self.https_address()];
        doors.into_iter().flatten().all(|address| address.ip().is_loopback())
    }

    /// Whether any door is open that encrypts nothing and that other machines can reach.
    pub(crate) fn is_open_in_clear(&self) -> bool {
        let is_open = |bind: Bind| bind.address().is_some_and(|address| !address.ip().is_loopback());
        is_open(self.http.bind) || is_open(self.mqtt.bind)
    }

    /// Whether only this machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        let mqtts_is_local = self.mqtts_address().is_none_or(|address| address.ip().is_loopback());
        self.is_http_local() && mqtts_is_local && !self.is_open_in_clear()
    }
}
