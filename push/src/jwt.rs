//! Signed tokens (RFC 7515, compact) as vendors want them: ES256, RS256 and PS256.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use serde::Serialize;

use crate::base64url;

/// A key on the curve P-256.
#[derive(Clone)]
pub(crate) struct EcKey(SigningKey);

impl EcKey {
    /// From PKCS #8 in PEM: what a `.p8` file holds.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let key = SigningKey::from_pkcs8_pem(pem);
        key.map(Self).map_err(|_| "not a P-256 key in PKCS #8 (PEM)".to_owned())
    }

    /// From its 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let key = SigningKey::from_slice(bytes);
        key.map(Self).map_err(|_| "not the 32 bytes of a P-256 key".to_owned())
    }

    /// The public half, 65 bytes, uncompressed.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.verifying_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// A token signed with ES256.
    pub(crate) fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature: Signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", base64url::encode(signature.to_bytes()))
    }
}

fn part(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("headers and claims are plain structures of strings and numbers");
    base64url::encode(json)
}

/// An RSA key.
pub(crate) struct RsaKey(EncodingKey);

impl RsaKey {
    /// From PEM, PKCS #8 or #1.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes());
        key.map(Self).map_err(|error| format!("not an RSA key (PEM): {error}"))
    }

    /// A token signed with RS256 or PS256.
    pub(crate) fn sign(&self, algorithm: Algorithm, key_id: &str, claims: &impl Serialize) -> Result<String, String> {
        let mut header = Header::new(algorithm);
        header.kid = Some(key_id.to_owned());
        jsonwebtoken::encode(&header, claims, &self.0).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::Verifier as _;

    /// RFC 7515, A.3: the key and a signature over the published input.
    #[test]
    fn the_published_es256_example_is_verified_by_the_public_half_of_its_key() {
        let key = base64url::decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").expect("base64url");
        let key = EcKey::from_bytes(&key).expect("a key");
        let mut public = vec![4];
        public.extend(base64url::decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").expect("x"));
        public.extend(base64url::decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").expect("y"));
        assert_eq!(key.public(), public);
        let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let signature = Signature::from_slice(&base64url::decode(signature).expect("base64url")).expect("64 bytes");
        assert!(key.0.verifying_key().verify(input.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn a_signed_token_is_three_parts_without_padding_and_64_bytes_of_signature() {
        let key = EcKey::from_bytes(&[7; 32]).expect("a key");
        let token = key.sign(&serde_json::json!({"alg": "ES256"}), &serde_json::json!({"iss": "me"}));
        let parts: Vec<_> = token.split('.').map(base64url::decode).collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0].as_deref(), Some(&b"{\"alg\":\"ES256\"}"[..]));
        assert_eq!(parts[2].as_ref().map(Vec::len), Some(64));
    }
}
