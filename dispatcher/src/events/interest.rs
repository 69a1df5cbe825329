//! Which kinds of events anybody listens to, so that others cost nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use godwit_model::TenantNo;

use super::kind::{EventKind, Kinds};

/// How long somebody who asked counts as listening, in milliseconds: longer than it takes to ask again.
const PULLED_MS: u64 = 120_000;

/// Which kinds anybody listens to.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    /// Kinds of any tenant.
    any: AtomicU32,
    of_tenants: RwLock<HashMap<TenantNo, Kinds>>,
    /// Tenants whose apps asked for events, and until when they count.
    pulled: Mutex<HashMap<TenantNo, u64>>,
}

impl Interest {
    pub(crate) fn is_any(&self) -> bool {
        self.any.load(Ordering::Relaxed) != 0
    }

    /// Whether anybody at all listens to a kind: one load.
    pub(crate) fn is_any_in(&self, kind: EventKind) -> bool {
        Kinds(self.any.load(Ordering::Relaxed)).contains(kind)
    }

    /// Whether anybody of a tenant listens to a kind.
    pub(crate) fn in_kind(&self, tenant: TenantNo, kind: EventKind) -> bool {
        if !self.is_any_in(kind) {
            return false;
        }
        let of_tenants = self.of_tenants.read().unwrap_or_else(PoisonError::into_inner);
        of_tenants.get(&tenant).is_some_and(|kinds| kinds.contains(kind))
    }

    /// Somebody of a tenant asks for events now. Says whether that is news.
    pub(crate) fn pulled(&self, tenant: TenantNo, now_ms: u64) -> bool {
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        let before = pulled.insert(tenant, now_ms.saturating_add(PULLED_MS));
        before.is_none_or(|until_ms| until_ms <= now_ms)
    }

    /// What webhooks want. Those who asked lately want everything.
    pub(crate) fn set(&self, webhooks: Vec<(TenantNo, Kinds)>, now_ms: u64) {
        let every = Kinds::of(EventKind::ALL);
        let pulled: Vec<TenantNo> = {
            let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
            pulled.retain(|_, until_ms| *until_ms > now_ms);
            pulled.keys().copied().collect()
        };
        let mut of_tenants: HashMap<TenantNo, Kinds> = HashMap::new();
        for (tenant, kinds) in webhooks
            .into_iter()
            .chain(pulled.into_iter().map(|tenant| (tenant, every)))
        {
            of_tenants.entry(tenant).or_default().0 |= kinds.0;
        }
        let any = of_tenants.values().fold(0, |any, kinds| any | kinds.0);
        *self.of_tenants.write().unwrap_or_else(PoisonError::into_inner) = of_tenants;
        self.any.store(any, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asked_lately_listens_to_everything_for_a_while() {
        let interest = Interest::default();
        let (one, other) = (TenantNo(1), TenantNo(2));
        interest.set(vec![(one, Kinds::of([EventKind::PushSent]))], 0);
        assert!(interest.in_kind(one, EventKind::PushSent) && !interest.in_kind(one, EventKind::ReceiptRead));
        assert!(!interest.in_kind(other, EventKind::PushSent));
        assert!(interest.pulled(other, 0) && !interest.pulled(other, 1));
        interest.set(Vec::new(), 1);
        assert!(interest.in_kind(other, EventKind::ReceiptRead) && !interest.in_kind(one, EventKind::PushSent));
        interest.set(Vec::new(), PULLED_MS + 1);
        assert!(!interest.is_any());
    }
}
