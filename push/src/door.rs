//! The way out to a vendor over HTTPS: one pool of connections, bounded waits, bounded answers.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use godwit_model::Clock;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Request, RequestBuilder, redirect};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Connection;
use crate::{CheckError, Outcome, Scope};

mod date;

/// Bytes of an answer that are read; vendors answer with far less.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Seconds that we obey a Retry-After for; more is taken for a mistake.
const RETRY_AFTER_SECONDS_MAX: u64 = 24 * 3_600;

/// A pool of connections to one vendor.
pub(crate) struct Door {
    pub(crate) client: Client,
    clock: Arc<dyn Clock>,
}

/// What HTTP is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// 2 if the vendor offers it, otherwise 1.1.
    Either,
    /// 2 and nothing else.
    Http2,
}

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Retry-After, in whichever of its two forms.
    pub(crate) retry_after: Option<Duration>,
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// It does not prove who it is.
    Untrusted(String),
    /// It does not take our certificate.
    Unwelcome(String),
    /// No connection.
    Connect(String),
    /// Nothing came in time; the vendor may have what was sent.
    Timeout,
    /// The connection broke; the vendor may have what was sent.
    Broken(String),
    /// More than any vendor says.
    TooLong,
}

impl Door {
    pub(crate) fn new(connection: &Connection, speaks: Speaks, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::built(builder(connection, speaks, None)?, clock)
    }

    /// A door with what else `builder` was told.
    pub(crate) fn built(builder: ClientBuilder, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let client = builder.build().map_err(|error| innermost(&error))?;
        Ok(Self { client, clock })
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer, Unreached> {
        let request = request.build().map_err(|error| unreached(&error))?;
        self.execute(request).await
    }

    /// Sends a request that is whole, and reads the whole answer.
    pub(crate) async fn execute(&self, request: Request) -> Result<Answer, Unreached> {
        let sent = self.client.execute(request).await;
        let mut response = sent.map_err(|error| unreached(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreached(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Unreached::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|text| retry_after_in(text, self.clock.now_ms())),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// What we prove ourselves with by TLS, where a vendor takes that.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From a certificate with those that lead to its root, and its key, all PEM.
    pub(crate) fn from_pem(chain: &str, key: &str) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = certificates.map_err(|error| format!("not a certificate (PEM): {error}"))?;
        if chain.is_empty() {
            return Err("no certificate (PEM)".to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("not a key (PEM): {error}"))?;
        Ok(Self { chain, key })
    }
}

/// The client of a vendor: our trust, our waits, no redirects, no proxies of the environment.
pub(crate) fn builder(
    connection: &Connection,
    speaks: Speaks,
    identity: Option<Identity>,
) -> Result<ClientBuilder, String> {
    let mut tls = tls(connection, identity)?;
    let alpn: &[&[u8]] = match speaks {
        Speaks::Either => &[b"h2", b"http/1.1"],
        Speaks::Http2 => &[b"h2"],
    };
    tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_millis(connection.connect_timeout_ms))
        .timeout(Duration::from_millis(connection.timeout_ms))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .https_only(true);
    Ok(match speaks {
        Speaks::Either => builder,
        Speaks::Http2 => builder.http2_prior_knowledge(),
    })
}

/// What the host trusts, read once. It may be nothing, as in a bare container: then only the configured roots count.
fn host_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ROOTS.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

fn tls(connection: &Connection, identity: Option<Identity>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(host_roots().iter().cloned());
    if let Some(extra) = &connection.extra_roots {
        let pem = extra.read().map_err(|error| error.to_string())?;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| format!("not a certificate: {error}"))?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let config = config.with_root_certificates(roots);
    match identity {
        None => Ok(config.with_no_client_auth()),
        Some(Identity { chain, key }) => config
            .with_client_auth_cert(chain, key)
            .map_err(|error| error.to_string()),
    }
}

pub(crate) fn unreached(error: &reqwest::Error) -> Unreached {
    if let Some(found @ (rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)) = of_tls(error)
    {
        return Unreached::Untrusted(found.to_string());
    }
    let why = innermost(error);
    if is_about_our_certificate(&why) {
        return Unreached::Unwelcome(why);
    }
    if error.is_timeout() && !error.is_connect() {
        return Unreached::Timeout;
    }
    if error.is_connect() {
        Unreached::Connect(why)
    } else {
        Unreached::Broken(why)
    }
}

/// What TLS says, which hides inside I/O errors.
fn of_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next = error.source();
    while let Some(source) = next {
        let inside = inside(source);
        if let Some(found) = inside.downcast_ref() {
            return Some(found);
        }
        next = inside.source();
    }
    None
}

/// Whether a vendor ended the handshake for our certificate. It says so when the connection is in use already, and there
/// only the text of TLS is left (RFC 8446, 6.2).
fn is_about_our_certificate(why: &str) -> bool {
    let alert = why.strip_prefix("received fatal alert: ");
    alert.is_some_and(|alert| alert.contains("Certificate") || alert == "UnknownCA" || alert == "AccessDenied")
}

/// What an I/O error was made of: it does not call it its source.
fn inside<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let io = error.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(inner) => inside(inner),
        None => error,
    }
}

/// The deepest cause; the outer ones repeat the address, which may hold a token.
fn innermost(error: &reqwest::Error) -> String {
    let mut deepest = error.source();
    while let Some(next) = deepest.and_then(std::error::Error::source) {
        deepest = Some(next);
    }
    deepest.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

pub(crate) fn retry_after_in(text: &str, now_ms: u64) -> Option<Duration> {
    let seconds = match text.trim().parse() {
        Ok(seconds) => seconds,
        Err(_) => (date::http_date(text.trim())?).saturating_sub(now_ms / 1000),
    };
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_SECONDS_MAX)))
}

impl Answer {
    /// The answer as text, for a `detail`.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What a vendor means that answers without a word we know: by HTTP alone.
    pub(crate) fn by_status(&self) -> Outcome {
        let (code, text) = (self.status.to_string(), self.text());
        match self.status {
            429 => Outcome::retry_after(Scope::App, self.retry_after, code, text),
            500.. => Outcome::retry_after(Scope::Vendor, self.retry_after, code, text),
            401 | 403 | 404 => Outcome::misconfigured(code, text),
            400.. => Outcome::refused(code, text),
            // A success that says nothing we can read, or a redirect, does not come from the vendor.
            _ => Outcome::retry(Scope::Vendor, "unreadable", text),
        }
    }
}

impl Unreached {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Untrusted(_) => "untrusted",
            Self::Unwelcome(_) => "certificate",
            Self::Connect(_) => "connect",
            Self::Timeout => "timeout",
            Self::Broken(_) => "broken",
            Self::TooLong => "unreadable",
        }
    }

    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Untrusted(why) | Self::Unwelcome(why) | Self::Connect(why) | Self::Broken(why) => why,
            Self::Timeout => "no answer in time",
            Self::TooLong => "the answer is too long",
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Untrusted(why) | Self::Unwelcome(why) => Outcome::misconfigured(self.code(), why),
            _ => Outcome::retry(Scope::Vendor, self.code(), self.detail()),
        }
    }
}

impl From<Unreached> for CheckError {
    fn from(unreached: Unreached) -> Self {
        Self::Unreachable(unreached.detail().to_owned())
    }
}

/// The origin to ask: the configured one without a slash at its end, or the vendor's own.
pub(crate) fn origin(configured: Option<&String>, own: &str) -> Result<String, String> {
    let text = configured.map_or(own, String::as_str).trim_end_matches('/');
    let url = url::Url::parse(text).map_err(|error| format!("{text:?}: {error}"))?;
    if url.scheme() != "https" {
        return Err(format!("{text:?} must begin with https://"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_ms = 784_111_777_000;
        assert_eq!(retry_after_in("120", now_ms), Some(Duration::from_mins(2)));
        let date = "Sun, 06 Nov 1994 08:49:47 GMT";
        assert_eq!(retry_after_in(date, now_ms), Some(Duration::from_secs(10)));
        assert_eq!(retry_after_in("soon", now_ms), None);
        assert_eq!(retry_after_in("99999999", now_ms), Some(Duration::from_hours(24)));
    }

    #[test]
    fn only_https_is_asked() {
        assert_eq!(origin(None, "https://a.example").as_deref(), Ok("https://a.example"));
        assert_eq!(
            origin(Some(&"https://b.example:1/".to_owned()), "https://a.example").as_deref(),
            Ok("https://b.example:1")
        );
        assert!(origin(Some(&"http://b.example".to_owned()), "https://a.example").is_err());
    }
}
