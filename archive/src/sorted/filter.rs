//! Says "certainly not here" about most keys without a look at the disk.

const BLOCK_BYTES: usize = 64;
/// Sixteen bits and eight probes: about one wrong "maybe" in a thousand.
const BITS_A_KEY: usize = 16;
const PROBES: u32 = 8;
const LOW: u128 = (1 << 64) - 1;

/// A blocked Bloom filter: all bits of a key lie in one cache line.
pub(crate) struct Filter(Vec<u8>);

impl Filter {
    /// An empty one with room for so many keys.
    pub(crate) fn with_room(keys: u64) -> Self {
        let keys = usize::try_from(keys).unwrap_or(usize::MAX / BITS_A_KEY);
        let blocks = (keys * BITS_A_KEY).div_ceil(BLOCK_BYTES * 8).max(1);
        Self(vec![0; blocks * BLOCK_BYTES])
    }

    pub(crate) fn add(&mut self, key: u128) {
        let start = block_start(key, self.0.len() / BLOCK_BYTES);
        for bit in bits(key) {
            self.0[start + bit / 8] |= 1 << (bit % 8);
        }
    }

    /// A filter that was stored; `None` if it has no whole blocks.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_BYTES)).then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `false` is certain.
    pub(crate) fn may_hold(&self, key: u128) -> bool {
        let start = block_start(key, self.0.len() / BLOCK_BYTES);
        bits(key).all(|bit| self.0[start + bit / 8] & (1 << (bit % 8)) != 0)
    }
}

fn mix(key: u128) -> u64 {
    let folded = ((key & LOW) as u64) ^ ((key >> 64) as u64).rotate_left(32);
    folded.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn block_start(key: u128, blocks: usize) -> usize {
    // Multiply and shift: a fair share of the blocks without a division.
    let block = (u128::from(mix(key)) * blocks as u128) >> 64;
    usize::try_from(block).expect("a share of the blocks") * BLOCK_BYTES
}

fn bits(key: u128) -> impl Iterator<Item = usize> {
    let mut rest = mix(key ^ (key >> 17))
        .rotate_left(31)
        .wrapping_mul(0xd6e8_feb8_6659_fd93);
    (0..PROBES).map(move |_| {
        rest = rest.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(9);
        (rest >> 55) as usize
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> u128 {
        u128::from_le_bytes(
            blake3::hash(&n.to_le_bytes()).as_bytes()[..16]
                .try_into()
                .expect("16 bytes"),
        )
    }

    #[test]
    fn it_never_denies_a_key_it_holds_and_rarely_takes_another_for_one() {
        let keys: Vec<_> = (0..20_000).map(key).collect();
        let mut filter = Filter::with_room(20_000);
        for key in &keys {
            filter.add(*key);
        }
        assert!(keys.iter().all(|key| filter.may_hold(*key)));
        let wrong = (20_000..120_000).filter(|n| filter.may_hold(key(*n))).count();
        assert!(wrong < 500, "{wrong} of 100000");
    }
}
