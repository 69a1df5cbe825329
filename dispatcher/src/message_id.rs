//! Message ids for those who bring none.

use godwit_model::{Refusal, Refused, ServerId};

/// A new UUIDv7 (RFC 9562, 5.7): 48 bits of time, the rest random.
///
/// # Errors
/// [`Refusal::Overloaded`] when the host gives no randomness.
pub fn new_message_id(now_ms: u64) -> Result<String, Refused> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|_| Refused::new(Refusal::Overloaded, "the host gives no randomness, try again"))?;
    let random = u128::from_le_bytes(random);
    let version_and_variant = 0x7 << 76 | 0x2 << 62;
    let free = random & 0x0fff_3fff_ffff_ffff_ffff;
    Ok(ServerId(u128::from(now_ms & 0xffff_ffff_ffff) << 80 | version_and_variant | free).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_model::duplicate::carried_time_ms;

    #[test]
    fn an_id_carries_its_time_and_is_not_repeated() {
        let (one, other) = (
            new_message_id(1_700_000_000_000).unwrap(),
            new_message_id(1_700_000_000_000).unwrap(),
        );
        assert_eq!(carried_time_ms(&one), Some(1_700_000_000_000));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{one}");
        assert_ne!(one, other);
    }
}
