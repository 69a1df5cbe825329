//! Every key the registry uses, each derived from the master key for one purpose.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::error::Error;
use crate::random;

const NONCE_BYTES: usize = 24;

pub(crate) struct Keys {
    pub(crate) sign: EncodingKey,
    pub(crate) verify: DecodingKey,
    push_seal: XChaCha20Poly1305,
    push_hash: [u8; 32],
    call_seal: XChaCha20Poly1305,
}

/// What tells a master key from others, without telling the key.
pub fn master_key_check(master: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("godwit registry 2026 which master key", master)
}

impl Keys {
    pub(crate) fn derive(master: &[u8; 32]) -> Self {
        let access = blake3::derive_key("godwit registry 2026 access tokens", master);
        let seal = blake3::derive_key("godwit registry 2026 push tokens at rest", master);
        let calls = blake3::derive_key("godwit registry 2026 secrets of webhooks and hooks at rest", master);
        Self {
            sign: EncodingKey::from_secret(&access),
            verify: DecodingKey::from_secret(&access),
            push_seal: XChaCha20Poly1305::new(&seal.into()),
            push_hash: blake3::derive_key("godwit registry 2026 push token equality", master),
            call_seal: XChaCha20Poly1305::new(&calls.into()),
        }
    }

    /// A keyed hash of a vendor's token: equal for equal tokens, and of no use without the key.
    pub(crate) fn push_hash(&self, token: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.push_hash, token.as_bytes()).as_bytes()
    }

    /// Encrypts a vendor's token; the vendor is bound to it.
    pub(crate) fn seal_push(&self, vendor: &str, token: &str) -> Result<Vec<u8>, Error> {
        seal(&self.push_seal, vendor, token)
    }

    /// Decrypts what [`Keys::seal_push`] made.
    pub(crate) fn open_push(&self, vendor: &str, sealed: &[u8]) -> Result<String, Error> {
        open(&self.push_seal, vendor, sealed)
    }

    /// Encrypts the secret of a webhook or hook; whose it is is bound to it.
    pub(crate) fn seal_call(&self, owner: &str, secret: &str) -> Result<Vec<u8>, Error> {
        seal(&self.call_seal, owner, secret)
    }

    /// Decrypts what [`Keys::seal_call`] made.
    pub(crate) fn open_call(&self, owner: &str, sealed: &[u8]) -> Result<String, Error> {
        open(&self.call_seal, owner, sealed)
    }
}

fn seal(cipher: &XChaCha20Poly1305, bound: &str, text: &str) -> Result<Vec<u8>, Error> {
    let nonce: [u8; NONCE_BYTES] = random::bytes()?;
    let payload = Payload {
        msg: text.as_bytes(),
        aad: bound.as_bytes(),
    };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| Error::Internal("a secret could not be encrypted".to_owned()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, bound: &str, sealed: &[u8]) -> Result<String, Error> {
    let wrong = || Error::Internal("a stored secret does not fit the master key".to_owned());
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(wrong)?;
    let payload = Payload {
        msg: sealed,
        aad: bound.as_bytes(),
    };
    let text = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| wrong())?;
    String::from_utf8(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_push_token_opens_with_its_key_and_vendor_only() {
        let keys = Keys::derive(&[1; 32]);
        let sealed = keys.seal_push("fcm", "token").unwrap();
        assert_eq!(keys.open_push("fcm", &sealed).unwrap(), "token");
        assert!(keys.open_push("apns", &sealed).is_err());
        assert!(Keys::derive(&[2; 32]).open_push("fcm", &sealed).is_err());
        assert!(keys.open_push("fcm", &sealed[..10]).is_err());
        assert_ne!(keys.seal_push("fcm", "token").unwrap(), sealed, "nonces differ");
    }
}
