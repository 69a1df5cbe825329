//! Server ids: UUIDv7 that ascend strictly, whatever the clock does.

use godwit_model::ServerId;

use crate::record::decode::time_of;

/// Bits of a UUIDv7 besides time, version and variant.
const PAYLOAD_BITS: u32 = 74;
const LOW_BITS: u32 = 62;
const LOW_MASK: u128 = (1 << LOW_BITS) - 1;

/// Gives ids.
pub(crate) struct ServerIds {
    last: ServerId,
    pool: Vec<u8>,
    used: usize,
}

impl ServerIds {
    /// Goes on after `last`.
    pub(crate) fn after(last: ServerId) -> Self {
        Self {
            last,
            pool: vec![0; 4096],
            used: usize::MAX,
        }
    }

    /// The last id given.
    pub(crate) fn last(&self) -> ServerId {
        self.last
    }

    /// The next id. Its time is `now_ms`, or that of the id before it if that is later.
    pub(crate) fn next(&mut self, now_ms: u64) -> ServerId {
        let before = time_of(self.last);
        self.last = if now_ms > before {
            // The top bit stays free, so that ids of the same millisecond have room to ascend.
            compose(now_ms, self.random() & ((1 << (PAYLOAD_BITS - 1)) - 1))
        } else {
            // A random step, so that one id does not tell the next.
            let payload = payload_of(self.last) + 1 + (self.random() & 0xffff_ffff);
            let carry = u64::from(payload >> PAYLOAD_BITS != 0);
            compose(before + carry, payload & ((1 << PAYLOAD_BITS) - 1))
        };
        self.last
    }

    fn random(&mut self) -> u128 {
        if self.used.saturating_add(16) > self.pool.len() {
            // Without new randomness ids still ascend; they are only easier to guess.
            if getrandom::fill(&mut self.pool).is_err() {
                tracing::warn!("the system gives no random bytes");
            }
            self.used = 0;
        }
        let bytes = self.pool[self.used..].first_chunk().expect("16 bytes are left");
        self.used += 16;
        u128::from_le_bytes(*bytes)
    }
}

fn compose(time_ms: u64, payload: u128) -> ServerId {
    let high = payload >> LOW_BITS;
    ServerId(u128::from(time_ms & 0xffff_ffff_ffff) << 80 | 7 << 76 | high << 64 | 0b10 << 62 | payload & LOW_MASK)
}

fn payload_of(id: ServerId) -> u128 {
    ((id.0 >> 64) & 0xfff) << LOW_BITS | id.0 & LOW_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_version_7_even_if_the_clock_steps_back() {
        let mut ids = ServerIds::after(ServerId(0));
        let mut last = ServerId(0);
        for n in 0..10_000_u64 {
            let id = ids.next(1_700_000_000_000 + (n / 100) - (n % 7) * 3);
            assert!(id > last);
            let uuid = uuid::Uuid::from_u128(id.0);
            assert_eq!(
                (uuid.get_version_num(), uuid.get_variant()),
                (7, uuid::Variant::RFC4122)
            );
            assert!(time_of(id) >= time_of(last));
            last = id;
        }
    }
}
