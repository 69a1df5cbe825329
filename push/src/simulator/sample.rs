//! A message that every vendor takes, for those who need just any.

use crate::{Class, Kind, Notification, PushId, Tap};

/// A chat message with everything that a message usually has, in Chinese.
pub fn chat_message(id: PushId, expires_at_ms: u64) -> Notification {
    let data = [("conv", "c7"), ("seq", "42")];
    Notification {
        id,
        kind: Kind::Alert,
        class: Class::Chat,
        title: "Alice".to_owned(),
        body: "你好, 一起吃饭吗?".to_owned(),
        badge: Some(3),
        collapse: "c-7".to_owned(),
        sound: None,
        icon: None,
        image: None,
        tap: Tap::OpenConversation,
        thread: "alice".to_owned(),
        data: data.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        expires_at_ms,
    }
}
