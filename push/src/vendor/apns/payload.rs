//! What Apple's phones read.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::app_data::{carried, carried_silently};
use crate::{Class, Kind, Notification};

/// Bytes of a title; more is not shown anywhere.
const TITLE_BYTES_MAX: usize = 256;
/// Bytes of a payload, as a rule.
const USUAL_BYTES: usize = 1_024;

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
    let payload = Payload {
        notification,
        body,
        is_voip: push_type == "voip",
    };
    let mut json = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut json, &payload).expect("a map of texts and numbers is JSON");
    json
}

/// Written straight into JSON: this is done for every push.
struct Payload<'a> {
    notification: &'a Notification,
    body: &'a str,
    is_voip: bool,
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let notification = self.notification;
        let by_the_app = self.is_voip || !notification.is_shown();
        let pairs = if by_the_app {
            carried_silently(notification)
        } else {
            carried(notification)
        };
        let mut map = to.serialize_map(None)?;
        for (name, value) in &pairs {
            // The words of a call go with the data, and are cut here: the app, not the system, rings.
            if !(self.is_voip && *name == "body") {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(image) = &notification.image {
            map.serialize_entry("image", image)?;
        }
        if self.is_voip {
            map.serialize_entry("body", self.body)?;
        }
        map.serialize_entry("aps", &Aps(self))?;
        map.end()
    }
}

/// What the system reads.
struct Aps<'a>(&'a Payload<'a>);

impl Serialize for Aps<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let notification = self.0.notification;
        let mut map = to.serialize_map(None)?;
        if self.0.is_voip {
            return map.end();
        }
        if let Some(badge) = notification.badge {
            map.serialize_entry("badge", &badge)?;
        }
        if !notification.is_shown() {
            map.serialize_entry("content-available", &1)?;
            return map.end();
        }
        map.serialize_entry("alert", &Alert(self.0))?;
        map.serialize_entry("sound", notification.sound.as_deref().unwrap_or("default"))?;
        map.serialize_entry("thread-id", &notification.thread)?;
        // Lets the app's extension fetch a picture, or the words in privacy mode.
        map.serialize_entry("mutable-content", &1)?;
        if notification.kind == Kind::Call {
            map.serialize_entry("interruption-level", "time-sensitive")?;
        }
        map.end()
    }
}

/// What the reader sees.
struct Alert<'a>(&'a Payload<'a>);

impl Serialize for Alert<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        let title = crate::cut::bytes(&self.0.notification.title, TITLE_BYTES_MAX);
        map.serialize_entry("title", &title)?;
        if !self.0.body.is_empty() {
            map.serialize_entry("body", self.0.body)?;
        }
        map.end()
    }
}
