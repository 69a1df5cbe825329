//! The heads of the conversations used last, in a fixed amount of memory.

use godwit_model::ConversationKey;

/// Conversations that share a place; the one unused for longest gives way.
const WAYS: usize = 4;

#[derive(Clone, Copy, Default)]
struct Slot {
    /// The halves of the key, which is 0 for nobody.
    high: u64,
    low: u64,
    head: u64,
}

const LOW: u128 = (1 << 64) - 1;

/// A cache that takes its memory when it is filled.
pub(crate) struct Remembered {
    sets: Vec<[Slot; WAYS]>,
}

fn halves(conversation: ConversationKey) -> (u64, u64) {
    ((conversation.0 >> 64) as u64, (conversation.0 & LOW) as u64)
}

impl Remembered {
    /// Room for about so many conversations.
    pub(crate) fn new(conversations: usize) -> Self {
        let sets = conversations.div_ceil(WAYS).max(1);
        Self {
            sets: vec![[Slot::default(); WAYS]; sets],
        }
    }

    fn set(&mut self, (high, low): (u64, u64)) -> &mut [Slot; WAYS] {
        let mixed = (low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let at = (u128::from(mixed) * self.sets.len() as u128) >> 64;
        &mut self.sets[usize::try_from(at).unwrap_or(0)]
    }

    pub(crate) fn get(&mut self, conversation: ConversationKey) -> Option<u64> {
        let (high, low) = halves(conversation);
        let set = self.set((high, low));
        let at = set.iter().position(|slot| slot.high == high && slot.low == low)?;
        set[..=at].rotate_right(1);
        Some(set[0].head).filter(|head| *head > 0)
    }

    pub(crate) fn put(&mut self, conversation: ConversationKey, head: u64) {
        let (high, low) = halves(conversation);
        let set = self.set((high, low));
        let known = set.iter().position(|slot| slot.high == high && slot.low == low);
        let at = known.unwrap_or(WAYS - 1);
        set[..=at].rotate_right(1);
        set[0] = Slot { high, low, head };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_never_wrongly() {
        let mut remembered = Remembered::new(64);
        for n in 1..=1000_u64 {
            remembered.put(ConversationKey(u128::from(n) << 60 | 5), n);
            assert_eq!(remembered.get(ConversationKey(u128::from(n) << 60 | 5)), Some(n));
        }
        let kept = (1..=1000_u64).filter_map(|n| {
            remembered
                .get(ConversationKey(u128::from(n) << 60 | 5))
                .map(|head| (n, head))
        });
        let kept: Vec<_> = kept.collect();
        assert!(
            kept.iter().all(|(n, head)| n == head) && (32..=64).contains(&kept.len()),
            "{}",
            kept.len()
        );
        remembered.put(ConversationKey(1 << 60 | 5), 77);
        assert_eq!(remembered.get(ConversationKey(1 << 60 | 5)), Some(77));
        assert_eq!(remembered.get(ConversationKey(0)), None);
    }
}
