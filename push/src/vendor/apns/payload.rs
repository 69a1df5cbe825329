//! What Apple's phones read.

use serde_json::{Map, Value, json};

use crate::carried::{carried, carried_silently, object};
use crate::{Class, Kind, Notification};

/// Bytes of a title; more is not shown anywhere.
const TITLE_BYTES_MAX: usize = 256;

/// Type and priority of everything but a VoIP push. What sets a badge must say that it is an alert.
pub(super) fn push_type(notification: &Notification) -> (&'static str, &'static str) {
    let quiet = matches!(notification.class, Class::System | Class::Marketing);
    match notification.kind {
        Kind::Alert if quiet => ("alert", "5"),
        Kind::Call | Kind::Alert => ("alert", "10"),
        Kind::Background | Kind::Withdraw if notification.badge.is_some() => ("alert", "5"),
        Kind::Background | Kind::Withdraw => ("background", "5"),
    }
}

/// The payload with this much of the body.
pub(super) fn payload(notification: &Notification, push_type: &str, body: &str) -> Vec<u8> {
    let mut payload = if push_type == "voip" || !notification.is_shown() {
        object(carried_silently(notification))
    } else {
        object(carried(notification))
    };
    if let Some(image) = &notification.image {
        payload.insert("image".to_owned(), image.as_str().into());
    }
    if push_type == "voip" {
        // The words go with the data: the app, not the system, rings.
        payload.insert("body".to_owned(), body.into());
        payload.insert("aps".to_owned(), json!({}));
    } else {
        payload.insert("aps".to_owned(), Value::Object(aps(notification, body)));
    }
    serde_json::to_vec(&payload).expect("a map of texts and numbers is JSON")
}

fn aps(notification: &Notification, body: &str) -> Map<String, Value> {
    let mut aps = Map::new();
    if let Some(badge) = notification.badge {
        aps.insert("badge".to_owned(), badge.into());
    }
    if !notification.is_shown() {
        aps.insert("content-available".to_owned(), 1.into());
        return aps;
    }
    let mut alert = Map::new();
    let title = crate::cut::to_bytes(&notification.title, TITLE_BYTES_MAX);
    alert.insert("title".to_owned(), title.into());
    if !body.is_empty() {
        alert.insert("body".to_owned(), body.into());
    }
    aps.insert("alert".to_owned(), Value::Object(alert));
    aps.insert(
        "sound".to_owned(),
        notification.sound.as_deref().unwrap_or("default").into(),
    );
    aps.insert("thread-id".to_owned(), notification.thread.as_str().into());
    // Lets the app's extension fetch a picture, or the words in privacy mode.
    aps.insert("mutable-content".to_owned(), 1.into());
    if notification.kind == Kind::Call {
        aps.insert("interruption-level".to_owned(), "time-sensitive".into());
    }
    aps
}
