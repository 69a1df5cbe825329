//! Services of tenants that are asked before a message is taken: they let it pass, refuse it, or give it another content.
//!
//! The question is asked after the platform itself would take the draft, and before it is stored or kept back: whatever
//! door it came through, and once for each draft. While it is asked only its own sender waits. Where no tenant has a hook
//! it costs one load.

mod ask;
mod breaker;
mod manage;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use godwit_model::{Clock, TenantNo};
use godwit_push::{CallSettings, Caller};
use godwit_registry::Hook;
use tokio::sync::Semaphore;

use breaker::Breaker;

pub use manage::{BEFORE_SEND, HookWish, RESOLVER};

/// How hooks are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSettings {
    /// Whether they may be at private addresses, and speak plain HTTP.
    pub private_addresses: bool,
    /// Longest time that a hook may be given to answer, in milliseconds.
    pub time_limit_max_ms: u64,
    /// Questions to one hook at once; more wait, within its time.
    pub in_flight: usize,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            private_addresses: false,
            time_limit_max_ms: 5_000,
            in_flight: 64,
        }
    }
}

/// The hooks of all tenants, or none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hooks(Option<Arc<Desk>>);

pub(crate) struct Desk {
    settings: HookSettings,
    caller: Caller,
    /// Whether any tenant has one.
    any: AtomicBool,
    known: RwLock<HashMap<(TenantNo, String), Arc<Known>>>,
}

/// A hook, and how it does.
pub(crate) struct Known {
    pub(crate) hook: Hook,
    room: Semaphore,
    breaker: Breaker,
}

impl Hooks {
    /// Hooks with these settings.
    ///
    /// # Errors
    /// What is wrong with the client that asks them, for people.
    pub fn new(settings: HookSettings, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let calls = CallSettings {
            private_addresses: settings.private_addresses,
            connect_timeout: std::time::Duration::from_millis(settings.time_limit_max_ms),
            idle_per_host: settings.in_flight,
        };
        Ok(Self(Some(Arc::new(Desk {
            caller: Caller::new(&calls, Arc::clone(clock))?,
            settings,
            any: AtomicBool::new(false),
            known: RwLock::default(),
        }))))
    }

    /// The desk, if any tenant has a hook.
    pub(crate) fn in_use(&self) -> Option<&Arc<Desk>> {
        self.0.as_ref().filter(|desk| desk.any.load(Ordering::Relaxed))
    }
}

impl Desk {
    /// These are the hooks now. One that is as it was keeps what is known of how it does.
    fn know(&self, hooks: Vec<Hook>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::with_capacity(hooks.len());
        for hook in hooks.into_iter().filter(|hook| hook.says.enabled) {
            let key = (hook.tenant, hook.name.clone());
            let kept = known.remove(&key).filter(|kept| kept.hook == hook);
            let kept = kept.unwrap_or_else(|| {
                Arc::new(Known {
                    hook,
                    room: Semaphore::new(self.settings.in_flight.clamp(1, Semaphore::MAX_PERMITS)),
                    breaker: Breaker::default(),
                })
            });
            next.insert(key, kept);
        }
        self.any.store(!next.is_empty(), Ordering::SeqCst);
        *known = next;
    }

    pub(crate) fn find(&self, tenant: TenantNo, name: &str) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&(tenant, name.to_owned())).cloned()
    }
}
