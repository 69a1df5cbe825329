//! Random credentials: their text, and the hashes that are kept of them.
//!
//! They carry 256 random bits, so a plain fast hash protects them at rest; app secrets are hashed in [`crate::secret`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::error::Error;
use crate::opaque::Opaque;
use crate::random;

/// Characters of 256 bits in base64url.
const SECRET_CHARACTERS: usize = 43;

/// 256 random bits as 43 characters of base64url.
pub(crate) fn secret() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?))
}

/// The hash that is kept of a credential's whole text.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// Compares in a time that does not depend on where two hashes differ.
pub(crate) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// What a device shows: `gwd_{deviceId}_{secret}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceToken {
    pub(crate) device_id: Opaque,
    pub(crate) hash: [u8; 32],
}

impl DeviceToken {
    /// A fresh token of a device, and its text.
    pub(crate) fn fresh(device_id: Opaque) -> Result<(Self, String), Error> {
        let text = format!("gwd_{}_{}", device_id.text(), secret()?);
        let hash = hash(&text);
        Ok((Self { device_id, hash }, text))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (device_id, secret) = text.strip_prefix("gwd_")?.split_once('_')?;
        let device_id = Opaque::parse(device_id)?;
        (secret.len() == SECRET_CHARACTERS).then(|| Self {
            device_id,
            hash: hash(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_token_names_its_device() {
        let device_id = Opaque(7);
        let (token, text) = DeviceToken::fresh(device_id).unwrap();
        let read = DeviceToken::parse(&text).unwrap();
        assert_eq!((read.device_id, read.hash), (device_id, token.hash));
        assert_ne!(DeviceToken::fresh(device_id).unwrap().1, text);
        for bad in ["", "gwd_", "gwd_x_y", &text.replace("gwd", "gwt"), &format!("{text}A")] {
            assert!(DeviceToken::parse(bad).is_none(), "{bad}");
        }
    }
}
