//! Where a browser wants its pushes, as it says so itself.

use serde::Deserialize;
use url::Url;

use crate::{address_guard, base64url};

/// Bytes of a subscription's text; browsers need some 500.
const TEXT_BYTES_MAX: usize = 4_096;

pub(super) struct Subscription {
    pub(super) endpoint: Url,
    /// The browser's public key, 65 bytes.
    pub(super) key: Vec<u8>,
    /// What only we, it and its browser know, 16 bytes.
    pub(super) secret: Vec<u8>,
}

#[derive(Deserialize)]
struct Text {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    pub(super) fn read(text: &str, private: bool) -> Result<Self, &'static str> {
        if text.len() > TEXT_BYTES_MAX {
            return Err("a subscription is shorter");
        }
        let text: Text = serde_json::from_str(text).map_err(|_| "not a subscription as browsers give it")?;
        let endpoint = Url::parse(&text.endpoint).map_err(|_| "the endpoint is not an address")?;
        if !address_guard::may_be_asked(&endpoint, private) {
            return Err("the endpoint is not a public https address");
        }
        let bytes = |text: &str| base64url::decode(text.trim_end_matches('='));
        let key = bytes(&text.keys.p256dh).filter(|key| key.len() == 65);
        let secret = bytes(&text.keys.auth).filter(|secret| secret.len() == 16);
        Ok(Self {
            endpoint,
            key: key.ok_or("p256dh is not a public key")?,
            secret: secret.ok_or("auth is not 16 bytes")?,
        })
    }
}
