//! What travels inside a push for the app to read, the same for every vendor.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{Kind, Notification, Tap};

/// Names that every push may carry beside those of [`Notification::data`].
pub(crate) const PUSH_ID: &str = "pushId";
const COLLAPSE: &str = "collapse";
const THREAD: &str = "thread";
const WITHDRAW: &str = "withdraw";
const BADGE: &str = "badge";
const URL: &str = "url";
const INTENT: &str = "intent";
const TITLE: &str = "title";
const BODY: &str = "body";

/// Whether a name means something to us or to a vendor already.
fn is_taken(name: &str) -> bool {
    let ours = [PUSH_ID, COLLAPSE, THREAD, WITHDRAW, BADGE, URL, INTENT, TITLE, BODY];
    let theirs = ["aps", "from", "image", "message_type"];
    let prefixes = ["google", "gcm"];
    ours.contains(&name) || theirs.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Names and texts, in order.
pub(crate) type Pairs<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// Names and texts: the push's id, its place, what a tap does, and the notification's own data. What shows
/// nothing by itself also carries the badge and, for a call, its words.
pub(crate) fn carried(notification: &Notification) -> Pairs<'_> {
    let mut pairs: Pairs<'_> = vec![(PUSH_ID, notification.id.simple().into())];
    if !notification.thread.is_empty() {
        pairs.push((THREAD, notification.thread.as_str().into()));
    }
    match notification.kind {
        Kind::Withdraw => pairs.push((WITHDRAW, notification.collapse.as_str().into())),
        Kind::Alert | Kind::Call => pairs.push((COLLAPSE, notification.collapse.as_str().into())),
        Kind::Background => {}
    }
    match &notification.tap {
        Tap::OpenConversation => {}
        Tap::Url(url) => pairs.push((URL, url.into())),
        Tap::Intent(intent) => pairs.push((INTENT, intent.into())),
    }
    let free = notification.data.iter().filter(|(name, _)| !is_taken(name));
    pairs.extend(free.map(|(name, value)| (name.as_str(), value.into())));
    pairs
}

/// The same for pushes that the app itself must show or obey.
pub(crate) fn carried_silently(notification: &Notification) -> Pairs<'_> {
    let mut pairs = carried(notification);
    if let Some(badge) = notification.badge {
        pairs.push((BADGE, badge.to_string().into()));
    }
    if notification.is_shown() {
        pairs.push((TITLE, crate::cut::bytes(&notification.title, 200)));
        pairs.push((BODY, crate::cut::bytes(&notification.body, 1_000)));
    }
    pairs
}

/// As a JSON object of texts.
pub(crate) fn object(pairs: Pairs<'_>) -> Map<String, Value> {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.to_owned(), Value::String(value.into_owned())))
        .collect()
}

/// As the text of a JSON object.
pub(crate) fn text(pairs: Pairs<'_>) -> String {
    Value::Object(object(pairs)).to_string()
}

/// A template's values with the notification's words in the place of `{title}` and `{body}`.
pub(crate) fn filled(template: &str, title: &str, body: &str) -> String {
    // Title first by splitting, so that a title that says `{body}` is left as it is.
    let parts: Vec<_> = template
        .split("{title}")
        .map(|part| part.replace("{body}", body))
        .collect();
    parts.join(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_already_are_left_out() {
        let mut notification = crate::vendor::probe(0);
        notification.data = ["pushId", "aps", "google.x", "conv"]
            .map(|name| (name.to_owned(), "1".to_owned()))
            .to_vec();
        let names: Vec<_> = carried(&notification).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pushId", "collapse", "conv"]);
    }

    #[test]
    fn words_are_not_read_as_a_template() {
        assert_eq!(
            filled("{title}: {body}!", "a {body}", "b {title}"),
            "a {body}: b {title}!"
        );
        assert_eq!(filled("fixed", "a", "b"), "fixed");
    }
}
