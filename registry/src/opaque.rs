//! Opaque public ids: 128 random bits as 26 characters of lower-case base32 (RFC 4648 alphabet, no padding).

use crate::error::Error;
use crate::random;

const CHARACTERS: usize = 26;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The bits of an opaque id: what tables and caches are keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opaque(pub(crate) u128);

impl Opaque {
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self(u128::from_be_bytes(random::bytes()?)))
    }

    /// Reads exactly what [`Opaque::text`] writes, so that one id has one spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != CHARACTERS {
            return None;
        }
        let mut value = 0_u128;
        for byte in text.bytes() {
            let digit = match byte {
                b'a'..=b'z' => byte - b'a',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            if value >> 123 != 0 {
                return None;
            }
            value = value << 5 | u128::from(digit);
        }
        Some(Self(value))
    }

    pub(crate) fn text(self) -> String {
        let digit = |at: usize| char::from(ALPHABET[(self.0 >> (5 * at)) as usize % ALPHABET.len()]);
        (0..CHARACTERS).rev().map(digit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_has_one_spelling() {
        for value in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let text = Opaque(value).text();
            assert_eq!(text.len(), CHARACTERS);
            assert_eq!(Opaque::parse(&text), Some(Opaque(value)), "{text}");
            assert_eq!(Opaque::parse(&text.to_uppercase()), None);
        }
        assert_eq!(Opaque::parse("zzzzzzzzzzzzzzzzzzzzzzzzzz"), None, "more than 128 bits");
        assert_eq!(Opaque::parse("a"), None);
    }
}
