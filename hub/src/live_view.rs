//! A view of the inbox without a cursor (a QoS 0 subscription): what comes while somebody looks, nothing else.

use std::collections::VecDeque;
use std::sync::Arc;

use godwit_archive::{Item, Record};
use godwit_model::AccountNo;

use crate::own::Own;

/// Entries kept while the socket is full.
const READY_MAX: usize = 64;

/// What came and was not yet sent. Drops the oldest when the reader is slow, and counts it.
#[derive(Debug, Default)]
pub struct LiveView {
    ready: VecDeque<Item>,
    own: Own,
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

    /// The device published this entry itself and does not want it back.
    pub fn sent_by_itself(&mut self, seq: u64) {
        self.own.add(seq);
    }

    /// The next one to send.
    pub fn take(&mut self) -> Option<Item> {
        let own = &mut self.own;
        while self.ready.pop_front_if(|item| own.takes(item.seq)).is_some() {}
        self.ready.pop_front()
    }

    /// As [`LiveView::take`], while publications of the device are on their way: nothing while it is not known whether an
    /// entry by `author`, the device's account, is one of them.
    pub fn take_unless_own(&mut self, author: AccountNo) -> Option<Item> {
        let next = self.ready.front()?;
        let may_be_own = next.record.sender == author && next.seq > self.own.newest();
        if may_be_own { None } else { self.take() }
    }
}
