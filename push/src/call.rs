//! Signed calls to addresses that customers chose, by the Standard Webhooks specification: nothing of our own networks is
//! asked, no redirect is followed, and an answer is read only so far.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use godwit_model::Clock;
use reqwest::header::RETRY_AFTER;
use url::Url;

use crate::address_guard::{NoPublicAddress, PublicOnly, is_public};
use crate::door::{Door, Speaks, Unreached, builder, retry_after_in, unreached};
use crate::settings::Connection;
use crate::vendor::external::Signer;

/// How calls are made.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// Whether private addresses may be called, and plain HTTP spoken: for one's own network.
    pub private_addresses: bool,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Idle connections that are kept for each host.
    pub idle_per_host: usize,
}

/// Makes calls.
pub struct Caller {
    door: Door,
    private_addresses: bool,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// The same for every repeat.
    pub id: &'a str,
    /// When it is made, in seconds since 1970.
    pub at_s: u64,
    /// JSON.
    pub body: &'a str,
    /// What signs it, as `whsec_…`: one, or two while they change.
    pub secrets: &'a [String],
    /// How long it may take.
    pub time_limit: Duration,
    /// Bytes of the answer that are read.
    pub answer_bytes_max: usize,
}

/// An answer, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Retry-After, in whichever of its two forms.
    pub retry_after: Option<Duration>,
    /// The first bytes of the body.
    pub body: Vec<u8>,
    /// Whether these are all, and came in time.
    pub is_whole: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The address must not be called.
    #[error("{0}")]
    Address(String),
    /// The secret does not sign.
    #[error("the secret cannot be used: {0}")]
    Secret(String),
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke.
    #[error("{0}")]
    Unreached(String),
}

/// Why an address is none that may be called; checked where it is named. What a name leads to is checked at each call.
///
/// # Errors
/// What is wrong, for people.
pub fn check_address(text: &str, private_addresses: bool) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "https" => {}
        "http" if private_addresses => {}
        _ => return Err("must begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a name or password".to_owned());
    }
    let address = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(address.into()),
        Some(url::Host::Ipv6(address)) => Some(address.into()),
        Some(url::Host::Domain(name)) if !name.is_empty() => None,
        _ => return Err("must name a host".to_owned()),
    };
    match address {
        Some(address) if !private_addresses && !is_public(address) => {
            Err("leads to a private address, which is not called".to_owned())
        }
        _ => Ok(()),
    }
}

/// The signature of a call: `v1,` and base64, as it stands in `webhook-signature`. Whoever is called computes it as well.
///
/// # Errors
/// What is wrong with the secret, for people.
pub fn signature(secret: &str, id: &str, (at_s, body): (u64, &str)) -> Result<String, String> {
    Ok(Signer::new(secret)?.sign(id, at_s, body).signature)
}

/// These bytes as a secret is written.
pub fn secret_of(bytes: &[u8; 32]) -> String {
    format!("whsec_{}", STANDARD.encode(bytes))
}

impl Caller {
    /// A caller with these settings.
    ///
    /// # Errors
    /// What is wrong with the client's cryptography, for people.
    pub fn new(settings: &CallSettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let connection = Connection {
            connect_timeout_ms: u64::try_from(settings.connect_timeout.as_millis()).unwrap_or(u64::MAX),
            ..Connection::default()
        };
        let mut client = builder(&connection, Speaks::Either, None)?
            .https_only(!settings.private_addresses)
            .pool_max_idle_per_host(settings.idle_per_host)
            .user_agent(concat!("godwit/", env!("CARGO_PKG_VERSION")));
        if !settings.private_addresses {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        Ok(Self {
            door: Door::built(client, clock)?,
            private_addresses: settings.private_addresses,
        })
    }

    /// Whether private addresses may be called.
    pub fn calls_private_addresses(&self) -> bool {
        self.private_addresses
    }

    /// Makes a call.
    pub async fn call(&self, call: &Call<'_>) -> Result<CallAnswer, NoAnswer> {
        check_address(call.url, self.private_addresses).map_err(NoAnswer::Address)?;
        let mut signatures = Vec::with_capacity(call.secrets.len());
        for secret in call.secrets {
            let signed = signature(secret, call.id, (call.at_s, call.body));
            signatures.push(signed.map_err(NoAnswer::Secret)?);
        }
        let request = self
            .door
            .client
            .post(call.url)
            .timeout(call.time_limit)
            .header("content-type", "application/json")
            .header("webhook-id", call.id)
            .header("webhook-timestamp", call.at_s.to_string())
            .header("webhook-signature", signatures.join(" "))
            .body(call.body.to_owned());
        let sent = request.send().await;
        let mut response = sent.map_err(|error| no_answer(&error))?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let mut answer = CallAnswer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|text| retry_after_in(text, self.door.now_ms())),
            body: Vec::new(),
            is_whole: true,
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = call.answer_bytes_max - answer.body.len();
                    answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                    if chunk.len() > room {
                        answer.is_whole = false;
                        return Ok(answer);
                    }
                }
                Ok(None) => return Ok(answer),
                // The status is the answer; whoever needs the body looks whether it is whole.
                Err(_) => {
                    answer.is_whole = false;
                    return Ok(answer);
                }
            }
        }
    }
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    match unreached(error) {
        Unreached::Connect(why) if why == NoPublicAddress.to_string() => NoAnswer::Address(why),
        Unreached::Timeout => NoAnswer::Timeout,
        // A connection that does not come about in the time for the whole call.
        Unreached::Connect(_) if error.is_timeout() => NoAnswer::Timeout,
        other => NoAnswer::Unreached(other.detail().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_where_they_are_named() {
        for bad in [
            "http://example.org/",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://user:word@example.org/",
            "ftp://example.org/",
            "example.org",
            "",
        ] {
            assert!(check_address(bad, false).is_err(), "{bad}");
        }
        assert_eq!(check_address("https://example.org/x", false), Ok(()));
        for private in ["http://127.0.0.1:1/x", "https://10.0.0.1/", "http://localhost/"] {
            assert_eq!(check_address(private, true), Ok(()), "{private}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_called() {
        let settings = CallSettings {
            private_addresses: false,
            connect_timeout: Duration::from_secs(5),
            idle_per_host: 1,
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let caller = Caller::new(&settings, Arc::new(godwit_model::SystemClock)).expect("a client");
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()];
        let call = Call {
            url: "https://localhost:1/",
            id: "msg_1",
            at_s: 1,
            body: "{}",
            secrets: &secrets,
            time_limit: Duration::from_secs(10),
            answer_bytes_max: 10,
        };
        let refused = caller.call(&call).await;
        assert!(matches!(refused, Err(NoAnswer::Address(_))), "{refused:?}");
    }
}
