//! Others are told when a broadcast begins and when it is over.

use godwit_registry::{BroadcastRecord, BroadcastState};
use serde_json::json;

use crate::Dispatcher;
use crate::events::EventKind;

impl Dispatcher {
    /// Tells where a broadcast is, if that is its beginning or its end. The same twice is one event.
    pub(super) async fn tell_broadcast(&self, record: &BroadcastRecord) {
        let kind = match record.state {
            BroadcastState::Running => EventKind::BroadcastStarted,
            state if state.is_over() => EventKind::BroadcastFinished,
            _ => return,
        };
        let asked = &record.asked;
        let data = json!({
            "broadcastId": asked.id,
            "state": record.state.as_str(),
            "estimate": record.estimate,
            "accounts": record.accounts,
            "code": record.code,
        });
        let key = format!("{} {}", asked.id, record.state.as_str());
        self.tell_event(asked.tenant, kind, &data, Some(&key)).await;
    }
}
