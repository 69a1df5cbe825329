//! One attempt to tell one webhook of one event, and what follows from the answer.

use std::time::Duration;

use godwit_push::{Call, NoAnswer};
use godwit_registry::{Tried, Webhook};

use super::Desk;
use super::event::{self, Event};
use crate::Dispatcher;

/// Bytes of an answer that are read: it says nothing that is needed, and a connection is used again once it is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Bytes of what is kept of what went wrong.
const DETAIL_BYTES_MAX: usize = 200;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The webhook has it.
    Taken,
    /// It does not; not to be tried before this has passed, where it said so.
    Failed(Option<Duration>),
    /// It wants no events any more (410).
    Gone,
}

/// An attempt, for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Whether the webhook took it: it answered with 2xx in time.
    pub delivered: bool,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

impl Dispatcher {
    /// Tells a webhook of an event, once.
    pub(super) async fn attempt(&self, desk: &Desk, webhook: &Webhook, event: &Event) -> (Fate, Attempted) {
        self.attempt_body(desk, webhook, (&event.id, &event.body())).await
    }

    /// Tells a webhook that it would be told, once.
    pub(super) async fn attempt_test(&self, desk: &Desk, webhook: &Webhook, id: &str) -> Attempted {
        let data = serde_json::json!({"webhookId": webhook.id}).to_string();
        let body = event::body("webhook.test", self.clock.now_ms(), &data);
        self.attempt_body(desk, webhook, (id, &body)).await.1
    }

    async fn attempt_body(&self, desk: &Desk, webhook: &Webhook, (id, body): (&str, &str)) -> (Fate, Attempted) {
        let (began_ms, now_ms) = (self.clock.steady_ms(), self.clock.now_ms());
        let secrets = webhook.secrets(now_ms);
        let call = Call {
            url: &webhook.says.url,
            id,
            at_s: now_ms / 1_000,
            body,
            secrets: &secrets.0,
            time_limit: desk.settings.time_limit,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let called = desk.caller.call(&call).await;
        let latency_ms = self.clock.steady_ms().saturating_sub(began_ms);
        let (fate, status, detail) = match called {
            Ok(answer) => {
                let (fate, detail) = judge(answer.status, answer.retry_after);
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                (fate, Some(answer.status), words(detail, &said))
            }
            Err(refused @ (NoAnswer::Address(_) | NoAnswer::Secret(_))) => {
                (Fate::Failed(None), None, cut(&refused.to_string()))
            }
            Err(unreached) => (Fate::Failed(None), None, cut(&unreached.to_string())),
        };
        let outcome = if fate == Fate::Taken { "delivered" } else { "failed" };
        metrics::counter!("webhook_attempts_total", "outcome" => outcome).increment(1);
        let attempted = Attempted {
            delivered: fate == Fate::Taken,
            status,
            detail,
            latency_ms,
        };
        (fate, attempted)
    }
}

fn judge(status: u16, retry_after: Option<Duration>) -> (Fate, Option<&'static str>) {
    match status {
        200..300 => (Fate::Taken, None),
        300..400 => (Fate::Failed(None), Some("redirects are not followed")),
        410 => (Fate::Gone, Some("it wants no events any more")),
        _ => (Fate::Failed(retry_after), Some("")),
    }
}

/// What is kept of an answer.
fn words(what: Option<&str>, said: &str) -> String {
    match what {
        None => String::new(),
        Some("") => cut(said.trim()),
        Some(what) => what.to_owned(),
    }
}

/// Cut to what is kept, without control characters.
fn cut(text: &str) -> String {
    let mut kept = String::new();
    for letter in text.chars() {
        if kept.len() + letter.len_utf8() > DETAIL_BYTES_MAX {
            break;
        }
        kept.push(if letter.is_control() { ' ' } else { letter });
    }
    kept
}

/// The line about an attempt.
pub(super) fn line(event: &Event, attempt: u32, (at_ms, outcome): (u64, &str), attempted: &Attempted) -> Tried {
    Tried {
        no: 0,
        event_id: event.id.clone(),
        kind: event.kind.as_str().to_owned(),
        attempt,
        at_ms,
        outcome: outcome.to_owned(),
        status: attempted.status,
        detail: attempted.detail.clone(),
        latency_ms: attempted.latency_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_is_success() {
        for (status, expected) in [
            (200, Fate::Taken),
            (204, Fate::Taken),
            (301, Fate::Failed(None)),
            (307, Fate::Failed(None)),
            (400, Fate::Failed(Some(Duration::from_secs(3)))),
            (410, Fate::Gone),
            (500, Fate::Failed(Some(Duration::from_secs(3)))),
            (999, Fate::Failed(Some(Duration::from_secs(3)))),
            (100, Fate::Failed(Some(Duration::from_secs(3)))),
        ] {
            assert_eq!(judge(status, Some(Duration::from_secs(3))).0, expected, "{status}");
        }
    }

    #[test]
    fn garbage_is_kept_short_and_harmless() {
        let garbage = "\u{0}\u{1b}[31m".repeat(1_000) + &"ü".repeat(1_000);
        let kept = cut(&garbage);
        assert!(kept.len() <= DETAIL_BYTES_MAX && !kept.chars().any(char::is_control));
    }
}
