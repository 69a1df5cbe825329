//! Encrypts a message for one browser (RFC 8291 over RFC 8188), in a single record.

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use hkdf::Hkdf;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

use super::subscription::Subscription;

/// Size of a record; a message fits into one.
const RECORD: u32 = 4_096;
/// Ends the last record.
const LAST: u8 = 2;

/// Encrypts with a key and a salt that are used once.
pub(super) fn encrypt(text: &[u8], to: &Subscription) -> Result<Vec<u8>, &'static str> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| "the host gives no randomness")?;
    seal(text, to, &fresh_key()?, salt)
}

fn fresh_key() -> Result<SecretKey, &'static str> {
    loop {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| "the host gives no randomness")?;
        // One in four billion is not a key.
        if let Ok(key) = SecretKey::from_slice(&bytes) {
            return Ok(key);
        }
    }
}

fn seal(text: &[u8], to: &Subscription, ours: &SecretKey, salt: [u8; 16]) -> Result<Vec<u8>, &'static str> {
    let theirs = PublicKey::from_sec1_bytes(&to.key).map_err(|_| "p256dh is not a point of the curve")?;
    let public = ours.public_key().to_encoded_point(false);
    let shared = diffie_hellman(ours.to_nonzero_scalar(), theirs.as_affine());
    let info = [b"WebPush: info\0", to.key.as_slice(), public.as_bytes()].concat();
    let keying: [u8; 32] = derive(&to.secret, shared.raw_secret_bytes(), &info);
    let key: [u8; 16] = derive(&salt, &keying, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = derive(&salt, &keying, b"Content-Encoding: nonce\0");
    let cipher = Aes128Gcm::new(&key.into());
    let padded = [text, &[LAST]].concat();
    let sealed = cipher
        .encrypt(&nonce.into(), padded.as_slice())
        .map_err(|_| "too long to encrypt")?;
    let header = [&salt[..], &RECORD.to_be_bytes(), &[65], public.as_bytes()].concat();
    Ok([header, sealed].concat())
}

fn derive<const N: usize>(salt: &[u8], keying: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let derived = Hkdf::<Sha256>::new(Some(salt), keying).expand(info, &mut out);
    derived.expect("HKDF gives up to 8,160 bytes");
    out
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::base64url::{decode, encode};

    /// RFC 8291, 5.
    #[test]
    fn the_published_message_is_written_byte_for_byte() {
        let bytes = |text| decode(text).expect("base64url");
        let to = Subscription {
            endpoint: Url::parse("https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV").expect("a URL"),
            key: bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            secret: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let ours = SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).expect("a key");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes");
        let sealed = seal(b"When I grow up, I want to be a watermelon", &to, &ours, salt).expect("sealed");
        assert_eq!(
            encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
             AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn no_two_messages_are_encrypted_alike() {
        let to = Subscription {
            endpoint: Url::parse("https://push.example.net/").expect("a URL"),
            key: fresh_key()
                .expect("a key")
                .public_key()
                .to_encoded_point(false)
                .as_bytes()
                .to_vec(),
            secret: vec![1; 16],
        };
        assert_ne!(encrypt(b"a", &to).expect("sealed"), encrypt(b"a", &to).expect("sealed"));
    }
}
