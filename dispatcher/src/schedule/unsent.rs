//! Which drafts wait: one that is sent at once under the id of one that waits is that very one, and not sent twice.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use godwit_protocol::fingerprint;
use godwit_registry::{Error, NewSchedule, Registry};

use crate::Dispatcher;
use crate::author::Author;

/// Drafts read together at the start.
const PAGE: u64 = 1_000;

/// The keys of the drafts that wait, at about 32 bytes each. Every message asks, and most find nothing there.
#[derive(Debug, Default)]
pub(crate) struct Unsent(RwLock<HashSet<u128>>);

impl Unsent {
    pub(super) fn add(&self, key: u128) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    pub(super) fn remove(&self, asked: &NewSchedule) {
        let key = fingerprint::draft_key(asked.tenant, &asked.author, &asked.draft_id);
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// Reads what waits when the platform starts.
    pub(super) async fn load(&self, registry: &Registry) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = registry.unsent_drafts(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.no;
            for draft in &page {
                self.add(fingerprint::draft_key(draft.tenant, &draft.author, &draft.draft_id));
            }
        }
    }

    fn has(&self, author: &Author, id: &str) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !keys.is_empty() && keys.contains(&fingerprint::draft_key(author.tenant, &author.name, id))
    }
}

impl Dispatcher {
    /// Whether this author has a draft under this id that waits for its time.
    pub(crate) fn is_kept_back(&self, author: &Author, id: &str) -> bool {
        self.unsent.has(author, id)
    }
}
