//! Why a handshake did not come about, as metrics count it.

use std::io;

use tokio_rustls::rustls::{AlertDescription, Error};

/// Why a handshake did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeRefusal {
    /// Not done in time: a slow or silent client, or no place among the handshakes under way.
    Timeout,
    /// The client went away.
    Lost,
    /// What came is not TLS.
    NotTls,
    /// The client offers no version, cipher suite or protocol that this door speaks.
    Incompatible,
    /// A client certificate is required and none came.
    NoCertificate,
    /// The client's certificate is not one of those that are let in.
    WrongCertificate,
    /// The client does not trust this door's certificate.
    Distrusted,
    /// Anything else that TLS forbids.
    Broken,
}

impl HandshakeRefusal {
    pub(super) fn of(error: &io::Error) -> Self {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
        cause.map_or(Self::Lost, Self::of_tls)
    }

    fn of_tls(error: &Error) -> Self {
        match error {
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Self::NotTls,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => Self::WrongCertificate,
            Error::AlertReceived(alert) if is_distrust(*alert) => Self::Distrusted,
            Error::AlertReceived(_) => Self::Lost,
            _ => Self::Broken,
        }
    }

    /// The reason, as metrics call it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Lost => "lost",
            Self::NotTls => "not_tls",
            Self::Incompatible => "incompatible",
            Self::NoCertificate => "no_certificate",
            Self::WrongCertificate => "wrong_certificate",
            Self::Distrusted => "distrusted",
            Self::Broken => "broken",
        }
    }
}

/// Alerts by which a client says that it does not like our certificate (RFC 8446, 6.2).
fn is_distrust(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
    )
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::{CertificateError, InvalidMessage, PeerIncompatible};

    use super::*;

    #[test]
    fn every_end_of_a_handshake_has_its_reason() {
        let tls = |error: Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (error, reason) in [
            (io::ErrorKind::ConnectionReset.into(), "lost"),
            (io::ErrorKind::UnexpectedEof.into(), "lost"),
            (tls(InvalidMessage::InvalidContentType.into()), "not_tls"),
            (tls(PeerIncompatible::NoCipherSuitesInCommon.into()), "incompatible"),
            (tls(Error::NoApplicationProtocol), "incompatible"),
            (tls(Error::NoCertificatesPresented), "no_certificate"),
            (tls(CertificateError::UnknownIssuer.into()), "wrong_certificate"),
            (tls(Error::AlertReceived(AlertDescription::UnknownCA)), "distrusted"),
            (tls(Error::AlertReceived(AlertDescription::UserCanceled)), "lost"),
            (tls(Error::DecryptError), "broken"),
        ] {
            assert_eq!(HandshakeRefusal::of(&error).label(), reason, "{error}");
        }
    }
}
