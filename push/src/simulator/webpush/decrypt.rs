//! Opens what was encrypted for a browser: RFC 8291 for the keys, RFC 8188 for the records.

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use hkdf::Hkdf;
use p256::ecdh::diffie_hellman;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

use crate::simulator::strict::{Fault, must};

/// The head of an encrypted body.
struct Head<'a> {
    salt: &'a [u8],
    record: usize,
    key_id: &'a [u8],
    records: &'a [u8],
}

fn head(body: &[u8]) -> Result<Head<'_>, Fault> {
    let short = || "the body is too short".to_owned();
    let (salt, rest) = body.split_at_checked(16).ok_or_else(short)?;
    let (record, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (length, rest) = rest.split_first().ok_or_else(short)?;
    let (key_id, records) = rest.split_at_checked(usize::from(*length)).ok_or_else(short)?;
    let record = usize::try_from(u32::from_be_bytes(*record)).map_err(|_| short())?;
    must(record >= 18, "a record has 18 bytes at least")?;
    Ok(Head {
        salt,
        record,
        key_id,
        records,
    })
}

/// Opens a Web Push message with the browser's keys.
pub(super) fn open(body: &[u8], key: &SecretKey, public: &[u8], secret: &[u8]) -> Result<Vec<u8>, Fault> {
    let head = head(body)?;
    must(head.key_id.len() == 65, "the key id is the sender's public key")?;
    let sender = PublicKey::from_sec1_bytes(head.key_id).map_err(|_| "the sender's key is not one")?;
    let shared = diffie_hellman(key.to_nonzero_scalar(), sender.as_affine());
    let mut info = b"WebPush: info\0".to_vec();
    info.extend_from_slice(public);
    info.extend_from_slice(head.key_id);
    let mut keying = [0; 32];
    expand(secret, shared.raw_secret_bytes(), &info, &mut keying);
    records(&head, &keying)
}

fn expand(salt: &[u8], keying: &[u8], info: &[u8], out: &mut [u8]) {
    let expanded = Hkdf::<Sha256>::new(Some(salt), keying).expand(info, out);
    expanded.expect("HKDF gives up to 8,160 bytes");
}

fn records(head: &Head<'_>, keying: &[u8]) -> Result<Vec<u8>, Fault> {
    let (mut key, mut base) = ([0; 16], [0; 12]);
    expand(head.salt, keying, b"Content-Encoding: aes128gcm\0", &mut key);
    expand(head.salt, keying, b"Content-Encoding: nonce\0", &mut base);
    let cipher = Aes128Gcm::new(&key.into());
    let count = head.records.len().div_ceil(head.record);
    let mut text = Vec::new();
    for (number, record) in head.records.chunks(head.record).enumerate() {
        let mut nonce = base;
        for (byte, of_number) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= of_number;
        }
        let opened = cipher.decrypt(&nonce.into(), record);
        let mut opened = opened.map_err(|_| format!("record {number} was not encrypted for this browser"))?;
        while opened.last() == Some(&0) {
            opened.pop();
        }
        let last = number + 1 == count;
        let ends = opened.pop().ok_or("a record without a delimiter")?;
        must(ends == if last { 2 } else { 1 }, "the delimiter of a record is wrong")?;
        text.extend(opened);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url::decode;
    use crate::simulator::webpush::public;

    fn bytes(text: &str) -> Vec<u8> {
        decode(text).expect("base64url")
    }

    /// RFC 8188, 3.1.
    #[test]
    fn the_published_single_record_is_opened() {
        let body = bytes("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg");
        let head = head(&body).expect("a head");
        let text = records(&head, &bytes("yqdlZ-tYemfogSmv7Ws5PQ")).expect("opened");
        assert_eq!(text, b"I am the walrus");
    }

    /// RFC 8188, 3.2: records of 25 bytes, padded.
    #[test]
    fn the_published_records_are_opened() {
        let body =
            bytes("uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA");
        let head = head(&body).expect("a head");
        assert_eq!(head.key_id, b"a1");
        let text = records(&head, &bytes("BO3ZVPxUlnLORbVGMpbT1Q")).expect("opened");
        assert_eq!(text, b"I am the walrus");
    }

    /// RFC 8291, 5.
    #[test]
    fn the_published_push_message_is_opened() {
        let key = SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).expect("a key");
        let body = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
             AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
        let text = open(&body, &key, &public(&key), &bytes("BTBZMqHH6r4Tts7J_aSIgg")).expect("opened");
        assert_eq!(text, b"When I grow up, I want to be a watermelon");
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let mut body = bytes("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg");
        body[25] ^= 1;
        let head = head(&body).expect("a head");
        assert!(records(&head, &bytes("yqdlZ-tYemfogSmv7Ws5PQ")).is_err());
    }
}
