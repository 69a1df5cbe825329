//! Says to a push service who we are (RFC 8292).

use std::collections::HashMap;
use std::sync::Mutex;

use p256::SecretKey;
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::json;
use url::Url;

use crate::base64url;
use crate::jwt::EcKey;

/// A signed word is good for half the day that services allow.
const LIFE_MS: u64 = 12 * 3_600 * 1_000;
/// A word is used for this long, so that it is never near its end.
const USE_MS: u64 = LIFE_MS / 2;
/// Push services that are remembered; there are a handful, unless somebody makes up addresses.
const REMEMBERED_MAX: usize = 1_024;

pub(super) struct Vapid {
    key: EcKey,
    subject: String,
    /// The word for each origin, and until when it is used.
    words: Mutex<HashMap<String, (String, u64)>>,
}

impl Vapid {
    /// From 32 bytes in base64url, or PKCS #8 PEM.
    pub(super) fn new(key: &str, subject: &str) -> Result<Self, String> {
        let key = if key.starts_with("-----") {
            let key = SecretKey::from_pkcs8_pem(key).map_err(|_| "not a P-256 key in PKCS #8 (PEM)")?;
            EcKey::from_bytes(&key.to_bytes())?
        } else {
            let bytes = base64url::decode(key.trim_end_matches('=')).ok_or("neither base64url nor PEM")?;
            EcKey::from_bytes(&bytes)?
        };
        Ok(Self {
            key,
            subject: subject.to_owned(),
            words: Mutex::default(),
        })
    }

    /// What browsers call `applicationServerKey`.
    pub(super) fn public_key(&self) -> String {
        base64url::encode(self.key.public())
    }

    /// The `Authorization` for an endpoint.
    pub(super) fn authorization(&self, endpoint: &Url, now_ms: u64) -> String {
        // With the port where it is not HTTPS's own (RFC 6454, 6.2).
        let origin = endpoint.origin().ascii_serialization();
        let mut words = self.words.lock().expect("nothing panics while it holds the words");
        if let Some((word, until_ms)) = words.get(&origin)
            && now_ms < *until_ms
        {
            return word.clone();
        }
        let claims = json!({"aud": origin, "exp": (now_ms + LIFE_MS) / 1000, "sub": self.subject});
        let token = self.key.sign(&json!({"typ": "JWT", "alg": "ES256"}), &claims);
        let word = format!("vapid t={token}, k={}", self.public_key());
        if words.len() >= REMEMBERED_MAX {
            words.clear();
        }
        words.insert(origin, (word.clone(), now_ms + USE_MS));
        word
    }
}
