//! The business system of a tenant as the source of its groups and of who blocks whom.
//!
//! It is asked when a message needs to know, and what it says is kept: used for a while as it is, until the business
//! system says that it is another, and for longer where it does not answer. A group it knows is kept among the platform's
//! own, so that joins, leaves and their history are as for any other.

mod block;
mod group;
mod notice;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use godwit_model::{Refusal, Refused, TenantNo};
use godwit_push::{CallAnswer, NoAnswer};
use godwit_registry::Resolved;
use tokio::sync::{Mutex, MutexGuard};

use crate::Dispatcher;
use crate::failure::of_registry;
use crate::hooks::{Desk, Known, RESOLVER};

pub(crate) use block::Blocked;

/// How long an answer is used before it is asked again, in milliseconds.
const FRESH_MS: u64 = 300_000;
/// Bytes of an answer: a group of 100,000 members.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Questions about different things that are under way at once are spread over so many turns.
const TURNS: usize = 64;

/// Has one question about a thing under way at a time.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    async fn take(&self, tenant: TenantNo, subject: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (tenant, subject).hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        self.0[at].lock().await
    }
}

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) tenant: TenantNo,
    /// What the answer is kept under.
    pub(crate) subject: &'a str,
    /// What it is called.
    pub(crate) kind: &'static str,
    /// JSON.
    pub(crate) data: String,
    /// Whether bytes are an answer.
    pub(crate) read: fn(&[u8]) -> Result<(), String>,
}

/// What is known after asking.
pub(crate) enum Answered<'a> {
    /// As before.
    Before(Arc<Resolved>),
    /// Asked just now, and to be kept by who asked: what is kept is relied upon by everybody, without waiting.
    Asked {
        answer: String,
        /// What was said before it, if anything.
        before: Option<Arc<Resolved>>,
        /// Others who ask about the same thing wait for it.
        turn: MutexGuard<'a, ()>,
    },
}

/// Where there is no such thing.
pub(crate) const ABSENT: &str = "null";

impl Dispatcher {
    /// The resolver of a tenant, if it has one: one load where nobody has a hook.
    pub(crate) fn resolver_of(&self, tenant: TenantNo) -> Option<(&Arc<Desk>, Arc<Known>)> {
        let desk = self.hooks.in_use()?;
        Some((desk, desk.find(tenant, RESOLVER)?))
    }

    /// What the business system says of a thing: what it said lately, or what it says now.
    ///
    /// # Errors
    /// [`Refusal::ResolverUnavailable`] where it does not answer, and what it said is too old or was never said.
    pub(crate) async fn resolve(
        &self,
        (desk, known): (&Arc<Desk>, &Arc<Known>),
        question: &Question<'_>,
    ) -> Result<Answered<'_>, Refused> {
        if let Some(before) = self.still_good(question).await? {
            return Ok(Answered::Before(before));
        }
        // Whoever polls this once and then begins again has asked nothing yet.
        tokio::task::yield_now().await;
        let turn = self.resolving.take(question.tenant, question.subject).await;
        if let Some(before) = self.still_good(question).await? {
            return Ok(Answered::Before(before));
        }
        let before = self
            .registry
            .resolved(question.tenant, question.subject)
            .await
            .map_err(of_registry)?;
        let id = format!("rsv_{}", crate::new_message_id(self.clock.now_ms())?);
        let read = question.read;
        let asked = self
            .ask_hook(
                (&**desk, &**known),
                (&id, question.kind, &question.data),
                ANSWER_BYTES_MAX,
                |called| {
                    let answer = text_of(called)?;
                    if answer != ABSENT {
                        read(answer.as_bytes())?;
                    }
                    Ok(answer)
                },
            )
            .await;
        metrics::counter!("resolver_questions_total",
            "outcome" => if asked.is_ok() { "answered" } else { "unanswered" })
        .increment(1);
        match asked {
            Ok(answer) => Ok(Answered::Asked { answer, before, turn }),
            Err(why) => {
                tracing::warn!(
                    tenant = question.tenant.0,
                    kind = question.kind,
                    why,
                    "a resolver does not answer"
                );
                let oldest_ms = self.clock.now_ms().saturating_sub(known.hook.says.stale_ms);
                let usable = before.filter(|before| before.at_ms >= oldest_ms);
                usable
                    .map(Answered::Before)
                    .ok_or_else(|| Refusal::ResolverUnavailable.into())
            }
        }
    }

    async fn still_good(&self, question: &Question<'_>) -> Result<Option<Arc<Resolved>>, Refused> {
        let found = self
            .registry
            .resolved(question.tenant, question.subject)
            .await
            .map_err(of_registry)?;
        let oldest_ms = self.clock.now_ms().saturating_sub(FRESH_MS);
        Ok(found.filter(|found| !found.outdated && found.at_ms >= oldest_ms))
    }
}

/// The text of an answer; [`ABSENT`] where there is no such thing.
fn text_of(called: Result<CallAnswer, NoAnswer>) -> Result<String, String> {
    let answer = called.map_err(|error| error.to_string())?;
    match answer.status {
        404 => Ok(ABSENT.to_owned()),
        200 if answer.is_whole => String::from_utf8(answer.body).map_err(|error| error.to_string()),
        200 => Err("the answer is too long, or broke off".to_owned()),
        status => Err(format!("it answered {status}")),
    }
}
