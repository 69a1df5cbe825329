//! What Apple's answers mean.

use serde::Deserialize;

use super::too_many;
use crate::door::Answer;
use crate::{Outcome, Scope};

/// What to do about an answer before it is an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Sign anew and ask once more.
    RenewToken,
    /// Ask once more on a fresh connection.
    Reconnect,
    /// Ask once more with less.
    Shrink,
    /// That is the answer.
    Final,
}

#[derive(Deserialize)]
struct Said {
    reason: String,
    /// Milliseconds since 1970, with 410 only.
    timestamp: Option<u64>,
}

fn said(answer: &Answer) -> Option<Said> {
    serde_json::from_slice(&answer.body).ok()
}

pub(super) fn verdict(answer: &Answer) -> Verdict {
    if answer.status == 200 {
        return Verdict::Final;
    }
    match (answer.status, said(answer).map(|said| said.reason).as_deref()) {
        (403, Some("ExpiredProviderToken")) => Verdict::RenewToken,
        (400, Some("IdleTimeout")) => Verdict::Reconnect,
        (413, _) => Verdict::Shrink,
        _ => Verdict::Final,
    }
}

/// A topic that a device brought with it and Apple does not take says nothing about our configuration.
pub(super) fn outcome(answer: &Answer, topic_is_ours: bool) -> Outcome {
    if answer.status == 200 {
        let id = answer.headers.get("apns-id").and_then(|id| id.to_str().ok());
        return Outcome::accepted(id.map(str::to_owned));
    }
    let Some(Said { reason, timestamp }) = said(answer) else {
        return answer.by_status();
    };
    let code = reason.as_str();
    match (answer.status, code) {
        (400, "BadDeviceToken" | "DeviceTokenNotForTopic") => Outcome::token_invalid(code, ""),
        (410, "Unregistered" | "ExpiredToken") => Outcome::TokenInvalid {
            code: reason,
            detail: String::new(),
            as_of_ms: timestamp,
        },
        (400, "BadTopic" | "MissingTopic" | "TopicDisallowed") if topic_is_ours => Outcome::misconfigured(code, ""),
        (400, "IdleTimeout") => Outcome::retry(Scope::Vendor, code, ""),
        (403, _) => Outcome::misconfigured(code, ""),
        (429, _) => too_many(code, answer),
        (500.., _) => Outcome::retry_after(Scope::Vendor, answer.retry_after, code, ""),
        (400..500, _) => Outcome::refused(code, ""),
        _ => answer.by_status(),
    }
}
