//! The last number of a conversation: too many to keep, so it is looked up, and the writer remembers those it used.

use godwit_model::ConversationKey;

use crate::query::ReadError;
use crate::view::{Finished, SharedView};

pub(crate) mod dropped;
mod remembered;

pub(crate) use remembered::Remembered;

/// The last durable number of a conversation; 0 if it has none. May read the disk.
pub(crate) fn look_up(view: &SharedView, conversation: ConversationKey) -> Result<u64, ReadError> {
    let finished = {
        let view = view.read();
        let head = view.active.head_of(conversation);
        if head > 0 {
            return Ok(head);
        }
        view.finished()
    };
    in_finished(&finished, conversation)
}

/// The same for finished segments alone.
pub(crate) fn in_finished(finished: &Finished, conversation: ConversationKey) -> Result<u64, ReadError> {
    for index in finished.newest_first() {
        if let Some(head) = index.conversation_head(conversation)? {
            return Ok(head);
        }
    }
    finished.dropped().head(conversation)
}
