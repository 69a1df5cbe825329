//! One attempt: looks whether it is still owed, finds the words, and hands it to the vendor's lane. What goes to several
//! devices at once is in [`super::batch`].

use std::sync::Arc;

use godwit_archive::{InboxQuery, Record};
use godwit_model::{AccountNo, Refused, TenantNo};
use godwit_push::{Lane, Notification, Outcome, PushId, Target, VendorName};
use godwit_registry::{Device, DuePush, KeptPushToken, LedgerLine, Settled, Settlement};

use super::Desk;
use super::in_flight::{Flight, Place};
use super::outcome::{Tried, chance};
use super::wanted::Wanted;
use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;

/// How long a job waits when our own store or log does not answer.
const OURS_AGAIN_MS: u64 = 2_000;

/// What is left of a job that was taken.
pub(super) enum Attempt {
    /// It is to be sent.
    Ready(Box<Prepared>),
    /// It is settled without being sent.
    Over(Settlement),
}

/// Whether there is something to send.
enum Ready {
    Yes(Box<Send>),
    /// Nothing any more, and why.
    No(&'static str),
    /// The device's token changed while it was looked at.
    Changed,
}

/// All that one attempt needs.
struct Send {
    tenant: TenantNo,
    lane: Arc<Lane>,
    app: String,
    token: KeptPushToken,
    tokens: Vec<KeptPushToken>,
    notification: Notification,
    flight: Flight,
}

/// A push that is ready. Whoever retires the device, or moves the token, waits until it is dropped.
pub(super) struct Prepared {
    pub(super) due: DuePush,
    wanted: Wanted,
    tenant: TenantNo,
    pub(super) lane: Arc<Lane>,
    app: String,
    token: KeptPushToken,
    /// All tokens of the device, the one to try first at the front.
    tokens: Vec<KeptPushToken>,
    pub(super) notification: Notification,
    _flights: [Flight; 2],
}

/// One request, and how it went.
pub(super) struct Request {
    began_ms: u64,
    sent_at_ms: u64,
    /// The id that went with it.
    id: PushId,
    chance: u64,
    pub(super) may_retire: bool,
}

impl Prepared {
    pub(super) fn target(&self) -> Target {
        let details = self.token.push.details.clone();
        Target {
            token: self.token.push.token.clone(),
            voip_token: details.voip_token,
            package: details.package,
            sandbox: details.sandbox,
            region: details.region,
            harmony: details.harmony,
        }
    }

    /// What the vendor's mass of answers is counted under.
    pub(super) fn lane_name(&self) -> String {
        format!("{} {}", self.app, self.token.push.vendor)
    }
}

impl Dispatcher {
    /// Looks whether a job that was taken is still owed, and finds its words.
    pub(super) async fn prepare_push(&self, desk: &Desk, vendor: VendorName, due: DuePush) -> Attempt {
        let Some(wanted) = Wanted::read(&due.attempt) else {
            return Attempt::Over(self.settlement(&due, Settled::Dropped, Vec::new()));
        };
        // Before the token is read: a logout waits for whoever read it.
        let flight = desk.in_flight.begin(Place::Device(due.device));
        let settlement = match self.ready(desk, vendor, (&due, &wanted)).await {
            Ok(Ready::Yes(send)) => {
                return Attempt::Ready(Box::new(Prepared {
                    due,
                    wanted,
                    tenant: send.tenant,
                    lane: send.lane,
                    app: send.app,
                    token: send.token,
                    tokens: send.tokens,
                    notification: send.notification,
                    _flights: [flight, send.flight],
                }));
            }
            Ok(Ready::No(reason)) => {
                metrics::counter!("push_suppressed_total", "reason" => reason).increment(1);
                let lines = self.line(&due, &wanted, vendor.as_str()).await.map(|line| LedgerLine {
                    outcome: "dropped".to_owned(),
                    code: reason.to_owned(),
                    ..line
                });
                self.settlement(&due, Settled::Dropped, lines.into_iter().collect())
            }
            Ok(Ready::Changed) => self.again(&due, 0),
            Err(refused) => {
                tracing::warn!(detail = %refused.detail, "a push could not be prepared; trying again");
                self.again(&due, OURS_AGAIN_MS)
            }
        };
        Attempt::Over(settlement)
    }

    /// Nothing was tried; it is due again.
    pub(super) fn again(&self, due: &DuePush, in_ms: u64) -> Settlement {
        let again = Settled::Later {
            due_at_ms: self.clock.now_ms().saturating_add(in_ms),
            vendor: None,
            attempt: None,
            counts: false,
        };
        self.settlement(due, again, Vec::new())
    }

    async fn ready(
        &self,
        desk: &Desk,
        vendor: VendorName,
        (due, wanted): (&DuePush, &Wanted),
    ) -> Result<Ready, Refused> {
        let Some(device) = self.registry.device_by_no(due.device).await.map_err(of_registry)? else {
            return Ok(Ready::No("device_gone"));
        };
        if !device.push_enabled {
            return Ok(Ready::No("push_off"));
        }
        let withdraws = wanted.is_silent();
        if let Some(reason) = self.settled_otherwise(due, wanted).await?
            && !withdraws
        {
            return Ok(Ready::No(reason));
        }
        let tokens = self.registry.push_tokens(due.device).await.map_err(of_registry)?;
        let token = tokens.iter().find(|token| token.push.vendor == vendor.as_str());
        let Some(token) = token.cloned() else {
            return Ok(Ready::No("no_token"));
        };
        let app = token.push.details.package.clone();
        let app = app.unwrap_or_else(|| device.account.tenant.to_string());
        let Some(lane) = desk.channels.lane(&app, vendor.as_str()) else {
            return Ok(Ready::No("vendor_not_set"));
        };
        let record = if withdraws {
            None
        } else {
            self.entry(due.account, wanted.seq).await?
        };
        let facts = record.as_deref().and_then(MessageFacts::of);
        if !withdraws && !wanted.recalled && facts.is_none() && due.messages <= 1 {
            return Ok(Ready::No("message_gone"));
        }
        let notification = self
            .notification(desk, (due, wanted), (&device, facts.as_ref()))
            .await?;
        // Asked again once the flight is known: whoever moves the token meanwhile waits for this attempt.
        let flight = desk.in_flight.begin(Place::Token(token.token_hash));
        let now = self.registry.push_tokens(due.device).await.map_err(of_registry)?;
        if !now.contains(&token) {
            return Ok(Ready::Changed);
        }
        Ok(Ready::Yes(Box::new(Send {
            tenant: device.account.tenant,
            lane,
            app,
            token,
            tokens,
            notification,
            flight,
        })))
    }

    /// Why a push is not owed any more, if it is not.
    async fn settled_otherwise(&self, due: &DuePush, wanted: &Wanted) -> Result<Option<&'static str>, Refused> {
        if self.cursor(due.device) >= wanted.seq {
            return Ok(Some("received"));
        }
        if self.clock.now_ms() >= wanted.not_after_ms {
            return Ok(Some("too_old"));
        }
        let Ok(conversation) = due.lane.parse() else {
            return Ok(None);
        };
        let state = self
            .registry
            .conversation_state(due.account, conversation)
            .await
            .map_err(of_registry)?;
        let is_read = state.is_some_and(|state| state.read_up_to >= wanted.conv_seq);
        Ok(is_read.then_some("read_elsewhere"))
    }

    /// One entry of an inbox, as it may be shown now.
    pub(super) async fn entry(&self, account: AccountNo, seq: u64) -> Result<Option<Arc<Record>>, Refused> {
        let query = InboxQuery {
            after: Some(seq.saturating_sub(1)),
            before: Some(seq + 1),
            since_ms: None,
            conversation: None,
            limit: 1,
            bytes_max: usize::MAX,
        };
        let page = self.read(move |archive| archive.inbox(account, &query)).await?;
        Ok(page.into_iter().next().map(|item| item.record))
    }

    /// Sends one push by itself.
    pub(super) async fn send_push(&self, desk: &Desk, push: Prepared) -> Settlement {
        let mut request = self.begin_push(push.notification.id);
        let outcome = push.lane.deliver(&push.target(), &push.notification).await;
        request.may_retire = self.note(desk, &push.lane_name(), std::slice::from_ref(&outcome));
        self.settle_push(desk, (push, outcome), &request).await
    }

    pub(super) fn begin_push(&self, id: PushId) -> Request {
        Request {
            began_ms: self.clock.steady_ms(),
            sent_at_ms: self.clock.now_ms(),
            id,
            chance: chance(),
            may_retire: false,
        }
    }

    /// Counts the outcomes of one request; says whether tokens that they call invalid may be retired.
    pub(super) fn note(&self, desk: &Desk, lane_name: &str, outcomes: &[Outcome]) -> bool {
        let now_ms = self.clock.now_ms();
        let noted = outcomes.iter().map(|outcome| {
            let is_invalid = matches!(outcome, Outcome::TokenInvalid { .. });
            desk.breaker.note(lane_name, is_invalid, now_ms)
        });
        // By the last word, which has heard all of them.
        noted.last().unwrap_or(false)
    }

    /// What becomes of a push, and what the ledger says of it.
    pub(super) async fn settle_push(
        &self,
        desk: &Desk,
        (push, outcome): (Prepared, Outcome),
        request: &Request,
    ) -> Settlement {
        let Prepared { due, wanted, token, .. } = &push;
        let latency_ms = self.clock.steady_ms().saturating_sub(request.began_ms);
        record_latency(&token.push.vendor, latency_ms);
        let tried = Tried {
            due,
            wanted,
            token,
            tokens: &push.tokens,
            lane_name: &push.lane_name(),
            sent_at_ms: request.sent_at_ms,
            may_retire: request.may_retire,
            chance: request.chance,
        };
        let settled = self.settle(desk, &tried, &outcome).await;
        let line = LedgerLine {
            push_id: request.id.hyphenated(),
            outcome: outcome.word().to_owned(),
            code: outcome.code().to_owned(),
            detail: outcome.detail().to_owned(),
            vendor_id: vendor_id(&outcome),
            latency_ms,
            ..self.line_of(push.tenant, (due, wanted), &token.push.vendor)
        };
        self.settlement(due, settled, vec![line])
    }

    async fn line(&self, due: &DuePush, wanted: &Wanted, vendor: &str) -> Option<LedgerLine> {
        let account = self.registry.account_by_no(due.account).await.ok()??;
        Some(self.line_of(account.tenant, (due, wanted), vendor))
    }

    fn line_of(&self, tenant: TenantNo, (due, wanted): (&DuePush, &Wanted), vendor: &str) -> LedgerLine {
        LedgerLine {
            at_ms: self.clock.now_ms(),
            tenant,
            account: due.account,
            device: due.device,
            lane: due.lane.clone(),
            seq: wanted.seq,
            server_id: wanted.server_id.clone(),
            kind: wanted.kind.clone(),
            vendor: vendor.to_owned(),
            attempt: due.attempts + 1,
            ..LedgerLine::default()
        }
    }

    fn settlement(&self, due: &DuePush, what: Settled, lines: Vec<LedgerLine>) -> Settlement {
        Settlement {
            job: due.job,
            at_ms: self.clock.now_ms(),
            what,
            lines,
        }
    }

    /// The language of a device, or of nobody in particular.
    pub(super) fn language(device: &Device) -> &str {
        device.language.as_deref().unwrap_or_default()
    }
}

fn vendor_id(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted { vendor_id } => vendor_id.clone(),
        _ => None,
    }
}

fn record_latency(vendor: &str, latency_ms: u64) {
    let seconds = std::time::Duration::from_millis(latency_ms).as_secs_f64();
    metrics::histogram!("push_request_seconds", "vendor" => vendor.to_owned()).record(seconds);
}
