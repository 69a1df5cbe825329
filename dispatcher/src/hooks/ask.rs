//! The question before a message is taken, and what the answer means.

use std::sync::Arc;
use std::time::Duration;

use godwit_model::limits::DRAFT_BYTES_MAX;
use godwit_model::{Address, Draft, Refusal, Refused};
use godwit_protocol::{fingerprint, json as text};
use godwit_push::{Call, CallAnswer, NoAnswer};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{BEFORE_SEND, Desk, Known};
use crate::Dispatcher;
use crate::author::Author;
use crate::events::body;

/// Bytes of an answer: another content, and what is around it.
const ANSWER_BYTES_MAX: usize = DRAFT_BYTES_MAX + 4 * 1024;
/// Bytes of a reason that its sender is told.
const REASON_BYTES_MAX: usize = 500;

/// What a hook answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer<'a> {
    action: Action,
    reason: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    Allow,
    Refuse,
    Rewrite,
}

/// What a hook decided.
enum Verdict {
    Allowed,
    Refused(String),
    /// Another content: JSON.
    Rewritten(String),
}

impl Dispatcher {
    /// Asks whoever is to be asked before this draft is taken. `Some` is the draft with its other content.
    ///
    /// # Errors
    /// [`Refusal::HookRefused`] with the hook's reason; [`Refusal::HookUnavailable`] where it does not answer and nothing
    /// may pass without it.
    pub(crate) async fn ask_before_send(
        &self,
        desk: &Arc<Desk>,
        author: &Author,
        draft: &Draft,
    ) -> Result<Option<Draft>, Refused> {
        if hook_for(desk, author).is_none() {
            return Ok(None);
        }
        // Nobody is asked about what could not be sent anyway.
        self.judge_draft(author, draft.clone()).await?;
        self.ask_about(desk, author, draft).await
    }

    /// The same for a draft that is judged already.
    pub(crate) async fn ask_about(
        &self,
        desk: &Arc<Desk>,
        author: &Author,
        draft: &Draft,
    ) -> Result<Option<Draft>, Refused> {
        let Some(known) = hook_for(desk, author) else {
            return Ok(None);
        };
        // Whoever polls this once and then begins again has asked nothing yet.
        tokio::task::yield_now().await;
        let key = fingerprint::draft_key(author.tenant, &author.name, &draft.id);
        if self.read(move |archive| archive.knows_draft(key)).await? {
            return Ok(None);
        }
        let question = question(author, draft);
        let id = format!("bfr_{key:032x}");
        let asking = (id.as_str(), "message.before", question.as_str());
        let asked = self.ask_hook((&**desk, &*known), asking, ANSWER_BYTES_MAX, read).await;
        let outcome = match &asked {
            Ok(Verdict::Allowed) => "allowed",
            Ok(Verdict::Refused(_)) => "refused",
            Ok(Verdict::Rewritten(_)) => "rewritten",
            Err(_) => "unanswered",
        };
        metrics::counter!("hook_questions_total", "outcome" => outcome).increment(1);
        match asked {
            Ok(Verdict::Allowed) => Ok(None),
            Ok(Verdict::Refused(reason)) => Err(Refused::new(Refusal::HookRefused, reason)),
            Ok(Verdict::Rewritten(content)) => Ok(Some(Draft {
                content,
                ..draft.clone()
            })),
            Err(_) if known.hook.says.on_failure == "allow" => Ok(None),
            Err(why) => {
                tracing::warn!(
                    tenant = author.tenant.0,
                    why,
                    "a message is refused because its hook does not answer"
                );
                Err(Refusal::HookUnavailable.into())
            }
        }
    }

    /// One question, within the hook's time. `read` says whether what came is an answer.
    pub(crate) async fn ask_hook<T>(
        &self,
        (desk, known): (&Desk, &Known),
        (id, kind, data): (&str, &str, &str),
        answer_bytes_max: usize,
        read: impl FnOnce(Result<CallAnswer, NoAnswer>) -> Result<T, String>,
    ) -> Result<T, String> {
        if !known.breaker.lets_pass(self.clock.steady_ms()) {
            return Err("it did not answer several times, and is not asked for a while".to_owned());
        }
        let time_limit = Duration::from_millis(known.hook.says.time_limit_ms);
        let began_ms = self.clock.steady_ms();
        let asking = async {
            let _room = known.room.acquire().await.map_err(|error| error.to_string())?;
            let now_ms = self.clock.now_ms();
            let secrets = known.hook.secrets(now_ms);
            let call = Call {
                url: &known.hook.says.url,
                id,
                at_s: now_ms / 1_000,
                body: &body(kind, now_ms, data),
                secrets: &secrets.0,
                time_limit,
                answer_bytes_max,
            };
            read(desk.caller.call(&call).await)
        };
        let answered = tokio::time::timeout(time_limit, asking).await;
        let answered = answered.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        let took_ms = self.clock.steady_ms().saturating_sub(began_ms);
        metrics::histogram!("hook_answer_ms").record(u32::try_from(took_ms).map_or(f64::from(u32::MAX), f64::from));
        match &answered {
            Ok(_) => known.breaker.answered(),
            Err(_) => known.breaker.failed(self.clock.steady_ms()),
        }
        answered
    }
}

/// The hook of the app that sends, or of the tenant.
fn hook_for(desk: &Desk, author: &Author) -> Option<Arc<Known>> {
    let of_app = author.app.as_ref();
    let of_app = of_app.and_then(|app| desk.find(author.tenant, &format!("{BEFORE_SEND}.{}", app.client_id)));
    of_app.or_else(|| desk.find(author.tenant, BEFORE_SEND))
}

/// What is asked, as JSON.
fn question(author: &Author, draft: &Draft) -> String {
    let names = |addresses: &[Address]| addresses.iter().map(Address::to_string).collect::<Vec<_>>();
    let content = serde_json::from_str::<&RawValue>(&draft.content).ok();
    let app = author.app.as_ref().map(|app| app.client_id.to_string());
    json!({
        "message": {
            "id": draft.id,
            "from": author.name,
            "to": names(&draft.to),
            "target": names(&draft.target),
            "type": draft.kind.to_string().trim_matches('"'),
            "content": content,
            "isBackground": draft.is_background,
            "tenantNo": author.tenant.to_string(),
            "deliverAfter": draft.deliver_after_s,
        },
        "deviceId": author.device_id.as_deref(),
        "app": app,
    })
    .to_string()
}

/// What an answer means; whatever is no answer is a failure.
fn read(called: Result<CallAnswer, NoAnswer>) -> Result<Verdict, String> {
    let answer = called.map_err(|error| error.to_string())?;
    match answer.status {
        204 => return Ok(Verdict::Allowed),
        200 if answer.is_whole => {}
        200 => return Err("the answer is too long, or broke off".to_owned()),
        status => return Err(format!("it answered {status}")),
    }
    let said: Answer<'_> = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    match (said.action, said.content) {
        (Action::Allow, _) => Ok(Verdict::Allowed),
        (Action::Refuse, _) => Ok(Verdict::Refused(reason(said.reason))),
        (Action::Rewrite, Some(content)) => Ok(Verdict::Rewritten(text::minify(content.get()))),
        (Action::Rewrite, None) => Err("`rewrite` without `content`".to_owned()),
    }
}

/// A reason that can be shown.
fn reason(said: Option<String>) -> String {
    let said = said.unwrap_or_else(|| Refusal::HookRefused.text().to_owned());
    let mut shown = String::new();
    for letter in said.chars().filter(|letter| !letter.is_control()) {
        if shown.len() + letter.len_utf8() > REASON_BYTES_MAX {
            break;
        }
        shown.push(letter);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Verdict, String> {
        read(Ok(CallAnswer {
            status,
            retry_after: None,
            body: body.as_bytes().to_vec(),
            is_whole: true,
        }))
    }

    #[test]
    fn an_answer_is_read_and_everything_else_is_a_failure() {
        assert!(matches!(answer(204, ""), Ok(Verdict::Allowed)));
        assert!(matches!(answer(200, r#"{"action":"allow"}"#), Ok(Verdict::Allowed)));
        assert!(
            matches!(answer(200, r#"{"action":"refuse","reason":"no\u0000"}"#), Ok(Verdict::Refused(why)) if why == "no")
        );
        let rewritten = answer(200, r#"{"action":"rewrite","content":{ "text": "hi" }}"#);
        assert!(matches!(rewritten, Ok(Verdict::Rewritten(content)) if content == r#"{"text":"hi"}"#));
        for (status, bad) in [
            (200, ""),
            (200, "allow"),
            (200, r#"{"action":"maybe"}"#),
            (200, r#"{"action":"rewrite"}"#),
            (200, r#"{"action":"allow","surprise":1}"#),
            (302, r#"{"action":"allow"}"#),
            (500, r#"{"action":"allow"}"#),
        ] {
            assert!(answer(status, bad).is_err(), "{status} {bad}");
        }
    }
}
