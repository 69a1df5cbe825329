//! What outlives a connection, and for how long.

use crate::session::Subscriptions;

/// The part of a session that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// What the client may receive.
    pub subscriptions: Subscriptions,
    /// Seconds it outlives the connection; `u32::MAX` is for ever.
    pub expiry_s: u32,
}

impl Persistence {
    pub(super) fn of(subscriptions: Subscriptions, expiry_s: u32) -> Option<Self> {
        (expiry_s > 0).then_some(Self {
            subscriptions,
            expiry_s,
        })
    }

    /// Whether a session stored like this and ended at `ended_at_ms` (wall clock; 0 when the server went down with
    /// it) can still be taken up at `now_ms`.
    pub fn is_alive(self, ended_at_ms: u64, now_ms: u64) -> bool {
        let lifetime_ms = u64::from(self.expiry_s) * 1_000;
        self.expiry_s == u32::MAX || ended_at_ms == 0 || now_ms < ended_at_ms.saturating_add(lifetime_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_until_its_expiry_has_passed() {
        let subscriptions = Subscriptions::default();
        assert_eq!(Persistence::of(subscriptions, 0), None);
        let minute = Persistence::of(subscriptions, 60).expect("an expiry");
        assert!(minute.is_alive(1_000, 60_999));
        assert!(!minute.is_alive(1_000, 61_000));
        assert!(minute.is_alive(0, u64::MAX));
        assert!(
            Persistence {
                expiry_s: u32::MAX,
                ..minute
            }
            .is_alive(1, u64::MAX)
        );
    }
}
