//! Signatures of the Standard Webhooks specification: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How a secret begins that is written in base64.
const PREFIX: &str = "whsec_";

/// Signs requests to one service.
pub(crate) struct Signer(Hmac<Sha256>);

/// What goes into the headers.
pub(crate) struct Signed {
    pub(crate) timestamp: String,
    pub(crate) signature: String,
}

impl Signer {
    /// A secret is a text, or `whsec_` and base64.
    pub(crate) fn new(secret: &str) -> Result<Self, String> {
        let key = match secret.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map_err(|_| format!("after {PREFIX} comes base64"))?,
            None => secret.as_bytes().to_vec(),
        };
        if key.len() < 16 {
            return Err("has at least 16 bytes".to_owned());
        }
        let mac = Hmac::new_from_slice(&key).map_err(|error| error.to_string())?;
        Ok(Self(mac))
    }

    pub(crate) fn sign(&self, id: &str, seconds: u64, body: &str) -> Signed {
        let timestamp = seconds.to_string();
        let mut mac = self.0.clone();
        for part in [id, ".", &timestamp, ".", body] {
            mac.update(part.as_bytes());
        }
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        Signed { timestamp, signature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_specification_shows() {
        // The example of the specification and its libraries.
        let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(Signer::new("short").is_err());
        assert!(Signer::new("whsec_%%%").is_err());
    }
}
