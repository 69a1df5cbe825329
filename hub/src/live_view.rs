//! A view of the inbox without a cursor (a QoS 0 subscription): what comes while somebody looks, nothing else.

use std::collections::VecDeque;
use std::sync::Arc;

use godwit_archive::{Item, Record};

/// Entries kept while the socket is full.
const READY_MAX: usize = 64;

/// What came and was not yet sent. Drops the oldest when the reader is slow, and counts it.
#[derive(Debug, Default)]
pub struct LiveView {
    ready: VecDeque<Item>,
}

impl LiveView {
    /// A message that just came.
    pub fn hint(&mut self, seq: u64, record: Arc<Record>) {
        if self.ready.len() == READY_MAX {
            self.ready.pop_front();
            metrics::counter!("deliveries_dropped_total", "reason" => "slow_live_view").increment(1);
        }
        self.ready.push_back(Item { seq, record });
    }

    /// The next one to send.
    pub fn take(&mut self) -> Option<Item> {
        self.ready.pop_front()
    }
}
