//! Reads the files of TLS and judges them: everything that is wrong at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;

use super::certificate::Facts;
use super::fault::{Fault, FaultKind};
use crate::settings::{ClientCertificates, TlsFiles};

const CERTIFICATE: &str = "tls.certificate";
const KEY: &str = "tls.key";
const CLIENT_CA: &str = "tls.client_ca";

/// Largest file that is read; a chain of certificates has a few KiB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What the files hold, ready for use.
#[derive(Debug)]
pub(crate) struct Material {
    pub(super) certified: Arc<CertifiedKey>,
    /// The plain facts of the certificate.
    pub(crate) facts: Facts,
    /// Who judges clients' certificates, if they are asked for.
    pub(super) clients: Option<Clients>,
}

/// Who judges clients' certificates, and by what.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    pub(super) roots: Vec<CertificateDer<'static>>,
}

/// The files' content, or every fault that forbids its use; and the faults that do not.
pub(crate) struct Judgement {
    pub(crate) material: Option<Material>,
    pub(crate) faults: Vec<Fault>,
}

/// What all of TLS computes with. Never the process's default, which somebody else may set.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Reads the files and says what is wrong with them at this time.
pub(crate) fn judge(files: &TlsFiles, now_ms: u64) -> Judgement {
    let mut faults = Vec::new();
    let chain = noted(&mut faults, certificates(CERTIFICATE, &files.certificate));
    let key = noted(&mut faults, private_key(&files.key));
    let facts = chain.as_ref().and_then(|chain| {
        let facts = chain.first().and_then(Facts::of);
        noted(
            &mut faults,
            facts.ok_or_else(|| unreadable_certificate(&files.certificate)),
        )
    });
    if let Some(facts) = &facts {
        faults.extend(untimely(facts, &files.certificate, now_ms));
    }
    faults.extend(too_open(&files.key));
    let clients = noted(&mut faults, clients(files));
    let certified = chain
        .zip(key)
        .and_then(|(chain, key)| noted(&mut faults, certified(chain, &key, files)));
    let material = match (certified, facts, clients) {
        (Some(certified), Some(facts), Some(clients)) => Some(Material {
            certified,
            facts,
            clients,
        }),
        _ => None,
    };
    Judgement { material, faults }
}

fn noted<T>(faults: &mut Vec<Fault>, outcome: Result<T, Fault>) -> Option<T> {
    outcome.map_err(|fault| faults.push(fault)).ok()
}

fn file_fault(setting: &'static str, what: String, next: &str) -> Fault {
    Fault::new(FaultKind::File, setting, what, next)
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, Fault> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: io::Error| {
        let what = format!("`{setting}`: {} cannot be read: {error}", path.display());
        let next = match error.kind() {
            io::ErrorKind::NotFound => "name an existing file, or make one with `godwit tls self-signed`",
            io::ErrorKind::PermissionDenied => "let the user who runs the server read it",
            _ => "",
        };
        file_fault(setting, what, next)
    })
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = read(setting, path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        outcome => {
            let why = outcome.err().map_or_else(String::new, |error| format!(" ({error})"));
            let what = format!("`{setting}`: {} holds no certificate in PEM form{why}", path.display());
            let next = "it must have parts that begin with -----BEGIN CERTIFICATE-----";
            Err(file_fault(setting, what, next))
        }
    }
}

fn unreadable_certificate(path: &Path) -> Fault {
    let what = format!(
        "`{CERTIFICATE}`: the first certificate of {} cannot be understood",
        path.display()
    );
    file_fault(CERTIFICATE, what, "")
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let bytes = read(KEY, path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let text = String::from_utf8_lossy(&bytes);
        let next = if text.contains("ENCRYPTED") {
            "it is encrypted with a password: write it without one (openssl pkey -in FILE -out NEW)"
        } else {
            "it must have a part that begins with -----BEGIN PRIVATE KEY-----"
        };
        let what = format!(
            "`{KEY}`: {} holds no private key in PEM form that can be used",
            path.display()
        );
        file_fault(KEY, what, next)
    })
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
    files: &TlsFiles,
) -> Result<Arc<CertifiedKey>, Fault> {
    let key = ring::sign::any_supported_type(key).map_err(|error| {
        let what = format!("`{KEY}`: the key of {} cannot be used: {error}", files.key.display());
        file_fault(
            KEY,
            what,
            "RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 can be used",
        )
    })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(_) => Err(Fault::new(
            FaultKind::Mismatch,
            KEY,
            format!(
                "`{KEY}`: {} is not the key of {}",
                files.key.display(),
                files.certificate.display()
            ),
            "name the certificate and the key that were made together; the server's own certificate comes first in its file",
        )),
    }
}

fn clients(files: &TlsFiles) -> Result<Option<Clients>, Fault> {
    let Some(path) = &files.client_ca else {
        return Ok(None);
    };
    let roots = certificates(CLIENT_CA, path)?;
    let wrong = |error: &dyn std::fmt::Display| {
        let what = format!("`{CLIENT_CA}`: {} cannot be used: {error}", path.display());
        file_fault(CLIENT_CA, what, "")
    };
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|error| wrong(&error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider());
    let builder = match files.client_certificates {
        ClientCertificates::Required => builder,
        ClientCertificates::Optional | ClientCertificates::Off => builder.allow_unauthenticated(),
    };
    let verifier = builder.build().map_err(|error| wrong(&error))?;
    Ok(Some(Clients { verifier, roots }))
}

fn untimely(facts: &Facts, path: &Path, now_ms: u64) -> Option<Fault> {
    let path = path.display();
    let what = if now_ms > facts.until_ms {
        format!(
            "`{CERTIFICATE}`: {path} was valid until {}; clients will refuse it",
            facts.until()
        )
    } else if now_ms < facts.from_ms {
        format!(
            "`{CERTIFICATE}`: {path} is valid from {} on; clients will refuse it until then",
            facts.from()
        )
    } else {
        return None;
    };
    let next = "put a valid one in its place; a running server takes it by itself";
    Some(Fault::new(FaultKind::NotValidNow, CERTIFICATE, what, next))
}

fn too_open(path: &Path) -> Option<Fault> {
    let mode = path.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let what = format!(
            "`{KEY}`: others than its owner may use {} (mode {mode:03o})",
            path.display()
        );
        Fault::new(FaultKind::OpenKey, KEY, what, format!("chmod 600 {}", path.display()))
    })
}
