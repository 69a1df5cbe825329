//! Somebody who keeps talking, one message after the other, whatever happens to the server meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::phone::Phone;
use crate::failure::Failure;

/// A draft with a text.
pub(super) fn draft(id: &str, to: &str, text: &str) -> Value {
    json!({ "id": id, "to": to, "type": 0, "content": { "text": text } })
}

/// How many messages were acknowledged so far, over all who talk.
#[derive(Default)]
pub(super) struct Acknowledged {
    count: AtomicUsize,
    changed: Notify,
}

impl Acknowledged {
    fn one_more(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Resolves when there are this many.
    pub(super) async fn reach(&self, count: usize) {
        loop {
            let changed = self.changed.notified();
            if self.count.load(Ordering::SeqCst) >= count {
                return;
            }
            changed.await;
        }
    }
}

/// Somebody's part of a conversation.
pub(super) struct Talk<'a> {
    pub(super) phone: &'a Phone,
    /// Begins every id.
    pub(super) name: &'a str,
    /// Whom to, in turn.
    pub(super) to: &'a [&'a str],
    pub(super) count: usize,
}

impl Talk<'_> {
    /// The ids, in the order in which they are sent.
    pub(super) fn ids(&self) -> Vec<String> {
        (1..=self.count).map(|at| format!("{}-{at}", self.name)).collect()
    }

    /// Sends everything; returns the longest wait for an acknowledgement.
    pub(super) async fn run(&self, acknowledged: &Acknowledged) -> Result<Duration, Failure> {
        let mut longest = Duration::ZERO;
        for (id, to) in self.ids().iter().zip(self.to.iter().cycle()) {
            let waited = self.phone.send(&draft(id, to, id)).await?;
            longest = longest.max(waited);
            acknowledged.one_more();
        }
        Ok(longest)
    }
}
